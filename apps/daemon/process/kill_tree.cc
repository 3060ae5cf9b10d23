#include "apps/daemon/process/kill_tree.h"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "libs/base/fd.h"
#include "libs/base/text.h"

namespace dt::daemon {
namespace {

struct Process {
  pid_t pid;
  pid_t parent;
  pid_t group;
  pid_t session;
};

// "pid (name) state ppid pgrp session …"; the name may contain anything.
bool parse_stat(const std::string& text, Process& out) {
  size_t close = text.rfind(')');
  if (close == std::string::npos || close + 2 > text.size()) return false;
  std::vector<std::string_view> fields = split(std::string_view(text).substr(close + 2), ' ');
  if (fields.size() < 4) return false;
  out.parent = static_cast<pid_t>(parse_int(fields[1]).value_or(0));
  out.group = static_cast<pid_t>(parse_int(fields[2]).value_or(0));
  out.session = static_cast<pid_t>(parse_int(fields[3]).value_or(0));
  return true;
}

std::vector<Process> processes() {
  std::vector<Process> out;
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc"), ::closedir);
  if (!dir) return out;
  while (dirent* entry = ::readdir(dir.get())) {
    auto pid = parse_int(entry->d_name);
    if (!pid) continue;
    auto text = read_file("/proc/" + std::string(entry->d_name) + "/stat", 4096);
    Process process{static_cast<pid_t>(*pid), 0, 0, 0};
    if (text && parse_stat(*text, process)) out.push_back(process);
  }
  return out;
}

struct Tree {
  pid_t leader = 0;  // 0: none
  Mark mark;
  std::unordered_set<pid_t> known;
};

// The members of the tree that are not known yet.
std::vector<pid_t> new_members(Tree& tree) {
  std::vector<pid_t> found;
  std::vector<Process> all = processes();
  auto add = [&](const Process& p) {
    tree.known.insert(p.pid);
    found.push_back(p.pid);
  };
  for (const Process& p : all)
    if (!tree.known.contains(p.pid) && p.pid != ::getpid() && tree.mark.carried_by(p.pid)) add(p);
  for (size_t before = ~size_t{0}; before != found.size();) {
    before = found.size();
    for (const Process& p : all) {
      bool member = tree.known.contains(p.parent) || (tree.leader && p.group == tree.leader);
      if (member && !tree.known.contains(p.pid)) add(p);
    }
  }
  return found;
}

// Stopped processes cannot fork, so each round finds less; killing comes last, because a dead parent hides
// its children. A process that is already forking when it is stopped is found in the next round.
void kill_all(Tree tree) {
  constexpr int kRounds = 32;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<pid_t> found = new_members(tree);
    for (pid_t pid : found) ::kill(pid, SIGSTOP);
    if (found.empty()) break;
  }
  for (pid_t pid : tree.known) ::kill(pid, SIGKILL);
}

}  // namespace

void kill_tree(pid_t leader, Mark mark) {
  ::kill(-leader, SIGSTOP);
  kill_all({.leader = leader, .mark = mark, .known = {leader}});
  ::kill(-leader, SIGKILL);
}

void kill_marked(Mark mark) {
  if (mark) kill_all({.leader = 0, .mark = mark, .known = {}});
}

}  // namespace dt::daemon
