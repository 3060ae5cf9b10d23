#include "apps/daemon/desktop/program/x11/parameters.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "libs/base/text.h"
#include "libs/codec/json.h"

namespace dt::desktop {
namespace bj = boost::json;
namespace {

constexpr size_t kBodyLimit = 4u << 20;

std::string_view value_of(const Query& query, std::string_view name) {
  return query.get(name).value_or(std::string_view());
}

std::unexpected<Error> invalid(std::string_view name, std::string_view rule) {
  return fail(Code::bad_request, "invalid query parameter " + std::string(name) + ": " + std::string(rule));
}

Result<int> integer_of(const Query& query, std::string_view name) {
  std::string_view text = value_of(query, name);
  if (text.empty()) return fail(Code::bad_request, "missing required query parameter: " + std::string(name));
  auto value = parse_int(text.starts_with('+') ? text.substr(1) : text);
  if (!value || *value < INT32_MIN || *value > INT32_MAX) return invalid(name, "must be an integer");
  return static_cast<int>(*value);
}

Result<int> length_of(const Query& query, std::string_view name) {
  TRY(int value, integer_of(query, name));
  if (value <= 0) return invalid(name, "must be greater than zero");
  return value;
}

Result<Rect> region_of(const Query& query) {
  Rect out;
  TRY(out.x, integer_of(query, "x"));
  TRY(out.y, integer_of(query, "y"));
  TRY(out.width, length_of(query, "width"));
  TRY(out.height, length_of(query, "height"));
  // Nothing is shown out there, and sums must not overflow.
  constexpr int kFar = 1 << 20;
  out.x = std::clamp(out.x, -kFar, kFar);
  out.y = std::clamp(out.y, -kFar, kFar);
  if (out.width > kFar || out.height > kFar) return fail(Code::bad_request, "the region is too large");
  return out;
}

Result<bool> show_cursor_of(const Query& query) {
  std::string_view name = value_of(query, "show_cursor").empty() ? "showCursor" : "show_cursor";
  std::string_view text = value_of(query, name);
  if (text.empty()) return false;
  for (std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"})
    if (text == yes) return true;
  for (std::string_view no : {"0", "f", "F", "FALSE", "false", "False"})
    if (text == no) return false;
  return invalid(name, "must be a boolean");
}

Status read_compression(const Query& query, ScreenshotQuery& out) {
  if (std::string_view format = value_of(query, "format"); !format.empty()) out.format = format;
  if (!value_of(query, "quality").empty()) {
    TRY(out.quality, integer_of(query, "quality"));
    if (out.quality < 1 || out.quality > 100) return invalid("quality", "must be between 1 and 100");
  }
  if (std::string_view text = value_of(query, "scale"); !text.empty()) {
    auto scale = parse_double(text);
    if (!scale) return invalid("scale", "must be a number");
    if (!(*scale >= 0.1 && *scale <= 1.0)) return invalid("scale", "must be between 0.1 and 1.0");
    out.scale = *scale;
  }
  return {};
}

std::string plain(const bj::value& value) {
  const bj::string& s = value.get_string();
  return {s.data(), s.size()};
}

}  // namespace

Result<ScreenshotQuery> parse_screenshot_query(const Query& query, Region region, Compressed compressed) {
  ScreenshotQuery out;
  if (region == Region::yes) {
    TRY(out.region, region_of(query));
  }
  TRY(out.show_cursor, show_cursor_of(query));
  if (compressed == Compressed::yes) TRY_VOID(read_compression(query, out));
  return out;
}

struct Body::Members {
  bj::object object;
  const bj::value* find(std::string_view name) const {
    const bj::value* found = object.if_contains(bj::string_view(name.data(), name.size()));
    for (const auto& item : object)
      if (!found && iequals(std::string_view(item.key().data(), item.key().size()), name))
        found = &item.value();
    return found && !found->is_null() ? found : nullptr;
  }
};

Error Body::problem() const { return {Code::bad_request, problem_}; }

Task<Result<Body>> Body::read(Request& request, std::string problem) {
  auto text = co_await request.body->read_all(kBodyLimit);
  if (!text) co_return std::unexpected(std::move(text).error());
  Body body;
  body.problem_ = std::move(problem);
  auto value = json::parse(*text);
  if (!value || (!value->is_object() && !value->is_null())) co_return std::unexpected(body.problem());
  auto members = std::make_shared<Members>();
  if (value->is_object()) members->object = std::move(value->get_object());
  body.members_ = std::move(members);
  co_return body;
}

bool Body::has(std::string_view name) const { return members_->find(name) != nullptr; }

Result<int64_t> Body::integer(std::string_view name) const {
  const bj::value* value = members_->find(name);
  if (!value) return 0;
  if (value->is_int64()) return value->get_int64();
  return std::unexpected(problem());
}

Result<Point> Body::point(std::string_view x, std::string_view y) const {
  TRY(int64_t left, integer(x));
  TRY(int64_t top, integer(y));
  auto coordinate = [](int64_t v) { return static_cast<int>(std::clamp<int64_t>(v, INT16_MIN, INT16_MAX)); };
  return Point{coordinate(left), coordinate(top)};
}

Result<std::string> Body::text(std::string_view name) const {
  const bj::value* value = members_->find(name);
  if (!value) return std::string();
  if (value->is_string()) return plain(*value);
  return std::unexpected(problem());
}

Result<bool> Body::flag(std::string_view name) const {
  const bj::value* value = members_->find(name);
  if (!value) return false;
  if (value->is_bool()) return value->get_bool();
  return std::unexpected(problem());
}

Result<std::vector<std::string>> Body::list(std::string_view name) const {
  const bj::value* value = members_->find(name);
  std::vector<std::string> out;
  if (!value) return out;
  if (!value->is_array()) return std::unexpected(problem());
  for (const bj::value& item : value->get_array()) {
    if (!item.is_string()) return std::unexpected(problem());
    out.push_back(plain(item));
  }
  return out;
}

}  // namespace dt::desktop
