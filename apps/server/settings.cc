#include "apps/server/settings.h"

#include <unistd.h>

namespace dt::server {
namespace {

std::string own_directory() {
  char path[4096];
  ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  std::string text(path, n > 0 ? static_cast<size_t>(n) : 0);
  return text.substr(0, text.rfind('/'));
}

std::string own_path() {
  char path[4096];
  ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  return std::string(path, n > 0 ? static_cast<size_t>(n) : 0);
}

Result<Endpoint> endpoint(const Config& config, std::string_view key) {
  auto parsed = Endpoint::parse(config.text(key));
  if (!parsed) return std::unexpected(std::move(parsed.error()).context(key));
  return parsed;
}

// Where the runner serves the proxy of its own machine.
std::string local_runner_socket(const Config& config) { return config.text("state_dir") + "/runner.sock"; }

}  // namespace

Result<api::ApiConfig> api_config(const Config& config, const Secrets& secrets) {
  api::ApiConfig out;
  TRY(out.listen, endpoint(config, "api.listen"));
  out.database_path = config.text("state_dir") + "/api/daytona.db";
  out.admin_api_key = Secret(config.text("api.admin_key"));
  out.proxy_api_key = secrets.proxy_key;
  out.runner_api_key = secrets.runner_key;
  out.api_url = config.text("api.public_url") + "/api";
  out.dashboard_url = config.text("api.public_url") + "/dashboard";
  out.toolbox_base_url = config.text("proxy.public_url");
  out.preview_template = config.text("proxy.preview_url");
  out.default_region_id = out.default_region_name = config.text("runner.region");
  out.default_runner_name = config.text("runner.name");
  out.default_snapshot.name = out.default_snapshot.ref = config.text("snapshot.name");
  out.default_snapshot.cpu = static_cast<int>(config.integer("snapshot.cpu"));
  out.default_snapshot.memory = static_cast<int>(config.integer("snapshot.memory_gib"));
  out.default_snapshot.disk = static_cast<int>(config.integer("snapshot.disk_gib"));
  out.body_limit = static_cast<size_t>(config.integer("api.body_limit"));
  out.log_requests = config.boolean("log.requests");
  return out;
}

Result<runner::RunnerConfig> runner_config(const Config& config, const Secrets& secrets) {
  runner::RunnerConfig out;
  out.state_dir = config.text("state_dir") + "/runner";
  TRY(out.listen, endpoint(config, "runner.listen"));
  TRY(out.api, endpoint(config, "api.internal"));
  out.public_url = config.text("runner.public_url");
  out.local_socket = local_runner_socket(config);
  out.key = secrets.runner_key;
  out.engine.cgroup_parent = config.text("runner.cgroup");
  out.engine.daemon_path = config.text("runner.daemon");
  if (out.engine.daemon_path.empty()) out.engine.daemon_path = own_directory() + "/daytona-daemon";
  out.engine.spawner_path = own_path();
  out.network.instance = config.text("runner.instance");
  out.network.subnet = config.text("runner.subnet");
  out.network.ready_slots = static_cast<size_t>(config.integer("runner.ready_slots"));
  out.network.dns = config.list("runner.dns");
  if (auto denied = config.list("runner.denied_networks"); !denied.empty())
    out.network.denied = std::move(denied);
  out.storage.directory = config.text("runner.pool_dir");
  if (out.storage.directory.empty()) out.storage.directory = config.text("state_dir") + "/pool";
  out.storage.loop_file_bytes = static_cast<uint64_t>(config.integer("runner.pool_size_gib")) << 30;
  out.sandboxes.first_id = static_cast<uint32_t>(config.integer("runner.first_user_id"));
  out.sandboxes.id_ranges = static_cast<uint32_t>(config.integer("runner.user_id_ranges"));
  return out;
}

Result<proxy::ProxyConfig> proxy_config(const Config& config, const Secrets& secrets) {
  proxy::ProxyConfig out;
  TRY(out.listen, endpoint(config, "proxy.listen"));
  TRY(out.api, endpoint(config, "api.internal"));
  out.api_key = secrets.proxy_key;
  out.local_runner_socket = local_runner_socket(config);
  out.local_runner_key = secrets.runner_key;
  out.secure_cookies = config.text("proxy.preview_url").starts_with("https://");
  out.log_requests = config.boolean("proxy.log_requests");
  return out;
}

std::string api_key_file(const Config& config) { return config.text("state_dir") + "/api-key"; }

}  // namespace dt::server
