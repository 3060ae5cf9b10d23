// Stages that depend on the route: look-up, body, credentials, permissions, handler.
#include "apps/api/pipeline/stages.h"
#include "libs/base/log.h"
#include "libs/net/router.h"

namespace dt::api {

namespace {

std::vector<Route> patterns_of(const std::vector<ApiRoute>& routes) {
  std::vector<Route> out;
  out.reserve(routes.size());
  for (size_t i = 0; i < routes.size(); ++i)
    out.push_back({.method = routes[i].row.method,
                   .pattern = routes[i].row.prefix + routes[i].row.path,
                   .handler = {},
                   .tag = i});
  return out;
}

// Paths are compared without case, as the reference's router does.
class RouteLookup final : public Stage {
 public:
  explicit RouteLookup(std::vector<ApiRoute> routes)
      : routes_(std::move(routes)), router_(patterns_of(routes_), /*ignore_case=*/true) {}
  std::string_view name() const override { return "route"; }
  Status enter(Exchange& x) override {
    TRY(auto match, router_.match(x.request));
    if (!match.route && x.request.method == "HEAD") {
      // The answer of GET; the server leaves its body out.
      x.request.method = "GET";
      auto as_get = router_.match(x.request);
      x.request.method = "HEAD";
      if (as_get) match = *as_get;
    }
    if (!match.route) return fail(Code::not_found, "Cannot " + x.request.method + " " + x.request.target);
    x.route = &routes_[match.route->tag];
    return {};
  }

 private:
  std::vector<ApiRoute> routes_;
  Router router_;
};

class Body final : public Stage {
 public:
  explicit Body(size_t limit) : limit_(limit) {}
  std::string_view name() const override { return "body"; }
  bool waits() const override { return true; }
  Task<Status> enter_waiting(Exchange& x) override {
    x.json.emplace_object();
    bool announced = x.request.headers.get("content-length").value_or("0") != "0" ||
                     x.request.headers.get("transfer-encoding");
    if (!announced || !x.request.body) co_return Status{};
    auto text = co_await x.request.body->read_all(limit_);
    if (!text) co_return std::unexpected(std::move(text).error());
    x.body = std::move(*text);
    co_return Status{};
  }

 private:
  size_t limit_;
};

class Json final : public Stage {
 public:
  std::string_view name() const override { return "json"; }
  Status enter(Exchange& x) override {
    if (x.route->row.body == BodyKind::raw || trim(x.body).empty()) return {};
    TRY(x.json, json::parse(x.body));
    return {};
  }
};

class Authentication final : public Stage {
 public:
  explicit Authentication(Authenticator& authenticator) : authenticator_(authenticator) {}
  std::string_view name() const override { return "authentication"; }
  Status enter(Exchange& x) override {
    if (x.route->row.access.is_public) return {};
    TRY(x.who,
        authenticator_.authenticate(Authenticator::bearer_of(x.request.headers.get_or("authorization"))));
    return {};
  }

 private:
  Authenticator& authenticator_;
};

std::unexpected<Error> wrong_context() { return fail(Code::forbidden, "Invalid authentication context"); }
std::unexpected<Error> access_denied() { return fail(Code::forbidden, "Access denied"); }

class Authorization final : public Stage {
 public:
  std::string_view name() const override { return "authorization"; }
  Status enter(Exchange& x) override {
    const Access& access = x.route->row.access;
    if (access.is_public) return {};
    const Principal& who = *x.who;
    if (!access.roles.has(who.role)) {
      bool admins_only = access.roles.has(Role::admin) && who.role == Role::user;
      return admins_only ? access_denied() : wrong_context();
    }
    if (!who.is_user()) return {};
    // A key belongs to one organization; a path that names another one is nobody's.
    std::string_view organization = x.request.param("organizationId");
    if (!organization.empty() && organization != who.organization.str()) return wrong_context();
    bool allowed = who.permissions.contains(access.all_of) &&
                   (access.any_of.empty() || who.permissions.intersects(access.any_of));
    if (allowed) return {};
    bool several_contexts = access.roles.has(Role::runner) || access.roles.has(Role::proxy) ||
                            access.roles.has(Role::ssh_gateway);
    return several_contexts ? wrong_context() : access_denied();
  }
};

class Handling final : public Stage {
 public:
  std::string_view name() const override { return "handler"; }
  bool waits() const override { return true; }
  Task<Status> enter_waiting(Exchange& x) override {
    static const Principal anonymous;
    Call call{.ctx = x.request.ctx,
              .who = x.who ? *x.who : anonymous,
              .request = x.request,
              .json = x.json,
              .body = x.body};
    Result<Response> out;
    try {
      if (x.route->now) {
        out = x.route->now(call);
      } else {
        out = co_await x.route->later(call);
      }
    } catch (const std::exception& e) {
      out = fail(Code::internal, std::string("the handler threw: ") + e.what());
    }
    if (!out) co_return std::unexpected(std::move(out).error());
    x.response = std::move(*out);
    x.answered = true;
    co_return Status{};
  }
};

}  // namespace

StagePtr route_stage(std::vector<ApiRoute> routes) {
  return std::make_unique<RouteLookup>(std::move(routes));
}
StagePtr body_stage(size_t limit) { return std::make_unique<Body>(limit); }
StagePtr json_stage() { return std::make_unique<Json>(); }
StagePtr authentication_stage(Authenticator& a) { return std::make_unique<Authentication>(a); }
StagePtr authorization_stage() { return std::make_unique<Authorization>(); }
StagePtr handler_stage() { return std::make_unique<Handling>(); }

Response json_response(int status, std::string body) {
  Response out{.status = status};
  out.headers.set("Content-Type", "application/json; charset=utf-8");
  out.body = std::move(body);
  return out;
}

}  // namespace dt::api
