// A directory that is being filled from untrusted archives. Every path is resolved as if the directory were
// the root of the file system (openat2 with RESOLVE_IN_ROOT): neither "..", nor a link of the image, nor a
// /proc link leads out of it.
#pragma once
#include <sys/stat.h>

#include <map>
#include <string>
#include <string_view>

#include "libs/base/fd.h"

namespace dt::oci {

// The path of an archive entry in plain form: no leading "/" or "./", no empty or "." parts; "" is the root
// itself. ".." parts, zero bytes and overlong names are refused.
Result<std::string> clean_path(std::string_view raw);
// "a/b/c" -> {"a/b", "c"}
std::pair<std::string, std::string> split_last(const std::string& path);

class RootTree {
 public:
  static Result<RootTree> open(const std::string& directory);
  int root() const { return root_.get(); }

  // The directory that holds an entry; missing ones are made. The descriptor stays valid until the next call.
  Result<int> parent(const std::string& path);
  // An existing directory, through links inside the root. not_found, or ENOTDIR.
  Result<Fd> directory(const std::string& path) const;
  // After something that may have been a directory or a link was removed or replaced.
  void forget_parent() { cached_.reset(); }

 private:
  Result<Fd> make_directories(const std::string& path);
  Fd root_;
  std::string cached_path_;
  Fd cached_;
};

}  // namespace dt::oci
