// The API and the toolbox as the commands see them: one call, one JSON answer, errors in the words a user
// reads.
#pragma once
#include <boost/json/value.hpp>
#include <string>

#include "apps/cli/settings.h"
#include "libs/net/http_client.h"

namespace dt::cli {

// What a failed answer says: `error`: `message`, with a hint for 401 and 403 (contract clients.md §5.3).
Error error_of_answer(int status, std::string_view body);

class Api {
 public:
  // Commands wait by running the loop; one thread, one call after the other unless they use start().
  Api(Loop& loop, Settings settings) : loop_(loop), settings_(std::move(settings)) {}

  // `path` begins after the base URL ("/sandbox?limit=2"). `body` empty: none is sent. An empty answer gives
  // null.
  Task<Result<boost::json::value>> start(std::string method, std::string path, std::string body = {});
  Result<boost::json::value> call(std::string method, std::string path, std::string body = {});
  // The same against another base URL, such as toolboxProxyUrl.
  Result<boost::json::value> call_at(std::string base, std::string method, std::string path,
                                     std::string body = {});
  Loop& loop() { return loop_; }

 private:
  Task<Result<boost::json::value>> exchange(std::string base, std::string method, std::string path,
                                            std::string body);

  Loop& loop_;
  Settings settings_;
  HttpClient client_;
};

}  // namespace dt::cli
