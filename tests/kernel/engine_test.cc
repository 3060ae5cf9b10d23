#include "tests/kernel/harness.h"

namespace dt::runner::testing {
namespace {

TEST_F(EngineTest, LaunchesARootThatRunsCommands) {
  for(int i=0;i<8;i++){auto s=launch(); auto& t=s.launched.stages;   printf("clone %.2f layers %.2f mounts %.2f cgroup %.2f ready %.2f total %.2f\n", t.clone_ms, t.layers_ms, t.mounts_ms, t.cgroup_ms, t.ready_ms, t.total_ms);EXPECT_TRUE(stop(s));}
  TestSandbox s = launch();
  CommandResult r = s.run("id -u; hostname; cat /etc/resolv.conf; pwd");
  EXPECT_EQ(r.exit, 0) << r;
  EXPECT_EQ(r.output, "0\nbox\nnameserver 192.0.2.1\n/root\n");
  auto& t = s.launched.stages;
  printf("clone %.2f layers %.2f mounts %.2f cgroup %.2f ready %.2f total %.2f\n", t.clone_ms, t.layers_ms, t.mounts_ms, t.cgroup_ms,
         t.ready_ms, t.total_ms);
  EXPECT_TRUE(stop(s));
  EXPECT_TRUE(engine_->cgroups().empty());
}

}  // namespace
}  // namespace dt::runner::testing

int main(int argc, char** argv) { return dt::runner::testing::run_tests(argc, argv); }
