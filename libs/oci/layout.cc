#include "libs/oci/layout.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "libs/base/tree.h"
#include "libs/oci/archive.h"

namespace dt::oci {
namespace {

constexpr int kMaxNesting = 4;

Result<Descriptor> choose_named(std::vector<Descriptor> entries, const std::string& tag) {
  if (!tag.empty()) std::erase_if(entries, [&](const Descriptor& entry) { return entry.ref_name != tag; });
  if (entries.empty())
    return fail(Code::not_found, "the layout has no image" + (tag.empty() ? "" : " named " + tag));
  if (entries.size() == 1) return entries[0];
  return choose_platform(entries);
}

// Names that an OCI archive may contain; everything else in it is skipped.
bool layout_name(std::string_view name) {
  if (name == "index.json" || name == "oci-layout") return true;
  return name.starts_with("blobs/sha256/") && Digest::parse("sha256:" + std::string(name.substr(13)));
}

}  // namespace

Result<Layout> Layout::open(const std::string& directory) {
  TRY(auto marker, read_file(directory + "/oci-layout", 4096));
  Layout layout;
  layout.directory_ = directory;
  return layout;
}

Result<Fd> Layout::open_blob(const Descriptor& descriptor) const {
  TRY(auto fd,
      open_file((directory_ + "/blobs/sha256/" + descriptor.digest.hex()).c_str(), O_RDONLY | O_NOFOLLOW));
  struct stat st{};
  if (fstat(fd.get(), &st) < 0) return fail_errno("stat blob");
  if (!S_ISREG(st.st_mode) || static_cast<uint64_t>(st.st_size) != descriptor.size)
    return fail(Code::bad_request,
                "blob " + descriptor.digest.str() + " does not have the size that the manifest says");
  return fd;
}

Result<std::string> Layout::read_document(const Descriptor& descriptor) const {
  if (descriptor.size > kMaxDocument)
    return fail(Code::payload_too_large, "image document larger than 4 MiB");
  TRY(auto fd, open_blob(descriptor));
  TRY(auto bytes, read_all(fd.get(), kMaxDocument));
  if (Digest::of(bytes) != descriptor.digest)
    return fail(Code::bad_request,
                "blob " + descriptor.digest.str() + " is damaged: its content has another digest");
  return bytes;
}

Result<ResolvedImage> Layout::resolve(const std::string& tag) const {
  TRY(auto top, read_file(directory_ + "/index.json", kMaxDocument));
  TRY(auto entries, parse_index(top));
  TRY(auto chosen, choose_named(std::move(entries), tag));
  for (int depth = 0; is_index(chosen.media_type); ++depth) {
    if (depth == kMaxNesting) return fail(Code::bad_request, "image indexes nested too deeply");
    TRY(auto nested, read_document(chosen));
    TRY(auto variants, parse_index(nested));
    TRY(chosen, choose_platform(variants));
  }
  TRY(auto manifest_json, read_document(chosen));
  TRY(auto manifest, parse_manifest(manifest_json));
  TRY(auto config_json, read_document(manifest.config));
  TRY(auto config, parse_config(config_json));
  if (!config.os.empty() && config.os != "linux")
    return fail(Code::unprocessable, "the image is for " + config.os + ", not Linux");
  if (!config.architecture.empty() && config.architecture != "amd64")
    return fail(Code::unprocessable, "the image is for " + config.architecture + ", this machine is amd64");
  return ResolvedImage{chosen.digest, std::move(manifest), std::move(config)};
}

Status extract_archive(const std::string& archive, const std::string& directory) {
  TRY_VOID(make_directory(directory + "/blobs", 0700));
  TRY_VOID(make_directory(directory + "/blobs/sha256", 0700));
  TRY(auto file, open_file(archive.c_str(), O_RDONLY));
  ArchiveReader reader(file.get(), nullptr);
  TRY_VOID(reader.open());
  for (;;) {
    TRY(archive_entry * entry, reader.next());
    if (!entry) return {};
    const char* raw = archive_entry_pathname(entry);
    std::string_view name = raw ? raw : "";
    if (name.starts_with("./")) name.remove_prefix(2);
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) || !layout_name(name))
      continue;
    TRY(auto out, open_file((directory + "/" + std::string(name)).c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY_VOID(reader.write_data(out.get(), UINT64_MAX));
  }
}

}  // namespace dt::oci
