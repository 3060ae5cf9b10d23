// Endpoints, name resolution and outgoing connections.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "libs/base/text.h"
#include "libs/net/address.h"
#include "libs/net/stream_impl.h"

namespace dt {

Result<Endpoint> Endpoint::parse(std::string_view text) {
  Endpoint out;
  if (text.starts_with("unix:")) {
    out.unix_path = text.substr(5);
    if (out.unix_path.empty() || out.unix_path.size() >= sizeof(sockaddr_un::sun_path))
      return fail(Code::bad_request,
                  "the path of a Unix socket has 1 to 107 characters: " + std::string(text));
    return out;
  }
  size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  std::optional<int64_t> port;
  if (colon != std::string_view::npos) port = parse_int(text.substr(colon + 1));
  bool bad_host = host.empty() || (!bracketed && host.find(':') != std::string_view::npos);
  if (bad_host || !port || *port < 0 || *port > 65535 || text[colon + 1] == '-')
    return fail(Code::bad_request,
                "an endpoint is host:port or unix:/path, not \"" + std::string(text) + "\"");
  out.host = host;
  out.port = static_cast<uint16_t>(*port);
  return out;
}

std::string Endpoint::str() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  bool six = host.find(':') != std::string::npos;
  return (six ? "[" + host + "]:" : host + ":") + std::to_string(port);
}

namespace detail {

bool numeric_address(const Endpoint& at, Address& out) {
  out = {};
  if (!at.unix_path.empty()) {
    auto& un = reinterpret_cast<sockaddr_un&>(out.storage);
    un.sun_family = AF_UNIX;
    memcpy(un.sun_path, at.unix_path.c_str(), at.unix_path.size() + 1);
    out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + at.unix_path.size() + 1);
    return true;
  }
  const char* host = at.host == "localhost" ? "127.0.0.1" : at.host.c_str();
  auto& four = reinterpret_cast<sockaddr_in&>(out.storage);
  auto& six = reinterpret_cast<sockaddr_in6&>(out.storage);
  if (inet_pton(AF_INET, host, &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(at.port);
    out.size = sizeof four;
    return true;
  }
  out = {};
  if (inet_pton(AF_INET6, host, &six.sin6_addr) != 1) return false;
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(at.port);
  out.size = sizeof six;
  return true;
}

}  // namespace detail

namespace {

std::vector<detail::Address> look_up(const std::string& host, uint16_t port) {
  std::vector<detail::Address> out;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list) != 0) return out;
  for (addrinfo* it = list; it; it = it->ai_next) {
    detail::Address address;
    memcpy(&address.storage, it->ai_addr, it->ai_addrlen);
    address.size = it->ai_addrlen;
    out.push_back(address);
  }
  freeaddrinfo(list);
  return out;
}

// getaddrinfo blocks and cannot be cancelled: it gets a thread of its own, which ends with it.
Task<std::vector<detail::Address>> resolve(Endpoint to, Mono deadline) {
  detail::Address numeric;
  if (detail::numeric_address(to, numeric)) {
    std::vector<detail::Address> known{numeric};
    Endpoint six{.host = "::1", .port = to.port, .unix_path = {}};
    bool both = to.host == "localhost" && detail::numeric_address(six, numeric);
    if (both) known.push_back(numeric);
    co_return known;
  }
  struct Shared {
    Event done;
    std::vector<detail::Address> found;
  };
  // The thread only carries the pointer; the objects are touched and released on the loop.
  auto shared = std::make_shared<Shared>();
  std::thread([shared, mail = Loop::current().impl().mail, to]() mutable {
    auto found = look_up(to.host, to.port);
    auto deliver = [shared = std::move(shared), found = std::move(found)]() mutable {
      shared->found = std::move(found);
      shared->done.set();
    };
    mail->post(std::move(deliver), true);
  }).detach();
  bool done = co_await shared->done.wait(deadline);
  if (!done) co_return std::vector<detail::Address>();
  co_return std::move(shared->found);
}

Error connect_error(const Endpoint& to, int err) {
  Error e = errno_error("connect to " + to.str(), err);
  bool absent = err == ECONNREFUSED || err == ENOENT || err == EHOSTUNREACH || err == ENETUNREACH;
  if (absent) e.code = Code::unavailable;
  return e;
}

Task<Result<Stream>> connect_one(const Endpoint& to, const detail::Address& address, Mono deadline) {
  int family = address.storage.ss_family;
  Fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) co_return fail_errno("socket");
  Stream stream(std::move(fd));
  auto* name = reinterpret_cast<const sockaddr*>(&address.storage);
  while (::connect(stream.fd(), name, address.size) != 0) {
    if (errno == EISCONN) break;
    if (errno == EAGAIN) {  // the accept queue of a Unix socket is full: there is nothing to wait on
      if (std::chrono::steady_clock::now() >= deadline)
        co_return fail(Code::timeout, "connect to " + to.str() + ": timed out");
      co_await Loop::current().sleep_for(Millis(5));
      continue;
    }
    if (errno != EINPROGRESS && errno != EINTR && errno != EALREADY)
      co_return std::unexpected(connect_error(to, errno));
    bool ready = co_await stream.watch().writable(deadline);
    if (!ready) co_return fail(Code::timeout, "connect to " + to.str() + ": timed out");
    int err = 0;
    socklen_t size = sizeof err;
    getsockopt(stream.fd(), SOL_SOCKET, SO_ERROR, &err, &size);
    if (err != 0) co_return std::unexpected(connect_error(to, err));
  }
  co_return std::move(stream);
}

}  // namespace

Task<Result<Stream>> connect(Endpoint to, Mono deadline) {
  std::vector<detail::Address> addresses = co_await resolve(to, deadline);
  if (addresses.empty()) co_return fail(Code::not_found, "the name " + to.host + " does not resolve");
  std::optional<Error> first;  // the others may only say that this host has no IPv6
  for (const detail::Address& address : addresses) {
    auto stream = co_await connect_one(to, address, deadline);
    if (stream) co_return std::move(stream);
    bool late = stream.error().code == Code::timeout;
    if (!first) first = std::move(stream).error();
    if (late) break;
  }
  co_return std::unexpected(std::move(*first));
}

}  // namespace dt
