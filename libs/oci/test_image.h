// Builds tars, layers and layouts for tests.
#pragma once
#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "libs/oci/digest.h"

namespace dt::oci::testing {

class Tar {
 public:
  enum class Filter { none, gzip, zstd };
  explicit Tar(Filter filter = Filter::none) : archive_(archive_write_new()) {
    archive_write_set_format_pax_restricted(archive_);
    if (filter == Filter::gzip) archive_write_add_filter_gzip(archive_);
    if (filter == Filter::zstd) archive_write_add_filter_zstd(archive_);
    archive_write_set_bytes_in_last_block(archive_, 1);  // no padding behind the compressed stream
    archive_write_open(archive_, this, nullptr, append, nullptr);
  }
  ~Tar() { archive_write_free(archive_); }

  struct Entry {
    std::string path;
    std::string data = {};
    unsigned mode = 0644;
    int64_t uid = 0, gid = 0;
    mode_t type = AE_IFREG;
    std::string link = {};  // symbolic, or hard with type 0
    std::vector<std::pair<std::string, std::string>> xattrs = {};
    int64_t mtime = 1'600'000'000;
  };
  Tar& add(const Entry& e) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, e.path.c_str());
    archive_entry_set_uid(entry, e.uid);
    archive_entry_set_gid(entry, e.gid);
    archive_entry_set_mtime(entry, e.mtime, 0);
    archive_entry_set_filetype(entry, e.type ? e.type : static_cast<mode_t>(AE_IFREG));
    archive_entry_set_perm(entry, e.mode);
    archive_entry_set_size(entry, static_cast<int64_t>(e.data.size()));
    if (e.type == AE_IFLNK) archive_entry_set_symlink(entry, e.link.c_str());
    if (!e.type) archive_entry_set_hardlink(entry, e.link.c_str());
    for (const auto& [name, value] : e.xattrs)
      archive_entry_xattr_add_entry(entry, name.c_str(), value.data(), value.size());
    archive_write_header(archive_, entry);
    archive_write_data(archive_, e.data.data(), e.data.size());
    archive_entry_free(entry);
    return *this;
  }
  Tar& file(const std::string& path, const std::string& data, unsigned mode = 0644, int64_t uid = 0,
            int64_t gid = 0) {
    return add({.path = path, .data = data, .mode = mode, .uid = uid, .gid = gid});
  }
  Tar& dir(const std::string& path, unsigned mode = 0755, int64_t uid = 0, int64_t gid = 0) {
    return add({.path = path, .mode = mode, .uid = uid, .gid = gid, .type = AE_IFDIR});
  }
  Tar& symlink(const std::string& path, const std::string& to) {
    return add({.path = path, .mode = 0777, .type = AE_IFLNK, .link = to});
  }
  Tar& hardlink(const std::string& path, const std::string& to) {
    return add({.path = path, .type = 0, .link = to});
  }
  std::string finish() {
    archive_write_close(archive_);
    return bytes_;
  }

 private:
  static la_ssize_t append(archive*, void* self, const void* data, size_t size) {
    static_cast<Tar*>(self)->bytes_.append(static_cast<const char*>(data), size);
    return static_cast<la_ssize_t>(size);
  }
  archive* archive_;
  std::string bytes_;
};

// A layout directory with one image per finish().
class LayoutBuilder {
 public:
  explicit LayoutBuilder(std::string directory) : directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_ + "/blobs/sha256");
    std::ofstream(directory_ + "/oci-layout") << R"({"imageLayoutVersion":"1.0.0"})";
  }
  std::string blob(const std::string& bytes, const std::string& media_type, const std::string& extra = "") {
    Digest digest = Digest::of(bytes);
    std::ofstream(directory_ + "/blobs/sha256/" + digest.hex(), std::ios::binary) << bytes;
    return fmt::format(R"({{"mediaType":"{}","digest":"{}","size":{}{}}})", media_type, digest.str(),
                       bytes.size(), extra);
  }
  LayoutBuilder& layer(const std::string& bytes, const std::string& suffix = "") {
    layers_ += (layers_.empty() ? "" : ",") + blob(bytes, "application/vnd.oci.image.layer.v1.tar" + suffix);
    diff_ids_ +=
        (diff_ids_.empty() ? "\"" : ",\"") + Digest::of(bytes).str() + "\"";  // right for uncompressed ones
    return *this;
  }
  // The descriptor of the manifest.
  std::string manifest(const std::string& execution = "{}", const std::string& architecture = "amd64",
                       const std::string& extra = "") {
    std::string config = fmt::format(
        R"({{"os":"linux","architecture":"{}","config":{},"rootfs":{{"type":"layers","diff_ids":[{}]}}}})",
        architecture, execution, diff_ids_);
    std::string document = fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[{}]}})",
                                       blob(config, "application/vnd.oci.image.config.v1+json"), layers_);
    return blob(document, "application/vnd.oci.image.manifest.v1+json", extra);
  }
  void index(const std::string& descriptors) {
    std::ofstream(directory_ + "/index.json") << R"({"schemaVersion":2,"manifests":[)" << descriptors << "]}";
  }
  void finish(const std::string& tag, const std::string& execution = "{}") {
    index(manifest(execution, "amd64",
                   R"(,"annotations":{"org.opencontainers.image.ref.name":")" + tag + "\"}"));
  }

 private:
  std::string directory_, layers_, diff_ids_;
};

}  // namespace dt::oci::testing
