#include "apps/daemon/ssh/routes.h"

#include <signal.h>
#include <sys/socket.h>

#include "apps/daemon/http/errors.h"
#include "libs/base/log.h"
#include "libs/base/random.h"
#include "libs/base/text.h"

extern "C" const char dt_ssh_section[];  // of dt_companion

namespace dt::daemon {
namespace {

constexpr size_t kSeedSize = 32;

Result<Fd> seed_pipe(const std::string& seed) {
  TRY(Pipe pipe, make_pipe());
  TRY_VOID(write_all(pipe.write.get(), seed));
  return std::move(pipe.read);
}

struct SocketPair {
  Fd ours;
  Fd theirs;
};
Result<SocketPair> socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
    return fail_errno("socket pair");
  return SocketPair{Fd(ends[0]), Fd(ends[1])};
}

Task<void> pass_on(Stream& client, Fd program, std::string early) {
  Stream ours(std::move(program));
  auto sent = co_await ours.write_all(early);
  if (sent) co_await pump_both(client, ours);
}

// While a Child is in the set, stop() reaches it.
struct Membership {
  std::set<const Child*>& set;
  const Child* child;
  Membership(std::set<const Child*>& s, const Child& c) : set(s), child(&c) { set.insert(child); }
  Membership(const Membership&) = delete;
  ~Membership() { set.erase(child); }
};

}  // namespace

SshService::SshService(ProcessContext& process, WorkerPool& pool)
    : process_(process), companion_(process, pool, "daytona-ssh", dt_ssh_section) {}
SshService::~SshService() = default;

std::vector<Route> SshService::routes() {
  return {{"GET", "/ssh", [this](Request& r) { return upgrade(r); }}};
}

void SshService::stop() const {
  for (const Child* child : connections_) child->signal_group(SIGTERM);
}

Task<Response> SshService::upgrade(Request& request) {
  if (!request.headers.has_token("Connection", "upgrade") ||
      !iequals(request.headers.get_or("Upgrade"), "ssh"))
    co_return error_response(
        request,
        Error{Code::bad_request, "this takes SSH connections: send Connection: Upgrade and Upgrade: ssh"});
  Response response;
  response.status = 101;
  response.headers.set("Connection", "Upgrade");
  response.headers.set("Upgrade", "ssh");
  response.upgrade = [this](Stream& stream, std::string early) { return serve(stream, std::move(early)); };
  co_return response;
}

Result<pid_t> SshService::start(const Fd& socket, const Companion::Program& program) {
  if (seed_.empty()) seed_ = random_bytes(kSeedSize);
  TRY(Fd seed, seed_pipe(seed_));
  return companion_.start(program,
                          {.arguments = {"connection"}, .stdin_fd = socket.get(), .stdout_fd = seed.get()});
}

Task<void> SshService::serve(Stream& stream, std::string early) {
  auto unpacked = co_await companion_.program();
  if (!unpacked) {
    log::error("SSH is not available", {{"error", unpacked.error().message}});
    co_return;
  }
  // The connection itself goes to the process, unless some of it has been read already.
  SocketPair pair;
  if (!early.empty()) {
    auto made = socket_pair();
    if (!made) co_return;
    pair = std::move(*made);
  }
  Fd direct = early.empty() ? stream.release() : std::move(pair.theirs);
  auto pid = start(direct, *unpacked);
  direct.reset();
  if (!pid) {
    log::error("an SSH connection's process does not start", {{"error", pid.error().message}});
    co_return;
  }
  Child child(process_.reaper, *pid);
  Membership member(connections_, child);
  if (pair.ours) co_await pass_on(stream, std::move(pair.ours), std::move(early));
  co_await child.wait();
}

}  // namespace dt::daemon
