#include "apps/daemon/files/bulk_upload.h"

#include <map>

#include "apps/daemon/files/part_name.h"
#include "apps/daemon/files/receiver.h"
#include "apps/daemon/http/errors.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"
#include "libs/net/multipart.h"

namespace dt::daemon {
namespace {

constexpr size_t kPathLimit = 64 * 1024;
// Small files wait for each other and take one trip to a worker together.
constexpr size_t kSmall = 64 * 1024;
constexpr size_t kWaitingBytes = 512 * 1024, kWaitingFiles = 64;

class BulkUpload {
 public:
  BulkUpload(WorkerPool& pool, BodyReader& body, std::string boundary)
      : pool_(pool), form_(body, std::move(boundary)) {}
  Task<void> run();
  Response response(const Request& request) const;

 private:
  struct Small {
    std::string path, content, step;
    Status status;
  };
  Task<bool> part(PartName name);
  Task<bool> path_part(std::string index);
  Task<void> file_part(std::string path);
  Task<void> large_file(std::string path, std::string head);
  Task<void> write_small();
  Task<void> note(std::string error);
  Task<Result<std::string_view>> next_of_large();
  void done(std::string_view path, uint64_t bytes);
  void failed(std::string_view path, std::string_view step, const Error& error);

  WorkerPool& pool_;
  MultipartReader form_;
  std::map<std::string, std::string, std::less<>> paths_;
  std::vector<Small> small_;
  size_t waiting_ = 0;  // bytes of it
  std::string head_;    // of a large file: what was read before that was known
  bool head_due_ = false;
  std::vector<std::string> errors_;
  std::string files_;  // JSON objects with commas between
};

void BulkUpload::done(std::string_view path, uint64_t bytes) {
  if (!files_.empty()) files_ += ',';
  files_ += "{\"path\":";
  codec::write_string(files_, path);
  files_ += ",\"bytes\":" + std::to_string(bytes) + "}";
}

// Errors of the body itself have no step.
void BulkUpload::failed(std::string_view path, std::string_view step, const Error& error) {
  bool of_disk = !error.wire_code.empty() && !step.empty();
  errors_.push_back(std::string(path) + ": " + (of_disk ? std::string(step) + ": " : "") + error.message);
}

Task<void> BulkUpload::write_small() {
  if (small_.empty()) co_return;
  co_await pool_.run([this] {
    for (Small& file : small_) file.status = write_whole(file.path, kParentsOfMany, file.content, file.step);
    return true;
  });
  for (const Small& file : small_) {
    if (file.status)
      done(file.path, file.content.size());
    else
      failed(file.path, file.step, file.status.error());
  }
  small_.clear();
  waiting_ = 0;
}

// Errors stand in the order of what they are about.
Task<void> BulkUpload::note(std::string error) {
  co_await write_small();
  errors_.push_back(std::move(error));
}

// False: the body is broken, nothing more can be read.
Task<bool> BulkUpload::path_part(std::string index) {
  std::string text;
  for (;;) {
    auto piece = co_await form_.read();
    bool too_long = piece && text.size() + piece->size() > kPathLimit;
    if (!piece || too_long)
      co_await note("path[" + index + "]: " + (piece ? "path too long" : piece.error().message));
    if (!piece) co_return false;
    if (too_long) co_return true;
    if (piece->empty()) break;
    text.append(*piece);
  }
  std::string path(trim(text));
  if (path.empty()) co_await note("path[" + index + "]: empty path");
  paths_[index] = path;
  co_return true;
}

Task<Result<std::string_view>> BulkUpload::next_of_large() {
  if (std::exchange(head_due_, false)) co_return std::string_view(head_);
  auto piece = co_await form_.read();
  co_return piece;
}

Task<void> BulkUpload::large_file(std::string path, std::string head) {
  co_await write_small();
  head_ = std::move(head);
  head_due_ = true;
  Receiver receiver(pool_, path, kParentsOfMany);
  auto received = co_await receiver.receive([this] { return next_of_large(); });
  head_ = {};
  if (received)
    done(path, *received);
  else
    failed(path, receiver.step(), received.error());
}

Task<void> BulkUpload::file_part(std::string path) {
  std::string content;
  for (;;) {
    auto piece = co_await form_.read();
    if (!piece) {
      co_await write_small();
      failed(path, "", piece.error());
      co_return;
    }
    if (piece->empty()) break;
    content.append(*piece);
    if (content.size() <= kSmall) continue;
    co_await large_file(std::move(path), std::move(content));
    co_return;
  }
  waiting_ += content.size();
  small_.push_back({std::move(path), std::move(content), {}, {}});
  if (waiting_ >= kWaitingBytes || small_.size() >= kWaitingFiles) co_await write_small();
}

Task<bool> BulkUpload::part(PartName name) {
  if (name.is_path) {
    bool more = co_await path_part(std::move(name.index));
    co_return more;
  }
  auto path = paths_.find(name.index);
  if (path == paths_.end()) {
    co_await note("file[" + name.index + "]: missing .path metadata");
  } else if (!path->second.empty()) {  // else it was said already
    co_await file_part(path->second);
  }
  co_return true;
}

Task<void> BulkUpload::run() {
  for (bool more = true; more;) {
    auto found = co_await form_.next_part();
    if (!found) co_await note("reading part: " + found.error().message);
    if (!found || !*found) break;
    auto name = parse_part_name((*found)->name);
    if (name) more = co_await part(std::move(*name));
  }
  co_await write_small();
}

Response BulkUpload::response(const Request& request) const {
  if (errors_.empty()) return json_response(200, "{\"files\":[" + files_ + "]}");
  std::string body = "{\"errors\":[";
  for (const std::string& error : errors_) {
    if (!body.ends_with('[')) body += ',';
    codec::write_string(body, error);
  }
  body += "],\"files\":[" + files_ + "],";
  body += error_members(400, "BAD_REQUEST", join(errors_, "; "), request.path, request.method);
  return json_response(400, body + "}");
}

Response no_form(const Request& request) {
  constexpr std::string_view kWhy = "invalid multipart form";
  std::string body = "{\"errors\":[\"" + std::string(kWhy) + "\"],\"files\":[],";
  return json_response(400,
                       body + error_members(400, "BAD_REQUEST", kWhy, request.path, request.method) + "}");
}

}  // namespace

Task<Response> bulk_upload(WorkerPool& pool, Request& request) {
  auto boundary = MultipartReader::boundary_of(request.headers.get_or("Content-Type"));
  if (!boundary) {
    co_await read_to_end(*request.body);
    co_return no_form(request);
  }
  BulkUpload upload(pool, *request.body, std::move(*boundary));
  co_await upload.run();
  co_await read_to_end(*request.body);
  co_return upload.response(request);
}

}  // namespace dt::daemon
