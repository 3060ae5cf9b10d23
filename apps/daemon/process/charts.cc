#include "apps/daemon/process/charts.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "libs/base/text.h"
#include "libs/codec/json.h"

extern "C" {
extern const char dt_chart_capture_py[];
extern const unsigned long dt_chart_capture_py_size;
}

namespace dt::daemon {
namespace bj = boost::json;
namespace {

constexpr std::string_view kCodePlace = "@USER_CODE_BASE64@";

// What stands directly before an import of the module, without white space.
constexpr std::array<std::string_view, 9> kLeads = {"import",
                                                    "from",
                                                    "__import__('",
                                                    "__import__(\"",
                                                    "importlib.import_module('",
                                                    "importlib.import_module(\"",
                                                    "loader.load_module('",
                                                    "loader.load_module(\"",
                                                    "sys.modules['"};

bool import_before(std::string_view before) {
  before = trim(before);
  return std::ranges::any_of(kLeads, [&](std::string_view lead) { return before.ends_with(lead); }) ||
         before.ends_with("sys.modules[\"");
}

// A '#' outside quotes. Quotes that span lines are not followed: then a chart may be captured that need not
// be.
bool in_comment(std::string_view line_so_far) {
  char quote = 0;
  for (char c : line_so_far) {
    if (quote) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '#') {
      return true;
    }
  }
  return false;
}

enum class Kind { text, number, texts, numbers, points, elements };
struct Member {
  std::string_view name;
  Kind kind;
};
// Members of charts and of elements in one table: elements of a composite chart are charts themselves.
constexpr std::array kMembers = {
    Member{"type", Kind::text},
    Member{"title", Kind::text},
    Member{"png", Kind::text},
    Member{"x_label", Kind::text},
    Member{"y_label", Kind::text},
    Member{"x_ticks", Kind::numbers},
    Member{"y_ticks", Kind::numbers},
    Member{"x_tick_labels", Kind::texts},
    Member{"y_tick_labels", Kind::texts},
    Member{"x_scale", Kind::text},
    Member{"y_scale", Kind::text},
    Member{"elements", Kind::elements},
    Member{"label", Kind::text},
    Member{"group", Kind::text},
    Member{"value", Kind::text},
    Member{"points", Kind::points},
    Member{"angle", Kind::number},
    Member{"radius", Kind::number},
    Member{"min", Kind::number},
    Member{"first_quartile", Kind::number},
    Member{"median", Kind::number},
    Member{"third_quartile", Kind::number},
    Member{"max", Kind::number},
    Member{"outliers", Kind::numbers},
};

bj::value reduced(const bj::value& value, Kind kind);

bj::object reduced_object(const bj::object& object) {
  bj::object out;
  for (const Member& member : kMembers) {
    const bj::value* value = object.if_contains(bj::string_view(member.name.data(), member.name.size()));
    if (!value || value->is_null()) continue;
    bj::value kept = reduced(*value, member.kind);
    if (!kept.is_null())
      out.emplace(bj::string_view(member.name.data(), member.name.size()), std::move(kept));
  }
  return out;
}

bj::array reduced_items(const bj::array& items, Kind kind) {
  bj::array out;
  for (const bj::value& item : items) {
    bj::value kept = reduced(item, kind);
    if (!kept.is_null()) out.push_back(std::move(kept));
  }
  return out;
}

// null: it does not fit (or is empty) and is left out.
bj::value reduced(const bj::value& value, Kind kind) {
  switch (kind) {
    case Kind::number:
      return value.is_number() ? value : bj::value();
    case Kind::text:
      if (value.is_number()) return bj::value(bj::serialize(value));
      return value.is_string() && !value.get_string().empty() ? value : bj::value();
    case Kind::texts:
    case Kind::numbers:
    case Kind::points: {
      if (!value.is_array()) return {};
      bj::array items;
      if (kind == Kind::points) {
        for (const bj::value& point : value.get_array())
          if (point.is_array()) items.push_back(point);
      } else {
        items = reduced_items(value.get_array(), kind == Kind::texts ? Kind::text : Kind::number);
      }
      return items.empty() ? bj::value() : bj::value(std::move(items));
    }
    case Kind::elements: {
      bj::array items;
      if (value.is_array())
        for (const bj::value& item : value.get_array())
          if (item.is_object()) items.push_back(reduced_object(item.get_object()));
      return items;
    }
  }
  return {};
}

}  // namespace

std::string chart_of_line(std::string_view text) {
  auto line = json::parse(text);
  if (!line || !line->is_object()) return "";
  const bj::value* type = line->get_object().if_contains("type");
  const bj::value* value = line->get_object().if_contains("value");
  if (!type || !type->is_string() || type->get_string() != "chart" || !value || !value->is_object())
    return "";
  bj::object chart = reduced_object(value->get_object());
  if (!chart.contains("type")) return "";
  if (!chart.contains("elements")) chart.emplace("elements", bj::array());
  return json::serialize(chart);
}

bool mentions_matplotlib(std::string_view code) {
  constexpr std::string_view kName = "matplotlib";
  for (size_t at = code.find(kName); at != std::string_view::npos; at = code.find(kName, at + 1)) {
    size_t line = code.rfind('\n', at);
    std::string_view before = code.substr(line == std::string_view::npos ? 0 : line + 1);
    before = before.substr(0, static_cast<size_t>(code.data() + at - before.data()));
    if (import_before(before) && !in_comment(before)) return true;
    // import numpy, matplotlib
    if (trim(before).starts_with("import ") && !in_comment(before)) return true;
  }
  return false;
}

std::string wrap_for_charts(std::string_view code) {
  std::string text(dt_chart_capture_py, dt_chart_capture_py_size);
  return replace_all(std::move(text), kCodePlace, base64_encode(code));
}

}  // namespace dt::daemon
