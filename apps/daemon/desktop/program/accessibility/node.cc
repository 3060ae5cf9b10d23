#include "apps/daemon/desktop/program/accessibility/node.h"

#include "apps/daemon/desktop/program/accessibility/errors.h"
#include "libs/codec/codec.h"
#include "libs/dbus/names.h"

namespace dt::desktop::a11y {
namespace {

// AtspiStateType, in its order.
constexpr std::array<std::string_view, 44> kStates{"invalid",         "active",
                                                   "armed",           "busy",
                                                   "checked",         "collapsed",
                                                   "defunct",         "editable",
                                                   "enabled",         "expandable",
                                                   "expanded",        "focusable",
                                                   "focused",         "has_tooltip",
                                                   "horizontal",      "iconified",
                                                   "modal",           "multi_line",
                                                   "multiselectable", "opaque",
                                                   "pressed",         "resizable",
                                                   "selectable",      "selected",
                                                   "sensitive",       "showing",
                                                   "single_line",     "stale",
                                                   "transient",       "vertical",
                                                   "visible",         "manages_descendants",
                                                   "indeterminate",   "required",
                                                   "truncated",       "animated",
                                                   "invalid_entry",   "supports_autocompletion",
                                                   "selectable_text", "is_default",
                                                   "visited",         "checkable",
                                                   "has_popup",       "read_only"};
static_assert(kStates[kActive] == "active" && kStates[kDefunct] == "defunct" &&
              kStates.back() == "read_only");

template <class T>
void write_list(std::string& out, const std::vector<T>& items) {
  out += '[';
  for (const auto& item : items) {
    if (&item != items.data()) out += ',';
    codec::write_string(out, item);
  }
  out += ']';
}

void write_bounds(std::string& out, const Bounds& bounds) {
  out += ",\"bounds\":{\"x\":" + std::to_string(bounds.x) + ",\"y\":" + std::to_string(bounds.y) +
         ",\"width\":" + std::to_string(bounds.width) + ",\"height\":" + std::to_string(bounds.height) + "}";
}

// Everything but the children and the closing brace.
void write_members(std::string& out, const Node& node) {
  out += "{\"id\":";
  codec::write_string(out, node.id.str());
  out += ",\"role\":";
  codec::write_string(out, node.role);
  out += ",\"name\":";
  codec::write_string(out, node.name);
  if (!node.description.empty()) {
    out += ",\"description\":";
    codec::write_string(out, node.description);
  }
  write_bounds(out, node.bounds);
  out += ",\"states\":";
  write_list(out, state_names(node.states));
  if (node.actions.empty()) return;
  out += ",\"actions\":";
  write_list(out, node.actions);
}

// The depth of a tree is bounded by the walk.
void write_node(std::string& out, const Tree& tree, const Node& node) {
  write_members(out, node);
  bool first = true;
  for (size_t index : node.children) {
    const Node& child = tree.nodes[index];
    if (child.gone) continue;
    out += std::exchange(first, false) ? ",\"children\":[" : ",";
    write_node(out, tree, child);
  }
  out += first ? "}" : "]}";
}

}  // namespace

Result<NodeId> NodeId::parse(std::string_view text) {
  size_t slash = text.find('/');
  size_t colon = slash == 0 || slash == std::string_view::npos ? std::string_view::npos : slash - 1;
  if (colon == std::string_view::npos || text[colon] != ':')
    return std::unexpected(
        invalid_request("a node's id is <bus name>:<object path>, not \"" + std::string(text) + "\""));
  NodeId out{std::string(text.substr(0, colon)), std::string(text.substr(slash))};
  if (!dbus::valid_bus_name(out.bus) || !dbus::valid_object_path(out.path))
    return std::unexpected(invalid_request("\"" + std::string(text) + "\" is no node's id"));
  return out;
}

bool NodeId::is_null() const { return bus.empty() || path.empty() || path == "/org/a11y/atspi/null"; }

std::vector<std::string_view> state_names(uint64_t states) {
  std::vector<std::string_view> out;
  for (size_t bit = 0; bit < kStates.size(); ++bit)
    if (states >> bit & 1) out.push_back(kStates[bit]);
  return out;
}

std::string tree_json(const Tree& tree) {
  std::string out = "{\"root\":";
  write_node(out, tree, tree.nodes[0]);
  return out + ",\"truncated\":" + (tree.truncated ? "true}" : "false}");
}

std::string matches_json(const Tree& tree, const std::vector<size_t>& matches, bool truncated) {
  std::string out = "{\"matches\":[";
  for (size_t index : matches) {
    if (out.back() != '[') out += ',';
    write_members(out, tree.nodes[index]);
    out += '}';
  }
  return out + "],\"truncated\":" + (truncated ? "true}" : "false}");
}

}  // namespace dt::desktop::a11y
