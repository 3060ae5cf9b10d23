#include "apps/daemon/desktop/program/accessibility/scope.h"

#include <cstdlib>
#include <cstring>

#include "apps/daemon/desktop/program/accessibility/errors.h"
#include "apps/daemon/desktop/x_probe.h"
#include "libs/base/text.h"

namespace dt::desktop::a11y {
namespace {

constexpr size_t kMaxWindows = 1'000;  // of an application that are looked at
constexpr Millis kLookTime{2'000};     // applications that do not say by then whether they are active are not

Task<Result<std::vector<NodeId>>> applications(dbus::Connection& bus) {
  auto answer = co_await bus.call(node_call(desktop_root(), kAccessible, "GetChildren"), after(kCallTime));
  if (!answer && answer.error().code == Code::not_found)
    co_return std::unexpected(unreachable("the accessibility registry does not run (at-spi2-registryd)"));
  if (!answer) co_return std::unexpected(call_error(answer.error(), "list the applications"));
  co_return node_ids(*answer);
}

struct Window {
  size_t application;
  dbus::Reply state, extents;
};

// Programs have windows that nobody is to see; that of xfwm4 is left of the screen, and always active.
bool off_screen(const Result<dbus::Message>& extents) {
  if (!extents) return false;
  auto values = extents->unpack<std::tuple<int32_t, int32_t, int32_t, int32_t>>();
  if (!values) return false;
  auto [x, y, width, height] = std::get<0>(*values);
  return width > 0 && (int64_t{x} + width <= 0 || int64_t{y} + height <= 0);
}

dbus::Message extents_call(const NodeId& window) {
  dbus::Message message = node_call(window, kComponent, "GetExtents");
  message.pack(kScreenCoordinates);
  return message;
}

// Asks all windows of all applications at once.
Task<std::vector<Window>> windows(dbus::Connection& bus, const std::vector<NodeId>& apps, Mono deadline) {
  std::vector<dbus::Reply> lists;
  for (const NodeId& app : apps) lists.push_back(bus.send(node_call(app, kAccessible, "GetChildren")));
  std::vector<Window> out;
  for (size_t i = 0; i < apps.size(); ++i) {
    auto list = co_await lists[i].wait(deadline);
    if (!list) continue;
    std::vector<NodeId> ids = node_ids(*list);
    if (ids.size() > kMaxWindows) ids.resize(kMaxWindows);
    for (const NodeId& id : ids)
      out.push_back({i, bus.send(node_call(id, kAccessible, "GetState")), bus.send(extents_call(id))});
  }
  co_return out;
}

// The first of the applications of a process.
Task<std::optional<NodeId>> application_of(dbus::Connection& bus, const std::vector<NodeId>& apps,
                                           int64_t pid) {
  std::vector<dbus::Reply> replies;
  for (const NodeId& app : apps) {
    dbus::Message ask = dbus::call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                   "GetConnectionUnixProcessID");
    ask.pack(app.bus);
    replies.push_back(bus.send(std::move(ask)));
  }
  for (size_t i = 0; i < apps.size(); ++i) {
    auto answer = co_await replies[i].wait(after(kCallTime));
    if (!answer) continue;
    auto found = answer->unpack<uint32_t>();
    if (found && std::get<0>(*found) == pid) co_return apps[i];
  }
  co_return std::nullopt;
}

uint32_t number_of(const Result<std::string>& property) {
  uint32_t number = 0;
  if (property && property->size() >= sizeof number) std::memcpy(&number, property->data(), sizeof number);
  return number;
}

// Of the window that the window manager calls active (EWMH); 0 when nobody knows. Chromium's windows never
// say it themselves.
Task<uint32_t> active_pid(Mono deadline) {
  const char* display = ::getenv("DISPLAY");
  auto server = co_await daemon::desktop::XProbe::open(display ? display : "", deadline);
  if (!server) co_return 0;
  auto window = co_await server->root_property("_NET_ACTIVE_WINDOW", deadline);
  if (number_of(window) == 0) co_return 0;
  auto pid = co_await server->property(number_of(window), "_NET_WM_PID", deadline);
  co_return number_of(pid);
}

Task<Result<NodeId>> focused_application(dbus::Connection& bus) {
  CO_TRY(auto apps, co_await applications(bus));
  if (apps.empty()) co_return std::unexpected(no_root("no application offers its accessibility tree"));
  Mono deadline = after(kLookTime);
  std::vector<Window> all = co_await windows(bus, apps, deadline);
  for (Window& window : all) {
    auto answer = co_await window.state.wait(deadline);
    if (!(states_of(answer) >> kActive & 1)) continue;
    auto extents = co_await window.extents.wait(deadline);
    if (!off_screen(extents)) co_return apps[window.application];
  }
  uint32_t pid = co_await active_pid(after(kLookTime));
  if (pid == 0) co_return apps.front();
  auto found = co_await application_of(bus, apps, pid);
  co_return found ? *found : apps.front();
}

Task<Result<NodeId>> application_of_pid(dbus::Connection& bus, int64_t pid) {
  CO_TRY(auto apps, co_await applications(bus));
  auto found = co_await application_of(bus, apps, pid);
  if (found) co_return *found;
  co_return std::unexpected(
      no_root("no application with pid " + std::to_string(pid) + " offers its accessibility tree"));
}

}  // namespace

Result<Scope> Scope::parse(std::string_view name, int64_t pid) {
  std::string kind = lower(trim(name));
  if (kind.empty() || kind == "focused") return Scope{};
  if (kind == "all") return Scope{Kind::all};
  if (kind != "pid")
    return std::unexpected(
        invalid_scope("it is focused, pid or all, not \"" + std::string(trim(name)) + "\""));
  if (pid <= 0) return std::unexpected(invalid_request("scope pid needs a pid greater than 0"));
  return Scope{Kind::pid, pid};
}

Task<Result<NodeId>> find_root(BusPtr bus, Scope scope) {
  if (scope.kind == Scope::Kind::all) co_return desktop_root();
  if (scope.kind == Scope::Kind::pid) {
    auto found = co_await application_of_pid(*bus, scope.pid);
    co_return found;
  }
  auto found = co_await focused_application(*bus);
  co_return found;
}

}  // namespace dt::desktop::a11y
