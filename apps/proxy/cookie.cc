#include "apps/proxy/cookie.h"

#include <fmt/core.h>
#include <openssl/hmac.h>

#include <array>

#include "libs/base/text.h"

namespace dt::proxy {
namespace {

constexpr std::string_view kName = "daytona-sandbox-auth-";
constexpr size_t kLongest = 4096;

int64_t unix_seconds(Wall t) {
  return std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
}

std::string mac(const Secret& key, const CookieScope& scope, std::string_view content) {
  std::string text = fmt::format("preview cookie|{}|{}|{}", scope.label, scope.port, content);
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  const std::string& k = key.reveal();
  auto* done = HMAC(EVP_sha256(), k.data(), static_cast<int>(k.size()),
                    reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
  CHECK(done != nullptr);
  return hex_encode({reinterpret_cast<const char*>(out.data()), size});
}

// "<unix time>|<sandbox>|<mac>" in base64.
std::optional<std::string> open_value(const Secret& key, const CookieScope& scope, std::string_view value,
                                      Wall now) {
  if (value.size() > kLongest) return std::nullopt;
  auto text = base64_decode(value);
  if (!text) return std::nullopt;
  size_t last = text->rfind('|');
  if (last == std::string::npos) return std::nullopt;
  std::string_view content = std::string_view(*text).substr(0, last);
  if (!constant_time_equal(mac(key, scope, content), std::string_view(*text).substr(last + 1)))
    return std::nullopt;
  size_t first = content.find('|');
  auto issued = parse_int(content.substr(0, first));
  if (first == std::string_view::npos || !issued) return std::nullopt;
  int64_t age = unix_seconds(now) - *issued;
  if (age < -60 || age > kCookieLife.count()) return std::nullopt;
  return std::string(content.substr(first + 1));
}

struct Pair {
  std::string_view name, value;
};
Pair pair_of(std::string_view cookie) {
  cookie = trim(cookie);
  size_t equals = std::min(cookie.find('='), cookie.size());
  return {trim(cookie.substr(0, equals)), trim(cookie.substr(std::min(equals + 1, cookie.size())))};
}

}  // namespace

std::string issue_cookie(const Secret& key, const CookieScope& scope, const std::string& sandbox, Wall now,
                         bool secure) {
  std::string content = fmt::format("{}|{}", unix_seconds(now), sandbox);
  std::string value = base64url_encode(content + "|" + mac(key, scope, content));
  return fmt::format("{}{}={}; Path=/; Max-Age={}; HttpOnly{}", kName, scope.label, value,
                     kCookieLife.count(), secure ? "; Secure" : "");
}

std::optional<std::string> sandbox_of_cookie(const Secret& key, const CookieScope& scope,
                                             const Headers& headers, Wall now) {
  std::string name = std::string(kName) + scope.label;
  for (const auto& [header, line] : headers.all()) {
    if (!iequals(header, "Cookie")) continue;
    for (std::string_view cookie : split(line, ';')) {
      Pair pair = pair_of(cookie);
      if (pair.name != name) continue;
      if (auto sandbox = open_value(key, scope, pair.value, now)) return sandbox;
    }
  }
  return std::nullopt;
}

void remove_own_cookies(Headers& headers) {
  std::vector<std::string> lines;
  bool found = false;
  for (const auto& [header, line] : headers.all()) {
    if (!iequals(header, "Cookie")) continue;
    std::string kept;
    bool own = false;
    for (std::string_view cookie : split(line, ';')) {
      if (pair_of(cookie).name.starts_with(kName)) {
        own = true;
        continue;
      }
      if (!kept.empty()) kept += "; ";
      kept += trim(cookie);
    }
    found = found || own;
    lines.push_back(own ? std::move(kept) : line);
  }
  if (!found) return;
  headers.remove("Cookie");
  for (std::string& line : lines)
    if (!line.empty()) headers.add("Cookie", std::move(line));
}

}  // namespace dt::proxy
