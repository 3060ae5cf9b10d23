// The calls of AT-SPI that are used (at-spi2-core, xml/*.xml), and the way to the bus on which programs offer
// them.
#pragma once
#include <memory>

#include "apps/daemon/desktop/program/accessibility/node.h"
#include "libs/dbus/connection.h"

namespace dt::desktop::a11y {

using BusPtr = std::shared_ptr<dbus::Connection>;

inline constexpr const char* kAccessible = "org.a11y.atspi.Accessible";
inline constexpr const char* kAction = "org.a11y.atspi.Action";
inline constexpr const char* kComponent = "org.a11y.atspi.Component";
inline constexpr const char* kEditableText = "org.a11y.atspi.EditableText";
inline constexpr const char* kValue = "org.a11y.atspi.Value";

inline constexpr uint32_t kScreenCoordinates = 0;  // of GetExtents

inline constexpr size_t kMaxActions = 100;  // of a node

// How long one call may take before its application counts as one that does not answer.
inline constexpr Millis kCallTime{5'000};

// The node whose children are the applications.
NodeId desktop_root();

dbus::Message node_call(const NodeId& node, const char* interface, const char* member);
dbus::Message property_call(const NodeId& node, const char* interface, const char* property);
// The name of an action that is the same in every language.
dbus::Message action_name_call(const NodeId& node, size_t index);
// (so) and a(so) of answers; null objects and those that nobody can ask are left out.
std::vector<NodeId> node_ids(const dbus::Message& answer);

// The bits of an answer of GetState; none where it failed.
uint64_t states_of(const Result<dbus::Message>& answer);

// The accessibility bus. Connected to with the first use, and again after the connection broke.
class AccessibilityBus {
 public:
  // Fails with unreachable(). Tells programs, as a side effect, that somebody reads their accessibility
  // (org.a11y.Status): some offer nothing before.
  Task<Result<BusPtr>> connected();

 private:
  BusPtr bus_;
};

}  // namespace dt::desktop::a11y
