// Answers of computer use: errors carry "error" for older clients beside the members of every toolbox error
// (toolbox §4.2, shape C).
#pragma once
#include "libs/base/error.h"
#include "libs/net/http.h"

namespace dt::desktop {

// The message goes out as it is, under "error" and "message".
Response failure(const Request& request, const Error& error);

}  // namespace dt::desktop
