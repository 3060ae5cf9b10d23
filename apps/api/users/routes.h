// GET /users/me (contract api-core §8), for keys too.
#pragma once
#include <vector>

#include "apps/api/pipeline/route.h"
#include "apps/api/users/store.h"

namespace dt::api {

class UserRoutes {
 public:
  explicit UserRoutes(store::Database& db) : db_(db) {}
  std::vector<ApiRoute> table();

 private:
  Result<contract::User> me(Call& call);
  store::Database& db_;
};

}  // namespace dt::api
