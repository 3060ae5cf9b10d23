// Who a process is: user namespaces and their id maps, credentials, capabilities, seccomp filters, resource
// limits.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libs/base/fd.h"

namespace dt::linux_ {

// A user namespace whose ids 0…count-1 are the host's first…first+count-1. `proc` is a procfs that shows this
// process's children. Needs a single-threaded caller with CAP_SETUID and CAP_SETGID in the present user
// namespace.
Result<Fd> make_user_namespace(int proc, uint32_t first, uint32_t count);

// Acts as `id` for file access only, keeping every capability (setfsuid drops the file capabilities).
Status set_file_identity(uint32_t id);
Status set_all_capabilities();                              // effective = permitted
Status limit_bounding_set(uint64_t keep);                   // bit n = capability n
Status set_capabilities(uint64_t permitted_and_effective);  // inheritable and ambient become empty
Status set_user(uint32_t uid, uint32_t gid, std::span<const gid_t> groups);  // real, effective and saved

// Installs a compiled filter (an array of sock_filter). Needs CAP_SYS_ADMIN in the user namespace or
// no_new_privs.
Status install_seccomp_filter(std::string_view bpf);

// Never above the hard limit when we may not raise that.
Status limit_resource(int resource, uint64_t value);
void reset_signals();  // default actions, nothing blocked

}  // namespace dt::linux_
