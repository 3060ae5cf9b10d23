// The sandboxes of this machine: create, start, stop, destroy, adopt. Every operation is idempotent, because
// jobs are delivered at least once, and leaves nothing behind when it fails. Calls block; use worker threads.
// Thread-safe: one lock per sandbox.
//
// The order of a create, each step undone in reverse by destroy(), and all of them found again by recover():
//   spec file → disk → network slot and policy → socket → engine launch → instance file → (reported)
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/runner/engine/engine.h"
#include "apps/runner/image/images.h"
#include "apps/runner/network/network.h"
#include "apps/runner/sandboxes/record.h"
#include "apps/runner/storage/storage.h"

namespace dt::runner {

enum class SandboxState { missing, stopped, started };
std::string_view name_of(SandboxState state);

struct SandboxesConfig {
  std::string state_dir;           // specs under <state_dir>/sandboxes, instances under <state_dir>/run
  uint32_t first_id = 0x40000000;  // host ids of sandboxes begin here, 65,536 each
  uint32_t id_ranges = 40'000;
};

class Sandboxes {
 public:
  Sandboxes(SandboxesConfig config, Engine& engine, Network& network, Storage& storage, Images& images);
  ~Sandboxes();

  // Called from the watching thread when a running sandbox was found dead; the bookkeeping is already done.
  std::function<void(const SandboxId&)> on_death;

  void stop_watching();  // on_death is not called after this
  // Adopts what runs, removes what is half-made. Call once before anything else.
  Status recover();

  Status create(SandboxSpec spec, bool start);  // repeats: success when it exists (and starts it)
  Status start(const SandboxId& id);
  Status stop(const SandboxId& id, bool force);  // a missing sandbox is not_found
  Status destroy(const SandboxId& id);           // a missing sandbox is success
  Status resize(const SandboxId& id, int64_t cpus, int64_t memory_gib, int64_t disk_gib);  // 0: unchanged
  Status set_network(const SandboxId& id, std::optional<bool> block_all,
                     std::optional<std::vector<std::string>> allow);

  SandboxState state(const SandboxId& id) const;
  std::vector<SandboxId> list() const;
  // Path of the daemon's socket, not_found or bad_request ("Is the Sandbox started?").
  Result<std::string> toolbox_socket(const SandboxId& id) const;
  struct Totals {
    int64_t count = 0, started = 0, cpus = 0, memory_gib = 0, disk_gib = 0;
  };
  Totals totals() const;

 private:
  void reap(const SandboxId& id);  // its init has died
  struct Entry;
  struct Hold;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt::runner
