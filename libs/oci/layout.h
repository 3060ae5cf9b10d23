// An image in an OCI layout directory: index.json and blobs/sha256/*. Documents are verified against their
// digest when they are read; layers while they are unpacked.
#pragma once
#include <string>

#include "libs/base/fd.h"
#include "libs/oci/model.h"

namespace dt::oci {

struct ResolvedImage {
  Digest digest;  // of the manifest
  Manifest manifest;
  ImageConfig config;
};

class Layout {
 public:
  static Result<Layout> open(const std::string& directory);
  // The image named `tag` in the index; the only image when the tag is empty. Goes down through nested
  // indexes to linux/amd64.
  Result<ResolvedImage> resolve(const std::string& tag) const;
  // Opened without following links; its size is that of the descriptor.
  Result<Fd> open_blob(const Descriptor& descriptor) const;

 private:
  Result<std::string> read_document(const Descriptor& descriptor) const;
  std::string directory_;
};

// Unpacks an OCI archive (a tar of a layout) into an empty directory. Only the names of a layout are taken.
Status extract_archive(const std::string& archive, const std::string& directory);

}  // namespace dt::oci
