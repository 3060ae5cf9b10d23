#include "apps/cli/format.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "libs/base/text.h"
#include "libs/codec/json.h"

namespace dt::cli {
namespace {
namespace bj = boost::json;

constexpr std::array kStates = {"creating",         "restoring", "destroyed", "destroying", "started",
                                "stopped",          "starting",  "stopping",  "error",      "unknown",
                                "pulling_snapshot", "archived",  "archiving", "paused",     "build_failed"};

std::string blocks(const Table& table) {
  std::string out;
  for (const auto& row : table.rows) {
    if (!out.empty()) out += "===\n";
    for (size_t i = 0; i < row.size(); ++i) out += fmt::format("{}: {}\n", table.header[i], row[i]);
  }
  return out;
}

void json_into(std::string& out, const bj::value& value, const std::string& indent) {
  const bool object = value.is_object();
  const size_t size = object ? value.get_object().size() : value.is_array() ? value.get_array().size() : 0;
  if (size == 0) {
    out += bj::serialize(value);
    return;
  }
  std::string inner = indent + "  ";
  size_t n = 0;
  auto separate = [&] { out += fmt::format("{}\n{}", n++ ? "," : "", inner); };
  out += object ? '{' : '[';
  if (object) {
    for (const auto& [key, item] : value.get_object()) {
      separate();
      out += json::quote(std::string_view(key)) + ": ";
      json_into(out, item, inner);
    }
  } else {
    for (const bj::value& item : value.get_array()) {
      separate();
      json_into(out, item, inner);
    }
  }
  out += fmt::format("\n{}{}", indent, object ? '}' : ']');
}

// Plain words stay bare; everything else is a double-quoted scalar, which has JSON's escapes.
std::string yaml_text(std::string_view text) {
  auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '/' || c == '.';
  };
  bool word =
      !text.empty() && std::isalpha(static_cast<unsigned char>(text[0])) && std::ranges::all_of(text, plain);
  for (std::string_view reserved : {"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
    word = word && !iequals(text, reserved);
  return word ? std::string(text) : json::quote(text);
}

bool is_tree(const bj::value& value) {
  return (value.is_object() && !value.get_object().empty()) ||
         (value.is_array() && !value.get_array().empty());
}

void yaml_into(std::string& out, const bj::value& value, size_t depth, bool in_list) {
  std::string indent(depth * 2, ' ');
  if (value.is_object() && is_tree(value)) {
    bool first = in_list;  // the first member follows the dash on its line
    for (const auto& [key, item] : value.get_object()) {
      out += (std::exchange(first, false) ? "" : indent) + yaml_text(lower(std::string_view(key))) + ":" +
             (is_tree(item) ? "\n" : " ");
      yaml_into(out, item, depth + 1, false);
    }
  } else if (value.is_array() && is_tree(value)) {
    for (const bj::value& item : value.get_array()) {
      out += indent + "- ";
      yaml_into(out, item, depth + 1, true);
    }
  } else {
    out +=
        (value.is_string() ? yaml_text(std::string_view(value.get_string())) : bj::serialize(value)) + "\n";
  }
}

}  // namespace

std::string state_label(std::string_view state) {
  if (std::ranges::find(kStates, state) == kStates.end()) return "/";
  std::string out = replace_all(std::string(state), "_", " ");
  std::ranges::transform(out, out.begin(), [](char c) {
    return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return out;
}

std::string age_label(std::string_view iso8601_time, Wall now) {
  auto then = parse_iso8601(iso8601_time);
  if (!then) return "/";
  int64_t minutes = std::max<int64_t>(0, (to_millis(now) - to_millis(*then)) / 60'000);
  if (minutes == 0) return "< 1 minute ago";
  auto count = [](int64_t n, std::string_view unit) {
    return fmt::format("{} {}{} ago", n, unit, n == 1 ? "" : "s");
  };
  if (minutes < 60) return count(minutes, "minute");
  if (minutes < 24 * 60) return count(minutes / 60, "hour");
  return count(minutes / (24 * 60), "day");
}

std::string Table::text(size_t width) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < header.size(); ++i) {
    widths.push_back(header[i].size());
    for (const auto& row : rows) widths[i] = std::max(widths[i], row[i].size());
  }
  size_t total = 0;
  for (size_t w : widths) total += w + 3;
  if (width != 0 && total > width + 3) return blocks(*this);
  std::string out;
  auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (size_t i = 0; i < cells.size(); ++i) text += fmt::format("{:<{}}", cells[i], widths[i] + 3);
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  };
  line(header);
  for (const auto& row : rows) line(row);
  return out;
}

std::string formatted(const bj::value& value, std::string_view format) {
  std::string out;
  if (format == "yaml") {
    yaml_into(out, value, 0, false);
    return out;
  }
  json_into(out, value, "");
  return out + "\n";
}

}  // namespace dt::cli
