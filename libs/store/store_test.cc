#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <thread>

#include "libs/base/fd.h"
#include "libs/base/random.h"
#include "libs/base/text.h"
#include "libs/net/loop.h"
#include "libs/store/db.h"

namespace dt::store {
namespace {

constexpr Migration kFirst{
    1, "first", "CREATE TABLE items (id TEXT PRIMARY KEY, n INTEGER NOT NULL, note TEXT, data BLOB) STRICT;"};
constexpr Migration kSecond{2, "second",
                            "ALTER TABLE items ADD COLUMN extra TEXT; UPDATE items SET extra = 'x' || id;"};
constexpr Migration kBroken{2, "broken",
                            "CREATE TABLE other (id TEXT) STRICT; INSERT INTO nowhere VALUES (1);"};

struct StoreTest : testing::Test {
  std::string dir = testing::TempDir() + "store-" + random_token(8);
  std::string path = dir + "/test.db";
  std::vector<Migration> migrations{kFirst};
  StoreTest() { std::filesystem::create_directory(dir); }
  ~StoreTest() override { std::filesystem::remove_all(dir); }
  Result<std::unique_ptr<Database>> try_open() {
    return Database::open({.path = path, .migrations = migrations});
  }
  std::unique_ptr<Database> open() {
    auto db = try_open();
    EXPECT_TRUE(db) << (db ? "" : db.error().message);
    return std::move(*db);
  }
};

int64_t count(Database& db) {
  auto n = db.read([](Reader& r) {
    return r.one("SELECT count(*) FROM items", [](const Row& row) { return row.integer(0); });
  });
  return n && *n ? **n : -1;
}

Task<Status> insert(Database& db, std::string id, int n) {
  auto rows =
      co_await db.write([&](Txn& t) { return t.exec("INSERT INTO items (id, n) VALUES (?, ?)", id, n); });
  if (!rows) co_return std::unexpected(rows.error());
  co_return Status{};
}

Task<void> insert_and_count(Database& db, std::string id, int n, int& ok, int& conflicts) {
  auto done = co_await insert(db, std::move(id), n);
  if (done) {
    ++ok;
  } else if (done.error().code == Code::conflict) {
    ++conflicts;
  }
}

TEST_F(StoreTest, ReadsItsOwnWriteWithEveryType) {
  auto db = open();
  Loop loop;
  auto body = [](Database& d) -> Task<Status> {
    std::string bytes("\0\xff\1", 3);
    auto rows = co_await d.write([&](Txn& t) {
      return t.exec("INSERT INTO items (id, n, note, data) VALUES (?, ?, ?, ?)", SandboxId("a"),
                    int64_t{1} << 40, std::optional<std::string>(), Blob{bytes});
    });
    CO_TRY(int64_t changed, std::move(rows));
    EXPECT_EQ(changed, 1);
    auto seen = d.read([&](Reader& r) {
      return r.one(
          "SELECT id, n, note, data FROM items WHERE id = ? AND n > ?",
          [&](const Row& row) {
            EXPECT_EQ(row.id<SandboxId>(0), SandboxId("a"));
            EXPECT_EQ(row.integer(1), int64_t{1} << 40);
            EXPECT_FALSE(row.opt_text(2));
            EXPECT_EQ(row.blob(3), bytes);
            return true;
          },
          "a", 1.5);
    });
    CO_TRY(auto found, std::move(seen));
    EXPECT_TRUE(found);
    co_return Status{};
  };
  auto done = loop.run_until(body(*db));
  EXPECT_TRUE(done) << done.error().message;
}

TEST_F(StoreTest, ConcurrentWritesShareCommitsAndFailAlone) {
  auto db = open();
  Loop loop;
  int ok = 0, conflicts = 0;
  auto body = [](Database& d, int& good, int& bad) -> Task<void> {
    TaskScope scope("test");
    for (int i = 0; i < 500; ++i)
      scope.spawn(insert_and_count(d, "k" + std::to_string(i % 400), i, good, bad));
    co_await scope.join();
  };
  loop.run_until(body(*db, ok, conflicts));
  EXPECT_EQ(ok, 400);
  EXPECT_EQ(conflicts, 100);
  EXPECT_EQ(count(*db), 400);
  EXPECT_LT(db->stats().commits, 50u);
  EXPECT_EQ(db->stats().transactions, 500u);
}

TEST_F(StoreTest, AFailedClosureUndoesAllOfItsChangesOnly) {
  auto db = open();
  Loop loop;
  auto half = [](Database& d) -> Task<void> {
    auto done = co_await d.write([](Txn& t) -> Status {
      TRY(int64_t rows, t.exec("INSERT INTO items (id, n) VALUES ('half', 1)"));
      EXPECT_EQ(rows, 1);
      return fail(Code::forbidden, "no");
    });
    EXPECT_EQ(done.error().code, Code::forbidden);
    auto thrown = co_await d.write([](Txn& t) -> Status {
      auto rows = t.exec("INSERT INTO items (id, n) VALUES ('thrown', 1)");
      throw std::runtime_error("bug");
    });
    EXPECT_EQ(thrown.error().code, Code::internal);
  };
  auto body = [&](Database& d) -> Task<void> {
    TaskScope scope("test");
    int ok = 0, conflicts = 0;
    scope.spawn(insert_and_count(d, "before", 1, ok, conflicts));
    scope.spawn(half(d));
    scope.spawn(insert_and_count(d, "after", 1, ok, conflicts));
    co_await scope.join();
    EXPECT_EQ(ok, 2);
  };
  loop.run_until(body(*db));
  EXPECT_EQ(count(*db), 2);
}

TEST_F(StoreTest, WrongSqlIsAnErrorWithItsText) {
  auto db = open();
  auto bad = db->read([](Reader& r) {
    return r.one("SELECT id FROM nowhere", [](const Row& row) { return row.integer(0); });
  });
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::internal);
  EXPECT_NE(bad.error().message.find("no such table: nowhere"), std::string::npos) << bad.error().message;
  auto write = db->read(
      [](Reader& r) { return r.one("DELETE FROM items", [](const Row& row) { return row.integer(0); }); });
  EXPECT_FALSE(write);  // a reader cannot write
}

TEST_F(StoreTest, TheSameStatementMayBeUsedWhileItIsBeingStepped) {
  auto db = open();
  Loop loop;
  ASSERT_TRUE(loop.run_until(insert(*db, "a", 1)));
  ASSERT_TRUE(loop.run_until(insert(*db, "b", 2)));
  auto pairs = db->read([](Reader& r) -> Result<int> {
    int n = 0;
    TRY(auto outer, r.query("SELECT id FROM items"));
    for (;;) {
      TRY(bool more, outer.step());
      if (!more) return n;
      TRY(auto inner, r.all("SELECT id FROM items", [](const Row& row) { return row.text(0); }));
      n += static_cast<int>(inner.size());
    }
  });
  EXPECT_EQ(pairs.value(), 4);
}

TEST_F(StoreTest, ReadsWhileWriting) {
  auto db = open();
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  std::thread reader([&] {
    int64_t last = 0;
    while (!stop) {
      int64_t now = count(*db);
      if (now < last) ++failures;
      last = now;
    }
  });
  Loop loop;
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(loop.run_until(insert(*db, "k" + std::to_string(i), i)));
  stop = true;
  reader.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(count(*db), 200);
}

TEST_F(StoreTest, MigratesOnceAndKeepsRows) {
  {
    auto db = open();
    Loop loop;
    ASSERT_TRUE(loop.run_until(insert(*db, "a", 1)));
  }
  migrations.push_back(kSecond);
  for (int i = 0; i < 2; ++i) {
    auto db = open();
    EXPECT_EQ(db->schema_version(), 2);
    auto extra = db->read([](Reader& r) {
      return r.one("SELECT extra FROM items WHERE id = 'a'", [](const Row& row) { return row.text(0); });
    });
    EXPECT_EQ(extra.value(), "xa");
  }
}

TEST_F(StoreTest, ABrokenMigrationLeavesTheOldSchema) {
  open().reset();
  migrations.push_back(kBroken);
  auto bad = try_open();
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("migration 2 broken"), std::string::npos) << bad.error().message;
  migrations.pop_back();
  EXPECT_EQ(open()->schema_version(), 1);
}

TEST_F(StoreTest, ADatabaseOfANewerProgramIsRefused) {
  migrations.push_back(kSecond);
  open().reset();
  migrations.pop_back();
  auto bad = try_open();
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::conflict);
  EXPECT_NE(bad.error().message.find("newer program"), std::string::npos);
}

TEST_F(StoreTest, TheFileIsPrivateAndAMissingFolderIsNamed) {
  open().reset();
  struct stat st{};
  ASSERT_EQ(stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
  path = dir + "/missing/x.db";
  auto bad = try_open();
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("/missing/x.db"), std::string::npos);
}

TEST_F(StoreTest, TwoProcessesDoNotShareADatabase) {
  auto db = open();
  auto second = Database::open({.path = path, .migrations = migrations, .busy_timeout = Millis(30)});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::unavailable);
  db.reset();
  EXPECT_TRUE(try_open());
}

TEST_F(StoreTest, ADamagedFileIsSaid) {
  ASSERT_TRUE(write_file_atomic(path, std::string(8192, 'x')));
  auto bad = try_open();
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("restore a backup"), std::string::npos) << bad.error().message;
}

TEST_F(StoreTest, ADiskThatIsFullIsSaidAndLosesNothingAcknowledged) {
  auto db = open();
  Loop loop;
  auto limit = [](Database& d) -> Task<Status> {
    co_return co_await d.write([](Txn& t) -> Status {
      TRY(auto max, t.one("PRAGMA max_page_count = 40", [](const Row& row) { return row.integer(0); }));
      return max ? Status{} : fail(Code::internal, "no limit");
    });
  };
  ASSERT_TRUE(loop.run_until(limit(*db)));
  int acknowledged = 0;
  Status last;
  for (int i = 0; i < 500 && last; ++i) {
    last = loop.run_until(insert(*db, std::to_string(i) + std::string(4000, 'x'), i));
    if (last) ++acknowledged;
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, Code::insufficient_storage) << last.error().message;
  EXPECT_EQ(count(*db), acknowledged);
  EXPECT_FALSE(loop.run_until(insert(*db, std::string(4000, 'y'), 1)));
  EXPECT_EQ(count(*db), acknowledged);
}

Task<void> write_forever(Database& db, int fd, int lane) {
  for (int i = 0;; ++i) {
    std::string id = std::to_string(lane) + "." + std::to_string(i);
    auto done = co_await insert(db, id, i);
    if (!done) _exit(3);
    std::string line = id + "\n";
    if (!write_all(fd, line)) _exit(4);  // acknowledged: the parent remembers it
  }
}

[[noreturn]] void writer_child(const std::string& path, const std::vector<Migration>& migrations, int fd) {
  auto db = Database::open({.path = path, .migrations = migrations});
  if (!db) _exit(2);
  Loop loop;
  auto body = [](Database& d, int out) -> Task<void> {
    TaskScope scope("writers");
    for (int lane = 0; lane < 8; ++lane) scope.spawn(write_forever(d, out, lane));
    co_await scope.join();
  };
  loop.run_until(body(**db, fd));
  _exit(0);
}

TEST_F(StoreTest, EveryAcknowledgedRowSurvivesKill9) {
  std::set<std::string> acknowledged;
  for (int round = 0; round < 5; ++round) {
    auto pipe = make_pipe();
    ASSERT_TRUE(pipe);
    pid_t child = fork();
    if (child == 0) writer_child(path, migrations, pipe->write.get());
    pipe->write.reset();
    usleep(50'000 + static_cast<useconds_t>(random_u64() % 100'000));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    auto text = read_all(pipe->read.get());
    ASSERT_TRUE(text);
    for (std::string_view id : split(*text, '\n'))
      if (!id.empty()) acknowledged.insert(std::string(id));
    auto db = open();
    auto ids = db->read(
        [](Reader& r) { return r.all("SELECT id FROM items", [](const Row& row) { return row.text(0); }); });
    ASSERT_TRUE(ids);
    std::set<std::string> there(ids->begin(), ids->end());
    for (const std::string& id : acknowledged) EXPECT_TRUE(there.contains(id)) << id;
    Loop loop;
    auto clear = [](Database& d) -> Task<Status> {
      auto rows = co_await d.write([](Txn& t) { return t.exec("DELETE FROM items"); });
      co_return rows ? Status{} : std::unexpected(rows.error());
    };
    EXPECT_FALSE(there.empty());
    ASSERT_TRUE(loop.run_until(clear(*db)));
    acknowledged.clear();
  }
}

}  // namespace
}  // namespace dt::store
