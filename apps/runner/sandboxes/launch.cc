#include "apps/runner/sandboxes/launch.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace dt::runner {

Limits limits_of(const SandboxSpec& spec) {
  Limits limits;
  limits.cpus = static_cast<double>(spec.cpus);
  limits.memory_bytes = static_cast<uint64_t>(spec.memory_gib) << 30;
  return limits;
}

LaunchSpec launch_spec(const SandboxSpec& spec, const Image& image, const Disk& disk, const NetworkSlot& slot,
                       const std::string& resolv_conf) {
  LaunchSpec out;
  out.id = SandboxId(spec.id);
  out.hostname = spec.id;
  out.rootfs = image.rootfs;
  out.upper = disk.upper();
  out.work = disk.work();
  out.id_range = spec.id_range;
  out.limits = limits_of(spec);
  out.netns = slot.netns.get();
  out.resolv_conf = resolv_conf;
  out.address = slot.address;
  out.args = spec.entrypoint.empty() ? image.entrypoint : spec.entrypoint;
  if (spec.entrypoint.empty()) out.args.insert(out.args.end(), image.cmd.begin(), image.cmd.end());
  if (out.args.empty()) out.args = {"sleep", "infinity"};  // costs no process, see the daemon's sessions
  out.env = image.env;
  for (const auto& [key, value] : spec.env) out.env[key] = value;
  out.env["DAYTONA_SANDBOX_ID"] = spec.id;
  out.env["DAYTONA_SANDBOX_SNAPSHOT"] = spec.snapshot;
  out.env["DAYTONA_SANDBOX_USER"] = spec.os_user;
  out.env["DAYTONA_ORGANIZATION_ID"] = spec.organization_id;
  out.env["DAYTONA_REGION_ID"] = spec.region_id;
  out.user = image.user.empty() ? "root" : image.user;
  out.working_dir = image.working_dir;
  return out;
}

Result<Fd> listen_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Code::bad_request, "socket path is too long, choose a shorter state directory: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ::unlink(path.c_str());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return fail_errno("bind " + path);
  if (::chmod(path.c_str(), 0600) < 0 || ::listen(fd.get(), 1024) < 0) return fail_errno("listen on " + path);
  return fd;
}

}  // namespace dt::runner
