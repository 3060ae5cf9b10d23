// Error answers of the toolbox: always the filled shape (statusCode, message, code, source, timestamp, path,
// method). An Error with a wire_code of its own is sent with its message as it is; others get the prefix of
// their kind
// ("bad request: …") and the code of the table.
#pragma once
#include "libs/base/error.h"
#include "libs/net/http.h"

namespace dt::daemon {

Response error_response(const Request& request, const Error& error);
// The JSON object alone, for bodies that carry more; `path` and `method` are what the client asked for.
std::string error_json(int status, std::string_view code, std::string_view message, std::string_view path,
                       std::string_view method);
// The members of error_json without the braces.
std::string error_members(int status, std::string_view code, std::string_view message, std::string_view path,
                          std::string_view method);

Response json_response(int status, std::string body);
Response not_routed();  // 404 "404 page not found" as text

}  // namespace dt::daemon
