#include "apps/proxy/cors.h"

#include "libs/base/text.h"

namespace dt::proxy {

void Cors::apply(Response& response) const {
  if (origin.empty()) return;
  response.headers.set("Access-Control-Allow-Origin", origin);
  response.headers.set("Access-Control-Allow-Credentials", "true");
  response.headers.add("Vary", "Origin");
}

Cors cors_of(Request& request) {
  Cors cors;
  bool off = iequals(request.headers.get_or("X-Daytona-Disable-CORS"), "true");
  request.headers.remove("X-Daytona-Disable-CORS");
  std::string origin(request.headers.get_or("Origin"));
  std::string host(request.headers.get_or("Host"));
  if (off || origin.empty() || origin == "http://" + host || origin == "https://" + host) return cors;
  cors.origin = origin;
  if (request.method != "OPTIONS") return cors;
  Response answer = Response::empty(204);
  cors.apply(answer);
  answer.headers.set("Access-Control-Allow-Methods", "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS");
  std::string requested(request.headers.get_or("Access-Control-Request-Headers"));
  if (!requested.empty()) answer.headers.set("Access-Control-Allow-Headers", requested);
  answer.headers.set("Access-Control-Max-Age", "43200");
  cors.preflight = std::move(answer);
  return cors;
}

}  // namespace dt::proxy
