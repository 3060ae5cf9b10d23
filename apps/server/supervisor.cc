#include "apps/server/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "libs/base/fd.h"
#include "libs/base/log.h"

namespace dt::server {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

struct Service {
  std::string name;
  pid_t pid = 0;
  SteadyClock::time_point started, next_start;
  std::chrono::milliseconds backoff{100};
};

pid_t start(const std::string& name, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {"/proc/self/exe", name};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  pid_t parent = ::getpid();
  pid_t pid = ::fork();
  if (pid != 0) return pid;
  // A supervisor that is killed takes its services along: nobody would restart them, and a second `up` finds
  // free ports. Sandboxes are not touched by this.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  words[0] = "daytona-server";
  ::execv("/proc/self/exe", argv.data());
  ::_exit(127);
}

void launch(Service& s, const std::vector<std::string>& arguments) {
  s.pid = start(s.name, arguments);
  s.started = SteadyClock::now();
  if (s.pid < 0) {
    log::error("cannot start a service", {{"service", s.name}});
    s.pid = 0;
    s.next_start = s.started + s.backoff;
  }
}

void ended(Service& s, int status) {
  // A service that ran for a while starts again at once; one that dies at its start waits longer and longer.
  bool healthy = SteadyClock::now() - s.started > 10s;
  s.backoff = healthy ? 50ms : std::min<std::chrono::milliseconds>(s.backoff * 2, 2s);
  s.next_start = SteadyClock::now() + s.backoff;
  std::string how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                        : "exit code " + std::to_string(WEXITSTATUS(status));
  log::error("service ended, starting it again",
             {{"service", s.name}, {"how", how}, {"in_ms", s.backoff.count()}});
  s.pid = 0;
}

Result<Fd> lock_instance(const std::string& state_dir) {
  std::filesystem::create_directories(state_dir);
  TRY(Fd fd, open_file((state_dir + "/up.lock").c_str(), O_RDWR | O_CREAT, 0600));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) < 0)
    return fail(Code::conflict, "daytona-server is already up with this state directory (" + state_dir + ")");
  if (::ftruncate(fd.get(), 0) < 0) return fail_errno("truncate lock");
  TRY_VOID(write_all(fd.get(), std::to_string(::getpid()) + "\n"));
  return fd;
}

}  // namespace

int run_up(const Config& config, const std::vector<std::string>& arguments) {
  auto lock = lock_instance(config.text("state_dir"));
  if (!lock) {
    log::error(lock.error().message);
    return 1;
  }
  sigset_t signals;
  sigemptyset(&signals);
  for (int s : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&signals, s);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);

  std::vector<Service> services;
  for (const char* name : {"api", "runner", "proxy"}) services.push_back(Service{.name = name});
  for (Service& s : services) launch(s, arguments);

  for (;;) {
    timespec timeout{0, 200'000'000};
    bool waiting = std::ranges::any_of(services, [](const Service& s) { return s.pid == 0; });
    int got = waiting ? ::sigtimedwait(&signals, nullptr, &timeout) : ::sigwaitinfo(&signals, nullptr);
    if (got == SIGTERM || got == SIGINT) break;
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
      for (Service& s : services)
        if (s.pid == pid) ended(s, status);
    for (Service& s : services)
      if (s.pid == 0 && SteadyClock::now() >= s.next_start) launch(s, arguments);
  }
  // The edge first, then the compute plane, then the records: nobody reports to a service that is gone.
  for (const char* name : {"proxy", "runner", "api"})
    for (Service& s : services) {
      if (s.name != name || s.pid == 0) continue;
      ::kill(s.pid, SIGTERM);
      for (int i = 0; i < 200 && ::waitpid(s.pid, nullptr, WNOHANG) == 0; ++i)
        std::this_thread::sleep_for(50ms);
      if (::kill(s.pid, 0) == 0) ::kill(s.pid, SIGKILL);
    }
  log::info("down; sandboxes keep running and are adopted at the next start");
  return 0;
}

}  // namespace dt::server
