// The command that sandboxes have when neither snapshot nor image names one.
#include "apps/daemon/testing_session.h"

namespace dt::daemon {
namespace {

struct IdleEntrypointTest : SessionTest {
  void configure(Config& config) override {
    SessionTest::configure(config);
    config.entrypoint = {"sleep", "infinity"};
  }
};

TEST_F(IdleEntrypointTest, IsThereWithoutAProcess) {
  std::string path = "/process/session/entrypoint";
  EXPECT_FALSE(std::filesystem::exists(home_ + "/.daytona/sessions/entrypoint"))
      << "made before it is asked for";
  EXPECT_EQ(get("/process/session").body, "[]");
  EXPECT_EQ(member(get(path), "sessionId"), "entrypoint");
  EXPECT_EQ(execute("ps -o comm= --ppid $PPID | grep -c sleep").result, "0\n");
  std::string command = get(command_path("entrypoint_command", "", "entrypoint")).body;
  EXPECT_NE(command.find("'sleep' 'infinity'"), std::string::npos) << command;
  EXPECT_EQ(command.find("exitCode"), std::string::npos) << command;
  EXPECT_EQ(get(path + "/logs").body, "");
  EXPECT_EQ(stream(path + "/logs", {}).close_code, 1000);
}

}  // namespace
}  // namespace dt::daemon
