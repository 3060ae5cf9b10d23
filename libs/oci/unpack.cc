#include "libs/oci/unpack.h"

#include <archive_entry.h>
#include <locale.h>

#include "libs/oci/archive.h"
#include "libs/oci/layer_writer.h"
#include "libs/oci/root_tree.h"

namespace dt::oci {
namespace {

// libarchive converts names between the archive's UTF-8 and the thread's locale; in "C" it would lose what is
// not ASCII.
class Utf8Locale {
 public:
  Utf8Locale()
      : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)),
        before_(locale_ ? uselocale(locale_) : nullptr) {}
  ~Utf8Locale() {
    if (!locale_) return;
    uselocale(before_);
    freelocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t locale_, before_;
};

Status apply_entry(LayerWriter& writer, ArchiveReader& reader, archive_entry* entry) {
  const char* raw = archive_entry_pathname(entry);
  if (!raw) return fail(Code::bad_request, "entry without a readable name");
  auto path = clean_path(raw);
  Status applied = path ? writer.apply(reader, entry, *path) : std::unexpected(path.error());
  if (!applied)
    return std::unexpected(std::move(applied).error().context("entry " + std::string(raw).substr(0, 256)));
  return {};
}

}  // namespace

Status unpack_layer(const std::string& directory, int blob, const Digest& digest, const UnpackLimits& limits,
                    UnpackStats& stats) {
  Utf8Locale locale;
  TRY(auto tree, RootTree::open(directory));
  Sha256 hash;
  ArchiveReader reader(blob, &hash);
  LayerWriter writer(tree, limits, stats);
  TRY_VOID(reader.open());
  for (;;) {
    TRY(archive_entry * entry, reader.next());
    if (!entry) break;
    if (++stats.entries > limits.entries)
      return fail(Code::payload_too_large, "the image has more files than is allowed");
    TRY_VOID(apply_entry(writer, reader, entry));
  }
  TRY_VOID(writer.finish());
  TRY_VOID(reader.drain());
  if (hash.finish() != digest)
    return fail(Code::bad_request, "the layer is damaged: its content has another digest");
  return {};
}

Result<UnpackStats> unpack_image(const Layout& layout, const ResolvedImage& image,
                                 const std::string& directory, const UnpackLimits& limits,
                                 const std::function<void(size_t layer)>& progress) {
  UnpackStats stats;
  for (size_t i = 0; i < image.manifest.layers.size(); ++i) {
    if (progress) progress(i);
    const auto& blob = image.manifest.layers[i].blob;
    auto fd = layout.open_blob(blob);
    Status unpacked =
        fd ? unpack_layer(directory, fd->get(), blob.digest, limits, stats) : std::unexpected(fd.error());
    if (!unpacked)
      return std::unexpected(std::move(unpacked).error().context(
          "unpack layer " + std::to_string(i + 1) + " of " + std::to_string(image.manifest.layers.size())));
  }
  return stats;
}

}  // namespace dt::oci
