#include "apps/daemon/daemon.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <climits>
#include <tuple>

#include "apps/daemon/desktop/companions.h"
#include "apps/daemon/desktop/process_routes.h"
#include "apps/daemon/files/routes.h"
#include "apps/daemon/git/routes.h"
#include "apps/daemon/http/errors.h"
#include "apps/daemon/http/pipeline.h"
#include "apps/daemon/info/routes.h"
#include "apps/daemon/interpreter/routes.h"
#include "apps/daemon/lsp/routes.h"
#include "apps/daemon/process/routes.h"
#include "apps/daemon/proxy/port_path.h"
#include "apps/daemon/proxy/port_proxy.h"
#include "apps/daemon/pty/routes.h"
#include "apps/daemon/recordings/routes.h"
#include "apps/daemon/session/routes.h"
#include "apps/daemon/session/sessions.h"
#include "apps/daemon/ssh/routes.h"
#include "apps/daemon/system/routes.h"
#include "apps/daemon/terminal/terminal.h"
#include "libs/base/log.h"
#include "libs/net/http_server.h"

extern "C" char __executable_start, etext;  // of the linker

namespace dt::daemon {
namespace {

constexpr size_t kFileThreads = 4;

// What only the start needed of the program counts as resident until the machine runs short. It stays in the
// page cache, shared by all sandboxes, and what is needed again is mapped again. Constants and code are never
// written to.
void forget_start() {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  auto begin = reinterpret_cast<uintptr_t>(&__executable_start) & ~(page - 1);
  auto end = reinterpret_cast<uintptr_t>(&etext) & ~(page - 1);
  std::ignore = ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

std::string current_directory() {
  char buffer[PATH_MAX];
  return ::getcwd(buffer, sizeof buffer) ? buffer : "/";
}

HttpLimits http_limits() {
  HttpLimits limits;
  limits.header_timeout = Millis(10'000);
  limits.idle_timeout = Millis(75'000);
  limits.body_idle_timeout = Millis(600'000);  // clients behind the proxy have their own limits
  return limits;
}

Response protocol_error(const Error& error) {
  int status = http_status(error.code);
  return json_response(status, error_json(status, wire_name(error.code), error.message, "", ""));
}

std::vector<Route> all_routes(ProcessContext& process, WorkerPool& pool, PtySessions& ptys,
                              interpreter::Contexts& contexts, lsp::Workspaces& languages,
                              recordings::Recordings& recorder, SshService& ssh, Sessions& sessions,
                              GitService& git, DesktopCompanions& desktop,
                              desktop::Desktop& desktop_processes) {
  std::vector<Route> all;
  for (auto routes : {info_routes(process), process_routes(process), file_routes(pool), system_routes(pool),
                      pty_routes(ptys), interpreter_routes(contexts), lsp_routes(languages),
                      recording_routes(recorder, pool), ssh.routes(), session_routes(sessions), git.routes(),
                      desktop.routes(), desktop_process_routes(desktop_processes)})
    all.insert(all.end(), routes.begin(), routes.end());
  return all;
}

}  // namespace

struct Daemon::Impl {
  Config config;
  ProcessContext process;
  interpreter::Contexts contexts{process};
  PtySessions ptys;
  WorkerPool files;
  lsp::Workspaces languages{process, files};
  recordings::Recordings recorder{process, files};
  Sessions sessions;
  SshService ssh{process, files};
  GitService git{process, files};
  DesktopCompanions desktop{process, files, config.desktop_idle};
  desktop::Desktop desktop_processes;
  PortProxy ports;
  Pipeline pipeline;
  HttpServer server;
  TaskScope services{"daemon"};
  Event stopping;
  Event drained;

  explicit Impl(Config c)
      : config(std::move(c)),
        process(config.environment),
        ptys(process),
        files(kFileThreads, "files"),
        sessions(process, files, session_config()),
        desktop_processes(process, files, {.restart = config.desktop_restart, .ready = config.desktop_ready}),
        pipeline(all_routes(process, files, ptys, contexts, languages, recorder, ssh, sessions, git, desktop,
                            desktop_processes),
                 [this](Request& r) { return ports.handle(r); }),
        server([this](Request& r) { return pipeline.handle(r); }, http_limits()) {
    server.on_error = protocol_error;
    ports.serve_in_process(kTerminalPort, [this](Request& r) { return serve_terminal(process, ptys, r); });
    ports.serve_in_process(kRecordingsPort,
                           [this](Request& r) { return serve_recordings(recorder, files, r); });
    ports.serve_in_process(kToolboxPort, [this](Request& r) { return pipeline.route(r); });
    desktop_processes.variables_changed = [this](auto variables) {
      desktop.set_variables(std::move(variables));
    };
    process.work_dir = current_directory();
  }

  SessionConfig session_config() const {
    return {.home = std::string(process.environment.get("HOME").value_or("/")),
            .grace_period = config.session_grace,
            .check_interval = config.session_check,
            .shell = config.session_shell};
  }
  void start_entrypoint();
  Task<void> end_children(Mono when);
};

void Daemon::Impl::start_entrypoint() {
  if (config.entrypoint.empty()) return;
  auto started = sessions.start_entrypoint(config.entrypoint);
  if (!started) log::error("the sandbox's own command does not start", {{"error", started.error().message}});
}

// When the requests are done, or their time is over: then their commands end, and with them the requests.
Task<void> Daemon::Impl::end_children(Mono when) {
  co_await drained.wait(when);
  auto signal_all = [this](int signal) {
    if (config.init)
      ::kill(-1, signal);
    else
      process.reaper.signal_all(signal);
  };
  signal_all(SIGTERM);
  Mono end = after(config.kill_time);
  while (process.reaper.children() > 0 && std::chrono::steady_clock::now() < end)
    co_await Loop::current().sleep_for(Millis(10));
  signal_all(SIGKILL);
}

Daemon::Daemon(Config config) : impl_(std::make_unique<Impl>(std::move(config))) {}
Daemon::~Daemon() = default;

Task<void> Daemon::run(std::vector<Listener> listeners) {
  Impl& d = *impl_;
  d.services.spawn(d.process.reaper.run());
  for (Listener& listener : listeners) d.services.spawn(d.server.serve(listener));
  d.start_entrypoint();
  if (d.config.ready) {
    std::ignore = write_all(d.config.ready.get(), "1");
    d.config.ready.reset();
    forget_start();
  }
  co_await d.stopping.wait();
  d.contexts.shutdown();
  d.languages.shutdown();
  d.recorder.shutdown();
  d.sessions.begin_shutdown();
  d.desktop_processes.shutdown();
  d.ptys.hang_up();
  d.ssh.stop();
  d.desktop.stop();
  Mono end = after(d.config.drain_time);
  TaskScope ending("shutdown");
  ending.spawn(d.end_children(end));
  co_await d.server.drain(end + d.config.kill_time);
  d.drained.set();
  co_await ending.join();
  co_await d.languages.join();
  co_await d.sessions.stop();
  d.process.reaper.stop();
  co_await d.services.join();
}

void Daemon::stop() { impl_->stopping.set(); }
size_t Daemon::children() const { return impl_->process.reaper.children(); }

}  // namespace dt::daemon
