// A tar stream, plain or compressed (gzip, zstd), read through libarchive. Used inside libs/oci only.
#pragma once
#include <array>
#include <cstdint>
#include <memory>

#include "libs/base/error.h"
#include "libs/oci/digest.h"

struct archive;
struct archive_entry;

namespace dt::oci {

class ArchiveReader {
 public:
  // Both borrowed. `hash` (may be null) sees every byte of the file as it is, compressed.
  ArchiveReader(int fd, Sha256* hash);
  ~ArchiveReader();
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  Status open();
  Result<archive_entry*> next();  // null at the end; valid until the next call
  // The data of the entry into an empty file, holes kept; the bytes in it. More than `limit`:
  // payload_too_large.
  Result<uint64_t> write_data(int fd, uint64_t limit);
  Status drain();  // reads what follows the archive, for the hash

 private:
  Error error() const;
  static long on_read(archive*, void* self, const void** data);

  int fd_;
  Sha256* hash_;
  archive* archive_;
  std::unique_ptr<std::array<char, 256 * 1024>> buffer_ = std::make_unique<std::array<char, 256 * 1024>>();
};

}  // namespace dt::oci
