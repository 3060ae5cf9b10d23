#include "apps/daemon/files/receiver.h"

namespace dt::daemon {
namespace {
constexpr size_t kFlushFrom = 256 * 1024;
}

Status write_whole(const std::string& path, mode_t parent_mode, std::string_view content, std::string& step) {
  step = "mkdir " + parent_of(path);
  TRY_VOID(make_parents(path, parent_mode));
  step = "create";
  TRY(StagedFile file, StagedFile::open(path));
  step = "write";
  TRY_VOID(file.write(content));
  step = "close";
  return file.commit();
}

Status Receiver::write(std::string& buffer) {
  if (!file_) {
    step_ = "mkdir " + parent_of(path_);
    TRY_VOID(make_parents(path_, parent_mode_));
    step_ = "create";
    auto opened = StagedFile::open(path_);
    if (!opened) return std::unexpected(opened.error());
    file_.emplace(std::move(*opened));
  }
  step_ = "write";
  Status written = file_->write(buffer);
  buffer.clear();
  return written;
}

Task<void> Receiver::write_behind() {
  state_ = co_await pool_.run([this] { return write(writing_); });
  idle_.set();
}

Task<void> Receiver::write_full_buffer() {
  co_await idle_.wait();
  if (!state_) co_return;
  std::swap(filling_, writing_);
  idle_.reset();
  writer_.spawn(write_behind());
}

Task<Result<uint64_t>> Receiver::receive(Source next) {
  uint64_t total = 0;
  for (;;) {
    auto piece = co_await next();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    total += piece->size();
    if (!state_) continue;
    filling_.append(*piece);
    if (filling_.size() >= kFlushFrom) co_await write_full_buffer();
  }
  co_await idle_.wait();
  if (state_) {
    state_ = co_await pool_.run([this]() -> Status {
      TRY_VOID(write(filling_));
      step_ = "close";
      return file_->commit();
    });
  }
  if (!state_) co_return std::unexpected(state_.error());
  co_return total;
}

Task<void> read_to_end(BodyReader& body) {
  for (;;) {
    auto piece = co_await body.next();
    if (!piece || piece->empty()) co_return;
  }
}

}  // namespace dt::daemon
