#include "libs/contract/sandbox_state.h"

namespace dt {
namespace {

constexpr std::array<std::string_view, kSandboxStates> kStates = {
    "creating", "restoring",        "destroyed", "destroying",   "started",       "stopped",
    "starting", "stopping",         "error",     "build_failed", "pending_build", "building_snapshot",
    "unknown",  "pulling_snapshot", "archived",  "archiving",    "resizing",      "snapshotting",
    "forking",  "pausing",          "paused",    "resuming"};
constexpr std::array<std::string_view, kDesiredStates> kDesired = {"destroyed", "started",  "stopped",
                                                                   "resized",   "archived", "paused"};

template <class Enum, size_t N>
std::optional<Enum> find(const std::array<std::string_view, N>& names, std::string_view text) {
  for (size_t i = 0; i < N; ++i)
    if (names[i] == text) return static_cast<Enum>(i);
  return std::nullopt;
}

}  // namespace

std::string_view to_string(SandboxState state) { return kStates[static_cast<size_t>(state)]; }
std::string_view to_string(DesiredState state) { return kDesired[static_cast<size_t>(state)]; }
std::optional<SandboxState> parse_sandbox_state(std::string_view text) {
  return find<SandboxState>(kStates, text);
}
std::optional<DesiredState> parse_desired_state(std::string_view text) {
  return find<DesiredState>(kDesired, text);
}

}  // namespace dt
