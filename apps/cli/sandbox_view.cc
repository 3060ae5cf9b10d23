#include "apps/cli/sandbox_view.h"

#include <fmt/core.h>

namespace dt::cli {
namespace {

constexpr int kLastRank = 3;
int rank(std::string_view state) {
  if (state == "started") return 0;
  if (state.ends_with("ing")) return 1;
  if (state == "error" || state == "build_failed") return 3;
  return 2;
}

}  // namespace

Result<SandboxView> to_view(const codec::bj::value& value) {
  SandboxView view;
  Violations violations;
  codec::read(value, view, codec::Where{"", violations});
  if (!violations.empty())
    return fail(Code::bad_gateway, "the server sent a sandbox that cannot be read: " + violations.joined());
  return view;
}

void sort_active_first(std::vector<SandboxView>& sandboxes) {
  std::vector<SandboxView> sorted;
  for (int wanted = 0; wanted <= kLastRank; ++wanted)
    for (SandboxView& sandbox : sandboxes)
      if (rank(*sandbox.state) == wanted) sorted.push_back(sandbox);
  sandboxes = std::move(sorted);
}

std::optional<std::string> not_running(const SandboxView& sandbox) {
  const std::string& state = *sandbox.state;
  const std::string& name = (*sandbox.name).empty() ? sandbox.id : *sandbox.name;
  if (state == "started") return std::nullopt;
  if (state == "stopped" || state == "archived" || state == "paused")
    return fmt::format("sandbox is {}. Start it with: daytona sandbox start {}", state, name);
  if (state == "error" || state == "build_failed")
    return fmt::format("sandbox is in an error state. See why with: daytona sandbox info {} --format json",
                       name);
  if (state.ends_with("ing") || state.starts_with("pulling") || state.starts_with("building"))
    return fmt::format("sandbox is {}. Wait until it is started and call again", state);
  return fmt::format("sandbox is {} and cannot run commands", state.empty() ? "in an unknown state" : state);
}

}  // namespace dt::cli
