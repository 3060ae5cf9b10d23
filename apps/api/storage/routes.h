// Container registries and object storage of an organization (contract api-core §15, §16), as a server
// answers that has neither configured.
#pragma once
#include <vector>

#include "apps/api/pipeline/route.h"

namespace dt::api {

class StorageRoutes {
 public:
  std::vector<ApiRoute> table();

 private:
  Result<boost::json::array> registries(Call& call);
  Result<boost::json::object> registry(Call& call);
  Result<boost::json::object> push_access(Call& call);
};

}  // namespace dt::api
