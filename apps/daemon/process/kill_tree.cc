#include "apps/daemon/process/kill_tree.h"

#include <dirent.h>
#include <signal.h>

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
};

// "pid (name) state ppid pgrp …"; the name may contain anything.
bool parse_stat(const std::string& text, Process& out) {
  size_t close = text.rfind(')');
  if (close == std::string::npos || close + 2 > text.size()) return false;
  std::vector<std::string_view> fields = split(std::string_view(text).substr(close + 2), ' ');
  if (fields.size() < 3) return false;
  out.parent = static_cast<pid_t>(parse_int(fields[1]).value_or(0));
  out.group = static_cast<pid_t>(parse_int(fields[2]).value_or(0));
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
    Process process{static_cast<pid_t>(*pid), 0, 0};
    if (text && parse_stat(*text, process)) out.push_back(process);
  }
  return out;
}

// The members of the tree that are not yet in `known`.
std::vector<pid_t> new_members(pid_t leader, std::unordered_set<pid_t>& known) {
  std::vector<pid_t> found;
  std::vector<Process> all = processes();
  for (bool grew = true; grew;) {
    grew = false;
    for (const Process& p : all) {
      if (known.contains(p.pid) || !(known.contains(p.parent) || p.group == leader)) continue;
      known.insert(p.pid);
      found.push_back(p.pid);
      grew = true;
    }
  }
  return found;
}

}  // namespace

void kill_tree(pid_t leader) {
  // Stopped processes cannot fork, so each round finds less; killing comes last, because a dead parent hides
  // its children.
  constexpr int kRounds = 8;
  std::unordered_set<pid_t> known{leader};
  ::kill(-leader, SIGSTOP);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<pid_t> found = new_members(leader, known);
    for (pid_t pid : found) ::kill(pid, SIGSTOP);
    if (found.empty()) break;
  }
  ::kill(-leader, SIGKILL);
  for (pid_t pid : known) ::kill(pid, SIGKILL);
}

}  // namespace dt::daemon
