#include "apps/daemon/desktop/settings.h"

#include "libs/base/log.h"
#include "libs/base/text.h"

namespace dt::daemon::desktop {
namespace {

std::string text(const Environment& environment, std::string_view name, std::string_view fallback) {
  std::string_view value = trim(environment.get(name).value_or(""));
  return std::string(value.empty() ? fallback : value);
}

uint16_t port(const Environment& environment, std::string_view name, uint16_t fallback) {
  std::string value = text(environment, name, "");
  if (value.empty()) return fallback;
  auto number = parse_int(value);
  if (number && *number > 0 && *number < 65536) return static_cast<uint16_t>(*number);
  log::warn("a port of the desktop is no port, the default is used", {{"name", name}, {"value", value}});
  return fallback;
}

bool is_resolution(std::string_view value) {
  auto parts = split(value, 'x');
  if (parts.size() != 2) return false;
  auto width = parse_int(parts[0]), height = parse_int(parts[1]);
  return width && height && *width > 0 && *height > 0 && *width < 32768 && *height < 32768;
}

std::string resolution(const Environment& environment) {
  constexpr std::string_view kDefault = "1024x768";
  std::string value = text(environment, "VNC_RESOLUTION", kDefault);
  if (is_resolution(value)) return value;
  log::warn("VNC_RESOLUTION is not WIDTHxHEIGHT, the default is used", {{"value", value}});
  return std::string(kDefault);
}

}  // namespace

Settings read_settings(const Environment& environment) {
  Settings out;
  out.display = text(environment, "DISPLAY", ":0");
  out.resolution = resolution(environment);
  out.vnc_port = port(environment, "VNC_PORT", out.vnc_port);
  out.novnc_port = port(environment, "NO_VNC_PORT", out.novnc_port);
  out.user = text(environment, "VNC_USER", text(environment, "DAYTONA_SANDBOX_USER", "root"));
  out.home = text(environment, "HOME", "/");
  out.folder = (out.home == "/" ? "" : out.home) + "/.daytona/computeruse";
  return out;
}

}  // namespace dt::daemon::desktop
