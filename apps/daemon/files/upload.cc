#include "apps/daemon/files/upload.h"

#include "apps/daemon/files/bulk_upload.h"
#include "apps/daemon/files/file_error.h"
#include "apps/daemon/files/file_info.h"
#include "apps/daemon/files/receiver.h"
#include "apps/daemon/http/errors.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"
#include "libs/net/multipart.h"

namespace dt::daemon {
namespace {

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

}  // namespace

std::vector<Route> upload_routes(WorkerPool& pool) {
  return {
      {"POST", "/files/upload", [&pool](Request& r) { return upload(pool, r); }},
      {"POST", "/files/upload-v2", [&pool](Request& r) { return upload_v2(pool, r); }},
      {"POST", "/files/bulk-upload", [&pool](Request& r) { return bulk_upload(pool, r); }},
  };
}

}  // namespace dt::daemon
