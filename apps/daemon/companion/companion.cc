#include "apps/daemon/companion/companion.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <tuple>

#include "apps/daemon/companion/section.h"
#include "libs/net/stream.h"

namespace dt::daemon {
namespace {

constexpr size_t kReadSize = 64 * 1024;

Status make_non_blocking(const Fd& fd) {
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) < 0) return fail_errno("pipe");
  return {};
}

Task<void> feed(Fd fd, std::string text) {
  Stream stream(std::move(fd));
  // Fails when the program ends without reading everything; its exit code will tell.
  std::ignore = co_await stream.write_all(text);
}

Task<Result<std::string>> read_answer(Fd fd, size_t limit) {
  Stream stream(std::move(fd));
  std::string all, buffer(kReadSize, '\0');
  for (;;) {
    auto n = co_await stream.read_some(buffer);
    if (!n) co_return std::unexpected(std::move(n).error());
    if (*n == 0) co_return all;
    if (all.size() + *n > limit) co_return fail(Code::internal, "the answer is too large");
    all.append(buffer, 0, *n);
  }
}

}  // namespace

Task<Result<Companion::Program>> Companion::program() {
  if (auto there = program_.lock()) co_return there;
  auto fd = co_await pool_.run([this] { return unpack_section(section_, name_); });
  if (!fd) co_return std::unexpected(std::move(fd).error());
  if (auto there = program_.lock()) co_return there;  // of another request, meanwhile
  auto made = std::make_shared<Fd>(std::move(*fd));
  program_ = made;
  co_return made;
}

Result<pid_t> Companion::start(const Program& program, const Start& how) {
  Fd errors(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!errors) return fail_errno("standard error");
  std::string path = "/proc/self/fd/" + std::to_string(program->get());
  std::vector<std::string> words = {name_};
  words.insert(words.end(), how.arguments.begin(), how.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  Environment::Merged merged;
  return process_.spawner.spawn({.program = path.c_str(),
                                 .argv = argv.data(),
                                 .envp = process_.environment.block(how.envs, merged),
                                 .cwd = how.cwd,
                                 .stdin_fd = how.stdin_fd,
                                 .stdout_fd = how.stdout_fd,
                                 .stderr_fd = errors.get()});
}

Task<Result<Companion::Answer>> Companion::run(Start how, std::string input, size_t limit) {
  auto unpacked = co_await program();
  if (!unpacked) co_return std::unexpected(std::move(unpacked).error());
  auto in = make_pipe();
  if (!in) co_return std::unexpected(std::move(in).error());
  auto out = make_pipe();
  if (!out) co_return std::unexpected(std::move(out).error());
  for (const Fd* fd : {&in->write, &out->read})
    if (Status set = make_non_blocking(*fd); !set) co_return std::unexpected(std::move(set).error());
  how.stdin_fd = in->read.get();
  how.stdout_fd = out->write.get();
  auto pid = start(*unpacked, how);
  if (!pid) co_return std::unexpected(std::move(pid).error());
  Child child(process_.reaper, *pid);
  in->read.reset();
  out->write.reset();
  process_.background.spawn(feed(std::move(in->write), std::move(input)));
  auto output = co_await read_answer(std::move(out->read), limit);
  if (!output) child.signal_group(SIGKILL);
  co_await child.wait();
  if (!output) co_return std::unexpected(std::move(output).error());
  co_return Answer{std::move(*output), child.exit_code()};
}

}  // namespace dt::daemon
