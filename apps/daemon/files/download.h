// GET /files/download and POST /files/bulk-download: files go from the disk to the socket without passing
// through memory.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "libs/net/loop.h"
#include "libs/net/router.h"

namespace dt::daemon {

std::vector<Route> download_routes(WorkerPool& pool);  // the pool must outlive the routes

// The two forms of a name in Content-Disposition.
std::string latin1_name(std::string_view name);
// As it is, in UTF-8, with quotes escaped: the key by which SDKs find the part they asked for; old ones read
// nothing else.
std::string quoted_name(std::string_view name);
std::string encoded_name(std::string_view name);

struct ByteRange {
  uint64_t first = 0, length = 0;
};
// Of one "bytes=…" range. nullopt: not usable, send everything; range_not_satisfiable: it lies outside.
Result<std::optional<ByteRange>> parse_range(std::string_view header, uint64_t size);

}  // namespace dt::daemon
