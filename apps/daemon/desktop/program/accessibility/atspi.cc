#include "apps/daemon/desktop/program/accessibility/atspi.h"

#include <cstdlib>

#include "apps/daemon/desktop/program/accessibility/errors.h"
#include "libs/base/text.h"
#include "libs/dbus/names.h"

namespace dt::desktop::a11y {
namespace {

constexpr Millis kConnectTime{10'000};  // a bus may have to start its services first
constexpr const char* kRegistry = "org.a11y.atspi.Registry";
constexpr const char* kService = "org.a11y.Bus";
constexpr const char* kServicePath = "/org/a11y/bus";
constexpr const char* kProperties = "org.freedesktop.DBus.Properties";

Result<std::string> session_address() {
  const char* address = ::getenv("DBUS_SESSION_BUS_ADDRESS");
  if (address && *address) return std::string(address);
  const char* runtime = ::getenv("XDG_RUNTIME_DIR");
  if (runtime && *runtime) return "unix:path=" + percent_encode(runtime) + "/bus";
  return fail(Code::unavailable, "there is no session bus, DBUS_SESSION_BUS_ADDRESS is not set");
}

// Failures of the last step are of no interest: programs that do not ask offer themselves anyway.
Task<Result<std::string>> accessibility_address(Mono deadline) {
  CO_TRY(std::string address, session_address());
  CO_TRY(auto session, co_await dbus::Connection::open(std::move(address), deadline));
  CO_TRY(auto answer,
         co_await session->call(dbus::call(kService, kServicePath, kService, "GetAddress"), deadline));
  CO_TRY(auto values, answer.unpack<std::string>());
  dbus::Message enable = dbus::call(kService, kServicePath, kProperties, "Set");
  enable.pack(std::string("org.a11y.Status"), std::string("IsEnabled"), dbus::Variant::of(true));
  (void)co_await session->call(std::move(enable), deadline);
  co_return std::get<0>(std::move(values));
}

Task<Result<BusPtr>> connect(Mono deadline) {
  CO_TRY(std::string address, co_await accessibility_address(deadline));
  if (address.empty()) co_return fail(Code::unavailable, "the session has no accessibility bus");
  co_return co_await dbus::Connection::open(std::move(address), deadline);
}

}  // namespace

NodeId desktop_root() { return {kRegistry, "/org/a11y/atspi/accessible/root"}; }

dbus::Message node_call(const NodeId& node, const char* interface, const char* member) {
  dbus::Message message = dbus::call(node.bus, node.path, interface, member);
  // The registry starts when it is asked; an id of a client must not start a program.
  if (node.bus != kRegistry) message.flags = dbus::Message::kNoAutoStart;
  return message;
}

dbus::Message property_call(const NodeId& node, const char* interface, const char* property) {
  dbus::Message message = node_call(node, kProperties, "Get");
  message.pack(std::string(interface), std::string(property));
  return message;
}

dbus::Message action_name_call(const NodeId& node, size_t index) {
  dbus::Message message = node_call(node, kAction, "GetName");
  message.pack(static_cast<int32_t>(index));
  return message;
}

std::vector<NodeId> node_ids(const dbus::Message& answer) {
  using Reference = std::tuple<std::string, dbus::ObjectPath>;
  std::vector<Reference> references;
  if (auto one = answer.unpack<Reference>()) references.push_back(std::get<0>(std::move(*one)));
  if (auto many = answer.unpack<std::vector<Reference>>()) references = std::get<0>(std::move(*many));
  std::vector<NodeId> out;
  for (auto& [bus, path] : references) {
    NodeId id{std::move(bus), std::move(path.value)};
    if (!id.is_null() && dbus::valid_bus_name(id.bus)) out.push_back(std::move(id));
  }
  return out;
}

uint64_t states_of(const Result<dbus::Message>& answer) {
  if (!answer) return 0;
  auto words = answer->unpack<std::vector<uint32_t>>();
  uint64_t states = 0;
  for (size_t i = 0; words && i < std::get<0>(*words).size() && i < 2; ++i)
    states |= uint64_t{std::get<0>(*words)[i]} << (32 * i);
  return states;
}

Task<Result<BusPtr>> AccessibilityBus::connected() {
  if (bus_ && !bus_->broken()) co_return bus_;
  auto bus = co_await connect(after(kConnectTime));
  if (!bus)
    co_return std::unexpected(
        unreachable(bus.error().message + "; start the desktop first (POST /computeruse/start)"));
  bus_ = *bus;
  co_return bus_;
}

}  // namespace dt::desktop::a11y
