#include "apps/api/auth/authenticator.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "apps/api/migrations/migrations.h"
#include "libs/base/random.h"

namespace dt::api {
namespace {

struct AuthenticatorTest : testing::Test {
  std::string path = testing::TempDir() + "auth-" + random_token(8) + ".db";
  ApiConfig config;
  FakeClock clock;
  Loop loop;
  std::unique_ptr<store::Database> db;
  std::unique_ptr<Authenticator> auth;

  AuthenticatorTest() {
    config.proxy_api_key = Secret("proxy");
    auto opened = store::Database::open({.path = path, .migrations = migrations()});
    db = std::move(*opened);
    auth = std::make_unique<Authenticator>(*db, clock, config);
    sql("INSERT INTO organizations VALUES ('o', 'n', 'u', 1, NULL, 1, 1, 1, 1, 1, 0, 0)");
    sql("INSERT INTO users VALUES ('u', 'n', '', 1, 'user', 0)");
    sql("INSERT INTO organization_users VALUES ('o', 'u', 'owner', 0)");
    sql("INSERT INTO api_keys VALUES ('o', 'u', 'k', '" + hex_of(digest_of("key")) +
        "', '', '', 3, 0, NULL, NULL)");
  }
  ~AuthenticatorTest() override {
    loop.run_until(auth->stop());
    db.reset();
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  }
  void sql(std::string text) {
    auto run = [](store::Database& d, std::string t) -> Task<bool> {
      auto done = co_await d.write([t](store::Txn& txn) { return txn.exec(t); });
      EXPECT_TRUE(done) << (done ? "" : done.error().message);
      co_return true;
    };
    loop.run_until(run(*db, std::move(text)));
  }
  // On the loop, as requests do.
  std::shared_ptr<const Principal> who(std::string bearer) {
    auto ask = [](Authenticator& a, std::string b) -> Task<std::shared_ptr<const Principal>> {
      auto found = a.authenticate(b);
      co_return found ? *found : nullptr;
    };
    return loop.run_until(ask(*auth, std::move(bearer)));
  }
};

TEST_F(AuthenticatorTest, FindsWhoseKeyItIs) {
  auto user = who("key");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->role, Role::user);
  EXPECT_EQ(user->organization.str(), "o");
  EXPECT_EQ(user->key_name, "k");
  EXPECT_EQ(user->permissions.bits(), 3u);
  EXPECT_EQ(who("proxy")->role, Role::proxy);
  EXPECT_FALSE(who("other"));
  EXPECT_FALSE(who(""));
}

TEST_F(AuthenticatorTest, TrustsAKeyForTenSecondsUnlessToldToForgetIt) {
  ASSERT_TRUE(who("key"));
  sql("DELETE FROM api_keys");
  EXPECT_TRUE(who("key"));
  clock.advance(Millis(10'001));
  EXPECT_FALSE(who("key"));

  sql("INSERT INTO api_keys VALUES ('o', 'u', 'k', '" + hex_of(digest_of("key")) +
      "', '', '', 3, 0, NULL, NULL)");
  auto kept = who("key");
  sql("DELETE FROM api_keys");
  auth->forget(hex_of(digest_of("key")));
  EXPECT_FALSE(who("key"));
  EXPECT_EQ(kept->key_name, "k");  // a request that is under way keeps its principal
}

TEST_F(AuthenticatorTest, AKeyExpiresInTheCacheToo) {
  sql("UPDATE api_keys SET expires_at = " + std::to_string(to_millis(clock.wall()) + 5'000));
  EXPECT_TRUE(who("key"));
  clock.advance(Millis(6'000));
  EXPECT_FALSE(who("key"));
}

TEST_F(AuthenticatorTest, AKeyOfAFormerMemberIsNobodys) {
  sql("DELETE FROM organization_users");
  EXPECT_FALSE(who("key"));
}

TEST_F(AuthenticatorTest, RunnersAreAskedLast) {
  std::vector<std::string> asked;
  auth->set_find_runner([&](std::string_view key) -> Result<std::optional<RunnerId>> {
    asked.emplace_back(key);
    return key == "runner" ? std::optional(RunnerId("r1")) : std::nullopt;
  });
  EXPECT_EQ(who("runner")->runner.str(), "r1");
  EXPECT_TRUE(who("key"));
  EXPECT_FALSE(who("nobody"));
  EXPECT_EQ(asked, (std::vector<std::string>{"runner", "nobody"}));
}

TEST_F(AuthenticatorTest, TheLastUseIsNoted) {
  ASSERT_TRUE(who("key"));
  loop.run_until(auth->stop());
  auto noted = db->read([](store::Reader& r) {
    return r.one("SELECT last_used_at FROM api_keys", [](const store::Row& row) { return row.opt_time(0); });
  });
  EXPECT_EQ(noted.value().value(), clock.wall());
}

TEST(Authenticator, ReadsTheHeader) {
  EXPECT_EQ(Authenticator::bearer_of("Bearer  abc "), "abc");
  EXPECT_EQ(Authenticator::bearer_of("bearer abc"), "abc");
  EXPECT_EQ(Authenticator::bearer_of("Basic abc"), "");
  EXPECT_EQ(Authenticator::bearer_of(""), "");
}

}  // namespace
}  // namespace dt::api
