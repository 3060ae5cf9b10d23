// A file that is written aside and appears at commit(): a failure on the way, a full disk too, leaves the old
// file whole, and nobody sees a half-written one. Symbolic links (dangling ones too) are written through;
// where they lead is decided once, at open(), and nothing that becomes a link later is followed. An existing
// file keeps its mode, owner, attributes and other names; a new one gets 0644. What cannot be staged in its
// own directory (one that may not be written to) is staged in $TMPDIR; a device is written at once. All calls
// block and run on a worker, one at a time.
#pragma once
#include <sys/stat.h>

#include <string>

#include "libs/base/fd.h"

namespace dt::daemon {

// Makes the directories above a path.
Status make_parents(const std::string& path, mode_t mode);
std::string parent_of(const std::string& path);  // "." and "/" included

class StagedFile {
 public:
  static Result<StagedFile> open(const std::string& path);
  // What is to be replaced and is there; not_found otherwise.
  static Result<StagedFile> open_existing(const std::string& path);
  StagedFile(StagedFile&&) noexcept;
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile();  // without commit(): as if nothing had happened

  Status write(std::string_view bytes);
  Status commit();

 private:
  enum class Place : uint8_t { beside, elsewhere, itself };
  StagedFile() = default;
  Status locate();
  Status check_existing();
  Status stage();
  bool stage_beside();
  Status link_as(const std::string& name);
  Status replace_existing();
  Status copy_over();
  bool may_replace() const;
  std::unexpected<Error> failed(int err) const;

  std::string shown_;  // as the client wrote it
  Fd directory_;       // of the file, links resolved
  std::string name_;   // in it
  std::string temp_;   // name of the staged file where it has one
  Fd fd_;
  struct stat existing_{};
  bool exists_ = false;
  Place place_ = Place::beside;
};

}  // namespace dt::daemon
