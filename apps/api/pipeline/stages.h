// The stages, in the order in which the pipeline enters them.
#pragma once
#include <memory>
#include <vector>

#include "apps/api/auth/authenticator.h"
#include "apps/api/config/config.h"
#include "apps/api/pipeline/exchange.h"

namespace dt::api {

using StagePtr = std::unique_ptr<Stage>;
StagePtr request_id_stage();  // X-Request-Id, taken over or made
StagePtr access_log_stage(Clock& clock, bool enabled);
StagePtr version_stage(const std::string& version);  // X-Daytona-Api-Version
StagePtr deadline_stage(Clock& clock, Millis deadline);
StagePtr cors_stage();                                        // answers preflights
StagePtr error_stage(Clock& clock);                           // error -> envelope, on the way out
StagePtr route_stage(std::vector<ApiRoute> routes);           // 404 `Cannot GET /x`
StagePtr body_stage(size_t limit);                            // reads it; 413
StagePtr json_stage();                                        // 400 for malformed JSON, before authentication
StagePtr authentication_stage(Authenticator& authenticator);  // 401
StagePtr authorization_stage();                               // 403
StagePtr handler_stage();                                     // decodes, validates, calls

}  // namespace dt::api
