#include "apps/daemon/files/download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <tuple>

#include "apps/daemon/files/file_error.h"
#include "apps/daemon/files/file_info.h"
#include "apps/daemon/files/media_type.h"
#include "apps/daemon/http/errors.h"
#include "apps/daemon/http/json_body.h"
#include "apps/daemon/http/timestamp.h"
#include "apps/daemon/process/routes.h"
#include "libs/base/fd.h"
#include "libs/base/random.h"

namespace dt::daemon {
namespace {

// Files up to this size are read where they are opened, larger ones are sent by the kernel in windows that a
// worker has asked it to read before, so that the loop does not wait for the disk.
constexpr size_t kReadWhole = 128 * 1024;
constexpr uint64_t kWindow = 4u << 20;
// Of the files of a bulk download that are opened together.
constexpr size_t kBatchFiles = 64, kBatchBytes = 512 * 1024;
constexpr size_t kWriteFrom = 64 * 1024;

struct Opened {
  Fd fd;
  struct stat st{};
  uint64_t size = 0;
  std::optional<std::string> content;  // when it is small
};

// Files of /proc say size 0 and have content.
Result<std::string> read_content(int fd, uint64_t size, const std::string& path) {
  auto content = read_all(fd, size == 0 ? size_t{16} << 20 : size_t{kReadWhole} * 2);
  if (content) return content;
  return std::unexpected(Error{Code::internal, "failed to access file: " + path, "FILE_READ_FAILED"});
}

Result<Opened> open_for_download(const std::string& path) {
  TRY_VOID(check_path(path));
  Opened out;
  // A FIFO, a socket, a device must not even be opened: somebody at its other end would notice.
  if (::stat(path.c_str(), &out.st) < 0) return std::unexpected(file_error(path, errno));
  if (!S_ISREG(out.st.st_mode) && !S_ISDIR(out.st.st_mode)) return std::unexpected(invalid_path(path));
  out.fd = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!out.fd) return std::unexpected(file_error(path, errno));
  if (::fstat(out.fd.get(), &out.st) < 0) return std::unexpected(file_error(path, errno));
  if (S_ISDIR(out.st.st_mode)) return std::unexpected(file_error(path, EISDIR));
  if (!S_ISREG(out.st.st_mode)) return std::unexpected(invalid_path(path));
  out.size = static_cast<uint64_t>(out.st.st_size);
  if (out.size <= kReadWhole) {
    TRY(out.content, read_content(out.fd.get(), out.size, path));
    out.size = out.content->size();
  }
  return out;
}

Task<Status> send_range(WorkerPool& pool, BodyWriter& writer, const Opened& file, ByteRange range) {
  if (file.content)
    co_return co_await writer.write(std::string_view(*file.content).substr(range.first, range.length));
  int fd = file.fd.get();
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

// --- one file
// --------------------------------------------------------------------------------------------------------

void describe(Response& response, const std::string& path, const Opened& file) {
  std::string name = base_name(path);
  Headers& h = response.headers;
  h.set("Content-Type", std::string(kAnyType));
  h.set("Content-Description", "File Transfer");
  h.set("Content-Transfer-Encoding", "binary");
  h.set("Content-Disposition",
        "attachment; filename=\"" + latin1_name(name) + "\"; filename*=utf-8''" + encoded_name(name));
  h.set("Expires", "0");
  h.set("Cache-Control", "must-revalidate");
  h.set("Pragma", "public");
  h.set("Last-Modified", http_date(file.st.st_mtim.tv_sec));
  h.set("Accept-Ranges", "bytes");
}

bool not_modified(const Request& request, const Opened& file) {
  auto since = request.headers.get("If-Modified-Since");
  return since && file.st.st_mtim.tv_sec <= parse_http_date(std::string(*since));
}

bool range_applies(const Request& request, const Opened& file) {
  auto condition = request.headers.get("If-Range");
  return !condition || *condition == http_date(file.st.st_mtim.tv_sec);
}

Response out_of_range(const Request& request, uint64_t size, const Error& error) {
  Response response = error_response(request, error);
  response.headers.set("Content-Range", "bytes */" + std::to_string(size));
  return response;
}

Task<Response> download(WorkerPool& pool, Request& request) {
  std::string path(request.query.get("path").value_or(""));
  auto opened = co_await pool.run([path] { return open_for_download(path); });
  if (!opened) co_return error_response(request, opened.error());
  auto file = std::make_shared<Opened>(std::move(*opened));
  Response response;
  describe(response, path, *file);
  if (not_modified(request, *file)) {
    response.status = 304;
    co_return response;
  }
  ByteRange range{0, file->size};
  if (auto header = request.headers.get("Range"); header && range_applies(request, *file)) {
    auto wanted = parse_range(*header, file->size);
    if (!wanted) co_return out_of_range(request, file->size, wanted.error());
    if (*wanted) {
      range = **wanted;
      response.status = 206;
      response.headers.set("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                                std::to_string(range.first + range.length - 1) + "/" +
                                                std::to_string(file->size));
    }
  }
  response.headers.set("Content-Length", std::to_string(range.length));
  response.stream = [&pool, file, range](BodyWriter& writer) {
    return send_range(pool, writer, *file, range);
  };
  co_return response;
}

// --- many files
// --------------------------------------------------------------------------------------------------------

// One part of a bulk download. The boundary is random, so that no file can contain it.
struct Part {
  const std::string& boundary;
  size_t index;
  const std::string& path;
};

std::string part_head(const Part& part, std::string_view name) {
  std::string out = part.index == 0 ? "--" : "\r\n--";
  out += part.boundary;
  return out + "\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"; filename=\"" +
         quoted_name(part.path) + "\"; filename*=utf-8''" + encoded_name(part.path) + "\r\n";
}

std::string error_part(const Part& part, const Error& error) {
  // In parts, whatever is neither missing, forbidden nor a bad path is a failure to read.
  bool known = error.wire_code != "BAD_REQUEST";
  int status = known ? http_status(error.code) : 500;
  std::string_view code = known ? std::string_view(error.wire_code) : "FILE_READ_FAILED";
  std::string message = known ? error.message : "failed to open file: " + error.message;
  return part_head(part, "error") + "Content-Type: application/json; charset=utf-8\r\n\r\n" +
         error_json(status, code, message, part.path, "POST");
}

using Batch = std::vector<Result<Opened>>;

// What is small is opened and read together, in one trip to a worker; a large file ends the batch.
Batch open_batch(const std::vector<std::string>& paths, size_t from) {
  Batch out;
  size_t bytes = 0;
  while (from + out.size() < paths.size() && out.size() < kBatchFiles && bytes < kBatchBytes) {
    out.push_back(open_for_download(paths[from + out.size()]));
    if (out.back() && !out.back()->content) break;
    if (!out.back()) continue;
    bytes += out.back()->size;
    out.back()->fd.reset();
  }
  return out;
}

// The whole part, or everything of it before a large file's content.
std::string part_start(const Part& part, const Result<Opened>& file) {
  if (!file) return error_part(part, file.error());
  return part_head(part, "file") + "Content-Length: " + std::to_string(file->size) +
         "\r\nContent-Type: " + std::string(media_type(part.path)) + "\r\n\r\n" + file->content.value_or("");
}

// A failure inside a part ends the answer without the closing boundary: the client must notice.
Task<Status> send_parts(WorkerPool& pool, BodyWriter& writer, std::string boundary,
                        std::vector<std::string> paths) {
  std::string out;
  for (size_t i = 0; i < paths.size();) {
    Batch batch = co_await pool.run([&paths, i] { return open_batch(paths, i); });
    for (const Result<Opened>& file : batch) {
      out += part_start(Part{boundary, i, paths[i]}, file);
      ++i;
      bool large = file && !file->content;
      if (!large && out.size() < kWriteFrom) continue;
      Status sent = co_await writer.write(out);
      out.clear();
      if (sent && large) sent = co_await send_range(pool, writer, *file, ByteRange{0, file->size});
      if (!sent) co_return sent;
    }
  }
  co_return co_await writer.write(out + "\r\n--" + boundary + "--\r\n");
}

Task<Response> bulk_download(WorkerPool& pool, Request& request) {
  auto text = co_await request.body->read_all(kJsonBodyLimit);
  if (!text) co_return error_response(request, text.error());
  auto body = JsonBody::parse(*text, "FilesDownloadRequest");
  std::vector<std::string> paths;
  if (body) paths = body->list("paths").value_or(std::vector<std::string>());
  if (!body || !body->status() || paths.empty()) {
    constexpr std::string_view kWhy = R"(request body must be {"paths": [ ... ]} and non-empty)";
    co_return json_response(400, R"({"error":"request body must be {\"paths\": [ ... ]} and non-empty",)" +
                                     error_members(400, "BAD_REQUEST", kWhy, request.path, request.method) +
                                     "}");
  }
  Response response;
  std::string boundary = "DAYTONA-" + random_token(32);
  response.headers.set("Content-Type", "multipart/form-data; boundary=" + boundary);
  response.stream = [&pool, boundary, paths = std::move(paths)](BodyWriter& writer) mutable {
    return send_parts(pool, writer, boundary, std::move(paths));
  };
  co_return response;
}

}  // namespace

std::vector<Route> download_routes(WorkerPool& pool) {
  return {
      {"GET", "/files/download", [&pool](Request& r) { return download(pool, r); }},
      {"POST", "/files/bulk-download", [&pool](Request& r) { return bulk_download(pool, r); }},
  };
}

}  // namespace dt::daemon
