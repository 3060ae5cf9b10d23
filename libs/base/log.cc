#include "libs/base/log.h"

#include <unistd.h>

#include <atomic>

#include "libs/base/clock.h"
#include "libs/base/text.h"

namespace dt::log {
namespace {

struct Config {
  std::string service = "daytona";
  bool json = false;
};
Config& config() {
  static Config c;
  return c;
}
std::atomic<Level> g_level{Level::info};
constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20) {
      constexpr std::string_view kHex = "0123456789abcdef";
      out += "\\u00";
      out += kHex[u >> 4];
      out += kHex[u & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

void configure(std::string_view service, Level level, bool json) {
  config() = Config{std::string(service), json};
  g_level = level;
}

Level parse_level(std::string_view text) {
  for (size_t i = 0; i < 4; ++i)
    if (iequals(text, kNames[i])) return static_cast<Level>(i);
  return Level::info;
}

bool enabled(Level level) { return level >= g_level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view message, Fields fields) {
  if (!enabled(level)) return;
  std::string line;
  const Config& c = config();
  std::string now = iso8601(system_clock().wall());
  if (c.json) {
    line += "{\"time\":\"" + now + "\",\"level\":\"";
    line += kNames[static_cast<int>(level)];
    line += "\",\"service\":";
    append_json_string(line, c.service);
    line += ",\"message\":";
    append_json_string(line, replace_invalid_utf8(message));
    for (const Field& f : fields) {
      line += ",";
      append_json_string(line, f.key);
      line += ":";
      f.quoted ? append_json_string(line, replace_invalid_utf8(f.value)) : void(line += f.value);
    }
    line += "}\n";
  } else {
    line += now + " " + std::string(kNames[static_cast<int>(level)]) + " " + c.service + ": " +
            std::string(message);
    for (const Field& f : fields) {
      line += " " + std::string(f.key) + "=";
      bool plain =
          !f.quoted || (!f.value.empty() && f.value.find_first_of(" \"\n\r\t=") == std::string::npos);
      plain ? void(line += f.value) : append_json_string(line, f.value);
    }
    line += "\n";
  }
  // One write per record: lines of several threads never mix.
  [[maybe_unused]] ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace dt::log
