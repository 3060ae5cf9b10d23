#include "apps/daemon/desktop/companions.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/daemon/desktop/handover.h"
#include "apps/daemon/http/errors.h"
#include "libs/base/log.h"
#include "libs/codec/codec.h"

extern "C" const char dt_desktop_section[];  // of dt_companion

namespace dt::daemon {
namespace {

constexpr const char* kDefaultDisplay = ":0";
const Endpoint kEndpoint{.host = "desktop", .port = 80, .unix_path = {}};  // a name only

Response not_available(const Request& request, const Error& why) {
  log::error("computer use is not available", {{"error", why.message}});
  constexpr std::string_view kMessage = "Computer-use functionality is not available";
  std::string body = "{\"error\":";
  codec::write_string(body, kMessage);
  body += ",\"details\":";
  codec::write_string(body, why.message);
  body +=
      ",\"solution\":\"Retry shortly. If the problem persists, look for the reason in the daemon's log.\",";
  body += error_members(503, wire_name(Code::unavailable), kMessage, request.path, request.method);
  return json_response(503, body + "}");
}

// What the client reads when the process went away under its request.
Response broken(const Request& request, Error error) {
  if (error.code == Code::bad_gateway || error.code == Code::unavailable)
    error.message = "the computer-use process ended while it handled this request (" + error.message +
                    "); it is started again by the next one";
  error.wire_code = wire_name(error.code);
  Response response = error_response(request, error);
  std::string body = "{\"error\":";
  codec::write_string(body, error.message);
  response.body = body + "," + response.body.substr(1);
  return response;
}

}  // namespace

// One running program and the way to it.
class DesktopCompanions::Process {
 public:
  Process(Reaper& reaper, pid_t pid, Fd control, Variables variables)
      : child(reaper, pid),
        started_with(std::move(variables)),
        control_(std::move(control)),
        client({.idle_per_endpoint = 8,
                .idle_timeout = Millis(30'000),
                .connect_timeout = Millis(5'000),
                .connect = [this](const Endpoint&, Mono) { return connect(); }}) {}
  Process(const Process&) = delete;

  // It finishes what it does and ends; no further requests.
  void dismiss() { control_.reset(); }
  bool dismissed() const { return !control_; }
  bool usable() const {
    pollfd end{control_.get(), 0, 0};
    return control_ && !child.exited() && ::poll(&end, 1, 0) == 0;  // else it closed the other end by dying
  }

  Child child;
  const Variables started_with;

 private:
  Task<Result<Stream>> connect() {
    if (!control_) co_return fail(Code::unavailable, "it was replaced");
    auto pair = socket_pair(SOCK_STREAM);
    if (!pair) co_return std::unexpected(std::move(pair).error());
    Status given = hand_over(control_.get(), pair->theirs);
    if (!given) co_return std::unexpected(std::move(given).error());
    co_return Stream(std::move(pair->ours));
  }

  Fd control_;

 public:
  HttpClient client;
};

struct DesktopCompanions::Mode {
  std::string name;  // the program's argument
  std::shared_ptr<Process> process;
  size_t requests = 0;  // not answered to the end
  Mono last_request{};
};

DesktopCompanions::DesktopCompanions(ProcessContext& process, WorkerPool& pool, Millis idle)
    : process_(process), companion_(process, pool, "daytona-desktop", dt_desktop_section), idle_(idle) {
  for (const char* name : {"x11", "accessibility"}) {
    modes_.push_back(std::make_unique<Mode>());
    modes_.back()->name = name;
  }
}

DesktopCompanions::~DesktopCompanions() { scope_.stop_now(); }

std::vector<Route> DesktopCompanions::routes() {
  Mode* x11 = modes_[0].get();
  Mode* accessibility = modes_[1].get();
  auto to = [this](Mode* mode) { return [this, mode](Request& r) { return serve(*mode, r); }; };
  return {{"*", "/computeruse/display/{rest...}", to(x11)},
          {"*", "/computeruse/screenshot", to(x11)},
          {"*", "/computeruse/screenshot/{rest...}", to(x11)},
          {"*", "/computeruse/mouse/{rest...}", to(x11)},
          {"*", "/computeruse/keyboard/{rest...}", to(x11)},
          {"*", "/computeruse/a11y/{rest...}", to(accessibility)}};
}

void DesktopCompanions::set_variables(Variables variables) { variables_ = std::move(variables); }

void DesktopCompanions::stop() {
  for (auto& mode : modes_)
    if (mode->process) mode->process->dismiss();
}

// What a companion is started with now. POST /env may have changed what it would inherit.
DesktopCompanions::Variables DesktopCompanions::variables() const {
  Variables out = variables_;
  for (const char* name : {"DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"})
    if (auto value = process_.environment.get(name); value && !out.contains(name)) out[name] = *value;
  if (out["DISPLAY"].empty()) out["DISPLAY"] = kDefaultDisplay;
  return out;
}

Task<Result<std::shared_ptr<DesktopCompanions::Process>>> DesktopCompanions::running(Mode& mode) {
  for (;;) {
    Variables wanted = variables();
    if (mode.process && mode.process->started_with != wanted) mode.process->dismiss();
    if (mode.process && mode.process->usable()) co_return mode.process;
    auto program = co_await companion_.program();
    if (!program) co_return std::unexpected(std::move(program).error());
    if (mode.process && mode.process->usable()) continue;  // of another request, meanwhile
    auto control = socket_pair(SOCK_SEQPACKET);
    if (!control) co_return std::unexpected(std::move(control).error());
    wanted = variables();
    Fd log(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
    if (!log) co_return fail_errno("standard error");
    auto pid = companion_.start(*program, {.arguments = {mode.name},
                                           .envs = wanted,
                                           .stdin_fd = control->theirs.get(),
                                           .stdout_fd = log.get()});
    if (!pid) co_return std::unexpected(std::move(pid).error());
    mode.process =
        std::make_shared<Process>(process_.reaper, *pid, std::move(control->ours), std::move(wanted));
    mode.last_request = std::chrono::steady_clock::now();
    scope_.spawn(watch(mode, mode.process));
    co_return mode.process;
  }
}

// Until it has ended: by itself, dismissed, or by us when nobody asks any more.
Task<void> DesktopCompanions::watch(Mode& mode, std::shared_ptr<Process> process) {
  for (;;) {
    bool ended = co_await process->child.wait(mode.last_request + idle_);
    if (ended) break;
    auto now = std::chrono::steady_clock::now();
    if (mode.requests > 0) mode.last_request = now;
    if (now < mode.last_request + idle_) continue;
    process->dismiss();
    co_await process->child.wait();
    break;
  }
  if (process->child.term_signal() != 0 && !process->dismissed())
    log::warn("a computer-use process was ended by a signal",
              {{"mode", mode.name}, {"signal", process->child.term_signal()}});
  if (mode.process == process) mode.process.reset();
}

// A process with a connection to it: one that died unnoticed is replaced.
Task<Result<std::shared_ptr<DesktopCompanions::Process>>> DesktopCompanions::connected(
    Mode& mode, const CallContext& ctx) {
  Result<std::shared_ptr<Process>> process = fail(Code::unavailable, "");
  for (int attempt = 0; attempt < 2; ++attempt) {
    process = co_await running(mode);
    if (!process) break;
    Status ready = co_await (*process)->client.prepare(ctx, kEndpoint);
    if (ready) break;
    (*process)->dismiss();
    process = std::unexpected(std::move(ready).error());
  }
  co_return process;
}

Task<Response> DesktopCompanions::serve(Mode& mode, Request& request) {
  ++mode.requests;
  std::shared_ptr<void> hold(nullptr, [&mode](void*) {
    --mode.requests;
    mode.last_request = std::chrono::steady_clock::now();
  });
  auto process = co_await connected(mode, request.ctx);
  if (!process) co_return not_available(request, process.error());
  auto response = co_await forward((*process)->client, request, kEndpoint, {.target = request.target});
  // It was dying when the request came: what only looks is asked again.
  bool again = !response && request.method == "GET" && !(*process)->usable();
  if (again) {
    process = co_await connected(mode, request.ctx);
    if (!process) co_return not_available(request, process.error());
    response = co_await forward((*process)->client, request, kEndpoint, {.target = request.target});
  }
  if (!response) co_return broken(request, std::move(response).error());
  if (response->stream)
    response->stream = [inner = std::move(response->stream), hold,
                        process = *process](BodyWriter& writer) mutable { return inner(writer); };
  co_return std::move(*response);
}

}  // namespace dt::daemon
