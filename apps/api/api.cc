#include "apps/api/api.h"

#include <filesystem>

#include "apps/api/bootstrap/bootstrap.h"
#include "apps/api/migrations/migrations.h"
#include "apps/api/wiring.h"
#include "libs/base/log.h"

namespace dt::api {

namespace {

Result<std::unique_ptr<store::Database>> open_records(const ApiConfig& config) {
  auto directory = std::filesystem::path(config.database_path).parent_path();
  std::error_code failed;
  if (!directory.empty()) std::filesystem::create_directories(directory, failed);
  if (failed) return fail(Code::io, "make the directory " + directory.string() + ": " + failed.message());
  return store::Database::open({.path = config.database_path, .migrations = migrations()});
}

Task<void> accept_all(HttpServer& server, Listener& listener) { return server.serve(listener); }

}  // namespace

Api::Api(std::unique_ptr<Graph> graph) : graph_(std::move(graph)) {}
Api::~Api() = default;

const Started& Api::started() const { return graph_->started; }

Task<Result<std::unique_ptr<Api>>> Api::start(ApiConfig config, Clock& clock) {
  // The port first: a second instance must not touch the records.
  CO_TRY(auto listener, Listener::bind(config.listen));
  CO_TRY(auto db, open_records(config));
  CO_TRY(auto first, co_await bootstrap(*db, clock, config));
  auto graph = std::make_unique<Graph>(std::move(config), clock, std::move(db), std::move(listener));
  Graph& g = *graph;
  g.started = {.port = g.listener.port(), .organization = first.organization, .api_key = first.api_key};
  DefaultRunner runner{.name = g.config.default_runner_name,
                       .region = g.config.default_region_id,
                       .sandbox_class = g.config.default_sandbox_class,
                       .api_key = g.config.runner_api_key};
  CO_TRY_VOID(co_await g.compute.start(std::move(runner)));
  g.background.spawn(accept_all(g.server, g.listener));
  log::info("api listens", {{"port", g.started.port}});
  co_return std::unique_ptr<Api>(new Api(std::move(graph)));
}

Task<void> Api::drain(Mono deadline) {
  graph_->compute.close();
  graph_->socket_io.close();
  return graph_->server.drain(deadline);
}

Task<void> Api::stop() {
  co_await drain(after(Millis(0)));
  co_await graph_->compute.stop();
  co_await graph_->background.join();
  co_await graph_->authenticator.stop();
}

Task<Status> run(ApiConfig config, CancelSource cancel, std::function<void(const Started&)> on_started) {
  Millis drain = config.drain;
  CO_TRY(auto api, co_await Api::start(std::move(config)));
  if (on_started) on_started(api->started());
  Event cancelled;
  size_t id = cancel.on_cancel([&] { cancelled.set(); });
  co_await cancelled.wait();
  cancel.remove(id);
  co_await api->drain(after(drain));
  co_await api->stop();
  co_return Status{};
}

}  // namespace dt::api
