#include "apps/daemon/desktop/program/accessibility/routes.h"

#include "apps/daemon/desktop/program/accessibility/act.h"
#include "apps/daemon/desktop/program/accessibility/errors.h"
#include "apps/daemon/desktop/program/accessibility/scope.h"
#include "apps/daemon/desktop/program/accessibility/search.h"
#include "apps/daemon/desktop/program/serving/reply.h"
#include "apps/daemon/http/json_body.h"
#include "libs/base/text.h"

namespace dt::desktop {
namespace {

using a11y::BusPtr;
using daemon::JsonBody;

constexpr size_t kMaxBody = 1 << 20;
constexpr Millis kWalkTime{30'000};
constexpr uint32_t kDefaultMatches = 500;
constexpr uint32_t kMaxMatches = 5'000;

Task<Result<JsonBody>> read_body(Request& request, std::string type) {
  auto text = co_await request.body->read_all(kMaxBody);
  if (!text) co_return std::unexpected(a11y::invalid_request(text.error().message));
  auto body = JsonBody::parse(trim(*text).empty() ? "{}" : *text, std::move(type));
  if (!body) co_return std::unexpected(a11y::invalid_request(body.error().message));
  co_return body;
}

Status checked(const JsonBody& body) {
  Status status = body.status();
  if (!status) return std::unexpected(a11y::invalid_request(status.error().message));
  return {};
}

Result<a11y::NodeId> node_id(JsonBody& body) {
  std::string id = body.text("id");
  TRY_VOID(checked(body));
  if (id.empty()) return std::unexpected(a11y::invalid_request("id is required"));
  return a11y::NodeId::parse(id);
}

Result<int64_t> query_number(const Request& request, std::string_view key, int64_t otherwise) {
  std::string_view text = trim(request.query.get(key).value_or(""));
  if (text.empty()) return otherwise;
  auto number = parse_int(text);
  if (!number)
    return std::unexpected(
        a11y::invalid_request(std::string(key) + " must be an integer, not \"" + std::string(text) + "\""));
  return *number;
}

class Accessibility {
 public:
  Task<Response> tree(Request& request) { return answered(request, tree_body(request)); }
  Task<Response> find(Request& request) { return answered(request, find_body(request)); }
  Task<Response> focus(Request& request) { return answered(request, focus_body(request)); }
  Task<Response> invoke(Request& request) { return answered(request, invoke_body(request)); }
  Task<Response> value(Request& request) { return answered(request, value_body(request)); }

 private:
  static Task<Response> answered(Request& request, Task<Result<std::string>> work) {
    auto body = co_await std::move(work);
    if (!body) co_return failure(request, body.error());
    co_return Response::json(200, std::move(*body));
  }

  static Result<std::string> done(const Status& status) {
    if (!status) return std::unexpected(status.error());
    return "{}";
  }

  Task<Result<std::string>> tree_body(Request& request) {
    CO_TRY(int64_t pid, query_number(request, "pid", 0));
    CO_TRY(int64_t depth, query_number(request, "maxDepth", -1));
    CO_TRY(auto scope, a11y::Scope::parse(request.query.get("scope").value_or(""), pid));
    CO_TRY(BusPtr bus, co_await bus_.connected());
    CO_TRY(auto root, co_await a11y::find_root(bus, scope));
    a11y::Walk walk(bus, request.ctx.cancel, after(kWalkTime));
    CO_TRY(auto tree, co_await walk.tree(std::move(root), a11y::Wanted::all(), depth));
    co_return a11y::tree_json(tree);
  }

  Task<Result<std::string>> find_body(Request& request) {
    CO_TRY(JsonBody body, co_await read_body(request, "FindAccessibilityNodesRequest"));
    int64_t pid = body.number("pid").value_or(0);
    std::string scope_name = body.text("scope");
    uint32_t limit = body.number("limit").value_or(0);
    limit = limit == 0 ? kDefaultMatches : std::min(limit, kMaxMatches);
    a11y::Search::Filters filters{
        .role = body.text("role"), .name = body.text("name"), .name_match = body.text("nameMatch")};
    filters.states = body.list("states").value_or(std::vector<std::string>());
    CO_TRY_VOID(checked(body));
    CO_TRY(auto scope, a11y::Scope::parse(scope_name, pid));
    CO_TRY(auto search, a11y::Search::make(std::move(filters)));
    CO_TRY(BusPtr bus, co_await bus_.connected());
    CO_TRY(auto root, co_await a11y::find_root(bus, scope));
    a11y::Walk walk(bus, request.ctx.cancel, after(kWalkTime));
    CO_TRY(auto tree, co_await walk.tree(std::move(root), search.wanted(), -1));
    bool more = false;
    std::vector<size_t> matches = search.run(tree, limit, more);
    CO_TRY_VOID(co_await walk.complete(tree, matches, a11y::Wanted::all()));
    std::erase_if(matches, [&](size_t node) { return tree.nodes[node].gone; });
    co_return a11y::matches_json(tree, matches, more || tree.truncated);
  }

  Task<Result<std::string>> focus_body(Request& request) {
    CO_TRY(JsonBody body, co_await read_body(request, "AccessibilityNodeRequest"));
    CO_TRY(auto node, node_id(body));
    CO_TRY(BusPtr bus, co_await bus_.connected());
    auto status = co_await a11y::focus(bus, std::move(node));
    co_return done(status);
  }

  Task<Result<std::string>> invoke_body(Request& request) {
    CO_TRY(JsonBody body, co_await read_body(request, "AccessibilityInvokeRequest"));
    std::string action = body.text("action");
    CO_TRY(auto node, node_id(body));
    CO_TRY(BusPtr bus, co_await bus_.connected());
    auto status = co_await a11y::invoke(bus, std::move(node), std::move(action));
    co_return done(status);
  }

  Task<Result<std::string>> value_body(Request& request) {
    CO_TRY(JsonBody body, co_await read_body(request, "AccessibilitySetValueRequest"));
    std::string value = body.text("value");
    CO_TRY(auto node, node_id(body));
    CO_TRY(BusPtr bus, co_await bus_.connected());
    auto status = co_await a11y::set_value(bus, std::move(node), std::move(value));
    co_return done(status);
  }

  a11y::AccessibilityBus bus_;
};

}  // namespace

std::vector<Route> accessibility_routes() {
  auto all = std::make_shared<Accessibility>();
  return {{"GET", "/computeruse/a11y/tree", [all](Request& r) { return all->tree(r); }},
          {"POST", "/computeruse/a11y/find", [all](Request& r) { return all->find(r); }},
          {"POST", "/computeruse/a11y/node/focus", [all](Request& r) { return all->focus(r); }},
          {"POST", "/computeruse/a11y/node/invoke", [all](Request& r) { return all->invoke(r); }},
          {"POST", "/computeruse/a11y/node/value", [all](Request& r) { return all->value(r); }}};
}

}  // namespace dt::desktop
