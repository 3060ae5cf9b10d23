#include "apps/daemon/files/upload.h"

#include <map>

#include "apps/daemon/files/file_error.h"
#include "apps/daemon/files/file_info.h"
#include "apps/daemon/files/part_name.h"
#include "apps/daemon/files/staged_file.h"
#include "apps/daemon/http/errors.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"
#include "libs/net/multipart.h"

namespace dt::daemon {
namespace {

constexpr size_t kFlushFrom = 256 * 1024;
constexpr mode_t kParentsOfOne = 0750;
constexpr mode_t kParentsOfMany = 0755;
constexpr size_t kPathLimit = 64 * 1024;

using Source = std::function<Task<Result<std::string_view>>()>;

// One file on its way to the disk. Small files take one trip to a worker; of large ones a worker writes one
// buffer while the next one fills.
class Receiver {
 public:
  Receiver(WorkerPool& pool, std::string path, mode_t parent_mode)
      : pool_(pool), path_(std::move(path)), parent_mode_(parent_mode) {
    idle_.set();
  }
  // Bytes written. After a failure of the disk the rest is still read; errors of the source come back as they
  // are.
  Task<Result<uint64_t>> receive(Source next);
  // Where it failed: "mkdir <directory>", "create", "write", "close".
  const std::string& step() const { return step_; }

 private:
  Status write(std::string& buffer);
  Task<void> write_behind();
  Task<void> write_full_buffer();
  WorkerPool& pool_;
  std::string path_;
  mode_t parent_mode_;
  std::string step_;
  std::string filling_, writing_;
  std::optional<StagedFile> file_;
  Status state_;
  Event idle_;                  // nobody writes
  TaskScope writer_{"upload"};  // last: its task uses what is above
};

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

// Takes the part named "file"; others are skipped.
Task<Result<uint64_t>> receive_form(WorkerPool& pool, Request& request, std::string boundary,
                                    std::string path) {
  MultipartReader form(*request.body, std::move(boundary));
  Result<uint64_t> received = fail(Code::bad_request, "http: no such file");
  for (bool seen = false;;) {
    auto part = co_await form.next_part();
    if (!part) co_return std::unexpected(part.error());
    if (!*part) break;
    if (seen || (*part)->name != "file") continue;
    seen = true;
    Receiver receiver(pool, path, kParentsOfOne);
    received = co_await receiver.receive([&form] { return form.read(); });
  }
  co_return received;
}

bool is_form(const Request& request) {
  return istarts_with(request.headers.get_or("Content-Type"), "multipart/form-data");
}

Task<Result<uint64_t>> receive_one(WorkerPool& pool, Request& request, std::string path, bool raw_allowed) {
  if (Status ok = check_path(path); !ok) co_return std::unexpected(ok.error());
  if (raw_allowed && !is_form(request)) {
    Receiver receiver(pool, path, kParentsOfOne);
    co_return co_await receiver.receive([&request] { return request.body->next(); });
  }
  auto boundary = MultipartReader::boundary_of(request.headers.get_or("Content-Type"));
  if (!boundary) co_return std::unexpected(boundary.error());
  co_return co_await receive_form(pool, request, std::move(*boundary), std::move(path));
}

Task<Response> upload(WorkerPool& pool, Request& request) {
  auto received =
      co_await receive_one(pool, request, std::string(request.query.get("path").value_or("")), false);
  co_await read_to_end(*request.body);
  if (!received) co_return error_response(request, as_bad_request(received.error()));
  co_return Response::empty(200);
}

Task<Response> upload_v2(WorkerPool& pool, Request& request) {
  std::string path(request.query.get("path").value_or(""));
  auto received = co_await receive_one(pool, request, path, true);
  co_await read_to_end(*request.body);
  if (!received) co_return error_response(request, as_bad_request(received.error()));
  std::string body = "{\"name\":";
  codec::write_string(body, base_name(path));
  body += ",\"path\":";
  codec::write_string(body, path);
  co_return json_response(200, body + ",\"type\":\"file\"}");
}

// --- bulk
// ----------------------------------------------------------------------------------------------------------------

struct Bulk {
  std::map<std::string, std::string, std::less<>> paths;
  std::vector<std::string> errors;
  std::string files;  // JSON objects with commas between
};

void bulk_done(Bulk& bulk, std::string_view path, uint64_t bytes) {
  if (!bulk.files.empty()) bulk.files += ',';
  bulk.files += "{\"path\":";
  codec::write_string(bulk.files, path);
  bulk.files += ",\"bytes\":" + std::to_string(bytes) + "}";
}

// The text of a path part.
Task<Result<std::string>> read_text(MultipartReader& form) {
  std::string text;
  for (;;) {
    auto piece = co_await form.read();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return text;
    if (text.size() + piece->size() > kPathLimit) co_return fail(Code::bad_request, "path too long");
    text.append(*piece);
  }
}

// Errors of the body itself have no step.
std::string said(const Receiver& receiver, const Error& error) {
  bool of_disk = !error.wire_code.empty() && !receiver.step().empty();
  return (of_disk ? receiver.step() + ": " : "") + error.message;
}

// False: the body is broken, nothing more can be read.
Task<bool> bulk_part(WorkerPool& pool, MultipartReader& form, PartName name, Bulk& bulk) {
  if (name.is_path) {
    auto text = co_await read_text(form);
    if (!text) {
      bulk.errors.push_back("path[" + name.index + "]: " + text.error().message);
      co_return text.error().message == "path too long";
    }
    std::string path(trim(*text));
    if (path.empty()) bulk.errors.push_back("path[" + name.index + "]: empty path");
    bulk.paths[name.index] = path;
    co_return true;
  }
  auto path = bulk.paths.find(name.index);
  if (path == bulk.paths.end()) {
    bulk.errors.push_back("file[" + name.index + "]: missing .path metadata");
    co_return true;
  }
  if (path->second.empty()) co_return true;  // said already
  Receiver receiver(pool, path->second, kParentsOfMany);
  auto received = co_await receiver.receive([&form] { return form.read(); });
  if (received)
    bulk_done(bulk, path->second, *received);
  else
    bulk.errors.push_back(path->second + ": " + said(receiver, received.error()));
  co_return true;
}

Response bulk_response(const Request& request, const Bulk& bulk) {
  if (bulk.errors.empty()) return json_response(200, "{\"files\":[" + bulk.files + "]}");
  std::string body = "{\"errors\":[";
  for (const std::string& error : bulk.errors) {
    if (!body.ends_with('[')) body += ',';
    codec::write_string(body, error);
  }
  body += "],\"files\":[" + bulk.files + "],";
  body += error_members(400, "BAD_REQUEST", join(bulk.errors, "; "), request.path, request.method);
  return json_response(400, body + "}");
}

Task<Response> bulk_upload(WorkerPool& pool, Request& request) {
  Bulk bulk;
  auto boundary = MultipartReader::boundary_of(request.headers.get_or("Content-Type"));
  if (!boundary) {
    bulk.errors.push_back("invalid multipart form");
    co_await read_to_end(*request.body);
    co_return bulk_response(request, bulk);
  }
  MultipartReader form(*request.body, std::move(*boundary));
  for (bool more = true; more;) {
    auto part = co_await form.next_part();
    if (!part) bulk.errors.push_back("reading part: " + part.error().message);
    if (!part || !*part) break;
    auto name = parse_part_name((*part)->name);
    if (!name) continue;
    more = co_await bulk_part(pool, form, std::move(*name), bulk);
  }
  co_await read_to_end(*request.body);
  co_return bulk_response(request, bulk);
}

}  // namespace

std::vector<Route> upload_routes(WorkerPool& pool) {
  return {
      {"POST", "/files/upload", [&pool](Request& r) { return upload(pool, r); }},
      {"POST", "/files/upload-v2", [&pool](Request& r) { return upload_v2(pool, r); }},
      {"POST", "/files/bulk-upload", [&pool](Request& r) { return bulk_upload(pool, r); }},
  };
}

}  // namespace dt::daemon
