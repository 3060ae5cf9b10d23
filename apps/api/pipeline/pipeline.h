// Every request of the API goes through here: an array of named stages around the route's handler. The order
// is part of the contract (api-core §3.3) and is asserted by a test.
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "apps/api/auth/authenticator.h"
#include "apps/api/config/config.h"
#include "apps/api/pipeline/exchange.h"

namespace dt::api {

class Pipeline {
 public:
  // `routes` are below /api. The references must outlive the pipeline.
  Pipeline(const ApiConfig& config, Clock& clock, Authenticator& authenticator, std::vector<ApiRoute> routes);
  ~Pipeline();
  Task<Response> handle(Request& request);
  // Protocol errors that never became a request.
  Response refuse(const Error& error) const;
  std::vector<std::string_view> stage_names() const;

 private:
  Task<void> enter_all(Exchange& exchange, size_t& entered);
  Clock& clock_;
  std::vector<std::unique_ptr<Stage>> stages_;
};

}  // namespace dt::api
