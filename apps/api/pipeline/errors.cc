#include "apps/api/pipeline/errors.h"

#include "apps/api/pipeline/route.h"

namespace dt::api {

namespace {
struct Envelope {
  std::string path, timestamp;
  int statusCode;
  std::string error, message, code, source;
};
BOOST_DESCRIBE_STRUCT(Envelope, (), (path, timestamp, statusCode, error, message, code, source))

// Malformed JSON is answered by the body parser of the reference, which knows neither path nor time.
struct ShortEnvelope {
  std::string message, error;
  int statusCode;
  std::string code, source;
};
BOOST_DESCRIBE_STRUCT(ShortEnvelope, (), (message, error, statusCode, code, source))

constexpr const char* kSource = "DAYTONA_API";

std::string wire_code(const Error& error) {
  return error.wire_code.empty() ? std::string(wire_name(error.code)) : error.wire_code;
}
}  // namespace

bool is_hidden(const Error& error) { return error.code == Code::internal || error.code == Code::io; }

Response error_response(const Error& error, std::string_view target, Wall now) {
  int status = http_status(error.code);
  std::string phrase(reason_phrase(status));
  if (error.code == Code::invalid_body)
    return json_response(status, encode(ShortEnvelope{"Invalid JSON in request body", phrase, status,
                                                      wire_code(error), kSource}));
  Envelope body{.path = std::string(target),
                .timestamp = iso8601(now),
                .statusCode = status,
                .error = phrase,
                .message = is_hidden(error) ? "An unexpected error occurred." : error.message,
                .code = wire_code(error),
                .source = kSource};
  return json_response(status, encode(body));
}

}  // namespace dt::api
