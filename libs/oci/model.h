// The JSON documents of an image: index, manifest, configuration; OCI and Docker v2 schema 2 alike. Parsed
// from untrusted bytes: sizes, digests and counts are checked here, so that what comes out can be used.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/error.h"
#include "libs/oci/digest.h"

namespace dt::oci {

struct Descriptor {
  std::string media_type;
  Digest digest;
  uint64_t size = 0;
  std::string os, architecture;  // of an index entry, may be empty
  std::string ref_name;          // annotation org.opencontainers.image.ref.name
};

enum class Compression { none, gzip, zstd };

struct Layer {
  Descriptor blob;
  Compression compression = Compression::none;
};

struct Manifest {
  Descriptor config;
  std::vector<Layer> layers;
};

struct ImageConfig {
  std::string os, architecture;
  std::string user, working_dir;
  std::vector<std::string> entrypoint, cmd;
  std::map<std::string, std::string> env;  // of "A=b"; entries without '=' are left out
  size_t layer_count = 0;                  // rootfs.diff_ids
};

inline constexpr size_t kMaxDocument = 4u << 20;

bool is_index(std::string_view media_type);
Result<std::vector<Descriptor>> parse_index(std::string_view json);
Result<Manifest> parse_manifest(std::string_view json);
Result<ImageConfig> parse_config(std::string_view json);
// The entry for linux/amd64; the only entry when it names no platform.
Result<Descriptor> choose_platform(const std::vector<Descriptor>& entries);

}  // namespace dt::oci
