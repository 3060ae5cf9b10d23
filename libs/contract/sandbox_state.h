// States of a sandbox record, as they go over the wire (api-sandbox §6).
#pragma once
#include <array>
#include <optional>
#include <string_view>

namespace dt {

// In the order in which the contract lists them in messages.
enum class SandboxState {
  creating,
  restoring,
  destroyed,
  destroying,
  started,
  stopped,
  starting,
  stopping,
  error,
  build_failed,
  pending_build,
  building_snapshot,
  unknown,
  pulling_snapshot,
  archived,
  archiving,
  resizing,
  snapshotting,
  forking,
  pausing,
  paused,
  resuming,
};
inline constexpr size_t kSandboxStates = 22;

enum class DesiredState { destroyed, started, stopped, resized, archived, paused };
inline constexpr size_t kDesiredStates = 6;

std::string_view to_string(SandboxState state);
std::string_view to_string(DesiredState state);
std::optional<SandboxState> parse_sandbox_state(std::string_view text);
std::optional<DesiredState> parse_desired_state(std::string_view text);

}  // namespace dt
