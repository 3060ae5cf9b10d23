#include "apps/server/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <filesystem>

namespace dt::server {
namespace {
Result<passwd> find_user(const std::string& user) {
  errno = 0;
  const passwd* entry = ::getpwnam(user.c_str());
  if (!entry)
    return fail(Code::not_found, "user '" + user + "' does not exist; make it (useradd --system " + user +
                                     ") or change service_user");
  return *entry;
}
}  // namespace

Status drop_privileges(const std::string& user) {
  if (user.empty() || ::geteuid() != 0) return {};
  TRY(passwd entry, find_user(user));
  if (::setgroups(0, nullptr) < 0) return fail_errno("setgroups");
  if (::setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid) < 0) return fail_errno("setgid");
  if (::setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid) < 0) return fail_errno("setuid");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail_errno("no_new_privs");
  if (::setuid(0) == 0) return fail(Code::internal, "root could be regained");
  return {};
}

Status own(const std::string& dir, const std::string& user) {
  if (user.empty() || ::geteuid() != 0) return {};
  TRY(passwd entry, find_user(user));
  if (::lchown(dir.c_str(), entry.pw_uid, entry.pw_gid) < 0) return fail_errno("chown " + dir);
  for (const auto& item : std::filesystem::recursive_directory_iterator(dir))
    if (::lchown(item.path().c_str(), entry.pw_uid, entry.pw_gid) < 0)
      return fail_errno("chown " + item.path().string());
  return {};
}

}  // namespace dt::server
