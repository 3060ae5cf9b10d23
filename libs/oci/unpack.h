// Applies the layers of an image, lowest first, to one directory: whiteouts are carried out, not kept.
// Owners, modes with their set-id bits, times, extended attributes (user.* and file capabilities), hard links
// and holes are kept; device nodes are left out and counted. Needs root. The directory must belong to nobody
// else meanwhile, and is to be thrown away after a failure.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "libs/oci/layout.h"

namespace dt::oci {

struct UnpackLimits {
  uint64_t bytes = 64ull << 30;  // of all files of all layers
  uint64_t entries = 4'000'000;
  uint32_t highest_id = 65535;  // a larger owner becomes 65534 (nobody): a sandbox has 65,536 ids
};

struct UnpackStats {
  uint64_t bytes = 0, entries = 0;
  uint64_t devices_skipped = 0, owners_changed = 0;
};

// One layer from an open blob. Fails with the name of the entry; a wrong digest is found at the end.
Status unpack_layer(const std::string& directory, int blob, const Digest& digest, const UnpackLimits& limits,
                    UnpackStats& stats);
// All layers. Errors name layer and entry. `progress` (may be empty) is called before each layer.
Result<UnpackStats> unpack_image(const Layout& layout, const ResolvedImage& image,
                                 const std::string& directory, const UnpackLimits& limits = {},
                                 const std::function<void(size_t layer)>& progress = {});

}  // namespace dt::oci
