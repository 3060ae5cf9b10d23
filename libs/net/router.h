// Routes as data: a table of {method, pattern, handler}. Patterns are matched on the raw path split at '/',
// segments are percent-decoded afterwards, so "%2F" inside a name does not split it. "{name}" matches one
// segment, "{name...}" the rest.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "libs/net/http.h"

namespace dt {

struct Route {
  std::string method;   // "*" for any
  std::string pattern;  // "/sandbox/{id}/start"
  Handler handler;
  size_t tag = 0;  // the caller's own; the router does not look at it
};

class Router {
 public:
  explicit Router(std::vector<Route> routes, bool ignore_case = false);  // CHECKs duplicates
  ~Router();
  struct Match {
    const Route* route = nullptr;
    bool path_known = false;  // the path exists with another method
  };
  // Fills request.params. Malformed percent-encoding gives bad_request. A trailing slash is ignored.
  Result<Match> match(Request& request) const;

 private:
  struct Node;
  std::vector<Route> routes_;
  std::unique_ptr<Node> root_;
  bool ignore_case_;
};

}  // namespace dt
