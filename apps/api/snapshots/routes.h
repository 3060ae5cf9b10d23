// Reading snapshots (contract api-sandbox §14.5).
#pragma once
#include <vector>

#include "apps/api/pipeline/route.h"
#include "apps/api/snapshots/store.h"

namespace dt::api {

class SnapshotRoutes {
 public:
  explicit SnapshotRoutes(store::Database& db) : db_(db) {}
  std::vector<ApiRoute> table();

 private:
  Result<contract::SnapshotPage> list(Call& call);
  Result<contract::Snapshot> get(Call& call);
  store::Database& db_;
};

}  // namespace dt::api
