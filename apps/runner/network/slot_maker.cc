#include "apps/runner/network/slot_maker.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>

#include "libs/linux/mount.h"

namespace dt::runner {
namespace {

// Locally administered; the last three bytes are the slot's number.
Mac mac_of(uint8_t side, uint32_t index) {
  return {0x02,
          0x64,
          side,
          static_cast<uint8_t>(index >> 16),
          static_cast<uint8_t>(index >> 8),
          static_cast<uint8_t>(index)};
}
constexpr uint8_t kHostSide = 0x01, kSandboxSide = 0x02;

// All namespaces' entries of /proc/sys/net share hash chains in a mount of proc, and every look-up walks all
// of them: with 1,000 sandboxes that is most of the work of making a slot. A mount of our own has few.
constexpr int kSlotsPerProc = 32;

Result<Fd> private_proc() {
  TRY(auto context, linux_::FsContext::open("proc"));
  return context.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

// `net`: "sys/net" of some proc; what is written belongs to the calling thread's namespace.
Status write_sysctl(const Fd& net, const std::string& name, std::string_view value) {
  Fd fd(::openat(net.get(), name.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return {};
  if (!fd) return fail_errno("open net/" + name);
  return write_all(fd.get(), value);
}

// Runs in the new namespace. Root inside a sandbox has no capability over it, so what needs one is set here.
Status set_sysctls(const Fd& net) {
  // No IPv6 to the outside; programs that listen on ::1 work.
  TRY_VOID(write_sysctl(net, "ipv6/conf/default/disable_ipv6", "1"));
  TRY_VOID(write_sysctl(net, "ipv6/conf/lo/disable_ipv6", "0"));
  TRY_VOID(write_sysctl(net, "ipv4/ip_unprivileged_port_start", "0"));
  return write_sysctl(net, "ipv4/ping_group_range", "0 2147483647");
}

// Enters a new network namespace and comes back at the end of the scope.
class FreshNamespace {
 public:
  explicit FreshNamespace(int home) : home_(home), error_(unshare(CLONE_NEWNET) < 0 ? errno : 0) {}
  ~FreshNamespace() { leave(); }
  FreshNamespace(const FreshNamespace&) = delete;
  FreshNamespace& operator=(const FreshNamespace&) = delete;
  Status entered() const { return error_ ? fail_errno("make a network namespace", error_) : Status(); }
  void leave() {
    // Staying would run everything that follows in a sandbox's namespace: that is worse than ending.
    if (home_ >= 0) CHECK(setns(home_, CLONE_NEWNET) == 0);
    home_ = -1;
  }

 private:
  int home_;
  int error_;
};

}  // namespace

Result<SlotMaker> SlotMaker::create(uint32_t gateway) {
  SlotMaker maker;
  TRY(maker.host_, Netlink::open());
  TRY(maker.host_netns_, maker.host_.netns());
  maker.gateway_ = gateway;
  return maker;
}

Result<Fd> SlotMaker::sysctls() {
  if (proc_uses_-- <= 0) {
    auto fresh = private_proc();
    proc_ = fresh ? std::move(*fresh) : Fd(::open("/proc", O_PATH | O_CLOEXEC));
    proc_uses_ = 2 * kSlotsPerProc;
  }
  // A look-up of its own for each namespace: "net" is another directory in each.
  Fd net(::openat(proc_.get(), "sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!net) return fail_errno("open proc/sys/net");
  return net;
}

Result<Fd> SlotMaker::make(const std::string& host_interface, uint32_t index, uint32_t address) {
  FreshNamespace inside(host_netns_.get());
  TRY_VOID(inside.entered());
  TRY(Fd net, sysctls());
  TRY_VOID(set_sysctls(net));
  TRY(auto netlink, Netlink::open());
  TRY(auto netns, netlink.netns());

  NetlinkBatch pair;
  add_veth(pair,
           {host_interface, "eth0", mac_of(kHostSide, index), mac_of(kSandboxSide, index), netns.get()});
  TRY_VOID(host_.run(std::move(pair)));
  TRY(int eth0, netlink.index_of("eth0"));
  TRY(int lo, netlink.index_of("lo"));
  TRY(int outside, host_.index_of(host_interface));

  inside.leave();
  // Before it is up: addresses, routes and solicitations of its own would cost more with each slot.
  TRY(Fd host_net, sysctls());
  TRY_VOID(write_sysctl(host_net, "ipv6/conf/" + host_interface + "/disable_ipv6", "1"));
  NetlinkBatch host;
  set_up(host, outside);
  add_neighbour(host, outside, address, mac_of(kSandboxSide, index));
  add_route(host, {address, 32, outside, 0, gateway_});
  TRY_VOID(host_.run(std::move(host)));

  NetlinkBatch own;
  set_up(own, lo);
  add_address(own, eth0, address);
  set_up(own, eth0);
  add_neighbour(own, eth0, gateway_, mac_of(kHostSide, index));
  add_route(own, {gateway_, 32, eth0, 0, address});
  add_route(own, {0, 0, eth0, gateway_, address});
  TRY_VOID(netlink.run(std::move(own)));
  host_.settle(host_interface);
  netlink.settle("eth0");
  return netns;
}

Status SlotMaker::delete_interface(const std::string& name) {
  auto index = host_.index_of(name);
  if (!index) return {};
  NetlinkBatch batch;
  delete_link(batch, *index);
  auto deleted = host_.run(std::move(batch));
  if (!deleted && deleted.error().sys_errno == ENODEV) return {};  // its namespace took it along
  return deleted;
}

Status SlotMaker::make_gateway(const std::string& name) {
  if (!interface_exists(name)) {
    // Any kind that holds an address does; not every kernel has the first.
    NetlinkBatch dummy, bridge;
    add_link(dummy, name, "dummy");
    add_link(bridge, name, "bridge");
    if (!host_.run(std::move(dummy))) TRY_VOID(host_.run(std::move(bridge)));
  }
  TRY(int index, host_.index_of(name));
  NetlinkBatch batch;
  add_address(batch, index, gateway_);
  set_up(batch, index);
  return host_.run(std::move(batch));
}

}  // namespace dt::runner
