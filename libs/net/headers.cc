// Headers and Query.
#include <algorithm>

#include "libs/base/text.h"
#include "libs/net/http.h"

namespace dt {

void Headers::set(std::string_view name, std::string value) {
  for (auto it = items_.begin(); it != items_.end(); ++it) {
    if (!iequals(it->first, name)) continue;
    it->second = std::move(value);
    items_.erase(std::remove_if(it + 1, items_.end(), [&](auto& item) { return iequals(item.first, name); }),
                 items_.end());
    return;
  }
  add(name, std::move(value));
}

void Headers::add(std::string_view name, std::string value) {
  if (items_.capacity() == 0) items_.reserve(12);
  items_.emplace_back(std::string(name), std::move(value));
}

void Headers::remove(std::string_view name) {
  std::erase_if(items_, [&](auto& item) { return iequals(item.first, name); });
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (iequals(key, name)) return value;
  return std::nullopt;
}

std::string_view Headers::get_or(std::string_view name, std::string_view fallback) const {
  return get(name).value_or(fallback);
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
  for (const auto& [key, value] : items_) {
    if (!iequals(key, name)) continue;
    for (std::string_view part : split(value, ','))
      if (iequals(trim(part), token)) return true;
  }
  return false;
}

size_t Headers::count(std::string_view name) const {
  return static_cast<size_t>(
      std::ranges::count_if(items_, [&](auto& item) { return iequals(item.first, name); }));
}

namespace {

std::string decode_lenient(std::string_view text) {
  auto decoded = percent_decode(text, true);
  if (decoded) return std::move(*decoded);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = text[i] == '%' ? hex_decode(text.substr(i + 1, 2)) : std::nullopt;
    if (byte && byte->size() == 1) {
      out += *byte;
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

// "a[]" and "a[12]" -> "a"
void strip_index(std::string& key) {
  if (!key.ends_with(']')) return;
  size_t open = key.rfind('[');
  if (open == std::string::npos || open == 0) return;
  for (size_t i = open + 1; i + 1 < key.size(); ++i)
    if (key[i] < '0' || key[i] > '9') return;
  key.resize(open);
}

}  // namespace

Result<Query> Query::parse(std::string_view text) {
  Query out;
  if (text.empty()) return out;
  for (std::string_view pair : split(text, '&')) {
    if (pair.empty()) continue;
    size_t equal = pair.find('=');
    std::string key = decode_lenient(pair.substr(0, equal));
    std::string value;
    if (equal != std::string_view::npos) value = decode_lenient(pair.substr(equal + 1));
    if (key.find('\0') != std::string::npos || value.find('\0') != std::string::npos)
      return fail(Code::bad_request, "the query contains an encoded NUL");
    strip_index(key);
    out.items_.emplace_back(std::move(key), std::move(value));
  }
  return out;
}

std::optional<std::string_view> Query::get(std::string_view key) const {
  for (const auto& [k, v] : items_)
    if (k == key) return v;
  return std::nullopt;
}

std::vector<std::string> Query::all(std::string_view key) const {
  std::vector<std::string> out;
  for (const auto& [k, v] : items_)
    if (k == key) out.push_back(v);
  return out;
}

std::string_view Request::param(std::string_view name) const {
  for (const auto& [key, value] : params)
    if (key == name) return value;
  return {};
}

Response Response::json(int status, std::string body) {
  Response out{.status = status};
  out.headers.set("Content-Type", "application/json");
  out.body = std::move(body);
  return out;
}

Response Response::text(int status, std::string body) {
  Response out{.status = status};
  out.headers.set("Content-Type", "text/plain; charset=utf-8");
  out.body = std::move(body);
  return out;
}

}  // namespace dt
