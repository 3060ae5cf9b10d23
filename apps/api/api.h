// The API server as a library: REST under /api and Socket.IO, on the current event loop. Everything is told
// by ApiConfig.
//
//   Task<Status> body(CancelSource cancel) { return api::run(config, cancel, [](const api::Started& s) { …
//   }); }
//
// or, in tests, on port 0:
//
//   auto server = co_await Api::start(config);          // Result<std::unique_ptr<Api>>
//   … requests to 127.0.0.1:(*server)->port() with (*server)->started().api_key …
//   co_await (*server)->stop();                         // before it is destroyed
#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "apps/api/config/config.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/net/loop.h"

namespace dt::api {

struct Started {
  uint16_t port = 0;
  OrganizationId organization;    // of the admin
  std::optional<Secret> api_key;  // first start only; stored nowhere
};

class Api {
 public:
  // Opens the records, migrates, bootstraps, resumes, binds, accepts. Blocks the loop while it migrates.
  static Task<Result<std::unique_ptr<Api>>> start(ApiConfig config, Clock& clock = system_clock());
  ~Api();
  const Started& started() const;
  uint16_t port() const { return started().port; }
  // Stops accepting and sets waiting polls free; running requests have until the deadline.
  Task<void> drain(Mono deadline);
  // Drains at once, ends background work, flushes what is buffered.
  Task<void> stop();

 private:
  struct Graph;
  explicit Api(std::unique_ptr<Graph> graph);
  std::unique_ptr<Graph> graph_;
};

// Serves until cancelled, then drains for ApiConfig::drain.
Task<Status> run(ApiConfig config, CancelSource cancel, std::function<void(const Started&)> on_started = {});

}  // namespace dt::api
