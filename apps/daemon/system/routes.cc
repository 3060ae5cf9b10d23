#include "apps/daemon/system/routes.h"

#include <algorithm>
#include <memory>

#include "apps/daemon/http/errors.h"
#include "apps/daemon/system/metrics.h"
#include "apps/daemon/system/ports.h"
#include "libs/base/text.h"

namespace dt::daemon {
namespace {

constexpr int64_t kLowestPort = 3000;
constexpr int64_t kHighestPort = 9999;
constexpr Millis kSampling{200};

Task<Response> ports(WorkerPool& pool, Request&) {
  std::vector<uint16_t> found = co_await pool.run([] { return listening_ports(); });
  std::string body = "{\"ports\":[";
  for (uint16_t port : found) {
    if (!body.ends_with('[')) body += ',';
    body += std::to_string(port);
  }
  co_return json_response(200, body + "]}");
}

Task<Response> port_in_use(WorkerPool& pool, Request& request) {
  auto port = parse_int(request.param("port"));
  if (!port || *port < kLowestPort || *port > kHighestPort)
    co_return error_response(request,
                             Error{Code::bad_request, "port must be a number between 3000 and 9999"});
  std::vector<uint16_t> found = co_await pool.run([] { return listening_ports(); });
  bool used = std::ranges::binary_search(found, static_cast<uint16_t>(*port));
  co_return json_response(200, used ? R"({"isInUse":true})" : R"({"isInUse":false})");
}

Task<Usage> take_sample(WorkerPool& pool, MetricsReport& report) {
  Usage usage = co_await pool.run([] { return read_usage(); });
  report.sample(usage, std::chrono::steady_clock::now());
  co_return usage;
}

Task<Response> metrics(WorkerPool& pool, MetricsReport& report, Request&) {
  if (report.stale(std::chrono::steady_clock::now())) {
    co_await take_sample(pool, report);
    co_await Loop::current().sleep_for(kSampling);
  }
  Usage usage = co_await take_sample(pool, report);
  co_return json_response(200, report.json(usage));
}

}  // namespace

std::vector<Route> system_routes(WorkerPool& pool) {
  auto report = std::make_shared<MetricsReport>();
  return {
      {"GET", "/port", [&pool](Request& r) { return ports(pool, r); }},
      {"GET", "/port/{port}/in-use", [&pool](Request& r) { return port_in_use(pool, r); }},
      {"GET", "/system/metrics", [&pool, report](Request& r) { return metrics(pool, *report, r); }},
  };
}

}  // namespace dt::daemon
