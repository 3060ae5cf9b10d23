// The life of a sandbox as a pure function (api-sandbox §6, §8): what a request, a finished job, a report of
// the runner or the clock does to (state, desired state, pending), and which job must be issued next. No I/O,
// no time; the tables are in the .cc.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/error.h"
#include "libs/contract/sandbox_state.h"

namespace dt::api {

struct Situation {
  SandboxState state;
  DesiredState desired;
  bool pending = false;
  bool ephemeral = false;
  bool has_runner = true;
  bool operator==(const Situation&) const = default;
};

enum class SandboxEvent {
  start_requested,
  stop_requested,
  delete_requested,
  auto_stop_due,
  auto_delete_due,
  ttl_expired,
  create_completed,
  create_failed,
  start_completed,
  start_failed,
  stop_completed,
  stop_failed,
  destroy_completed,
  destroy_failed,
};
inline constexpr size_t kSandboxEvents = 14;

enum class SandboxJob { create, start, stop, destroy };

struct Transition {
  SandboxState state;
  DesiredState desired;
  bool pending = false;
  bool changed = false;  // false: nothing to write
  std::optional<SandboxJob>
      job;  // to be issued with this change; left out when another job of the sandbox is unfinished
  // What else the change means for the record:
  bool clear_error = false;
  bool set_error = false;  // the reason comes with the event
  bool renew_token = false;
  bool free_name = false;  // a delete request: the name may be taken at once
};

// The error is what the client gets; for events without a client it means "not now" or "not any more":
// ignore. `busy`: another job of the sandbox is unfinished, so the next job is issued when that one ends (see
// resume()).
Result<Transition> react(const Situation& now, SandboxEvent event, bool busy = false);

// A runner says that a sandbox changed on its own (§5.4).
Result<Transition> report(const Situation& now, SandboxState reported);

// The next job of a pending record that has none: after a job ended, after a restart.
Transition resume(const Situation& now);

// Puts `pending` right and says whether the pair is allowed at all (§6.2).
bool settle_pending(SandboxState state, DesiredState desired, bool pending);
bool pair_allowed(SandboxState state, DesiredState desired);

// What clients see (§4).
SandboxState display_state(SandboxState state, DesiredState desired);

// What a record holds of its runner and of the quota (§24): 0 nothing, 1 disk, 2 disk, cpu and memory.
int holds(SandboxState state, DesiredState desired);

}  // namespace dt::api
