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
                              {"GET", "/process/session"}}) {
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
  // By prefix first (not what is set), then names, then values.
  EXPECT_EQ(post("/env", R"({"unsetValuePrefix":"DT_","unset":["KEEP_X"],"set":{"DT_B":"9"}})").status, 200);
  EXPECT_EQ(execute("echo ${DT_A-no}$DT_B${KEEP_X-no}").result, "no9no\n");
  EXPECT_EQ(execute("echo $DT_B", {{"envs", boost::json::object{{"DT_B", "once"}}}}).result, "once\n");
  EXPECT_EQ(post("/env", R"({"set":{"A=B":"1"}})").status, 400);
  EXPECT_EQ(post("/env", R"({"set":{"A":1}})").status, 400);
}

TEST_F(Info, PortsInUse) {
  EXPECT_EQ(get("/port/80/in-use").status, 400);
  EXPECT_EQ(get("/port/x/in-use").status, 400);
  auto listener = Listener::bind(*Endpoint::parse("127.0.0.1:0"));
  std::string all = get("/port").body;
  EXPECT_NE(all.find(std::to_string(listener->port())), std::string::npos) << all;
  std::vector<uint16_t> ports;
  parse_port_table(
      "  sl  local_address rem_address   st\n   0: 0100007F:1F90 00000000:0000 0A 0\n"
      "   1: 0100007F:1F91 00000000:0000 01 0\n 2: 00000000000000000000000000000000:0BB8 x 0A\nbroken\n",
      ports);
  EXPECT_EQ(ports, (std::vector<uint16_t>{8080, 3000}));
}

TEST_F(Info, Metrics) {
  boost::json::object m = json(get("/system/metrics")).as_object();
  for (const char* name : {"cpuCount", "memTotal", "memUsed", "diskTotal", "diskFree", "timestampUnix"})
    EXPECT_GT(m.at(name).to_number<int64_t>(), 0) << name;
  EXPECT_EQ(m.at("cpuUsedPct").to_number<double>(), 0);
  MetricsReport report;
  Usage usage;
  usage.cpu_count = 2;
  Mono now{};
  report.json(usage, now);
  usage.cpu_time_us = 1'000'000;
  EXPECT_NE(report.json(usage, now + std::chrono::seconds(1)).find("\"cpuUsedPct\":50"), std::string::npos);
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
