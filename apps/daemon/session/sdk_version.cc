#include "apps/daemon/session/sdk_version.h"

#include "libs/base/text.h"

namespace dt::daemon {
namespace {

constexpr std::string_view kVersionHeader = "X-Daytona-SDK-Version";
constexpr std::string_view kSplitHeader = "X-Daytona-Split-Output";
constexpr std::string_view kProtocolPrefix = "X-Daytona-SDK-Version~";

bool digit(char c) { return c >= '0' && c <= '9'; }

// v1.2.3, 1.2.3-rc.1, 1.2.3+build, 1.2.3rc1, 1.2
std::optional<std::array<int64_t, 3>> parse(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  std::array<int64_t, 3> out{};
  for (size_t i = 0; i < out.size(); ++i) {
    size_t length = 0;
    while (length < text.size() && digit(text[length])) ++length;
    auto number = parse_int(text.substr(0, length));
    if (length == 0 || !number) return std::nullopt;
    out[i] = *number;
    text.remove_prefix(length);
    if (text.empty()) return out;
    if (i == 2) break;
    if (text[0] != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  if (text[0] == '.') return std::nullopt;
  return out;
}

}  // namespace

SdkVersion::SdkVersion(std::string_view text) : text_(trim(text)), numbers_(parse(text_)) {}

std::string version_protocol(const Request& request) {
  for (const auto& [name, value] : request.headers.all()) {
    if (!iequals(name, "Sec-WebSocket-Protocol")) continue;
    for (std::string_view offered : split(value, ',')) {
      offered = trim(offered);
      if (offered.starts_with(kProtocolPrefix)) return std::string(offered);
    }
  }
  return {};
}

SdkVersion SdkVersion::of(const Request& request) {
  std::string_view header = trim(request.headers.get_or(kVersionHeader));
  if (!header.empty()) return SdkVersion(header);
  std::string protocol = version_protocol(request);
  if (protocol.empty()) return {};
  return SdkVersion(std::string_view(protocol).substr(kProtocolPrefix.size()));
}

bool SdkVersion::below(int major, int minor) const {
  return numbers_ && *numbers_ < std::array<int64_t, 3>{major, minor, 0};
}

LogForm log_form(const Request& request, LogUse use) {
  SdkVersion version = SdkVersion::of(request);
  bool split_asked = request.headers.get_or(kSplitHeader) == "true";
  // Java sends no version on its WebSocket, and can do nothing with bytes without markers.
  bool java = use == LogUse::command_stream && !request.headers.get(kSplitHeader) &&
              request.headers.get_or("User-Agent").starts_with("okhttp/");
  LogForm form;
  form.combined = version.given() ? version.below(0, 27) && !version.development() : !split_asked && !java;
  if (use == LogUse::entrypoint) form.combined = false;
  form.split = version.readable() && (!version.below(0, 167) || version.development());
  return form;
}

bool starts_at_home(const SdkVersion& version) {
  return version.below(0, 103) && version.text() != "0.0.0-dev";
}

}  // namespace dt::daemon
