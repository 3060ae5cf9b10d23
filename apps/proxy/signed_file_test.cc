#include "apps/proxy/signed_file.h"

#include <gtest/gtest.h>

namespace dt::proxy {
namespace {

using namespace std::chrono_literals;

// The example of the contract.
constexpr std::string_view kKey = "sk_abc";
constexpr std::string_view kQuery =
    "path=%2Fa+b%2F%C3%A9.txt&expires=0&signature=v1_mM5w3grSTp-q8xWDL973dMzzDAews5ERS_nuXhO93-U";

Request request(std::string method, std::string_view query) {
  Request out;
  out.method = std::move(method);
  out.query = *Query::parse(query);
  return out;
}
Target target(std::string path) { return *target_of("localhost", "/toolbox/abc" + path); }

TEST(SignedFile, TheExampleOfTheContract) {
  Request asked = request("GET", kQuery);
  auto file = signed_file_of(asked, target("/files/download"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->path, "/a b/\xC3\xA9.txt");
  EXPECT_TRUE(signed_with(*file, kKey));
  EXPECT_FALSE(signed_with(*file, "sk_abd"));
  EXPECT_FALSE(signed_with(*file, ""));
  EXPECT_FALSE(expired(*file, Wall(9'000'000'000s)));
  EXPECT_EQ(query_of(*file), "?path=%2Fa%20b%2F%C3%A9.txt");
}

TEST(SignedFile, IsBoundToPathAndTime) {
  std::string text(kQuery);
  auto with = [&](std::string_view from, std::string_view to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    Request asked = request("GET", changed);
    auto file = signed_file_of(asked, target("/files/download"));
    return file && signed_with(*file, kKey);
  };
  EXPECT_FALSE(with("a+b", "a+c"));
  EXPECT_FALSE(with("expires=0", "expires=99999999999"));
  EXPECT_FALSE(with("expires=0", "expires=00"));
  EXPECT_FALSE(with("expires=0", "expires=-1"));
  EXPECT_FALSE(with("expires=0", "expires="));
  EXPECT_FALSE(with("v1_", "v2_"));
  EXPECT_FALSE(with("93-U", "93-V"));
  EXPECT_FALSE(with("93-U", "93-"));
}

TEST(SignedFile, OnlyTwoRoutesCanBeSigned) {
  auto taken = [](std::string method, const Target& where) {
    Request asked = request(std::move(method), kQuery);
    return signed_file_of(asked, where).has_value();
  };
  EXPECT_TRUE(taken("GET", target("/files/download")));
  EXPECT_TRUE(taken("POST", target("/files/upload-v2")));
  for (const char* path : {"/files/download/", "/files/downloa%64", "//files/download", "/files/upload-v2",
                           "/files/info", "/files/upload", "/process/execute"})
    EXPECT_FALSE(taken("GET", target(path))) << path;
  for (const char* method : {"HEAD", "POST", "DELETE", "get"})
    EXPECT_FALSE(taken(method, target("/files/download"))) << method;
  EXPECT_FALSE(taken("POST", target("/files/upload")));
  EXPECT_FALSE(taken("GET", *target_of("2280-abc.localhost", "/files/download")));
}

TEST(SignedFile, EndsWithItsTime) {
  SignedFile file{"GET", "/f", "1800000000", ""};
  EXPECT_FALSE(expired(file, Wall(1'799'999'999s)));
  EXPECT_TRUE(expired(file, Wall(1'800'000'000s)));
}

}  // namespace
}  // namespace dt::proxy
