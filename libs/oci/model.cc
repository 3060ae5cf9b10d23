#include "libs/oci/model.h"

#include "libs/codec/codec.h"

namespace dt::oci {
namespace wire {

struct Platform {
  std::optional<std::string> os, architecture;
};
BOOST_DESCRIBE_STRUCT(Platform, (), (os, architecture))

struct Descriptor {
  std::optional<std::string> mediaType;
  std::string digest;
  uint64_t size = 0;
  std::optional<Platform> platform;
  std::optional<std::map<std::string, std::string>> annotations;
};
BOOST_DESCRIBE_STRUCT(Descriptor, (), (mediaType, digest, size, platform, annotations))

struct Index {
  int64_t schemaVersion = 0;
  std::vector<Descriptor> manifests;
};
BOOST_DESCRIBE_STRUCT(Index, (), (schemaVersion, manifests))

struct Manifest {
  int64_t schemaVersion = 0;
  Descriptor config;
  std::vector<Descriptor> layers;
};
BOOST_DESCRIBE_STRUCT(Manifest, (), (schemaVersion, config, layers))

using Strings = std::optional<std::vector<std::string>>;
struct Execution {
  std::optional<std::string> User, WorkingDir;
  Strings Env, Entrypoint, Cmd;
};
BOOST_DESCRIBE_STRUCT(Execution, (), (User, WorkingDir, Env, Entrypoint, Cmd))

struct RootFs {
  Strings diff_ids;
};
BOOST_DESCRIBE_STRUCT(RootFs, (), (diff_ids))

struct Config {
  std::optional<std::string> os, architecture;
  std::optional<Execution> config;
  std::optional<RootFs> rootfs;
};
BOOST_DESCRIBE_STRUCT(Config, (), (os, architecture, config, rootfs))

}  // namespace wire

namespace {

constexpr size_t kMaxLayers = 512, kMaxIndex = 4096;

Result<void> check_size(std::string_view json) {
  if (json.size() > kMaxDocument) return fail(Code::payload_too_large, "image document larger than 4 MiB");
  return {};
}

Result<Descriptor> convert(const wire::Descriptor& in) {
  TRY(auto digest, Digest::parse(in.digest));
  Descriptor out{in.mediaType.value_or(""), digest, in.size, {}, {}, {}};
  if (in.platform) {
    out.os = in.platform->os.value_or("");
    out.architecture = in.platform->architecture.value_or("");
  }
  if (in.annotations)
    if (auto name = in.annotations->find("org.opencontainers.image.ref.name"); name != in.annotations->end())
      out.ref_name = name->second;
  return out;
}

Result<Compression> compression_of(const std::string& media_type) {
  static const std::map<std::string_view, Compression> known{
      {"application/vnd.oci.image.layer.v1.tar", Compression::none},
      {"application/vnd.oci.image.layer.v1.tar+gzip", Compression::gzip},
      {"application/vnd.oci.image.layer.v1.tar+zstd", Compression::zstd},
      {"application/vnd.oci.image.layer.nondistributable.v1.tar", Compression::none},
      {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Compression::gzip},
      {"application/vnd.docker.image.rootfs.diff.tar", Compression::none},
      {"application/vnd.docker.image.rootfs.diff.tar.gzip", Compression::gzip},
      {"application/vnd.docker.image.rootfs.diff.tar.zstd", Compression::zstd},
      {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Compression::gzip},
  };
  auto it = known.find(media_type);
  if (it == known.end())
    return fail(Code::unsupported_media, "image layer of an unknown type: " + media_type.substr(0, 120));
  return it->second;
}

std::map<std::string, std::string> environment(const wire::Strings& lines) {
  std::map<std::string, std::string> env;
  for (const auto& line : lines.value_or(std::vector<std::string>{}))
    if (size_t equals = line.find('='); equals != line.npos && equals > 0)
      env[line.substr(0, equals)] = line.substr(equals + 1);
  return env;
}

bool has_zero(const std::string& text) { return text.find('\0') != text.npos; }

// A zero byte would cut an argument short where it becomes a C string.
Status refuse_zeros(const ImageConfig& config) {
  bool bad = has_zero(config.user) || has_zero(config.working_dir);
  for (const auto& list : {&config.entrypoint, &config.cmd})
    for (const auto& word : *list) bad |= has_zero(word);
  for (const auto& [name, value] : config.env) bad |= has_zero(name) || has_zero(value);
  return bad ? fail(Code::bad_request, "image configuration with a zero byte in a string") : Status();
}

}  // namespace

bool is_index(std::string_view media_type) {
  return media_type == "application/vnd.oci.image.index.v1+json" ||
         media_type == "application/vnd.docker.distribution.manifest.list.v2+json";
}

Result<std::vector<Descriptor>> parse_index(std::string_view json) {
  TRY_VOID(check_size(json));
  TRY(auto index, decode<wire::Index>(json));
  if (index.manifests.size() > kMaxIndex) return fail(Code::bad_request, "image index with too many entries");
  std::vector<Descriptor> entries;
  for (const auto& one : index.manifests) {
    TRY(auto entry, convert(one));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<Manifest> parse_manifest(std::string_view json) {
  TRY_VOID(check_size(json));
  TRY(auto document, decode<wire::Manifest>(json));
  if (document.schemaVersion != 2)
    return fail(Code::unsupported_media, "image manifest of schema version 1: build the image anew");
  if (document.layers.size() > kMaxLayers) return fail(Code::bad_request, "image with more than 512 layers");
  Manifest manifest;
  TRY(manifest.config, convert(document.config));
  for (const auto& one : document.layers) {
    Layer layer;
    TRY(layer.blob, convert(one));
    TRY(layer.compression, compression_of(layer.blob.media_type));
    manifest.layers.push_back(std::move(layer));
  }
  return manifest;
}

Result<ImageConfig> parse_config(std::string_view json) {
  TRY_VOID(check_size(json));
  TRY(auto document, decode<wire::Config>(json));
  ImageConfig config;
  config.os = document.os.value_or("");
  config.architecture = document.architecture.value_or("");
  if (document.rootfs && document.rootfs->diff_ids) config.layer_count = document.rootfs->diff_ids->size();
  if (document.config) {
    auto& execution = *document.config;
    config.user = execution.User.value_or("");
    config.working_dir = execution.WorkingDir.value_or("");
    config.entrypoint = execution.Entrypoint.value_or(std::vector<std::string>{});
    config.cmd = execution.Cmd.value_or(std::vector<std::string>{});
    config.env = environment(execution.Env);
  }
  TRY_VOID(refuse_zeros(config));
  return config;
}

Result<Descriptor> choose_platform(const std::vector<Descriptor>& entries) {
  std::string offered;
  for (const auto& entry : entries) {
    if (entry.os == "linux" && entry.architecture == "amd64") return entry;
    offered += (offered.empty() ? "" : ", ") + entry.os + "/" + entry.architecture;
  }
  if (entries.size() == 1 && entries[0].os.empty() && entries[0].architecture.empty()) return entries[0];
  return fail(Code::unprocessable, "the image has no variant for linux/amd64 (it offers: " + offered + ")");
}

}  // namespace dt::oci
