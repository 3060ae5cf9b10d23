#include "apps/api/notifications/socket_io.h"

#include <deque>

#include "apps/api/notifications/packets.h"
#include "libs/base/log.h"
#include "libs/base/random.h"

namespace dt::api {

using socketio::Kind;
using socketio::Packet;

// One client. Two coroutines: serve() reads, send_queued() writes; both end when either does.
class SocketIo::Session {
 public:
  Session(SocketIo& gateway, WebSocket& socket) : gateway_(gateway), socket_(socket) {
    gateway_.sessions_.insert(this);
  }
  ~Session() { gateway_.sessions_.erase(this); }
  Session(const Session&) = delete;

  Task<void> run();
  void close();

 private:
  Task<void> read_all();
  Task<void> send_queued();
  bool handle(const Packet& packet);  // false: the client leaves
  void connect(const Packet& packet);
  void push(std::string packet);
  Mono read_deadline(Mono opened) const;

  SocketIo& gateway_;
  WebSocket& socket_;
  std::deque<std::string> queue_;
  size_t queued_ = 0;
  bool connected_ = false;
  bool ending_ = false;
  Event wake_;
  EventHub::Subscription room_;
};

SocketIo::SocketIo(EventHub& hub, Authenticate authenticate, Options options)
    : hub_(hub), authenticate_(std::move(authenticate)), options_(options) {}

SocketIo::~SocketIo() = default;

std::vector<ApiRoute> SocketIo::table() {
  return {route({"GET", "/socket.io", kPublic}, this, &SocketIo::open)};
}

Result<Response> SocketIo::open(Call& call) {
  bool websocket = call.request.query.get("transport") == "websocket";
  if (!websocket) return json_response(400, R"({"code":0,"message":"Transport unknown"})");
  if (call.request.query.get("EIO") != "4")
    return json_response(400, R"({"code":5,"message":"Unsupported protocol version"})");
  if (closed_) return fail(Code::unavailable, "the server is stopping");
  return websocket_response(
      call.request, "", [this](WebSocket& socket) { return serve(*this, socket); }, socketio::kMaxPayload);
}

Task<void> SocketIo::serve(SocketIo& gateway, WebSocket& socket) {
  Session session(gateway, socket);
  co_await session.run();
}

void SocketIo::close() {
  closed_ = true;
  for (Session* session : sessions_) session->close();
}

Task<void> SocketIo::Session::run() {
  TaskScope sender("socket.io sender");
  push(socketio::open_packet(random_token(20), gateway_.options_.ping_interval,
                             gateway_.options_.ping_timeout));
  sender.spawn(send_queued());
  co_await read_all();
  room_.cancel();
  ending_ = true;
  wake_.set();
  co_await sender.join();
}

// A client answers pings, and so is heard at least once in this time.
Mono SocketIo::Session::read_deadline(Mono opened) const {
  Mono silent = after(gateway_.options_.ping_interval + gateway_.options_.ping_timeout);
  return connected_ ? silent : std::min(silent, opened + gateway_.options_.connect_timeout);
}

Task<void> SocketIo::Session::read_all() {
  Mono opened = after(Millis(0));
  for (;;) {
    auto message = co_await socket_.receive(read_deadline(opened));
    if (!message || message->kind == WebSocket::Kind::close) co_return;
    if (message->kind != WebSocket::Kind::text) continue;
    if (!handle(socketio::parse_packet(message->data))) co_return;
  }
}

bool SocketIo::Session::handle(const Packet& packet) {
  switch (packet.kind) {
    case Kind::connect:
      connect(packet);
      return !ending_;
    case Kind::disconnect:
      room_.cancel();
      connected_ = false;
      return true;
    case Kind::close:
      return false;
    case Kind::pong:
    case Kind::other:
      return !ending_;
  }
  return true;
}

void SocketIo::Session::connect(const Packet& packet) {
  if (!packet.name_space.empty())
    return push(socketio::refused_packet(packet.name_space, "Invalid namespace"));
  auto who =
      packet.token.empty() ? fail(Code::unauthorized, "no token") : gateway_.authenticate_(packet.token);
  if (!who || !(*who)->is_user()) return push(socketio::refused_packet("", "Unauthorized"));
  connected_ = true;
  room_ = gateway_.hub_.subscribe((*who)->organization, [this](const HubEvent& event) {
    push(socketio::event_packet(event.name, event.payload));
  });
  push(socketio::connected_packet(random_token(20)));
}

void SocketIo::Session::push(std::string packet) {
  if (ending_) return;
  if (queued_ + packet.size() > gateway_.options_.max_queued) {
    log::warn("notification client does not read, dropped", {{"queued", queued_}});
    queue_.clear();
    queued_ = 0;
    close();
    return;
  }
  queued_ += packet.size();
  queue_.push_back(std::move(packet));
  wake_.set();
}

void SocketIo::Session::close() {
  room_.cancel();
  ending_ = true;
  wake_.set();
}

// What is queued is sent also when the session ends, so that a client learns why.
Task<void> SocketIo::Session::send_queued() {
  Mono next_ping = after(gateway_.options_.ping_interval);
  for (;;) {
    while (!queue_.empty()) {
      std::string packet = std::move(queue_.front());
      queue_.pop_front();
      auto sent = co_await socket_.send_text(packet);
      queued_ -= std::min(queued_, packet.size());
      if (!sent) ending_ = true;
      if (!sent) break;
    }
    if (ending_) break;
    wake_.reset();
    bool woken = co_await wake_.wait(next_ping);
    if (woken) continue;
    push(std::string(socketio::kPing));
    next_ping = after(gateway_.options_.ping_interval);
  }
  // Ends the reader, whichever side began.
  auto closed = co_await socket_.close(1000);
  if (!closed) co_return;
}

}  // namespace dt::api
