#include "apps/daemon/files/routes.h"

#include "apps/daemon/files/client_gone.h"
#include "apps/daemon/files/download.h"
#include "apps/daemon/files/file_error.h"
#include "apps/daemon/files/file_info.h"
#include "apps/daemon/files/operations.h"
#include "apps/daemon/files/replace.h"
#include "apps/daemon/files/search.h"
#include "apps/daemon/files/upload.h"
#include "apps/daemon/http/errors.h"
#include "apps/daemon/http/json_body.h"
#include "apps/daemon/process/routes.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

constexpr size_t kSearchThreads = 4;

std::string parameter(const Request& request, std::string_view name, std::string_view fallback = "") {
  return std::string(request.query.get(name).value_or(fallback));
}

Result<std::string> required(const Request& request, std::string_view name) {
  auto value = request.query.get(name);
  if (!value || value->empty()) return fail(Code::bad_request, std::string(name) + " is required");
  TRY_VOID(check_path(*value));
  return std::string(*value);
}

// Old strict clients break on the new member `path` (Go SDK before 0.188).
bool path_member_allowed(const Request& request) {
  if (request.headers.get_or("X-Daytona-Source") != "sdk-go") return true;
  std::string_view version = request.headers.get_or("X-Daytona-SDK-Version");
  if (version.starts_with('v')) version.remove_prefix(1);
  std::vector<std::string_view> parts = split(version, '.');
  if (parts.size() < 2) return true;
  int64_t major = parse_int(parts[0]).value_or(1), minor = parse_int(parts[1]).value_or(0);
  return major > 0 || minor >= 188;
}

Task<Response> list(WorkerPool& pool, Request& request) {
  std::string path = parameter(request, "path", ".");
  if (path.empty()) path = ".";
  if (Status ok = check_path(path); !ok) co_return error_response(request, ok.error());
  auto depth = parse_int(parameter(request, "depth", "1"));
  if (!depth || *depth < 1 || *depth > UINT32_MAX)
    co_return error_response(request, Error{Code::bad_request, "depth must be a whole number of at least 1"});
  ListOptions options{static_cast<unsigned>(*depth), path_member_allowed(request)};
  auto ended = std::make_shared<Ended>();
  ClientGone gone(request, ended);
  auto listed = co_await pool.run([path, options, ended] { return list_directory(path, options, *ended); });
  if (!listed) co_return error_response(request, listed.error());
  co_return std::move(*listed);
}

Task<Response> info(WorkerPool& pool, Request& request) {
  auto path = required(request, "path");
  if (!path) co_return error_response(request, path.error());
  bool with_path = path_member_allowed(request);
  auto body = co_await pool.run([path = *path, with_path] { return file_info_json(path, with_path); });
  if (!body) co_return error_response(request, body.error());
  co_return json_response(200, std::move(*body));
}

Task<Response> folder(WorkerPool& pool, Request& request) {
  auto path = required(request, "path");
  if (!path) co_return error_response(request, path.error());
  std::string text = parameter(request, "mode");
  auto mode = parse_mode(text.empty() ? "0755" : text);
  if (!mode) co_return error_response(request, mode.error());
  Status made = co_await pool.run([path = *path, mode = *mode] { return make_folder(path, mode); });
  if (!made) co_return error_response(request, made.error());
  co_return Response::empty(201);
}

Task<Response> remove(WorkerPool& pool, Request& request) {
  auto path = required(request, "path");
  if (!path) co_return error_response(request, path.error());
  Recursive recursive = parameter(request, "recursive") == "true" ? Recursive::yes : Recursive::no;
  Status removed = co_await pool.run([path = *path, recursive] { return remove_path(path, recursive); });
  if (!removed) co_return error_response(request, removed.error());
  co_return Response::empty(204);
}

Task<Response> move(WorkerPool& pool, Request& request) {
  auto source = required(request, "source");
  if (!source) co_return error_response(request, source.error());
  auto destination = required(request, "destination");
  if (!destination) co_return error_response(request, destination.error());
  auto moved = co_await pool.run([from = *source, to = *destination] { return move_path(from, to); });
  if (!moved) co_return error_response(request, moved.error());
  if (!*moved) co_return Response::empty(200);
  std::string body = R"({"message":"file copied successfully but source could not be deleted","error":)";
  codec::write_string(body, **moved);
  co_return json_response(200, body + "}");
}

Task<Response> permissions(WorkerPool& pool, Request& request) {
  auto path = required(request, "path");
  if (!path) co_return error_response(request, path.error());
  PermissionChange change{parameter(request, "mode"), parameter(request, "owner"),
                          parameter(request, "group")};
  Status changed = co_await pool.run([path = *path, change] { return change_permissions(path, change); });
  if (!changed) co_return error_response(request, changed.error());
  co_return Response::empty(200);
}

using Look = Response (*)(const SearchQuery& query, WorkerPool& pool);

Task<Response> look(WorkerPool& searches, Request& request, Look what) {
  auto path = required(request, "path");
  if (!path) co_return error_response(request, path.error());
  auto pattern = required(request, "pattern");
  if (!pattern) co_return error_response(request, pattern.error());
  SearchQuery query{.root = *path, .pattern = *pattern};
  ClientGone gone(request, query.ended);
  co_return co_await searches.run([&searches, what, query] { return what(query, searches); });
}

Result<ReplaceQuery> decode_replace(std::string_view text) {
  TRY(JsonBody body, JsonBody::parse(text, "ReplaceRequest"));
  ReplaceQuery out;
  out.pattern = body.required_text("pattern");
  out.value = body.text("newValue");
  if (!body.has("newValue")) body.missing("newValue");
  if (!body.has("files")) body.missing("files");
  out.files = body.list("files").value_or(std::vector<std::string>());
  TRY_VOID(body.status());
  return out;
}

Task<Response> replace(WorkerPool& pool, Request& request) {
  auto text = co_await request.body->read_all(kJsonBodyLimit);
  if (!text) co_return error_response(request, text.error());
  auto wanted = decode_replace(*text);
  if (!wanted) co_return error_response(request, wanted.error());
  ClientGone gone(request, wanted->ended);
  std::string body = co_await pool.run([query = *wanted] { return replace_json(query); });
  co_return json_response(200, std::move(body));
}

}  // namespace

std::vector<Route> file_routes(WorkerPool& pool) {
  // Long searches must not hold up other work on files.
  auto searches = std::make_shared<WorkerPool>(kSearchThreads, "search");
  std::vector<Route> routes = {
      {"GET", "/files", [&pool](Request& r) { return list(pool, r); }},
      {"DELETE", "/files", [&pool](Request& r) { return remove(pool, r); }},
      {"GET", "/files/info", [&pool](Request& r) { return info(pool, r); }},
      {"POST", "/files/folder", [&pool](Request& r) { return folder(pool, r); }},
      {"POST", "/files/move", [&pool](Request& r) { return move(pool, r); }},
      {"POST", "/files/permissions", [&pool](Request& r) { return permissions(pool, r); }},
      {"GET", "/files/find", [searches](Request& r) { return look(*searches, r, find_in_files); }},
      {"GET", "/files/search", [searches](Request& r) { return look(*searches, r, search_names); }},
      {"POST", "/files/replace", [searches](Request& r) { return replace(*searches, r); }},
  };
  for (auto more : {download_routes(pool), upload_routes(pool)})
    routes.insert(routes.end(), more.begin(), more.end());
  return routes;
}

}  // namespace dt::daemon
