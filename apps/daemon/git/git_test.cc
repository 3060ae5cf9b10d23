#include "apps/daemon/testing.h"

namespace dt::daemon {
namespace {

using Git = DaemonTest;

TEST_F(Git, OperationsOverHttp) {
  EXPECT_EQ(post("/git/init", R"({"path":"r","initial_branch":"main"})").status, 201);
  put(at("r/f"), "x");
  Reply r = post("/git/add", R"({"path":"r","files":["."]})");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, "");
  r = post("/git/commit", R"({"path":"r","message":"m","author":"Ada","email":"a@b"})");
  ASSERT_EQ(r.status, 200) << r.body;
  std::string hash = member(r, "hash");
  r = get("/git/history?path=r");
  EXPECT_EQ(r.headers.get_or("Content-Type"), "application/json; charset=utf-8");
  EXPECT_NE(r.body.find(hash), std::string::npos) << r.body;
  EXPECT_EQ(post("/git/branches", R"({"path":"r","name":"b"})").status, 201);
  EXPECT_EQ(get("/git/branches?path=r").body, R"({"branches":["b","main"],"current":"b"})");
  EXPECT_EQ(post("/git/checkout", R"({"path":"r","branch":"main"})").status, 200);
  EXPECT_EQ(call("DELETE", "/git/branches", R"({"path":"r","name":"b"})").status, 204);
}

TEST_F(Git, Errors) {
  Reply r = get("/git/status");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(member(r, "message"), "bad request: path is required");
  r = get("/git/status?path=none");
  EXPECT_EQ(r.status, 404);
  EXPECT_EQ(member(r, "code"), "GIT_REPO_NOT_FOUND");
  EXPECT_EQ(member(r, "message"), "not found: repository does not exist");
  EXPECT_EQ(member(r, "source"), "DAYTONA_DAEMON");
  for (const char* body : {"", "[]", "{", R"({"path":1})", R"({"path":""})"}) {
    r = post("/git/commit", body);
    EXPECT_EQ(r.status, 400) << body;
    EXPECT_EQ(member(r, "code"), "INVALID_REQUEST_BODY") << body;
  }
  EXPECT_EQ(daemon_->children(), 0u);
}

}  // namespace
}  // namespace dt::daemon
