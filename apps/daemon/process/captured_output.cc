#include "apps/daemon/process/captured_output.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "apps/daemon/process/utf8_joiner.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

constexpr size_t kPiece = 16 * 1024;
constexpr size_t kMemoryFile = 1u << 20;

// Without a name from the start, or at once.
Fd nameless_file(const std::string& directory) {
  Fd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  std::string path = directory + "/dtn_output_XXXXXX";
  file = Fd(::mkostemp(path.data(), O_CLOEXEC));
  if (file) ::unlink(path.c_str());
  return file;
}

void append_json(std::string& out, std::string_view text) {
  size_t at = out.size();
  codec::write_string(out, text);
  out.erase(at, 1);  // the quotes
  out.pop_back();
}

}  // namespace

void CapturedOutput::append(std::string_view bytes) {
  if (!cut_mark_.empty()) return;
  size_t room = limit_ - taken_;
  if (bytes.size() > room) {
    bytes = bytes.substr(0, room);
    cut_mark_ = limit_mark_;
  }
  block_ += bytes;
  taken_ += bytes.size();
}

Status CapturedOutput::store(std::string_view bytes) {
  if (!file_) {
    file_ = nameless_file(directory_);
    if (!file_) {
      file_ = Fd(::memfd_create("output", MFD_CLOEXEC));
      limit_ = std::min(limit_, kMemoryFile);
      limit_mark_ = kNoSpaceMark;
    }
    if (!file_) return fail_errno("no place for output");
  }
  while (!bytes.empty()) {
    ssize_t n = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(stored_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write output");
    stored_ += static_cast<size_t>(n);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Task<void> CapturedOutput::spill() {
  if (block_.empty()) co_return;
  auto stored = co_await pool_->run([this] { return store(block_); });
  if (!stored && !file_) {
    cut_mark_ = kNoSpaceMark;  // what is in memory stays there
    co_return;
  }
  if (!stored) cut_mark_ = kNoSpaceMark;
  block_.clear();
}

Task<void> CapturedOutput::finish() {
  if (!file_) block_ += cut_mark_;
  if (file_) co_await spill();
  if (file_ && block_.capacity() > 0) block_ = {};
}

Task<Status> CapturedOutput::write_json(BodyWriter& to) const {
  Utf8Joiner joiner;
  std::string piece, out;
  for (size_t at = 0; at < stored_; at += piece.size()) {
    piece.resize(std::min(kPiece, stored_ - at));
    ssize_t n = co_await pool_->run(
        [&] { return ::pread(file_.get(), piece.data(), piece.size(), static_cast<off_t>(at)); });
    if (n <= 0) co_return fail(Code::io, "the output cannot be read back");
    piece.resize(static_cast<size_t>(n));
    out.clear();
    append_json(out, joiner.feed(piece));
    CO_TRY_VOID(co_await to.write(out));
  }
  out.clear();
  append_json(out, joiner.rest());
  append_json(out, in_memory() ? std::string_view(block_) : cut_mark_);
  if (out.empty()) co_return Status();
  co_return co_await to.write(out);
}

}  // namespace dt::daemon
