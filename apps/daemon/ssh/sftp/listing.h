// What a directory listing shows of one entry, like `ls -l`. Names of users and groups come from the files of
// /etc, read once.
#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace dt::ssh {

class Listing {
 public:
  std::string line(std::string_view name, const struct stat& st);

 private:
  using Names = std::map<uint32_t, std::string>;
  static std::string name_of(uint32_t id, const char* file, Names& names);
  Names users_, groups_;
};

}  // namespace dt::ssh
