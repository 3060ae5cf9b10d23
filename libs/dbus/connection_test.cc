// Against a real dbus-daemon (Debian package dbus).
#include "libs/dbus/connection.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libs/base/text.h"
#include "libs/dbus/address.h"
#include "libs/dbus/auth.h"

extern char** environ;

namespace dt::dbus {
namespace {

constexpr const char* kBus = "org.freedesktop.DBus";

// A bus of its own, ended with the object.
class Bus {
 public:
  Bus() {
    Pipe pipe = std::move(*make_pipe());
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe.write.get(), 3);
    const char* argv[] = {"dbus-daemon", "--session",         "--nofork",
                          "--nopidfile", "--print-address=3", nullptr};
    int err = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, const_cast<char**>(argv), environ);
    posix_spawn_file_actions_destroy(&actions);
    EXPECT_EQ(err, 0) << "this test needs dbus-daemon (Debian package dbus)";
    pipe.write.reset();
    char buffer[512];
    for (ssize_t got; (got = ::read(pipe.read.get(), buffer, sizeof buffer)) > 0;) {
      address_.append(buffer, static_cast<size_t>(got));
      if (address_.ends_with('\n')) break;
    }
    address_ = trim(address_);
    EXPECT_FALSE(address_.empty()) << "dbus-daemon printed no address";
  }
  ~Bus() { stop(); }
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  const std::string& address() const { return address_; }

 private:
  pid_t pid_ = -1;
  std::string address_;
};

template <class Fn>
void run(Fn body) {
  Loop loop;
  loop.run_until(body());
}

Mono soon() { return after(Millis(20'000)); }

Message bus_call(std::string member) { return call(kBus, "/org/freedesktop/DBus", kBus, std::move(member)); }

TEST(Address, Lists) {
  auto one = parse_addresses("unix:path=/run/a%20b,guid=00ff");
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ((*one)[0].path, "/run/a b");
  EXPECT_FALSE((*one)[0].abstract);
  auto two = parse_addresses("tcp:host=x,port=1;unix:abstract=/tmp/x;unix:path=/y");
  ASSERT_TRUE(two.has_value());
  ASSERT_EQ(two->size(), 2u);
  EXPECT_TRUE((*two)[0].abstract);
  EXPECT_EQ((*two)[1].path, "/y");
  EXPECT_EQ(parse_addresses("tcp:host=x").error().code, Code::unavailable);
  EXPECT_EQ(parse_addresses("").error().code, Code::unavailable);
  for (const char* bad :
       {"x", ":path=/a", "unix:path", "unix:path=%zz", "unix:path=/a,path=/b", "unix:path=/a,abstract=b"})
    EXPECT_EQ(parse_addresses(bad).error().code, Code::bad_request) << bad;
}

TEST(Address, AbstractNamesAreConnectedTo) {
  std::string name = "daytona-dbus-test-" + std::to_string(::getpid());
  Fd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  memcpy(at.sun_path + 1, name.data(), name.size());
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::bind(listening.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(listening.get(), 1), 0);
  run([&]() -> Task<void> {
    auto stream = co_await connect_to({name, true}, soon());
    EXPECT_TRUE(stream.has_value()) << (stream ? "" : stream.error().message);
  });
}

TEST(Connection, NobodyListens) {
  run([]() -> Task<void> {
    auto bus = co_await Connection::open("unix:path=/nonexistent/bus", soon());
    EXPECT_EQ(bus.error().code, Code::unavailable);
    EXPECT_NE(bus.error().message.find("/nonexistent/bus"), std::string::npos);
  });
}

TEST(Connection, CallsAndErrors) {
  Bus bus;
  run([&]() -> Task<void> {
    auto connection = co_await Connection::open("unix:path=/nonexistent/bus;" + bus.address(), soon());
    CHECK(connection.has_value());
    EXPECT_TRUE((*connection)->unique_name().starts_with(":1."));
    Message pid = bus_call("GetConnectionUnixProcessID");
    pid.pack((*connection)->unique_name());
    auto answer = co_await (*connection)->call(std::move(pid), soon());
    EXPECT_EQ(std::get<0>(*answer->unpack<uint32_t>()), static_cast<uint32_t>(::getpid()));
    auto unknown =
        co_await (*connection)->call(call("org.example.Nobody", "/", "org.example.I", "Do"), soon());
    EXPECT_EQ(unknown.error().code, Code::not_found);
    EXPECT_EQ(unknown.error().wire_code, "org.freedesktop.DBus.Error.ServiceUnknown");
    auto method = co_await (*connection)->call(bus_call("NoSuchMethod"), soon());
    EXPECT_EQ(method.error().code, Code::not_implemented);
    auto properties = call(kBus, "/org/freedesktop/DBus", "org.freedesktop.DBus.Properties", "Get");
    properties.pack(std::string(kBus), std::string("Features"));
    answer = co_await (*connection)->call(std::move(properties), soon());
    EXPECT_TRUE(std::get<0>(*answer->unpack<Variant>()).as<std::vector<std::string>>().has_value());
  });
}

TEST(Connection, ThousandsOfCallsInFlightKeepTheirAnswers) {
  Bus bus;
  run([&]() -> Task<void> {
    auto connection = co_await Connection::open(bus.address(), soon());
    CHECK(connection.has_value());
    std::vector<Reply> replies;
    for (int i = 0; i < 3000; ++i) {
      Message owner = bus_call("NameHasOwner");
      owner.pack(i % 3 == 0 ? std::string(kBus) : "org.example.N" + std::to_string(i));
      replies.push_back((*connection)->send(std::move(owner)));
    }
    for (int i = 0; i < 3000; ++i) {
      auto answer = co_await replies[static_cast<size_t>(i)].wait(soon());
      EXPECT_EQ(std::get<0>(*answer->unpack<bool>()), i % 3 == 0) << i;
    }
  });
}

TEST(Connection, CallsBetweenClientsAndLargeMessages) {
  Bus bus;
  run([&]() -> Task<void> {
    auto one = co_await Connection::open(bus.address(), soon());
    auto two = co_await Connection::open(bus.address(), soon());
    CHECK(one && two);
    Message to_two = call((*two)->unique_name(), "/", "org.example.I", "Do");
    to_two.pack(std::string(5'000'000, 'x'));
    auto refused = co_await (*one)->call(std::move(to_two), soon());
    EXPECT_EQ(refused.error().code, Code::not_implemented);
  });
}

TEST(Connection, ADeadlineEndsOneCallOnly) {
  Bus bus;
  // A client that takes part in the bus and never answers.
  run([&]() -> Task<void> {
    auto addresses = parse_addresses(bus.address());
    auto silent = co_await connect_to((*addresses)[0], soon());
    std::string left;
    auto accepted = co_await authenticate(*silent, left, soon());
    EXPECT_TRUE(accepted.has_value());
    Message hello = bus_call("Hello");
    hello.serial = 1;
    auto sent = co_await silent->write_all(encode_message(hello));
    EXPECT_TRUE(sent.has_value());
    std::string in;
    while (in.size() < kFixedHeader || in.size() < message_size(in).value()) {
      char buffer[4096];
      auto got = co_await silent->read_some(buffer, soon());
      CHECK(got && *got > 0);
      in.append(buffer, *got);
    }
    auto welcome = parse_message(in.substr(0, *message_size(in)));
    std::string name = std::get<0>(*welcome->unpack<std::string>());
    auto connection = co_await Connection::open(bus.address(), soon());
    Reply never = (*connection)->send(call(name, "/", "org.example.I", "Do"));
    auto timed_out = co_await never.wait(after(Millis(20)));
    EXPECT_EQ(timed_out.error().code, Code::timeout);
    auto other = co_await (*connection)->call(bus_call("GetId"), soon());
    EXPECT_TRUE(other.has_value());
    // When it goes, the bus answers for it.
    Reply orphan = (*connection)->send(call(name, "/", "org.example.I", "Do"));
    other = co_await (*connection)->call(bus_call("GetId"), soon());
    *silent = Stream(Fd());
    auto gone = co_await orphan.wait(soon());
    EXPECT_EQ(gone.error().code, Code::timeout);
    EXPECT_EQ(gone.error().wire_code, "org.freedesktop.DBus.Error.NoReply");
  });
}

TEST(Connection, ABusThatEndsBreaksEverything) {
  Bus bus;
  run([&]() -> Task<void> {
    auto connection = co_await Connection::open(bus.address(), soon());
    CHECK(connection.has_value());
    bus.stop();
    auto answer = co_await (*connection)->call(bus_call("GetId"), soon());
    EXPECT_EQ(answer.error().code, Code::closed);
    EXPECT_TRUE((*connection)->broken());
    answer = co_await (*connection)->call(bus_call("GetId"), soon());
    EXPECT_EQ(answer.error().code, Code::closed);
  });
}

// What the bus says in place of "OK".
Task<Status> handshake_with(std::string answer) {
  int ends[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  Stream client{Fd(ends[0])}, bus{Fd(ends[1])};
  auto sent = co_await bus.write_all(answer);
  EXPECT_TRUE(sent.has_value());
  (void)bus.shutdown_write();
  std::string left;
  co_return co_await authenticate(client, left, soon());
}

TEST(Auth, RefusalsAndNonsense) {
  run([]() -> Task<void> {
    auto status = co_await handshake_with("OK 0123\r\n");
    EXPECT_TRUE(status.has_value());
    status = co_await handshake_with("REJECTED EXTERNAL\r\n");
    EXPECT_EQ(status.error().code, Code::forbidden);
    status = co_await handshake_with("");
    EXPECT_EQ(status.error().code, Code::closed);
    status = co_await handshake_with(std::string(40'000, 'x'));
    EXPECT_EQ(status.error().code, Code::bad_gateway);
  });
}

}  // namespace
}  // namespace dt::dbus
