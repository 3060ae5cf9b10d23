#include "apps/runner/network/firewall.h"

#include <fmt/core.h>
#include <nftables/libnftables.h>

#include <algorithm>
#include <mutex>

#include "libs/base/log.h"
#include "libs/base/text.h"

namespace dt::runner {
namespace {

// Never reachable, whatever a policy says: this network, loopback, link-local (cloud metadata), multicast,
// reserved.
const char* const kNever[] = {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"};
constexpr const char* kRefuse = "goto refuse";

std::string list(const std::vector<Ipv4Range>& ranges) {
  std::string text;
  for (const auto& range : ranges) text += (text.empty() ? "" : ", ") + range.str();
  return text;
}

std::vector<Ipv4Range> never_reachable(const FirewallConfig& config) {
  std::vector<Ipv4Range> ranges{config.subnet};
  for (const char* text : kNever) ranges.push_back(*parse_range(text));
  return without_nested(std::move(ranges));
}

}  // namespace

// Every statement may be repeated on a table that has it.
std::string base_ruleset(const FirewallConfig& config) {
  std::string table = "inet daytona_" + config.instance;
  std::string in = "\"" + config.instance + "-*\"";
  std::string text;
  auto add = [&](const std::string& line) { text += line + "\n"; };
  auto chain = [&](const std::string& name, const std::string& hook) {
    add("add chain " + table + " " + name + (hook.empty() ? "" : " { type " + hook + "; policy accept; }"));
    add("flush chain " + table + " " + name);
  };
  auto rule = [&](const std::string& name, const std::string& body) {
    add("add rule " + table + " " + name + " " + body);
  };
  auto fill = [&](const std::string& set, const std::vector<Ipv4Range>& ranges) {
    add("flush set " + table + " " + set);
    if (!ranges.empty()) add("add element " + table + " " + set + " { " + list(ranges) + " }");
  };

  add("add table " + table);
  add("add set " + table + " never { type ipv4_addr; flags interval; }");
  add("add set " + table + " denied { type ipv4_addr; flags interval; }");
  add("add set " + table + " blocked { type ipv4_addr; }");
  add("add set " + table + " flows { type ipv4_addr; size 65535; flags dynamic; }");
  add("add set " + table + " linked { type ipv4_addr . ipv4_addr; }");
  add("flush set " + table + " linked");  // who runs joins again
  add("add map " + table + " slots { type ipv4_addr : verdict; }");
  fill("never", never_reachable(config));
  fill("denied", config.denied);

  // A packet from a sandbox has the source address that is routed to it. Nobody else may use these addresses.
  chain("prerouting", "filter hook prerouting priority -150");
  rule("prerouting",
       fmt::format("iifname != \"lo\" iifname != {} ip saddr {} drop", in, config.subnet.str()));
  rule("prerouting", fmt::format("iifname != {} return", in));
  rule("prerouting", "meta nfproto != ipv4 drop");
  rule("prerouting", "fib saddr . iif oif missing drop");
  rule("prerouting", "ct state invalid drop");
  rule("prerouting",
       fmt::format("ct state new add @flows {{ ip saddr ct count over {} }} drop", config.flows_per_slot));

  chain("resolver", "nat hook prerouting priority dstnat");
  if (config.dns_port != 53)
    rule("resolver",
         fmt::format("iifname {} ip daddr {} meta l4proto {{ tcp, udp }} th dport 53 dnat ip to {}:{}", in,
                     ipv4_text(config.gateway), ipv4_text(config.gateway), config.dns_port));

  // At once and for every packet: errors by ICMP alone are rate-limited, and what waits for them hangs.
  chain("refuse", "");
  rule("refuse", "meta l4proto tcp reject with tcp reset");
  rule("refuse", "reject with icmpx type admin-prohibited");

  chain("host", "");
  rule("host", "ct direction reply ct state established,related accept");  // previews: the host connected
  rule("host", std::string("ip saddr @blocked ") + kRefuse);
  rule("host", fmt::format("ip daddr {} meta l4proto {{ tcp, udp }} th dport {} accept",
                           ipv4_text(config.gateway), config.dns_port));
  rule("host", fmt::format("ip daddr {} icmp type echo-request accept", ipv4_text(config.gateway)));
  rule("host", kRefuse);
  chain("input", "filter hook input priority -10");
  rule("input", "iifname " + in + " jump host");

  chain("outbound", "");
  rule("outbound", std::string("ip daddr @never ") + kRefuse);
  rule("outbound", "ip saddr vmap @slots");
  rule("outbound", std::string("ip daddr @denied ") + kRefuse);
  chain("forward", "filter hook forward priority -10");
  rule("forward", fmt::format("iifname {0} oifname {0} ip saddr != @blocked ip daddr != @blocked ip saddr . "
                              "ip daddr @linked accept",
                              in));
  rule("forward", fmt::format("iifname {0} oifname {0} {1}", in, kRefuse));
  rule("forward", fmt::format("iifname {} goto outbound", in));
  rule("forward", fmt::format("oifname {} ip daddr @blocked drop", in));
  rule("forward", fmt::format("oifname {} ct state established,related accept", in));
  rule("forward", fmt::format("oifname {} drop", in));

  chain("postrouting", "nat hook postrouting priority srcnat");
  rule("postrouting",
       fmt::format("ip saddr {} iifname {} oifname != {} masquerade", config.subnet.str(), in, in));
  return text;
}

std::string slot_ruleset(const FirewallConfig& config, const SlotRules& rules) {
  std::string table = "inet daytona_" + config.instance;
  std::string name = "p" + std::to_string(rules.index), address = ipv4_text(rules.address);
  std::string text = fmt::format("add chain {0} {1}\nflush chain {0} {1}\n", table, name);
  auto rule = [&](const std::string& body) { text += fmt::format("add rule {} {} {}\n", table, name, body); };
  std::string blocked = fmt::format("add element {} blocked {{ {} }}\n", table, address);
  if (rules.block_all) {
    rule(kRefuse);
    text += blocked;
  } else {
    text += blocked + fmt::format("delete element {} blocked {{ {} }}\n", table, address);
    // Only a range that lies in a denied one names it: 0.0.0.0/0 does not open the private networks.
    std::vector<Ipv4Range> named;
    std::ranges::copy_if(rules.allow, std::back_inserter(named), [&](const Ipv4Range& range) {
      return std::ranges::any_of(config.denied, [&](const Ipv4Range& d) { return d.contains(range); });
    });
    bool everything = std::ranges::any_of(rules.allow, [](const Ipv4Range& r) { return r.prefix == 0; });
    if (!named.empty()) rule("ip daddr { " + list(named) + " } accept");
    rule(std::string("ip daddr @denied ") + kRefuse);
    if (!everything) {
      rule("ip daddr { " + list(rules.allow) + " } accept");
      rule(kRefuse);
    }
  }
  text += fmt::format("add element {} slots {{ {} : jump {} }}\n", table, address, name);
  return text;
}

struct Firewall::Impl {
  FirewallConfig config;
  mutable std::mutex mutex;
  nft_ctx* context = nullptr;

  ~Impl() {
    if (context) nft_ctx_free(context);
  }
  std::string table() const { return "inet daytona_" + config.instance; }

  // One transaction: all of it or nothing. The output of list commands.
  Result<std::string> run(const std::string& commands) const {
    std::lock_guard lock(mutex);
    int rc = nft_run_cmd_from_buffer(context, commands.c_str());
    std::string output = nft_ctx_get_output_buffer(context), error = nft_ctx_get_error_buffer(context);
    if (rc == 0) return output;
    return fail(Code::unavailable, "nftables refused a change: " + std::string(trim(error.substr(0, 1024))));
  }
};

Firewall::Firewall(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Firewall::~Firewall() = default;

Result<std::unique_ptr<Firewall>> Firewall::create(FirewallConfig config) {
  auto impl = std::make_unique<Impl>();
  impl->config = std::move(config);
  impl->context = nft_ctx_new(NFT_CTX_DEFAULT);
  if (!impl->context) return fail(Code::unavailable, "nftables cannot be used: out of memory");
  nft_ctx_buffer_output(impl->context);
  nft_ctx_buffer_error(impl->context);
  std::string rules = base_ruleset(impl->config);
  auto loaded = impl->run(rules);
  if (!loaded) {
    // A table of another version whose sets differ: replace it. Policies are set again when sandboxes are
    // adopted.
    std::string replace = "add table " + impl->table() + "\ndelete table " + impl->table() + "\n" + rules;
    if (auto replaced = impl->run(replace); !replaced)
      return std::unexpected(
          std::move(loaded).error().context("load the firewall (does this kernel have nf_tables?)"));
    log::warn("the firewall table of another version was replaced", {{"table", impl->table()}});
  }
  return std::unique_ptr<Firewall>(new Firewall(std::move(impl)));
}

Status Firewall::set_rules(const SlotRules& rules) {
  if (!rules.block_all && rules.allow.empty()) return clear_rules(rules.index, rules.address);
  TRY_VOID(impl_->run(slot_ruleset(impl_->config, rules)));
  return {};
}

namespace {
std::string pairs(uint32_t address, const std::vector<uint32_t>& others) {
  std::string text, me = ipv4_text(address);
  for (uint32_t other : others) {
    std::string peer = ipv4_text(other);
    text += fmt::format("{}{} . {}, {} . {}", text.empty() ? "" : ", ", me, peer, peer, me);
  }
  return text;
}
}  // namespace

Status Firewall::link(uint32_t address, const std::vector<uint32_t>& others) {
  TRY_VOID(impl_->run(fmt::format("add element {} linked {{ {} }}", impl_->table(), pairs(address, others))));
  return {};
}

Status Firewall::unlink(uint32_t address, const std::vector<uint32_t>& others) {
  std::string elements = fmt::format("{} linked {{ {} }}", impl_->table(), pairs(address, others));
  TRY_VOID(impl_->run("add element " + elements + "\ndelete element " + elements));
  return {};
}

Status Firewall::clear_rules(uint32_t index, uint32_t address) {
  // Added before it is deleted, so that the transaction succeeds whether it was there or not.
  std::string commands = fmt::format(
      "add chain {0} p{1}\nadd element {0} slots {{ {2} : jump p{1} }}\nadd element {0} blocked {{ {2} }}\n"
      "delete element {0} slots {{ {2} }}\ndelete element {0} blocked {{ {2} }}\nflush chain {0} "
      "p{1}\ndelete chain {0} p{1}\n",
      impl_->table(), index, ipv4_text(address));
  TRY_VOID(impl_->run(commands));
  return {};
}

std::vector<uint32_t> Firewall::slots_with_rules() const {
  std::vector<uint32_t> slots;
  auto text = impl_->run("list table " + impl_->table());
  if (!text) return slots;
  for (auto line : split(*text, '\n')) {
    line = trim(line);
    if (!line.starts_with("chain p")) continue;
    auto number = parse_int(line.substr(7, line.find(' ', 7) - 7));
    if (number && *number >= 0) slots.push_back(static_cast<uint32_t>(*number));
  }
  return slots;
}

Status Firewall::remove_table() {
  TRY_VOID(impl_->run("add table " + impl_->table() + "\ndelete table " + impl_->table() + "\n"));
  return {};
}

}  // namespace dt::runner
