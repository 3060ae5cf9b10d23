#include "apps/daemon/interpreter/run.h"

namespace dt::daemon::interpreter {
namespace {

constexpr size_t kJoinBelow = 32 * 1024;
constexpr size_t kFrameOverhead = 128;

size_t size_of(const Frame& frame) {
  return kFrameOverhead + frame.text.size() + frame.name.size() + frame.value.size() + frame.traceback.size();
}

}  // namespace

void Run::add_text(std::string_view type, std::string_view text) {
  if (text.empty() || gone_ || close_) return;
  if (dropping_ && bytes_ >= kWaitingBytes) return;
  Frame* last = waiting_.empty() ? nullptr : &waiting_.back();
  if (last && last->type == type && last->text.size() + text.size() <= kJoinBelow) {
    last->text += text;
    bytes_ += text.size();
    return;  // the connection knows already that something waits
  }
  add(Frame{.type = type, .text = std::string(text), .name = {}, .value = {}, .traceback = {}});
}

void Run::add(Frame frame) {
  if (gone_ || close_) return;
  bytes_ += size_of(frame);
  waiting_.push_back(std::move(frame));
  changed_.set();
}

Task<void> Run::room() {
  while (full() && !gone_ && !close_) {
    size_t before = bytes_;
    room_.reset();
    bool woken = co_await room_.wait(after(kSlowClient));
    if (woken || bytes_ < before) continue;
    waiting_.clear();
    bytes_ = 0;
    end({1008, "slow consumer"});
  }
}

void Run::never_wait() {
  dropping_ = true;
  room_.set();
}

void Run::end(CloseFrame frame) {
  if (close_) return;
  close_ = std::move(frame);
  changed_.set();
  room_.set();
}

std::optional<std::string> Run::next() {
  if (waiting_.empty()) return std::nullopt;
  Frame frame = std::move(waiting_.front());
  waiting_.pop_front();
  bytes_ -= size_of(frame);
  if (bytes_ < kWaitingBytes) room_.set();
  return frame_json(frame);
}

Task<void> Run::changed() {
  if (!waiting_.empty() || close_ || gone_) co_return;
  changed_.reset();
  co_await changed_.wait();
}

void Run::client_gone() {
  gone_ = true;
  waiting_.clear();
  bytes_ = 0;
  changed_.set();
  room_.set();
}

}  // namespace dt::daemon::interpreter
