#include "apps/daemon/session/follow.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "apps/daemon/session/records.h"

namespace dt::daemon {
namespace {

constexpr size_t kRead = 32 * 1024;
// The TypeScript SDKs need time that grows with the square of a frame's size.
constexpr size_t kFrame = 1024;
constexpr Millis kCloseWait{1000};
constexpr Millis kLastOutput{300};  // what a command may still say when the daemon ends
constexpr int kNormal = 1000;
constexpr int kGoingAway = 1001;
constexpr int kFailed = 1011;

struct Peer {
  Event gone;
  CommandLog* log;
};

// Messages mean nothing here; the close does.
Task<void> watch_peer(WebSocket& socket, Peer& peer) {
  for (bool more = true; more;) {
    auto message = co_await socket.receive();
    more = message && message->kind != WebSocket::Kind::close;
  }
  peer.gone.set();
  peer.log->wake();
}

struct Follower {
  explicit Follower(CommandLog& l) : log(l) { log.add_follower(); }
  ~Follower() { log.remove_follower(); }
  Follower(const Follower&) = delete;
  CommandLog& log;
};

class Sender {
 public:
  Sender(WebSocket& socket, const Following& what, int log) : socket_(socket), what_(what), log_(log) {}
  // Until everything was sent or the peer is gone; the close code.
  Task<int> run(Peer& peer);

 private:
  Task<ssize_t> send_more();
  Task<bool> send(std::string_view bytes);
  bool wait_is_over() const { return !what_.follow || what_.command->ended(); }
  WebSocket& socket_;
  const Following& what_;
  int log_;
  off_t offset_ = 0;
  Demux demux_;
};

bool ends_in_marker(std::string_view bytes) {
  return std::ranges::any_of(kMarkers, [&](std::string_view marker) { return bytes.ends_with(marker); });
}

// What the next frame takes of bytes with markers: whole lines when one fits. No frame ends right behind a
// marker: the TypeScript SDKs would take that marker for output.
size_t frame_size(std::string_view bytes) {
  if (bytes.size() <= kFrame) return bytes.size();
  size_t end = bytes.rfind('\n', kFrame - 1);
  if (end != std::string_view::npos) return end + 1;
  return ends_in_marker(bytes.substr(0, kFrame)) ? kFrame - 1 : kFrame;
}

Task<bool> Sender::send(std::string_view bytes) {
  while (!bytes.empty()) {
    size_t size = what_.combined ? bytes.size() : frame_size(bytes);
    auto sent = co_await socket_.send_binary(bytes.substr(0, size));
    if (!sent) co_return false;
    bytes.remove_prefix(size);
  }
  co_return true;
}

// Bytes taken from the log; 0: there are no more now; -1: the log or the peer failed.
Task<ssize_t> Sender::send_more() {
  std::string piece(kRead, '\0');
  ssize_t n = ::pread(log_, piece.data(), piece.size(), offset_);
  if (n <= 0) co_return n < 0 && errno == EINTR ? 1 : n;
  piece.resize(static_cast<size_t>(n));
  if (piece.size() == kRead && ends_in_marker(piece)) piece.pop_back();
  n = static_cast<ssize_t>(piece.size());
  offset_ += n;
  if (what_.combined) {
    std::string stripped;
    demux_.feed(piece, stripped, stripped);
    piece = std::move(stripped);
  }
  bool sent = co_await send(piece);
  co_return sent ? n : -1;
}

Task<int> Sender::run(Peer& peer) {
  Mono deadline = kNever;
  while (!peer.gone.is_set()) {
    bool last = wait_is_over();  // asked before reading: what is written until then is read
    ssize_t n = co_await send_more();
    if (n < 0) co_return kFailed;
    if (n > 0) continue;
    if (last) co_return kNormal;
    if (what_.shutdown->is_set() && deadline == kNever) deadline = after(kLastOutput);
    bool grew = co_await what_.command->log.grown.wait(deadline);
    if (!grew) co_return kGoingAway;
  }
  co_return kNormal;
}

}  // namespace

Task<void> send_log(WebSocket& socket, Following what, std::shared_ptr<Fd> log) {
  CommandLog& written = what.command->log;
  Peer peer{.gone = {}, .log = &written};
  TaskScope scope("log peer");
  scope.spawn(watch_peer(socket, peer));
  int code = kNormal;
  {
    Follower follower(written);
    Sender sender(socket, what, log->get());
    code = co_await sender.run(peer);
  }
  co_await socket.close(code);
  co_await peer.gone.wait(after(kCloseWait));
  scope.stop_now();
}

}  // namespace dt::daemon
