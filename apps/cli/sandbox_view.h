// What the commands read of a sandbox. Everything but the id may be absent, so that servers of any version
// can be asked.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/codec/codec.h"

namespace dt::cli {

struct SandboxView {
  std::string id;
  Defaulted<std::string> name, state, target, snapshot, createdAt, updatedAt, toolboxProxyUrl;
  Defaulted<std::map<std::string, std::string>> labels;
};
BOOST_DESCRIBE_STRUCT(SandboxView, (),
                      (id, name, state, target, snapshot, createdAt, updatedAt, toolboxProxyUrl, labels))

Result<SandboxView> to_view(const codec::bj::value& value);
// Running ones first, then what is on its way, then the rest; otherwise in the server's order.
void sort_active_first(std::vector<SandboxView>& sandboxes);
// Why no program can run in a sandbox of this state, and what to do; nullopt when one can.
std::optional<std::string> not_running(const SandboxView& sandbox);

}  // namespace dt::cli
