// Reads the tree below a node. Many calls are in flight at once, so that a walk takes as long as the
// applications need, not as long as the ways to them. Nodes that vanish meanwhile are left out; an
// application that does not answer is given up after kCallTime, and the tree says that it is truncated.
#pragma once
#include <deque>
#include <optional>
#include <set>
#include <unordered_set>

#include "apps/daemon/desktop/program/accessibility/atspi.h"

namespace dt::desktop::a11y {

inline constexpr size_t kMaxNodes = 20'000;
// Deeper trees are cut: clients read JSON recursively, and some of them stop at a thousand levels.
inline constexpr int kMaxTreeDepth = 250;
// Of a node with more children than kMaxNodes (a table says 2^30) the first ones are read.
inline constexpr int32_t kFewOfMany = 1'000;

// What is asked of every node.
struct Wanted {
  bool role = false, name = false, states = false;
  bool details = false;  // description, bounds, actions
  static Wanted all() { return {true, true, true, true}; }
};

class Walk {
 public:
  // After the deadline, or when `cancel` fires, the walk ends with what it has.
  Walk(BusPtr bus, CancelSource cancel, Mono deadline);

  // max_depth: 0 = the root only, negative = no limit. Fails when the root cannot be read.
  Task<Result<Tree>> tree(NodeId root, Wanted wanted, int64_t max_depth);
  // Asks more of nodes of a tree; those that vanished meanwhile are marked as gone.
  Task<Status> complete(Tree& tree, const std::vector<size_t>& which, Wanted wanted);

 private:
  struct Step {
    enum class Kind { attributes, details, action_names, children };
    size_t node;
    Kind kind = Kind::attributes;
    int32_t count = 0;                    // of children
    std::vector<std::string> interfaces;  // for details: calls of others make some programs complain aloud
  };
  // A step whose answers are awaited.
  struct Flight {
    Step step;
    dbus::Reply count, role, name, states, description, interfaces;
    dbus::Reply extents, actions;
    std::vector<dbus::Reply> children, action_names;
  };

  Task<Status> run(Tree& tree);
  Flight start(const Tree& tree, Step step);
  void ask_attributes(const NodeId& id, Flight& flight);
  void ask_details(const NodeId& id, Flight& flight);
  void ask_action_names(const Node& node, Flight& flight);
  void ask_children(const NodeId& id, Flight& flight);
  Task<Status> settle(Tree& tree, Flight flight);
  Task<Status> settle_attributes(Tree& tree, Flight& flight);
  Task<Status> settle_details(Tree& tree, Flight& flight);
  Task<Status> settle_action_names(Tree& tree, Flight& flight);
  Task<Status> settle_children(Tree& tree, Flight& flight);
  Task<void> fill(Node& node, Flight& flight);
  void want_children(Tree& tree, size_t node, int32_t count);
  void add_child(Tree& tree, size_t parent, NodeId id);
  void stop(Tree& tree, const std::deque<Flight>& flights);
  Task<Result<dbus::Message>> answer(const Node& node, dbus::Reply& reply);
  bool over() const;

  BusPtr bus_;
  CancelSource cancel_;
  Mono deadline_;
  Wanted wanted_;
  int64_t max_depth_ = 0;
  std::deque<Step> steps_;
  std::unordered_set<std::string> seen_;
  std::set<std::string> silent_;  // bus names of applications that do not answer
};

}  // namespace dt::desktop::a11y
