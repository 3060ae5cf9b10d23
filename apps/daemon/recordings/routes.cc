#include "apps/daemon/recordings/routes.h"

#include "apps/daemon/http/errors.h"
#include "apps/daemon/http/json_body.h"
#include "apps/daemon/recordings/video.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"

namespace dt::daemon {

using recordings::failure;
using recordings::Recordings;

namespace recordings {

Response failure(const Request& request, const Error& error) {
  std::string short_name = error.message;
  if (error.wire_code == "RECORDING_FFMPEG_NOT_FOUND") short_name = "ffmpeg_not_found";
  if (error.message.starts_with("invalid label: ")) short_name = "invalid_label";
  std::string_view code = error.wire_code.empty() ? wire_name(error.code) : std::string_view(error.wire_code);
  int status = http_status(error.code);
  std::string body = "{\"error\":";
  codec::write_string(body, short_name);
  auto path = percent_decode(request.path);
  body += "," + error_members(status, code, error.message, path ? *path : request.path, request.method) + "}";
  return json_response(status, std::move(body));
}

}  // namespace recordings

namespace {

constexpr size_t kBodyLimit = 64 * 1024;

// A body that cannot be read counts as none, and as without the member.
Task<std::string> member(Request& request, std::string name) {
  auto text = co_await request.body->read_all(kBodyLimit);
  if (!text) co_return "";
  auto body = JsonBody::parse(*text, "RecordingRequest");
  co_return body ? body->text(name) : "";
}

Task<Response> start(Recordings& all, Request& request) {
  std::string label = co_await member(request, "label");
  auto started = co_await all.start(std::move(label));
  if (!started) co_return failure(request, started.error());
  co_return json_response(201, recordings::json(*started));
}

Task<Response> stop(Recordings& all, Request& request) {
  std::string id = co_await member(request, "id");
  if (id.empty())
    co_return failure(request, {Code::bad_request, "invalid request: id is required", "BAD_REQUEST", 0});
  auto stopped = co_await all.stop(std::move(id));
  if (!stopped) co_return failure(request, stopped.error());
  co_return json_response(200, recordings::json(*stopped));
}

Task<Response> list(Recordings& all, Request& request) {
  auto found = co_await all.list();
  if (!found) co_return failure(request, {Code::internal, found.error().message, "INTERNAL_SERVER_ERROR", 0});
  co_return json_response(200, list_json(*found));
}

Task<Response> get(Recordings& all, Request& request) {
  auto found = co_await all.get(std::string(request.param("id")));
  if (!found) co_return failure(request, found.error());
  co_return json_response(200, recordings::json(*found));
}

Task<Response> remove(Recordings& all, Request& request) {
  Status removed = co_await all.remove(std::string(request.param("id")));
  co_return removed ? Response::empty(204) : failure(request, removed.error());
}

Task<Response> download(Recordings& all, WorkerPool& pool, Request& request) {
  auto found = co_await all.get(std::string(request.param("id")));
  if (!found) co_return failure(request, found.error());
  auto answer = co_await recordings::video(pool, request, found->path);
  if (!answer) co_return failure(request, answer.error());
  co_return std::move(*answer);
}

}  // namespace

std::vector<Route> recording_routes(Recordings& all, WorkerPool& pool) {
  return {
      {"POST", "/computeruse/recordings/start", [&all](Request& r) { return start(all, r); }},
      {"POST", "/computeruse/recordings/stop", [&all](Request& r) { return stop(all, r); }},
      {"GET", "/computeruse/recordings", [&all](Request& r) { return list(all, r); }},
      {"GET", "/computeruse/recordings/{id}", [&all](Request& r) { return get(all, r); }},
      {"DELETE", "/computeruse/recordings/{id}", [&all](Request& r) { return remove(all, r); }},
      {"GET", "/computeruse/recordings/{id}/download",
       [&all, &pool](Request& r) { return download(all, pool, r); }},
  };
}

}  // namespace dt::daemon
