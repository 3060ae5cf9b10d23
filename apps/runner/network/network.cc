#include "apps/runner/network/network.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "apps/runner/network/dns_forwarder.h"
#include "apps/runner/network/firewall.h"
#include "apps/runner/network/host_forwarding.h"
#include "apps/runner/network/links.h"
#include "apps/runner/network/slot_maker.h"
#include "libs/base/clock.h"
#include "libs/base/log.h"

namespace dt::runner {
namespace {

constexpr uint32_t kFirstSlot = 2;  // base + 1 is the gateway
constexpr size_t kMostRanges = 256;
constexpr Millis kTakeDown{5000};
const char* const kDeniedByDefault[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"};

Status check_config(const NetworkConfig& config, const Ipv4Range& subnet) {
  bool good = !config.instance.empty() && config.instance.size() <= 6 &&
              std::isalpha(static_cast<unsigned char>(config.instance[0])) &&
              std::ranges::all_of(config.instance,
                                  [](unsigned char c) { return std::islower(c) || std::isdigit(c); });
  if (!good)
    return fail(Code::bad_request,
                "network instance must be 1 to 6 characters a-z 0-9, a letter first: " + config.instance);
  if (subnet.prefix < 8 || subnet.prefix > 29)
    return fail(Code::bad_request,
                "the network of the sandboxes must be between a /8 and a /29: " + config.subnet);
  return {};
}

Result<std::vector<Ipv4Range>> denied_ranges(const NetworkConfig& config) {
  if (!config.denied.empty()) return parse_ranges(config.denied);
  return parse_ranges({std::begin(kDeniedByDefault), std::end(kDeniedByDefault)});
}

}  // namespace

struct Network::Impl {
  NetworkConfig config;
  Ipv4Range subnet;
  Links links;
  std::unique_ptr<Firewall> firewall;
  std::unique_ptr<DnsForwarder> resolver;
  SlotMaker maker;  // of the maker thread, and of whoever holds no thread (create, destroy_all)

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<NetworkSlot> ready;
  std::set<uint32_t> used;        // handed out or adopted
  std::set<uint32_t> with_rules;  // have rules in the firewall that a new owner must not inherit
  std::set<uint32_t> released;    // with rules, their sandbox gone or going
  uint32_t next = kFirstSlot;
  size_t waiting = 0;
  uint64_t asked = 0;     // calls of take()
  uint64_t failures = 0;  // counts, so that a waiter sees a failure that happened while it waited
  Error last_error;
  bool stopping = false;
  std::thread thread;

  uint32_t gateway() const { return subnet.base + 1; }
  uint32_t address(uint32_t index) const { return subnet.base + index; }
  uint32_t last_slot() const { return ~subnet.mask() - 1; }
  std::string interface(uint32_t index) const { return config.instance + "-" + std::to_string(index); }
  std::string gateway_interface() const { return config.instance + "gw"; }
  Status check_index(uint32_t index) const;

  Result<uint32_t> choose_number();
  Result<NetworkSlot> make();
  void run();
  void stop();
  Status forget_rules(uint32_t index);
  void forget_released();
};

Status Network::Impl::check_index(uint32_t index) const {
  if (index >= kFirstSlot && index <= last_slot()) return {};
  return fail(Code::bad_request, "no network slot " + std::to_string(index));
}

// Round robin, so that a number rests as long as possible. A number whose interface is still there belongs to
// a sandbox that is not adopted yet, or to a namespace that is still going away.
Result<uint32_t> Network::Impl::choose_number() {
  std::lock_guard lock(mutex);
  for (uint32_t tried = kFirstSlot; tried <= last_slot(); ++tried) {
    uint32_t index = next;
    next = next >= last_slot() ? kFirstSlot : next + 1;
    uint32_t last_byte = address(index) & 0xff;
    if (last_byte == 0 || last_byte == 255 || used.contains(index) ||
        maker.interface_exists(interface(index)))
      continue;
    used.insert(index);
    return index;
  }
  return fail(Code::unavailable, "all addresses of " + config.subnet +
                                     " are in use: configure a larger network for the sandboxes");
}

Result<NetworkSlot> Network::Impl::make() {
  forget_released();
  TRY(uint32_t index, choose_number());
  Status clean = forget_rules(index);
  Result<Fd> netns =
      clean ? maker.make(interface(index), index, address(index)) : std::unexpected(clean.error());
  if (!netns) {
    std::lock_guard lock(mutex);
    used.erase(index);
    return std::unexpected(std::move(netns).error().context("make network slot " + std::to_string(index)));
  }
  return NetworkSlot{index, interface(index), ipv4_text(address(index)), ipv4_text(gateway()),
                     std::move(*netns)};
}

// Runs before every new slot, so that rules of the dead never pile up.
void Network::Impl::forget_released() {
  std::set<uint32_t> candidates;
  {
    std::lock_guard lock(mutex);
    candidates.swap(released);
  }
  for (uint32_t index : candidates) {
    if (!maker.interface_exists(interface(index)) && forget_rules(index)) continue;
    std::lock_guard lock(mutex);
    if (!used.contains(index)) released.insert(index);
  }
}

Status Network::Impl::forget_rules(uint32_t index) {
  {
    std::lock_guard lock(mutex);
    if (!with_rules.contains(index)) return {};
  }
  TRY_VOID(firewall->clear_rules(index, address(index)));
  std::lock_guard lock(mutex);
  with_rules.erase(index);
  return {};
}

void Network::Impl::run() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [&] { return stopping || ready.size() < config.ready_slots + waiting; });
    if (stopping) return;
    lock.unlock();
    auto slot = make();
    lock.lock();
    if (slot) {
      ready.push_back(std::move(*slot));
      last_error = {};
      changed.notify_all();
      continue;
    }
    if (slot.error().message != last_error.message)
      log::warn("a network slot could not be made", {{"error", slot.error().message}});
    ++failures;
    last_error = slot.error();
    changed.notify_all();
    // Those who wait now get the error; the next who asks starts a new attempt at once.
    changed.wait_for(lock, std::chrono::seconds(1),
                     [&, answered = asked] { return stopping || asked != answered; });
  }
}

void Network::Impl::stop() {
  {
    std::lock_guard lock(mutex);
    stopping = true;
  }
  changed.notify_all();
  if (thread.joinable()) thread.join();
}

Network::Network(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Network::~Network() { impl_->stop(); }

Result<std::unique_ptr<Network>> Network::create(NetworkConfig config) {
  auto impl = std::make_unique<Impl>();
  TRY(impl->subnet, parse_range(config.subnet));
  TRY_VOID(check_config(config, impl->subnet));
  TRY(auto denied, denied_ranges(config));
  impl->config = std::move(config);
  TRY_VOID(enable_forwarding());
  TRY(impl->maker, SlotMaker::create(impl->gateway()));
  TRY_VOID(impl->maker.make_gateway(impl->gateway_interface()));
  DnsConfig dns;
  dns.listen = impl->gateway();
  dns.clients = impl->subnet;
  dns.upstream = impl->config.dns;
  dns.local = [&links = impl->links](uint32_t client, std::string_view name) {
    return links.resolve(client, name);
  };
  TRY(impl->resolver, DnsForwarder::start(std::move(dns)));
  TRY(impl->firewall, Firewall::create({impl->config.instance, impl->subnet, impl->gateway(),
                                        impl->resolver->port(), std::move(denied)}));
  allow_through_iptables(impl->config.instance);
  for (uint32_t index : impl->firewall->slots_with_rules()) impl->with_rules.insert(index);
  Impl* self = impl.get();
  impl->thread = std::thread([self] { self->run(); });
  return std::unique_ptr<Network>(new Network(std::move(impl)));
}

Result<NetworkSlot> Network::take() {
  std::unique_lock lock(impl_->mutex);
  uint64_t seen = impl_->failures;
  ++impl_->waiting;
  ++impl_->asked;
  impl_->changed.notify_all();
  impl_->changed.wait(lock,
                      [&] { return !impl_->ready.empty() || impl_->failures != seen || impl_->stopping; });
  --impl_->waiting;
  if (impl_->ready.empty()) {
    if (impl_->stopping) return fail(Code::unavailable, "the network is shutting down");
    return std::unexpected(impl_->last_error);
  }
  NetworkSlot slot = std::move(impl_->ready.front());
  impl_->ready.pop_front();
  impl_->changed.notify_all();
  return slot;
}

// The rules stay until the interface is gone: whatever may still run in the namespace keeps its policy to the
// end.
void Network::release(uint32_t index) {
  if (!impl_->check_index(index)) return;
  uint32_t address = impl_->address(index);
  Status left = impl_->links.leave(
      address, [&](const auto& others) { return impl_->firewall->unlink(address, others); });
  if (!left) log::error("a link of a sandbox stays open", {{"slot", index}, {"error", left.error().message}});
  std::lock_guard lock(impl_->mutex);
  impl_->used.erase(index);
  if (impl_->with_rules.contains(index)) impl_->released.insert(index);
}

Status Network::join(uint32_t index, const std::string& group, const std::vector<std::string>& names) {
  TRY_VOID(impl_->check_index(index));
  uint32_t address = impl_->address(index);
  return impl_->links.join(address, group, names,
                           [&](const auto& others) { return impl_->firewall->link(address, others); });
}

Status Network::adopt(uint32_t index, const NetworkPolicy& policy) {
  TRY_VOID(impl_->check_index(index));
  {
    std::lock_guard lock(impl_->mutex);
    impl_->used.insert(index);
  }
  return set_policy(index, policy);
}

Status Network::set_policy(uint32_t index, const NetworkPolicy& policy) {
  TRY_VOID(impl_->check_index(index));
  if (policy.allow.size() > kMostRanges)
    return fail(Code::bad_request, "too many ranges in the network allow list");
  TRY(auto allow, parse_ranges(policy.allow));
  // A list of IPv6 ranges only allows nothing here.
  bool block = policy.block_all || (allow.empty() && !policy.allow.empty());
  if (!block && allow.empty()) return impl_->forget_rules(index);
  {
    std::lock_guard lock(impl_->mutex);
    impl_->with_rules.insert(index);
  }
  return impl_->firewall->set_rules({index, impl_->address(index), block, std::move(allow)});
}

std::string Network::address_of(uint32_t index) const {
  return impl_->check_index(index) ? ipv4_text(impl_->address(index)) : "";
}

std::string Network::resolv_conf() const {
  return "nameserver " + ipv4_text(impl_->gateway()) + "\noptions edns0 timeout:3 attempts:3\n";
}

// Closing the namespaces lets the kernel take them down together; deleting interfaces one by one would wait
// for each.
Status Network::destroy_all() {
  impl_->stop();
  std::vector<std::string> interfaces;
  for (auto& slot : impl_->ready) interfaces.push_back(slot.host_interface);
  impl_->ready.clear();
  impl_->resolver.reset();
  TRY_VOID(impl_->firewall->remove_table());
  forget_in_iptables(impl_->config.instance);
  auto deadline = after(kTakeDown);
  for (const auto& interface : interfaces)
    while (impl_->maker.interface_exists(interface) && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(Millis(2));
  for (const auto& interface : interfaces) TRY_VOID(impl_->maker.delete_interface(interface));
  return impl_->maker.delete_interface(impl_->gateway_interface());
}

}  // namespace dt::runner
