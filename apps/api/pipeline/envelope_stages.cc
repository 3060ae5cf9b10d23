// Stages that every request passes whatever it asks for: id, log, version, deadline, CORS, errors.
#include <algorithm>

#include "apps/api/pipeline/errors.h"
#include "apps/api/pipeline/stages.h"
#include "libs/base/log.h"

namespace dt::api {

namespace {

// The server took the id over from the client or made one.
class RequestId final : public Stage {
 public:
  std::string_view name() const override { return "request id"; }
  void leave(Exchange& x) override { x.response.headers.set("X-Request-Id", x.request.ctx.request_id); }
};

class AccessLog final : public Stage {
 public:
  AccessLog(Clock& clock, bool enabled)
      : clock_(clock), enabled_(enabled && log::enabled(log::Level::info)) {}
  std::string_view name() const override { return "access log"; }
  void leave(Exchange& x) override {
    if (!enabled_) return;
    auto us = std::chrono::duration_cast<std::chrono::microseconds>(clock_.mono() - x.started).count();
    log::info("request", {{"method", x.request.method},
                          {"path", x.request.path},
                          {"status", x.response.status},
                          {"ms", static_cast<double>(us) / 1000.0},
                          {"request", x.request.ctx.request_id},
                          {"organization", x.who ? x.who->organization.str() : std::string()}});
  }

 private:
  Clock& clock_;
  bool enabled_;
};

class Version final : public Stage {
 public:
  explicit Version(const std::string& version) : version_(version) {}
  std::string_view name() const override { return "version header"; }
  void leave(Exchange& x) override { x.response.headers.set("X-Daytona-Api-Version", version_); }

 private:
  std::string version_;
};

class Deadline final : public Stage {
 public:
  Deadline(Clock& clock, Millis deadline) : clock_(clock), deadline_(deadline) {}
  std::string_view name() const override { return "deadline"; }
  Status enter(Exchange& x) override {
    x.request.ctx.deadline = std::min(x.request.ctx.deadline, clock_.mono() + deadline_);
    return {};
  }

 private:
  Clock& clock_;
  Millis deadline_;
};

// Browsers hold bearer tokens, not cookies, so that any origin may ask (contract clients.md §1 rule 16).
class Cors final : public Stage {
 public:
  std::string_view name() const override { return "cors"; }
  Status enter(Exchange& x) override {
    if (x.request.method != "OPTIONS") return {};
    x.answered = true;
    x.response = Response::empty(204);
    x.response.headers.set("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS");
    if (auto wanted = x.request.headers.get("access-control-request-headers"))
      x.response.headers.set("Access-Control-Allow-Headers", std::string(*wanted));
    return {};
  }
  void leave(Exchange& x) override {
    auto origin = x.request.headers.get("origin");
    if (!origin) return;
    x.response.headers.set("Access-Control-Allow-Origin", std::string(*origin));
    x.response.headers.set("Access-Control-Allow-Credentials", "true");
    x.response.headers.add("Vary", "Origin");
  }
};

class Errors final : public Stage {
 public:
  explicit Errors(Clock& clock) : clock_(clock) {}
  std::string_view name() const override { return "error mapping"; }
  void leave(Exchange& x) override {
    if (!x.error) return;
    if (is_hidden(*x.error))
      log::error("request failed", {{"request", x.request.ctx.request_id}, {"error", x.error->message}});
    x.response = error_response(*x.error, x.request.target, clock_.wall());
  }

 private:
  Clock& clock_;
};

}  // namespace

StagePtr request_id_stage() { return std::make_unique<RequestId>(); }
StagePtr access_log_stage(Clock& clock, bool enabled) { return std::make_unique<AccessLog>(clock, enabled); }
StagePtr version_stage(const std::string& version) { return std::make_unique<Version>(version); }
StagePtr deadline_stage(Clock& clock, Millis deadline) { return std::make_unique<Deadline>(clock, deadline); }
StagePtr cors_stage() { return std::make_unique<Cors>(); }
StagePtr error_stage(Clock& clock) { return std::make_unique<Errors>(clock); }

}  // namespace dt::api
