#include "apps/daemon/desktop/program/accessibility/act.h"

#include <algorithm>
#include <cmath>

#include "apps/daemon/desktop/program/accessibility/errors.h"
#include "libs/base/text.h"

namespace dt::desktop::a11y {
namespace {

using Actions = std::vector<std::tuple<std::string, std::string, std::string>>;  // name, description, keys

Task<Result<dbus::Message>> ask(dbus::Connection& bus, dbus::Message message, std::string what) {
  auto answer = co_await bus.call(std::move(message), after(kCallTime));
  if (!answer) co_return std::unexpected(call_error(answer.error(), what));
  co_return answer;
}

// For methods that answer whether they did it.
Task<Status> demand(dbus::Connection& bus, dbus::Message message, std::string what) {
  CO_TRY(dbus::Message answer, co_await ask(bus, std::move(message), what));
  auto done = answer.unpack<bool>();
  if (!done) co_return std::unexpected(internal(what + ": " + done.error().message));
  if (!std::get<0>(*done)) co_return std::unexpected(not_supported(what + ": the node refused"));
  co_return Status();
}

// Programs may keep a node for a while after its widget is gone: it is defunct then, or nothing at all and
// nowhere (GTK).
bool no_more(const Result<dbus::Message>& state, const Result<dbus::Message>& parent) {
  if (!state) return false;
  uint64_t states = states_of(state);
  if (states != 0 || !parent) return states >> kDefunct & 1;
  auto variant = parent->unpack<dbus::Variant>();
  if (!variant) return false;
  auto reference = std::get<0>(*variant).as<std::tuple<std::string, dbus::ObjectPath>>();
  return reference && NodeId{std::get<0>(*reference), std::get<1>(*reference).value}.is_null();
}

// Toolkits answer calls of an interface that a node lacks in different ways; what it lists is dependable.
Task<Result<std::vector<std::string>>> interfaces(dbus::Connection& bus, NodeId node, std::string what) {
  dbus::Reply listed = bus.send(node_call(node, kAccessible, "GetInterfaces"));
  dbus::Reply state = bus.send(node_call(node, kAccessible, "GetState"));
  dbus::Reply parent = bus.send(property_call(node, kAccessible, "Parent"));
  auto answer = co_await listed.wait(after(kCallTime));
  // Every node has this method, and objects that are none have not.
  if (!answer && answer.error().code == Code::not_implemented)
    co_return std::unexpected(node_not_found(node.str()));
  if (!answer) co_return std::unexpected(call_error(answer.error(), what));
  auto states = co_await state.wait(after(kCallTime));
  auto above = co_await parent.wait(after(kCallTime));
  if (no_more(states, above)) co_return std::unexpected(node_not_found(node.str() + " is no more"));
  auto names = answer->unpack<std::vector<std::string>>();
  if (!names) co_return std::unexpected(internal(what + ": " + names.error().message));
  co_return std::get<0>(std::move(*names));
}

bool has(const std::vector<std::string>& names, std::string_view wanted) {
  return std::ranges::find(names, wanted) != names.end();
}

Task<Status> set_text(dbus::Connection& bus, const NodeId& node, std::string text) {
  dbus::Message message = node_call(node, kEditableText, "SetTextContents");
  message.pack(text);
  auto done = co_await demand(bus, std::move(message), "set the text");
  co_return done;
}

Task<Status> set_number(dbus::Connection& bus, const NodeId& node, std::string text) {
  auto number = parse_double(trim(text));
  if (!number || !std::isfinite(*number))
    co_return std::unexpected(
        invalid_request("the node takes numbers only, and \"" + replace_invalid_utf8(text) + "\" is none"));
  dbus::Message message = node_call(node, "org.freedesktop.DBus.Properties", "Set");
  message.pack(std::string(kValue), std::string("CurrentValue"), dbus::Variant::of(*number));
  CO_TRY(auto answer, co_await ask(bus, std::move(message), "set the value"));
  (void)answer;
  co_return Status();
}

std::string quoted(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names)
    if (!name.empty()) out.push_back("\"" + name + "\"");
  return join(out, ", ");
}

std::string text_of(const Result<dbus::Message>& answer) {
  if (!answer) return "";
  auto text = answer->unpack<std::string>();
  return text ? std::get<0>(std::move(*text)) : "";
}

// Names in the user's language, as the tree shows them, and behind them those of every language.
Task<Result<std::vector<std::string>>> action_names(dbus::Connection& bus, NodeId node) {
  CO_TRY(dbus::Message answer, co_await ask(bus, node_call(node, kAction, "GetActions"), "list the actions"));
  auto listed = answer.unpack<Actions>();
  if (!listed) co_return std::unexpected(internal("list the actions: " + listed.error().message));
  Actions& actions = std::get<0>(*listed);
  if (actions.size() > kMaxActions) actions.resize(kMaxActions);
  std::vector<std::string> names;
  std::vector<dbus::Reply> others;
  for (size_t i = 0; i < actions.size(); ++i) {
    names.push_back(std::move(std::get<0>(actions[i])));
    others.push_back(bus.send(action_name_call(node, i)));
  }
  for (dbus::Reply& other : others) {
    auto name = co_await other.wait(after(kCallTime));
    names.push_back(text_of(name));
  }
  co_return names;
}

}  // namespace

Task<Status> focus(BusPtr bus, NodeId node) {
  CO_TRY(auto names, co_await interfaces(*bus, node, "focus"));
  if (!has(names, kComponent))
    co_return std::unexpected(not_supported("focus: the node is nothing on the screen"));
  auto done = co_await demand(*bus, node_call(node, kComponent, "GrabFocus"), "focus");
  co_return done;
}

Task<Status> invoke(BusPtr bus, NodeId node, std::string action) {
  CO_TRY(auto names, co_await interfaces(*bus, node, "invoke"));
  if (!has(names, kAction)) co_return std::unexpected(not_supported("the node has no actions"));
  CO_TRY(auto actions, co_await action_names(*bus, node));
  if (actions.empty()) co_return std::unexpected(not_supported("the node has no actions"));
  size_t index = 0;
  while (index < actions.size() && !action.empty() && !iequals(actions[index], action)) ++index;
  if (index == actions.size())
    co_return std::unexpected(
        not_supported("\"" + replace_invalid_utf8(action) + "\"; it has " + quoted(actions)));
  index %= actions.size() / 2;
  dbus::Message message = node_call(node, kAction, "DoAction");
  message.pack(static_cast<int32_t>(index));
  auto done = co_await demand(*bus, std::move(message), "invoke");
  co_return done;
}

Task<Status> set_value(BusPtr bus, NodeId node, std::string value) {
  CO_TRY(auto names, co_await interfaces(*bus, node, "set the value"));
  if (has(names, kEditableText)) {
    auto done = co_await set_text(*bus, node, std::move(value));
    co_return done;
  }
  if (!has(names, kValue))
    co_return std::unexpected(not_supported("the node has neither a text to edit nor a value"));
  auto done = co_await set_number(*bus, node, std::move(value));
  co_return done;
}

}  // namespace dt::desktop::a11y
