#include "apps/daemon/desktop/probes.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "apps/daemon/desktop/x_probe.h"
#include "libs/base/text.h"

namespace dt::daemon::desktop {
namespace {

// The path of a Unix socket; a NUL in front for abstract ones. Empty: another kind of address.
std::string socket_of(std::string_view address) {
  constexpr std::string_view kUnix = "unix:";
  if (!address.starts_with(kUnix)) return "";
  address = address.substr(kUnix.size(), address.find_first_of(std::string_view(";\0", 2)) - kUnix.size());
  for (std::string_view pair : split(address, ',')) {
    size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    std::string value = percent_decode(pair.substr(equals + 1)).value_or("");
    if (pair.starts_with("path=")) return value;
    if (pair.starts_with("abstract=")) return std::string(1, '\0') + value;
  }
  return "";
}

// Unix sockets connect at once or not at all.
bool takes_connections(const std::string& name) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (name.empty() || name.size() >= sizeof to.sun_path) return false;
  std::memcpy(to.sun_path, name.data(), name.size());
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return false;
  // Full queue: somebody listens.
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), size) == 0 || errno == EAGAIN;
}

}  // namespace

bool bus_serves(std::string_view address) { return takes_connections(socket_of(address)); }

Task<bool> display_serves(std::string display, Mono deadline) {
  auto probe = co_await XProbe::open(std::move(display), deadline);
  co_return probe.has_value() || probe.error().code == Code::forbidden;
}

Task<bool> window_manager_runs(std::string display, Mono deadline) {
  auto probe = co_await XProbe::open(std::move(display), deadline);
  if (!probe) co_return false;
  auto window = co_await probe->root_property("_NET_SUPPORTING_WM_CHECK", deadline);
  co_return window.has_value();
}

Task<bool> accessibility_bus_serves(std::string display, Mono deadline) {
  auto probe = co_await XProbe::open(std::move(display), deadline);
  if (!probe) co_return false;
  auto address = co_await probe->root_property("AT_SPI_BUS", deadline);
  if (!address) co_return false;
  co_return bus_serves(*address);
}

Task<bool> port_answers(uint16_t port, std::string greeting, Mono deadline) {
  Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  endpoint.port = port;
  auto connected = co_await connect(std::move(endpoint), deadline);
  if (!connected) co_return false;
  std::string got;
  while (got.size() < greeting.size()) {
    char buffer[64];
    auto n = co_await connected->read_some(buffer, deadline);
    if (!n || *n == 0) co_return false;
    got.append(buffer, *n);
  }
  co_return got.starts_with(greeting);
}

}  // namespace dt::daemon::desktop
