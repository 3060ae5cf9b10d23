#include "apps/proxy/cookie.h"

#include <gtest/gtest.h>

#include "libs/base/text.h"

namespace dt::proxy {
namespace {

using namespace std::chrono_literals;

const Secret kKey("the proxy's key");
const CookieScope kScope{"abcdefgh12345678", 3000};
const Wall kNow{1'800'000'000s};

// What a browser sends back.
Headers sent_back(const std::string& set_cookie, const std::string& more = "") {
  Headers out;
  out.set("Cookie", more + set_cookie.substr(0, set_cookie.find(';')));
  return out;
}

TEST(PreviewCookie, IsAcceptedForAnHour) {
  std::string set = issue_cookie(kKey, kScope, "the-sandbox", kNow, false);
  EXPECT_TRUE(set.starts_with("daytona-sandbox-auth-abcdefgh12345678="));
  EXPECT_TRUE(set.ends_with("; Path=/; Max-Age=3600; HttpOnly"));
  EXPECT_TRUE(issue_cookie(kKey, kScope, "x", kNow, true).ends_with("; Secure"));
  Headers headers = sent_back(set, "theme=dark; ");
  for (auto age : {0s, 1s, 3600s})
    EXPECT_EQ(sandbox_of_cookie(kKey, kScope, headers, kNow + age), "the-sandbox") << age.count();
  for (auto age : {3601s, 100'000s, -100s})
    EXPECT_FALSE(sandbox_of_cookie(kKey, kScope, headers, kNow + age)) << age.count();
}

TEST(PreviewCookie, IsBoundToKeyLabelAndPort) {
  Headers headers = sent_back(issue_cookie(kKey, kScope, "the-sandbox", kNow, false));
  EXPECT_FALSE(sandbox_of_cookie(Secret("another key"), kScope, headers, kNow));
  EXPECT_FALSE(sandbox_of_cookie(kKey, {kScope.label, 22222}, headers, kNow));
  EXPECT_FALSE(sandbox_of_cookie(kKey, {"another", kScope.port}, headers, kNow));
  // The same value under another name.
  std::string value = issue_cookie(kKey, kScope, "the-sandbox", kNow, false);
  value = value.substr(value.find('='));
  EXPECT_FALSE(
      sandbox_of_cookie(kKey, {"another", 3000}, sent_back("daytona-sandbox-auth-another" + value), kNow));
}

TEST(PreviewCookie, EveryChangeIsNoticed) {
  std::string set = issue_cookie(kKey, kScope, "the-sandbox", kNow, false);
  size_t start = set.find('=') + 1;
  std::string text = *base64_decode(set.substr(start, set.find(';') - start));
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    Headers headers = sent_back(set.substr(0, start) + base64url_encode(changed));
    EXPECT_FALSE(sandbox_of_cookie(kKey, kScope, headers, kNow)) << i;
  }
  for (std::string value : {std::string(), std::string("!"), std::string("AAAA"), base64url_encode("||"),
                            base64url_encode("1|x|"), std::string(10'000, 'A')}) {
    Headers headers = sent_back(set.substr(0, start) + value);
    EXPECT_FALSE(sandbox_of_cookie(kKey, kScope, headers, kNow)) << value;
  }
}

TEST(PreviewCookie, NeverReachesTheSandbox) {
  Headers headers;
  headers.add("Cookie", "a=1; daytona-sandbox-auth-x=y; b=\"2\"");
  headers.add("cookie", "daytona-sandbox-auth-z=");
  headers.add("X-Other", "daytona-sandbox-auth-x=y");
  remove_own_cookies(headers);
  EXPECT_EQ(headers.count("Cookie"), 1u);
  EXPECT_EQ(headers.get_or("Cookie"), "a=1; b=\"2\"");
  EXPECT_EQ(headers.get_or("X-Other"), "daytona-sandbox-auth-x=y");
  Headers plain;
  plain.add("Cookie", "a=1;b=2;  c");
  remove_own_cookies(plain);
  EXPECT_EQ(plain.get_or("Cookie"), "a=1;b=2;  c");
}

}  // namespace
}  // namespace dt::proxy
