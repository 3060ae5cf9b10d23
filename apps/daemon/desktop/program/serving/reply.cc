#include "apps/daemon/desktop/program/serving/reply.h"

#include "apps/daemon/http/errors.h"
#include "libs/codec/codec.h"

namespace dt::desktop {

Response failure(const Request& request, const Error& error) {
  Error whole = error;
  if (whole.wire_code.empty()) whole.wire_code = wire_name(error.code);
  Response response = daemon::error_response(request, whole);
  std::string body = "{\"error\":";
  codec::write_string(body, error.message);
  response.body = body + "," + response.body.substr(1);
  return response;
}

}  // namespace dt::desktop
