// Where a walk begins: the application with the active window (as it says itself, else as the window manager
// says), that of a process, or the whole desktop.
#pragma once
#include "apps/daemon/desktop/program/accessibility/atspi.h"

namespace dt::desktop::a11y {

struct Scope {
  enum class Kind { focused, pid, all };
  Kind kind = Kind::focused;
  int64_t pid = 0;
  // `name` is trimmed, in any case, empty for "focused". Fails with invalid_scope() or invalid_request().
  static Result<Scope> parse(std::string_view name, int64_t pid);
};

// Fails with no_root() when there is no such application.
Task<Result<NodeId>> find_root(BusPtr bus, Scope scope);

}  // namespace dt::desktop::a11y
