#include "libs/dbus/connection.h"

#include <unordered_map>

#include "libs/dbus/address.h"
#include "libs/dbus/auth.h"

namespace dt::dbus {
namespace detail {

struct PendingCall {
  std::weak_ptr<ConnectionState> connection;
  uint32_t serial = 0;
  Event done;
  std::optional<Result<Message>> answer;
};

struct ConnectionState {
  Stream stream;
  std::string in;   // bytes that are no whole message yet
  std::string out;  // messages that are not written yet
  Event out_ready;
  uint32_t last_serial = 0;
  bool broken = false;
  std::unordered_map<uint32_t, std::shared_ptr<PendingCall>> pending;

  ConnectionState(Stream s, std::string left) : stream(std::move(s)), in(std::move(left)) {}

  void queue(Message& message) {
    if (++last_serial == 0) ++last_serial;
    message.serial = last_serial;
    out += encode_message(message);
    out_ready.set();
  }

  void break_with(const Error& error) {
    if (broken) return;
    broken = true;
    stream.cancel();
    for (auto& [serial, call] : std::exchange(pending, {})) {
      call->answer = std::unexpected(Error{Code::closed, error.message});
      call->done.set();
    }
  }
};

}  // namespace detail

namespace {

using detail::ConnectionState;
using detail::PendingCall;

constexpr size_t kReadSize = 64 * 1024;
constexpr size_t kMaxRefusals = 1 << 20;
constexpr std::string_view kBus = "org.freedesktop.DBus";

Code code_of(std::string_view error) {
  constexpr std::string_view kPrefix = "org.freedesktop.DBus.Error.";
  if (!error.starts_with(kPrefix)) return Code::bad_gateway;
  error.remove_prefix(kPrefix.size());
  if (error == "ServiceUnknown" || error == "NameHasNoOwner" || error == "UnknownObject")
    return Code::not_found;
  if (error == "UnknownMethod" || error == "UnknownInterface" || error == "UnknownProperty" ||
      error == "NotSupported")
    return Code::not_implemented;
  if (error == "NoReply" || error == "Timeout" || error == "TimedOut") return Code::timeout;
  return Code::bad_gateway;
}

// The text of an error is its first value, by custom.
Error error_of(const Message& message) {
  std::string text = message.error_name;
  if (message.signature.starts_with('s')) {
    Decoder in(message.body, message.swapped);
    text += ": " + std::string(in.text());
  }
  return {code_of(message.error_name), std::move(text), message.error_name};
}

void finish_call(ConnectionState& state, Message message) {
  auto found = state.pending.find(message.reply_serial);
  if (found == state.pending.end()) return;  // nobody waits any more
  std::shared_ptr<PendingCall> call = std::move(found->second);
  state.pending.erase(found);
  if (message.type == Message::Type::error)
    call->answer = std::unexpected(error_of(message));
  else
    call->answer = std::move(message);
  call->done.set();
}

// We export no objects: whoever asks is told so.
void refuse_call(ConnectionState& state, const Message& asked) {
  if ((asked.flags & Message::kNoReplyExpected) || asked.sender.empty()) return;
  if (state.out.size() > kMaxRefusals) return;  // who asks faster than it reads gets no answer
  Message answer;
  answer.type = Message::Type::error;
  answer.flags = Message::kNoReplyExpected;
  answer.destination = asked.sender;
  answer.reply_serial = asked.serial;
  answer.error_name = "org.freedesktop.DBus.Error.UnknownMethod";
  answer.pack(std::string("this program offers no methods"));
  state.queue(answer);
}

void take_message(ConnectionState& state, Message message) {
  switch (message.type) {
    case Message::Type::method_return:
    case Message::Type::error:
      return finish_call(state, std::move(message));
    case Message::Type::method_call:
      return refuse_call(state, message);
    default:
      return;
  }
}

Status take_messages(ConnectionState& state) {
  size_t at = 0;
  for (;;) {
    std::string_view rest = std::string_view(state.in).substr(at);
    TRY(size_t size, message_size(rest));
    if (size == 0 || rest.size() < size) break;
    TRY(Message message, parse_message(rest.substr(0, size)));
    take_message(state, std::move(message));
    at += size;
  }
  state.in.erase(0, at);
  return {};
}

Task<void> read_all(std::shared_ptr<ConnectionState> state) {
  auto buffer = std::make_unique<char[]>(kReadSize);
  for (;;) {
    auto taken = take_messages(*state);
    if (!taken) co_return state->break_with(taken.error());
    auto got = co_await state->stream.read_some({buffer.get(), kReadSize});
    if (!got) co_return state->break_with(got.error());
    if (*got == 0) co_return state->break_with({Code::closed, "the bus closed the connection"});
    state->in.append(buffer.get(), *got);
  }
}

Task<void> write_queued(std::shared_ptr<ConnectionState> state) {
  while (!state->broken) {
    bool ready = co_await state->out_ready.wait();
    if (!ready) co_return;
    state->out_ready.reset();
    std::string bytes = std::exchange(state->out, {});
    auto sent = co_await state->stream.write_all(bytes);
    if (!sent) co_return state->break_with(sent.error());
  }
}

}  // namespace

Message call(std::string destination, std::string path, std::string interface, std::string member) {
  Message message;
  message.destination = std::move(destination);
  message.path = std::move(path);
  message.interface = std::move(interface);
  message.member = std::move(member);
  return message;
}

Reply& Reply::operator=(Reply&& other) noexcept {
  std::swap(call_, other.call_);
  return *this;
}

Reply::~Reply() {
  if (!call_) return;
  if (auto connection = call_->connection.lock()) connection->pending.erase(call_->serial);
}

Task<Result<Message>> Reply::wait(Mono deadline) {
  std::shared_ptr<PendingCall> call = call_;
  if (!call->answer) {
    bool done = co_await call->done.wait(deadline);
    if (!done && !call->answer) co_return fail(Code::timeout, "no answer over D-Bus in time");
  }
  co_return std::move(*call->answer);
}

Connection::Connection(Stream stream, std::string left)
    : state_(std::make_shared<ConnectionState>(std::move(stream), std::move(left))) {
  scope_.spawn(read_all(state_));
  scope_.spawn(write_queued(state_));
}

Connection::~Connection() {
  state_->break_with({Code::closed, "the connection to the bus was dropped"});
  scope_.stop_now();
}

Task<Result<std::shared_ptr<Connection>>> Connection::open(std::string addresses, Mono deadline) {
  CO_TRY(auto list, parse_addresses(addresses));
  Result<Stream> stream = fail(Code::unavailable, "no address");
  for (const Address& address : list) {
    stream = co_await connect_to(address, deadline);
    if (stream) break;
  }
  if (!stream) co_return std::unexpected(std::move(stream).error());
  std::string left;
  CO_TRY_VOID(co_await authenticate(*stream, left, deadline));
  std::shared_ptr<Connection> out(new Connection(std::move(*stream), std::move(left)));
  Message hello = dbus::call(std::string(kBus), "/org/freedesktop/DBus", std::string(kBus), "Hello");
  CO_TRY(Message answer, co_await out->call(std::move(hello), deadline));
  CO_TRY(auto name, answer.unpack<std::string>());
  out->name_ = std::get<0>(name);
  co_return out;
}

Reply Connection::send(Message message) {
  auto pending = std::make_shared<PendingCall>();
  if (state_->broken) {
    pending->answer = fail(Code::closed, "the connection to the bus is broken");
    return Reply(std::move(pending));
  }
  state_->queue(message);
  pending->connection = state_;
  pending->serial = message.serial;
  state_->pending.emplace(message.serial, pending);
  return Reply(std::move(pending));
}

Task<Result<Message>> Connection::call(Message message, Mono deadline) {
  Reply reply = send(std::move(message));
  co_return co_await reply.wait(deadline);
}

bool Connection::broken() const { return state_->broken; }

}  // namespace dt::dbus
