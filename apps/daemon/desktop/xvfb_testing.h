// For tests: an X server of their own (Debian package xvfb, group test of packages.txt). Without it the tests
// fail.
#pragma once
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "libs/base/fd.h"
#include "libs/base/text.h"

extern char** environ;

namespace dt {

class Xvfb {
 public:
  // On a free display, or on a given one (":5"). Returns when it answers.
  explicit Xvfb(std::string screen = "640x480x24", std::string display = {},
                std::vector<std::string> more = {}) {
    Pipe ready = *make_pipe();
    std::vector<std::string> words = {"Xvfb",     "-displayfd", "3",  "-screen", "0", std::move(screen),
                                      "-noreset", "-nolisten",  "tcp"};
    words.insert(words.end(), more.begin(), more.end());
    if (!display.empty()) words.insert(words.begin() + 1, display);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ready.write.get(), 3);
    ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    bool started = ::posix_spawnp(&pid_, "Xvfb", &actions, &attributes, argv.data(), environ) == 0;
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    ready.write.reset();
    auto number = started ? read_all(ready.read.get()) : Result<std::string>("");
    if (!number || trim(*number).empty()) {
      std::fputs("Xvfb does not start; is it installed? ./x deps test\n", stderr);
      std::abort();
    }
    display_ = ":" + std::string(trim(*number));
  }
  Xvfb(const Xvfb&) = delete;
  ~Xvfb() { end(); }

  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGCONT);
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void signal(int number) const { ::kill(pid_, number); }
  const std::string& display() const { return display_; }

 private:
  pid_t pid_ = 0;
  std::string display_;
};

}  // namespace dt
