#include "apps/runner/network/netlink.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace dt::runner {
namespace {

constexpr uint16_t kCreate = NLM_F_CREATE | NLM_F_EXCL;
constexpr uint16_t kReplace = NLM_F_CREATE | NLM_F_REPLACE;

}  // namespace

void NetlinkBatch::pad() { bytes_.resize((bytes_.size() + 3) & ~size_t{3}); }

void NetlinkBatch::finish() {
  if (current_ == std::string::npos) return;
  auto length = static_cast<uint32_t>(bytes_.size() - current_);
  memcpy(bytes_.data() + current_ + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
  pad();
}

void NetlinkBatch::begin_raw(uint16_t type, uint16_t flags, const void* payload, size_t size,
                             std::string what) {
  finish();
  current_ = bytes_.size();
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  header.nlmsg_seq = static_cast<uint32_t>(names_.size());
  names_.push_back(std::move(what));
  raw(&header, sizeof header);
  raw(payload, size);
}

void NetlinkBatch::raw(const void* data, size_t size) {
  bytes_.append(static_cast<const char*>(data), size);
  pad();
}

void NetlinkBatch::attr(uint16_t type, const void* data, size_t size) {
  nlattr header{static_cast<uint16_t>(sizeof(nlattr) + size), type};
  bytes_.append(reinterpret_cast<const char*>(&header), sizeof header);
  raw(data, size);
}

void NetlinkBatch::attr_text(uint16_t type, std::string_view text) {
  std::string copy(text);
  attr(type, copy.c_str(), copy.size() + 1);
}

size_t NetlinkBatch::nest(uint16_t type) {
  size_t at = bytes_.size();
  nlattr header{0, static_cast<uint16_t>(type | NLA_F_NESTED)};
  bytes_.append(reinterpret_cast<const char*>(&header), sizeof header);
  return at;
}

void NetlinkBatch::end_nest(size_t at) {
  auto length = static_cast<uint16_t>(bytes_.size() - at);
  memcpy(bytes_.data() + at + offsetof(nlattr, nla_len), &length, sizeof length);
}

std::string NetlinkBatch::take() {
  finish();
  current_ = std::string::npos;
  return std::move(bytes_);
}

Result<Netlink> Netlink::open() {
  Netlink netlink;
  netlink.fd_.reset(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!netlink.fd_) return fail_errno("open a route netlink socket");
  int on = 1;  // answers without a copy of the request
  (void)setsockopt(netlink.fd_.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  return netlink;
}

Status Netlink::run(NetlinkBatch batch) {
  auto names = batch.names();
  std::string bytes = batch.take();
  if (send(fd_.get(), bytes.data(), bytes.size(), 0) < 0) return fail_errno("netlink send");
  Status result;
  alignas(nlmsghdr) char buffer[8192];
  for (size_t answers = 0; answers < names.size();) {
    ssize_t size = recv(fd_.get(), buffer, sizeof buffer, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_errno("netlink receive");
    auto left = static_cast<unsigned>(size);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type != NLMSG_ERROR || header->nlmsg_seq >= names.size()) continue;
      ++answers;
      int error = -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
      if (error && result) result = fail_errno(names[header->nlmsg_seq], error);
    }
  }
  return result;
}

Result<int> Netlink::index_of(const std::string& name) const {
  ifreq request{};
  strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  if (ioctl(fd_.get(), SIOCGIFINDEX, &request) < 0) {
    if (errno == ENODEV) return fail(Code::not_found, "no interface " + name);
    return fail_errno("find interface " + name);
  }
  return request.ifr_ifindex;
}

void Netlink::settle(const std::string& name) const {
  ethtool_value link{ETHTOOL_GLINK, 0};
  ifreq request{};
  strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&link);
  (void)ioctl(fd_.get(), SIOCETHTOOL, &request);
}

Result<Fd> Netlink::netns() const {
  Fd fd(ioctl(fd_.get(), SIOCGSKNS));
  if (!fd) return fail_errno("open the network namespace");
  return fd;
}

void add_veth(NetlinkBatch& batch, const VethSpec& spec) {
  ifinfomsg info{};
  info.ifi_family = AF_UNSPEC;
  uint32_t one_queue = 1;
  auto common = [&](const std::string& name, const Mac& mac) {
    batch.attr_text(IFLA_IFNAME, name);
    batch.attr(IFLA_ADDRESS, mac.data(), mac.size());
    batch.attr(IFLA_NUM_TX_QUEUES, one_queue);
    batch.attr(IFLA_NUM_RX_QUEUES, one_queue);
  };
  batch.begin(RTM_NEWLINK, kCreate, info, "create " + spec.name);
  common(spec.name, spec.mac);
  size_t link = batch.nest(IFLA_LINKINFO);
  batch.attr_text(IFLA_INFO_KIND, "veth");
  size_t data = batch.nest(IFLA_INFO_DATA);
  size_t peer = batch.nest(VETH_INFO_PEER);
  batch.raw(&info, sizeof info);
  common(spec.peer, spec.peer_mac);
  // Made where it belongs: moving it there afterwards would wait for an RCU grace period.
  if (spec.peer_netns >= 0) batch.attr(IFLA_NET_NS_FD, spec.peer_netns);
  batch.end_nest(peer);
  batch.end_nest(data);
  batch.end_nest(link);
}

void add_link(NetlinkBatch& batch, const std::string& name, const char* kind) {
  ifinfomsg info{};
  batch.begin(RTM_NEWLINK, kCreate, info, "create " + name);
  batch.attr_text(IFLA_IFNAME, name);
  size_t link = batch.nest(IFLA_LINKINFO);
  batch.attr_text(IFLA_INFO_KIND, kind);
  batch.end_nest(link);
}

void delete_link(NetlinkBatch& batch, int index) {
  ifinfomsg info{};
  info.ifi_index = index;
  batch.begin(RTM_DELLINK, 0, info, "delete interface");
}

void set_up(NetlinkBatch& batch, int index) {
  ifinfomsg info{};
  info.ifi_index = index;
  info.ifi_flags = IFF_UP;
  info.ifi_change = IFF_UP;
  batch.begin(RTM_NEWLINK, 0, info, "set interface up");
}

void add_address(NetlinkBatch& batch, int index, uint32_t address, int prefix) {
  ifaddrmsg info{};
  info.ifa_family = AF_INET;
  info.ifa_prefixlen = static_cast<uint8_t>(prefix);
  info.ifa_index = static_cast<uint32_t>(index);
  batch.begin(RTM_NEWADDR, kReplace, info, "add address");
  uint32_t wire = htonl(address);
  batch.attr(IFA_LOCAL, wire);
  batch.attr(IFA_ADDRESS, wire);
}

void add_neighbour(NetlinkBatch& batch, int index, uint32_t address, const Mac& mac) {
  ndmsg info{};
  info.ndm_family = AF_INET;
  info.ndm_ifindex = index;
  info.ndm_state = NUD_PERMANENT;
  batch.begin(RTM_NEWNEIGH, kReplace, info, "add neighbour");
  batch.attr(NDA_DST, htonl(address));
  batch.attr(NDA_LLADDR, mac.data(), mac.size());
}

void add_route(NetlinkBatch& batch, const RouteSpec& spec) {
  rtmsg info{};
  info.rtm_family = AF_INET;
  info.rtm_dst_len = static_cast<uint8_t>(spec.prefix);
  info.rtm_table = RT_TABLE_MAIN;
  info.rtm_protocol = RTPROT_STATIC;
  info.rtm_scope = spec.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  info.rtm_type = RTN_UNICAST;
  info.rtm_flags = spec.gateway ? RTNH_F_ONLINK : 0;
  batch.begin(RTM_NEWROUTE, kReplace, info, "add route");
  if (spec.prefix) batch.attr(RTA_DST, htonl(spec.to));
  if (spec.gateway) batch.attr(RTA_GATEWAY, htonl(spec.gateway));
  if (spec.source) batch.attr(RTA_PREFSRC, htonl(spec.source));
  batch.attr(RTA_OIF, spec.index);
}

}  // namespace dt::runner
