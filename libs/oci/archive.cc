#include "libs/oci/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include <cerrno>

namespace dt::oci {

ArchiveReader::ArchiveReader(int fd, Sha256* hash) : fd_(fd), hash_(hash), archive_(archive_read_new()) {
  CHECK(archive_ != nullptr);
  archive_read_support_format_tar(archive_);
  archive_read_support_filter_gzip(archive_);
  archive_read_support_filter_zstd(archive_);
}

ArchiveReader::~ArchiveReader() { archive_read_free(archive_); }

long ArchiveReader::on_read(archive* a, void* context, const void** data) {
  auto* self = static_cast<ArchiveReader*>(context);
  for (;;) {
    ssize_t n = read(self->fd_, self->buffer_->data(), self->buffer_->size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) archive_set_error(a, errno, "read failed");
    if (n > 0 && self->hash_) self->hash_->update(self->buffer_->data(), static_cast<size_t>(n));
    *data = self->buffer_->data();
    return n;
  }
}

Error ArchiveReader::error() const {
  const char* text = archive_error_string(archive_);
  return {Code::bad_request,
          std::string("not a readable tar archive: ") + (text ? text : "unknown error"),
          {},
          0};
}

Status ArchiveReader::open() {
  if (archive_read_open(archive_, this, nullptr, on_read, nullptr) != ARCHIVE_OK)
    return std::unexpected(error());
  return {};
}

Result<archive_entry*> ArchiveReader::next() {
  archive_entry* entry = nullptr;
  int rc = archive_read_next_header(archive_, &entry);
  if (rc == ARCHIVE_EOF) return nullptr;
  if (rc < ARCHIVE_WARN) return std::unexpected(error());
  return entry;
}

Result<uint64_t> ArchiveReader::write_data(int fd, uint64_t limit) {
  uint64_t end = 0;
  for (;;) {
    const void* data = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    int rc = archive_read_data_block(archive_, &data, &size, &offset);
    if (rc == ARCHIVE_EOF) break;
    if (rc < ARCHIVE_WARN) return std::unexpected(error());
    if (offset < 0 || size > limit || static_cast<uint64_t>(offset) > limit - size)
      return fail(Code::payload_too_large, "more data than is allowed");
    for (size_t done = 0; done < size;) {
      ssize_t n =
          pwrite(fd, static_cast<const char*>(data) + done, size - done, offset + static_cast<off_t>(done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_errno("write");
      done += static_cast<size_t>(n);
    }
    end = static_cast<uint64_t>(offset) + size;
  }
  return end;
}

Status ArchiveReader::drain() {
  for (;;) {
    ssize_t n = read(fd_, buffer_->data(), buffer_->size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read layer");
    if (n == 0) return {};
    if (hash_) hash_->update(buffer_->data(), static_cast<size_t>(n));
  }
}

}  // namespace dt::oci
