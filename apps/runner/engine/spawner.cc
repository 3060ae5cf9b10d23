// The spawner: a small single-threaded process that clones the inits of sandboxes. It does as little as
// possible itself (receive, clone3, answer), so that launches overlap: everything else happens in the child.
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "apps/runner/engine/engine.h"
#include "apps/runner/engine/init_process.h"
#include "apps/runner/engine/protocol.h"
#include "apps/runner/engine/root_builder.h"
#include "apps/runner/engine/spawner_root.h"
#include "libs/linux/process.h"
#include "libs/linux/socket.h"

namespace dt::runner {
namespace engine {
namespace {

constexpr uint64_t kNamespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
constexpr uint64_t kTimeNamespace = 0x80;  // CLONE_NEWTIME; only clone3 knows it

// Milliseconds since the last call.
class Laps {
 public:
  double lap() {
    Mono now = std::chrono::steady_clock::now();
    double ms = std::chrono::duration<double, std::milli>(now - last_).count();
    last_ = now;
    return ms;
  }
  int64_t now_ns() const { return last_.time_since_epoch().count(); }

 private:
  Mono last_ = std::chrono::steady_clock::now();
};

struct Spawner {
  int socket;
  Setup setup;
  uint64_t namespaces;
  Fd fast_cgroups;
};

Result<LaunchFds> take_fds(const LaunchRequest& request, std::vector<Fd>& fds) {
  size_t wanted = 4u + request.has_netns + request.has_listen + request.has_log + request.has_cgroup;
  if (fds.size() != wanted)
    return fail(Code::internal, "a launch request with a wrong number of descriptors");
  LaunchFds out;
  size_t i = 0;
  for (Fd* fd : {&out.reply, &out.lower, &out.disk, &out.ready}) *fd = std::move(fds[i++]);
  if (request.has_netns) out.netns = std::move(fds[i++]);
  if (request.has_listen) out.listen = std::move(fds[i++]);
  if (request.has_log) out.log = std::move(fds[i++]);
  if (request.has_cgroup) out.cgroup = std::move(fds[i++]);
  return out;
}

Status enter_network(const LaunchFds& fds) {
  if (fds.netns) return linux_::enter_namespace(fds.netns.get(), CLONE_NEWNET);
  // Never the host's: without a slot the sandbox has an empty network.
  if (::unshare(CLONE_NEWNET) < 0) return fail_errno("unshare the network namespace");
  return {};
}

// The engine has made the cgroups meanwhile. When it or its launch is gone, so are we.
Status enter_cgroups(int reply) {
  TRY(auto go, linux_::receive_message(reply, 64));
  if (!is(go.bytes, Tag::go)) return fail(Code::internal, "unexpected message from the engine");
  for (Fd& procs : go.fds)
    if (auto moved = write_all(procs.get(), "0"); !moved)
      return std::unexpected(std::move(moved.error()).context("enter a cgroup"));
  return {};
}

Status announce(int reply) {
  TRY(Fd self, linux_::pidfd_open(::getpid()));
  int fd = self.get();
  return linux_::send_message(reply, encode_tag(Tag::started), {&fd, 1});
}

Status build(const Spawner& spawner, const LaunchRequest& request, LaunchFds& fds, RootBuilder& root,
             Laps& laps, BuildTimes& times) {
  TRY_VOID(announce(fds.reply.get()));
  if (::sethostname(request.hostname.data(), request.hostname.size()) < 0) return fail_errno("sethostname");
  TRY_VOID(enter_network(fds));
  TRY_VOID(root.build_layers());
  times.layers = laps.lap();
  TRY_VOID(root.build_mounts());
  times.mounts = laps.lap();
  TRY_VOID(enter_cgroups(fds.reply.get()));
  TRY_VOID(root.finish(spawner.setup.views));
  times.cgroup = laps.lap();
  return {};
}

[[noreturn]] void run_child(const Spawner& spawner, const LaunchRequest& request, LaunchFds fds) {
  Laps laps;
  BuildTimes times{.started_ns = laps.now_ns()};
  ::close(spawner.socket);
  ::umask(0);
  RootBuilder root(request, fds);
  Status built = build(spawner, request, fds, root, laps, times);
  auto report = [&] {
    times.drop = laps.lap();
    (void)linux_::send_message(fds.reply.get(), encode_built(times));
  };
  Error error =
      built ? become_daemon(request, fds, root, spawner.setup.seccomp, report) : std::move(built.error());
  (void)linux_::send_message(fds.reply.get(), encode_failed(error));
  ::_exit(1);
}

void launch(const Spawner& spawner, linux_::Message message) {
  auto request = decode_launch(message.bytes);
  if (!request) return;  // the reply socket closes: the engine sees a launch that came to nothing
  auto fds = take_fds(*request, message.fds);
  if (!fds) return;
  linux_::CloneOptions options{.flags = spawner.namespaces, .into_cgroup = fds->cgroup.get()};
  auto child = linux_::clone_process(options);
  if (child && child->pid == 0) run_child(spawner, *request, std::move(*fds));
  if (!child) (void)linux_::send_message(fds->reply.get(), encode_failed(child.error()));
}

Status start(Spawner& spawner) {
  TRY(auto message, linux_::receive_message(spawner.socket));
  TRY(spawner.setup, decode_setup(message.bytes));
  spawner.namespaces = kNamespaces;
  if (::access("/proc/self/ns/time", F_OK) == 0) spawner.namespaces |= kTimeNamespace;
  if (spawner.setup.moves_cgroups) spawner.fast_cgroups = hold_fast_cgroup_moves();
  return enter_spawner_root(spawner.setup);
}

}  // namespace
}  // namespace engine

int spawner_main(int socket_fd) {
  using namespace engine;
  ::prctl(PR_SET_NAME, "dt-spawner");
  ::signal(SIGCHLD, SIG_IGN);  // ended inits are reaped by the kernel; the engine watches pidfds
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);  // of a terminal's whole group; our end is the socket's
  ::signal(SIGTERM, SIG_IGN);
  if (socket_fd > 3) ::close_range(3, static_cast<unsigned>(socket_fd) - 1, 0);
  ::close_range(static_cast<unsigned>(socket_fd) + 1, ~0u, 0);
  ::fcntl(socket_fd, F_SETFD, FD_CLOEXEC);
  Spawner spawner{socket_fd, {}, 0, {}};
  if (Status started = start(spawner); !started) {
    (void)linux_::send_message(socket_fd, encode_failed(started.error()));
    return 1;
  }
  if (!linux_::send_message(socket_fd, encode_tag(Tag::ready))) return 0;
  for (;;) {
    auto message = linux_::receive_message(socket_fd);
    if (message) {
      launch(spawner, std::move(*message));
    } else if (message.error().code != Code::payload_too_large) {
      return message.error().code == Code::closed ? 0 : 1;
    }
  }
}

}  // namespace dt::runner
