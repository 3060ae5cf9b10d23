#include "apps/api/pipeline/pipeline.h"

#include "apps/api/pipeline/errors.h"
#include "apps/api/pipeline/stages.h"

namespace dt::api {

Pipeline::Pipeline(const ApiConfig& config, Clock& clock, Authenticator& authenticator,
                   std::vector<ApiRoute> routes)
    : clock_(clock) {
  stages_.push_back(request_id_stage());
  stages_.push_back(access_log_stage(clock, config.log_requests));
  stages_.push_back(version_stage(config.version));
  stages_.push_back(deadline_stage(clock, config.request_deadline));
  stages_.push_back(cors_stage());
  stages_.push_back(error_stage(clock));
  stages_.push_back(route_stage(std::move(routes)));
  stages_.push_back(body_stage(config.body_limit));
  stages_.push_back(json_stage());
  stages_.push_back(authentication_stage(authenticator));
  stages_.push_back(authorization_stage());
  stages_.push_back(handler_stage());
}

Pipeline::~Pipeline() = default;

std::vector<std::string_view> Pipeline::stage_names() const {
  std::vector<std::string_view> names;
  for (const auto& stage : stages_) names.push_back(stage->name());
  return names;
}

Task<void> Pipeline::enter_all(Exchange& exchange, size_t& entered) {
  while (entered < stages_.size() && !exchange.answered) {
    Stage& stage = *stages_[entered++];
    Status done;
    if (stage.waits()) {
      done = co_await stage.enter_waiting(exchange);
    } else {
      done = stage.enter(exchange);
    }
    if (!done) {
      exchange.error = std::move(done).error();
      co_return;
    }
  }
}

Task<Response> Pipeline::handle(Request& request) {
  Exchange exchange(request);
  exchange.started = clock_.mono();
  size_t entered = 0;
  co_await enter_all(exchange, entered);
  while (entered > 0) stages_[--entered]->leave(exchange);
  co_return std::move(exchange.response);
}

Response Pipeline::refuse(const Error& error) const { return error_response(error, "", clock_.wall()); }

}  // namespace dt::api
