#include "apps/server/config.h"

#include <gtest/gtest.h>

#include "libs/base/fd.h"

namespace dt::server {

TEST(Config, LaterSourcesWin) {
  std::string file = testing::TempDir() + "/config_test.toml";
  ASSERT_TRUE(write_file_atomic(file, "state_dir = \"/a\"\n[api]\nlisten = \"1.2.3.4:1\"\nbody_limit = 5\n"));
  auto c = Config::load(
      {.file = file, .environment = {{"DAYTONA_SERVER_API_LISTEN", "e:2"}}, .overrides = {"state_dir=/b"}});
  ASSERT_TRUE(c) << c.error().message;
  EXPECT_EQ(c->text("state_dir"), "/b");
  EXPECT_EQ(c->text("api.listen"), "e:2");
  EXPECT_EQ(c->integer("api.body_limit"), 5);
  EXPECT_EQ(c->text("log.level"), "info");
}

TEST(Config, UnknownKeysAreRefused) {
  EXPECT_FALSE(Config::load({.overrides = {"api.lsten=x"}}));
  EXPECT_FALSE(Config::load({.environment = {{"DAYTONA_SERVER_NO_SUCH", "1"}}}));
  EXPECT_TRUE(Config::load({.environment = {{"DAYTONA_SERVER_URL", "http://x"}, {"PATH", "/bin"}}}));
  std::string file = testing::TempDir() + "/config_test_bad.toml";
  ASSERT_TRUE(write_file_atomic(file, "[api]\nlisten = 5\nnonsense = 1\n"));
  auto c = Config::load({.file = file});
  ASSERT_FALSE(c);
  EXPECT_NE(c.error().message.find("nonsense"), std::string::npos);
}

TEST(Config, TypesAreChecked) {
  EXPECT_FALSE(Config::load({.overrides = {"api.body_limit=many"}}));
  EXPECT_FALSE(Config::load({.overrides = {"log.json=yes"}}));
}

TEST(Config, MissingFileIsFineUnlessAskedFor) {
  EXPECT_TRUE(Config::load({.file = "/nonexistent/x.toml"}));
  EXPECT_FALSE(Config::load({.file = "/nonexistent/x.toml", .file_required = true}));
}

TEST(Config, SyntaxErrorsNameTheLine) {
  std::string file = testing::TempDir() + "/config_test_syntax.toml";
  ASSERT_TRUE(write_file_atomic(file, "a = 1\nb =\n"));
  auto c = Config::load({.file = file});
  ASSERT_FALSE(c);
  EXPECT_NE(c.error().message.find(":2:"), std::string::npos) << c.error().message;
}

}  // namespace dt::server
