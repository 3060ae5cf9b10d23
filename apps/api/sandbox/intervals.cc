#include "apps/api/sandbox/intervals.h"

#include <algorithm>

#include "apps/api/runners/store.h"
#include "libs/base/log.h"

namespace dt::api {
namespace {

using namespace std::chrono_literals;
using S = SandboxState;

constexpr Millis kLongestSleep = 60s;
constexpr Millis kAgain = 10s;  // when a rule is due but cannot act now
constexpr int64_t kBatch = 100;

std::optional<SandboxEvent> rule_for(const SandboxRecord& r, Wall now) {
  if (r.hidden()) return SandboxEvent::delete_requested;
  if (r.auto_destroy_at && *r.auto_destroy_at <= now) return SandboxEvent::ttl_expired;
  if (r.state == S::started) return SandboxEvent::auto_stop_due;
  if (r.state == S::stopped) return SandboxEvent::auto_delete_due;
  return std::nullopt;
}

Result<bool> runner_ready(store::Reader& db, const SandboxRecord& r, const WriteContext& context) {
  if (!r.runner) return false;
  TRY(auto runner, find_runner(db, RunnerId(*r.runner)));
  return runner && runner_state(*runner, context.now, context.api_started) == "ready";
}

bool dead(const SandboxRecord& r) {
  return r.state == S::destroyed || (r.state == S::build_failed && !r.runner);
}

// What is due for one sandbox, if it still is.
Status handle_due(store::Txn& txn, const WriteContext& context, const SandboxId& id, Effects& effects) {
  TRY(auto record, find_sandbox(txn, id));
  if (!record) return {};
  auto due = next_due(*record);
  if (!due) return save_sandbox(txn, *record);
  if (*due > context.now) return set_next_due(txn, id, *due);
  if (dead(*record)) {
    effects.removed.push_back(id);
    return remove_sandbox(txn, id);
  }
  auto event = rule_for(*record, context.now);
  bool wait_for_runner = event == SandboxEvent::auto_stop_due || event == SandboxEvent::auto_delete_due;
  if (wait_for_runner) {
    TRY(bool ready, runner_ready(txn, *record, context));
    if (!ready) event.reset();
  }
  size_t before = effects.changes.size();
  if (event) {
    Status done = handle_event(txn, context, *record, *event, effects);
    if (!done && done.error().code != Code::cancelled && done.error().code != Code::conflict) return done;
  }
  return effects.changes.size() != before ? Status{} : set_next_due(txn, id, context.now + kAgain);
}

}  // namespace

void Intervals::look_at(Wall due) {
  if (earliest_ && *earliest_ <= due) return;
  earliest_ = due;
  changed_.set();
}

Task<Status> Intervals::tick() {
  auto flushed = co_await activity_.flush();
  if (!flushed) co_return flushed;
  for (;;) {
    Wall now = ledger_.clock().wall();
    auto due = ledger_.db().read([=](store::Reader& r) { return due_sandboxes(r, now, kBatch); });
    if (!due) co_return std::unexpected(std::move(due).error());
    if (due->empty()) break;
    auto done = co_await ledger_.write([ids = std::move(*due)](store::Txn& txn, const WriteContext& context,
                                                               SandboxRecord&, Effects& effects) -> Status {
      for (const SandboxId& id : ids) TRY_VOID(handle_due(txn, context, id, effects));
      return {};
    });
    if (!done) co_return std::unexpected(std::move(done).error());
  }
  auto next = ledger_.db().read([](store::Reader& r) { return earliest_due(r); });
  if (!next) co_return std::unexpected(std::move(next).error());
  earliest_ = *next;
  co_return Status{};
}

Millis Intervals::until_next() const {
  Millis wait = kLongestSleep;
  if (!activity_.empty()) wait = std::min(wait, ledger_.settings().activity_flush);
  if (earliest_) wait = std::min(wait, *earliest_ - ledger_.clock().wall());
  return std::max(wait, Millis(10));
}

Task<void> Intervals::run(CancelSource cancel) {
  size_t on_cancel = cancel.on_cancel([this] { changed_.set(); });
  Mono next_flush = after(ledger_.settings().activity_flush);
  earliest_ = ledger_.clock().wall();  // look at the store first
  while (!cancel.cancelled()) {
    changed_.reset();
    Mono wake = std::min(after(until_next()), next_flush);
    co_await changed_.wait(wake);
    if (cancel.cancelled()) break;
    Status done{};
    if (earliest_ && *earliest_ <= ledger_.clock().wall()) {
      done = co_await tick();
    } else if (after(0s) >= next_flush) {
      done = co_await activity_.flush();
    }
    if (after(0s) >= next_flush) next_flush = after(ledger_.settings().activity_flush);
    if (!done) {
      log::error("intervals", {{"error", done.error().message}});
      co_await Loop::current().sleep_for(1s);
    }
  }
  cancel.remove(on_cancel);
  co_await activity_.flush();
}

}  // namespace dt::api
