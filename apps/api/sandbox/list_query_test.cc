#include "apps/api/sandbox/list_query.h"

#include <gtest/gtest.h>

#include "apps/api/sandbox/network_settings.h"

namespace dt::api {
namespace {

const OrganizationId kOrganization("o");

std::string refusal(std::string_view text) {
  auto query = parse_cursor_query(*Query::parse(text), kOrganization);
  return query ? "" : query.error().message;
}

TEST(Cursor, RoundTrip) {
  for (const SqlValue& value : {SqlValue(int64_t{1'700'000'000'123}), SqlValue(std::string("näme \"x\""))}) {
    auto back = decode_cursor(encode_cursor({"name", value, "id-1"}));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->value, value);
    EXPECT_EQ(back->id, "id-1");
  }
  EXPECT_FALSE(decode_cursor("%%%"));
  EXPECT_FALSE(decode_cursor("e30"));  // {}
}

TEST(ListQuery, Refusals) {
  EXPECT_EQ(refusal("cursor=nonsense"), "Invalid cursor provided: nonsense");
  EXPECT_EQ(refusal("labels=%7B"), "Invalid labels JSON format");
  EXPECT_EQ(refusal("limit=0"), "limit must not be less than 1");
  EXPECT_EQ(refusal("limit=201"), "limit must not be greater than 200");
  EXPECT_EQ(refusal("minCpu=0"), "minCpu must not be less than 1");
  EXPECT_EQ(refusal("createdAtAfter=yesterday"), "createdAtAfter must be a valid ISO 8601 date string");
  EXPECT_EQ(refusal("states=destroyed").substr(0, 61),
            "each value must be one of the following values: creating, res");
  EXPECT_EQ(refusal("states=started,stopped").substr(0, 21), "each value must be on");
  EXPECT_EQ(
      refusal("sort=size"),
      "sort must be one of the following values: name, cpu, memoryGib, diskGib, lastActivityAt, createdAt");
}

// A cursor belongs to the order it was made for.
TEST(ListQuery, CursorOfAnotherSortIsRefused) {
  std::string cursor = encode_cursor({"name", std::string("a"), "i"});
  EXPECT_EQ(refusal("sort=cpu&cursor=" + cursor), "Invalid cursor provided: " + cursor);
  EXPECT_EQ(refusal("sort=name&cursor=" + cursor), "");
}

std::string networks(std::string_view list) {
  auto checked = check_network_allow_list(list);
  return checked ? "" : checked.error().message;
}
std::string domains(std::string_view list) {
  auto checked = check_domain_allow_list(list);
  return checked ? "" : checked.error().message;
}

TEST(NetworkSettings, AllowLists) {
  EXPECT_EQ(networks("10.0.0.0/8, 192.168.1.0/16,"), "");
  EXPECT_EQ(networks("x/8"), "Invalid IP address: \"x\" in network \"x/8\". Must be a valid IPv4 address");
  EXPECT_EQ(networks("::1/8"),
            "Invalid IP address: \"::1\" in network \"::1/8\". Must be a valid IPv4 address");
  EXPECT_EQ(networks("1.2.3.4"),
            "Invalid network format: \"1.2.3.4\". Missing CIDR prefix length (e.g., /24)");
  EXPECT_EQ(networks("1.2.3.4/33"),
            "Invalid CIDR prefix length: 1.2.3.4/33. Prefix must be between 0 and 32");
  EXPECT_EQ(networks("1.2.3.4/x"), "Invalid CIDR prefix length: 1.2.3.4/x. Prefix must be between 0 and 32");
  EXPECT_EQ(networks(",,,,,,,,,,"), "Network allow list cannot contain more than 10 networks");
  EXPECT_EQ(domains("example.com,*.example.org"), "");
  EXPECT_EQ(domains("localhost"), "Invalid domain: \"localhost\". Must be a valid domain name");
  EXPECT_EQ(domains("*.*.com"), "Invalid domain: \"*.*.com\". Must be a valid domain name");
  EXPECT_EQ(domains("1.2.3.4"), "Invalid domain: \"1.2.3.4\". Must be a valid domain name");
}

TEST(NetworkSettings, Update) {
  SandboxRecord r;
  auto apply = [&](std::string_view body) {
    auto done = apply_network_settings(r, *json::parse(body));
    return done ? "" : done.error().message;
  };
  EXPECT_EQ(apply("{}"),
            "At least one of networkBlockAll, networkAllowList or domainAllowList must be provided");
  EXPECT_EQ(apply(R"({"networkBlockAll":null})"), "networkBlockAll must be a boolean value");
  EXPECT_EQ(apply(R"({"networkBlockAll":true})"), "");
  EXPECT_TRUE(r.network_block_all);
  EXPECT_EQ(apply(R"({"networkBlockAll":true,"networkAllowList":"10.0.0.0/8"})"), "");
  EXPECT_FALSE(r.network_block_all);
  EXPECT_EQ(r.network_allow_list, "10.0.0.0/8");
  EXPECT_EQ(apply(R"({"networkAllowList":""})"), "");
  EXPECT_FALSE(r.network_allow_list);
  EXPECT_EQ(apply(R"({"networkBlockAll":false})"), "");
  EXPECT_FALSE(r.network_block_all || r.network_allow_list);
}

}  // namespace
}  // namespace dt::api
