#include "apps/daemon/ssh/server/command_channel.h"

#include <fcntl.h>
#include <libssh/server.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace dt::ssh {
namespace {

// Files pass through the sftp program's pipes.
constexpr int kPipeSize = 512 * 1024;
constexpr std::string_view kShell = "/bin/sh";
constexpr const char* kSelf = "/proc/self/exe";
// What the contract says for a command that a signal ended; clients that know exit-signal get that, too.
constexpr int kStatusOfSignal = 1;
constexpr int kStatusNotStarted = 127;

struct SignalName {
  std::string_view name;
  int number;
};
constexpr std::array<SignalName, 13> kSignals = {{{"HUP", SIGHUP},
                                                  {"INT", SIGINT},
                                                  {"QUIT", SIGQUIT},
                                                  {"ILL", SIGILL},
                                                  {"ABRT", SIGABRT},
                                                  {"FPE", SIGFPE},
                                                  {"KILL", SIGKILL},
                                                  {"SEGV", SIGSEGV},
                                                  {"PIPE", SIGPIPE},
                                                  {"ALRM", SIGALRM},
                                                  {"TERM", SIGTERM},
                                                  {"USR1", SIGUSR1},
                                                  {"USR2", SIGUSR2}}};

int signal_number(std::string_view name) {
  auto* it = std::ranges::find(kSignals, name, &SignalName::name);
  return it == kSignals.end() ? SIGKILL : it->number;
}

std::string signal_name(int number) {
  auto* it = std::ranges::find(kSignals, number, &SignalName::number);
  if (it != kSignals.end()) return std::string(it->name);
  return "SIG" + std::to_string(number) + "@daytona";  // RFC 4254: others have a domain
}

bool usable_variable(std::string_view name) {
  return !name.empty() && name.find('=') == std::string_view::npos;
}

Status set_non_blocking(const Fd& fd) {
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) < 0) return fail_errno("pipe");
  return {};
}

uint16_t extent(int value, uint16_t otherwise) {
  return value > 0 && value <= 0xffff ? static_cast<uint16_t>(value) : otherwise;
}

}  // namespace

CommandChannel::CommandChannel(ssh_session session, ssh_channel channel, CommandContext& context)
    : Relay(session, channel), context_(context) {
  callbacks_.channel_pty_request_function = [](ssh_session, ssh_channel, const char* term, int columns,
                                               int rows, int, int, void* me) {
    self(me).terminal_type_ = term;
    return self(me).resize(columns, rows);
  };
  callbacks_.channel_pty_window_change_function = [](ssh_session, ssh_channel, int columns, int rows, int,
                                                     int,
                                                     void* me) { return self(me).resize(columns, rows); };
  callbacks_.channel_env_request_function = [](ssh_session, ssh_channel, const char* name, const char* value,
                                               void* me) {
    if (!usable_variable(name)) return 1;
    self(me).asked_[name] = value;
    return 0;
  };
  callbacks_.channel_auth_agent_req_function = [](ssh_session, ssh_channel, void* me) {
    self(me).agent_socket_ = self(me).context_.agent_socket();
  };
  callbacks_.channel_shell_request_function = [](ssh_session, ssh_channel, void* me) {
    return self(me).start({});
  };
  callbacks_.channel_exec_request_function = [](ssh_session, ssh_channel, const char* command, void* me) {
    return self(me).start({std::string(kShell), "-c", command});
  };
  callbacks_.channel_subsystem_request_function = [](ssh_session, ssh_channel, const char* name, void* me) {
    if (std::string_view(name) != "sftp") return 1;
    self(me).terminal_type_.reset();
    return self(me).start({kSelf, "sftp"});
  };
  callbacks_.channel_signal_function = [](ssh_session, ssh_channel, const char* name, void* me) {
    self(me).signal(name);
  };
}

CommandChannel::~CommandChannel() {
  if (pid_) ::kill(-pid_, SIGHUP);  // a terminal hangs up by itself as well
}

int CommandChannel::resize(int columns, int rows) {
  size_ = {extent(columns, size_.cols), extent(rows, size_.rows)};
  if (master_ >= 0) std::ignore = daemon::set_window_size(master_, size_);
  return 0;
}

void CommandChannel::signal(std::string_view name) {
  if (!pid_) return;
  pid_t group = master_ >= 0 ? ::tcgetpgrp(master_) : pid_;
  ::kill(-(group > 0 ? group : pid_), signal_number(name));
}

std::map<std::string, std::string> CommandChannel::variables(const std::string& shell) const {
  std::map<std::string, std::string> out;
  if (terminal_type_) {
    // The sandbox's own TERM wins over the client's.
    if (!context_.environment.get("TERM")) out["TERM"] = *terminal_type_;
    out["SHELL"] = shell;
    out["SSH_TTY"] = tty_name_;
  }
  if (!agent_socket_.empty()) out["SSH_AUTH_SOCK"] = agent_socket_;
  for (const auto& [name, value] : asked_) out[name] = value;
  return out;
}

Status CommandChannel::launch_on_terminal(daemon::SpawnRequest request) {
  TRY(pid_, pty_.spawn(context_.spawner, request));
  Fd output = pty_.take_master();
  TRY(Fd input, output.dup());
  master_ = input.get();
  attach(std::move(input), Input::terminal, std::move(output), {});
  return {};
}

Status CommandChannel::launch_on_pipes(daemon::SpawnRequest request) {
  TRY(Pipe in, make_pipe());
  TRY(Pipe out, make_pipe());
  TRY(Pipe errors, make_pipe());
  for (const Fd* fd : {&in.write, &out.write}) ::fcntl(fd->get(), F_SETPIPE_SZ, kPipeSize);  // when it may
  TRY_VOID(set_non_blocking(in.write));
  TRY_VOID(set_non_blocking(out.read));
  TRY_VOID(set_non_blocking(errors.read));
  request.stdin_fd = in.read.get();
  request.stdout_fd = out.write.get();
  request.stderr_fd = errors.write.get();
  TRY(pid_, context_.spawner.spawn(request));
  attach(std::move(in.write), Input::pipe, std::move(out.read), std::move(errors.read));
  return {};
}

Status CommandChannel::launch(Words& words) {
  std::string shell(kShell);
  if (terminal_type_) {
    TRY(shell, context_.shells.shell());
    TRY(pty_, daemon::Pty::open(size_));
    char name[64];
    if (::ptsname_r(pty_.master(), name, sizeof name) == 0) tty_name_ = name;
  }
  if (words.empty()) words = {shell};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  daemon::Environment::Merged merged;
  daemon::SpawnRequest request{.program = words[0].c_str(),
                               .argv = argv.data(),
                               .envp = context_.environment.block(variables(shell), merged)};
  return terminal_type_ ? launch_on_terminal(request) : launch_on_pipes(request);
}

int CommandChannel::start(Words words) {
  if (started_) return 1;
  started_ = true;
  if (auto launched = launch(words); !launched) {
    // The request is granted and then fails like a program, so that the user sees why.
    attach({}, Input::pipe, {}, {});
    say(launched.error().message + "\r\n", true);
    status_ = W_EXITCODE(kStatusNotStarted, 0);
  }
  return 0;
}

bool CommandChannel::child_ended(pid_t pid, int status) {
  if (pid != pid_) return false;
  pid_ = 0;
  status_ = status;
  progress();
  return true;
}

void CommandChannel::report_end() {
  if (WIFSIGNALED(*status_)) {
    std::string name = signal_name(WTERMSIG(*status_));
    ssh_channel_request_send_exit_signal(channel_, name.c_str(), WCOREDUMP(*status_), "", "");
  }
  int code = WIFSIGNALED(*status_) ? kStatusOfSignal : WEXITSTATUS(*status_);
  ssh_channel_request_send_exit_status(channel_, code);
}

// Like sshd: the channel lives until the program has ended and everybody has closed its output.
void CommandChannel::progress() {
  if (client_closed()) {
    drop_output();
    close_input();
    finish();
  } else if (status_ && output_done()) {
    report_end();
    end_output();
    finish();
  }
}

}  // namespace dt::ssh
