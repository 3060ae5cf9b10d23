#include "apps/proxy/activity.h"

#include "libs/base/log.h"

namespace dt::proxy {

using namespace std::chrono_literals;

Activity::Use Activity::begin(const std::string& sandbox) {
  Item& item = items_[sandbox];
  ++item.uses;
  item.dirty = true;
  if (items_.size() == 1) used_.set();
  return Use(this, sandbox);
}

void Activity::end(const std::string& sandbox) {
  auto it = items_.find(sandbox);
  if (it == items_.end()) return;
  --it->second.uses;
  it->second.dirty = true;
}

Task<void> Activity::report(bool all) {
  Mono now = system_clock().mono();
  std::vector<std::string> due;
  for (auto it = items_.begin(); it != items_.end();) {
    Item& item = it->second;
    bool old = now - item.reported >= config_.activity_interval;
    if ((item.dirty || item.uses > 0) && (old || all)) {
      due.push_back(it->first);
      item.reported = now;
      item.dirty = false;
    }
    // Nothing to say and nothing remembered that matters.
    it = item.uses == 0 && !item.dirty && old ? items_.erase(it) : std::next(it);
  }
  for (const std::string& sandbox : due) {
    CallContext ctx;
    Status told = co_await directory_.touch(ctx, sandbox);
    if (!told) log::warn("cannot report activity", {{"sandbox", sandbox}, {"error", told.error().message}});
  }
}

Task<void> Activity::run() {
  while (!stopping_) {
    co_await report(false);
    used_.reset();
    // Asleep until somebody uses a sandbox; awake once a second while somebody does.
    co_await used_.wait(items_.empty() ? kNever : after(1s));
  }
  co_await report(true);
}

void Activity::stop() {
  stopping_ = true;
  used_.set();
}

}  // namespace dt::proxy
