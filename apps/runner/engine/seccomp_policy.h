// The system calls of a sandbox: an allow list in the manner of the container engines, compiled once when the
// engine starts.
//
//   allowed     what programs need; ptrace and process_vm_* too, because the pid namespace is the sandbox's
//   own forbidden   EPERM: what an administrator of a machine does, and calls with a history of kernel bugs
//   that few programs need the rest    ENOSYS: programs take their fallback, and calls invented later are
//   closed until somebody thought about them
//
// Decisions beyond the engines' lists:
//   * New namespaces are refused (clone, unshare; clone3 answers ENOSYS because its flags cannot be
//   inspected, and libcs fall back).
//     Capabilities in a nested user namespace open nftables, mounts and more of the kernel to hostile code:
//     most local root bugs of the last years began there. Nested containers will be a class of sandbox of
//     their own.
//   * socket(): UNIX, INET, INET6 and NETLINK with the protocols ROUTE and SOCK_DIAG only. The host's
//   uevents, for one, are sent into
//     every network namespace that the host's user namespace owns.
//   * 32-bit and x32 entry points kill the process.
#pragma once
#include <string>

#include "libs/base/error.h"

namespace dt::runner::engine {

// An array of struct sock_filter.
Result<std::string> compile_seccomp_filter();

}  // namespace dt::runner::engine
