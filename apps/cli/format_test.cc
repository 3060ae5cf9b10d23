#include "apps/cli/format.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "apps/cli/sandbox_view.h"
#include "libs/codec/json.h"

namespace dt::cli {

TEST(Format, States) {
  EXPECT_EQ(state_label("started"), "STARTED");
  EXPECT_EQ(state_label("pulling_snapshot"), "PULLING SNAPSHOT");
  EXPECT_EQ(state_label("something_new"), "/");
  EXPECT_EQ(state_label(""), "/");
}

TEST(Format, Ages) {
  Wall now = *parse_iso8601("2025-01-10T12:00:00Z");
  EXPECT_EQ(age_label("2025-01-10T11:59:30Z", now), "< 1 minute ago");
  EXPECT_EQ(age_label("2025-01-10T11:59:00Z", now), "1 minute ago");
  EXPECT_EQ(age_label("2025-01-10T11:01:00Z", now), "59 minutes ago");
  EXPECT_EQ(age_label("2025-01-10T09:00:00Z", now), "3 hours ago");
  EXPECT_EQ(age_label("2025-01-01T09:00:00Z", now), "9 days ago");
  EXPECT_EQ(age_label("2025-01-10T12:00:09Z", now), "< 1 minute ago") << "clocks differ a little";
  EXPECT_EQ(age_label("", now), "/");
}

TEST(Format, TablesAndNarrowTerminals) {
  Table table{.header = {"Sandbox", "State"}, .rows = {{"a", "STARTED"}, {"longer-id", "/"}}};
  EXPECT_EQ(table.text(0), "Sandbox     State\na           STARTED\nlonger-id   /\n");
  EXPECT_EQ(table.text(80), table.text(0));
  EXPECT_EQ(table.text(15), "Sandbox: a\nState: STARTED\n===\nSandbox: longer-id\nState: /\n");
}

TEST(Format, JsonIsIndentedByTwo) {
  auto value = json::parse(R"({"a":[1,{"b":"x\"y"}],"c":{},"d":null})");
  EXPECT_EQ(formatted(*value, "json"), R"({
  "a": [
    1,
    {
      "b": "x\"y"
    }
  ],
  "c": {},
  "d": null
}
)");
  EXPECT_EQ(formatted(*value, "anything"), formatted(*value, "json"));
}

TEST(Format, YamlReadsBackAsTheSameTree) {
  auto value = json::parse(
      R"({"createdAt":"2025","Name":"plain","odd":"yes","list":[{"k":1,"l":[true]},"- x"],"none":[],"map":{"a":"b"}})");
  EXPECT_EQ(formatted(*value, "yaml"), R"(createdat: "2025"
name: plain
odd: "yes"
list:
  - k: 1
    l:
      - true
  - "- x"
none: []
map:
  a: b
)");
}

TEST(SandboxView, ActiveOnesComeFirstAndReadingIsTolerant) {
  std::vector<SandboxView> list;
  for (const char* text : {R"({"id":"a","state":"error"})", R"({"id":"b","state":"stopped","name":null})",
                           R"({"id":"c","state":"starting"})", R"({"id":"d","state":"started","unknown":1})",
                           R"({"id":"e","state":"started"})"}) {
    auto view = to_view(*json::parse(text));
    ASSERT_TRUE(view) << text;
    list.push_back(*view);
  }
  sort_active_first(list);
  std::string order;
  for (const SandboxView& s : list) order += s.id;
  EXPECT_EQ(order, "decba");
  EXPECT_FALSE(to_view(*json::parse(R"({"name":"no id"})")));
}

TEST(SandboxView, ASentencePerState) {
  auto why = [](const char* state) {
    return not_running({.id = "i",
                        .name = {"n"},
                        .state = {state},
                        .target = {},
                        .snapshot = {},
                        .createdAt = {},
                        .updatedAt = {},
                        .toolboxProxyUrl = {},
                        .labels = {}})
        .value_or("can run");
  };
  EXPECT_EQ(why("started"), "can run");
  EXPECT_EQ(why("stopped"), "sandbox is stopped. Start it with: daytona sandbox start n");
  EXPECT_EQ(why("starting"), "sandbox is starting. Wait until it is started and call again");
  EXPECT_EQ(why("error"), "sandbox is in an error state. See why with: daytona sandbox info n --format json");
  EXPECT_EQ(why("destroyed"), "sandbox is destroyed and cannot run commands");
}

}  // namespace dt::cli
