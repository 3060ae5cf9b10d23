// Structured logging, one record per line on stderr: JSON, or key=value text when stderr is a terminal.
//   log::info("sandbox started", {{"sandbox", id}, {"ms", 12}});
// The request id of the current request is added by the net layer through log::Field{"request", …} in its
// access log. The logger is the one allowed singleton.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace dt::log {

enum class Level { debug, info, warn, error };

struct Field {
  std::string_view key;
  std::string value;
  bool quoted = true;
  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), quoted(false) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  Field(std::string_view k, T v) : key(k), value(std::to_string(v)), quoted(false) {}
};
using Fields = std::initializer_list<Field>;

void configure(std::string_view service, Level level, bool json);
Level parse_level(std::string_view text);  // unknown text gives info
bool enabled(Level level);
void write(Level level, std::string_view message, Fields fields);

inline void debug(std::string_view m, Fields f = {}) { write(Level::debug, m, f); }
inline void info(std::string_view m, Fields f = {}) { write(Level::info, m, f); }
inline void warn(std::string_view m, Fields f = {}) { write(Level::warn, m, f); }
inline void error(std::string_view m, Fields f = {}) { write(Level::error, m, f); }

}  // namespace dt::log
