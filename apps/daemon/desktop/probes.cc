#include "apps/daemon/desktop/probes.h"

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "apps/daemon/desktop/x_probe.h"
#include "libs/dbus/address.h"
#include "libs/dbus/connection.h"

namespace dt::daemon::desktop {
Task<bool> display_serves(std::string display, Mono deadline) {
  auto probe = co_await XProbe::open(std::move(display), deadline);
  co_return probe.has_value() || probe.error().code == Code::forbidden;
}

Task<bool> window_manager_runs(std::string display, Mono deadline) {
  auto probe = co_await XProbe::open(std::move(display), deadline);
  if (!probe) co_return false;
  auto window = co_await probe->root_property("_NET_SUPPORTING_WM_CHECK", deadline);
  co_return window.has_value();
}

Task<bool> session_settled(std::string session_bus, Mono deadline) {
  constexpr uint32_t kStartup = 0;  // of xfce4-session: not all of its programs have reported
  auto session = co_await dbus::Connection::open(std::move(session_bus), deadline);
  if (!session) co_return true;
  dbus::Message question = dbus::call("org.xfce.SessionManager", "/org/xfce/SessionManager",
                                      "org.xfce.Session.Manager", "GetState");
  question.flags = dbus::Message::kNoAutoStart;
  auto answer = co_await (*session)->call(std::move(question), deadline);
  if (!answer) co_return true;
  auto state = answer->unpack<uint32_t>();
  co_return !state || std::get<0>(*state) != kStartup;
}

Task<bool> bus_serves(std::string address, Mono deadline) {
  auto addresses = dbus::parse_addresses(address);
  if (!addresses) co_return false;
  for (dbus::Address& candidate : *addresses) {
    auto connected = co_await dbus::connect_to(std::move(candidate), deadline);
    if (connected) co_return true;
  }
  co_return false;
}

Task<bool> accessibility_bus_serves(std::string session_bus, Mono deadline) {
  auto session = co_await dbus::Connection::open(std::move(session_bus), deadline);
  if (!session) co_return false;
  dbus::Message question = dbus::call("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress");
  question.flags = dbus::Message::kNoAutoStart;  // asking whether it runs must not start it
  auto answer = co_await (*session)->call(std::move(question), deadline);
  if (!answer) co_return false;
  auto address = answer->unpack<std::string>();
  if (!address) co_return false;
  co_return co_await bus_serves(std::move(std::get<0>(*address)), deadline);
}

Task<bool> port_answers(uint16_t port, std::string greeting, Mono deadline) {
  Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  endpoint.port = port;
  auto connected = co_await connect(std::move(endpoint), deadline);
  if (!connected) co_return false;
  std::string got;
  while (got.size() < greeting.size()) {
    char buffer[64];
    auto n = co_await connected->read_some(buffer, deadline);
    if (!n || *n == 0) co_return false;
    got.append(buffer, *n);
  }
  co_return got.starts_with(greeting);
}

}  // namespace dt::daemon::desktop
