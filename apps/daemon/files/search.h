// Search by content (find) and by name (search). Both follow no links, skip what cannot be read, and keep the
// order of a walk by names. They block: run them on a worker of `pool`, which must be theirs alone, for a
// search keeps other workers busy too.
#pragma once
#include <memory>
#include <string>

#include "apps/daemon/files/answer_file.h"
#include "apps/daemon/files/tree_walk.h"
#include "libs/net/loop.h"

namespace dt::daemon {

struct SearchQuery {
  std::string root, pattern;
  std::shared_ptr<Ended> ended = std::make_shared<Ended>();  // set it to end the search early
  size_t answer_limit = 64u << 20;                           // bytes; beyond, the answer is truncated
};

// JSON array of {file,line,content} for every line that contains the pattern.
Response find_in_files(const SearchQuery& query, WorkerPool& pool);
// JSON {"files":[…]} of the names that match the glob.
Response search_names(const SearchQuery& query, WorkerPool& pool);

}  // namespace dt::daemon
