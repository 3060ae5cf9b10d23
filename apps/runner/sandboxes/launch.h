// From a spec, an image, a disk and a network slot to what the engine launches. Pure but for listen_unix.
#pragma once
#include "apps/runner/engine/engine.h"
#include "apps/runner/image/images.h"
#include "apps/runner/network/network.h"
#include "apps/runner/sandboxes/record.h"
#include "apps/runner/storage/storage.h"

namespace dt::runner {

Limits limits_of(const SandboxSpec& spec);
LaunchSpec launch_spec(const SandboxSpec& spec, const Image& image, const Disk& disk, const NetworkSlot& slot,
                       const std::string& resolv_conf);
// The socket the daemon serves on, bound by the runner so that requests may arrive before the daemon runs.
// Replaces an old one.
Result<Fd> listen_unix(const std::string& path);

}  // namespace dt::runner
