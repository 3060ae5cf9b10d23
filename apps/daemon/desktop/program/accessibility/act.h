// What can be done to a node. Fails with the errors of errors.h.
#pragma once
#include "apps/daemon/desktop/program/accessibility/atspi.h"

namespace dt::desktop::a11y {

Task<Status> focus(BusPtr bus, NodeId node);
// `action` in any case; empty: the node's first one.
Task<Status> invoke(BusPtr bus, NodeId node, std::string action);
// The text of nodes that can be edited; else `value` must be a number.
Task<Status> set_value(BusPtr bus, NodeId node, std::string value);

}  // namespace dt::desktop::a11y
