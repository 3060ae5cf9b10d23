// The loop-mounted btrfs file: made once, attached and mounted when it is not, found again after a restart.
#pragma once
#include <cstdint>
#include <string>

#include "libs/base/error.h"

namespace dt::runner {

// Afterwards `mount_point` is the btrfs inside `image`. A new image is made aside and renamed: it is whole or
// absent.
Status mount_loop_pool(const std::string& image, const std::string& mount_point, uint64_t bytes);
bool is_mount_point(const std::string& path);

}  // namespace dt::runner
