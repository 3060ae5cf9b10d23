#include "apps/daemon/ssh/server/connector.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nss.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace dt::ssh {
namespace {

constexpr unsigned kGiveUpSeconds = 60;

Fd connect_to(const addrinfo* list) {
  for (const addrinfo* at = list; at; at = at->ai_next) {
    Fd fd(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd && ::connect(fd.get(), at->ai_addr, at->ai_addrlen) == 0) return fd;
  }
  return {};
}

Fd resolve_and_connect(const std::string& host, uint16_t port) {
  // The image's name service modules are foreign to this static program.
  ::__nss_configure_lookup("hosts", "files dns");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  std::string service = std::to_string(port);
  if (::getaddrinfo(host.c_str(), service.c_str(), &hints, &list) != 0) {
    // An image without /etc/hosts.
    if (host != "localhost") return {};
    Fd fd = resolve_and_connect("127.0.0.1", port);
    return fd ? std::move(fd) : resolve_and_connect("::1", port);
  }
  Fd fd = connect_to(list);
  ::freeaddrinfo(list);
  return fd;
}

void send_descriptor(int to, int fd) {
  char byte = fd >= 0;
  iovec piece{&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    *reinterpret_cast<int*>(CMSG_DATA(header)) = fd;
  }
  ::sendmsg(to, &message, MSG_NOSIGNAL);
}

Fd receive_descriptor(int from) {
  char byte = 0;
  iovec piece{&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  if (::recvmsg(from, &message, MSG_CMSG_CLOEXEC) <= 0) return {};
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_type != SCM_RIGHTS) return {};
  return Fd(*reinterpret_cast<int*>(CMSG_DATA(header)));
}

[[noreturn]] void child(int report, const std::string& host, uint16_t port) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGALRM, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // Nothing of the connection may stay open because of us.
  ::dup2(report, 0);
  ::close_range(3, ~0U, 0);
  ::alarm(kGiveUpSeconds);
  Fd fd = resolve_and_connect(host, port);
  send_descriptor(0, fd.get());
  ::_exit(0);
}

}  // namespace

Connector::Connector(std::string host, uint16_t port, Done done) : done_(std::move(done)) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return;
  result_ = Fd(ends[0]);
  Fd report(ends[1]);
  // Single-threaded, so the child may do anything. When there is none, the closed pair says so.
  if (::fork() == 0) child(report.get(), host, port);
}

void Connector::watch(PollSet& set) {
  if (result_) set.add(result_.get(), POLLIN, *this);
}

void Connector::ready(int fd, short events) {
  Fd connected = receive_descriptor(fd);
  result_.reset();
  if (connected) {
    int on = 1;
    ::setsockopt(connected.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(connected.get(), F_SETFL, O_NONBLOCK);
  }
  std::exchange(done_, nullptr)(std::move(connected));
}

void Connector::turn() {
  if (!result_ && done_) std::exchange(done_, nullptr)(Fd());
}

}  // namespace dt::ssh
