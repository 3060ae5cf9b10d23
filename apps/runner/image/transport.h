// Brings an image into an OCI layout directory, whatever it comes from.
#pragma once
#include <string>

#include "libs/base/error.h"

namespace dt::runner {

struct FetchedLayout {
  std::string directory;
  std::string tag;  // in the layout; "" when there is one image
};

// "oci:/path[:tag]" is used where it is; "oci-archive:/path[:tag]", "docker://…",
// "docker-archive:/path[:ref]" are brought into `staging`, an empty directory that the caller removes.
Result<FetchedLayout> fetch_image(const std::string& source, const std::string& staging);

}  // namespace dt::runner
