// The names in a directory, packed: a directory of a million files costs little more than its names. Blocks.
#pragma once
#include <dirent.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dt::daemon {

class DirectoryNames {
 public:
  // Reads all names from the descriptor's position on, without "." and "..", sorted by bytes. 0 or errno.
  int read(int fd);
  size_t size() const { return entries_.size(); }
  const char* c_name(size_t i) const { return text_.data() + entries_[i].at; }
  std::string_view name(size_t i) const { return {c_name(i), entries_[i].length}; }
  // DT_REG, DT_DIR, …: of the entry itself, links are not followed. DT_UNKNOWN: it is gone.
  unsigned char type(size_t i) const { return entries_[i].type; }

 private:
  struct Entry {
    uint32_t at;
    uint16_t length;
    unsigned char type;
  };
  void add(int fd, std::string_view name, unsigned char type);
  std::string text_;  // each with a NUL behind it
  std::vector<Entry> entries_;
};

}  // namespace dt::daemon
