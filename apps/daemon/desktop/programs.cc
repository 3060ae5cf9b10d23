#include "apps/daemon/desktop/programs.h"

#include <unistd.h>

#include <algorithm>

#include "libs/base/text.h"

namespace dt::daemon::desktop {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr const char* kNoVnc = "/usr/share/novnc";

std::string in_path(const std::string& path, std::string_view name) {
  std::string_view folders = path.empty() ? kDefaultPath : std::string_view(path);
  for (std::string_view folder : split(folders, ':')) {
    std::string candidate = std::string(folder) + "/" + std::string(name);
    if (folder.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

std::string first_of(const std::vector<std::string>& candidates) {
  auto found = std::ranges::find_if(candidates, [](const auto& c) { return ::access(c.c_str(), X_OK) == 0; });
  return found == candidates.end() ? "" : *found;
}

Found found(std::string path, std::vector<std::string> arguments, std::string_view missing) {
  Found out;
  if (path.empty()) out.missing = missing;
  out.program.path = std::move(path);
  out.program.arguments = std::move(arguments);
  return out;
}

Found find_xvfb(const Settings& settings, const std::string& path) {
  // Not reset: the first client that leaves would take the server away from under those that come.
  std::vector<std::string> arguments{settings.display, "-screen", "0", settings.resolution + "x24",
                                     "-noreset"};
  return found(in_path(path, "Xvfb"), std::move(arguments), "Xvfb");
}

Found find_xfce(const std::string& path) { return found(in_path(path, "startxfce4"), {}, "startxfce4"); }

Found find_accessibility(const std::string& path) {
  constexpr std::string_view kName = "at-spi-bus-launcher";
  std::string program =
      first_of({"/usr/libexec/at-spi-bus-launcher", "/usr/lib/at-spi2-core/at-spi-bus-launcher"});
  if (program.empty()) program = in_path(path, kName);
  // Enabled: programs that ask first (Chromium, Qt) put their windows there too.
  return found(std::move(program), {"--launch-immediately", "--a11y=1"}, kName);
}

Found find_x11vnc(const Settings& settings, const std::string& path) {
  return found(
      in_path(path, "x11vnc"),
      {"-display", settings.display, "-forever", "-shared", "-rfbport", std::to_string(settings.vnc_port)},
      "x11vnc");
}

Found find_novnc(const Settings& settings, const std::string& path) {
  std::string vnc = "localhost:" + std::to_string(settings.vnc_port);
  std::string port = std::to_string(settings.novnc_port);
  std::string utils = std::string(kNoVnc) + "/utils/";
  std::string websockify = in_path(path, "websockify");
  // The scripts start websockify too, and would fetch it from the network where it is missing.
  std::string script = websockify.empty() ? "" : first_of({utils + "launch.sh", utils + "novnc_proxy"});
  if (!script.empty()) return found(std::move(script), {"--vnc", vnc, "--listen", port}, "");
  return found(std::move(websockify), {"--web=" + std::string(kNoVnc), port, vnc}, "websockify (noVNC)");
}

}  // namespace

const std::vector<Part>& parts() {
  static const std::vector<Part> all{{"xvfb", 100, true, true},
                                     {"xfce4", 200, true, true},
                                     {"atspi", 250, false, false},
                                     {"x11vnc", 300, true, true},
                                     {"novnc", 400, true, true}};
  return all;
}

const Part* find_part(std::string_view name) {
  auto part = std::ranges::find_if(parts(), [&](const Part& p) { return name == p.name; });
  return part == parts().end() ? nullptr : &*part;
}

Found find_program(const Part& part, const Settings& settings, const std::string& path,
                   const std::string& bus) {
  std::string_view name = part.name;
  Found out = name == "xvfb"     ? find_xvfb(settings, path)
              : name == "xfce4"  ? find_xfce(path)
              : name == "atspi"  ? find_accessibility(path)
              : name == "x11vnc" ? find_x11vnc(settings, path)
                                 : find_novnc(settings, path);
  Program& program = out.program;
  program.envs = {{"DISPLAY", settings.display}};
  if (name == "xfce4" || name == "atspi") {
    program.envs.insert({{"HOME", settings.home}, {"USER", settings.user}});
    if (!bus.empty()) program.envs.emplace("DBUS_SESSION_BUS_ADDRESS", bus);
    program.cwd = settings.home;
  }
  program.log_path = settings.folder + "/" + part.name + ".log";
  program.error_path = settings.folder + "/" + part.name + ".err";
  program.auto_restart = part.auto_restart;
  return out;
}

Found find_bus(const Settings& settings, const std::string& path, const std::string& address) {
  Found out = found(in_path(path, "dbus-daemon"),
                    {"--session", "--nofork", "--nopidfile", "--address=" + address}, "dbus-daemon");
  out.program.envs = {{"DISPLAY", settings.display}, {"DBUS_SESSION_BUS_ADDRESS", address}};
  out.program.cwd = settings.home;
  out.program.log_path = settings.folder + "/dbus.log";
  out.program.error_path = settings.folder + "/dbus.err";
  return out;
}

}  // namespace dt::daemon::desktop
