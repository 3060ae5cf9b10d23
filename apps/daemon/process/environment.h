// The environment that commands inherit: what the daemon was started with, changed by POST /env. One per
// daemon, used on the loop's thread. The block for execve is kept ready, because starting commands is the hot
// path.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dt::daemon {

using EnvMap = std::map<std::string, std::string, std::less<>>;

class Environment {
 public:
  // Takes over an environ-style array; entries without '=' are dropped.
  explicit Environment(const char* const* environ_block);

  std::optional<std::string_view> get(std::string_view name) const;
  const EnvMap& all() const { return values_; }

  struct Change {
    EnvMap set;
    std::vector<std::string> unset;
    std::string unset_value_prefix;  // of values whose names are not in `set`; empty: none
  };
  void apply(const Change& change);

  // A block for execve: the shared one when there are no overrides, else one built into `own`. Valid until
  // the next apply() and as long as `own` and `overrides` live.
  struct Merged {
    std::vector<std::string> texts;
    std::vector<char*> pointers;
  };
  char* const* block(const std::map<std::string, std::string>& overrides, Merged& own) const;

 private:
  void rebuild();
  EnvMap values_;
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

bool valid_env_name(std::string_view name);  // [A-Za-z_][A-Za-z0-9_]*

}  // namespace dt::daemon
