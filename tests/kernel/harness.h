// What tests of the engine share: a temporary directory with a busybox root, an engine with cgroups of its
// own, sandboxes that run commands. Everything is removed at the end; names contain the process id, so that a
// leak names its culprit.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "apps/runner/engine/engine.h"

namespace dt::runner::testing {

struct CommandResult {
  int exit = -1;
  std::string output;
};

class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A minimal root file system: static busybox, users root and daytona (1000), a set-uid copy of test_init
// (busybox gives up its rights).
void make_rootfs(const std::string& path);

class TestSandbox {
 public:
  LaunchSpec spec;
  Launched launched;
  std::string socket_path;
  Fd listener;

  CommandResult run(const std::string& command) const;   // as the sandbox's user
  std::string output(const std::string& command) const;  // trimmed
  std::string probe(const std::string& names) const;     // see probes.cc
};

class EngineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void SetUp() override;
  void TearDown() override;

  // Engine with the test init in the place of the daemon.
  static EngineConfig config();
  // A spec with a new disk, a listening socket and 65,536 ids; not launched.
  TestSandbox prepare(const std::string& name = "");
  TestSandbox launch(const std::string& name = "", const std::string& user = "root");
  TestSandbox launch(TestSandbox sandbox);
  Status stop(TestSandbox& sandbox, int grace_ms = 1000);
  // Mounts, processes, cgroups and descriptors that a test must leave as they were.
  struct Books {
    size_t mounts = 0, descriptors = 0, cgroups = 0;
    bool operator==(const Books&) const = default;
  };
  Books books() const;

  static std::string directory();
  static std::string rootfs();
  std::unique_ptr<Engine> engine_;
  int next_ = 0;
};

std::ostream& operator<<(std::ostream& out, const CommandResult& result);
int run_tests(int argc, char** argv);  // main: root is required

}  // namespace dt::runner::testing
