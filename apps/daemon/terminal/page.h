// The files of the web terminal's page, embedded at build time: the page itself as it is, libraries
// compressed.
#pragma once
#include "libs/net/http.h"

namespace dt::daemon {

// 404 for other paths; 406 for a compressed file when the client takes no gzip.
Response terminal_file(const Request& request);

}  // namespace dt::daemon
