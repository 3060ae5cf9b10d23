// Strong identifiers: a SandboxId is not an OrganizationId. Compare, hash, and .str() to get the text.
#pragma once
#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace dt {

template <class Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string value) : value_(std::move(value)) {}
  const std::string& str() const { return value_; }
  bool empty() const { return value_.empty(); }
  auto operator<=>(const Id&) const = default;

 private:
  std::string value_;
};

using SandboxId = Id<struct SandboxTag>;
using OrganizationId = Id<struct OrganizationTag>;
using UserId = Id<struct UserTag>;
using SnapshotId = Id<struct SnapshotTag>;
using RunnerId = Id<struct RunnerTag>;
using JobId = Id<struct JobTag>;

}  // namespace dt

template <class Tag>
struct std::hash<dt::Id<Tag>> {
  size_t operator()(const dt::Id<Tag>& id) const { return std::hash<std::string>()(id.str()); }
};
