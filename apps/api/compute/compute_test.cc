#include "apps/api/compute/compute_fixture.h"

namespace dt::api {
namespace {

using namespace std::chrono_literals;
using S = SandboxState;

TEST_F(ComputeTest, CreateAnswersStartedAndTellsTheSocket) {
  std::vector<std::string> events;
  auto listening = hub_.subscribe(kOrganization, [&](const HubEvent& e) { events.push_back(e.name); });
  contract::CreateSandbox body;
  body.name = "box";
  body.env = codec::bj::object{{"A", 1}};
  auto record = run(create_with_runner(body));
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->state, S::started);
  EXPECT_FALSE(record->pending);
  EXPECT_EQ(record->env.at("A"), "1");
  EXPECT_EQ(record->auth_token.size(), 32u);
  EXPECT_EQ(events, (std::vector<std::string>{"sandbox.created", "sandbox.state.updated"}));
}

TEST_F(ComputeTest, TwoCommitsPerCreate) {
  poll();  // the runner is connected
  auto before = db_->stats();
  started();
  auto after = db_->stats();
  EXPECT_EQ(after.transactions - before.transactions, 2u);
}

TEST_F(ComputeTest, NameIsTakenOnce) {
  started("box");
  contract::CreateSandbox body;
  body.name = "box";
  auto again = run(compute_->sandboxes().create(kOrganization, body));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::conflict);
  EXPECT_EQ(again.error().message, "Sandbox with name box already exists");
  EXPECT_TRUE(poll().empty()) << "nothing of the refused one may be left";
}

TEST_F(ComputeTest, FailedCreateIsAnError) {
  contract::CreateSandbox body;
  body.name = "bad";
  auto record = run(create_with_runner(body, "FAILED", R"({"errorReason":"no space","recoverable":true})"));
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().code, Code::bad_request);
  EXPECT_EQ(record.error().message, "Sandbox failed to start: no space");
  auto kept = compute_->sandboxes().find(kOrganization, "bad");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->state, S::error);
  EXPECT_TRUE(kept->recoverable);
  // Deleting it destroys what may be left on the runner, and its name is free at once.
  auto gone = remove(kept->id);
  ASSERT_TRUE(gone) << gone.error().message;
  EXPECT_EQ(gone->state, S::destroying);
  EXPECT_EQ(poll().at(0).type, "DESTROY_SANDBOX");
  started("bad");
}

TEST_F(ComputeTest, SlowRunnerMeansAnAnswerThatIsStillCreating) {
  auto record = run(compute_->sandboxes().create(kOrganization, {}));
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->state, S::creating);
}

TEST_F(ComputeTest, Refusals) {
  auto refused = [&](auto set) {
    contract::CreateSandbox body;
    set(body);
    auto record = run(compute_->sandboxes().create(kOrganization, body));
    return record ? "" : record.error().message;
  };
  EXPECT_EQ(refused([](auto& b) { b.cpu = 2; }), "Cannot specify Sandbox resources when using a snapshot");
  EXPECT_EQ(refused([](auto& b) { b.snapshot = "nix"; }),
            "Snapshot nix not found. Did you add it through the Daytona Dashboard?");
  EXPECT_EQ(refused([](auto& b) { b.target = "moon"; }), "Region not found");
  EXPECT_EQ(refused([](auto& b) { b.autoStopInterval = -1; }), "Auto-stop interval must be non-negative");
  EXPECT_EQ(refused([](auto& b) { b.networkAllowList = "x"; }).substr(0, 18), "Invalid IP address");
  EXPECT_EQ(refused([](auto& b) {
              b.buildInfo = codec::bj::object{{"dockerfileContent", "FROM x"}};
              b.snapshot = "s";
            }),
            "Cannot specify a snapshot when using a build info entry");
  EXPECT_EQ(refused([](auto& b) { b.volumes = std::vector<contract::CreateSandboxVolume>{{"v", "/v", {}}}; }),
            "Volume 'v' not found");
  clock_.advance(61s);
  EXPECT_EQ(refused([](auto&) {}), "No available runners") << "a silent runner gets nothing";
}

TEST_F(ComputeTest, StopStartDelete) {
  SandboxRecord box = started("box");
  auto stopping = stop_sandbox(box.id, true);
  ASSERT_TRUE(stopping);
  EXPECT_EQ(stopping->state, S::stopping);
  EXPECT_EQ(remove(box.id).error().code, Code::conflict);
  auto jobs = poll();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].payload, R"({"force":true})");
  ASSERT_TRUE(finish(jobs[0]));
  EXPECT_EQ(stored(box.id)->state, S::stopped);
  ASSERT_TRUE(finish(jobs[0])) << "the same end twice is fine";
  EXPECT_EQ(finish(jobs[0], "FAILED").error().code, Code::conflict);

  auto restart = [&]() -> Task<Result<SandboxRecord>> {
    TaskScope scope("runner");
    scope.spawn(serve(*this, "COMPLETED", "", 1));
    auto record = co_await compute_->sandboxes().start(kOrganization, "box");
    co_await scope.join();
    co_return record;
  };
  auto again = run(restart());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->state, S::started);
  EXPECT_NE(again->auth_token, box.auth_token);

  auto gone = remove(box.id);
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->state, S::destroying);
  EXPECT_EQ(gone->name.substr(0, 14), "DESTROYED_box_");
  EXPECT_EQ(remove(box.id).error().code, Code::conflict);
  ASSERT_TRUE(finish(poll().at(0)));
  EXPECT_EQ(stored(box.id)->state, S::destroyed);
  EXPECT_FALSE(stored(box.id)->runner);
  EXPECT_EQ(remove(box.id).error().code, Code::not_found);
  EXPECT_EQ(stop_sandbox(box.id).error().message, "Sandbox with ID or name " + box.id.str() + " not found");
}

TEST_F(ComputeTest, AutoStopCountsFromTheLastActivity) {
  SandboxRecord box = started();
  clock_.advance(14min);
  healthy();
  compute_->sandboxes().note_activity(box.id);
  clock_.advance(2min);
  healthy();
  ASSERT_TRUE(tick());
  EXPECT_EQ(stored(box.id)->state, S::started);
  clock_.advance(14min);
  healthy();
  ASSERT_TRUE(tick());
  EXPECT_EQ(stored(box.id)->state, S::stopping);
  ASSERT_TRUE(finish(poll().at(0)));
  EXPECT_EQ(stored(box.id)->state, S::stopped);
}

TEST_F(ComputeTest, AutoStopWaitsForTheRunner) {
  SandboxRecord box = started();
  clock_.advance(20min);
  ASSERT_TRUE(tick());
  EXPECT_EQ(stored(box.id)->state, S::started);
  clock_.advance(10s);
  healthy();
  ASSERT_TRUE(tick());
  EXPECT_EQ(stored(box.id)->state, S::stopping);
}

TEST_F(ComputeTest, EphemeralIsDeletedWhenStopped) {
  SandboxRecord box = started("", 0);
  auto stopping = stop_sandbox(box.id);
  ASSERT_TRUE(stopping);
  EXPECT_EQ(stopping->state, S::destroying);
  EXPECT_EQ(poll().at(0).type, "DESTROY_SANDBOX");
  SandboxRecord dies = started("", 0);
  ASSERT_TRUE(run(compute_->sandboxes().report(runner_, dies.id, {"stopped", {}, {}})));
  EXPECT_EQ(stored(dies.id)->state, S::destroying);
}

TEST_F(ComputeTest, AutoDeleteAndCleanUp) {
  SandboxRecord box = started("", 5);
  ASSERT_TRUE(stop_sandbox(box.id));
  ASSERT_TRUE(finish(poll().at(0)));
  clock_.advance(4min);
  healthy();
  ASSERT_TRUE(tick());
  EXPECT_EQ(stored(box.id)->state, S::stopped);
  clock_.advance(2min);
  healthy();
  ASSERT_TRUE(tick());
  EXPECT_EQ(stored(box.id)->state, S::destroying);
  ASSERT_TRUE(finish(poll().at(0)));
  clock_.advance(23h);
  ASSERT_TRUE(tick());
  EXPECT_TRUE(stored(box.id));
  clock_.advance(2h);
  ASSERT_TRUE(tick());
  EXPECT_FALSE(stored(box.id));
}

TEST_F(ComputeTest, TtlDestroysInAnyState) {
  SandboxRecord box = started();
  auto set =
      run(compute_->sandboxes().edit(kOrganization, box.id.str(), [](SandboxRecord& r, Wall now) -> Status {
        r.auto_stop = 0;
        r.auto_destroy_at = now + 60min;
        return {};
      }));
  ASSERT_TRUE(set);
  clock_.advance(59min);
  ASSERT_TRUE(tick());
  EXPECT_EQ(stored(box.id)->state, S::started);
  clock_.advance(1min);
  ASSERT_TRUE(tick());
  EXPECT_EQ(stored(box.id)->state, S::destroying);
}

TEST_F(ComputeTest, FailedDestroyHidesAndIsTriedAgain) {
  SandboxRecord box = started();
  ASSERT_TRUE(remove(box.id));
  ASSERT_TRUE(finish(poll().at(0), "FAILED", "busy"));
  EXPECT_FALSE(compute_->sandboxes().find(kOrganization, box.id.str()));
  clock_.advance(11min);
  ASSERT_TRUE(tick());
  auto jobs = poll();
  ASSERT_EQ(jobs.size(), 1u);
  ASSERT_TRUE(finish(jobs[0]));
  EXPECT_EQ(stored(box.id)->state, S::destroyed);
}

TEST_F(ComputeTest, RunnerReportsADeath) {
  SandboxRecord box = started();
  EXPECT_EQ(run(compute_->sandboxes().report(RunnerId("other"), box.id, {"stopped", {}, {}})).error().code,
            Code::not_found);
  ASSERT_TRUE(run(compute_->sandboxes().report(runner_, box.id, {"error", "init was killed", true})));
  EXPECT_EQ(stored(box.id)->state, S::error);
  EXPECT_EQ(stored(box.id)->error_reason, "init was killed");
  EXPECT_TRUE(stored(box.id)->recoverable);
}

TEST_F(ComputeTest, NetworkJobHoldsTheNextOneBack) {
  SandboxRecord box = started();
  auto settings = json::parse(R"({"networkBlockAll":true})");
  auto changed = run(compute_->sandboxes().update_network(kOrganization, box.id.str(), *settings));
  ASSERT_TRUE(changed) << changed.error().message;
  auto twice = run(compute_->sandboxes().update_network(kOrganization, box.id.str(), *settings));
  EXPECT_EQ(twice.error().message, "An operation is already in progress for this resource");
  auto stopping = stop_sandbox(box.id);
  ASSERT_TRUE(stopping) << stopping.error().message;
  EXPECT_TRUE(stopping->pending);
  auto jobs = poll();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].type, "UPDATE_SANDBOX_NETWORK_SETTINGS");
  ASSERT_TRUE(finish(jobs[0]));
  jobs = poll();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].type, "STOP_SANDBOX");
}

TEST_F(ComputeTest, RestartOfTheApiForgetsNothing) {
  SandboxRecord stopping = started();
  ASSERT_TRUE(stop_sandbox(stopping.id));
  auto creating = run(compute_->sandboxes().create(kOrganization, {}));  // nobody takes the jobs
  ASSERT_TRUE(creating);
  restart();
  auto jobs = poll();
  ASSERT_EQ(jobs.size(), 2u);
  for (const JobRecord& job : jobs) ASSERT_TRUE(finish(job));
  EXPECT_EQ(stored(creating->id)->state, S::started);
  EXPECT_EQ(stored(stopping.id)->state, S::stopped);
}

TEST_F(ComputeTest, JobsTakenBeforeARestartAreHandedOutAgain) {
  auto creating = run(compute_->sandboxes().create(kOrganization, {}));
  auto first = poll();
  ASSERT_EQ(first.size(), 1u);
  restart();
  auto again = poll();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].id, first[0].id);
  ASSERT_TRUE(finish(first[0]));
  EXPECT_EQ(stored(creating->id)->state, S::started);
}

TEST_F(ComputeTest, PendingWithoutAJobGetsOneAtTheStart) {
  auto creating = run(compute_->sandboxes().create(kOrganization, {}));
  auto dropped = run(db_->write([](store::Txn& txn) { return txn.exec("DELETE FROM jobs"); }));
  ASSERT_TRUE(dropped);
  restart();
  auto jobs = poll();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].type, "CREATE_SANDBOX");
  ASSERT_TRUE(finish(jobs[0]));
  EXPECT_EQ(stored(creating->id)->state, S::started);
}

TEST_F(ComputeTest, LostJobTimesOut) {
  auto creating = run(compute_->sandboxes().create(kOrganization, {}));
  auto jobs = poll();
  clock_.advance(31min);
  ASSERT_TRUE(run(compute_->jobs().tick()));
  EXPECT_EQ(stored(creating->id)->state, S::error);
  EXPECT_EQ(stored(creating->id)->error_reason, "Job timed out - no update received for 30 minutes");
  EXPECT_EQ(finish(jobs[0]).error().message,
            "Invalid job status transition from FAILED to COMPLETED for job " + jobs[0].id.str());
}

TEST_F(ComputeTest, CapacityAndQuota) {
  settings_.overcommit = {.cpu = 0.5, .memory = 10, .disk = 10};  // 4 cores: two sandboxes of one core
  restart();
  started();
  started();
  auto third = run(compute_->sandboxes().create(kOrganization, {}));
  EXPECT_EQ(third.error().message, "No available runners");
  settings_.overcommit = {};
  settings_.total_quota = Usage{.cpu = 2, .memory = 100, .disk = 100, .gpu = 0};
  restart();
  third = run(compute_->sandboxes().create(kOrganization, {}));
  EXPECT_EQ(third.error().message.substr(0, 46), "Total CPU limit exceeded. Maximum allowed: 2.\n");
}

TEST_F(ComputeTest, ListPagesThroughEverything) {
  for (int i = 0; i < 7; ++i) {
    SandboxRecord box = started("box" + std::to_string(i));
    clock_.advance(1s);
    auto edited =
        run(compute_->sandboxes().edit(kOrganization, box.id.str(), [i](SandboxRecord& r, Wall) -> Status {
          r.labels = {{"n", std::to_string(i % 2)}, {"quote\"'", "x"}};
          return {};
        }));
    ASSERT_TRUE(edited);
  }
  auto list = [&](std::string text) {
    auto query = parse_cursor_query(*Query::parse(text), kOrganization);
    EXPECT_TRUE(query) << query.error().message;
    auto rows = compute_->sandboxes().list(*query);
    EXPECT_TRUE(rows) << rows.error().message;
    return *rows;
  };
  for (std::string sort : {"name", "cpu", "lastActivityAt", "createdAt"})
    for (std::string order : {"asc", "desc"}) {
      std::vector<std::string> names;
      std::optional<std::string> cursor = "";
      while (cursor) {
        auto rows = list("limit=3&sort=" + sort + "&order=" + order + "&cursor=" + *cursor);
        for (const auto& r : rows.items) names.push_back(r.name);
        cursor = rows.next_cursor;
      }
      EXPECT_EQ(names.size(), 7u) << sort << order;
      if (sort != "cpu") EXPECT_EQ(names.front(), order == "asc" ? "box0" : "box6") << sort << order;
    }
  EXPECT_EQ(list("labels=%7B%22n%22%3A%221%22%7D").items.size(), 3u);
  EXPECT_EQ(list("labels=%7B%22n%22%3A%221%22%2C%22quote%5C%22'%22%3A%22x%22%7D").items.size(), 3u);
  EXPECT_EQ(list("name=BOX1").items.size(), 1u);
  EXPECT_EQ(list("name=b%25").items.size(), 0u);
  EXPECT_EQ(list("states=started&states=stopped").items.size(), 7u);
  EXPECT_EQ(list("states=stopped").items.size(), 0u);
  EXPECT_EQ(list("minCpu=2").items.size(), 0u);
  EXPECT_EQ(list("isPublic=true").items.size(), 0u);
  auto page = parse_page_query(*Query::parse("limit=3&page=3"), kOrganization);
  auto rows = compute_->sandboxes().list(*page);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->total, 7);
  EXPECT_EQ(rows->items.size(), 1u);
}

}  // namespace
}  // namespace dt::api
