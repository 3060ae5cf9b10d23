// The desktop's processes through the daemon: a real X server and session bus where the machine has them,
// small programs in place of the rest.
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "apps/daemon/testing.h"

namespace dt::daemon {
namespace {

// Says that a window manager runs: the property of the root window by which clients know.
constexpr const char* kWindowManager = R"py(#!/usr/bin/env python3
import os, socket, struct
x = socket.socket(socket.AF_UNIX)
x.connect("/tmp/.X11-unix/X" + os.environ["DISPLAY"][1:])
x.sendall(struct.pack("=BxHHHHxx", ord("l"), 11, 0, 0, 0))
greeting = x.recv(struct.unpack("=6xH", x.recv(8, socket.MSG_WAITALL))[0] * 4, socket.MSG_WAITALL)
vendor = (struct.unpack_from("=H", greeting, 16)[0] + 3) // 4 * 4
root = struct.unpack_from("=I", greeting, 32 + vendor + 8 * greeting[21])[0]
name = b"_NET_SUPPORTING_WM_CHECK"
x.sendall(struct.pack("=BBHHxx", 16, 0, 8, len(name)) + name)
atom = struct.unpack_from("=I", x.recv(32, socket.MSG_WAITALL), 8)[0]
x.sendall(struct.pack("=BBHIIIBxxxII", 18, 0, 7, root, atom, 33, 32, 1, root) + struct.pack("=BxH", 43, 1))
x.recv(32, socket.MSG_WAITALL)
)py";

constexpr const char* kSession = R"sh(#!/bin/sh
window-manager
echo session of $USER in $HOME
setsid sleep 600 &
echo $! >session-child
exec sleep 600
)sh";

// Answers like a VNC server, or like a web server that says nothing.
constexpr const char* kListener = R"py(#!/usr/bin/env python3
import os, socket, sys
vnc = sys.argv[0].endswith("x11vnc")
port = int(sys.argv[-1] if vnc else sys.argv[2])
listener = socket.create_server(("127.0.0.1", port))
while True:
    client, _ = listener.accept()
    if vnc:
        client.sendall(b"RFB 003.008\n")
    client.close()
)py";

uint16_t free_port() {
  auto listener = Listener::bind(*Endpoint::parse("127.0.0.1:0"));
  return listener->port();
}

bool installed(const std::string& name) {
  std::string path = std::getenv("PATH") ? std::getenv("PATH") : "";
  for (std::string_view folder : split(path, ':'))
    if (::access((std::string(folder) + "/" + name).c_str(), X_OK) == 0) return true;
  return false;
}

class DesktopTest : public DaemonTest {
 public:
  void configure(Config& config) override {
    display_ = ":" + std::to_string(20'000 + ::getpid() % 40'000);
    vnc_ = free_port();
    std::filesystem::create_directory(at("bin"));
    std::string path = at("bin");
    if (programs()) path += std::string(":") + std::getenv("PATH");
    texts_ = {"HOME=" + dir_,
              "PATH=" + path,
              "DISPLAY=" + display_,
              "VNC_RESOLUTION=640x480",
              "VNC_PORT=" + std::to_string(vnc_),
              "NO_VNC_PORT=" + std::to_string(free_port()),
              "DAYTONA_SANDBOX_USER=somebody"};
    for (const std::string& more : variables()) texts_.push_back(more);
    for (std::string& text : texts_) block_.push_back(text.c_str());
    block_.push_back(nullptr);
    config.environment = block_.data();
    config.desktop_restart = Millis(30);
    config.desktop_ready = Millis(60'000);
    if (programs()) install();
  }
  virtual bool programs() { return true; }
  virtual std::vector<std::string> variables() { return {}; }
  virtual void install() {
    program("window-manager", kWindowManager);
    program("startxfce4", kSession);
    program("x11vnc", kListener);
    program("websockify", kListener);
  }
  void program(const std::string& name, std::string_view text) {
    put(at("bin/" + name), text);
    ::chmod(at("bin/" + name).c_str(), 0755);
  }
  void SetUp() override {
    ASSERT_TRUE(!programs() || installed("Xvfb")) << "this test needs Xvfb (Debian package xvfb)";
    DaemonTest::SetUp();
  }
  void TearDown() override {
    if (daemon_) DaemonTest::TearDown();
  }

  boost::json::object start() {
    Reply reply = post("/computeruse/start");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.status == 200 ? json(reply).at("status").as_object() : boost::json::object();
  }
  std::string details(const Reply& reply) {
    EXPECT_EQ(reply.status, 503) << reply.body;
    EXPECT_EQ(member(reply, "error"), "Failed to start computer use");
    return member(reply, "details");
  }
  std::string overall() { return member(get("/computeruse/status"), "status"); }
  template <class Condition>
  void until(Condition condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) ::usleep(5000);
    EXPECT_TRUE(condition());
  }
  std::string lock() const { return "/tmp/.X" + display_.substr(1) + "-lock"; }

  std::string display_;
  uint16_t vnc_ = 0;
  std::vector<std::string> texts_;
  std::vector<const char*> block_;
};

TEST_F(DesktopTest, StartsServesAndStops) {
  EXPECT_EQ(overall(), "inactive");
  auto processes = start();
  for (const char* name : {"xvfb", "xfce4", "x11vnc", "novnc"}) {
    auto& process = processes.at(name).as_object();
    EXPECT_TRUE(process.at("running").as_bool()) << name;
    EXPECT_TRUE(process.at("autoRestart").as_bool()) << name;
    EXPECT_EQ(::kill(static_cast<pid_t>(process.at("pid").as_int64()), 0), 0) << name;
  }
  EXPECT_EQ(processes.at("xvfb").at("priority").as_int64(), 100);
  EXPECT_EQ(overall(), "active");
  EXPECT_EQ(member(get("/computeruse/process-status"), "status"), "active");

  EXPECT_EQ(start().at("xvfb").at("pid"), processes.at("xvfb").at("pid"));  // idempotent

  pid_t child = 0;
  until([&] { return std::ifstream(at("session-child")) >> child && child > 0; });
  auto stopped = json(post("/computeruse/stop")).at("status").as_object();
  for (const auto& [name, process] : stopped) {
    EXPECT_FALSE(process.at("running").as_bool()) << name;
    EXPECT_TRUE(process.at("pid").is_null()) << name;
  }
  EXPECT_EQ(overall(), "inactive");
  EXPECT_NE(::kill(child, 0), 0);
  EXPECT_FALSE(std::filesystem::exists(lock()));
}

TEST_F(DesktopTest, OutputIsKeptInFiles) {
  EXPECT_EQ(get("/computeruse/process/xfce4/logs").status, 400);
  start();
  until([&] { return std::filesystem::file_size(at(".daytona/computeruse/xfce4.log")) > 0; });
  std::string logs = member(get("/computeruse/process/xfce4/logs"), "logs");
  EXPECT_EQ(logs, "session of somebody in " + dir_ + "\n");
  EXPECT_EQ(logs, content(at(".daytona/computeruse/xfce4.log")));
  put(at(".daytona/computeruse/xfce4.err"), "bad \xff byte\n");
  EXPECT_EQ(member(get("/computeruse/process/xfce4/errors"), "errors"), "bad \xef\xbf\xbd byte\n");
}

TEST_F(DesktopTest, LaterCommandsFindTheSessionBus) {
  if (!installed("dbus-daemon")) GTEST_SKIP() << "this machine has no dbus-daemon";
  std::string ask = "printf %s \"$DBUS_SESSION_BUS_ADDRESS\"";
  EXPECT_EQ(execute(ask).result, "");
  start();
  EXPECT_EQ(execute(ask).result, "unix:path=" + dir_ + "/.daytona/computeruse/bus");
  EXPECT_TRUE(std::filesystem::is_socket(at(".daytona/computeruse/bus")));
  post("/computeruse/stop");
  EXPECT_EQ(execute(ask).result, "");
}

TEST_F(DesktopTest, AnXServersLockOfBeforeIsNotInTheWay) {
  // The number in it belongs to a process that lives, as after a restart of the sandbox.
  put(lock(), "         1\n");
  start();
  EXPECT_EQ(overall(), "active");
}

TEST_F(DesktopTest, UnknownProcesses) {
  Reply status = get("/computeruse/process/nothing/status");
  EXPECT_EQ(status.status, 503);
  EXPECT_EQ(member(status, "error"), "Failed to get process status");
  EXPECT_EQ(member(status, "details"), "process nothing not found");
  for (const Reply& reply :
       {post("/computeruse/process/nothing/restart"), get("/computeruse/process/nothing/logs"),
        get("/computeruse/process/nothing/errors")}) {
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(member(reply, "error"), "process nothing not found");
  }
}

TEST_F(DesktopTest, RestartGoesOnInTheBackground) {
  auto before = start();
  Reply reply = post("/computeruse/process/x11vnc/restart");
  EXPECT_EQ(reply.body, R"({"message":"Process x11vnc restarted successfully","processName":"x11vnc"})");
  auto after = start();  // waits for it
  EXPECT_NE(after.at("x11vnc").at("pid"), before.at("x11vnc").at("pid"));
  EXPECT_EQ(after.at("xvfb").at("pid"), before.at("xvfb").at("pid"));
}

TEST_F(DesktopTest, ANewXServerTakesItsClientsAlong) {
  auto before = start();
  post("/computeruse/process/xvfb/restart");
  auto after = start();
  for (const char* name : {"xvfb", "xfce4", "x11vnc"})
    EXPECT_NE(after.at(name).at("pid"), before.at(name).at("pid")) << name;
  EXPECT_EQ(after.at("novnc").at("pid"), before.at("novnc").at("pid"));
}

class BrokenDesktop : public DesktopTest {
  void install() override {
    DesktopTest::install();
    program("x11vnc", "#!/bin/sh\necho no luck >&2; exit 1\n");
    ::unlink(at("bin/websockify").c_str());
  }
};

TEST_F(BrokenDesktop, TellsWhatDoesNotRunAndWhy) {
  if (installed("websockify")) GTEST_SKIP() << "this machine has websockify";
  std::string text = details(post("/computeruse/start"));
  EXPECT_TRUE(text.starts_with("failed to start: [x11vnc novnc]")) << text;
  EXPECT_NE(text.find("lacks websockify"), std::string::npos) << text;
  EXPECT_NE(text.find("does not stay up or does not answer: x11vnc"), std::string::npos) << text;
  EXPECT_EQ(overall(), "partial");  // what runs goes on
  EXPECT_TRUE(member(get("/computeruse/process/x11vnc/errors"), "errors").starts_with("no luck\n"));
}

class NamedBus : public DesktopTest {
  std::vector<std::string> variables() override {
    return {"DBUS_SESSION_BUS_ADDRESS=unix:path=/of/the/sandbox"};
  }
};

TEST_F(NamedBus, IsLeftAlone) {
  start();
  EXPECT_EQ(execute("printf %s \"$DBUS_SESSION_BUS_ADDRESS\"").result, "unix:path=/of/the/sandbox");
  EXPECT_FALSE(std::filesystem::exists(at(".daytona/computeruse/bus")));
}

class EmptyImage : public DesktopTest {
  bool programs() override { return false; }
};

TEST_F(EmptyImage, TellsWhatIsMissing) {
  std::string text = details(post("/computeruse/start"));
  EXPECT_TRUE(text.starts_with("failed to start: [xvfb xfce4 x11vnc novnc]")) << text;
  for (const char* program : {"Xvfb", "startxfce4", "x11vnc", "websockify"})
    EXPECT_NE(text.find(program), std::string::npos) << text;
  EXPECT_EQ(overall(), "inactive");
  Reply restart = post("/computeruse/process/xvfb/restart");
  EXPECT_EQ(restart.status, 400);
  EXPECT_NE(member(restart, "error").find("lacks Xvfb"), std::string::npos);
  EXPECT_EQ(get("/computeruse/process/atspi/status").status, 503);  // without a bus it is not one of them
  EXPECT_EQ(post("/computeruse/stop").status, 200);
}

}  // namespace
}  // namespace dt::daemon
