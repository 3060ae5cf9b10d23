#include "apps/cli/settings.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "libs/base/fd.h"

namespace dt::cli {

TEST(Settings, TheEnvironmentWinsWhenItIsComplete) {
  auto settings = load_settings(
      {{"DAYTONA_API_URL", "http://h/api"}, {"DAYTONA_API_KEY", "k"}, {"HOME", "/nonexistent"}});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->api_url, "http://h/api");
  EXPECT_EQ(settings->key.reveal(), "k");
}

TEST(Settings, HalfAnEnvironmentIsNamed) {
  auto settings = load_settings({{"DAYTONA_API_KEY", "k"}, {"HOME", "/nonexistent"}});
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().message, "DAYTONA_API_KEY is set but DAYTONA_API_URL is not: set both");
  auto nothing = load_settings({{"HOME", "/nonexistent"}});
  ASSERT_FALSE(nothing);
  EXPECT_NE(nothing.error().message.find("/nonexistent/.config/daytona/config.json"), std::string::npos);
}

TEST(Settings, TheActiveProfileOfTheFile) {
  std::string dir = testing::TempDir() + "cli_settings_test";
  ::mkdir(dir.c_str(), 0700);
  ASSERT_TRUE(write_file_atomic(dir + "/config.json", R"({"activeProfile":"b","profiles":[
    {"id":"a","name":"A","api":{"url":"http://a/api","key":"ka","token":null}},
    {"id":"b","name":"B","api":{"url":"http://b/api","key":null,"token":{"accessToken":"tb","refreshToken":"","expiresAt":"x"}},
     "activeOrganizationId":"o","toolboxProxyUrls":{"us":"u"}}]})"));
  auto settings = load_settings({{"DAYTONA_CONFIG_DIR", dir}});
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->api_url, "http://b/api");
  EXPECT_EQ(settings->key.reveal(), "tb");
  ASSERT_TRUE(write_file_atomic(dir + "/config.json", R"({"activeProfile":"c","profiles":[]})"));
  EXPECT_FALSE(load_settings({{"DAYTONA_CONFIG_DIR", dir}}));
  ASSERT_TRUE(write_file_atomic(dir + "/config.json", "{"));
  EXPECT_FALSE(load_settings({{"DAYTONA_CONFIG_DIR", dir}}));
}

TEST(ParseUrl, Forms) {
  auto url = parse_url("http://localhost:3000/api/");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->endpoint.host, "localhost");
  EXPECT_EQ(url->endpoint.port, 3000);
  EXPECT_EQ(url->path, "/api");
  EXPECT_EQ(parse_url("http://host")->endpoint.port, 80);
  EXPECT_EQ(parse_url("http://[::1]:5/x")->endpoint.port, 5);
  EXPECT_EQ(parse_url("http://[::1]")->endpoint.port, 80);
  EXPECT_EQ(parse_url("https://h/api").error().code, Code::not_implemented);
  EXPECT_FALSE(parse_url("localhost:3000"));
  EXPECT_FALSE(parse_url("http://h:notaport"));
}

}  // namespace dt::cli
