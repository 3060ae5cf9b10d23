// The one place where errors become answers: the envelope of contract api-core §4.1 plus `code` and `source`.
#pragma once
#include <string_view>

#include "libs/base/clock.h"
#include "libs/base/error.h"
#include "libs/net/http.h"

namespace dt::api {
// `target` is the request target with its query. The text of internal and io errors is not shown.
Response error_response(const Error& error, std::string_view target, Wall now);
// True when the text is for the log only.
bool is_hidden(const Error& error);
}  // namespace dt::api
