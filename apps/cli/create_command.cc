#include <fmt/core.h>

#include <boost/json.hpp>
#include <ostream>

#include "apps/cli/sandbox_commands.h"
#include "apps/cli/sandbox_view.h"
#include "libs/base/text.h"
#include "libs/codec/json.h"

namespace dt::cli {
namespace {
namespace bj = boost::json;

struct Member {
  std::string_view flag, wire;
  bool always = false;  // sent with its default when the flag was not given
};
constexpr Member kTexts[] = {{"name", "name"},
                             {"snapshot", "snapshot"},
                             {"user", "user"},
                             {"target", "target"},
                             {"network-allow-list", "networkAllowList"}};
constexpr Member kIntegers[] = {{"cpu", "cpu"},
                                {"gpu", "gpu"},
                                {"memory", "memory"},
                                {"disk", "disk"},
                                {"auto-stop", "autoStopInterval"},
                                {"auto-pause", "autoPauseInterval"},
                                {"auto-archive", "autoArchiveInterval"},
                                {"auto-delete", "autoDeleteInterval", true},
                                {"ttl", "ttlMinutes"}};
constexpr Member kBooleans[] = {{"public", "public"}, {"network-block-all", "networkBlockAll", true}};

Result<bj::object> pairs(const Line& line, std::string_view flag) {
  bj::object out;
  for (const std::string& text : line.list(flag)) {
    size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      return fail(Code::bad_request, fmt::format("--{} wants KEY=VALUE, not '{}'", flag, text));
    out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

Result<bj::array> volumes(const Line& line) {
  bj::array out;
  for (const std::string& text : line.list("volume")) {
    size_t colon = text.find(':');
    if (colon == 0 || colon == std::string::npos || colon + 1 == text.size())
      return fail(Code::bad_request, fmt::format("--volume wants VOLUME:PATH, not '{}'", text));
    out.push_back(bj::object{{"volumeId", text.substr(0, colon)}, {"mountPath", text.substr(colon + 1)}});
  }
  return out;
}

}  // namespace

Result<std::string> create_body(const Line& line) {
  if (line.given("auto-stop") && line.given("auto-pause"))
    return fail(Code::bad_request, "--auto-stop and --auto-pause exclude one another");
  bj::object body;
  for (const Member& m : kTexts)
    if (line.given(m.flag)) body[m.wire] = line.text(m.flag);
  for (const Member& m : kIntegers)
    if (m.always || line.given(m.flag)) body[m.wire] = line.integer(m.flag);
  for (const Member& m : kBooleans)
    if (m.always || line.given(m.flag)) body[m.wire] = line.boolean(m.flag);
  for (std::string_view size : {"cpu", "gpu", "memory", "disk"})  // 0 is how the flag says "not set"
    if (line.integer(size) == 0) body.stable_erase(size);
  TRY(bj::object env, pairs(line, "env"));
  TRY(bj::object labels, pairs(line, "label"));
  TRY(bj::array mounts, volumes(line));
  if (!env.empty()) body["env"] = std::move(env);
  if (!labels.empty()) body["labels"] = std::move(labels);
  if (!mounts.empty()) body["volumes"] = std::move(mounts);
  return json::serialize(body);
}

Result<int> create_sandbox(Context& context, const Line& line) {
  TRY(std::string body, create_body(line));
  TRY(Api * api, context.api());
  TRY(bj::value answer, api->call("POST", "/sandbox", std::move(body)));
  TRY(SandboxView sandbox, to_view(answer));
  const std::string& name = (*sandbox.name).empty() ? sandbox.id : *sandbox.name;
  context.out << "Sandbox '" << name << "' created successfully\nRun a command in it: daytona exec " << name
              << " -- COMMAND\n";
  return 0;
}

}  // namespace dt::cli
