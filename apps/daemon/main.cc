// daytona-daemon: PID 1 of a sandbox. `daytona-daemon [--listen ENDPOINT]… [COMMAND WORD…]`
// The runner passes the listening socket as descriptor $DAYTONA_LISTEN_FD and a pipe for readiness as
// $DAYTONA_READY_FD.
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "apps/daemon/daemon.h"
#include "apps/daemon/session/duration.h"
#include "apps/daemon/session/print_logs.h"
#include "libs/base/log.h"
#include "libs/base/text.h"

extern char** environ;

namespace dt::daemon {
namespace {

constexpr int kExitStartFailed = 2;

std::string variable(const char* name) {
  const char* value = ::getenv(name);
  return value ? value : "";
}

// Descriptor numbers that the runner announced; taken out of the environment that commands see.
Result<Fd> inherited(const char* name) {
  std::string text = variable(name);
  if (text.empty()) return Fd();
  ::unsetenv(name);
  auto number = parse_int(text);
  if (!number || *number < 3 || ::fcntl(static_cast<int>(*number), F_SETFD, FD_CLOEXEC) < 0)
    return fail(Code::bad_request, std::string(name) + "=" + text + " is not an open descriptor");
  return Fd(static_cast<int>(*number));
}

struct Arguments {
  std::vector<std::string> listen;
  std::vector<std::string> entrypoint;
};

Arguments parse_arguments(int argc, char** argv) {
  Arguments out;
  int i = 1;
  for (; i + 1 < argc && std::string_view(argv[i]) == "--listen"; i += 2) out.listen.push_back(argv[i + 1]);
  for (; i < argc; ++i) out.entrypoint.push_back(argv[i]);
  return out;
}

Result<std::vector<Listener>> open_listeners(Fd inherited_socket, std::vector<std::string> endpoints) {
  std::vector<Listener> out;
  if (inherited_socket) {
    int fd = inherited_socket.get();
    int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return fail_errno("listening socket");
    out.emplace_back(std::move(inherited_socket));
  } else if (endpoints.empty()) {
    endpoints.push_back("0.0.0.0:2280");
  }
  for (const std::string& text : endpoints) {
    TRY(Endpoint at, Endpoint::parse(text));
    TRY(Listener listener, Listener::bind(at));
    out.push_back(std::move(listener));
  }
  return out;
}

// 0, 1 and 2 are never a pipe of ours.
void fill_standard_descriptors() {
  int fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd < 3) fd = ::dup(fd);
  if (fd >= 3) ::close(fd);
}

// Walks of directory trees recurse as deep as paths can be long. Only what is touched costs memory.
constexpr size_t kThreadStack = 4u << 20;

// Small and quiet: few arenas, bounded thread stacks; commands of the same user may not trace us.
void prepare_process() {
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_TRIM_THRESHOLD, 256 * 1024);
  ::mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kThreadStack);
  ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
  ::umask(022);
  ::prctl(PR_SET_DUMPABLE, 0);
}

// The home directory is the work dir when the image names none.
void enter_home() {
  std::string home = variable("HOME");
  if (home.empty()) {
    ::setenv("HOME", "/", 1);
    home = "/";
  }
  if (::mkdir((home + "/.daytona").c_str(), 0755) < 0 && errno != EEXIST)
    log::warn("cannot make the state directory", {{"path", home + "/.daytona"}});
  if (variable("DAYTONA_USER_HOME_AS_WORKDIR") == "true" && ::chdir(home.c_str()) < 0)
    log::warn("cannot enter the home directory", {{"path", home}});
}

Task<void> stop_on_signal(SignalWatch& signals, Daemon& daemon) {
  co_await signals.next();
  daemon.stop();
}

Task<void> serve(Daemon& daemon, std::vector<Listener> listeners) {
  SignalWatch signals;
  TaskScope scope("signals");
  scope.spawn(stop_on_signal(signals, daemon));
  co_await daemon.run(std::move(listeners));
}

// The default when it is absent; a value that makes no sense is no reason not to start.
Millis duration(const char* name, Millis fallback, Millis least) {
  std::string text = variable(name);
  if (text.empty()) return fallback;
  auto value = parse_duration(text);
  if (value && *value >= least) return *value;
  log::warn("ignored: not a duration, or too short", {{"variable", name}, {"value", text}});
  return fallback;
}

bool wants_entrypoint_logs(const std::vector<std::string>& words) {
  return words.size() == 2 && words[0] == "entrypoint" && words[1] == "logs";
}

int start_failed(const Error& error) {
  log::error("the daemon cannot start", {{"error", error.message}});
  return kExitStartFailed;
}

int run(int argc, char** argv) {
  log::configure("daemon", log::parse_level(variable("LOG_LEVEL")), false);
  prepare_process();
  fill_standard_descriptors();
  Arguments arguments = parse_arguments(argc, argv);
  if (wants_entrypoint_logs(arguments.entrypoint)) return print_entrypoint_logs(variable("HOME"));
  auto socket = inherited("DAYTONA_LISTEN_FD");
  if (!socket) return start_failed(socket.error());
  auto ready = inherited("DAYTONA_READY_FD");
  if (!ready) return start_failed(ready.error());
  enter_home();
  auto listeners = open_listeners(std::move(*socket), arguments.listen);
  if (!listeners) return start_failed(listeners.error());

  Loop loop;
  Daemon daemon(
      Config{.environment = environ,
             .entrypoint = std::move(arguments.entrypoint),
             .ready = std::move(*ready),
             .session_grace = duration("DAYTONA_TERMINATION_GRACE_PERIOD", Millis(5000), Millis(1000)),
             .session_check = duration("DAYTONA_TERMINATION_CHECK_INTERVAL", Millis(100), Millis(1)),
             .init = ::getpid() == 1});
  loop.run_until(serve(daemon, std::move(*listeners)));
  // Nothing is left to save; what still runs ends with us.
  ::_exit(0);
}

}  // namespace
}  // namespace dt::daemon

int main(int argc, char** argv) { return dt::daemon::run(argc, argv); }
