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

TEST(Target, SignedTokens) {
  EXPECT_TRUE(target_of("3000-abcdefgh12345678.x", "/")->signed_token());
  for (const char* label : {"abcdefgh1234567", "abcdefgh123456789", "ABCDEFGH12345678", "abcdefgh-2345678",
                            "6f2c1a00-0000-4000-8000-000000000000"})
    EXPECT_FALSE(target_of(std::string("3000-") + label + ".x", "/")->signed_token()) << label;
}

TEST(Target, RedirectionsKeepTheirPrefix) {
  Target toolbox = *target_of("x", "/toolbox/abc/files");
  EXPECT_EQ(redirected(toolbox, "/files/"), "/toolbox/abc/files/");
  EXPECT_EQ(redirected(toolbox, "/toolbox/abc/x"), "/toolbox/abc/x");
  EXPECT_EQ(redirected(toolbox, "/toolbox/abcd/x"), "/toolbox/abc/toolbox/abcd/x");
  EXPECT_EQ(redirected(toolbox, "other"), "other");
  EXPECT_EQ(redirected(toolbox, "https://elsewhere/x"), "https://elsewhere/x");
  EXPECT_EQ(redirected(toolbox, "//elsewhere/x"), "//elsewhere/x");
  Target program = *target_of("x", "/toolbox/abc/proxy/3000/a/b");
  EXPECT_EQ(redirected(program, "/login?next=/a"), "/toolbox/abc/proxy/3000/login?next=/a");
  EXPECT_EQ(redirected(program, "/proxy/3000/login"), "/toolbox/abc/proxy/3000/login");
  EXPECT_EQ(redirected(*target_of("x", "/toolbox/abc/proxy/3000"), "/l"), "/toolbox/abc/proxy/3000/l");
  EXPECT_EQ(redirected(*target_of("3000-abc.x", "/a"), "/login"), "/login");
}

TEST(Target, QueryWithoutParameter) {
  EXPECT_EQ(without_parameter("a=1&KEY=x&b=%20", "KEY"), "a=1&b=%20");
  EXPECT_EQ(without_parameter("K%45Y=x", "KEY"), "");
  EXPECT_EQ(without_parameter("b=2&a=1", "KEY"), "b=2&a=1");
}

}  // namespace dt::proxy
