// Reading volumes (contract api-sandbox §17). There is no object storage in this server yet, and so no
// volume.
#pragma once
#include <vector>

#include "apps/api/pipeline/route.h"
#include "libs/contract/platform.h"

namespace dt::api {

class VolumeRoutes {
 public:
  std::vector<ApiRoute> table();

 private:
  Result<std::vector<contract::Volume>> list(Call& call);
  Result<contract::Volume> get(Call& call);
  Result<contract::Volume> by_name(Call& call);
  Result<contract::Volume> create(Call& call);
};

}  // namespace dt::api
