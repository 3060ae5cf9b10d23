#include "apps/daemon/files/replace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "apps/daemon/files/file_error.h"
#include "apps/daemon/files/line_search.h"
#include "apps/daemon/files/staged_file.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

constexpr size_t kPiece = 256 * 1024;

// Copies one file with every occurrence replaced, left to right; matches do not overlap.
class Replacer {
 public:
  Replacer(const TextFinder& finder, const ReplaceQuery& query, StagedFile& to)
      : finder_(finder), query_(query), to_(to) {}
  Status run(int fd, const std::string& path);

 private:
  Status take(bool end);
  Status put(std::string_view bytes);
  const TextFinder& finder_;
  const ReplaceQuery& query_;
  StagedFile& to_;
  std::string in_;   // read and not yet decided about
  std::string out_;  // to be written
};

Status Replacer::put(std::string_view bytes) {
  out_ += bytes;
  if (out_.size() < kPiece) return {};
  Status written = to_.write(out_);
  out_.clear();
  return written;
}

// What cannot be part of a match any more leaves `in_`.
Status Replacer::take(bool end) {
  size_t at = 0;
  for (size_t hit = 0; (hit = finder_.find(in_, at)) != std::string::npos;) {
    if (query_.ended->now) return fail(Code::cancelled, "the client went away");
    TRY_VOID(put(std::string_view(in_).substr(at, hit - at)));
    TRY_VOID(put(query_.value));
    at = hit + query_.pattern.size();
  }
  size_t left = end ? 0 : std::min(in_.size() - at, query_.pattern.size() - 1);
  TRY_VOID(put(std::string_view(in_).substr(at, in_.size() - at - left)));
  in_.erase(0, in_.size() - left);
  return {};
}

Status Replacer::run(int fd, const std::string& path) {
  for (;;) {
    size_t old = in_.size();
    in_.resize(old + kPiece);
    ssize_t n = ::read(fd, in_.data() + old, kPiece);
    in_.resize(old + static_cast<size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(file_error(path, errno));
    TRY_VOID(take(n == 0));
    if (n > 0) continue;
    TRY_VOID(to_.write(out_));
    return to_.commit();
  }
}

Result<Fd> open_regular(const std::string& path) {
  TRY_VOID(check_path(path));
  struct stat st{};
  // A FIFO must not even be opened: its writer would notice.
  if (::stat(path.c_str(), &st) < 0) return std::unexpected(file_error(path, errno));
  if (S_ISDIR(st.st_mode)) return std::unexpected(file_error(path, EISDIR));
  if (!S_ISREG(st.st_mode)) return std::unexpected(invalid_path("not a regular file: " + path));
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return std::unexpected(file_error(path, errno));
  return fd;
}

Status replace_in(const std::string& path, const TextFinder& finder, const ReplaceQuery& query) {
  if (query.ended->now) return fail(Code::cancelled, "the client went away");
  TRY(Fd fd, open_regular(path));
  TRY(StagedFile file, StagedFile::open_existing(path));
  return Replacer(finder, query, file).run(fd.get(), path);
}

}  // namespace

std::string replace_json(const ReplaceQuery& query) {
  TextFinder finder(query.pattern);
  std::string out = "[";
  for (const std::string& file : query.files) {
    Status done = replace_in(file, finder, query);
    if (out.size() > 1) out += ',';
    out += "{\"file\":";
    codec::write_string(out, file);
    out += done ? ",\"success\":true" : ",\"success\":false,\"error\":";
    if (!done) codec::write_string(out, done.error().message);
    out += '}';
  }
  return out + "]";
}

}  // namespace dt::daemon
