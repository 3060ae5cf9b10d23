// The record of a sandbox as it is stored.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/contract/sandbox.h"
#include "libs/contract/sandbox_state.h"

namespace dt::api {

struct SandboxRecord {
  SandboxId id;
  OrganizationId organization;
  std::string name;
  std::string region;
  std::optional<std::string> runner;  // none once it is destroyed
  std::string sandbox_class = "container";
  std::optional<std::string> snapshot;    // name
  std::string snapshot_ref;               // image reference for the runner
  std::optional<std::string> entrypoint;  // JSON array
  std::string os_user;
  contract::StringMap env, labels;
  std::vector<contract::SandboxVolume> volumes;
  bool is_public = false;
  bool network_block_all = false;
  std::optional<std::string> network_allow_list, domain_allow_list, outbound_proxy_url, otel_endpoint;
  int64_t cpu = 0, gpu = 0;
  std::optional<std::string> gpu_type;
  int64_t memory = 0, disk = 0;  // GiB
  SandboxState state = SandboxState::unknown;
  DesiredState desired = DesiredState::started;
  bool pending = true;
  bool force_stop = false;
  std::optional<std::string> error_reason;
  bool recoverable = false;
  int64_t auto_stop = 0, auto_pause = 0, auto_archive = 0, auto_delete = -1;  // minutes
  std::optional<Wall> auto_destroy_at;
  std::optional<int64_t> queue_timeout;
  std::optional<std::string> linked;  // id of the sandbox that owns this one
  std::optional<std::string> daemon_version;
  std::string auth_token;
  Wall created_at, updated_at, last_activity_at;

  bool ephemeral() const { return auto_delete == 0; }
  // Deleted but kept for a while: not visible to users.
  bool hidden() const {
    if (state == SandboxState::destroyed) return true;
    bool failed = state == SandboxState::error || state == SandboxState::build_failed;
    return failed && desired == DesiredState::destroyed;
  }
};

// What a write did to a record. Published after the commit.
struct SandboxChange {
  std::optional<SandboxRecord> before;  // none: inserted
  SandboxRecord after;
};

}  // namespace dt::api
