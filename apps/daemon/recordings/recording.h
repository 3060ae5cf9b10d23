// A recording of the screen: what clients are told of it (toolbox.md §22), and what its file's name says.
#pragma once
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/error.h"

namespace dt::daemon::recordings {

struct Recording {
  std::string id;
  std::string path;
  timespec start{};
  std::optional<timespec> end;  // none: it goes on
  std::string_view status = "completed";
  std::optional<uint64_t> size;
};

std::string file_name(const Recording& recording);
std::string json(const Recording& recording);
std::string list_json(const std::vector<Recording>& all);  // {"recordings":[…]}

// 1 to 100 bytes of letters, digits, white space and "._-", no dot at first and not only white space.
bool valid_label(std::string_view label);
// "<id>_<label>_<YYYYMMDD_HHMMSS>.mp4", UTC.
std::string new_file_name(std::string_view id, std::string_view label, const timespec& start);
// Of a file in the directory of recordings; foreign names get an id made of their path.
std::string id_of(const std::string& path);
// When its name says that it began; none for foreign names.
std::optional<time_t> start_of(std::string_view file_name);

// The .mp4 files of a directory by name, as completed. An absent directory is empty. Blocks.
Result<std::vector<Recording>> stored(const std::string& directory);
// One of them. Fails with not_found. Blocks.
Result<Recording> stored(const std::string& directory, std::string_view id);

}  // namespace dt::daemon::recordings
