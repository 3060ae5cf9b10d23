// SQL of sandbox records. One writer thread runs all transactions, so a record that was read inside one
// cannot change before it is written back.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/api/sandbox/model.h"
#include "libs/store/db.h"

namespace dt::api {

// Columns in the order in which sandbox_from_row() reads them.
extern const std::string kSandboxColumns;
SandboxRecord sandbox_from_row(const store::Row& row);

Result<std::optional<SandboxRecord>> find_sandbox(store::Reader& db, const SandboxId& id);
// By id, then by name, within the organization; hidden ones are not found.
Result<std::optional<SandboxRecord>> find_sandbox(store::Reader& db, const OrganizationId& organization,
                                                  std::string_view id_or_name);
Result<std::vector<SandboxRecord>> sandboxes_of_runner(store::Reader& db, std::string_view runner);
// What is linked to it and not on its way out.
Result<std::vector<SandboxRecord>> followers_of(store::Reader& db, const SandboxId& owner);
Result<std::vector<SandboxRecord>> pending_sandboxes(store::Reader& db);

// conflict when the organization has another one of this name.
Status insert_sandbox(store::Txn& txn, const SandboxRecord& record);
Status save_sandbox(store::Txn& txn, const SandboxRecord& record);
Status remove_sandbox(store::Txn& txn, const SandboxId& id);

// Rules of time. The column next_due is derived from the record by next_due() on every write.
std::optional<Wall> next_due(const SandboxRecord& record);
Result<std::optional<Wall>> earliest_due(store::Reader& db);
Result<std::vector<SandboxId>> due_sandboxes(store::Reader& db, Wall now, int64_t limit);
Status set_next_due(store::Txn& txn, const SandboxId& id, Wall due);

struct Usage {
  int64_t cpu = 0, memory = 0, disk = 0, gpu = 0;
};
// What the organization holds in a region, without the sandbox `except`.
Result<Usage> usage_of(store::Reader& db, const OrganizationId& organization, std::string_view region,
                       const SandboxId& except);

}  // namespace dt::api
