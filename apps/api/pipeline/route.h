// A row of the API's route table, and the typed way to write one:
//
//   std::vector<ApiRoute> SandboxRoutes::table() {
//     return {
//         route({"GET", "/sandbox/{sandboxIdOrName}", any_user}, this, &SandboxRoutes::get),
//         route({"POST", "/sandbox", user_with(Permission::write_sandboxes)}, this, &SandboxRoutes::create),
//     };
//   }
//   Result<Sandbox> SandboxRoutes::get(Call& call);                          // synchronous: no coroutine
//   Task<Result<Sandbox>> SandboxRoutes::create(Call& call, CreateSandbox body);
//
// The result type decides about the answer: a described struct or a vector of them is JSON; NoContent has no
// body; PlainText is sent bare; Response is sent as it is. The body type is decoded and validated before the
// handler is called.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "apps/api/auth/principal.h"
#include "libs/codec/codec.h"
#include "libs/net/http.h"

namespace dt::api {

// What a handler gets. Valid until its task is done.
struct Call {
  const CallContext& ctx;
  const Principal& who;            // role anonymous on public routes
  Request& request;                // params, query, headers; the body has been read
  const boost::json::value& json;  // the body; {} when there was none or the route takes it raw
  std::string_view body;           // as received
  std::string_view param(std::string_view name) const { return request.param(name); }
};

// Who may call: `roles` and, for users, all of `all_of` and one of `any_of` (empty: no rule).
struct Access {
  Roles roles;
  Permissions all_of = {};
  Permissions any_of = {};
  bool is_public = false;
};
inline constexpr Access kPublic{.roles = {}, .is_public = true};
inline constexpr Access any_user{.roles = {Role::user, Role::admin}};
inline constexpr Access admin_only{.roles = {Role::admin}};
constexpr Access only(Roles roles) { return {.roles = roles}; }
constexpr Access user_with(Permissions all_of) {
  return {.roles = {Role::user, Role::admin}, .all_of = all_of};
}
constexpr Access user_with(Permission one) { return user_with(Permissions{one}); }

enum class BodyKind : uint8_t { json, raw };

struct RouteRow {
  std::string method;
  std::string path;  // below /api: "/sandbox/{id}/start"
  Access access;
  int status = 200;  // of success
  BodyKind body = BodyKind::json;
  std::string prefix = "/api";
};

struct ApiRoute {
  RouteRow row;
  // Exactly one is set.
  std::function<Result<Response>(Call&)> now;
  std::function<Task<Result<Response>>(Call&)> later;
};

struct NoContent {};
struct PlainText {
  std::string text;
};

Response json_response(int status, std::string body);

namespace detail {

template <class Out>
Response to_response(int status, Out&& out) {
  using T = std::remove_cvref_t<Out>;
  if constexpr (std::is_same_v<T, Response>) {
    return std::forward<Out>(out);
  } else if constexpr (std::is_same_v<T, NoContent>) {
    return Response::empty(status);
  } else if constexpr (std::is_same_v<T, PlainText>) {
    return Response::text(status, std::move(out.text));
  } else {
    return json_response(status, encode(out));
  }
}

template <class Out>
Result<Response> to_result(int status, Result<Out> out) {
  if (!out) return std::unexpected(std::move(out).error());
  if constexpr (std::is_void_v<Out>) {
    return Response::empty(status);
  } else {
    return to_response(status, std::move(*out));
  }
}

template <class In>
Result<In> decode_json(const boost::json::value& json) {
  In out{};
  Violations violations;
  codec::read(json, out, codec::Where{"", violations});
  if constexpr (requires { check(out, violations); }) check(out, violations);
  if (!violations.empty()) return fail(Code::bad_request, violations.joined());
  return out;
}

template <class Out>
Task<Result<Response>> finish(int status, Task<Result<Out>> task) {
  auto out = co_await std::move(task);
  co_return to_result(status, std::move(out));
}

template <class S, class Out>
Task<Result<Response>> start(int status, S* service, Task<Result<Out>> (S::*handler)(Call&), Call& call) {
  return finish(status, (service->*handler)(call));
}

template <class S, class In, class Out>
Task<Result<Response>> start_with_body(int status, S* service, Task<Result<Out>> (S::*handler)(Call&, In),
                                       Call& call) {
  auto in = decode_json<std::remove_cvref_t<In>>(call.json);
  if (!in) co_return std::unexpected(std::move(in).error());
  auto out = co_await (service->*handler)(call, std::move(*in));
  co_return to_result(status, std::move(out));
}

}  // namespace detail

template <class S, class Out>
ApiRoute route(RouteRow row, S* service, Result<Out> (S::*handler)(Call&)) {
  int status = row.status;
  return {
      std::move(row), [=](Call& call) { return detail::to_result(status, (service->*handler)(call)); }, {}};
}
template <class S, class Out>
ApiRoute route(RouteRow row, S* service, Task<Result<Out>> (S::*handler)(Call&)) {
  int status = row.status;
  return {std::move(row), {}, [=](Call& call) { return detail::start(status, service, handler, call); }};
}
template <class S, class In, class Out>
ApiRoute route(RouteRow row, S* service, Task<Result<Out>> (S::*handler)(Call&, In)) {
  int status = row.status;
  return {std::move(row), {}, [=](Call& call) {
            return detail::start_with_body(status, service, handler, call);
          }};
}

}  // namespace dt::api
