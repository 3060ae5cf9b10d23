#include "apps/runner/sandboxes/sandboxes.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "apps/runner/sandboxes/launch.h"
#include "libs/base/guarded.h"
#include "libs/base/log.h"

namespace dt::runner {

std::string_view name_of(SandboxState state) {
  switch (state) {
    case SandboxState::missing:
      return "destroyed";
    case SandboxState::stopped:
      return "stopped";
    case SandboxState::started:
      return "started";
  }
  return "unknown";
}

struct Sandboxes::Entry {
  std::mutex lock;  // held for the length of an operation
  SandboxSpec spec;
  std::optional<Instance> instance;
  Fd pidfd;
  bool exists = false;  // a spec is on disk
  // What state() says; readable while an operation holds the lock.
  std::atomic<SandboxState> visible = SandboxState::missing;
  void show() {
    visible = !exists ? SandboxState::missing : instance ? SandboxState::started : SandboxState::stopped;
  }
};

// Holds an entry for one operation and publishes the state it left.
struct Sandboxes::Hold {
  explicit Hold(std::shared_ptr<Entry> e) : entry(std::move(e)), lock(entry->lock) {}
  ~Hold() { entry->show(); }
  std::shared_ptr<Entry> entry;
  std::lock_guard<std::mutex> lock;
};

struct Sandboxes::Impl {
  Impl(SandboxesConfig c, Engine& e, Network& n, Storage& s, Images& i)
      : config(c),
        engine(e),
        network(n),
        storage(s),
        images(i),
        records(c.state_dir + "/sandboxes", c.state_dir + "/run") {}

  using EntryPtr = std::shared_ptr<Entry>;
  SandboxesConfig config;
  Engine& engine;
  Network& network;
  Storage& storage;
  Images& images;
  Records records;
  struct Table {
    std::unordered_map<std::string, EntryPtr> entries;
    std::unordered_set<uint32_t> ranges;              // numbers of the id ranges in use
    uint32_t next_range = 0;                          // where the search for a free one begins
    std::unordered_map<uint64_t, SandboxId> watched;  // pidfd number -> whose init
  };
  Guarded<Table> table;
  Fd epoll, wake;
  std::atomic<bool> stopping = false;
  std::thread watcher;

  EntryPtr entry(const SandboxId& id) {
    return table.with([&](Table& t) {
      EntryPtr& e = t.entries[id.str()];
      if (!e) e = std::make_shared<Entry>();
      return e;
    });
  }
  EntryPtr find(const SandboxId& id) const {
    return table.with([&](const Table& t) {
      auto it = t.entries.find(id.str());
      return it == t.entries.end() ? nullptr : it->second;
    });
  }

  static constexpr uint32_t kRangeSize = 65536;
  uint32_t range_number(uint32_t first) const { return (first - config.first_id) / kRangeSize; }

  // In turn, so that finding one does not depend on how many are in use.
  Result<uint32_t> take_range() {
    return table.with([&](Table& t) -> Result<uint32_t> {
      for (uint32_t tried = 0; tried < config.id_ranges; ++tried) {
        uint32_t number = t.next_range;
        t.next_range = (number + 1) % config.id_ranges;
        if (t.ranges.insert(number).second) return config.first_id + number * kRangeSize;
      }
      return fail(Code::unavailable, "all user id ranges are in use; raise runner.id_ranges");
    });
  }

  void watch_exit(const SandboxId& id, int pidfd);
  std::optional<SandboxId> watched(uint64_t pidfd) const {
    return table.with([&](const Table& t) -> std::optional<SandboxId> {
      auto it = t.watched.find(pidfd);
      if (it == t.watched.end()) return std::nullopt;
      return it->second;
    });
  }
  Status launch(const SandboxId& id, Entry& e);
  void forget_instance(const SandboxId& id, Entry& e);
  Status end_instance(const SandboxId& id, Entry& e, bool force);
  Status join_links(uint32_t slot, const SandboxSpec& spec);
  void adopt(const SandboxSpec& spec);
};

Sandboxes::Sandboxes(SandboxesConfig config, Engine& engine, Network& network, Storage& storage,
                     Images& images)
    : impl_(std::make_unique<Impl>(std::move(config), engine, network, storage, images)) {
  impl_->epoll = Fd(::epoll_create1(EPOLL_CLOEXEC));
  impl_->wake = Fd(::eventfd(0, EFD_CLOEXEC));
  CHECK(impl_->epoll && impl_->wake);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = 0}};
  ::epoll_ctl(impl_->epoll.get(), EPOLL_CTL_ADD, impl_->wake.get(), &event);
  // One thread waits for the death of any init; the entry lock orders it with running operations.
  impl_->watcher = std::thread([this] {
    while (!impl_->stopping) {
      epoll_event got[32];
      int n = ::epoll_wait(impl_->epoll.get(), got, 32, -1);
      for (int i = 0; i < n && !impl_->stopping; ++i)
        if (got[i].data.u64 != 0)
          if (auto id = impl_->watched(got[i].data.u64)) reap(*id);
    }
  });
}

Sandboxes::~Sandboxes() { stop_watching(); }

void Sandboxes::stop_watching() {
  if (!impl_->watcher.joinable()) return;
  impl_->stopping = true;
  uint64_t one = 1;
  [[maybe_unused]] ssize_t n = ::write(impl_->wake.get(), &one, sizeof one);
  impl_->watcher.join();
}

void Sandboxes::Impl::watch_exit(const SandboxId& id, int pidfd) {
  table.with([&](Table& t) { t.watched[static_cast<uint64_t>(pidfd)] = id; });
  epoll_event event{.events = EPOLLIN | EPOLLONESHOT, .data = {.u64 = static_cast<uint64_t>(pidfd)}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, pidfd, &event) < 0)
    log::error("cannot watch a sandbox for its end",
               {{"sandbox", id.str()}, {"error", strerrordesc_np(errno)}});
}

void Sandboxes::Impl::forget_instance(const SandboxId& id, Entry& e) {
  if (!e.instance) return;
  network.release(e.instance->slot);
  records.clear_instance(id);
  e.instance.reset();
  table.with([&](Table& t) { t.watched.erase(static_cast<uint64_t>(e.pidfd.get())); });
  e.pidfd.reset();  // leaves the epoll set with its last descriptor
}

// Every sandbox owns a group of its own, or is in that of its owner.
Status Sandboxes::Impl::join_links(uint32_t slot, const SandboxSpec& spec) {
  return network.join(slot, spec.linked.value_or(spec.id), {spec.id, spec.name});
}

Status Sandboxes::Impl::launch(const SandboxId& id, Entry& e) {
  TRY(Image image, images.find(e.spec.image_digest));
  auto disk = storage.find_disk(id);
  if (!disk) return std::unexpected(std::move(disk.error()).context("the disk of sandbox " + id.str()));
  TRY(NetworkSlot slot, network.take());
  auto undo_slot = [&](Error error) -> Status {
    slot.netns.reset();
    network.release(slot.index);
    records.clear_instance(id);
    return std::unexpected(std::move(error));
  };
  if (e.spec.network_block_all || !e.spec.network_allow.empty()) {
    Status policy = network.set_policy(slot.index, {e.spec.network_block_all, e.spec.network_allow});
    if (!policy) return undo_slot(std::move(policy.error()).context("network policy"));
  }
  if (Status linked = join_links(slot.index, e.spec); !linked)
    return undo_slot(std::move(linked.error()).context("link of the sandbox"));
  auto socket = listen_unix(records.socket_path(id));
  if (!socket) return undo_slot(std::move(socket.error()));
  LaunchSpec spec = launch_spec(e.spec, image, *disk, slot, network.resolv_conf());
  spec.listen_socket = socket->get();
  auto launched = engine.launch(spec);
  if (!launched) return undo_slot(std::move(launched.error()).context("start of the sandbox"));
  Instance instance{launched->pid, launched->start_time, slot.index};
  if (Status saved = records.save(id, instance); !saved) {
    (void)engine.terminate(id, launched->pidfd.get(), 0);
    return undo_slot(std::move(saved.error()));
  }
  e.instance = instance;
  e.pidfd = std::move(launched->pidfd);
  watch_exit(id, e.pidfd.get());
  const auto& s = launched->stages;
  log::info("sandbox started", {{"sandbox", id.str()},
                                {"clone_ms", s.clone_ms},
                                {"mounts_ms", s.mounts_ms},
                                {"cgroup_ms", s.cgroup_ms},
                                {"ready_ms", s.ready_ms}});
  return {};
}

Status Sandboxes::Impl::end_instance(const SandboxId& id, Entry& e, bool force) {
  if (!e.instance) return engine.sweep(id);
  TRY_VOID(engine.terminate(id, e.pidfd.get(), force ? 0 : 10'000));
  forget_instance(id, e);
  return {};
}

Status Sandboxes::create(SandboxSpec spec, bool start_it) {
  SandboxId id(spec.id);
  if (spec.linked && !impl_->find(SandboxId(*spec.linked)))
    return fail(Code::bad_request, "linked sandbox " + *spec.linked + " is not on this runner");
  auto e = impl_->entry(id);
  Hold hold(e);
  if (!e->exists) {
    TRY(Image image, impl_->images.find(spec.snapshot));
    spec.image_digest = image.digest;
    TRY(spec.id_range, impl_->take_range());
    e->spec = std::move(spec);
    // The spec must be durable before the creation is reported, not before the sandbox runs: both happen at
    // once.
    Status saved;
    std::thread saver([&] { saved = impl_->records.save(e->spec); });
    Status made = [&]() -> Status {
      TRY_VOID(impl_->storage.create_disk(id, static_cast<uint64_t>(e->spec.disk_gib) << 30));
      e->exists = true;
      return start_it ? impl_->launch(id, *e) : Status{};
    }();
    saver.join();
    if (made && !saved) made = saved;
    if (!made) {
      (void)impl_->end_instance(id, *e, true);
      (void)impl_->storage.remove_disk(id);
      impl_->records.remove(id);
      e->exists = false;
      uint32_t range = e->spec.id_range;
      impl_->table.with(
          [&](Impl::Table& t) { t.ranges.erase(impl_->range_number(range)), t.entries.erase(id.str()); });
    }
    return made;
  }
  return start_it && !e->instance ? impl_->launch(id, *e) : Status{};
}

Status Sandboxes::start(const SandboxId& id) {
  auto e = impl_->find(id);
  if (!e) return fail(Code::not_found, "sandbox " + id.str() + " is not on this runner");
  Hold hold(e);
  if (!e->exists) return fail(Code::not_found, "sandbox " + id.str() + " is not on this runner");
  return e->instance ? Status{} : impl_->launch(id, *e);
}

Status Sandboxes::stop(const SandboxId& id, bool force) {
  auto e = impl_->find(id);
  if (!e) return fail(Code::not_found, "sandbox " + id.str() + " is not on this runner");
  Hold hold(e);
  return impl_->end_instance(id, *e, force);
}

Status Sandboxes::destroy(const SandboxId& id) {
  auto e = impl_->entry(id);
  Hold hold(e);
  TRY_VOID(impl_->end_instance(id, *e, true));
  TRY_VOID(impl_->storage.remove_disk(id));
  impl_->records.remove(id);
  bool existed = std::exchange(e->exists, false);
  uint32_t range = e->spec.id_range;
  impl_->table.with([&](Impl::Table& t) {
    if (existed) t.ranges.erase(impl_->range_number(range));
    t.entries.erase(id.str());
  });
  return {};
}

Status Sandboxes::resize(const SandboxId& id, int64_t cpus, int64_t memory_gib, int64_t disk_gib) {
  auto e = impl_->find(id);
  if (!e) return fail(Code::not_found, "sandbox " + id.str() + " is not on this runner");
  Hold hold(e);
  if (disk_gib > 0 && e->instance) return fail(Code::bad_request, "disk resize requires stopped container");
  SandboxSpec changed = e->spec;
  if (cpus > 0) changed.cpus = cpus;
  if (memory_gib > 0) changed.memory_gib = memory_gib;
  if (disk_gib > 0) changed.disk_gib = disk_gib;
  if (e->instance) TRY_VOID(impl_->engine.set_limits(id, limits_of(changed)));
  if (disk_gib > 0) TRY_VOID(impl_->storage.set_limit(id, static_cast<uint64_t>(disk_gib) << 30));
  TRY_VOID(impl_->records.save(changed));
  e->spec = std::move(changed);
  return {};
}

Status Sandboxes::set_network(const SandboxId& id, std::optional<bool> block_all,
                              std::optional<std::vector<std::string>> allow) {
  auto e = impl_->find(id);
  if (!e) return fail(Code::not_found, "sandbox " + id.str() + " is not on this runner");
  Hold hold(e);
  SandboxSpec changed = e->spec;
  if (block_all) changed.network_block_all = *block_all;
  if (allow) changed.network_allow = std::move(*allow);
  if (e->instance)
    TRY_VOID(
        impl_->network.set_policy(e->instance->slot, {changed.network_block_all, changed.network_allow}));
  TRY_VOID(impl_->records.save(changed));
  e->spec = std::move(changed);
  return {};
}

void Sandboxes::reap(const SandboxId& id) {
  auto e = impl_->find(id);
  if (!e) return;
  {
    Hold hold(e);
    pollfd dead{e->pidfd.get(), POLLIN, 0};
    if (!e->instance || ::poll(&dead, 1, 0) <= 0) return;  // an operation was faster, or it is a new instance
    if (Status swept = impl_->engine.sweep(id); !swept)
      log::error("cannot clean up after a dead sandbox",
                 {{"sandbox", id.str()}, {"error", swept.error().message}});
    impl_->forget_instance(id, *e);
  }
  log::warn("sandbox ended by itself", {{"sandbox", id.str()}});
  if (on_death) on_death(id);
}

SandboxState Sandboxes::state(const SandboxId& id) const {
  auto e = impl_->find(id);
  if (!e) return SandboxState::missing;
  return e->visible;
}

std::vector<SandboxId> Sandboxes::list() const {
  return impl_->table.with([](const Impl::Table& t) {
    std::vector<SandboxId> out;
    for (const auto& [id, e] : t.entries) out.emplace_back(id);
    return out;
  });
}

Result<std::string> Sandboxes::toolbox_socket(const SandboxId& id) const {
  // No lock: a request must not wait for a running operation; a stopped sandbox has no socket file.
  if (!impl_->find(id)) return fail(Code::not_found, "sandbox container not found: " + id.str());
  return impl_->records.socket_path(id);
}

Sandboxes::Totals Sandboxes::totals() const {
  auto entries = impl_->table.with([](const Impl::Table& t) { return t.entries; });
  Totals sum;
  for (const auto& [id, e] : entries) {
    std::unique_lock lock(e->lock, std::try_to_lock);  // one in the middle of an operation counts next time
    if (!lock || !e->exists) continue;
    ++sum.count;
    sum.disk_gib += e->spec.disk_gib;
    if (!e->instance) continue;
    ++sum.started;
    sum.cpus += e->spec.cpus;
    sum.memory_gib += e->spec.memory_gib;
  }
  return sum;
}

// --- recovery
// ------------------------------------------------------------------------------------------------------

void Sandboxes::Impl::adopt(const SandboxSpec& spec) {
  SandboxId id(spec.id);
  auto e = entry(id);
  Hold hold(e);
  e->spec = spec;
  e->exists = true;
  table.with([&](Table& t) { t.ranges.insert(range_number(spec.id_range)); });
  auto instance = records.instance(id);
  std::optional<Fd> pidfd;
  if (instance) pidfd = engine.adopt(static_cast<pid_t>(instance->pid), instance->start_time);
  if (pidfd) {
    Status kept = network.adopt(instance->slot, {spec.network_block_all, spec.network_allow});
    if (kept) kept = join_links(instance->slot, spec);
    if (kept) {
      e->instance = instance;
      e->pidfd = std::move(*pidfd);
      watch_exit(id, e->pidfd.get());
      return;
    }
    log::error("network of a running sandbox is lost, stopping it",
               {{"sandbox", spec.id}, {"error", kept.error().message}});
  }
  // Dead, or launched but never recorded: nobody was told that it runs.
  if (Status swept = engine.sweep(id); !swept)
    log::error("cannot sweep a sandbox", {{"sandbox", spec.id}, {"error", swept.error().message}});
  records.clear_instance(id);
}

Status Sandboxes::recover() {
  for (const SandboxSpec& spec : impl_->records.all()) {
    if (!impl_->storage.find_disk(SandboxId(spec.id))) {
      // Made no further than its record, or destroyed up to it.
      (void)impl_->engine.sweep(SandboxId(spec.id));
      impl_->records.remove(SandboxId(spec.id));
      continue;
    }
    impl_->adopt(spec);
  }
  for (const SandboxId& id : impl_->engine.cgroups())
    if (!impl_->find(id)) TRY_VOID(impl_->engine.sweep(id));
  for (const SandboxId& id : impl_->storage.list_disks())
    if (!impl_->find(id)) TRY_VOID(impl_->storage.remove_disk(id));
  std::vector<std::string> digests;
  for (const SandboxSpec& spec : impl_->records.all()) digests.push_back(spec.image_digest);
  TRY_VOID(impl_->images.sweep(digests));
  auto totals_now = totals();
  log::info("sandboxes recovered", {{"known", totals_now.count}, {"running", totals_now.started}});
  return {};
}

}  // namespace dt::runner
