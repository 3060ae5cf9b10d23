// A client on a message bus (D-Bus specification, "Message Bus Specification"). Many calls may be in flight:
// send() queues a call and gives its Reply, which is waited for later. Belongs to one loop.
//
//   auto bus = co_await Connection::open(address, deadline);
//   Reply name = (*bus)->send(call("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress"));
//   auto answer = co_await name.wait(deadline);
//
// Error replies are Errors: wire_code holds the D-Bus name ("org.freedesktop.DBus.Error.ServiceUnknown"), the
// code is not_found when the peer or the object is not there, not_implemented when it lacks the method or
// interface, timeout when it did not answer, else bad_gateway. After the connection broke everything fails
// with closed.
#pragma once
#include <memory>

#include "libs/dbus/message.h"
#include "libs/net/stream.h"

namespace dt::dbus {

namespace detail {
struct PendingCall;
struct ConnectionState;
}  // namespace detail

// Names must be valid: ask names.h for those that come from users.
Message call(std::string destination, std::string path, std::string interface, std::string member);

// The answer to one call. Dropping it forgets the call; the peer still carries it out.
class Reply {
 public:
  Reply() = default;
  explicit Reply(std::shared_ptr<detail::PendingCall> call) : call_(std::move(call)) {}
  Reply(Reply&&) noexcept = default;
  Reply& operator=(Reply&&) noexcept;
  ~Reply();
  explicit operator bool() const { return call_ != nullptr; }
  // Once. The connection may be gone meanwhile.
  Task<Result<Message>> wait(Mono deadline);

 private:
  std::shared_ptr<detail::PendingCall> call_;
};

class Connection {
 public:
  // Connects to the first address of the list that works, authenticates and says Hello.
  static Task<Result<std::shared_ptr<Connection>>> open(std::string addresses, Mono deadline);
  ~Connection();
  Connection(const Connection&) = delete;

  Reply send(Message call);  // sets the serial
  Task<Result<Message>> call(Message message, Mono deadline);
  bool broken() const;
  const std::string& unique_name() const { return name_; }

 private:
  explicit Connection(Stream stream, std::string left);
  std::shared_ptr<detail::ConnectionState> state_;
  TaskScope scope_{"D-Bus connection"};
  std::string name_;
};

}  // namespace dt::dbus
