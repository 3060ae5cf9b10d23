#include "apps/daemon/system/metrics.h"
#include "apps/daemon/system/ports.h"
#include "apps/daemon/testing.h"

namespace dt::daemon {
namespace {

using Info = DaemonTest;

TEST_F(Info, VersionAndDirectories) {
  EXPECT_EQ(get("/version").body, "{\"version\":\"v" DT_VERSION "\"}");
  EXPECT_EQ(member(get("/work-dir"), "dir"), dir_);
  EXPECT_EQ(member(get("/user-home-dir"), "dir"), ::getenv("HOME"));
  EXPECT_EQ(get("/project-dir").body, get("/user-home-dir").body);
  EXPECT_EQ(get("/version/").status, 200);
}

TEST_F(Info, AnswersHaveTheContractsHeaders) {
  Reply r = get("/version");
  EXPECT_EQ(r.headers.get_or("Content-Type"), "application/json; charset=utf-8");
  EXPECT_TRUE(is_uuid(r.headers.get_or("X-Request-Id")));
  Headers own;
  own.set("X-Request-Id", "mine");
  EXPECT_FALSE(call("GET", "/version", "", own).headers.get("X-Request-Id"));
  r = get("/files/info?path=none");
  EXPECT_EQ(r.headers.get_or("Content-Type"), "application/json");
}

TEST_F(Info, UnknownRoutesAreText) {
  for (auto [method, path] : {std::pair{"GET", "/nope"},
                              {"DELETE", "/version"},
                              {"POST", "/version"},
                              {"OPTIONS", "/version"},
                              {"GET", "/process/none"}}) {
    Reply r = call(method, path);
    EXPECT_EQ(r.status, 404) << method << path;
    EXPECT_EQ(r.body, "404 page not found");
    EXPECT_EQ(r.headers.get_or("Content-Type"), "text/plain");
  }
}

TEST_F(Info, InitAcceptsAToken) {
  EXPECT_EQ(post("/init", R"({"token":"t"})").body,
            R"({"message":"Auth token set and telemetry initialized successfully"})");
  EXPECT_EQ(post("/init", "{}").status, 200);
  EXPECT_EQ(post("/init", "nonsense").status, 400);
}

TEST_F(Info, EnvironmentChangesReachLaterCommands) {
  EXPECT_EQ(post("/env", R"({"set":{"DT_A":"1","DT_B":"2","KEEP_X":"3"}})").status, 200);
  EXPECT_EQ(execute("echo $DT_A$DT_B$KEEP_X").result, "123\n");
  EXPECT_EQ(post("/env", R"({"unset":["KEEP_X"],"set":{"DT_B":"9"}})").status, 200);
  EXPECT_EQ(execute("echo $DT_A$DT_B${KEEP_X-no}").result, "19no\n");
  EXPECT_EQ(execute("echo $DT_B", {{"envs", boost::json::object{{"DT_B", "once"}}}}).result, "once\n");
  EXPECT_EQ(post("/env", R"({"set":{"A=B":"1"}})").status, 400);
  EXPECT_EQ(post("/env", R"({"set":{"A":1}})").status, 400);
}

TEST_F(Info, EnvironmentLosesValuesOfAPrefix) {
  post("/env",
       R"({"set":{"DT_OLD":"secret_1","DT_KEPT":"secret_2","secret_3":"plain","DT_C":"a secret_4"}})");
  // Values, not names, and not those that are set at the same time; then names; then what is set.
  Reply r = post("/env", R"({"unsetValuePrefix":"secret_","unset":["DT_NEW","DT_NONE"],)"
                         R"("set":{"DT_KEPT":"secret_5","DT_NEW":"secret_6"}})");
  EXPECT_EQ(r.status, 200);
  for (const auto& [name, value] : json(r).as_object()) EXPECT_TRUE(value.is_string()) << name;
  EXPECT_EQ(execute("echo ${DT_OLD-gone} $DT_KEPT $secret_3 $DT_C $DT_NEW").result,
            "gone secret_5 plain a secret_4 secret_6\n");
  EXPECT_EQ(post("/env", "{}").status, 200);
  EXPECT_EQ(post("/env", R"({"set":null,"unset":null})").status, 200);
  for (const char* bad : {"", "[]", R"({"set":[]})", R"({"unset":"A"})", R"({"unset":[1]})",
                          R"({"unsetValuePrefix":1})", R"({"set":{"":"x"}})", R"({"set":{"A":"\u0000"}})"})
    EXPECT_EQ(post("/env", bad).status, 400) << bad;
}

TEST_F(Info, PortsInUse) {
  EXPECT_EQ(get("/port/80/in-use").status, 400);
  EXPECT_EQ(get("/port/x/in-use").status, 400);
  auto listener = Listener::bind(*Endpoint::parse("127.0.0.1:0"));
  std::string all = get("/port").body;
  EXPECT_NE(all.find(std::to_string(listener->port())), std::string::npos) << all;
}

Task<void> listen_on(std::vector<Listener>& out, const char* address) {
  auto listener = Listener::bind(*Endpoint::parse(address));
  CHECK(listener.has_value());
  out.push_back(std::move(*listener));
  co_return;
}

TEST_F(Info, PortsOfBothFamilies) {
  std::vector<Listener> listeners;
  for (const char* address : {"127.0.0.1:0", "[::1]:0", "[::]:0", "0.0.0.0:0"})
    loop_.run_until(listen_on(listeners, address));
  boost::json::array all = json(get("/port")).as_object().at("ports").as_array();
  for (const Listener& l : listeners)
    EXPECT_EQ(std::ranges::count(all, boost::json::value(l.port())), 1) << l.port();
  // One in the range that may be asked for.
  uint16_t port = 9999;
  while (std::ranges::count(all, boost::json::value(port)) > 0) --port;
  std::string path = "/port/" + std::to_string(port) + "/in-use";
  EXPECT_EQ(get(path).body, R"({"isInUse":false})");
  loop_.run_until(listen_on(listeners, ("[::1]:" + std::to_string(port)).c_str()));
  EXPECT_EQ(get(path).body, R"({"isInUse":true})");
  for (const char* bad : {"2999", "10000", "-1", "0", "65536", "x", "3000.0", "99999999999999999999"})
    EXPECT_EQ(get("/port/" + std::string(bad) + "/in-use").status, 400) << bad;
  for (const char* edge : {"3000", "9999"})
    EXPECT_EQ(get("/port/" + std::string(edge) + "/in-use").status, 200);
}

TEST(PortTable, Lines) {
  EXPECT_EQ(listening_port_of("   0: 0100007F:1F90 00000000:0000 0A 0"), 8080);
  EXPECT_EQ(listening_port_of(" 2: 00000000000000000000000000000000:0BB8 x 0A"), 3000);
  for (const char* other : {"  sl  local_address rem_address   st", "1: 0100007F:1F91 00000000:0000 01 0", "",
                            "broken", "1: 0100007F:1F911 x 0A", "1: nocolon x 0A", "1: a: x 0A"})
    EXPECT_FALSE(listening_port_of(other)) << other;
}

TEST_F(Info, Metrics) {
  boost::json::object m = json(get("/system/metrics")).as_object();
  for (const char* name : {"cpuCount", "memTotal", "memUsed", "diskTotal", "diskFree", "timestampUnix"})
    EXPECT_GT(m.at(name).to_number<int64_t>(), 0) << name;
  double percent = m.at("cpuUsedPct").to_number<double>();
  EXPECT_TRUE(percent >= 0 && percent <= 100) << percent;
  EXPECT_EQ(m.size(), 10u);
  EXPECT_LE(m.at("memUsed").to_number<int64_t>(), m.at("memTotal").to_number<int64_t>());
}

TEST(Metrics, PercentIsOfTheLimitSinceTheSampleBefore) {
  MetricsReport report;
  Usage usage;
  usage.cpu_count = 2;
  Mono start{};
  auto at = [start](int ms) { return start + Millis(ms); };
  auto says = [&](const char* percent) {
    return report.json(usage).find(std::string("\"cpuUsedPct\":") + percent + ",") != std::string::npos;
  };
  EXPECT_TRUE(report.stale(at(0)));
  report.sample(usage, at(0));
  EXPECT_TRUE(says("0.0") || says("0")) << report.json(usage);
  EXPECT_FALSE(report.stale(at(1000)));
  usage.cpu_time_us = 1'000'000;
  report.sample(usage, at(1000));
  EXPECT_NE(report.json(usage).find("\"cpuUsedPct\":50"), std::string::npos);
  // Too soon to tell: the answer stays.
  usage.cpu_time_us = 1'100'000;
  report.sample(usage, at(1010));
  EXPECT_NE(report.json(usage).find("\"cpuUsedPct\":50"), std::string::npos);
  // Never beyond the limit, nor below nothing when the counter starts again.
  usage.cpu_time_us = 90'000'000;
  report.sample(usage, at(2000));
  EXPECT_NE(report.json(usage).find("\"cpuUsedPct\":100"), std::string::npos);
  usage.cpu_time_us = 5;
  report.sample(usage, at(3000));
  report.sample(usage, at(4000));
  EXPECT_TRUE(says("0.0") || says("0")) << report.json(usage);
  EXPECT_TRUE(report.stale(at(100'000)));
}

TEST_F(Info, MetricsOfOldCgroupsWithoutAccounting) {
  std::filesystem::create_directories("v1/cpu");
  std::filesystem::create_directories("v1/memory");
  put(at("v1/cpu/cpu.cfs_quota_us"), "50000\n");
  put(at("v1/cpu/cpu.cfs_period_us"), "100000\n");
  put(at("v1/memory/memory.usage_in_bytes"), "5000\n");
  put(at("v1/memory/memory.limit_in_bytes"), "9000\n");
  put(at("v1/memory/memory.stat"), "cache 1\ntotal_cache 300\ntotal_inactive_file 1000\n");
  Usage usage = read_usage(at("v1"), dir_);
  EXPECT_EQ(usage.memory_used, 4000u);
  EXPECT_EQ(usage.memory_total, 9000u);
  EXPECT_EQ(usage.memory_cache, 300u);
  EXPECT_EQ(usage.cpu_count, 0.5);
  EXPECT_GT(usage.cpu_time_us, 0u);
  std::filesystem::create_directories("v1/cpuacct");
  put(at("v1/cpuacct/cpuacct.usage"), "77000\n");
  EXPECT_EQ(read_usage(at("v1"), dir_).cpu_time_us, 77u);
  // No limit: that of the machine.
  put(at("v1/cpu/cpu.cfs_quota_us"), "-1\n");
  put(at("v1/memory/memory.limit_in_bytes"), "9223372036854771712\n");
  EXPECT_GE(read_usage(at("v1"), dir_).cpu_count, 1);
  EXPECT_LT(read_usage(at("v1"), dir_).memory_total, uint64_t{1} << 60);
}

TEST_F(Info, MetricsOfACgroup) {
  std::filesystem::create_directories("cg");
  put(at("cg/cpu.stat"), "usage_usec 77\nuser_usec 5\n");
  put(at("cg/memory.current"), "5000\n");
  put(at("cg/memory.max"), "9000\n");
  put(at("cg/memory.stat"), "file 300\ninactive_file 1000\n");
  put(at("cg/cpu.max"), "150000 100000\n");
  Usage usage = read_usage(at("cg"), dir_);
  EXPECT_EQ(usage.cpu_time_us, 77u);
  EXPECT_EQ(usage.memory_used, 4000u);
  EXPECT_EQ(usage.memory_total, 9000u);
  EXPECT_EQ(usage.memory_cache, 300u);
  EXPECT_EQ(usage.cpu_count, 1.5);
}

}  // namespace
}  // namespace dt::daemon
