// The engine's pure parts: account files, the protocol's encoding, the filter's shape. The kernel's side is
// in tests/kernel.
#include <gtest/gtest.h>
#include <linux/filter.h>

#include "apps/runner/engine/passwd.h"
#include "apps/runner/engine/protocol.h"
#include "apps/runner/engine/seccomp_policy.h"

namespace dt::runner::engine {
namespace {

constexpr std::string_view kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n# comment\n\nbroken\ndaytona:x:1000:1001::/home/daytona:/bin/bash\n"
    "1234:x:7:7::/seven:/bin/sh\nhuge:x:4294967296:0::/:/bin/sh\nneg:x:-1:0::/"
    ":\nrelative:x:5:5::home:\nlast:x:9:9::/nine:";
constexpr std::string_view kGroup =
    "root:x:0:\nsudo:x:27:daytona,other\ndocker:x:999:other\nextra:x:50:daytona\nbad:x:99999:daytona";

TEST(Passwd, ResolvesNamesNumbersAndGroups) {
  auto user = resolve_user("daytona", kPasswd, kGroup);
  ASSERT_TRUE(user);
  EXPECT_EQ(user->uid, 1000u);
  EXPECT_EQ(user->gid, 1001u);
  EXPECT_EQ(user->home, "/home/daytona");
  EXPECT_EQ(user->groups, (std::vector<uint32_t>{1001, 27, 50}));
  EXPECT_EQ(resolve_user("1000", kPasswd, kGroup)->name, "daytona");
  EXPECT_EQ(resolve_user("daytona:docker", kPasswd, kGroup)->groups, (std::vector<uint32_t>{999}));
  EXPECT_EQ(resolve_user("55:66", kPasswd, kGroup)->gid, 66u);
  EXPECT_EQ(resolve_user("1234", kPasswd, kGroup)->uid, 7u);        // a name that looks like a number
  EXPECT_EQ(resolve_user("last", kPasswd, kGroup)->home, "/nine");  // no newline at the end
  EXPECT_EQ(resolve_user("relative", kPasswd, kGroup)->home, "/");
}

TEST(Passwd, RootNeedsNoFile) {
  for (const char* spec : {"", "root", "0"}) {
    auto user = resolve_user(spec, "", "");
    ASSERT_TRUE(user);
    EXPECT_EQ(user->uid, 0u);
    EXPECT_EQ(user->home, "/root");
  }
}

TEST(Passwd, RefusesWhatIsNotThere) {
  for (const char* spec : {"nobody", "huge", "neg", "-1", "65536", "daytona:nogroup", "broken"})
    EXPECT_FALSE(resolve_user(spec, kPasswd, kGroup)) << spec;
}

TEST(Protocol, LaunchSurvivesTheTrip) {
  LaunchRequest r;
  r.name = "id";
  r.args = {"a", "", std::string("nul\0inside", 10)};
  r.env = {{"K", "v"}, {"EMPTY", ""}};
  r.id_range = 7;
  r.shm_bytes = 1ull << 40;
  r.has_log = true;
  auto back = decode_launch(encode(r));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->args, r.args);
  EXPECT_EQ(back->env, r.env);
  EXPECT_EQ(back->shm_bytes, r.shm_bytes);
  EXPECT_TRUE(back->has_log);
  EXPECT_FALSE(back->has_netns);
}

TEST(Protocol, AnyDamageIsNoticed) {
  std::string bytes = encode(LaunchRequest{.name = "x", .args = {"one", "two"}, .env = {{"a", "b"}}});
  for (size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_FALSE(decode_launch(std::string_view(bytes).substr(0, cut)));
  EXPECT_FALSE(decode_launch(bytes + "x"));
  EXPECT_FALSE(decode_setup(bytes));
  std::string lying = bytes;
  lying[1] = lying[2] = lying[3] = lying[4] = '\xff';  // the first length
  EXPECT_FALSE(decode_launch(lying));
  EXPECT_EQ(decode_failed("E").code, Code::internal);
}

TEST(Protocol, ErrorsKeepTheirMeaning) {
  Error back = decode_failed(encode_failed(Error{Code::unprocessable, "no such user", {}, 2}));
  EXPECT_EQ(back.code, Code::unprocessable);
  EXPECT_EQ(back.message, "no such user");
  EXPECT_EQ(back.sys_errno, 2);
}

TEST(SeccompPolicy, CompilesToABoundedProgram) {
  auto filter = compile_seccomp_filter();
  ASSERT_TRUE(filter) << filter.error().message;
  EXPECT_EQ(filter->size() % sizeof(sock_filter), 0u);
  EXPECT_GT(filter->size() / sizeof(sock_filter), 100u);
  EXPECT_LT(filter->size() / sizeof(sock_filter), 4096u);  // the kernel's maximum
}

}  // namespace
}  // namespace dt::runner::engine
