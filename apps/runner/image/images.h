// Images on this runner: imported from an OCI layout directory, an OCI archive or a registry (skopeo is the
// transport), flattened into one directory per manifest digest, so that all sandboxes of an image share its
// page cache. Thread-safe; calls block. An import is staged and renamed into place: a crash leaves it whole
// or absent.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/error.h"

namespace dt::runner {

struct Image {
  std::string ref;     // name it was imported under, e.g. daytonaio/sandbox:0.1.0
  std::string digest;  // sha256:… of the manifest
  std::string rootfs;  // directory with the flattened tree, ids as in the image
  uint64_t bytes = 0;
  // From the image config:
  std::string user, working_dir;
  std::vector<std::string> entrypoint, cmd;
  std::map<std::string, std::string> env;
};

class Images {
 public:
  Images(std::string directory, std::string staging);  // Storage::images_directory(), staging_directory()
  ~Images();
  // By name or by digest (sha256:…), which also finds what has no name any more; not_found.
  Result<Image> find(const std::string& ref) const;
  // `source`: "oci:/path/to/layout[:tag]", "oci-archive:/path.tar", "docker-archive:/path.tar" or
  // "docker://registry/name:tag" (these two through skopeo). A name that exists is moved to the new image.
  Result<Image> import(const std::string& source, const std::string& ref);
  std::vector<Image> list() const;
  // Forgets the name. The files stay until sweep(), because running sandboxes may use them.
  Status remove(const std::string& ref);
  // Deletes images without a name (removed, a tag that moved on, a crash between unpacking and naming),
  // except those whose digests are `in_use` by sandboxes.
  Status sweep(const std::vector<std::string>& in_use);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt::runner
