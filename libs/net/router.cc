#include "libs/net/router.h"

#include <map>

#include "libs/base/log.h"
#include "libs/base/text.h"

namespace dt {

// A tree over the segments of the patterns. Literal segments win over "{name}", that wins over "{name...}".
struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literal;
  std::unique_ptr<Node> any;
  std::vector<const Route*> rest;  // patterns that end in "{name...}" here
  std::vector<const Route*> here;  // patterns that end here
};

namespace {

using Segments = std::vector<std::string_view>;

Segments segments_of(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return {};
  return split(path, '/');
}

bool is_param(std::string_view s) { return s.size() > 2 && s.front() == '{' && s.back() == '}'; }
bool is_rest(std::string_view s) { return is_param(s) && s.ends_with("...}"); }

const Route* pick(const std::vector<const Route*>& routes, std::string_view method) {
  const Route* any = nullptr;
  const Route* get = nullptr;
  for (const Route* route : routes) {
    if (route->method == method) return route;
    if (route->method == "*") any = route;
    if (route->method == "GET") get = route;
  }
  return method == "HEAD" && get ? get : any;
}

void insert(std::vector<const Route*>& list, const Route& route) {
  for (const Route* other : list) {
    if (other->method != route.method) continue;
    log::error("duplicate route",
               {{"method", route.method}, {"pattern", route.pattern}, {"other", other->pattern}});
    CHECK(other->method != route.method);
  }
  list.push_back(&route);
}

}  // namespace

namespace {

struct Search {
  const Segments& segments;
  std::string_view method;
  bool ignore_case;
  bool path_known = false;
};

template <class Node>
const Route* find(const Node& node, size_t at, Search& search) {
  if (at == search.segments.size()) {
    search.path_known = search.path_known || !node.here.empty() || !node.rest.empty();
    const Route* found = pick(node.here, search.method);
    return found ? found : pick(node.rest, search.method);
  }
  std::string_view segment = search.segments[at];
  auto literal = search.ignore_case ? node.literal.find(lower(segment)) : node.literal.find(segment);
  if (literal != node.literal.end())
    if (const Route* found = find(*literal->second, at + 1, search)) return found;
  if (node.any && !segment.empty())
    if (const Route* found = find(*node.any, at + 1, search)) return found;
  search.path_known = search.path_known || !node.rest.empty();
  return pick(node.rest, search.method);
}

Result<std::string> decode_segment(std::string_view raw) {
  auto decoded = percent_decode(raw);
  if (!decoded) return fail(Code::bad_request, "the path contains a malformed percent escape");
  if (decoded->find('\0') != std::string::npos)
    return fail(Code::bad_request, "the path contains an encoded NUL");
  return decoded;
}

// The raw text from the segment on, decoded as one. Keeps empty segments and a trailing slash.
std::string_view rest_of(std::string_view path, size_t segment) {
  if (path.starts_with('/')) path.remove_prefix(1);
  for (; segment > 0; --segment) {
    size_t slash = path.find('/');
    if (slash == std::string_view::npos) return {};
    path.remove_prefix(slash + 1);
  }
  return path;
}

Status fill_params(Request& request, const Segments& segments, const Route& route) {
  request.params.clear();
  Segments pattern = segments_of(route.pattern);
  for (size_t i = 0; i < pattern.size(); ++i) {
    std::string_view part = pattern[i];
    if (!is_param(part)) continue;
    bool rest = is_rest(part);
    std::string name(part.substr(1, part.size() - (rest ? 5 : 2)));
    TRY(std::string value, decode_segment(rest ? rest_of(request.path, i) : segments[i]));
    request.params.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

}  // namespace

Router::Router(std::vector<Route> routes, bool ignore_case)
    : routes_(std::move(routes)), root_(std::make_unique<Node>()), ignore_case_(ignore_case) {
  for (const Route& route : routes_) {
    Node* node = root_.get();
    bool rest = false;
    for (std::string_view segment : segments_of(route.pattern)) {
      CHECK(!rest);  // "{name...}" is the last segment
      rest = is_rest(segment);
      if (rest) continue;
      auto& child =
          is_param(segment) ? node->any : node->literal[ignore_case ? lower(segment) : std::string(segment)];
      if (!child) child = std::make_unique<Node>();
      node = child.get();
    }
    insert(rest ? node->rest : node->here, route);
  }
}

Router::~Router() = default;

Result<Router::Match> Router::match(Request& request) const {
  Segments segments = segments_of(request.path);
  Search search{.segments = segments, .method = request.method, .ignore_case = ignore_case_};
  const Route* route = find(*root_, 0, search);
  if (!route) return Match{.route = nullptr, .path_known = search.path_known};
  TRY_VOID(fill_params(request, segments, *route));
  return Match{.route = route, .path_known = true};
}

}  // namespace dt
