#include <gtest/gtest.h>

#include <filesystem>

#include "apps/api/health/routes.h"
#include "libs/base/random.h"
#include "libs/net/loop.h"

namespace dt::api {
namespace {

Task<Status> break_records(store::Database& db) {
  auto done = co_await db.write([](store::Txn& t) { return t.exec("DROP TABLE schema_version"); });
  co_return done ? Status{} : std::unexpected(done.error());
}

TEST(Health, ReadyFailsWithTheRecordsWhileAliveDoesNot) {
  std::string dir = testing::TempDir() + "health-" + random_token(8);
  std::filesystem::create_directory(dir);
  {
    auto db = store::Database::open({.path = dir + "/x.db", .migrations = {}});
    ASSERT_TRUE(db);
    HealthRoutes health(**db);
    auto table = health.table();
    Request request;
    Principal who;
    boost::json::value none;
    Call call{.ctx = request.ctx, .who = who, .request = request, .json = none, .body = {}};
    EXPECT_TRUE(table[0].now(call));
    EXPECT_TRUE(table[1].now(call));
    Loop loop;
    ASSERT_TRUE(loop.run_until(break_records(**db)));
    EXPECT_TRUE(table[0].now(call));
    auto ready = table[1].now(call);
    ASSERT_FALSE(ready);
    EXPECT_EQ(ready.error().code, Code::unavailable);
    EXPECT_EQ(ready.error().message, "Service Unavailable");
  }
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace dt::api
