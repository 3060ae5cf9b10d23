// SQL of snapshots. Functions take a Reader or a Txn, so that other features use them inside their own
// transactions.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "apps/api/snapshots/model.h"
#include "libs/store/db.h"

namespace dt::api {

// By id, then by name: the organization's own in any state, else a general one. nullopt: not there or not
// visible.
Result<std::optional<SnapshotRecord>> find_snapshot(store::Reader& db, const OrganizationId& organization,
                                                    std::string_view id_or_name);
Status insert_snapshot(store::Txn& txn, const SnapshotRecord& record);
// Notes a use, at most once a minute per snapshot.
Status touch_snapshot(store::Txn& txn, const SnapshotId& id, Wall now);

struct SnapshotQuery {
  int64_t page = 1, limit = 100;
  std::string name;                 // part of the name, any case; empty: all
  std::string sort = "lastUsedAt";  // name state lastUsedAt createdAt
  bool descending = true;
};
struct SnapshotRows {
  std::vector<SnapshotRecord> items;
  int64_t total = 0;
};
Result<SnapshotRows> list_snapshots(store::Reader& db, const OrganizationId& organization,
                                    const SnapshotQuery& query);

}  // namespace dt::api
