// Linked sandboxes: an owner and what was created with it reach one another, by name too (contract
// runner-proxy-gateway §1.19). A group is known by its owner's id; every running sandbox is in one, most of
// them alone. Addresses are those of slots. Thread-safe.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/error.h"

namespace dt::runner {

class Links {
 public:
  // Called under the lock with the addresses of the others, so that changes of the firewall keep their order.
  using Apply = std::move_only_function<Status(const std::vector<uint32_t>& others)>;

  // Names are compared without case. A slot joins once. When `apply` fails, it did not join.
  Status join(uint32_t address, const std::string& group, const std::vector<std::string>& names, Apply apply);
  // Nothing happens when it is in no group.
  Status leave(uint32_t address, Apply apply);
  // What a name means for this member: the address of another one of its group.
  std::optional<uint32_t> resolve(uint32_t member, std::string_view name) const;

 private:
  struct Member {
    std::string group;
    std::vector<std::string> names;
  };
  std::vector<uint32_t> others(uint32_t address, const std::string& group) const;
  mutable std::mutex mutex_;
  std::map<uint32_t, Member> members_;
  std::multimap<std::string, uint32_t> groups_;
};

}  // namespace dt::runner
