// The compute plane of one machine: dials the API for jobs, owns the sandboxes, serves their toolboxes to the
// proxy. Must run as root. Sandboxes outlive it: a runner that starts again adopts them.
#pragma once
#include "apps/runner/engine/engine.h"
#include "apps/runner/jobs/job_loop.h"
#include "apps/runner/network/network.h"
#include "apps/runner/sandboxes/sandboxes.h"
#include "apps/runner/storage/storage.h"
#include "libs/net/http.h"

namespace dt::runner {

struct RunnerConfig {
  std::string state_dir;     // records, sockets
  Endpoint listen;           // toolbox server, for the proxy
  std::string local_socket;  // the same server for the proxy of this machine; empty: none
  std::string public_url;    // as the proxy reaches it; empty: http://<listen>
  Endpoint api;
  Secret key;
  EngineConfig engine;
  NetworkConfig network;
  StorageConfig storage;
  SandboxesConfig sandboxes;  // state_dir is filled in
  JobLoopConfig jobs;         // state_dir, public_url are filled in
  HttpLimits http;
};

// Serves until cancelled. Called on a running loop.
Task<Status> run(RunnerConfig config, CancelSource cancel);

// For `down`: ends every sandbox of this machine that the records know, removes network and mounts. No runner
// may be running.
Status shut_down_everything(const RunnerConfig& config);

// For `image import`, while no runner is running.
Result<Image> import_image(const RunnerConfig& config, const std::string& source, const std::string& ref);

}  // namespace dt::runner
