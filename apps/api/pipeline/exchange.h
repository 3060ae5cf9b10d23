// What one request carries through the stages, and what a stage is.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apps/api/pipeline/route.h"

namespace dt::api {

struct Exchange {
  explicit Exchange(Request& r) : request(r) {}
  Request& request;
  Mono started{};
  const ApiRoute* route = nullptr;
  std::shared_ptr<const Principal> who;  // null until authenticated; null on public routes
  std::string body;                      // as received
  boost::json::value json;               // the body; {} when there was none
  std::optional<Error> error;
  Response response;
  bool answered = false;  // the response is complete: no further stage is entered
};

// Stages are entered in order until one fails or answers; those that were entered are left in reverse order.
class Stage {
 public:
  virtual ~Stage() = default;
  virtual std::string_view name() const = 0;
  virtual Status enter(Exchange&) { return {}; }
  // For the few that must wait; used instead of enter() when waits() is true.
  virtual bool waits() const { return false; }
  virtual Task<Status> enter_waiting(Exchange&) { co_return Status{}; }
  virtual void leave(Exchange&) {}
};

}  // namespace dt::api
