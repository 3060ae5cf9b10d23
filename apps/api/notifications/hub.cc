#include "apps/api/notifications/hub.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dt::api {

struct EventHub::Subscription::Slot {
  Listener listener;  // empty: cancelled
};

// Slots are only removed between events: a listener may cancel any subscription while an event is going
// round.
struct EventHub::Impl {
  using Slots = std::vector<std::shared_ptr<Subscription::Slot>>;
  std::unordered_map<OrganizationId, std::unique_ptr<Slots>> rooms;  // pointers: a call may add rooms
  Slots everyone;
  int depth = 0;

  static bool cancelled(const std::shared_ptr<Subscription::Slot>& slot) {
    return !slot->listener || slot.use_count() == 1;
  }
  void call(Slots& slots, const HubEvent& event);
  void sweep();
};

EventHub::Subscription::Subscription(Subscription&& other) noexcept : slot_(std::move(other.slot_)) {}

EventHub::Subscription& EventHub::Subscription::operator=(Subscription&& other) noexcept {
  if (this != &other) {
    cancel();
    slot_ = std::move(other.slot_);
  }
  return *this;
}

EventHub::Subscription::~Subscription() { cancel(); }

void EventHub::Subscription::cancel() {
  if (auto slot = std::exchange(slot_, nullptr)) slot->listener = nullptr;
}

EventHub::EventHub() : impl_(std::make_unique<Impl>()) {}
EventHub::~EventHub() = default;

void EventHub::Impl::call(Slots& slots, const HubEvent& event) {
  // By index and up to the size at the start: a listener may add listeners, which hear the next event.
  for (size_t i = 0, n = slots.size(); i < n; ++i) {
    auto slot = slots[i];
    if (!slot->listener) continue;
    Listener listener = slot->listener;  // may cancel itself while it runs
    listener(event);
  }
}

void EventHub::Impl::sweep() {
  std::erase_if(everyone, cancelled);
  for (auto it = rooms.begin(); it != rooms.end();) {
    std::erase_if(*it->second, cancelled);
    it = it->second->empty() ? rooms.erase(it) : std::next(it);
  }
}

void EventHub::publish(const OrganizationId& organization, std::string_view name, std::string payload) {
  HubEvent event{organization, std::string(name), std::move(payload)};
  ++impl_->depth;
  if (auto room = impl_->rooms.find(organization); room != impl_->rooms.end())
    impl_->call(*room->second, event);
  impl_->call(impl_->everyone, event);
  if (--impl_->depth == 0) impl_->sweep();
}

EventHub::Subscription EventHub::subscribe(const OrganizationId& organization, Listener listener) {
  auto slot = std::make_shared<Subscription::Slot>(std::move(listener));
  auto& room = impl_->rooms[organization];
  if (!room) room = std::make_unique<Impl::Slots>();
  room->push_back(slot);
  return Subscription(std::move(slot));
}

EventHub::Subscription EventHub::subscribe_all(Listener listener) {
  auto slot = std::make_shared<Subscription::Slot>(std::move(listener));
  impl_->everyone.push_back(slot);
  return Subscription(std::move(slot));
}

bool EventHub::has_listeners(const OrganizationId& organization) const {
  auto live = [](const auto& slot) { return static_cast<bool>(slot->listener); };
  if (std::ranges::any_of(impl_->everyone, live)) return true;
  auto room = impl_->rooms.find(organization);
  return room != impl_->rooms.end() && std::ranges::any_of(*room->second, live);
}

}  // namespace dt::api
