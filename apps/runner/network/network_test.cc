// With real namespaces, routes and nftables. Each test has a "host" namespace of its own with an "internet"
// behind it, so that nothing of the machine is touched and several can run at once. Root only.
#include "apps/runner/network/network.h"

#include <gtest/gtest.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdlib.h>

#include "apps/runner/network/dns_message.h"
#include "apps/runner/network/ipv4.h"
#include "apps/runner/network/netlink.h"
#include "apps/runner/network/test_net.h"

namespace dt::runner {
namespace {

using namespace testing_net;
using namespace std::string_view_literals;

constexpr const char* kHostWan = "203.0.113.1";
constexpr const char* kServer = "203.0.113.2";
constexpr const char* kOther = "203.0.113.3";
constexpr const char* kPrivate = "192.168.77.1";
constexpr const char* kMetadata = "169.254.169.254";

std::string dns_query(const std::string& label, uint16_t id = 0x1234) {
  std::string q{static_cast<char>(id >> 8), static_cast<char>(id & 0xff), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  q += static_cast<char>(label.size());
  q += label;
  return q + std::string("\4test\0\0\1\0\1", 10);
}

// Answers every question by 192.0.2.77; over UDP those for "big" are cut.
std::string dns_answer(const std::string& bytes, bool tcp) {
  std::string q = tcp ? bytes.substr(2) : bytes;
  auto question = parse_query(q);
  if (!question) return {};
  std::string a = q.substr(0, question->end);
  a[2] = static_cast<char>(0x81);
  if (!tcp && question->name == "big.test") {
    a[2] = static_cast<char>(0x83);
  } else {
    a[7] = 1;
    a += std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x4d", 16);
  }
  return tcp ? std::string{static_cast<char>(a.size() >> 8), static_cast<char>(a.size() & 0xff)} + a : a;
}

struct World {
  Fd host, internet;
  std::unique_ptr<Server> echo, other, private_host, metadata, dns, host_service;
  std::unique_ptr<Network> network;
  NetworkConfig config;

  void build() {
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);
    host = current_netns();
    internet = fresh_netns();
    auto netlink = Netlink::open();
    ASSERT_TRUE(netlink);
    NetlinkBatch batch;
    add_veth(batch, {"up0", "wan", {2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, internet.get()});
    ASSERT_TRUE(netlink->run(std::move(batch)));
    ASSERT_TRUE(
        sh("ip link set lo up && ip addr add 203.0.113.1/24 dev up0 && ip link set up0 up && "
           "ip route add default via 203.0.113.2"));
    ASSERT_TRUE(sh_in(
        internet,
        "ip link set lo up && ip link set wan up && for a in 203.0.113.2/24 203.0.113.3/24 192.168.77.1/32 "
        "169.254.169.254/32; do ip addr add $a dev wan; done && ip route add 10.0.0.0/8 via 203.0.113.1"));
    auto who = [](const std::string&, const std::string& peer, bool) { return "from " + peer; };
    echo = std::make_unique<Server>(internet, kServer, 7, who);
    other = std::make_unique<Server>(internet, kOther, 7, who);
    private_host = std::make_unique<Server>(internet, kPrivate, 7, who);
    metadata = std::make_unique<Server>(internet, kMetadata, 80, who);
    host_service = std::make_unique<Server>(host, "0.0.0.0", 3000, who);
    dns = std::make_unique<Server>(
        internet, kServer, 53,
        [](const std::string& bytes, const std::string&, bool tcp) { return dns_answer(bytes, tcp); });
    ASSERT_TRUE(echo->ok() && other->ok() && private_host->ok() && metadata->ok() && host_service->ok() &&
                dns->ok());
    config.instance = "tn";
    config.subnet = "10.217.0.0/16";
    config.ready_slots = 3;
    config.dns = {kServer};
    start();
  }
  void start() {
    auto made = Network::create(config);
    ASSERT_TRUE(made) << made.error().message;
    network = std::move(*made);
  }
  NetworkSlot take() {
    auto slot = network->take();
    EXPECT_TRUE(slot) << slot.error().message;
    return slot ? std::move(*slot) : NetworkSlot{};
  }
};

class NetworkTest : public testing::Test {
 protected:
  // The body runs in a thread whose network namespace is the host of the test.
  void with_world(void (*body)(World&)) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    std::thread([body] {
      World world;
      world.build();
      if (!HasFatalFailure()) body(world);
      if (world.network) {
        auto destroyed = world.network->destroy_all();
        EXPECT_TRUE(destroyed) << destroyed.error().message;
        EXPECT_TRUE(sh("! nft list tables | grep -q daytona"));
        EXPECT_TRUE(sh("! ip link show tngw 2>/dev/null"));
      }
    }).join();
  }
};

TEST_F(NetworkTest, ReachesTheInternetByNatAndDns) {
  with_world([](World& w) {
    auto a = w.take();
    EXPECT_EQ(a.host_interface, "tn-" + std::to_string(a.index));
    EXPECT_EQ(w.network->address_of(a.index), a.address);
    EXPECT_EQ(a.gateway, "10.217.0.1");
    EXPECT_EQ(tcp(a.netns, kServer, 7), std::string("from ") + kHostWan);
    EXPECT_EQ(udp(a.netns, kServer, 7), std::string("from ") + kHostWan);
    EXPECT_TRUE(ping(a.netns, kServer));
    EXPECT_TRUE(ping(a.netns, a.gateway));
    EXPECT_TRUE(sh_in(a.netns,
                      "test $(wc -l </proc/net/if_inet6) = 1 && grep -q '^0\\{31\\}1 .* lo$' "
                      "/proc/net/if_inet6 && grep -qx 0 /proc/sys/net/ipv4/ip_unprivileged_port_start && "
                      "grep -qE '^0\\s2147483647$' /proc/sys/net/ipv4/ping_group_range"));
    EXPECT_NE(w.network->resolv_conf().find("nameserver 10.217.0.1\n"), std::string::npos);
  });
}

std::string resolved(const NetworkSlot& from, const std::string& name) {
  std::string answer = udp(from.netns, from.gateway, 53, dns_query(name));
  return answer.size() < 4 ? answer
                           : ipv4_text(static_cast<uint32_t>(static_cast<uint8_t>(answer.end()[-4])) << 24 |
                                       static_cast<uint32_t>(static_cast<uint8_t>(answer.end()[-3])) << 16 |
                                       static_cast<uint32_t>(static_cast<uint8_t>(answer.end()[-2])) << 8 |
                                       static_cast<uint8_t>(answer.end()[-1]));
}

TEST_F(NetworkTest, LinkedSlotsReachOneAnotherByNameAndNobodyElse) {
  with_world([](World& w) {
    auto owner = w.take(), follower = w.take(), stranger = w.take();
    auto who = [](const std::string&, const std::string& peer, bool) { return "from " + peer; };
    Server at_owner(owner.netns, "0.0.0.0", 3000, who), at_follower(follower.netns, "0.0.0.0", 3000, who);
    ASSERT_TRUE(at_owner.ok() && at_follower.ok());
    EXPECT_EQ(tcp(follower.netns, owner.address, 3000), "refused");
    ASSERT_TRUE(w.network->join(owner.index, "g", {"id-1", "Owner.test"}));
    ASSERT_TRUE(w.network->join(follower.index, "g", {"id-2", "follower.test"}));
    ASSERT_TRUE(w.network->join(stranger.index, "h", {"id-3", "stranger.test"}));
    auto linked = [&] {
      EXPECT_EQ(tcp(follower.netns, owner.address, 3000), "from " + follower.address);
      EXPECT_EQ(tcp(owner.netns, follower.address, 3000), "from " + owner.address);
      EXPECT_EQ(tcp(stranger.netns, owner.address, 3000), "refused");
      EXPECT_EQ(resolved(follower, "OWNER"), owner.address);
      EXPECT_EQ(resolved(owner, "follower"), follower.address);
      EXPECT_EQ(resolved(stranger, "owner"), "192.0.2.77") << "a stranger's question goes upstream";
      EXPECT_EQ(resolved(owner, "owner"), "192.0.2.77") << "nobody shadows a name for itself";
    };
    linked();
    // Blocked is blocked, an allow list is about the world outside.
    ASSERT_TRUE(w.network->set_policy(follower.index, {.block_all = true, .allow = {}}));
    EXPECT_EQ(tcp(follower.netns, owner.address, 3000), "refused");
    EXPECT_EQ(tcp(owner.netns, follower.address, 3000), "refused");
    ASSERT_TRUE(w.network->set_policy(follower.index, {.block_all = false, .allow = {"203.0.113.3/32"}}));
    linked();
    // A restarted runner: who is adopted joins again.
    w.network.reset();
    w.start();
    ASSERT_TRUE(w.network->adopt(owner.index, {}));
    ASSERT_TRUE(w.network->adopt(follower.index, {}));
    EXPECT_EQ(tcp(follower.netns, owner.address, 3000), "refused");
    ASSERT_TRUE(w.network->join(owner.index, "g", {"id-1", "Owner.test"}));
    ASSERT_TRUE(w.network->join(follower.index, "g", {"id-2", "follower.test"}));
    linked();
    w.network->release(owner.index);
    EXPECT_EQ(tcp(follower.netns, owner.address, 3000), "refused");
    EXPECT_EQ(resolved(follower, "owner"), "192.0.2.77");
    EXPECT_TRUE(sh("nft list set inet daytona_tn linked | (! grep -q elements)"));
  });
}

TEST_F(NetworkTest, ResolverForwardsUdpAndTcpAndIgnoresGarbage) {
  with_world([](World& w) {
    auto a = w.take();
    std::string answer = udp(a.netns, a.gateway, 53, dns_query("host", 0xbeef));
    ASSERT_GE(answer.size(), kDnsHeader);
    EXPECT_EQ(dns_id(answer), 0xbeef);
    EXPECT_EQ(answer.substr(answer.size() - 4), "\xc0\x00\x02\x4d"sv);
    EXPECT_TRUE(udp(a.netns, a.gateway, 53, dns_query("big"))[2] & 2);
    std::string q = dns_query("big");
    answer = tcp(a.netns, a.gateway, 53, std::string{0, static_cast<char>(q.size())} + q);
    ASSERT_GE(answer.size(), 2 + kDnsHeader);
    EXPECT_EQ(answer.substr(answer.size() - 4), "\xc0\x00\x02\x4d"sv);
    EXPECT_EQ(udp(a.netns, a.gateway, 53, "garbage"), "");
    EXPECT_EQ(udp(a.netns, a.gateway, 53, std::string(12, '\xff')), "");
    EXPECT_NE(udp(a.netns, a.gateway, 53, dns_query("still")), "");
    // Not for others: the internet asks the resolver.
    EXPECT_EQ(udp(w.internet, a.gateway, 53, dns_query("host")), "");
  });
}

TEST_F(NetworkTest, ReachesNeitherOthersNorTheHostNorMetadata) {
  with_world([](World& w) {
    auto a = w.take(), b = w.take();
    Server in_b(b.netns, "0.0.0.0", 8080, [](auto&, auto& peer, bool) { return "from " + peer; });
    ASSERT_EQ(tcp(w.host, b.address, 8080), "from 10.217.0.1") << "a preview from the host";
    ASSERT_EQ(udp(w.host, b.address, 8080), "from 10.217.0.1");
    ASSERT_EQ(tcp(w.host, kMetadata, 80), std::string("from ") + kHostWan) << "the host itself can";
    EXPECT_EQ(tcp(a.netns, b.address, 8080), "refused");
    EXPECT_EQ(udp(a.netns, b.address, 8080), "refused");
    EXPECT_FALSE(ping(a.netns, b.address));
    EXPECT_FALSE(ping(a.netns, kHostWan));
    EXPECT_EQ(tcp(w.internet, b.address, 8080), "") << "nobody connects in but the host";
    EXPECT_EQ(tcp(a.netns, kMetadata, 80), "refused");
    EXPECT_EQ(tcp(a.netns, kHostWan, 3000), "refused");
    EXPECT_EQ(tcp(a.netns, a.gateway, 3000), "refused");
    EXPECT_EQ(udp(a.netns, a.gateway, 3000), "refused");
    EXPECT_EQ(tcp(a.netns, kPrivate, 7), "refused");
    EXPECT_EQ(tcp(a.netns, kServer, 7), std::string("from ") + kHostWan);
  });
}

// A UDP datagram with a source address of our choice, from the sandbox's own stack.
bool send_raw(const Fd& netns, const std::string& source, const std::string& payload) {
  return inside(netns, [&] {
    Fd raw(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
    std::string packet(sizeof(iphdr) + sizeof(udphdr), '\0');
    auto* ip = reinterpret_cast<iphdr*>(packet.data());
    ip->version = 4;
    ip->ihl = 5;
    ip->ttl = 64;
    ip->protocol = IPPROTO_UDP;
    inet_pton(AF_INET, source.c_str(), &ip->saddr);
    inet_pton(AF_INET, kServer, &ip->daddr);
    auto* udp = reinterpret_cast<udphdr*>(packet.data() + sizeof(iphdr));
    udp->source = htons(4000);
    udp->dest = htons(7);
    udp->len = htons(static_cast<uint16_t>(sizeof(udphdr) + payload.size()));
    packet += payload;
    auto to = at(kServer, 7);
    return sendto(raw.get(), packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to) >
           0;
  });
}

TEST_F(NetworkTest, DropsForgedSourceAddresses) {
  with_world([](World& w) {
    auto a = w.take(), b = w.take();
    ASSERT_TRUE(send_raw(a.netns, b.address, "as the neighbour"));
    ASSERT_TRUE(send_raw(a.netns, "198.51.100.9", "as a stranger"));
    ASSERT_TRUE(send_raw(a.netns, kHostWan, "as the host"));
    ASSERT_TRUE(send_raw(a.netns, a.gateway, "as the gateway"));
    ASSERT_TRUE(send_raw(a.netns, a.address, "as itself"));
    EXPECT_NE(udp(a.netns, kServer, 7), "");  // comes after them on the same path
    EXPECT_TRUE(w.echo->saw("as itself"));
    for (const char* forged : {"as the neighbour", "as a stranger", "as the host", "as the gateway"})
      EXPECT_FALSE(w.echo->saw(forged)) << forged;
  });
}

TEST_F(NetworkTest, PoliciesAreExactAndChangeLive) {
  with_world([](World& w) {
    auto a = w.take(), b = w.take();
    auto policy = [&](NetworkPolicy p) {
      auto set = w.network->set_policy(a.index, p);
      ASSERT_TRUE(set) << set.error().message;
    };
    policy({true, {}});
    EXPECT_EQ(tcp(a.netns, kServer, 7), "refused");
    EXPECT_EQ(udp(a.netns, a.gateway, 53, dns_query("host")), "refused")
        << "no way out through the resolver either";
    EXPECT_NE(tcp(b.netns, kServer, 7), "") << "only the one";
    Server in_a(a.netns, "0.0.0.0", 8080, [](auto&, auto&, bool) { return "hello"; });
    EXPECT_EQ(tcp(w.host, a.address, 8080), "hello") << "previews work";

    policy({false, {"203.0.113.2/32", "198.51.100.0/24"}});
    EXPECT_NE(tcp(a.netns, kServer, 7), "refused");
    EXPECT_EQ(tcp(a.netns, kOther, 7), "refused");
    EXPECT_NE(udp(a.netns, a.gateway, 53, dns_query("host")), "refused");
    policy({false, {"203.0.113.0/24", "192.168.77.1"}});
    EXPECT_NE(tcp(a.netns, kOther, 7), "refused");
    EXPECT_NE(tcp(a.netns, kPrivate, 7), "refused") << "named";
    policy({false, {"0.0.0.0/0", "169.254.169.254/32"}});
    EXPECT_NE(tcp(a.netns, kOther, 7), "refused");
    EXPECT_EQ(tcp(a.netns, kPrivate, 7), "refused") << "everything does not name it";
    EXPECT_EQ(tcp(a.netns, kMetadata, 80), "refused") << "never";
    policy({false, {"2001:db8::/32"}});
    EXPECT_EQ(tcp(a.netns, kServer, 7), "refused") << "only IPv6 allowed, and there is none";
    policy({});
    EXPECT_NE(tcp(a.netns, kServer, 7), "refused");
    EXPECT_EQ(w.network->set_policy(a.index, {false, {"1.2.3.4/33"}}).error().code, Code::bad_request);
    EXPECT_EQ(w.network->set_policy(a.index, {false, {"x; drop"}}).error().code, Code::bad_request);
  });
}

TEST_F(NetworkTest, PoliciesHoldAcrossARestartOfTheRunner) {
  with_world([](World& w) {
    auto a = w.take(), b = w.take();
    ASSERT_TRUE(w.network->set_policy(a.index, {true, {}}));
    ASSERT_TRUE(w.network->set_policy(b.index, {false, {"203.0.113.2"}}));
    w.network.reset();  // the runner is gone, its free slots with it; the sandboxes live
    EXPECT_EQ(tcp(a.netns, kServer, 7), "refused");
    w.start();
    EXPECT_EQ(tcp(a.netns, kServer, 7), "refused") << "before it is adopted";
    EXPECT_NE(tcp(b.netns, kServer, 7), "refused");
    EXPECT_EQ(tcp(b.netns, kOther, 7), "refused");
    ASSERT_TRUE(w.network->adopt(a.index, {true, {}}));
    ASSERT_TRUE(w.network->adopt(b.index, {false, {"203.0.113.2"}}));
    EXPECT_EQ(tcp(a.netns, kServer, 7), "refused");
    EXPECT_NE(udp(b.netns, b.gateway, 53, dns_query("host")), "");
    auto c = w.take();
    EXPECT_NE(c.index, a.index);
    EXPECT_NE(c.index, b.index);
    EXPECT_NE(tcp(c.netns, kServer, 7), "refused");
  });
}

TEST_F(NetworkTest, NumbersComeBackWithoutTheirPolicy) {
  with_world([](World& w) {
    w.network->destroy_all().value();
    w.network.reset();
    w.config.subnet = "10.217.9.0/29";  // slots 2 to 6
    w.config.ready_slots = 1;
    w.start();
    std::vector<NetworkSlot> slots;
    for (int i = 0; i < 5; ++i) slots.push_back(w.take());
    auto none = w.network->take();
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Code::unavailable);
    NetworkSlot gone = std::move(slots.back());
    slots.pop_back();
    ASSERT_TRUE(w.network->set_policy(gone.index, {true, {}}));
    w.network->release(gone.index);
    EXPECT_FALSE(w.network->take()) << "its interface is still there";
    EXPECT_EQ(tcp(gone.netns, kServer, 7), "refused") << "to its end";
    gone.netns.reset();
    Result<NetworkSlot> again = fail(Code::unavailable, "");
    for (int i = 0; i < 100 && !again; ++i) {
      usleep(20'000);
      again = w.network->take();
    }
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->index, gone.index);
    EXPECT_NE(tcp(again->netns, kServer, 7), "refused");
    EXPECT_TRUE(sh("! nft list table inet daytona_tn | grep -q 'chain p[0-9]'"));
  });
}

TEST_F(NetworkTest, ManyAtOnce) {
  with_world([](World& w) {
    std::mutex mutex;
    std::vector<NetworkSlot> slots;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 25; ++i) {
          auto slot = w.network->take();
          ASSERT_TRUE(slot) << slot.error().message;
          std::lock_guard lock(mutex);
          slots.push_back(std::move(*slot));
        }
      });
    for (auto& thread : threads) thread.join();
    std::set<std::string> addresses;
    for (auto& slot : slots) addresses.insert(slot.address);
    EXPECT_EQ(addresses.size(), 100u);
    EXPECT_NE(tcp(slots[99].netns, kServer, 7), "");
  });
}

TEST_F(NetworkTest, PassesAFirewallThatDropsForwardedPackets) {
  if (!sh("command -v iptables >/dev/null")) GTEST_SKIP() << "no iptables";
  with_world([](World& w) {
    w.network->destroy_all().value();
    w.network.reset();
    ASSERT_TRUE(
        sh("iptables -P FORWARD DROP && iptables -N DOCKER-USER && iptables -A FORWARD -j DOCKER-USER"));
    w.start();
    auto a = w.take();
    EXPECT_NE(tcp(a.netns, kServer, 7), "");
    w.network.reset();
    w.start();
    EXPECT_TRUE(sh("test $(iptables -S DOCKER-USER | grep -c tn-) = 2")) << "not twice";
    w.network->destroy_all().value();
    EXPECT_TRUE(sh("test $(iptables -S DOCKER-USER | grep -c tn-) = 0"));
  });
}

TEST(NetworkConfigTest, BadConfigurationIsRefused) {
  for (auto [instance, subnet] : {std::pair{"toolong7", "10.0.0.0/16"},
                                  {"a-b", "10.0.0.0/16"},
                                  {"", "10.0.0.0/16"},
                                  {"ok", "10.0.0.0/30"},
                                  {"ok", "nonsense"},
                                  {"ok", "fd00::/64"}}) {
    NetworkConfig config;
    config.instance = instance;
    config.subnet = subnet;
    auto made = Network::create(config);
    ASSERT_FALSE(made) << instance << subnet;
    EXPECT_EQ(made.error().code, Code::bad_request);
  }
}

}  // namespace
}  // namespace dt::runner
