#include "apps/api/sandbox/activity.h"

namespace dt::api {
namespace {

constexpr size_t kMostUnknown =
    100'000;  // ids are not checked here: a bound for what a confused proxy could send

Status write_activity(store::Txn& txn, const std::unordered_map<SandboxId, Wall>& noted, Effects& effects) {
  for (const auto& [id, at] : noted) {
    TRY(auto record, find_sandbox(txn, id));
    if (!record || record->state == SandboxState::destroyed || record->last_activity_at >= at) continue;
    record->last_activity_at = at;
    TRY_VOID(save_sandbox(txn, *record));
    effects.touched.push_back(id);
  }
  return {};
}

}  // namespace

void Activity::note(const SandboxId& id) {
  if (noted_.size() >= kMostUnknown) return;
  Wall now = ledger_.clock().wall();
  Wall& at = noted_[id];
  at = std::max(at, now);
}

Task<Status> Activity::flush() {
  if (noted_.empty()) co_return Status{};
  auto batch = std::exchange(noted_, {});
  auto done = co_await ledger_.write(
      [batch = std::move(batch)](store::Txn& txn, const WriteContext&, SandboxRecord&, Effects& effects) {
        return write_activity(txn, batch, effects);
      });
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return Status{};
}

}  // namespace dt::api
