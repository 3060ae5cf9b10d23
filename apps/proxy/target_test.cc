#include "apps/proxy/target.h"

#include <gtest/gtest.h>

namespace dt::proxy {

TEST(Target, ToolboxPath) {
  auto t = target_of("localhost:4000", "/toolbox/0a-b/files/down%2Fload");
  ASSERT_TRUE(t);
  EXPECT_FALSE(t->preview);
  EXPECT_EQ(t->sandbox, "0a-b");
  EXPECT_EQ(t->runner_path, "/files/down%2Fload");
}

TEST(Target, NotOurs) {
  EXPECT_FALSE(target_of("localhost", "/"));
  EXPECT_FALSE(target_of("localhost", "/toolbox/abc"));
  EXPECT_FALSE(target_of("localhost", "/toolbox//x"));
  EXPECT_FALSE(target_of("localhost", "/toolbox/a%2Fb/x"));
  EXPECT_FALSE(target_of("localhost", "/toolbox/../x/y"));
}

TEST(Target, PreviewHost) {
  auto t = target_of("3000-6f2c-11.localhost:4000", "/a?b");
  ASSERT_TRUE(t);
  EXPECT_TRUE(t->preview);
  EXPECT_EQ(t->port, 3000);
  EXPECT_EQ(t->sandbox, "6f2c-11");
  EXPECT_EQ(t->runner_path, "/proxy/3000/a?b");
  EXPECT_EQ(target_of("2280-abc.x", "/version")->runner_path, "/version");
}

TEST(Target, PortsWithTricksAreNotPorts) {
  for (const char* host : {"02280-abc.x", "+80-abc.x", "70000-abc.x", "-abc.x", "2280 -abc.x", "0-abc.x"})
    EXPECT_FALSE(target_of(host, "/")) << host;
}

TEST(Target, QueryWithoutParameter) {
  EXPECT_EQ(without_parameter("a=1&KEY=x&b=%20", "KEY"), "a=1&b=%20");
  EXPECT_EQ(without_parameter("K%45Y=x", "KEY"), "");
  EXPECT_EQ(without_parameter("b=2&a=1", "KEY"), "b=2&a=1");
}

}  // namespace dt::proxy
