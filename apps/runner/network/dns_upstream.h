// Where the resolver forwards to: a fixed list, or the nameservers of a resolv.conf that is read again when
// it changes.
#pragma once
#include <sys/socket.h>
#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/error.h"

namespace dt::runner {

struct Upstream {
  sockaddr_storage address{};
  socklen_t size = 0;
};

// "10.0.0.2", "10.0.0.2:5353", "fd00::1", "[fd00::1]:5353"
Result<Upstream> parse_upstream(std::string_view text);
std::vector<std::string> nameservers_of(std::string_view resolv_conf);

class Upstreams {
 public:
  static Result<Upstreams> create(const std::vector<std::string>& fixed, std::string resolv_conf);
  // At least one: without any, 127.0.0.53, where the host's own resolver usually is.
  const std::vector<Upstream>& current();

 private:
  void reload();
  std::string path_;  // empty: fixed
  struct stat seen_{};
  Mono next_look_{};
  std::vector<Upstream> list_;
};

}  // namespace dt::runner
