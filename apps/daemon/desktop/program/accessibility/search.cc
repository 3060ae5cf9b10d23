#include "apps/daemon/desktop/program/accessibility/search.h"

#include <re2/re2.h>

#include <algorithm>

#include "apps/daemon/desktop/program/accessibility/errors.h"
#include "libs/base/text.h"

namespace dt::desktop::a11y {
namespace {

constexpr size_t kMaxPattern = 4096;

Result<std::unique_ptr<re2::RE2>> compile(const std::string& pattern) {
  if (pattern.size() > kMaxPattern)
    return std::unexpected(invalid_request("the pattern in name is longer than 4096 characters"));
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_unique<re2::RE2>(pattern, options);
  if (!compiled->ok())
    return std::unexpected(
        invalid_request("the pattern in name is no regular expression of RE2: " + compiled->error()));
  return compiled;
}

}  // namespace

Search::Search() = default;
Search::~Search() = default;
Search::Search(Search&&) noexcept = default;

Result<Search> Search::make(Filters filters) {
  Search search;
  if (filters.name_match.empty()) filters.name_match = "substring";
  const std::string& mode = filters.name_match;
  if (mode != "substring" && mode != "exact" && mode != "regex")
    return std::unexpected(invalid_request("nameMatch is substring, exact or regex, not \"" + mode + "\""));
  if (mode == "regex" && !filters.name.empty()) {
    TRY(search.pattern_, compile(filters.name));
  }
  search.filters_ = std::move(filters);
  return search;
}

Wanted Search::wanted() const {
  return {.role = !filters_.role.empty(), .name = !filters_.name.empty(), .states = !filters_.states.empty()};
}

bool Search::name_matches(const std::string& name) const {
  if (filters_.name.empty()) return true;
  if (pattern_) return re2::RE2::PartialMatch(name, *pattern_);
  return filters_.name_match == "exact" ? name == filters_.name : name.contains(filters_.name);
}

bool Search::matches(const Node& node) const {
  if (!filters_.role.empty() && !iequals(node.role, filters_.role)) return false;
  if (!name_matches(node.name)) return false;
  if (filters_.states.empty()) return true;
  std::vector<std::string_view> states = state_names(node.states);
  return std::ranges::all_of(filters_.states, [&](const std::string& wanted) {
    return std::ranges::any_of(states, [&](std::string_view state) { return iequals(state, wanted); });
  });
}

std::vector<size_t> Search::run(const Tree& tree, size_t limit, bool& more) const {
  std::vector<size_t> found;
  std::vector<size_t> stack{0};
  more = false;
  while (!stack.empty()) {
    size_t index = stack.back();
    const Node& node = tree.nodes[index];
    stack.pop_back();
    if (node.gone) continue;
    if (matches(node)) {
      more = found.size() == limit;
      if (more) break;
      found.push_back(index);
    }
    stack.insert(stack.end(), node.children.rbegin(), node.children.rend());
  }
  return found;
}

}  // namespace dt::desktop::a11y
