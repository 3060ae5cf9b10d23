// Literal replacement in files, with memory that does not grow with them. Blocks.
#pragma once
#include <string>
#include <vector>

#include "apps/daemon/files/tree_walk.h"

namespace dt::daemon {

struct ReplaceQuery {
  std::vector<std::string> files;
  std::string pattern, value;
  std::shared_ptr<Ended> ended = std::make_shared<Ended>();  // set it to stop: no further file is changed
};

// JSON array of {file,success,error?} in the order of `files`. A file is changed as a whole or not at all.
std::string replace_json(const ReplaceQuery& query);

}  // namespace dt::daemon
