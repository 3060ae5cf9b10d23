// One launch, seen from the engine: sends the request, makes the cgroups while the child builds, lets it go,
// waits for the daemon. Whatever it has made goes with it unless it succeeded.
#pragma once
#include "apps/runner/engine/engine.h"
#include "apps/runner/engine/protocol.h"
#include "apps/runner/engine/spawner_handle.h"
#include "libs/base/clock.h"
#include "libs/linux/cgroup.h"

namespace dt::runner::engine {

class Launch {
 public:
  Launch(const LaunchSpec& spec, const EngineConfig& config, SpawnerHandle& spawner,
         const linux_::Cgroups& cgroups)
      : spec_(spec), config_(config), spawner_(spawner), cgroups_(cgroups) {}
  Result<Launched> run();
  bool spawner_lost() const {
    return spawner_lost_;
  }  // run() failed because there was no spawner, before anything ran

 private:
  Status check_spec() const;
  Status send_request();
  LaunchRequest make_request() const;
  Status make_cgroups();
  Status wait_ready();
  Status read_replies(Tag last);
  Status identify();
  Status attempt();
  void fill_stages(Mono start);
  void undo();

  const LaunchSpec& spec_;
  const EngineConfig& config_;
  SpawnerHandle& spawner_;
  const linux_::Cgroups& cgroups_;
  Mono deadline_ = kNever;
  Fd reply_, ready_;
  BuildTimes times_;
  Launched launched_;
  bool spawner_lost_ = false;
};

}  // namespace dt::runner::engine
