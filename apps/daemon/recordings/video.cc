#include "apps/daemon/recordings/video.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <tuple>

#include "apps/daemon/files/download.h"
#include "apps/daemon/files/media_type.h"
#include "apps/daemon/http/errors.h"
#include "apps/daemon/http/timestamp.h"
#include "libs/base/fd.h"

namespace dt::daemon::recordings {
namespace {

// Read ahead by a worker before it is sent, so that the loop does not wait for the disk.
constexpr uint64_t kWindow = 4u << 20;

struct Opened {
  Fd fd;
  struct stat st{};
};

Result<Opened> open_video(const std::string& path) {
  Opened out;
  out.fd = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  bool good = out.fd && ::fstat(out.fd.get(), &out.st) == 0 && S_ISREG(out.st.st_mode);
  if (!good) return fail(Code::not_found, "file not found", "NOT_FOUND");
  return out;
}

Task<Status> send(WorkerPool& pool, BodyWriter& writer, std::shared_ptr<Opened> file, ByteRange range) {
  int fd = file->fd.get();
  for (uint64_t sent = 0; sent < range.length;) {
    uint64_t offset = range.first + sent;
    uint64_t length = std::min(kWindow, range.length - sent);
    co_await pool.run(
        [fd, offset, length] { std::ignore = ::readahead(fd, static_cast<off64_t>(offset), length); });
    Status done = co_await writer.send_file(fd, offset, length);
    if (!done) co_return done;
    sent += length;
  }
  co_return Status{};
}

Response out_of_range(uint64_t size, const Error& error, const Request& request) {
  Response response = error_response(request, error);
  response.headers.set("Content-Range", "bytes */" + std::to_string(size));
  return response;
}

}  // namespace

Task<Result<Response>> video(WorkerPool& pool, const Request& request, std::string path) {
  auto opened = co_await pool.run([&path] { return open_video(path); });
  if (!opened) co_return std::unexpected(opened.error());
  auto file = std::make_shared<Opened>(std::move(*opened));
  auto size = static_cast<uint64_t>(file->st.st_size);
  std::string modified = http_date(file->st.st_mtim.tv_sec);
  Response response;
  response.headers.set("Content-Type", std::string(media_type(path)));
  response.headers.set("Last-Modified", modified);
  response.headers.set("Accept-Ranges", "bytes");
  response.headers.set("X-Content-Type-Options", "nosniff");
  ByteRange range{0, size};
  auto header = request.headers.get("Range");
  bool applies = header && request.headers.get_or("If-Range", modified) == modified;
  if (applies) {
    auto wanted = parse_range(*header, size);
    if (!wanted) co_return out_of_range(size, wanted.error(), request);
    if (*wanted) {
      range = **wanted;
      response.status = 206;
      response.headers.set("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                                std::to_string(range.first + range.length - 1) + "/" +
                                                std::to_string(size));
    }
  }
  response.headers.set("Content-Length", std::to_string(range.length));
  response.stream = [&pool, file, range](BodyWriter& writer) { return send(pool, writer, file, range); };
  co_return response;
}

}  // namespace dt::daemon::recordings
