// `daytona-daemon entrypoint logs`: what the sandbox's own command said, and what it says from now on.
#pragma once
#include <string>

namespace dt::daemon {

// Prints stdout to stdout and stderr to stderr and follows for ever; the exit code when that fails. Blocks
// between changes of the file.
int print_entrypoint_logs(const std::string& home);

}  // namespace dt::daemon
