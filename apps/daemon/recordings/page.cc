// The page of recordings and what it calls.
#include "apps/daemon/http/errors.h"
#include "apps/daemon/http/json_body.h"
#include "apps/daemon/recordings/routes.h"
#include "apps/daemon/recordings/video.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"

// Of web/index.html.
extern const char dt_recordings_page[];
extern const unsigned long dt_recordings_page_size;

namespace dt::daemon {
namespace {

using recordings::failure;
using recordings::Recordings;

constexpr size_t kBodyLimit = 1u << 20;
constexpr std::string_view kVideos = "/videos/";
constexpr std::string_view kList = "/api/recordings";

Response page() {
  Response response;
  response.headers.set("Content-Type", "text/html; charset=utf-8");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Cache-Control", "no-cache");
  response.body.assign(dt_recordings_page, dt_recordings_page_size);
  return response;
}

Task<Response> list(Recordings& all, Request& request) {
  auto found = co_await all.list();
  if (!found) co_return failure(request, {Code::internal, found.error().message, "INTERNAL_SERVER_ERROR", 0});
  co_return json_response(200, list_json(*found));
}

Task<Response> remove(Recordings& all, Request& request) {
  Error invalid{Code::bad_request, "invalid request", "BAD_REQUEST", 0};
  auto text = co_await request.body->read_all(kBodyLimit);
  if (!text) co_return failure(request, invalid);
  auto body = JsonBody::parse(*text, "DeleteRequest");
  if (!body) co_return failure(request, invalid);
  auto ids = body->list("ids");
  if (!ids || !body->status()) co_return failure(request, invalid);
  std::vector<std::string> deleted, failed;
  for (const std::string& id : *ids) {
    Status removed = co_await all.remove(id);
    (removed ? deleted : failed).push_back(id);
  }
  std::string out = "{\"deleted\":";
  codec::write(out, deleted);
  out += ",\"failed\":";
  codec::write(out, failed);
  co_return json_response(200, out + "}");
}

// A name is a name: nothing leaves the directory, and only recordings are served.
Task<Response> video_file(Recordings& all, WorkerPool& pool, Request& request) {
  auto name = percent_decode(std::string_view(request.path).substr(kVideos.size()));
  if (!name || name->find("..") != std::string::npos || name->find('/') != std::string::npos ||
      name->find('\0') != std::string::npos)
    co_return failure(request, {Code::forbidden, "access denied", "FORBIDDEN", 0});
  if (!name->ends_with(".mp4"))
    co_return failure(request, {Code::not_found, "file not found", "NOT_FOUND", 0});
  auto answer = co_await recordings::video(pool, request, all.directory() + "/" + *name);
  if (!answer) co_return failure(request, answer.error());
  co_return std::move(*answer);
}

}  // namespace

Task<Response> serve_recordings(Recordings& all, WorkerPool& pool, Request& request) {
  bool reads = request.method == "GET" || request.method == "HEAD";
  if (reads && request.path == "/") co_return page();
  if (reads && request.path == kList) co_return co_await list(all, request);
  if (request.method == "DELETE" && request.path == kList) co_return co_await remove(all, request);
  if (reads && request.path.starts_with(kVideos)) co_return co_await video_file(all, pool, request);
  co_return not_routed();
}

}  // namespace dt::daemon
