// Everything the API is told from outside. Filled by the configuration code of the program; nothing here
// reads the environment.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/secret.h"
#include "libs/net/http.h"
#include "libs/net/stream.h"

namespace dt::api {

// Limits of the first organization (contract api-core §11.1; GiB). The reference gives its admin 0 and can
// then create nothing; a first key that works is worth more.
struct OrganizationLimits {
  int max_cpu_per_sandbox = 64;
  int max_memory_per_sandbox = 256;
  int max_disk_per_sandbox = 1024;
  int snapshot_quota = 100;
  int volume_quota = 100;
};

// The snapshot that `create` without a snapshot uses. `ref` is what the runner's image store knows it by.
struct DefaultSnapshot {
  std::string name = "daytonaio/sandbox:default";
  std::string ref = "daytonaio/sandbox:default";
  double size = 0;  // GiB; 0: unknown
  std::vector<std::string> entrypoint;
  int cpu = 1;
  int memory = 1;  // GiB
  int disk = 3;    // GiB
};

struct ApiConfig {
  Endpoint listen{.host = "0.0.0.0", .port = 3000};  // port 0: any free one, see Api::port()
  std::string database_path;
  std::string version = DT_VERSION;
  std::string environment = "self-hosted";

  Secret admin_api_key;   // first start: the first key; empty: one is generated
  Secret proxy_api_key;   // empty: nobody has this role
  Secret runner_api_key;  // of the default runner
  Secret ssh_gateway_api_key;
  Secret health_check_api_key;

  std::string api_url = "http://localhost:3000/api";       // as clients reach it
  std::string toolbox_base_url = "http://localhost:4000";  // "/toolbox" is appended
  std::string preview_template = "http://{{PORT}}-{{sandboxId}}.localhost:4000";
  std::string dashboard_url = "http://localhost:3000/dashboard";

  std::string default_region_id = "us";
  std::string default_region_name = "us";
  std::string default_runner_name = "default";
  std::string default_sandbox_class = "container";
  DefaultSnapshot default_snapshot;
  OrganizationLimits admin_limits;
  int max_auto_archive_interval = 43'200;  // minutes

  size_t body_limit = 1u << 20;  // bytes of a request body; larger ones get 413
  Millis request_deadline{120'000};
  Millis drain{10'000};      // running requests have this long at the end
  Millis key_cache{10'000};  // how long a checked API key is trusted
  bool log_requests = true;  // access log at level info
  HttpLimits http;

  std::string toolbox_url() const { return toolbox_base_url + "/toolbox"; }
};

}  // namespace dt::api
