#include "apps/server/services.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "apps/server/privileges.h"
#include "apps/server/settings.h"
#include "libs/base/fd.h"
#include "libs/base/log.h"

namespace dt::server {
namespace {

int failed(std::string_view what, const Error& error) {
  log::error(what, {{"error", error.message}});
  return 1;
}

// Runs one service on this thread until SIGTERM or SIGINT.
template <class Make>
int serve(Make make) {
  SignalWatch signals;  // before any thread
  Loop loop;
  CancelSource cancel;
  auto wait_for_signal = [](SignalWatch& watch, CancelSource source) -> Task<void> {
    int number = co_await watch.next();
    log::info("stopping", {{"signal", number}});
    source.cancel();
  };
  // outlives: run_until waits for it
  auto body = [&](TaskScope& scope) -> Task<Status> {
    scope.spawn(wait_for_signal(signals, cancel));
    Status done = co_await make(cancel);
    co_return done;
  };
  TaskScope scope("signals");
  Status done = loop.run_until(body(scope));
  if (!done) return failed("service failed", done.error());
  return 0;
}

Result<Secrets> prepare(const Config& config) {
  std::error_code ec;
  std::filesystem::create_directories(config.text("state_dir"), ec);
  if (ec) return fail(Code::io, "make " + config.text("state_dir") + ": " + ec.message());
  return load_or_make_secrets(config.text("state_dir"));
}

}  // namespace

int run_api(const Config& config) {
  auto secrets = prepare(config);
  if (!secrets) return failed("cannot prepare the state directory", secrets.error());
  auto settings = api_config(config, *secrets);
  if (!settings) return failed("configuration", settings.error());
  const std::string directory = config.text("state_dir") + "/api", user = config.text("service_user");
  std::error_code ec;
  std::filesystem::create_directories(directory, ec);
  ::chmod(directory.c_str(), 0700);
  if (Status owned = own(directory, user); !owned)
    return failed("cannot prepare " + directory, owned.error());
  // Made before the bootstrap that stores its hash: a crash in between must not lose the only key.
  if (settings->admin_api_key.empty()) {
    auto key = load_or_make_key(api_key_file(config));
    if (!key) return failed("cannot make the first API key", key.error());
    settings->admin_api_key = std::move(*key);
  }
  if (Status dropped = drop_privileges(user); !dropped) return failed("cannot give up root", dropped.error());
  auto started = [](const api::Started& s) { log::info("api is up", {{"port", s.port}}); };
  return serve([&](CancelSource cancel) { return api::run(*settings, cancel, started); });
}

int run_runner(const Config& config) {
  auto secrets = prepare(config);
  if (!secrets) return failed("cannot prepare the state directory", secrets.error());
  auto settings = runner_config(config, *secrets);
  if (!settings) return failed("configuration", settings.error());
  return serve([&](CancelSource cancel) { return runner::run(*settings, cancel); });
}

int run_proxy(const Config& config) {
  auto secrets = prepare(config);
  if (!secrets) return failed("cannot prepare the state directory", secrets.error());
  auto settings = proxy_config(config, *secrets);
  if (!settings) return failed("configuration", settings.error());
  if (Status dropped = drop_privileges(config.text("service_user")); !dropped)
    return failed("cannot give up root", dropped.error());
  return serve([&](CancelSource cancel) { return proxy::run(*settings, cancel); });
}

int run_down(const Config& config) {
  auto secrets = prepare(config);
  if (!secrets) return failed("cannot prepare the state directory", secrets.error());
  auto settings = runner_config(config, *secrets);
  if (!settings) return failed("configuration", settings.error());
  Status done = runner::shut_down_everything(*settings);
  return done ? 0 : failed("cannot shut down", done.error());
}

int run_image_import(const Config& config, const std::string& source, const std::string& ref) {
  auto secrets = prepare(config);
  if (!secrets) return failed("cannot prepare the state directory", secrets.error());
  auto settings = runner_config(config, *secrets);
  if (!settings) return failed("configuration", settings.error());
  auto image = runner::import_image(*settings, source, ref);
  if (!image) return failed("cannot import the image", image.error());
  std::printf("%s %s %llu bytes\n", image->ref.c_str(), image->digest.c_str(),
              static_cast<unsigned long long>(image->bytes));
  return 0;
}

}  // namespace dt::server
