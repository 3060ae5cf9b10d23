#include <gtest/gtest.h>

#include "libs/base/clock.h"
#include "libs/base/error.h"
#include "libs/base/fd.h"
#include "libs/base/random.h"
#include "libs/base/text.h"

namespace dt {

TEST(Text, PercentDecode) {
  EXPECT_EQ(*percent_decode("a%20b%2F"), "a b/");
  EXPECT_EQ(*percent_decode("a+b", true), "a b");
  EXPECT_EQ(*percent_decode("a+b"), "a+b");
  EXPECT_FALSE(percent_decode("%"));
  EXPECT_FALSE(percent_decode("%2"));
  EXPECT_FALSE(percent_decode("%zz"));
  EXPECT_EQ(*percent_decode("%41"), "A");
}

TEST(Text, Base64RoundTrip) {
  for (size_t n = 0; n < 40; ++n) {
    std::string bytes = random_bytes(n);
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
    EXPECT_EQ(base64_decode(base64url_encode(bytes)), bytes);
    EXPECT_EQ(hex_decode(hex_encode(bytes)), bytes);
  }
  EXPECT_EQ(base64_encode("ab"), "YWI=");
  EXPECT_FALSE(base64_decode("a"));
  EXPECT_FALSE(base64_decode("a b="));
}

TEST(Text, Utf8) {
  EXPECT_TRUE(valid_utf8("h\xC3\xA9llo \xF0\x9F\x98\x80"));
  EXPECT_FALSE(valid_utf8("\xC0\x80"));
  EXPECT_FALSE(valid_utf8("\xED\xA0\x80"));
  EXPECT_EQ(replace_invalid_utf8("a\xFF"
                                 "b"),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(Text, ShellQuote) { EXPECT_EQ(shell_quote("it's"), "'it'\\''s'"); }

TEST(Text, Numbers) {
  EXPECT_EQ(parse_int("-12"), -12);
  EXPECT_FALSE(parse_int("12x"));
  EXPECT_FALSE(parse_int(""));
  EXPECT_FALSE(parse_int("99999999999999999999"));
}

TEST(Text, Uuid) {
  EXPECT_TRUE(is_uuid(uuid_v4()));
  EXPECT_FALSE(is_uuid("not-a-uuid"));
}

TEST(Clock, Iso8601RoundTrip) {
  EXPECT_EQ(iso8601(from_millis(0)), "1970-01-01T00:00:00.000Z");
  auto t = parse_iso8601("2025-12-19T12:30:00.5+02:00");
  ASSERT_TRUE(t);
  EXPECT_EQ(iso8601(*t), "2025-12-19T10:30:00.500Z");
  EXPECT_FALSE(parse_iso8601("yesterday"));
  EXPECT_FALSE(parse_iso8601("2025-13-01"));
}

TEST(Error, TableIsComplete) {
  for (int c = 0; c <= static_cast<int>(Code::closed); ++c) {
    Code code = static_cast<Code>(c);
    EXPECT_GE(http_status(code), 400);
    EXPECT_FALSE(reason_phrase(http_status(code)).empty());
    EXPECT_FALSE(wire_name(code).empty());
  }
}

TEST(Error, ContextGoesInFront) {
  Error e = errno_error("open /x", 2).context("load config");
  EXPECT_EQ(e.message, "load config: open /x: No such file or directory");
  EXPECT_EQ(e.code, Code::not_found);
}

TEST(Fd, WriteFileAtomicReplaces) {
  std::string dir = testing::TempDir();
  std::string path = dir + "/base_test_atomic";
  ASSERT_TRUE(write_file_atomic(path, "one"));
  ASSERT_TRUE(write_file_atomic(path, "two"));
  EXPECT_EQ(*read_file(path), "two");
  EXPECT_FALSE(read_file(path, 2));
}

}  // namespace dt
