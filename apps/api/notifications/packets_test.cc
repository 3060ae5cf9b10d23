#include "apps/api/notifications/packets.h"

#include <gtest/gtest.h>

namespace dt::api::socketio {
namespace {

TEST(Packets, AreWrittenAsTheContractShows) {
  EXPECT_EQ(open_packet("abc", Millis(25'000), Millis(20'000)),
            R"(0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000})");
  EXPECT_EQ(connected_packet("s1"), R"(40{"sid":"s1"})");
  EXPECT_EQ(refused_packet("", "Unauthorized"), R"(44{"message":"Unauthorized"})");
  EXPECT_EQ(refused_packet("/admin", "Invalid namespace"), R"(44/admin,{"message":"Invalid namespace"})");
  EXPECT_EQ(event_packet("sandbox.created", R"({"id":"1"})"), R"(42["sandbox.created",{"id":"1"}])");
}

TEST(Packets, ConnectCarriesAToken) {
  EXPECT_EQ(parse_packet(R"(40{"token":"dtn_x"})").token, "dtn_x");
  EXPECT_EQ(parse_packet(R"(40/,{"token":"dtn_x"})").token, "dtn_x");
  EXPECT_EQ(parse_packet(R"(40/,{"token":"dtn_x"})").name_space, "");
  EXPECT_EQ(parse_packet(R"(40/admin,{"token":"dtn_x"})").name_space, "/admin");
  EXPECT_EQ(parse_packet("40").token, "");
  EXPECT_EQ(parse_packet(R"(40{"token":7})").token, "");
  EXPECT_EQ(parse_packet("40{broken").kind, Kind::connect);
}

TEST(Packets, TheRestIsToldApart) {
  EXPECT_EQ(parse_packet("3").kind, Kind::pong);
  EXPECT_EQ(parse_packet("41").kind, Kind::disconnect);
  EXPECT_EQ(parse_packet("1").kind, Kind::close);
  EXPECT_EQ(parse_packet("").kind, Kind::other);
  EXPECT_EQ(parse_packet(R"(42["x"])").kind, Kind::other);
}

}  // namespace
}  // namespace dt::api::socketio
