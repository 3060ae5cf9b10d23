#include "apps/runner/network/dns_message.h"

#include <gtest/gtest.h>

#include "apps/runner/network/dns_upstream.h"

namespace dt::runner {
namespace {

std::string query(const std::string& name_bytes,
                  const std::string& counts = std::string("\0\1\0\0\0\0\0\0", 8)) {
  return std::string("\x12\x34\1\0", 4) + counts + name_bytes + std::string("\0\1\0\1", 4);
}
const std::string kExample("\7Example\3com\0", 13);

TEST(DnsMessage, ReadsAQuestion) {
  auto q = parse_query(query(kExample));
  ASSERT_TRUE(q);
  EXPECT_EQ(q->name, "example.com");
  EXPECT_EQ(q->type, 1);
  EXPECT_EQ(q->end, 12 + 13 + 4u);
  EXPECT_TRUE(parse_query(query(std::string(1, '\0')))) << "the root";
}

TEST(DnsMessage, RefusesWhatIsNotOneQuery) {
  EXPECT_FALSE(parse_query(""));
  std::string good = query(kExample);
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(parse_query(good.substr(0, size))) << size;
  EXPECT_FALSE(parse_query(query(kExample, std::string("\0\2\0\0\0\0\0\0", 8))));
  EXPECT_FALSE(parse_query(query(kExample, std::string("\0\1\0\1\0\0\0\0", 8))));
  EXPECT_FALSE(parse_query(query("\xc0\x0c"))) << "a pointer";
  std::string response = good;
  response[2] = static_cast<char>(0x81);
  EXPECT_FALSE(parse_query(response));
  std::string endless;
  for (int i = 0; i < 200; ++i) endless += "\1a";
  EXPECT_FALSE(parse_query(query(endless + std::string(1, '\0'))));
}

TEST(DnsMessage, MatchesAnswersToQuestions) {
  std::string q = query(kExample), answer = q;
  answer[2] = static_cast<char>(0x81);
  EXPECT_TRUE(answers(answer, *parse_query(q)));
  EXPECT_TRUE(answers(answer, *parse_query(query(std::string("\7eXAMPLE\3COM\0", 13)))));
  EXPECT_FALSE(answers(answer, *parse_query(query(std::string("\7exbmple\3com\0", 13)))));
  EXPECT_FALSE(answers(q, *parse_query(q))) << "a query is no answer";
  std::string failure = server_failure(q + "additional", *parse_query(q));
  EXPECT_TRUE(answers(failure, *parse_query(q)));
  EXPECT_EQ(failure[3] & 0xf, 2);
}

TEST(DnsUpstream, ParsesAddressesAndResolvConf) {
  for (const char* good : {"10.0.0.2", "10.0.0.2:5353", "fd00::1", "[fd00::1]:5353", "fe80::1%eth0"})
    EXPECT_TRUE(parse_upstream(good)) << good;
  for (const char* bad : {"", "host", "10.0.0.2:0", "10.0.0.2:x", "[fd00::1"})
    EXPECT_FALSE(parse_upstream(bad)) << bad;
  auto servers =
      nameservers_of("# x\nnameserver 10.0.0.2 # c\n nameserver\tfd00::1\nsearch a\nnameservers 1.1.1.1\n");
  EXPECT_EQ(servers, (std::vector<std::string>{"10.0.0.2", "fd00::1"}));
}

}  // namespace
}  // namespace dt::runner
