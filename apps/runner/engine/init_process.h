// The last part of a launch: the process, inside its finished root, gives up the host's privileges and
// becomes the daemon.
#pragma once
#include <functional>

#include "apps/runner/engine/passwd.h"
#include "apps/runner/engine/root_builder.h"

namespace dt::runner::engine {

// Docker's default set; all of it counts inside the user namespace only.
uint64_t bounding_capabilities();

// Returns only on failure. Order matters: limits and the OOM score need the host's root; the filter needs
// CAP_SYS_ADMIN in the user namespace; the ids go last but for the capabilities they would take along.
// `before_exec` is called last.
Error become_daemon(const LaunchRequest& request, LaunchFds& fds, RootBuilder& root,
                    const std::string& seccomp, const std::function<void()>& before_exec);

}  // namespace dt::runner::engine
