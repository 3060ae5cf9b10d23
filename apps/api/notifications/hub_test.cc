#include "apps/api/notifications/hub.h"

#include <gtest/gtest.h>

#include <vector>

namespace dt::api {
namespace {

const OrganizationId kOne("one"), kTwo("two");

TEST(EventHub, OnlyTheOrganizationHears) {
  EventHub hub;
  std::vector<std::string> one, all;
  auto a = hub.subscribe(kOne, [&](const HubEvent& e) { one.push_back(e.name + e.payload); });
  auto b = hub.subscribe_all([&](const HubEvent& e) { all.push_back(e.organization.str()); });
  hub.publish(kOne, "x", "1");
  hub.publish(kTwo, "y", "2");
  EXPECT_EQ(one, std::vector<std::string>{"x1"});
  EXPECT_EQ(all, (std::vector<std::string>{"one", "two"}));
  EXPECT_TRUE(hub.has_listeners(kTwo));
  b.cancel();
  EXPECT_FALSE(hub.has_listeners(kTwo));
}

TEST(EventHub, ListenersMayComeAndGoWhileAnEventGoesRound) {
  EventHub hub;
  int first = 0, second = 0, late = 0;
  EventHub::Subscription self, other, added;
  self = hub.subscribe(kOne, [&](const HubEvent&) {
    ++first;
    self.cancel();
    other.cancel();
    added = hub.subscribe(kOne, [&](const HubEvent&) { ++late; });
    auto elsewhere = hub.subscribe(kTwo, [](const HubEvent&) {});
  });
  other = hub.subscribe(kOne, [&](const HubEvent&) { ++second; });
  hub.publish(kOne, "x", "1");
  hub.publish(kOne, "x", "1");
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 0);
  EXPECT_EQ(late, 1);
}

TEST(EventHub, ASubscriptionMayOutliveTheHub) {
  EventHub::Subscription kept;
  {
    EventHub hub;
    kept = hub.subscribe(kOne, [](const HubEvent&) {});
  }
}

}  // namespace
}  // namespace dt::api
