// Namespaces, clients and servers for the tests: a "host" and an "internet" of the test's own.
#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "libs/base/fd.h"

namespace dt::runner::testing_net {

inline Fd current_netns() { return Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)); }

inline Fd fresh_netns() {
  Fd result;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) == 0) result = current_netns();
  }).join();
  return result;
}

// In a thread of its own, which ends there.
template <class Fn>
auto inside(const Fd& netns, Fn fn) -> decltype(fn()) {
  decltype(fn()) result{};
  std::thread([&] {
    if (setns(netns.get(), CLONE_NEWNET) == 0) result = fn();
  }).join();
  return result;
}

inline bool sh(const std::string& command) { return system(command.c_str()) == 0; }
inline bool sh_in(const Fd& netns, const std::string& command) {
  return inside(netns, [&] { return sh(command); });
}

inline sockaddr_in at(const std::string& address, uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &result.sin_addr);
  return result;
}
inline std::string text_of(const sockaddr_in& address) {
  char text[INET_ADDRSTRLEN];
  return inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
}

inline Fd bound(int type, const std::string& address, uint16_t port) {
  Fd fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  auto where = at(address, port);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) < 0) return {};
  if (type == SOCK_STREAM) listen(fd.get(), 16);
  return fd;
}

// Answers every UDP datagram and TCP message by `reply(bytes, peer)`, in `netns`.
class Server {
 public:
  using Reply = std::function<std::string(const std::string& bytes, const std::string& peer, bool tcp)>;
  Server(const Fd& netns, const std::string& address, uint16_t port, Reply reply) : reply_(std::move(reply)) {
    inside(netns, [&] {
      udp_ = bound(SOCK_DGRAM, address, port);
      tcp_ = bound(SOCK_STREAM, address, port);
      return 0;
    });
    thread_ = std::thread([this] { run(); });
  }
  ~Server() {
    stop_ = true;
    thread_.join();
  }
  bool ok() const { return udp_ && tcp_; }
  bool saw(const std::string& bytes) {
    std::lock_guard lock(mutex_);
    return seen_.contains(bytes);
  }

 private:
  std::string note(const std::string& bytes, const sockaddr_in& peer, bool tcp) {
    std::lock_guard lock(mutex_);
    seen_.insert(bytes);
    return reply_(bytes, text_of(peer), tcp);
  }
  void run() {
    while (!stop_) {
      pollfd fds[2] = {{udp_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}};
      if (poll(fds, 2, 20) <= 0) continue;
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      char buffer[4096];
      if (fds[0].revents) {
        ssize_t n = recvfrom(udp_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&peer), &size);
        if (n < 0) continue;
        std::string answer = note(std::string(buffer, static_cast<size_t>(n)), peer, false);
        sendto(udp_.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
      }
      if (fds[1].revents) {
        Fd one(accept(tcp_.get(), reinterpret_cast<sockaddr*>(&peer), &size));
        pollfd ready{one.get(), POLLIN, 0};
        if (poll(&ready, 1, 300) <= 0) continue;
        ssize_t n = recv(one.get(), buffer, sizeof buffer, 0);
        if (n <= 0) continue;
        std::string answer = note(std::string(buffer, static_cast<size_t>(n)), peer, true);
        send(one.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      }
    }
  }
  Reply reply_;
  Fd udp_, tcp_;
  std::mutex mutex_;
  std::set<std::string> seen_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// Sends and waits for one answer; "" when nothing comes, "refused" when the network says no at once.
inline std::string ask(const Fd& netns, int type, const std::string& address, uint16_t port,
                       const std::string& bytes, int timeout_ms = 2500) {
  return inside(netns, [&]() -> std::string {
    Fd fd(socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    auto to = at(address, port);
    if (connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) < 0 && errno != EINPROGRESS)
      return "refused";
    pollfd ready{fd.get(), POLLOUT, 0};
    if (poll(&ready, 1, timeout_ms) <= 0) return "";
    if (send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return "refused";
    ready.events = POLLIN;
    if (poll(&ready, 1, timeout_ms) <= 0) return "";
    char buffer[4096];
    ssize_t n = recv(fd.get(), buffer, sizeof buffer, 0);
    return n < 0 ? "refused" : std::string(buffer, static_cast<size_t>(n));
  });
}
inline std::string tcp(const Fd& ns, const std::string& a, uint16_t p, const std::string& b = "hi") {
  return ask(ns, SOCK_STREAM, a, p, b);
}
inline std::string udp(const Fd& ns, const std::string& a, uint16_t p, const std::string& b = "hi") {
  return ask(ns, SOCK_DGRAM, a, p, b);
}

// An echo request from an unprivileged ping socket.
inline bool ping(const Fd& netns, const std::string& address) {
  return inside(netns, [&] {
    Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP));
    auto to = at(address, 0);
    char request[8] = {8, 0, 0, 0, 0, 1, 0, 1};
    if (sendto(fd.get(), request, sizeof request, 0, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0)
      return false;
    pollfd ready{fd.get(), POLLIN, 0};
    return poll(&ready, 1, 400) > 0 && recv(fd.get(), request, sizeof request, 0) > 0 && request[0] == 0;
  });
}

}  // namespace dt::runner::testing_net
