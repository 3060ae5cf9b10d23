// What the version of a client's SDK changes in the answers of the session routes (contract §6).
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "libs/net/http.h"

namespace dt::daemon {

class SdkVersion {
 public:
  SdkVersion() = default;
  explicit SdkVersion(std::string_view text);
  // From the header X-Daytona-SDK-Version, else from the WebSocket sub-protocol of that name.
  static SdkVersion of(const Request& request);

  bool given() const { return !text_.empty(); }
  bool readable() const { return numbers_.has_value(); }
  bool development() const { return text_.find("dev") != std::string::npos; }
  // False for a version that is absent or cannot be read: it counts as the newest.
  bool below(int major, int minor) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::optional<std::array<int64_t, 3>> numbers_;
};

struct LogForm {
  bool combined = false;  // markers are taken out
  bool split = false;     // JSON with stdout and stderr apart
};
enum class LogUse { command, command_stream, entrypoint };
LogForm log_form(const Request& request, LogUse use);

// Old SDKs expect sessions to start in the home directory.
bool starts_at_home(const SdkVersion& version);

// The sub-protocol that carries the version, to be echoed; "" when none was offered.
std::string version_protocol(const Request& request);

}  // namespace dt::daemon
