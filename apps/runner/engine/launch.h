// One launch, seen from the engine: sends the request, makes the cgroups while the child builds, lets it go, waits for the daemon.
// Whatever it has made goes with it unless it succeeded.
#pragma once
#include "apps/runner/engine/engine.h"
#include "apps/runner/engine/protocol.h"
#include "apps/runner/engine/spawner_handle.h"
#include "libs/base/clock.h"
#include "libs/linux/cgroup.h"

namespace dt::runner::engine {

class Launch {
 public:
  Launch(const LaunchSpec& spec, const EngineConfig& config, SpawnerHandle& spawner, const linux_::Cgroups& cgroups)
      : spec_(spec), config_(config), spawner_(spawner), cgroups_(cgroups) {}
  Result<Launched> run();

 private:
  Status check_spec() const;
  Status send_request();
  LaunchRequest make_request() const;
  Status receive_started();
  Status enter_cgroups();
  Status receive_built();
  Status wait_ready();
  Error death_reason();
  void undo();

  const LaunchSpec& spec_;
  const EngineConfig& config_;
  SpawnerHandle& spawner_;
  const linux_::Cgroups& cgroups_;
  Mono deadline_ = kNever;
  Fd reply_, ready_;
  Launched launched_;
};

}  // namespace dt::runner::engine
