#include "libs/codec/codec.h"

#include <gtest/gtest.h>

namespace dt {
namespace {

struct Volume {
  std::string volumeId;
  std::optional<std::string> subpath;
};
BOOST_DESCRIBE_STRUCT(Volume, (), (volumeId, subpath))

struct Body {
  std::string name;
  std::optional<int64_t> cpu;
  Defaulted<bool> pub = false;
  std::map<std::string, std::string> labels;
  Defaulted<std::vector<Volume>> volumes;
  Defaulted<std::vector<std::string>> words;
};
BOOST_DESCRIBE_STRUCT(Body, (), (name, cpu, pub, labels, volumes, words))

[[maybe_unused]] void check(const Body& b, Violations& v) {
  if (b.cpu && *b.cpu < 0) v.add("cpu must not be less than 0");
}

TEST(Codec, RoundTrip) {
  auto b = decode<Body>(R"({"name":"n","cpu":2,"labels":{"a":"b"},"volumes":[{"volumeId":"v"}],"extra":1})");
  ASSERT_TRUE(b) << b.error().message;
  EXPECT_EQ(
      encode(*b),
      R"({"name":"n","cpu":2,"pub":false,"labels":{"a":"b"},"volumes":[{"volumeId":"v","subpath":null}],"words":[]})");
}

TEST(Codec, CollectsEveryViolationInOrder) {
  auto b = decode<Body>(
      R"({"name":5,"cpu":1.5,"pub":"x","labels":[],"volumes":[{"volumeId":1}],"words":["a",1,2]})");
  ASSERT_FALSE(b);
  EXPECT_EQ(b.error().code, Code::bad_request);
  EXPECT_EQ(
      b.error().message,
      "name must be a string, cpu must be an integer number, pub must be a boolean value, labels must be an "
      "object, volumes.0.volumeId must be a string, each value in words must be a string");
}

TEST(Codec, NullIsAbsentForOptionalMembers) {
  auto b = decode<Body>(R"({"name":"","cpu":null,"pub":null,"labels":{},"volumes":null})");
  ASSERT_TRUE(b) << b.error().message;
  EXPECT_FALSE(b->cpu);
}

TEST(Codec, OwnRulesRun) {
  EXPECT_EQ(decode<Body>(R"({"name":"","labels":{},"cpu":-1})").error().message,
            "cpu must not be less than 0");
}

TEST(Codec, NotJson) { EXPECT_EQ(decode<Body>("{").error().code, Code::invalid_body); }

TEST(Codec, StringsAreAlwaysValidUtf8) {
  EXPECT_EQ(encode(std::string("a\xFF\n\x01")), "\"a\xEF\xBF\xBD\\n\\u0001\"");
}

TEST(Codec, IntegersStayIntegers) {
  EXPECT_EQ(encode(int64_t{9007199254740993}), "9007199254740993");
  EXPECT_EQ(encode(1.0), "1");
  EXPECT_EQ(encode(0.5), "0.5");
}

}  // namespace
}  // namespace dt
