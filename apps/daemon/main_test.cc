// The real program as a child: descriptors, readiness, entrypoint, shutdown, and its duties as PID 1.
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <thread>

#include "apps/daemon/testing.h"
#include "libs/base/fd.h"

namespace dt::daemon {
namespace {

namespace fs = std::filesystem;

class Program : public ::testing::Test {
 public:
  void SetUp() override {
    char name[] = "/tmp/daemon-program-XXXXXX";
    dir_ = ::mkdtemp(name);
    home_ = dir_ + "/home";
    fs::create_directory(home_);
    endpoint_ = *Endpoint::parse("unix:" + dir_ + "/s.sock");
  }
  void TearDown() override {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    fs::remove_all(dir_);
  }

  // Starts `prefix… daytona-daemon words…` with the socket and the pipe as descriptors 3 and 4; true when it
  // said ready.
  bool start(std::vector<std::string> words = {}, std::vector<std::string> prefix = {}) {
    Fd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s", endpoint_.unix_path.c_str());
    CHECK(::bind(listening.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK(::listen(listening.get(), 64) == 0);
    Pipe ready = *make_pipe();
    prefix.push_back(DT_DAEMON_BINARY);
    prefix.insert(prefix.end(), words.begin(), words.end());
    std::vector<char*> argv;
    for (std::string& word : prefix) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::string home = "HOME=" + home_;
    const char* env[] = {"DAYTONA_LISTEN_FD=3",
                         "DAYTONA_READY_FD=4",
                         "DAYTONA_USER_HOME_AS_WORKDIR=true",
                         "PATH=/usr/bin:/bin",
                         "LOG_LEVEL=error",
                         home.c_str(),
                         nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    // Through high numbers: the sources may be 3 or 4 themselves.
    ::posix_spawn_file_actions_adddup2(&actions, listening.get(), 103);
    ::posix_spawn_file_actions_adddup2(&actions, ready.write.get(), 104);
    ::posix_spawn_file_actions_adddup2(&actions, 103, 3);
    ::posix_spawn_file_actions_adddup2(&actions, 104, 4);
    ::posix_spawn_file_actions_addclose(&actions, 103);
    ::posix_spawn_file_actions_addclose(&actions, 104);
    CHECK(::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), const_cast<char* const*>(env)) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ready.write.reset();
    char byte = 0;
    return ::read(ready.read.get(), &byte, 1) == 1;
  }

  std::string post(std::string target, std::string body, size_t limit = 64u << 20) {
    auto reply = loop_.run_until(client_.call(
        CallContext(), endpoint_,
        ClientRequest{.method = "POST", .target = std::move(target), .body = std::move(body)}, limit));
    return reply ? reply->body : reply.error().message;
  }
  std::string execute(std::string command) {
    return post("/process/execute", boost::json::serialize(boost::json::object{{"command", command}}));
  }
  long status_kib(const std::string& key) const {
    std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(in, line);)
      if (line.starts_with(key + ":")) return std::atol(line.c_str() + key.size() + 1);
    return -1;
  }
  // Its exit status after SIGTERM.
  int terminate() {
    ::kill(pid_, SIGTERM);
    return wait_end();
  }
  int wait_end() {
    int status = -1;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }

  std::string dir_, home_;
  Endpoint endpoint_;
  pid_t pid_ = -1;
  Loop loop_;
  HttpClient client_;
};

TEST_F(Program, ServesWhenItSaysSo) {
  ASSERT_TRUE(start());
  EXPECT_EQ(execute("pwd; echo $DAYTONA_LISTEN_FD$DAYTONA_READY_FD; ls /proc/self/fd | wc -l"),
            "{\"exitCode\":0,\"result\":\"" + home_ + "\\n\\n4\\n\"}");
  EXPECT_TRUE(fs::is_directory(home_ + "/.daytona"));
  EXPECT_EQ(terminate(), 0);
}

TEST_F(Program, IsStatic) {
  if (kSanitized) GTEST_SKIP() << "programs with sanitizers are not static";
  std::ifstream in(DT_DAEMON_BINARY, std::ios::binary);
  std::string head(4096, 0);
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  Elf64_Ehdr header;
  memcpy(&header, head.data(), sizeof header);
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    memcpy(&segment, head.data() + header.e_phoff + static_cast<size_t>(i) * sizeof segment, sizeof segment);
    EXPECT_NE(segment.p_type, static_cast<Elf64_Word>(PT_INTERP));
  }
}

TEST_F(Program, RunsTheEntrypoint) {
  ASSERT_TRUE(start(
      {"sh", "-c",
       "echo \"it's $0\" $HOME; echo err >&2; trap 'echo term; exit' TERM; while :; do sleep 0.05; done"}));
  std::string log = home_ + "/.daytona/sessions/entrypoint/entrypoint_command/output.log";
  std::string seen =
      execute("for i in 1 2 3 4 5 6 7 8 9; do grep -q err " + log + " && break; sleep 0.1; done; cat " + log);
  EXPECT_EQ(seen, R"({"exitCode":0,"result":"\u0001\u0001\u0001it's sh )" + home_ +
                      R"(\n\u0002\u0002\u0002err\n"})");
  EXPECT_EQ(terminate(), 0);
  std::ifstream in(log);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(text.str().ends_with("term\n")) << text.str();
}

TEST_F(Program, TerminatesQuicklyAndEndsCommands) {
  ASSERT_TRUE(start());
  auto run = [](Program& t) -> Task<void> {
    auto stream = co_await connect(t.endpoint_, kNever);
    std::string body = R"({"command":"sleep 311.5"})";
    std::ignore = co_await stream->write_all("POST /process/execute HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                                             std::to_string(body.size()) + "\r\n\r\n" + body);
    co_await Loop::current().sleep_for(Millis(100));
    // The connection ends here; the command does not.
  };
  loop_.run_until(run(*this));
  auto start_time = std::chrono::steady_clock::now();
  EXPECT_EQ(terminate(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - start_time, std::chrono::seconds(8));
  EXPECT_NE(::system("pgrep -f 'sleep 311[.]5' >/dev/null"), 0);
}

TEST_F(Program, CannotBeTraced) {
  if (::geteuid() == 0) {
    // Root may trace anything; drop to an ordinary user for both.
    fs::permissions(dir_, fs::perms::all);
    ASSERT_EQ(::chown(home_.c_str(), 65534, 65534), 0);
    ASSERT_TRUE(start({}, {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}));
  } else {
    ASSERT_TRUE(start());
  }
  std::string pid = std::to_string(pid_);
  std::string said = execute("cat /proc/" + pid + "/environ >/dev/null && echo open; echo id $(id -u)");
  EXPECT_EQ(said.find("open"), std::string::npos) << said;
  EXPECT_NE(said.find("Permission denied"), std::string::npos) << said;
  EXPECT_NE(execute("cat /proc/self/environ | wc -c; echo fine").find("fine"), std::string::npos);
}

TEST_F(Program, RefusesDescriptorsThatAreNotThere) {
  std::string command = "DAYTONA_LISTEN_FD=77 LOG_LEVEL=error " DT_DAEMON_BINARY " 2>/dev/null";
  EXPECT_EQ(WEXITSTATUS(::system(command.c_str())), 2);
}

TEST_F(Program, IsAGoodInit) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root for a PID namespace";
  ASSERT_TRUE(start({}, {"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"}));
  EXPECT_NE(execute("cat /proc/1/comm").find("daytona-daemon"), std::string::npos);
  // Orphans become its children and vanish.
  execute("for i in 1 2 3 4 5 6 7 8 9 10; do (setsid sh -c 'sleep 0.1; exit 3' >/dev/null 2>&1 &); done");
  EXPECT_EQ(execute("sleep 0.4; grep -l 'State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l"),
            "{\"exitCode\":0,\"result\":\"0\\n\"}");
  EXPECT_EQ(execute("exit 9"), "{\"exitCode\":9,\"result\":\"\"}");
  execute("setsid sleep 1000 >/dev/null 2>&1 &");
  std::string children = "/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) + "/children";
  pid_t init = 0;
  std::ifstream(children) >> init;
  ASSERT_GT(init, 0);
  ::kill(init, SIGTERM);
  EXPECT_EQ(wait_end(), 0);
}

TEST_F(Program, StaysSmallUnderLoad) {
  if (kSanitized) GTEST_SKIP() << "sanitizers need memory of their own";
  ASSERT_TRUE(start());
  execute("true");
  EXPECT_LE(status_kib("VmRSS"), 4096);
  // 128 MiB in both directions with a few MiB of memory.
  std::string make = "head -c 134217728 /dev/zero > big && sha256sum < big";
  std::string sum = execute(make);
  auto copy = [](Program& t) -> Task<bool> {
    auto from = co_await t.client_.send(CallContext(), t.endpoint_,
                                        ClientRequest{.target = "/files/download?path=big"});
    if (!from || from->status != 200) co_return false;
    ClientRequest upload{
        .method = "POST", .target = "/files/upload-v2?path=copy", .body_reader = &from->body()};
    auto to = co_await t.client_.call(CallContext(), t.endpoint_, std::move(upload));
    co_return to && to->status == 200;
  };
  EXPECT_TRUE(loop_.run_until(copy(*this)));
  EXPECT_EQ(execute("sha256sum < copy"), sum);
  EXPECT_LE(status_kib("VmHWM"), 8 * 1024);
  execute("head -c 20000000 /dev/zero");
  execute("true");
  EXPECT_LE(status_kib("VmRSS"), 6 * 1024);
}

TEST_F(Program, SurvivesDeepTrees) {
  ASSERT_TRUE(start());
  // About as deep as a path can name.
  std::string said =
      execute("d=$(printf 'd/%.0s' $(seq 1020)); for i in 1 2; do mkdir -p $d && cd $d; done; echo made");
  EXPECT_NE(said.find("made"), std::string::npos) << said;
  auto get = [&](std::string target) {
    auto reply = loop_.run_until(
        client_.call(CallContext(), endpoint_, ClientRequest{.target = std::move(target)}, 256u << 20));
    return reply ? reply->status : 0;
  };
  EXPECT_EQ(get("/files?path=.&depth=4000"), 200);
  EXPECT_EQ(get("/files/search?path=.&pattern=*"), 200);
  EXPECT_EQ(get("/files/find?path=.&pattern=x"), 200);
  auto reply = loop_.run_until(client_.call(
      CallContext(), endpoint_, ClientRequest{.method = "DELETE", .target = "/files?path=d&recursive=true"}));
  EXPECT_EQ(reply->status, 204);
  EXPECT_EQ(execute("test -e d; echo $?"), "{\"exitCode\":0,\"result\":\"1\\n\"}");
}

TEST_F(Program, SleepsWhenNothingHappens) {
  ASSERT_TRUE(start());
  execute("true");
  std::this_thread::sleep_for(
      std::chrono::milliseconds(300));  // the answer is out, what follows it is done too
  long before = status_kib("voluntary_ctxt_switches");
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_EQ(status_kib("voluntary_ctxt_switches"), before);
}

}  // namespace
}  // namespace dt::daemon
