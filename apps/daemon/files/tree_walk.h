// A walk over a directory and everything below it, depth first, in the order of names. Every step is relative
// to the descriptor of the directory above and no link is followed, so that nobody can lead it elsewhere by
// putting a link where a directory was. Blocks.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "apps/daemon/files/directory_names.h"
#include "libs/base/fd.h"

namespace dt::daemon {

// Why a walk, or what was made of it, is over before its end. Shared with whoever wants to end it.
struct Ended {
  std::atomic<bool> now{false};
};

struct OpenDirectory {
  Fd fd;
  std::string path;  // as the client gave the root, joined with what is below
  DirectoryNames names;
};

class TreeVisitor {
 public:
  virtual ~TreeVisitor() = default;
  // The entries [from, to) of a directory. A directory among them is the last; what is in it comes next.
  virtual void visit(const std::shared_ptr<const OpenDirectory>& directory, size_t from, size_t to) = 0;
};

// What cannot be read is left out. False: something was left out for lack of descriptors, or because it is
// deeper than a thousand levels.
bool walk_tree(Fd directory, const std::string& path, TreeVisitor& visitor, const Ended& ended);

enum class RootKind { none, file, directory };
struct Root {
  RootKind kind = RootKind::none;  // none: missing, a link, neither file nor directory
  Fd fd;
};
// Opens for reading; special files are not touched.
Root open_root(const std::string& path);

}  // namespace dt::daemon
