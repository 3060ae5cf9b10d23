// What can be done to a node. Fails with the errors of errors.h.
#pragma once
#include "apps/daemon/desktop/program/accessibility/atspi.h"

namespace dt::desktop::a11y {

Task<Status> focus(BusPtr bus, NodeId node);
// `action` in any case, in the language of the user or not; empty: the first one of the node.
Task<Status> invoke(BusPtr bus, NodeId node, std::string action);
// The text of nodes that can be edited; else `value` must be a number.
Task<Status> set_value(BusPtr bus, NodeId node, std::string value);

}  // namespace dt::desktop::a11y
