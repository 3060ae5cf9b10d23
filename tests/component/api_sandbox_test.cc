// Sandboxes over HTTP, from the first request to kill -9 of the API.
#include "tests/component/api_harness.h"

namespace dt::test {
namespace {

using namespace std::chrono_literals;

class ApiSandbox : public ::testing::Test {
 protected:
  // The script runs beside a scripted runner.
  using Script = Task<void> (*)(ApiSandbox&);
  void play(Script script) { loop_.run_until(with_runner(*this, script)); }
  static Task<void> with_runner(ApiSandbox& t, Script script) {
    TaskScope scope("runner");
    TaskScope jobs("jobs");
    bool healthy = co_await t.runner.healthcheck();
    EXPECT_TRUE(healthy);
    scope.spawn(t.runner.run(jobs));
    co_await script(t);
    t.runner.stop = true;
    co_await scope.join();
    co_await jobs.join();
  }
  static Task<Answer> wait_state(ApiSandbox& t, std::string id, std::string wanted) {
    Answer answer;
    for (int i = 0; i < 300; ++i) {
      answer = co_await t.user.call("GET", "/sandbox/" + id);
      if (answer.at("state") == wanted || (wanted == "destroyed" && answer.status == 404)) break;
      co_await Loop::current().sleep_for(20ms);
    }
    co_return answer;
  }

  ApiProcess api;
  Loop loop_;
  Caller user{api, kUserKey};
  Caller proxy{api, kProxyKey};
  ScriptedRunner runner{api};

  static Task<void> life(ApiSandbox& t);
  static Task<void> refusals(ApiSandbox& t);
  static Task<void> settings(ApiSandbox& t);
  static Task<void> previews(ApiSandbox& t);
  static Task<void> many(ApiSandbox& t);
  static Task<void> crashes(ApiSandbox& t);
  static Task<void> reads(ApiSandbox& t);
  static Task<void> links(ApiSandbox& t);
};

Task<void> ApiSandbox::life(ApiSandbox& t) {
  auto created = co_await t.user.call("POST", "/sandbox",
                                      R"({"name":"box","labels":{"a":"b"},"env":{"X":"1"},"envVars":{}})");
  EXPECT_EQ(created.status, 200) << created.text;
  EXPECT_EQ(created.at("state"), "started");
  EXPECT_EQ(created.at("daemonVersion"), "v9");
  EXPECT_EQ(created.at("kvm"), "false");
  std::string id = created.at("id");
  auto by_name = co_await t.user.call("GET", "/sandbox/box");
  EXPECT_EQ(by_name.at("id"), id);
  auto by_id = co_await t.user.call("GET", "/sandbox/" + id);
  EXPECT_EQ(by_id.text, created.text);
  auto list = co_await t.user.call("GET", R"(/sandbox?labels={"a":"b"}&states=started&states=stopped)");
  EXPECT_EQ(list.status, 200) << list.text;
  EXPECT_EQ(list.json.at("items").as_array().size(), 1u);
  EXPECT_EQ(list.at("nextCursor"), "null");
  auto pages = co_await t.user.call("GET", "/sandbox/paginated");
  EXPECT_EQ(pages.at("total"), "1");

  auto stopping = co_await t.user.call("POST", "/sandbox/box/stop?force=true");
  EXPECT_EQ(stopping.status, 200) << stopping.text;
  EXPECT_EQ(stopping.at("state"), "stopping");
  auto stopped = co_await wait_state(t, id, "stopped");
  EXPECT_EQ(stopped.at("state"), "stopped");
  auto again = co_await t.user.call("POST", "/sandbox/box/start");
  EXPECT_EQ(again.at("state"), "started") << again.text;
  auto gone = co_await t.user.call("DELETE", "/sandbox/box");
  EXPECT_EQ(gone.status, 200) << gone.text;
  EXPECT_EQ(gone.at("state"), "destroying");
  auto destroyed = co_await wait_state(t, id, "destroyed");
  EXPECT_EQ(destroyed.status, 404);
  EXPECT_EQ(destroyed.message(), "Sandbox with ID or name " + id + " not found");
  EXPECT_TRUE(t.runner.sandboxes.empty());
  EXPECT_EQ(t.runner.log,
            (std::vector<std::string>{"CREATE_SANDBOX", "STOP_SANDBOX", "START_SANDBOX", "DESTROY_SANDBOX"}));
}
TEST_F(ApiSandbox, LifeOfASandbox) { play(life); }

Task<void> ApiSandbox::refusals(ApiSandbox& t) {
  co_await t.user.call("POST", "/sandbox", R"({"name":"taken"})");
  struct Row {
    const char *method, *target, *body;
    int status;
    const char* message;
  };
  static constexpr Row kRows[] = {
      {"POST", "/sandbox", R"({"name":"taken"})", 409, "Sandbox with name taken already exists"},
      {"POST", "/sandbox", R"({"name":5,"cpu":"x"})", 400,
       "name must be a string, cpu must be a number conforming to the specified constraints"},
      {"POST", "/sandbox", R"({"cpu":2})", 400, "Cannot specify Sandbox resources when using a snapshot"},
      {"POST", "/sandbox", R"({"buildInfo":{"dockerfileContent":"FROM x"}})", 422,
       "Declarative builds are not supported by this server yet. Create a sandbox from a snapshot"},
      {"GET", "/sandbox/nobody", "", 404, "Sandbox with ID or name nobody not found"},
      {"POST", "/sandbox/nobody/start", "", 404, "Sandbox with ID or name nobody not found"},
      {"DELETE", "/sandbox/nobody", "", 404, "Sandbox with ID or name nobody not found"},
      {"GET", "/sandbox?limit=999", "", 400, "limit must not be greater than 200"},
      {"GET", "/sandbox?cursor=x", "", 400, "Invalid cursor provided: x"},
      {"POST", "/sandbox/taken/autostop/-1", "", 400, "Auto-stop interval must be non-negative"},
      {"POST", "/sandbox/taken/autostop/abc", "", 400, "Validation failed (numeric string is expected)"},
      {"GET", "/sandbox/taken/ports/0/preview-url", "", 400, "Invalid port"},
      {"GET", "/sandbox/taken/build-logs-url", "", 404, "Sandbox taken has no build info"},
      {"POST", "/sandbox/taken/fork", "", 404, "Cannot POST /api/sandbox/taken/fork"},
      {"GET", "/jobs/poll", "", 403, "Invalid authentication context"},
      {"GET", "/sandbox/for-runner", "", 403, "Invalid authentication context"},
  };
  for (const Row& row : kRows) {
    auto answer = co_await t.user.call(row.method, row.target, row.body);
    EXPECT_EQ(answer.status, row.status) << row.method << row.target << answer.text;
    EXPECT_EQ(answer.message(), row.message) << row.method << row.target;
  }
  t.runner.fail.insert("doomed");
  auto failed = co_await t.user.call("POST", "/sandbox", R"({"name":"doomed"})");
  EXPECT_EQ(failed.status, 400);
  EXPECT_EQ(failed.message(), "Sandbox failed to start: the disk is on fire");
  auto kept = co_await t.user.call("GET", "/sandbox/doomed");
  EXPECT_EQ(kept.at("state"), "error");
  EXPECT_EQ(kept.at("errorReason"), "the disk is on fire");
}
TEST_F(ApiSandbox, Refusals) { play(refusals); }

Task<void> ApiSandbox::links(ApiSandbox& t) {
  auto refused = [&](const char* body, int status, std::string message) -> Task<void> {
    auto answer = co_await t.user.call("POST", "/sandbox", body);
    EXPECT_EQ(answer.status, status) << body;
    EXPECT_EQ(answer.message(), message) << body;
  };
  auto owner = co_await t.user.call("POST", "/sandbox", R"({"name":"owner"})");
  co_await refused(R"({"linkedSandbox":"owner"})", 400,
                   "Linked sandboxes must be ephemeral (set autoDeleteInterval to 0)");
  co_await refused(R"({"linkedSandbox":"nobody","autoDeleteInterval":0})", 404,
                   "Sandbox with ID or name nobody not found");
  auto follower = co_await t.user.call("POST", "/sandbox",
                                       R"({"name":"one","linkedSandbox":" owner ","autoDeleteInterval":0})");
  EXPECT_EQ(follower.status, 200) << follower.text;
  EXPECT_EQ(follower.at("linkedSandboxId"), owner.at("id"));
  EXPECT_EQ(follower.at("runnerId"), owner.at("runnerId"));
  EXPECT_EQ(follower.at("autoDeleteInterval"), "0");
  std::string by_id = R"({"name":"two","autoDeleteInterval":0,"linkedSandbox":")" + owner.at("id") + "\"}";
  auto second = co_await t.user.call("POST", "/sandbox", by_id);
  EXPECT_EQ(second.status, 200) << second.text;
  co_await refused(R"({"linkedSandbox":"one","autoDeleteInterval":0})", 400,
                   "Linked sandbox " + follower.at("id") +
                       " is itself linked to another sandbox; chained links are not allowed");
  co_await t.user.call("POST", "/sandbox/owner/stop");
  auto stopped = co_await wait_state(t, owner.at("id"), "stopped");
  EXPECT_EQ(stopped.at("state"), "stopped");
  auto third = co_await t.user.call("POST", "/sandbox",
                                    R"({"name":"three","linkedSandbox":"owner","autoDeleteInterval":0})");
  EXPECT_EQ(third.status, 200) << third.text;
  auto deleted = co_await t.user.call("DELETE", "/sandbox/owner");
  EXPECT_EQ(deleted.status, 200);
  for (const auto& gone : {owner.at("id"), follower.at("id"), second.at("id"), third.at("id")}) {
    auto answer = co_await wait_state(t, gone, "destroyed");
    EXPECT_EQ(answer.status, 404) << answer.text;
  }
}
TEST_F(ApiSandbox, LinkedSandboxesGoWithTheirOwner) { play(links); }

Task<void> ApiSandbox::settings(ApiSandbox& t) {
  co_await t.user.call("POST", "/sandbox", R"({"name":"box"})");
  auto labels = co_await t.user.call("PUT", "/sandbox/box/labels",
                                     R"({"labels":{"k":"v","code-toolbox-language":"python"}})");
  EXPECT_EQ(labels.at("labels"), R"({"code-toolbox-language":"python","k":"v"})") << labels.text;
  auto is_public = co_await t.user.call("POST", "/sandbox/box/public/true");
  EXPECT_EQ(is_public.at("public"), "true");
  auto stop = co_await t.user.call("POST", "/sandbox/box/autostop/30");
  EXPECT_EQ(stop.at("autoStopInterval"), "30");
  auto archive = co_await t.user.call("POST", "/sandbox/box/autoarchive/0");
  EXPECT_EQ(archive.at("autoArchiveInterval"), "43200");
  auto remove = co_await t.user.call("POST", "/sandbox/box/autodelete/60");
  EXPECT_EQ(remove.at("autoDeleteInterval"), "60");
  auto pause = co_await t.user.call("POST", "/sandbox/box/autopause/0");
  EXPECT_EQ(pause.status, 200);
  auto ttl = co_await t.user.call("POST", "/sandbox/box/ttl/10");
  EXPECT_NE(ttl.at("autoDestroyAt"), "<absent>") << ttl.text;
  auto forever = co_await t.user.call("POST", "/sandbox/box/ttl/0");
  EXPECT_EQ(forever.at("autoDestroyAt"), "<absent>");
  auto network =
      co_await t.user.call("POST", "/sandbox/box/network-settings", R"({"networkAllowList":"10.0.0.0/8"})");
  EXPECT_EQ(network.at("networkAllowList"), "10.0.0.0/8") << network.text;
  auto nothing = co_await t.user.call("POST", "/sandbox/box/network-settings", "{}");
  EXPECT_EQ(nothing.status, 400);
  auto read = co_await t.user.call("GET", "/sandbox/box");
  EXPECT_EQ(read.at("autoStopInterval"), "30");
  EXPECT_EQ(read.at("public"), "true");
  std::string id = read.at("id");
  auto activity = co_await t.user.call("POST", "/sandbox/" + id + "/last-activity");
  EXPECT_EQ(activity.status, 201);
  EXPECT_EQ(activity.text, "");
  auto unknown = co_await t.proxy.call("POST", "/sandbox/unknown/last-activity");
  EXPECT_EQ(unknown.status, 201);
}
TEST_F(ApiSandbox, Settings) { play(settings); }

Task<void> ApiSandbox::previews(ApiSandbox& t) {
  auto created = co_await t.user.call("POST", "/sandbox", R"({"name":"box"})");
  std::string id = created.at("id");
  auto url = co_await t.user.call("GET", "/sandbox/box/ports/3000/preview-url");
  EXPECT_EQ(url.at("url"), "http://3000-" + id + ".localhost:4000") << url.text;
  auto good = co_await t.proxy.call("GET", "/preview/" + id + "/validate/" + url.at("token"));
  EXPECT_EQ(good.text, "true");
  auto bad = co_await t.proxy.call("GET", "/preview/" + id + "/validate/x");
  EXPECT_EQ(bad.message(), "Sandbox with ID " + id + " not found");
  auto access = co_await t.user.call("GET", "/preview/" + id + "/access");
  EXPECT_EQ(access.text, "true");
  auto closed = co_await t.proxy.call("GET", "/preview/" + id + "/public");
  EXPECT_EQ(closed.status, 404);
  auto signed_url =
      co_await t.user.call("GET", "/sandbox/box/ports/3000/signed-preview-url?expiresInSeconds=60");
  std::string token = signed_url.at("token");
  EXPECT_EQ(token.size(), 16u) << signed_url.text;
  auto whose = co_await t.proxy.call("GET", "/preview/" + token + "/3000/sandbox-id");
  EXPECT_EQ(whose.text, id);
  auto other_port = co_await t.proxy.call("GET", "/preview/" + token + "/3001/sandbox-id");
  EXPECT_EQ(other_port.status, 403);
  auto expired =
      co_await t.user.call("POST", "/sandbox/box/ports/3000/signed-preview-url/" + token + "/expire");
  EXPECT_EQ(expired.status, 200) << expired.text;
  auto nobody = co_await t.proxy.call("GET", "/preview/" + token + "/3000/sandbox-id");
  EXPECT_EQ(nobody.message(), "Invalid or expired token");
  auto runner = co_await t.proxy.call("GET", "/runners/by-sandbox/" + id);
  EXPECT_EQ(runner.at("proxyUrl"), "http://127.0.0.1:3003") << runner.text;
  EXPECT_EQ(runner.at("apiKey"), kRunnerKey);
  auto toolbox = co_await t.user.call("GET", "/sandbox/" + id + "/toolbox-proxy-url");
  EXPECT_EQ(toolbox.at("url"), created.at("toolboxProxyUrl"));
  auto owner = co_await t.proxy.call("GET", "/sandbox/" + id + "/organization");
  EXPECT_EQ(owner.at("id"), created.at("organizationId")) << owner.text;
  auto runners = co_await t.user.call("GET", "/admin/runners");
  EXPECT_EQ(runners.json.as_array().size(), 1u) << runners.text;
  std::string runner_id(runners.json.as_array()[0].at("id").as_string());
  auto closed_runner = co_await t.user.call("PATCH", "/admin/runners/" + runner_id + "/scheduling",
                                            R"({"unschedulable":true})");
  EXPECT_EQ(closed_runner.status, 200) << closed_runner.text;
  auto nowhere = co_await t.user.call("POST", "/sandbox", "{}");
  EXPECT_EQ(nowhere.message(), "No available runners");
}
TEST_F(ApiSandbox, Previews) { play(previews); }

Task<void> create_one(Caller& user, int& good) {
  auto answer = co_await user.call("POST", "/sandbox", "{}");
  EXPECT_EQ(answer.at("state"), "started") << answer.text;
  if (answer.at("state") == "started") ++good;
}

Task<void> ApiSandbox::many(ApiSandbox& t) {
  int good = 0;
  TaskScope scope("creates");
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) scope.spawn(create_one(t.user, good));
  co_await scope.join();
  auto took = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin);
  RecordProperty("hundred_creates_ms", static_cast<int>(took.count()));
  printf("100 creates at once: %.1f ms\n", took.count());
  EXPECT_EQ(good, 100);
  auto rows = co_await t.user.call("GET", "/sandbox?limit=30");
  EXPECT_EQ(rows.json.at("items").as_array().size(), 30u);
  t.runner.work = Millis(0);
  std::vector<double> single;
  for (int i = 0; i < 50; ++i) {
    begin = std::chrono::steady_clock::now();
    co_await create_one(t.user, good);
    single.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(single.begin(), single.end());
  printf("one create, runner does nothing: median %.2f ms, best %.2f ms\n", single[25], single[0]);
}
TEST_F(ApiSandbox, ManyAtOnce) { play(many); }

Task<void> read_many(Caller& user, std::string target, int count) {
  for (int i = 0; i < count; ++i) {
    auto answer = co_await user.call("GET", target);
    EXPECT_EQ(answer.status, 200);
  }
}
Task<void> ApiSandbox::reads(ApiSandbox& t) {
  auto created = co_await t.user.call("POST", "/sandbox", R"({"name":"box"})");
  TaskScope scope("reads");
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 32; ++i) scope.spawn(read_many(t.user, "/sandbox/" + created.at("id"), 100));
  co_await scope.join();
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  printf("GET /sandbox/{id}: %.0f per second (client on the same machine)\n", 3200 / seconds);
}
TEST_F(ApiSandbox, Reads) { play(reads); }

Task<void> create_named(Caller& user, std::string name, std::map<std::string, std::string>& acknowledged) {
  auto answer = co_await user.call("POST", "/sandbox", R"({"name":")" + name + R"("})");
  if (answer.status == 200) acknowledged[name] = answer.at("id");
}

Task<void> ApiSandbox::crashes(ApiSandbox& t) {
  std::map<std::string, std::string> acknowledged;
  t.runner.work = Millis(5);
  for (int round = 0; round < 8; ++round) {
    TaskScope scope("creates");
    for (int i = 0; i < 12; ++i)
      scope.spawn(create_named(t.user, "r" + std::to_string(round) + "-" + std::to_string(i), acknowledged));
    if (round % 2 == 0) {
      co_await Loop::current().sleep_for(Millis(3 + round * 7));  // mostly in the middle of everything
    } else {
      size_t enough =
          acknowledged.size() + static_cast<size_t>(round);  // some clients have their answer, others wait
      for (int i = 0; i < 5000 && acknowledged.size() < enough; ++i) co_await Loop::current().sleep_for(1ms);
    }
    t.api.kill9();
    co_await scope.join();
    t.api.start();
  }
  // Every acknowledged one is there, and nothing stays half-made.
  for (int i = 0; i < 500; ++i) {
    auto busy = co_await t.user.call("GET", "/sandbox?states=creating&states=unknown");
    if (busy.status == 200 && busy.json.at("items").as_array().empty()) break;
    co_await Loop::current().sleep_for(20ms);
  }
  auto all = co_await t.user.call("GET", "/sandbox?limit=200");
  EXPECT_EQ(all.status, 200) << all.text;
  std::map<std::string, std::string> stored;
  for (const auto& item : all.json.at("items").as_array()) {
    EXPECT_EQ(item.at("state").as_string(), "started") << json::serialize(item);
    stored[item.at("name").as_string().c_str()] = item.at("id").as_string().c_str();
  }
  EXPECT_GE(acknowledged.size(), 16u);
  for (const auto& [name, id] : acknowledged) EXPECT_EQ(stored[name], id) << name;
  for (const auto& [name, id] : stored) EXPECT_TRUE(t.runner.sandboxes.contains(id)) << name;
  EXPECT_EQ(t.runner.sandboxes.size(), stored.size());
  printf("%zu acknowledged, %zu stored\n", acknowledged.size(), stored.size());
}
TEST_F(ApiSandbox, KilledApiLosesNothing) { play(crashes); }

}  // namespace
}  // namespace dt::test
