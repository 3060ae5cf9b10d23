#include "apps/daemon/process/mark.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "libs/base/fd.h"
#include "libs/base/random.h"
#include "libs/base/text.h"

namespace dt::daemon {
namespace {

// 146,000 years; below "no limit", above whatever anybody would set.
constexpr uint64_t kFirst = uint64_t{1} << 62;

// Readable by everybody, where prlimit() needs the same user.
uint64_t from_proc(pid_t pid) {
  auto text = read_file("/proc/" + std::to_string(pid) + "/limits", 8192);
  if (!text) return 0;
  constexpr std::string_view kName = "Max realtime timeout";
  size_t at = text->find(kName);
  if (at == std::string::npos) return 0;
  std::string_view rest = trim(std::string_view(*text).substr(at + kName.size()));
  auto value = parse_int(rest.substr(0, rest.find(' ')));
  return value && *value > 0 ? static_cast<uint64_t>(*value) : 0;
}

}  // namespace

Mark Mark::next() {
  // From a random number on: daemons may see each other's processes (tests beside running sandboxes), and
  // none may take another's for its own.
  static uint64_t last = kFirst + (random_u64() >> 3);
  Mark mark;
  mark.value_ = ++last;
  return mark;
}

bool Mark::carried_by(pid_t pid) const {
  if (value_ == 0) return false;
  rlimit limit{};
  if (::prlimit(pid, RLIMIT_RTTIME, nullptr, &limit) == 0) return limit.rlim_cur == value_;
  return from_proc(pid) == value_;
}

std::vector<pid_t> Mark::carriers() const {
  std::vector<pid_t> out;
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc"), ::closedir);
  if (!dir || value_ == 0) return out;
  while (dirent* entry = ::readdir(dir.get())) {
    auto number = parse_int(entry->d_name);
    if (!number) continue;
    pid_t pid = static_cast<pid_t>(*number);
    if (pid != ::getpid() && carried_by(pid)) out.push_back(pid);
  }
  return out;
}

MarkedStart::MarkedStart(Mark mark) {
  rlimit limit{};
  if (!mark || ::getrlimit(RLIMIT_RTTIME, &limit) != 0) return;
  before_ = limit.rlim_cur;
  limit.rlim_cur = mark.value_;
  set_ = ::setrlimit(RLIMIT_RTTIME, &limit) == 0;
}

MarkedStart::~MarkedStart() {
  rlimit limit{};
  if (!set_ || ::getrlimit(RLIMIT_RTTIME, &limit) != 0) return;
  limit.rlim_cur = before_;
  ::setrlimit(RLIMIT_RTTIME, &limit);
}

}  // namespace dt::daemon
