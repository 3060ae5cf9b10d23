// Which nodes a search is for.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "apps/daemon/desktop/program/accessibility/walk.h"

namespace re2 {
class RE2;
}

namespace dt::desktop::a11y {

// All filters that are given must hold.
class Search {
 public:
  struct Filters {
    std::string role;        // equal in any case; empty: any
    std::string name;        // empty: any
    std::string name_match;  // "substring" (also when empty), "exact", "regex" (RE2 syntax); case-sensitive
    std::vector<std::string> states;
  };
  // Fails with invalid_request() for a bad name_match or pattern.
  static Result<Search> make(Filters filters);
  ~Search();
  Search(Search&&) noexcept;

  Wanted wanted() const;  // what must be known of a node
  // At most `limit` matches in pre-order; `more` tells whether there are others.
  std::vector<size_t> run(const Tree& tree, size_t limit, bool& more) const;

 private:
  Search();
  bool matches(const Node& node) const;
  bool name_matches(const std::string& name) const;

  Filters filters_;
  std::unique_ptr<re2::RE2> pattern_;
};

}  // namespace dt::desktop::a11y
