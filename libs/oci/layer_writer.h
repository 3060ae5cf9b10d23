// Puts the entries of one layer into the tree. Internal to unpack.cc.
#pragma once
#include <map>
#include <string>
#include <unordered_set>

#include "libs/oci/archive.h"
#include "libs/oci/root_tree.h"
#include "libs/oci/unpack.h"

namespace dt::oci {

class LayerWriter {
 public:
  LayerWriter(RootTree& tree, const UnpackLimits& limits, UnpackStats& stats)
      : tree_(tree), limits_(limits), stats_(stats) {}
  Status apply(ArchiveReader& reader, archive_entry* entry, const std::string& path);
  // Directories get their times at the end: filling them changes these.
  Status finish();

 private:
  Status whiteout(const std::string& path, const std::string& parent, const std::string& name);
  Status hide_lower(const std::string& path);
  Status hide_children(const std::string& path);
  Status make(ArchiveReader& reader, archive_entry* entry, const std::string& path);
  Status make_directory_entry(int parent, const std::string& name, archive_entry* entry,
                              const std::string& path);
  Status make_file(ArchiveReader& reader, int parent, const std::string& name, archive_entry* entry);
  Status make_hardlink(int parent, const std::string& name, const char* target);
  Status make_special(int parent, const std::string& name, archive_entry* entry);
  Status clear_the_way(int parent, const std::string& name, bool directory);
  Status set_attributes(int fd, archive_entry* entry);
  Status remember_times(int parent, const std::string& path);
  void remember_path(std::string path);
  uint32_t owner(int64_t id);

  struct Times {
    timespec value[2];
  };
  RootTree& tree_;
  const UnpackLimits& limits_;
  UnpackStats& stats_;
  std::unordered_set<std::string> mine_;  // paths of this layer and what is above them: whiteouts spare them
  std::map<std::string, Times> times_;    // of directories
};

}  // namespace dt::oci
