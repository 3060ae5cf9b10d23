#include "apps/daemon/session/log_reply.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "apps/daemon/http/errors.h"
#include "apps/daemon/session/records.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

constexpr size_t kPiece = 64 * 1024;
constexpr uint64_t kInOnePiece = 256 * 1024;  // larger logs are streamed

enum class View { raw, stripped, out, err };

uint64_t size_of(int fd) {
  struct stat st{};
  return ::fstat(fd, &st) == 0 ? static_cast<uint64_t>(st.st_size) : 0;
}

// Reads one view of the first `size` bytes of a log.
class LogView {
 public:
  LogView(int fd, uint64_t size, View view) : fd_(fd), size_(size), view_(view) {}
  // Appends the next piece. False: that was all.
  bool next(std::string& to);

 private:
  int fd_;
  uint64_t size_, offset_ = 0;
  View view_;
  Demux demux_;
  std::string other_;
};

bool LogView::next(std::string& to) {
  char buffer[kPiece / 4];
  size_t want = static_cast<size_t>(std::min<uint64_t>(sizeof buffer, size_ - offset_));
  ssize_t n = want == 0 ? 0 : ::pread(fd_, buffer, want, static_cast<off_t>(offset_));
  if (n < 0 && errno == EINTR) return true;
  other_.clear();
  std::string& out = view_ == View::err ? other_ : to;
  std::string& err = view_ == View::out ? other_ : to;
  if (n <= 0) {
    if (view_ != View::raw) demux_.finish(out, err);
    return false;
  }
  offset_ += static_cast<uint64_t>(n);
  if (view_ == View::raw)
    to.append(buffer, static_cast<size_t>(n));
  else
    demux_.feed({buffer, static_cast<size_t>(n)}, out, err);
  return true;
}

// Bytes as the inside of a JSON string, where a character may be cut between two pieces.
class JsonText {
 public:
  void add(std::string_view bytes, bool last, std::string& to) {
    held_ += bytes;
    size_t keep = last ? 0 : unfinished();
    std::string quoted;
    codec::write_string(quoted, std::string_view(held_).substr(0, held_.size() - keep));
    to.append(quoted, 1, quoted.size() - 2);
    held_.erase(0, held_.size() - keep);
  }

 private:
  // Length of a character at the end that may go on in the next piece.
  size_t unfinished() const {
    for (size_t back = 1; back <= 3 && back <= held_.size(); ++back) {
      auto c = static_cast<unsigned char>(held_[held_.size() - back]);
      if (c < 0x80) return 0;
      if (c >= 0xC0) return (c >= 0xF0 ? 4u : c >= 0xE0 ? 3u : 2u) > back ? back : 0;
    }
    return 0;
  }
  std::string held_;
};

// An answer in parts: fixed text, or a view of the log.
struct Part {
  std::string text;
  std::optional<View> view = {};
  bool json = false;
};

struct Plan {
  Fd log;
  uint64_t size = 0;
  std::vector<Part> parts;

  void add(std::string text) { parts.push_back({std::move(text)}); }
  void add(View view, bool json) { parts.push_back({"", view, json}); }
  std::string all();
};

std::string Plan::all() {
  std::string out;
  for (Part& part : parts) {
    out += part.text;
    if (!part.view) continue;
    LogView view(log.get(), size, *part.view);
    std::string bytes;
    while (view.next(bytes)) {
    }
    JsonText text;
    if (part.json)
      text.add(bytes, true, out);
    else
      out += bytes;
  }
  return out;
}

Task<Status> send_view(Plan& plan, const Part& part, BodyWriter& to) {
  LogView view(plan.log.get(), plan.size, *part.view);
  JsonText text;
  std::string bytes, encoded;
  for (bool more = true; more;) {
    bytes.clear();
    encoded.clear();
    more = view.next(bytes);
    if (part.json) text.add(bytes, !more, encoded);
    std::string& piece = part.json ? encoded : bytes;
    if (piece.empty()) continue;
    CO_TRY_VOID(co_await to.write(piece));
  }
  co_return Status{};
}

Task<Status> send(std::shared_ptr<Plan> plan, BodyWriter& to) {
  for (const Part& part : plan->parts) {
    if (!part.text.empty()) CO_TRY_VOID(co_await to.write(part.text));
    if (!part.view) continue;
    CO_TRY_VOID(co_await send_view(*plan, part, to));
  }
  co_return Status{};
}

Response answer(Plan plan, std::string_view type) {
  Response response;
  response.headers.set("Content-Type", std::string(type));
  if (plan.size <= kInOnePiece) {
    response.body = plan.all();
    return response;
  }
  auto shared = std::make_shared<Plan>(std::move(plan));
  response.stream = [shared](BodyWriter& to) { return send(shared, to); };
  return response;
}

constexpr std::string_view kJson = "application/json; charset=utf-8";
constexpr std::string_view kText = "text/plain; charset=utf-8";

Plan plan_for(Fd log) {
  Plan plan{.log = std::move(log)};
  plan.size = size_of(plan.log.get());
  return plan;
}

}  // namespace

Result<Fd> open_log(const std::string& path) {
  auto log = open_file(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (log) return log;
  Error error = std::move(log).error();
  bool known = error.code == Code::not_found || error.code == Code::forbidden;
  return fail(known ? error.code : Code::bad_request, error.message);
}

Response log_response(Fd log, const LogForm& form) {
  Plan plan = plan_for(std::move(log));
  View whole = form.combined ? View::stripped : View::raw;
  if (!form.split) {
    plan.add(whole, false);
    return answer(std::move(plan), kText);
  }
  plan.add("{\"output\":\"");
  plan.add(whole, true);
  plan.add("\",\"stdout\":\"");
  plan.add(View::out, true);
  plan.add("\",\"stderr\":\"");
  plan.add(View::err, true);
  plan.add("\"}");
  return answer(std::move(plan), kJson);
}

Response outcome_response(Fd log, const LogForm& form, const Outcome& outcome) {
  Plan plan = plan_for(std::move(log));
  plan.add("{\"cmdId\":\"" + outcome.command_id + "\",\"output\":\"");
  plan.add(form.combined ? View::stripped : View::raw, true);
  if (form.split) {
    plan.add("\",\"stdout\":\"");
    plan.add(View::out, true);
    plan.add("\",\"stderr\":\"");
    plan.add(View::err, true);
    plan.add("\",");
  } else {
    plan.add("\",\"stdout\":null,\"stderr\":null,");
  }
  plan.add("\"exitCode\":" + std::to_string(outcome.exit_code) + "}");
  return answer(std::move(plan), kJson);
}

}  // namespace dt::daemon
