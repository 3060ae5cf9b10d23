// The operations on real repositories, without the daemon and without a network.
#include "apps/daemon/git/program/operations.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/daemon/git/program/errors.h"
#include "apps/daemon/git/program/paths.h"
#include "apps/daemon/git/program/repository.h"
#include "apps/daemon/git/program/worktree_guard.h"
#include "libs/codec/json.h"

namespace dt::git {
namespace {

class Operations : public ::testing::Test {
 public:
  static void SetUpTestSuite() { ASSERT_TRUE(set_up_library()); }

  void SetUp() override {
    char name[] = "/tmp/git-operations-XXXXXX";
    dir_ = ::mkdtemp(name);
    good("init", R"("initial_branch":"main")");
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  // Members beside the path; the answer's body.
  Result<std::string> call(std::string_view name, const std::string& members = "") {
    std::string text = "{\"path\":" + json::quote(dir_ + "/r") + (members.empty() ? "" : "," + members) + "}";
    auto body = JsonBody::parse(text, "GitRequest");
    if (!body) return std::unexpected(body.error());
    Answer answer(-1);
    Status done = find_operation(name)->run(*body, answer);
    if (!done) return std::unexpected(done.error());
    return answer.body();
  }
  std::string good(std::string_view name, const std::string& members = "") {
    auto answer = call(name, members);
    EXPECT_TRUE(answer) << name << " " << members << ": " << (answer ? "" : answer.error().message);
    return answer.value_or("");
  }
  void bad(std::string_view name, const std::string& members, Code code, std::string_view wire) {
    auto answer = call(name, members);
    ASSERT_FALSE(answer) << name << " " << members;
    EXPECT_EQ(answer.error().code, code) << answer.error().message;
    EXPECT_EQ(answer.error().wire_code, wire) << answer.error().message;
  }
  void put(const std::string& name, std::string_view text) {
    std::filesystem::path path(dir_ + "/r/" + name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  std::string content(const std::string& name) {
    std::ifstream in(dir_ + "/r/" + name, std::ios::binary);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  std::string make_commit(const std::string& message) {
    good("add", R"("files":["."])");
    std::string text = good(
        "commit", R"("author":"Ada","email":"a@b","allow_empty":true,"message":)" + json::quote(message));
    return text.substr(9, 40);
  }
  bool status_says(std::string_view text) { return good("status").find(text) != std::string::npos; }

  std::string dir_;
};

TEST_F(Operations, CommitsAreTheIndexOnly) {
  bad("status", "", Code::not_found, "NOT_FOUND");
  put("a", "1");
  make_commit("one");
  put("a", "2");
  put("b", "1");
  EXPECT_TRUE(status_says(R"({"name":"a","extra":"","staging":"Unmodified","worktree":"Modified"})"));
  EXPECT_TRUE(status_says(R"({"name":"b","extra":"","staging":"Untracked","worktree":"Untracked"})"));
  bad("commit", R"("author":"Ada","email":"a@b","message":"m")", Code::internal, "INTERNAL_SERVER_ERROR");
  good("add", R"("files":["b"])");
  EXPECT_TRUE(status_says(R"({"name":"b","extra":"","staging":"Added","worktree":"Unmodified"})"));
  good("commit", R"("author":"Ada","email":"a@b","message":"m")");
  EXPECT_TRUE(status_says(R"("fileStatus":[{"name":"a")"));
  bad("add", R"("files":["none"])", Code::internal, "INTERNAL_SERVER_ERROR");
  bad("add", R"("files":["../x"])", Code::bad_request, "BAD_REQUEST");
}

TEST_F(Operations, BranchesAndCheckout) {
  put("a", "1");
  std::string first = make_commit("one");
  good("create-branch", R"("name":"other")");
  EXPECT_EQ(good("list-branches"), R"({"branches":["main","other"],"current":"other"})");
  bad("create-branch", R"("name":"main")", Code::conflict, "GIT_BRANCH_EXISTS");
  bad("create-branch", R"("name":"a..b")", Code::bad_request, "BAD_REQUEST");
  bad("delete-branch", R"("name":"other")", Code::conflict, "CONFLICT");
  bad("delete-branch", R"("name":"none")", Code::not_found, "GIT_BRANCH_NOT_FOUND");
  put("a", "2");
  bad("create-branch", R"("name":"third")", Code::conflict, "GIT_DIRTY_WORKTREE");
  make_commit("two");
  put("a", "mine");
  bad("checkout", R"("branch":"main")", Code::conflict, "GIT_DIRTY_WORKTREE");
  EXPECT_EQ(content("a"), "mine");
  EXPECT_TRUE(status_says(R"("currentBranch":"other")"));
  good("restore", R"("files":["a"])");
  good("checkout", R"("branch":"main")");
  EXPECT_EQ(content("a"), "1");
  bad("checkout", R"("branch":"none")", Code::not_found, "GIT_BRANCH_NOT_FOUND");
  good("delete-branch", R"("name":"other")");
  good("checkout", R"("branch":")" + first + "\"");
  EXPECT_TRUE(status_says(R"("currentBranch":"HEAD","detached":true)"));
}

TEST_F(Operations, ResetModes) {
  put("a", "1");
  put("b", "1");
  make_commit("one");
  put("a", "2");
  make_commit("two");
  good("reset", R"("mode":"soft","target":"HEAD~1")");
  EXPECT_TRUE(status_says(R"("staging":"Modified","worktree":"Unmodified")"));
  good("reset");
  EXPECT_TRUE(status_says(R"("staging":"Unmodified","worktree":"Modified")"));
  EXPECT_EQ(content("a"), "2");
  good("reset", R"("mode":"hard")");
  EXPECT_EQ(content("a"), "1");
  std::string second = (put("a", "2"), make_commit("two again"));
  put("b", "mine");  // kept by merge and keep, as it is the same in both commits
  good("reset", R"("mode":"keep","target":"HEAD~1")");
  EXPECT_EQ(content("a") + content("b"), "1mine");
  good("reset", R"("mode":"merge","target":")" + second + "\"");
  EXPECT_EQ(content("a") + content("b"), "2mine");
  put("a", "mine too");
  bad("reset", R"("mode":"keep","target":"HEAD~1")", Code::conflict, "GIT_DIRTY_WORKTREE");
  bad("reset", R"("mode":"merge","target":"HEAD~1")", Code::conflict, "GIT_DIRTY_WORKTREE");
  EXPECT_EQ(content("a"), "mine too");
  bad("reset", R"("mode":"sideways")", Code::bad_request, "BAD_REQUEST");
  bad("reset", R"("target":"none")", Code::not_found, "NOT_FOUND");
}

TEST_F(Operations, LinksAreNotFollowed) {
  std::filesystem::create_directory(dir_ + "/outside");
  std::ofstream(dir_ + "/outside/one") << "precious";
  put("src/one", "1");
  make_commit("one");
  std::filesystem::remove_all(dir_ + "/r/src");
  std::filesystem::create_directory_symlink(dir_ + "/outside", dir_ + "/r/src");
  bad("add", R"("files":["src/one"])", Code::bad_request, "BAD_REQUEST");
  good("restore", R"("files":["src/one"])");
  EXPECT_EQ(content("src/one"), "1");
  EXPECT_FALSE(std::filesystem::is_symlink(dir_ + "/r/src"));
  EXPECT_EQ(content("../outside/one"), "precious");
}

TEST_F(Operations, GuardHoldsForEveryCall) {
  std::filesystem::create_directory(dir_ + "/outside");
  std::ofstream(dir_ + "/outside/f") << "x";
  std::filesystem::create_directory_symlink(dir_ + "/outside", dir_ + "/r/link");
  ASSERT_TRUE(guard_worktree(dir_ + "/r/"));
  std::string inside = dir_ + "/r/link/f";
  EXPECT_LT(::access(inside.c_str(), F_OK), 0);
  EXPECT_LT(::unlink(inside.c_str()), 0);
  EXPECT_LT(::rename(inside.c_str(), (dir_ + "/r/got").c_str()), 0);
  EXPECT_LT(::mkdir((dir_ + "/r/link/d").c_str(), 0777), 0);
  EXPECT_LT(::symlink("x", (dir_ + "/r/link/l").c_str()), 0);
  EXPECT_TRUE(std::filesystem::exists(dir_ + "/outside/f"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_ + "/outside"), {}), 1);
}

TEST_F(Operations, Settings) {
  std::string local = R"(,"scope":"local")";
  good("set-config", R"("key":"a.b","value":"x")" + local);
  EXPECT_EQ(good("get-config", R"("key":"a.b")" + local), R"({"value":"x"})");
  EXPECT_EQ(good("get-config", R"("key":"a.none")" + local), "{}");
  good("set-user", R"("name":"Ada","email":"a@b")" + local);
  EXPECT_EQ(good("get-config", R"("key":"user.name")" + local), R"({"value":"Ada"})");
  for (const char* key : {"nodots", "a.1x", ".b", "a.", "a.b c"})
    bad("set-config", R"("value":"x","key":")" + std::string(key) + "\"" + local, Code::bad_request,
        "BAD_REQUEST");
  bad("get-config", R"("key":"a.b","scope":"moon")", Code::bad_request, "BAD_REQUEST");
}

TEST_F(Operations, RemotesAndClones) {
  EXPECT_EQ(good("list-remotes"), R"({"remotes":[]})");
  good("add-remote", R"("name":"o","url":"https://u:p@host/x")");
  EXPECT_EQ(good("list-remotes"), R"({"remotes":[{"name":"o","url":"https://host/x"}]})");
  bad("add-remote", R"("name":"o","url":"https://host/y")", Code::conflict, "CONFLICT");
  good("add-remote", R"("name":"o","url":"host/y","overwrite":true)");
  EXPECT_NE(good("list-remotes").find("https://host/y"), std::string::npos);
  bad("add-remote", R"("name":"f","fetch":true,"url":"/nowhere/at/all")", Code::bad_gateway,
      "GIT_TRANSPORT_FAILED");
  EXPECT_EQ(good("list-remotes").find("nowhere"), std::string::npos);
  bad("clone", R"("url":"/x")", Code::conflict, "CONFLICT");
  bad("pull", "", Code::not_found, "NOT_FOUND");
}

TEST(GitErrors, Classes) {
  EXPECT_EQ(classify(GIT_EAUTH, GIT_ERROR_HTTP, "x").wire_code, kAuthFailed);
  EXPECT_EQ(classify(-1, GIT_ERROR_HTTP, "unexpected http status code: 403").code, Code::forbidden);
  EXPECT_EQ(classify(-1, GIT_ERROR_HTTP, "unexpected http status code: 404").wire_code, kRepositoryNotFound);
  EXPECT_EQ(classify(-1, GIT_ERROR_HTTP, "unexpected http status code: 500").code, Code::bad_gateway);
  EXPECT_EQ(classify(-1, GIT_ERROR_OS, "write: No space left on device").code, Code::insufficient_storage);
  Error other = classify(-1, GIT_ERROR_ODB, "odd");
  EXPECT_EQ(other.message, "odd");  // no prefix
  EXPECT_EQ(other.code, Code::internal);
  EXPECT_EQ(classify(GIT_ENOTFOUND, GIT_ERROR_REFERENCE, "x").message, "not found: x");
  EXPECT_EQ(with_prefix(Error{Code::invalid_body, "EOF"}).message, "invalid body request: EOF");
}

TEST(GitPaths, InsideOfTheWorktree) {
  EXPECT_EQ(path_in_worktree("/r/", "./a//b/")->c_str(), std::string("a/b"));
  EXPECT_EQ(*path_in_worktree("/r/", "."), "");
  EXPECT_EQ(*path_in_worktree("/r/", "/r/a/../b"), "b");
  for (const char* bad : {"", "..", "a/../..", "/etc", "/rr/a"})
    EXPECT_FALSE(path_in_worktree("/r/", bad)) << bad;
}

}  // namespace
}  // namespace dt::git
