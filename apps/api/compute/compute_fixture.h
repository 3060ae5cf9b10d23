// The sandbox half of the API against a real database and a runner that follows a script, without HTTP. The
// clock is ours.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "apps/api/compute/compute.h"
#include "apps/api/migrations/migrations.h"
#include "apps/api/organizations/store.h"
#include "apps/api/regions/store.h"
#include "apps/api/snapshots/store.h"
#include "libs/base/log.h"
#include "libs/base/random.h"

namespace dt::api {

inline const OrganizationId kOrganization("11111111-1111-4111-8111-111111111111");

inline Status seed(store::Txn& txn, Wall now) {
  OrganizationRecord organization{.id = kOrganization,
                                  .name = "Test",
                                  .created_by = UserId("u"),
                                  .personal = true,
                                  .default_region = "us",
                                  .limits = {},
                                  .created_at = now,
                                  .updated_at = now};
  TRY_VOID(insert_organization(txn, organization));
  TRY_VOID(insert_region(txn, {.id = "us",
                               .name = "us",
                               .organization = {},
                               .type = "shared",
                               .created_at = now,
                               .updated_at = now}));
  SnapshotRecord snapshot;
  snapshot.id = SnapshotId(uuid_v4());
  snapshot.organization = kOrganization;
  snapshot.name = snapshot.image_name = snapshot.ref = "image:1";
  snapshot.general = true;
  snapshot.created_at = snapshot.updated_at = now;
  snapshot.regions = {"us"};
  return insert_snapshot(txn, snapshot);
}

class ComputeTest : public ::testing::Test {
 protected:
  ComputeTest() {
    log::configure("test", log::Level::warn, false);
    char name[] = "/tmp/dt-compute-test-XXXXXX";
    directory_ = mkdtemp(name);
    settings_.default_snapshot = "image:1";
    settings_.start_wait = Millis(300);
    open();
    Wall now = clock_.wall();
    auto seeded = run(db_->write([=](store::Txn& txn) { return seed(txn, now); }));
    EXPECT_TRUE(seeded) << seeded.error().message;
    start();
  }
  ~ComputeTest() override {
    stop();
    std::filesystem::remove_all(directory_);
  }

  template <class T>
  T run(Task<T> task) {
    return loop_.run_until(std::move(task));
  }
  void open() {
    auto db = store::Database::open({.path = directory_ + "/db", .migrations = migrations()});
    ASSERT_TRUE(db) << db.error().message;
    db_ = std::move(*db);
  }
  void start() {
    compute_ = std::make_unique<Compute>(*db_, clock_, hub_, settings_);
    Status started = run(compute_->start({"default", "us", "container", Secret("runner-key")}));
    ASSERT_TRUE(started) << started.error().message;
    auto id = compute_->runner_by_key("runner-key");
    ASSERT_TRUE(id && *id);
    runner_ = **id;
    healthy();
  }
  void stop() {
    if (compute_) run(compute_->stop());
    compute_.reset();
    db_.reset();
  }
  // As if the process had been killed and started again.
  void restart() {
    stop();
    open();
    start();
  }
  void healthy() {
    auto table = compute_->table();
    (void)table;
    Wall now = clock_.wall();
    auto done = run(db_->write([this, now](store::Txn& txn) -> Status {
      TRY(auto runner, find_runner(txn, runner_));
      runner->state = "ready";
      runner->last_checked = now;
      runner->cpu = 4;
      runner->memory = 8;
      runner->disk = 100;
      return save_runner(txn, *runner);
    }));
    ASSERT_TRUE(done);
  }

  std::vector<JobRecord> poll(Millis wait = Millis(0)) {
    auto jobs = run(compute_->jobs().poll(CallContext{}, runner_, wait, 100));
    EXPECT_TRUE(jobs) << jobs.error().message;
    return jobs ? *jobs : std::vector<JobRecord>{};
  }
  Result<JobRecord> finish(const JobRecord& job, std::string status = "COMPLETED",
                           std::optional<std::string> error = {}) {
    contract::UpdateJobStatus body{
        status, error,
        status == "COMPLETED" ? std::optional<std::string>(R"({"daemonVersion":"v1"})") : std::nullopt};
    return run(compute_->jobs().update(runner_, job.id, body));
  }
  // A runner that answers every job.
  static Task<void> serve(ComputeTest& t, std::string status, std::string error, int count) {
    for (int i = 0; i < count;) {
      auto jobs = co_await t.compute_->jobs().poll(CallContext{}, t.runner_, Millis(2000), 10);
      if (!jobs) co_return;
      if (jobs->empty()) co_return;
      for (const JobRecord& job : *jobs) {
        contract::UpdateJobStatus body{status, error.empty() ? std::nullopt : std::optional(error), {}};
        auto done = co_await t.compute_->jobs().update(t.runner_, job.id, body);
        EXPECT_TRUE(done) << done.error().message;
        ++i;
      }
    }
  }
  Task<Result<SandboxRecord>> create_with_runner(contract::CreateSandbox body,
                                                 std::string status = "COMPLETED", std::string error = "") {
    TaskScope scope("runner");
    scope.spawn(serve(*this, status, error, 1));
    auto record = co_await compute_->sandboxes().create(kOrganization, std::move(body));
    co_await scope.join();
    co_return record;
  }
  SandboxRecord started(std::string name = "", std::optional<int64_t> auto_delete = {}) {
    contract::CreateSandbox body;
    body.name = name;
    body.autoDeleteInterval = auto_delete;
    auto record = run(create_with_runner(body));
    EXPECT_TRUE(record) << record.error().message;
    EXPECT_EQ(record->state, SandboxState::started);
    return *record;
  }
  std::optional<SandboxRecord> stored(const SandboxId& id) {
    auto record = db_->read([&](store::Reader& r) { return find_sandbox(r, id); });
    EXPECT_TRUE(record);
    return record ? *record : std::nullopt;
  }
  Result<SandboxRecord> stop_sandbox(const SandboxId& id, bool force = false) {
    return run(compute_->sandboxes().stop(kOrganization, id.str(), force));
  }
  Result<SandboxRecord> remove(const SandboxId& id) {
    return run(compute_->sandboxes().remove(kOrganization, id.str()));
  }
  Status tick() { return run(compute_->intervals().tick()); }

  Loop loop_;
  FakeClock clock_;
  EventHub hub_;
  SandboxSettings settings_;
  std::string directory_;
  std::unique_ptr<store::Database> db_;
  std::unique_ptr<Compute> compute_;
  RunnerId runner_;
};

}  // namespace dt::api
