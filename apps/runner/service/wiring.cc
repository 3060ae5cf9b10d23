#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>
#include <filesystem>

#include "apps/runner/service/runner.h"
#include "apps/runner/toolbox/toolbox.h"
#include "libs/base/log.h"
#include "libs/net/http_server.h"

namespace dt::runner {
namespace {

// One runner per state directory, whoever starts it.
Result<Fd> lock_state(const std::string& dir) {
  std::filesystem::create_directories(dir);
  TRY(Fd fd, open_file((dir + "/runner.lock").c_str(), O_RDWR | O_CREAT, 0600));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) < 0)
    return fail(Code::conflict, "another runner uses " + dir + "; stop it first");
  return fd;
}

struct Machine {
  Fd lock;
  std::unique_ptr<Storage> storage;
  std::unique_ptr<Network> network;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Images> images;
  std::unique_ptr<Sandboxes> sandboxes;
};

Result<Machine> open_machine(const RunnerConfig& config) {
  if (::geteuid() != 0)
    return fail(Code::forbidden, "the runner needs root: it makes namespaces, mounts and firewall rules");
  Machine m;
  TRY(m.lock, lock_state(config.state_dir));
  TRY(m.storage, Storage::open(config.storage));
  TRY(m.network, Network::create(config.network));
  TRY(m.engine, Engine::create(config.engine));
  m.images = std::make_unique<Images>(m.storage->images_directory(), m.storage->staging_directory());
  for (const Image& image : m.images->list()) TRY_VOID(Engine::prepare_image(image.rootfs));
  SandboxesConfig sandboxes = config.sandboxes;
  sandboxes.state_dir = config.state_dir;
  m.sandboxes = std::make_unique<Sandboxes>(sandboxes, *m.engine, *m.network, *m.storage, *m.images);
  TRY_VOID(m.sandboxes->recover());
  return m;
}

// Everybody on the machine may connect, as to the TCP port: the key decides.
Result<std::optional<Listener>> listen_locally(const std::string& path) {
  if (path.empty()) return std::nullopt;
  TRY(Listener listener, Listener::bind(Endpoint{.host = {}, .port = 0, .unix_path = path}));
  if (::chmod(path.c_str(), 0666) < 0) return fail_errno("chmod " + path);
  return listener;
}

}  // namespace

Task<Status> run(RunnerConfig config, CancelSource cancel) {
  CO_TRY(Machine machine, open_machine(config));
  CO_TRY(Listener listener, Listener::bind(config.listen));
  CO_TRY(auto local, listen_locally(config.local_socket));
  Endpoint bound = config.listen;
  bound.port = listener.port();
  if (config.public_url.empty()) config.public_url = "http://" + bound.str();
  config.jobs.public_url = config.public_url;
  config.jobs.state_dir = config.state_dir;

  ToolboxServer toolbox(*machine.sandboxes, config.key);
  HttpServer server([&toolbox](Request& r) { return toolbox.handle(r); }, config.http);
  ApiClient api(config.api, config.key);
  JobLoop jobs(config.jobs, api, *machine.sandboxes);
  machine.sandboxes->on_death = [&jobs](const SandboxId& id) { jobs.sandbox_died(id); };

  TaskScope scope("runner");
  scope.spawn(server.serve(listener));
  if (local) scope.spawn(server.serve(*local));
  log::info("runner is up", {{"listen", bound.str()}, {"storage", machine.storage->describe()}});
  co_await jobs.run(cancel);
  machine.sandboxes->stop_watching();
  co_await server.drain(after(std::chrono::seconds(5)));
  co_await scope.join();
  co_return Status{};
}

Status shut_down_everything(const RunnerConfig& config) {
  TRY(Machine m, open_machine(config));
  for (const SandboxId& id : m.sandboxes->list()) {
    Status stopped = m.sandboxes->stop(id, false);
    if (!stopped)
      log::error("cannot stop a sandbox", {{"sandbox", id.str()}, {"error", stopped.error().message}});
  }
  m.sandboxes.reset();
  Status closed = m.engine->close_cgroups();
  if (!closed) log::error("a control group stays", {{"error", closed.error().message}});
  m.engine.reset();
  TRY_VOID(m.network->destroy_all());
  return m.storage->unmount();
}

Result<Image> import_image(const RunnerConfig& config, const std::string& source, const std::string& ref) {
  TRY(Fd lock, lock_state(config.state_dir));
  TRY(auto storage, Storage::open(config.storage));
  Images images(storage->images_directory(), storage->staging_directory());
  TRY(Image image, images.import(source, ref));
  TRY_VOID(Engine::prepare_image(image.rootfs));
  return image;
}

}  // namespace dt::runner
