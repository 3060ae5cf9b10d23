#include "libs/dbus/message.h"

#include <gtest/gtest.h>

#include <limits>

#include "libs/dbus/names.h"

namespace dt::dbus {
namespace {

using std::literals::operator""s;

TEST(Names, ValidOnes) {
  for (const char* path : {"/", "/a", "/org/a11y/atspi/accessible/12", "/_/0"})
    EXPECT_TRUE(valid_object_path(path)) << path;
  for (const char* path : {"", "a", "/a/", "//", "/a//b", "/a-b", "/ä", "/a b"})
    EXPECT_FALSE(valid_object_path(path)) << path;
  for (const char* name : {":1.0", ":1.42", "org.a11y.Bus", "a-b.c", ":a.b"})
    EXPECT_TRUE(valid_bus_name(name)) << name;
  for (const char* name : {"", ":", ":1", "org", ".org", "org.", "org..x", "org.1x", "org.ä", "a b.c"})
    EXPECT_FALSE(valid_bus_name(name)) << name;
  EXPECT_FALSE(valid_bus_name("a." + std::string(254, 'b')));
  EXPECT_TRUE(valid_interface("org.a11y.Bus"));
  EXPECT_FALSE(valid_interface("org.a-b.Bus"));
  EXPECT_TRUE(valid_member("GetAddress"));
  for (const char* member : {"", "1x", "a.b", "a-b"}) EXPECT_FALSE(valid_member(member)) << member;
}

TEST(Signature, ValidOnes) {
  for (const char* text :
       {"", "y", "a{sv}", "(ii)", "a(so)", "aai", "a{s(iv)}", "ybnqiuxtdsogvh", "a{ya{sv}}"})
    EXPECT_TRUE(valid_signature(text)) << text;
  for (const char* text :
       {"a", "()", "(i", "i)", "{sv}", "a{s}", "a{svi}", "a{vs}", "a{(i)s}", "r", "e", "z", "(a)"})
    EXPECT_FALSE(valid_signature(text)) << text;
  EXPECT_TRUE(valid_signature(std::string(32, 'a') + "i"));
  EXPECT_FALSE(valid_signature(std::string(33, 'a') + "i"));
  EXPECT_TRUE(valid_signature(std::string(32, '(') + "i" + std::string(32, ')')));
  EXPECT_FALSE(valid_signature(std::string(33, '(') + "i" + std::string(33, ')')));
  EXPECT_FALSE(valid_signature(std::string(256, 'i')));
  EXPECT_TRUE(single_type("a(ii)"));
  EXPECT_FALSE(single_type("ii"));
  EXPECT_FALSE(single_type(""));
}

Message sample() {
  Message message;
  message.serial = 7;
  message.path = "/a/b";
  message.interface = "org.example.I";
  message.member = "Do";
  message.destination = ":1.5";
  return message;
}

Message through_bytes(const Message& message) {
  std::string bytes = encode_message(message);
  EXPECT_EQ(message_size(bytes).value(), bytes.size());
  auto parsed = parse_message(bytes);
  EXPECT_TRUE(parsed.has_value()) << parsed.error().message;
  return parsed ? *parsed : Message();
}

template <class T>
void expect_round_trip(const T& value) {
  // Behind a byte, so that padding matters.
  Message message = sample();
  message.pack(uint8_t{1}, value, std::string("end"));
  Message back = through_bytes(message);
  auto values = back.unpack<uint8_t, T, std::string>();
  ASSERT_TRUE(values.has_value()) << values.error().message;
  EXPECT_EQ(std::get<1>(*values), value);
  EXPECT_EQ(std::get<2>(*values), "end");
}

TEST(Message, ValuesOfEveryTypeSurvive) {
  expect_round_trip(uint8_t{255});
  expect_round_trip(true);
  expect_round_trip(int16_t{-3});
  expect_round_trip(uint16_t{65535});
  expect_round_trip(std::numeric_limits<int32_t>::min());
  expect_round_trip(uint32_t{0xdeadbeef});
  expect_round_trip(std::numeric_limits<int64_t>::min());
  expect_round_trip(std::numeric_limits<uint64_t>::max());
  expect_round_trip(-0.5);
  expect_round_trip("grüße 🙂"s);
  expect_round_trip(""s);
  expect_round_trip(ObjectPath{"/a"});
  expect_round_trip(std::vector<std::string>{});
  expect_round_trip(std::vector<double>{});  // padded although it is empty
  expect_round_trip(std::vector<std::string>{"a", "", "ccc"});
  expect_round_trip(std::tuple<int32_t, std::string>{1, "x"});
  expect_round_trip(std::vector<std::tuple<std::string, ObjectPath>>{{":1.2", {"/p"}}, {"", {"/"}}});
  expect_round_trip(std::vector<std::pair<std::string, uint64_t>>{{"k", 1}, {"l", 2}});
  expect_round_trip(std::vector<std::vector<int64_t>>{{}, {1}, {2, 3}});
}

TEST(Message, HeaderFieldsSurvive) {
  Message message = sample();
  message.flags = Message::kNoAutoStart;
  message.sender = ":1.9";
  message.reply_serial = 3;
  message.type = Message::Type::error;
  message.error_name = "org.example.Bad";
  Message back = through_bytes(message);
  EXPECT_EQ(back.type, Message::Type::error);
  EXPECT_EQ(back.flags, Message::kNoAutoStart);
  EXPECT_EQ(back.serial, 7u);
  EXPECT_EQ(back.reply_serial, 3u);
  EXPECT_EQ(back.path, "/a/b");
  EXPECT_EQ(back.interface, "org.example.I");
  EXPECT_EQ(back.member, "Do");
  EXPECT_EQ(back.error_name, "org.example.Bad");
  EXPECT_EQ(back.destination, ":1.5");
  EXPECT_EQ(back.sender, ":1.9");
  EXPECT_EQ(back.signature, "");
}

TEST(Message, VariantsKeepWhatTheyHold) {
  using Rows = std::vector<std::tuple<uint8_t, uint64_t>>;
  Message message = sample();
  message.pack(uint8_t{1}, Variant::of(Rows{{1, 2}, {3, 4}}), Variant::of(Variant::of("in"s)),
               Variant::of(2.5));
  EXPECT_EQ(message.signature, "yvvv");
  Message back = through_bytes(message);
  auto values = back.unpack<uint8_t, Variant, Variant, Variant>();
  ASSERT_TRUE(values.has_value());
  EXPECT_EQ(std::get<1>(*values).as<Rows>(), (Rows{{1, 2}, {3, 4}}));
  EXPECT_EQ(std::get<2>(*values).as<Variant>()->as<std::string>(), "in");
  EXPECT_EQ(std::get<3>(*values).as<double>(), 2.5);
  EXPECT_EQ(std::get<3>(*values).as<int32_t>(), std::nullopt);
  // Written again at another position.
  Message again = sample();
  again.pack(std::get<1>(*values));
  auto second = through_bytes(again).unpack<Variant>();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(std::get<0>(*second).as<Rows>(), (Rows{{1, 2}, {3, 4}}));
}

TEST(Message, TypesOtherThanAskedForAreAnError) {
  Message message = sample();
  message.pack(uint32_t{1});
  auto wrong = message.unpack<int32_t>();
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, Code::bad_gateway);
  EXPECT_FALSE((message.unpack<uint32_t, uint32_t>().has_value()));
  EXPECT_FALSE(message.unpack<>().has_value());
}

// A method return with serial 258 for call 3 and a body "iv" of (-2, int16 5), big-endian, written by hand.
std::string big_endian() {
  return "B\x02\x00\x01"
         "\x00\x00\x00\x0a"
         "\x00\x00\x01\x02"
         "\x00\x00\x00\x10"
         "\x05\x01u\x00\x00\x00\x00\x03"
         "\x08\x01g\x00\x02iv\x00"
         "\xff\xff\xff\xfe\x01n\x00\x00\x00\x05"s;
}

TEST(Message, TheOtherByteOrderIsRead) {
  auto message = parse_message(big_endian());
  ASSERT_TRUE(message.has_value()) << message.error().message;
  EXPECT_TRUE(message->swapped);
  EXPECT_EQ(message->serial, 258u);
  EXPECT_EQ(message->reply_serial, 3u);
  auto values = message->unpack<int32_t, Variant>();
  ASSERT_TRUE(values.has_value());
  EXPECT_EQ(std::get<0>(*values), -2);
  EXPECT_EQ(std::get<1>(*values).as<int16_t>(), 5);
}

// The parser's complaint about the message with one byte changed, or "" when it has none.
std::string complaint_with(std::string bytes, size_t at, char byte) {
  bytes[at] = byte;
  auto message = parse_message(bytes);
  return message ? "" : message.error().message;
}

TEST(Message, BrokenHeadersAreRefused) {
  std::string good = big_endian();
  EXPECT_EQ(complaint_with(good, 2, 1), "");
  EXPECT_NE(complaint_with(good, 0, 'x'), "");  // byte order
  EXPECT_NE(complaint_with(good, 1, 0), "");    // type
  EXPECT_EQ(complaint_with(good, 1, 9), "");    // of a later protocol
  EXPECT_NE(complaint_with(good, 3, 2), "");    // version
  EXPECT_NE(complaint_with(good, 7, 9), "");    // length of the body
  EXPECT_NE(complaint_with(good, 15, 14), "");  // length of the fields
  std::string no_serial = good;
  no_serial[10] = 0;
  EXPECT_NE(complaint_with(no_serial, 11, 0), "");
  EXPECT_NE(complaint_with(good, 16, 0), "");    // field code 0
  EXPECT_NE(complaint_with(good, 16, 9), "");    // descriptors
  EXPECT_NE(complaint_with(good, 16, 8), "");    // a serial as signature
  EXPECT_NE(complaint_with(good, 18, 'i'), "");  // type of the serial
  EXPECT_NE(complaint_with(good, 23, 0), "");    // answer to nothing
  EXPECT_NE(complaint_with(good, 29, 'z'), "");  // signature of the body
  EXPECT_NE(complaint_with(good, 29, 's'), "");
  EXPECT_NE(complaint_with(good, 30, 'i'), "");
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_message(good.substr(0, size)).has_value()) << size;
  EXPECT_FALSE(parse_message(good + '\0').has_value());
}

TEST(Message, SizeIsKnownAfterTheFixedHeader) {
  std::string good = big_endian();
  EXPECT_EQ(message_size(good.substr(0, 15)).value(), 0u);
  EXPECT_EQ(message_size(good.substr(0, 16)).value(), good.size());
  good[4] = '\x7f';
  EXPECT_FALSE(message_size(good).has_value());  // 2 GiB
}

TEST(Wire, BrokenValuesAreRefused) {
  struct Case {
    const char* signature;
    std::string bytes;
    bool good;
  };
  std::string four_one = "\x01\0\0\0"s;
  for (const Case& c : std::vector<Case>{
           {"b", four_one, true},
           {"b", "\x02\0\0\0"s, false},
           {"yi", "\x01\0\0\0\x05\0\0\0"s, true},
           {"yi", "\x01\x01\0\0\x05\0\0\0"s, false},  // padding
           {"s", "\x01\0\0\0a\0"s, true},
           {"s", "\x01\0\0\0ab"s, false},      // no zero
           {"s", "\x01\0\0\0\xff\0"s, false},  // not UTF-8
           {"s", "\x01\0\0\0\0\0"s, false},    // a zero inside
           {"s", "\xff\xff\xff\xff"s, false},  // 4 GiB
           {"o", "\x01\0\0\0a\0"s, false},     // no path
           {"g", "\x01z\0"s, false},
           {"v", "\x01y\0\x05"s, true},
           {"v", "\x02yy\0\x05\x05"s, false},  // two types
           {"v", "\0\0"s, false},              // none
           {"ai", "\x04\0\0\0\x05\0\0\0"s, true},
           {"ai", "\x03\0\0\0\x05\0\0"s, false},
           {"as", "\x05\0\0\0\x01\0\0\0a\0"s, false},  // the array ends inside its text
           {"ab", "\x04\0\0\0\x02\0\0\0"s, false},
           {"ax", "\0\0\0\0\0\0\0\0"s, true},
           {"ax", "\0\0\0\0"s, false},  // padding of an empty array
           {"i", four_one + "x", false},
           {"i", "", false},
       })
    EXPECT_EQ(validate(c.signature, c.bytes, false).has_value(), c.good) << c.signature << " " << c.bytes;
}

TEST(Wire, DepthIsBounded) {
  auto nested = [](int variants) {
    std::string bytes;
    for (int i = 0; i < variants; ++i) bytes += "\x01v\0"s;
    return bytes + "\x01y\0\x05"s;
  };
  EXPECT_TRUE(validate("v", nested(60), false).has_value());
  EXPECT_FALSE(validate("v", nested(64), false).has_value());
  EXPECT_FALSE(validate("v", nested(1'000'000), false).has_value());
}

}  // namespace
}  // namespace dt::dbus
