#include "apps/runner/network/dns_forwarder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <thread>
#include <unordered_map>

#include "apps/runner/network/dns_message.h"
#include "apps/runner/network/dns_upstream.h"
#include "libs/base/clock.h"
#include "libs/base/fd.h"
#include "libs/base/log.h"
#include "libs/base/random.h"

namespace dt::runner {
namespace {

constexpr size_t kMaxTcpMessage = 65535;
enum class Kind : uint64_t { stop, udp, tcp, connection, query };
uint64_t token(Kind kind, uint64_t id) { return static_cast<uint64_t>(kind) << 56 | id; }

uint32_t address_of(const sockaddr_in& from) { return ntohl(from.sin_addr.s_addr); }

std::string framed(std::string_view message) {
  std::string out{static_cast<char>(message.size() >> 8), static_cast<char>(message.size() & 0xff)};
  return out.append(message);
}

// The first whole message of a TCP stream, taken out of `in`; empty when it is not complete yet.
std::string next_frame(std::string& in) {
  if (in.size() < 2) return {};
  size_t length = static_cast<uint8_t>(in[0]) << 8 | static_cast<uint8_t>(in[1]);
  if (in.size() < 2 + length) return {};
  std::string message = in.substr(2, length);
  in.erase(0, 2 + length);
  return message;
}

// False when the peer closed or failed; at most one message's worth is kept.
bool read_some(int fd, std::string& in) {
  std::array<char, 16384> buffer;
  while (in.size() < kMaxTcpMessage + 2) {
    ssize_t n = recv(fd, buffer.data(), buffer.size(), 0);
    if (n > 0) {
      in.append(buffer.data(), static_cast<size_t>(n));
    } else {
      return n < 0 && (errno == EAGAIN || errno == EINTR);
    }
  }
  return true;
}

bool write_some(int fd, std::string& out) {
  while (!out.empty()) {
    ssize_t n = send(fd, out.data(), out.size(), MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    out.erase(0, static_cast<size_t>(n));
  }
  return true;
}

struct Connection {  // of a client, TCP
  Fd fd;
  uint32_t client = 0;
  std::string in, out;
  Mono deadline;
};

// The next upstream is asked soon, but not in a tight loop.
constexpr Millis kAfterRefusal{50};

struct Query {
  Fd fd;  // to the upstream
  sockaddr_in client{};
  uint64_t connection = 0;  // 0: the client asked by UDP
  DnsQuestion question;
  std::string message;  // as the client sent it
  uint16_t id = 0;      // under which it was sent on
  size_t tries = 0;
  std::string in, out;  // TCP towards the upstream
  Mono retry, deadline;
};

void give_up_on_upstream(Query& query) {
  query.fd.reset();
  query.retry = after(kAfterRefusal);
}

}  // namespace

struct DnsForwarder::Impl {
  DnsConfig config;
  Upstreams upstreams;
  Fd epoll, stop, udp, tcp;
  uint16_t port = 0;
  uint64_t next_id = 1;
  std::unordered_map<uint64_t, Query> queries;
  std::unordered_map<uint64_t, Connection> connections;
  std::map<uint32_t, size_t> queries_of, connections_of;
  std::thread thread;

  Status open_listeners();
  Status bind_both(uint16_t port);
  bool watch(int fd, uint64_t what, uint32_t events, int op = EPOLL_CTL_ADD);
  void run();
  void dispatch(uint64_t what, uint32_t events);
  void on_udp();
  void on_accept();
  void on_connection(uint64_t id, uint32_t events);
  void on_query(uint64_t id);
  void accept_query(std::string message, const sockaddr_in& client, uint64_t connection);
  bool send_on(uint64_t id, Query& query);
  bool pump_tcp(uint64_t id, Query& query, std::string& answer);
  void finish(uint64_t id, std::string answer);
  void reply(const sockaddr_in& client, uint64_t connection, std::string answer);
  void close_connection(uint64_t id);
  void flush(uint64_t id, Connection& connection);
  void expire();
};

Status DnsForwarder::Impl::bind_both(uint16_t wanted) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(config.listen);
  address.sin_port = htons(wanted);
  udp.reset(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!udp || bind(udp.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    return fail_errno("bind the resolver");
  socklen_t size = sizeof address;
  getsockname(udp.get(), reinterpret_cast<sockaddr*>(&address), &size);
  tcp.reset(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  int on = 1;
  (void)setsockopt(tcp.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!tcp || bind(tcp.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 ||
      listen(tcp.get(), 64) < 0)
    return fail_errno("bind the resolver");
  port = ntohs(address.sin_port);
  return {};
}

Status DnsForwarder::Impl::open_listeners() {
  Status bound = bind_both(config.port);
  // A name server on all addresses has port 53: the firewall redirects to any other.
  for (int attempt = 0; !bound && bound.error().sys_errno == EADDRINUSE && attempt < 16; ++attempt)
    bound = bind_both(0);
  TRY_VOID(bound);
  epoll.reset(epoll_create1(EPOLL_CLOEXEC));
  stop.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll || !stop) return fail_errno("start the resolver");
  watch(stop.get(), token(Kind::stop, 0), EPOLLIN);
  watch(udp.get(), token(Kind::udp, 0), EPOLLIN);
  watch(tcp.get(), token(Kind::tcp, 0), EPOLLIN);
  return {};
}

bool DnsForwarder::Impl::watch(int fd, uint64_t what, uint32_t events, int op) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = what;
  return epoll_ctl(epoll.get(), op, fd, &event) == 0;
}

void DnsForwarder::Impl::run() {
  std::array<epoll_event, 64> events;
  for (;;) {
    bool idle = queries.empty() && connections.empty();
    int count = epoll_wait(epoll.get(), events.data(), events.size(), idle ? -1 : 100);
    for (int i = 0; i < count; ++i) {
      auto& event = events[static_cast<size_t>(i)];
      if (event.data.u64 == token(Kind::stop, 0)) return;
      dispatch(event.data.u64, event.events);
    }
    expire();
  }
}

void DnsForwarder::Impl::dispatch(uint64_t what, uint32_t events) {
  uint64_t id = what & ((1ull << 56) - 1);
  switch (static_cast<Kind>(what >> 56)) {
    case Kind::udp:
      return on_udp();
    case Kind::tcp:
      return on_accept();
    case Kind::connection:
      return on_connection(id, events);
    case Kind::query:
      return on_query(id);
    case Kind::stop:
      return;
  }
}

void DnsForwarder::Impl::on_udp() {
  std::array<char, kMaxUdpQuery + 1> buffer;
  for (int batch = 0; batch < 64; ++batch) {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    ssize_t n =
        recvfrom(udp.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (n < 0) return;
    if (static_cast<size_t>(n) > kMaxUdpQuery || from.sin_family != AF_INET) continue;
    if (config.clients.contains(address_of(from)))
      accept_query(std::string(buffer.data(), static_cast<size_t>(n)), from, 0);
  }
}

void DnsForwarder::Impl::on_accept() {
  for (;;) {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    Fd fd(accept4(tcp.get(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    uint32_t client = address_of(from);
    auto known = connections_of.find(client);
    bool full = connections.size() >= config.max_connections ||
                (known != connections_of.end() && known->second >= config.max_connections_per_client);
    if (full || !config.clients.contains(client)) continue;
    uint64_t id = next_id++;
    if (!watch(fd.get(), token(Kind::connection, id), EPOLLIN)) continue;
    ++connections_of[client];
    connections[id] = {std::move(fd), client, {}, {}, after(Millis(config.idle_ms))};
  }
}

void DnsForwarder::Impl::on_connection(uint64_t id, uint32_t events) {
  auto it = connections.find(id);
  if (it == connections.end()) return;
  Connection& connection = it->second;
  if (events & EPOLLOUT) return flush(id, connection);
  if (!read_some(connection.fd.get(), connection.in)) return close_connection(id);
  sockaddr_in client{};
  client.sin_family = AF_INET;
  client.sin_addr.s_addr = htonl(connection.client);
  for (std::string message; !(message = next_frame(connection.in)).empty();) {
    connection.deadline = after(Millis(config.idle_ms));
    accept_query(std::move(message), client, id);
  }
}

// What is malformed or too much is dropped without a word: the client asks again or gives up.
void DnsForwarder::Impl::accept_query(std::string message, const sockaddr_in& client, uint64_t connection) {
  auto question = parse_query(message);
  auto known = queries_of.find(address_of(client));
  bool full = queries.size() >= config.max_queries ||
              (known != queries_of.end() && known->second >= config.max_per_client);
  if (!question || full) return;
  if (auto address = config.local ? config.local(address_of(client), question->name) : std::nullopt)
    return reply(client, connection, address_answer(message, *question, *address));
  uint64_t id = next_id++;
  Query& query = queries[id];
  ++queries_of[address_of(client)];
  query.client = client;
  query.connection = connection;
  query.question = std::move(*question);
  query.message = std::move(message);
  query.deadline = after(Millis(config.give_up_ms));
  if (!send_on(id, query)) query.retry = after(Millis(config.try_ms));
}

// To the next upstream, from a fresh socket under a fresh id.
bool DnsForwarder::Impl::send_on(uint64_t id, Query& query) {
  const auto& list = upstreams.current();
  const Upstream& to = list[query.tries++ % list.size()];
  int type = query.connection ? SOCK_STREAM : SOCK_DGRAM;
  query.retry = after(Millis(config.try_ms));
  query.fd.reset(socket(to.address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!query.fd) return false;
  int rc = connect(query.fd.get(), reinterpret_cast<const sockaddr*>(&to.address), to.size);
  if (rc < 0 && errno != EINPROGRESS) return false;
  query.id = static_cast<uint16_t>(random_u64());
  std::string message = query.message;
  set_dns_id(message, query.id);
  query.in.clear();
  query.out.clear();
  if (query.connection) {
    query.out = framed(message);
    return watch(query.fd.get(), token(Kind::query, id), EPOLLIN | EPOLLOUT);
  }
  return watch(query.fd.get(), token(Kind::query, id), EPOLLIN) &&
         send(query.fd.get(), message.data(), message.size(), 0) >= 0;
}

bool DnsForwarder::Impl::pump_tcp(uint64_t id, Query& query, std::string& answer) {
  if (!write_some(query.fd.get(), query.out)) return false;
  if (query.out.empty()) watch(query.fd.get(), token(Kind::query, id), EPOLLIN, EPOLL_CTL_MOD);
  bool open = read_some(query.fd.get(), query.in);
  answer = next_frame(query.in);
  return open || !answer.empty();
}

void DnsForwarder::Impl::on_query(uint64_t id) {
  auto it = queries.find(id);
  if (it == queries.end()) return;
  Query& query = it->second;
  std::string answer;
  if (query.connection) {
    if (!pump_tcp(id, query, answer)) give_up_on_upstream(query);
    if (answer.empty()) return;
  } else {
    answer.resize(kMaxTcpMessage);
    ssize_t n = recv(query.fd.get(), answer.data(), answer.size(), 0);
    if (n < 0) {
      if (errno != EAGAIN) give_up_on_upstream(query);
      return;
    }
    answer.resize(static_cast<size_t>(n));
  }
  if (answer.size() < kDnsHeader || dns_id(answer) != query.id || !answers(answer, query.question)) return;
  finish(id, std::move(answer));
}

void DnsForwarder::Impl::finish(uint64_t id, std::string answer) {
  auto it = queries.find(id);
  Query query = std::move(it->second);
  queries.erase(it);
  auto count = queries_of.find(address_of(query.client));
  if (--count->second == 0) queries_of.erase(count);
  set_dns_id(answer, dns_id(query.message));
  reply(query.client, query.connection, std::move(answer));
}

// To a client that asked by UDP (connection 0) or TCP.
void DnsForwarder::Impl::reply(const sockaddr_in& client, uint64_t connection, std::string answer) {
  if (!connection) {
    (void)sendto(udp.get(), answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&client),
                 sizeof client);
    return;
  }
  auto open = connections.find(connection);
  if (open == connections.end()) return;
  if (open->second.out.size() > 4 * kMaxTcpMessage) return close_connection(connection);  // does not read
  open->second.out += framed(answer);
  flush(connection, open->second);
}

void DnsForwarder::Impl::flush(uint64_t id, Connection& connection) {
  if (!write_some(connection.fd.get(), connection.out)) return close_connection(id);
  watch(connection.fd.get(), token(Kind::connection, id), connection.out.empty() ? EPOLLIN : EPOLLOUT,
        EPOLL_CTL_MOD);
}

void DnsForwarder::Impl::close_connection(uint64_t id) {
  auto it = connections.find(id);
  auto count = connections_of.find(it->second.client);
  if (--count->second == 0) connections_of.erase(count);
  connections.erase(it);
}

void DnsForwarder::Impl::expire() {
  auto now = std::chrono::steady_clock::now();
  std::vector<uint64_t> failed, closed;
  for (auto& [id, query] : queries) {
    if (now >= query.deadline) {
      failed.push_back(id);
    } else if (now >= query.retry) {
      (void)send_on(id, query);
    }
  }
  for (uint64_t id : failed) finish(id, server_failure(queries[id].message, queries[id].question));
  for (auto& [id, connection] : connections)
    if (now >= connection.deadline) closed.push_back(id);
  for (uint64_t id : closed) close_connection(id);
}

DnsForwarder::DnsForwarder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<DnsForwarder>> DnsForwarder::start(DnsConfig config) {
  auto impl = std::make_unique<Impl>();
  TRY(impl->upstreams, Upstreams::create(config.upstream, config.resolv_conf));
  impl->config = std::move(config);
  TRY_VOID(impl->open_listeners());
  Impl* self = impl.get();
  impl->thread = std::thread([self] { self->run(); });
  return std::unique_ptr<DnsForwarder>(new DnsForwarder(std::move(impl)));
}

DnsForwarder::~DnsForwarder() {
  uint64_t one = 1;
  (void)!write(impl_->stop.get(), &one, sizeof one);
  impl_->thread.join();
}

uint16_t DnsForwarder::port() const { return impl_->port; }

}  // namespace dt::runner
