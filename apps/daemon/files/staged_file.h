// A file that is written aside and appears at commit(): a failure on the way leaves the old file whole, and
// nobody sees a half-written one. Symbolic links (dangling ones too) are written through; an existing file
// keeps its mode and owner; a new one gets 0644. Where nothing can be written aside (read-only directory,
// device) it is written in place. All calls block and run on a worker, one at a time.
#pragma once
#include <sys/stat.h>

#include <string>

#include "libs/base/fd.h"

namespace dt::daemon {

class StagedFile {
 public:
  // Missing parents are created with `parent_mode`.
  static Result<StagedFile> open(const std::string& path, mode_t parent_mode);
  StagedFile(StagedFile&&) noexcept;
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile();  // without commit(): as if nothing had happened

  Status write(std::string_view bytes);
  Status commit();

 private:
  StagedFile() = default;
  Status stage();
  Status link_as(const std::string& path);
  Status replace_existing();
  Status copy_in_place();
  bool may_replace() const;

  std::string path_;   // links resolved
  std::string shown_;  // as the client wrote it
  std::string temp_;   // name of the staged file where it has one
  Fd fd_;
  struct stat existing_{};
  bool exists_ = false;
  bool in_place_ = false;
};

}  // namespace dt::daemon
