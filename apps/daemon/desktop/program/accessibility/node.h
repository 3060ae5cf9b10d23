// Nodes of the accessibility tree as clients see them.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/error.h"

namespace dt::desktop::a11y {

// "<bus name>:<object path>", split at the ':' before the first '/'. Valid while the widget lives.
struct NodeId {
  std::string bus;
  std::string path;
  static Result<NodeId> parse(std::string_view text);
  std::string str() const { return bus + ":" + path; }
  bool is_null() const;  // what AT-SPI says where there is no object
};

// Pixels of the screen; zeros when unknown.
struct Bounds {
  int32_t x = 0, y = 0, width = 0, height = 0;
};

// Of the states of AT-SPI (AtspiStateType), by bit.
inline constexpr int kActive = 1, kDefunct = 6;
std::vector<std::string_view> state_names(uint64_t states);  // bits that have no name are left out

struct Node {
  NodeId id;
  std::string role, name, description;
  Bounds bounds;
  uint64_t states = 0;
  std::vector<std::string> actions;
  int depth = 0;
  std::vector<size_t> children;  // indexes in the tree
  bool gone = false;             // it vanished while it was read
};

// Nodes of a walk, the root first.
struct Tree {
  std::vector<Node> nodes;
  bool truncated = false;
};

// {"root":…,"truncated":…}
std::string tree_json(const Tree& tree);
// {"matches":[…],"truncated":…}, nodes without children
std::string matches_json(const Tree& tree, const std::vector<size_t>& matches, bool truncated);

}  // namespace dt::desktop::a11y
