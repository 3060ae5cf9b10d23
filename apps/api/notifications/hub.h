// The event hub: what happened to an organization's objects, from the services to whoever listens in this
// process (Socket.IO rooms, requests that wait for a state). Loop thread only. Publish after the commit,
// never before. Listeners are called at once, in order of subscription, and may subscribe or unsubscribe
// meanwhile; they must be quick and must not throw.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "libs/base/ids.h"

namespace dt::api {

struct HubEvent {
  OrganizationId organization;
  std::string name;     // "sandbox.state.updated"
  std::string payload;  // JSON text as clients get it
};

class EventHub {
 public:
  using Listener = std::function<void(const HubEvent&)>;

  // Ends when destroyed. May outlive the hub.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&& other) noexcept;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription();
    void cancel();

   private:
    friend class EventHub;
    struct Slot;
    explicit Subscription(std::shared_ptr<Slot> slot) : slot_(std::move(slot)) {}
    std::shared_ptr<Slot> slot_;
  };

  EventHub();
  ~EventHub();
  void publish(const OrganizationId& organization, std::string_view name, std::string payload);
  Subscription subscribe(const OrganizationId& organization, Listener listener);
  Subscription subscribe_all(Listener listener);
  // False: encoding a payload for this organization would be for nobody.
  bool has_listeners(const OrganizationId& organization) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt::api
