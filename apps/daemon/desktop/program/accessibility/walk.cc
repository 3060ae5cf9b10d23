#include "apps/daemon/desktop/program/accessibility/walk.h"

#include <algorithm>

#include "apps/daemon/desktop/program/accessibility/errors.h"

namespace dt::desktop::a11y {
namespace {

constexpr size_t kInFlight = 128;  // nodes

using Rectangle = std::tuple<int32_t, int32_t, int32_t, int32_t>;
using Actions = std::vector<std::tuple<std::string, std::string, std::string>>;  // name, description, keys

template <class T>
std::optional<T> value_of(const Result<dbus::Message>& answer) {
  if (!answer) return std::nullopt;
  auto values = answer->unpack<T>();
  if (!values) return std::nullopt;
  return std::get<0>(std::move(*values));
}

template <class T>
std::optional<T> property_of(const Result<dbus::Message>& answer) {
  auto variant = value_of<dbus::Variant>(answer);
  return variant ? variant->as<T>() : std::nullopt;
}

void set_bounds(Node& node, const Result<dbus::Message>& answer) {
  if (auto at = value_of<Rectangle>(answer))
    node.bounds = {std::get<0>(*at), std::get<1>(*at), std::get<2>(*at), std::get<3>(*at)};
}

void set_actions(Node& node, const Result<dbus::Message>& answer) {
  auto actions = value_of<Actions>(answer);
  node.actions.clear();
  if (!actions) return;
  if (actions->size() > kMaxActions) actions->resize(kMaxActions);
  for (auto& action : *actions) node.actions.push_back(std::move(std::get<0>(action)));
}

}  // namespace

Walk::Walk(BusPtr bus, CancelSource cancel, Mono deadline)
    : bus_(std::move(bus)), cancel_(std::move(cancel)), deadline_(deadline) {}

bool Walk::over() const { return cancel_.cancelled() || after(Millis(0)) >= deadline_; }

Task<Result<Tree>> Walk::tree(NodeId root, Wanted wanted, int64_t max_depth) {
  wanted_ = wanted;
  max_depth_ = max_depth;
  Tree tree;
  seen_.insert(root.str());
  tree.nodes.push_back({.id = std::move(root)});
  steps_.push_back({.node = 0});
  CO_TRY_VOID(co_await run(tree));
  if (tree.nodes[0].gone)
    co_return std::unexpected(no_root(tree.nodes[0].id.str() + " vanished, or does not answer"));
  co_return tree;
}

Task<Status> Walk::complete(Tree& tree, const std::vector<size_t>& which, Wanted wanted) {
  wanted_ = wanted;
  max_depth_ = 0;
  for (size_t node : which) {
    steps_.push_back({.node = node});
    tree.nodes[node].depth = 0;
  }
  co_return co_await run(tree);
}

Task<Status> Walk::run(Tree& tree) {
  std::deque<Flight> flights;
  while (!steps_.empty() || !flights.empty()) {
    if (over()) {
      stop(tree, flights);
      break;
    }
    while (!steps_.empty() && flights.size() < kInFlight) {
      flights.push_back(start(tree, std::move(steps_.front())));
      steps_.pop_front();
    }
    Flight flight = std::move(flights.front());
    flights.pop_front();
    CO_TRY_VOID(co_await settle(tree, std::move(flight)));
  }
  co_return Status();
}

// What was never read is not there.
void Walk::stop(Tree& tree, const std::deque<Flight>& flights) {
  tree.truncated = true;
  for (const Flight& flight : flights)
    if (flight.step.kind == Step::Kind::attributes) tree.nodes[flight.step.node].gone = true;
  for (const Step& step : steps_)
    if (step.kind == Step::Kind::attributes) tree.nodes[step.node].gone = true;
  steps_.clear();
}

Walk::Flight Walk::start(const Tree& tree, Step step) {
  const NodeId& id = tree.nodes[step.node].id;
  Flight flight{.step = std::move(step)};
  switch (flight.step.kind) {
    case Step::Kind::attributes:
      ask_attributes(id, flight);
      break;
    case Step::Kind::details:
      ask_details(id, flight);
      break;
    case Step::Kind::action_names:
      ask_action_names(tree.nodes[flight.step.node], flight);
      break;
    case Step::Kind::children:
      ask_children(id, flight);
  }
  return flight;
}

void Walk::ask_attributes(const NodeId& id, Flight& flight) {
  auto property = [&](const char* name) { return bus_->send(property_call(id, kAccessible, name)); };
  auto call = [&](const char* member) { return bus_->send(node_call(id, kAccessible, member)); };
  flight.count = property("ChildCount");
  if (wanted_.role) flight.role = call("GetRoleName");
  if (wanted_.name) flight.name = property("Name");
  if (wanted_.states) flight.states = call("GetState");
  if (wanted_.details) flight.description = property("Description");
  if (wanted_.details) flight.interfaces = call("GetInterfaces");
}

void Walk::ask_details(const NodeId& id, Flight& flight) {
  auto has = [&](const char* name) {
    return std::ranges::find(flight.step.interfaces, name) != flight.step.interfaces.end();
  };
  if (has(kComponent)) {
    dbus::Message extents = node_call(id, kComponent, "GetExtents");
    extents.pack(kScreenCoordinates);
    flight.extents = bus_->send(std::move(extents));
  }
  if (has(kAction)) flight.actions = bus_->send(node_call(id, kAction, "GetActions"));
}

// Those that have none in the user's language (Chromium).
void Walk::ask_action_names(const Node& node, Flight& flight) {
  for (size_t i = 0; i < node.actions.size(); ++i)
    if (node.actions[i].empty()) flight.action_names.push_back(bus_->send(action_name_call(node.id, i)));
}

void Walk::ask_children(const NodeId& id, Flight& flight) {
  if (flight.step.count <= static_cast<int32_t>(kMaxNodes)) {
    flight.children.push_back(bus_->send(node_call(id, kAccessible, "GetChildren")));
    return;
  }
  for (int32_t i = 0; i < kFewOfMany; ++i) {
    dbus::Message message = node_call(id, kAccessible, "GetChildAtIndex");
    message.pack(i);
    flight.children.push_back(bus_->send(std::move(message)));
  }
}

Task<Result<dbus::Message>> Walk::answer(const Node& node, dbus::Reply& reply) {
  bool silent = silent_.contains(node.id.bus);
  Mono until = silent ? after(Millis(0)) : std::min(after(kCallTime), deadline_);
  auto answer = co_await reply.wait(until);
  bool timed_out = !answer && answer.error().code == Code::timeout && answer.error().wire_code.empty();
  if (timed_out) silent_.insert(node.id.bus);
  co_return answer;
}

Task<Status> Walk::settle(Tree& tree, Flight flight) {
  Status settled;
  if (flight.step.kind == Step::Kind::attributes) settled = co_await settle_attributes(tree, flight);
  if (flight.step.kind == Step::Kind::details) settled = co_await settle_details(tree, flight);
  if (flight.step.kind == Step::Kind::action_names) settled = co_await settle_action_names(tree, flight);
  if (flight.step.kind == Step::Kind::children) settled = co_await settle_children(tree, flight);
  co_return settled;
}

// Every node has a number of children: one that does not tell it is not there any more.
Task<Status> Walk::settle_attributes(Tree& tree, Flight& flight) {
  Node& node = tree.nodes[flight.step.node];
  auto count = co_await answer(node, flight.count);
  if (!count && count.error().code == Code::closed)
    co_return std::unexpected(call_error(count.error(), "read the tree"));
  auto children = property_of<int32_t>(count);
  node.gone = !children;
  if (node.gone) tree.truncated |= silent_.contains(node.id.bus);
  if (node.gone) co_return Status();
  co_await fill(node, flight);
  if (node.gone) co_return Status();
  if (flight.interfaces) {
    auto interfaces = co_await answer(node, flight.interfaces);
    auto names = value_of<std::vector<std::string>>(interfaces);
    if (names)
      steps_.push_back(
          {.node = flight.step.node, .kind = Step::Kind::details, .interfaces = std::move(*names)});
  }
  want_children(tree, flight.step.node, *children);
  co_return Status();
}

// What a node does not tell stays empty.
Task<void> Walk::fill(Node& node, Flight& flight) {
  if (flight.role) {
    auto role = co_await answer(node, flight.role);
    node.role = value_of<std::string>(role).value_or("");
    if (node.role.empty()) node.role = "unknown";
  }
  if (flight.name) {
    auto name = co_await answer(node, flight.name);
    node.name = property_of<std::string>(name).value_or("");
  }
  if (flight.states) {
    auto states = co_await answer(node, flight.states);
    node.states = states_of(states);
    node.gone = node.states >> kDefunct & 1;
  }
  if (flight.description) {
    auto description = co_await answer(node, flight.description);
    node.description = property_of<std::string>(description).value_or("");
  }
}

Task<Status> Walk::settle_details(Tree& tree, Flight& flight) {
  Node& node = tree.nodes[flight.step.node];
  if (flight.extents) {
    auto extents = co_await answer(node, flight.extents);
    set_bounds(node, extents);
  }
  if (flight.actions) {
    auto actions = co_await answer(node, flight.actions);
    set_actions(node, actions);
    if (std::ranges::find(node.actions, "") != node.actions.end())
      steps_.push_back({.node = flight.step.node, .kind = Step::Kind::action_names});
  }
  co_return Status();
}

Task<Status> Walk::settle_action_names(Tree& tree, Flight& flight) {
  Node& node = tree.nodes[flight.step.node];
  size_t next = 0;
  for (std::string& action : node.actions) {
    if (!action.empty()) continue;
    auto name = co_await answer(node, flight.action_names[next++]);
    action = value_of<std::string>(name).value_or("");
  }
  co_return Status();
}

void Walk::want_children(Tree& tree, size_t node, int32_t count) {
  int depth = tree.nodes[node].depth;
  if (count <= 0 || (max_depth_ >= 0 && depth >= max_depth_)) return;
  bool cut = depth >= kMaxTreeDepth || tree.nodes.size() >= kMaxNodes;
  tree.truncated |= cut || count > static_cast<int32_t>(kMaxNodes);
  if (!cut) steps_.push_back({.node = node, .kind = Step::Kind::children, .count = count});
}

Task<Status> Walk::settle_children(Tree& tree, Flight& flight) {
  for (dbus::Reply& reply : flight.children) {
    auto answered = co_await answer(tree.nodes[flight.step.node], reply);
    if (!answered && answered.error().code == Code::closed)
      co_return std::unexpected(call_error(answered.error(), "read the tree"));
    if (!answered) {
      tree.truncated |= silent_.contains(tree.nodes[flight.step.node].id.bus);
      continue;
    }
    for (NodeId& id : node_ids(*answered)) add_child(tree, flight.step.node, std::move(id));
  }
  co_return Status();
}

// A node that is there already is not read again: applications do name a parent as child.
void Walk::add_child(Tree& tree, size_t parent, NodeId id) {
  if (tree.nodes.size() >= kMaxNodes) {
    tree.truncated = true;
    return;
  }
  if (silent_.contains(id.bus)) {
    tree.truncated = true;
    return;
  }
  if (!seen_.insert(id.str()).second) return;
  size_t index = tree.nodes.size();
  tree.nodes.push_back({.id = std::move(id), .depth = tree.nodes[parent].depth + 1});
  tree.nodes[parent].children.push_back(index);
  steps_.push_back({.node = index});
}

}  // namespace dt::desktop::a11y
