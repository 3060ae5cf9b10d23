#include "apps/daemon/desktop/desktop.h"

#include <unistd.h>

#include <algorithm>

#include "apps/daemon/desktop/outputs.h"
#include "apps/daemon/desktop/probes.h"
#include "apps/daemon/desktop/x_probe.h"
#include "libs/base/log.h"
#include "libs/base/text.h"

namespace dt::daemon::desktop {
namespace {

constexpr std::string_view kBusVariable = "DBUS_SESSION_BUS_ADDRESS";
constexpr Millis kAccessibilityReady{3000};  // the desktop works without

// For programs that look for what does not exist any more when its end was not seen: another process may have
// the number in the lock by now. Blocks.
void remove_stale_display(std::string_view display) {
  auto number = display_number(display);
  if (!number) return;
  ::unlink(("/tmp/.X" + std::to_string(*number) + "-lock").c_str());
  ::unlink(("/tmp/.X11-unix/X" + std::to_string(*number)).c_str());
}

// D-Bus takes these bytes as they are, all others escaped.
std::string bus_escaped(std::string_view path) {
  std::string out;
  for (char c : path) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 std::string_view("-_/.\\*").contains(c);
    out += plain ? std::string(1, c) : "%" + hex_encode({&c, 1});
  }
  return out;
}

std::string own_bus_address(const Settings& settings) {
  constexpr size_t kLongest = 100;  // of a socket's path
  std::string path = settings.folder + "/bus";
  if (path.size() > kLongest) path = "/tmp/.daytona-bus-" + std::to_string(::getpid());
  return "unix:path=" + bus_escaped(path);
}

const Part& part(std::string_view name) { return *find_part(name); }

bool lives_on_display(const Part& p) {
  return std::string_view(p.name) != "xvfb" && std::string_view(p.name) != "novnc";
}

}  // namespace

// What of the desktop there is in this image, and with which settings.
struct Desktop::Plan {
  Settings settings;
  std::string bus;  // address of the session bus that the desktop shall use; empty: there is none
  Found bus_program;
  bool own_bus = false;
  std::map<std::string_view, Found> programs;
};

// One of start, stop and restart at a time.
class Desktop::Turn {
 public:
  explicit Turn(Desktop& desktop) : desktop_(desktop) {}
  Turn(const Turn&) = delete;
  ~Turn() {
    if (!taken_) return;
    desktop_.turn_taken_ = false;
    desktop_.turn_free_.set();
  }
  Task<void> take() {
    while (desktop_.turn_taken_) {
      desktop_.turn_free_.reset();
      co_await desktop_.turn_free_.wait();
    }
    desktop_.turn_taken_ = taken_ = true;
  }

 private:
  Desktop& desktop_;
  bool taken_ = false;
};

Desktop::Desktop(ProcessContext& process, WorkerPool& files, Times times)
    : context_(process), files_(files), times_(times) {
  Supervised::Times keeping{.restart = times.restart};
  for (const Part& p : parts())
    processes_.emplace(p.name, std::make_unique<Supervised>(process, files, keeping));
  bus_ = std::make_unique<Supervised>(process, files, keeping);
}

Desktop::~Desktop() { scope_.stop_now(); }

Supervised& Desktop::process(const Part& p) const { return *processes_.at(p.name); }

Task<Desktop::Plan> Desktop::plan() {
  Plan out;
  out.settings = read_settings(context_.environment);
  std::string named(context_.environment.get(kBusVariable).value_or(""));
  out.own_bus = named.empty() || named == bus_address_;
  out.bus = out.own_bus ? own_bus_address(out.settings) : named;
  std::string path(context_.environment.get("PATH").value_or(""));
  co_await files_.run([&] {
    if (out.own_bus) out.bus_program = find_bus(out.settings, path, out.bus);
    if (!out.bus_program.installed()) out.bus.clear();
    for (const Part& p : parts()) out.programs.emplace(p.name, find_program(p, out.settings, path, out.bus));
    return true;
  });
  accessibility_installed_ = !out.bus.empty() && out.programs.at("atspi").installed();
  co_return out;
}

// Commands of later find the desktop by these.
void Desktop::publish(const Settings& settings) {
  Environment::Change change;
  if (!context_.environment.get("DISPLAY")) {
    change.set.emplace("DISPLAY", settings.display);
    display_is_ours_ = true;
  }
  if (!bus_address_.empty()) change.set.emplace(kBusVariable, bus_address_);
  context_.environment.apply(change);
  tell(settings.display);
}

std::string Desktop::session_bus() const {
  return std::string(context_.environment.get(kBusVariable).value_or(""));
}

// Those who talk to the desktop themselves.
void Desktop::tell(const std::string& display) {
  if (!variables_changed) return;
  std::map<std::string, std::string> variables{{"DISPLAY", display}};
  if (auto bus = context_.environment.get(kBusVariable)) variables.emplace(kBusVariable, *bus);
  variables_changed(std::move(variables));
}

void Desktop::withdraw() {
  Environment::Change change;
  if (display_is_ours_) change.unset.emplace_back("DISPLAY");
  if (!bus_address_.empty() && context_.environment.get(kBusVariable) == bus_address_)
    change.unset.emplace_back(kBusVariable);
  display_is_ours_ = false;
  bus_address_.clear();
  context_.environment.apply(change);
  tell(read_settings(context_.environment).display);
}

Task<void> Desktop::start_bus(Plan& plan) {
  if (!plan.own_bus || !plan.bus_program.installed()) co_return;
  co_await bus_->start(std::move(plan.bus_program.program));
  Mono end = after(times_.ready);
  bool answers = co_await bus_serves(plan.bus, end);
  while (!answers && bus_->pid() && std::chrono::steady_clock::now() < end) {
    co_await Loop::current().sleep_for(times_.look);
    answers = co_await bus_serves(plan.bus, end);
  }
  if (answers)
    bus_address_ = plan.bus;
  else
    log::warn("the session bus of the desktop does not answer", {{"address", plan.bus}});
}

Task<void> Desktop::start_part(const Part& p, Plan& plan) {
  Found& found = plan.programs.at(p.name);
  Supervised& supervised = process(p);
  if (!found.installed() || supervised.supervised()) co_return;
  if (std::string_view(p.name) == "xvfb") {
    bool served = co_await display_serves(plan.settings.display, after(times_.probe));
    if (!served) {
      co_await files_.run([&] {
        remove_stale_display(plan.settings.display);
        return true;
      });
    }
  }
  co_await supervised.start(found.program);
}

Task<bool> Desktop::serves(const Part& p, const Settings& settings, Mono deadline) {
  std::string_view name = p.name;
  if (name == "xvfb") co_return co_await display_serves(settings.display, deadline);
  if (name == "xfce4") {
    // What comes up later moves windows, sets the keyboard and takes the clipboard.
    bool managed = co_await window_manager_runs(settings.display, deadline);
    co_return managed&& co_await session_settled(session_bus(), deadline);
  }
  if (name == "atspi") co_return co_await accessibility_bus_serves(session_bus(), deadline);
  if (name == "x11vnc") co_return co_await port_answers(settings.vnc_port, "RFB ", deadline);
  co_return co_await port_answers(settings.novnc_port, "", deadline);
}

// False: it does not run, or does not serve in time. A session without a window manager is one all the same.
Task<bool> Desktop::wait_ready(const Part& p, const Settings& settings) {
  bool accessibility = std::string_view(p.name) == "atspi";
  Mono end = after(accessibility ? kAccessibilityReady : times_.ready);
  Supervised& supervised = process(p);
  while (supervised.pid()) {
    bool ready = co_await serves(p, settings, end);
    if (ready) co_return true;
    if (std::chrono::steady_clock::now() >= end) co_return std::string_view(p.name) == "xfce4";
    co_await Loop::current().sleep_for(times_.look);
  }
  // The accessibility bus may have been started by somebody else; then ours ends.
  co_return accessibility&& co_await serves(p, settings, end);
}

Task<Status> Desktop::start() {
  Turn turn(*this);
  co_await turn.take();
  Plan plan = co_await this->plan();
  co_await start_bus(plan);
  publish(plan.settings);
  co_await start_part(part("xvfb"), plan);
  std::vector<std::string_view> serving;
  bool display = co_await wait_ready(part("xvfb"), plan.settings);
  if (display) {
    serving.emplace_back("xvfb");
    // Before the session, so that its programs find the bus.
    if (accessibility_installed_) {
      co_await start_part(part("atspi"), plan);
      co_await wait_ready(part("atspi"), plan.settings);
    }
    for (const char* name : {"xfce4", "x11vnc", "novnc"}) co_await start_part(part(name), plan);
    for (const char* name : {"xfce4", "x11vnc", "novnc"}) {
      bool ready = co_await wait_ready(part(name), plan.settings);
      if (ready) serving.emplace_back(name);
    }
  }
  probed_ = {};
  co_return verdict(plan, serving);
}

// The contract's text, and what would have to be done.
Status Desktop::verdict(const Plan& plan, const std::vector<std::string_view>& serving) const {
  std::vector<std::string> failed, missing, broken;
  for (const Part& p : parts()) {
    if (!p.required || std::ranges::count(serving, std::string_view(p.name)) > 0) continue;
    failed.emplace_back(p.name);
    const Found& found = plan.programs.at(p.name);
    if (!found.installed())
      missing.push_back(found.missing);
    else if (process(p).supervised())
      broken.emplace_back(p.name);
  }
  if (failed.empty()) return {};
  std::string text = "failed to start: [" + join(failed, " ") + "]";
  if (!missing.empty())
    text += "; the sandbox's image lacks " + join(missing, ", ") + ": use a snapshot of a desktop image";
  if (!broken.empty())
    text += "; does not stay up or does not answer: " + join(broken, ", ") +
            " (see the logs and errors of the process)";
  return fail(Code::unavailable, text);
}

Task<void> Desktop::stop() {
  Turn turn(*this);
  co_await turn.take();
  for (auto p = parts().rbegin(); p != parts().rend(); ++p) co_await process(*p).stop();
  co_await bus_->stop();
  probed_ = {};
  withdraw();
}

void Desktop::shutdown() {
  for (auto& [name, supervised] : processes_) supervised->abandon();
  bus_->abandon();
}

Task<Status> Desktop::restart(std::string name) {
  Plan plan = co_await this->plan();
  const Part* found = find_part(name);
  if (!found || !known(*found)) co_return fail(Code::not_found, "process " + name + " not found");
  const Found& program = plan.programs.at(found->name);
  if (!program.installed())
    co_return fail(Code::unavailable,
                   "process " + name + " cannot be started: the sandbox's image lacks " + program.missing);
  scope_.spawn(restart_now(*found));
  co_return Status{};
}

Task<void> Desktop::restart_now(const Part& p) {
  Turn turn(*this);
  co_await turn.take();
  Plan plan = co_await this->plan();
  std::vector<const Part*> affected;
  bool display = std::string_view(p.name) == "xvfb";
  for (const Part& other : parts())
    if (display && lives_on_display(other) && process(other).supervised()) affected.push_back(&other);
  for (auto other = affected.rbegin(); other != affected.rend(); ++other) co_await process(**other).stop();
  co_await process(p).stop();
  co_await start_part(p, plan);
  if (affected.empty()) co_return;
  co_await wait_ready(p, plan.settings);
  for (const Part* other : affected) co_await start_part(*other, plan);
}

bool Desktop::known(const Part& p) const {
  return std::string_view(p.name) != "atspi" || accessibility_installed_;
}

Task<bool> Desktop::accessibility_runs() {
  Mono now = std::chrono::steady_clock::now();
  if (probed_ != Mono{} && now - probed_ < times_.probe_kept) co_return probe_answer_;
  bool answer = co_await accessibility_bus_serves(session_bus(), after(times_.probe));
  probed_ = std::chrono::steady_clock::now();
  co_return probe_answer_ = answer;
}

Task<ProcessStatus> Desktop::status_of(const Part& p) {
  ProcessStatus out{.part = &p, .running = process(p).supervised(), .pid = process(p).pid()};
  if (std::string_view(p.name) == "atspi") {
    out.pid.reset();
    out.running = co_await accessibility_runs();
  }
  co_return out;
}

Task<std::vector<ProcessStatus>> Desktop::statuses() {
  co_await plan();
  std::vector<ProcessStatus> out;
  for (const Part& p : parts()) {
    if (!known(p)) continue;
    ProcessStatus status = co_await status_of(p);
    out.push_back(status);
  }
  co_return out;
}

Task<Result<ProcessStatus>> Desktop::status(std::string name) {
  co_await plan();
  const Part* p = find_part(name);
  if (!p || !known(*p)) co_return fail(Code::not_found, "process " + name + " not found");
  co_return co_await status_of(*p);
}

Task<Result<std::string>> Desktop::output(std::string name, Output which) {
  Plan plan = co_await this->plan();
  const Part* p = find_part(name);
  if (!p || !known(*p)) co_return fail(Code::not_found, "process " + name + " not found");
  const Program& program = plan.programs.at(p->name).program;
  std::string path = which == Output::log ? program.log_path : program.error_path;
  auto text = co_await files_.run([&] { return read_output(path); });
  if (!text && text.error().code == Code::not_found)
    co_return fail(Code::not_found, "process " + name + " has written nothing yet: it was never started");
  co_return text;
}

std::string_view Desktop::overall() const {
  size_t required = 0, running = 0;
  for (const Part& p : parts()) {
    required += p.required;
    running += p.required && processes_.at(p.name)->supervised();
  }
  return running == 0 ? "inactive" : running == required ? "active" : "partial";
}

}  // namespace dt::daemon::desktop
