// What strangers write into hosts, paths and cookies, before anybody has shown a credential.
#include <cstdint>

#include "apps/proxy/cookie.h"
#include "apps/proxy/signed_file.h"
#include "apps/proxy/target.h"
#include "libs/base/text.h"

namespace dt::proxy {
namespace {

void check_target(std::string_view host, std::string_view path) {
  auto target = target_of(host, path);
  if (!target) return;
  CHECK(!target->sandbox.empty() && target->sandbox.find_first_of("/?#%. ") == std::string::npos);
  CHECK(target->runner_path.starts_with('/') || target->runner_path.starts_with("/proxy/"));
  CHECK(target->preview == (target->port >= 1 && target->port <= 65'535));
  if (target->preview) CHECK(host.starts_with(std::to_string(target->port) + "-"));
  std::string location = redirected(*target, path);
  CHECK(location.ends_with(path));
  if (!target->preview && path.starts_with('/') && !path.starts_with("//"))
    CHECK(location.starts_with("/toolbox/" + target->sandbox));
}

void check_cookies(std::string_view text) {
  Headers headers;
  for (std::string_view line : split(text, '\r')) headers.add("Cookie", std::string(line));
  CookieScope scope{"abcdefgh12345678", 3000};
  CHECK(!sandbox_of_cookie(Secret("nobody knows"), scope, headers, Wall(Millis(1'800'000'000'000))));
  remove_own_cookies(headers);
  for (const auto& [name, line] : headers.all())
    for (std::string_view cookie : split(line, ';'))
      CHECK(!trim(cookie).starts_with("daytona-sandbox-auth-"));
}

// Nobody can sign without the key.
void check_signed(std::string_view query) {
  Request request;
  request.method = "GET";
  auto parsed = Query::parse(query);
  if (!parsed) return;
  request.query = std::move(*parsed);
  auto file = signed_file_of(request, Target{false, 0, "abc", "/files/download"});
  if (!file) return;
  CHECK(!signed_with(*file, "nobody knows") && !signed_with(*file, ""));
  auto passed = Query::parse(std::string_view(query_of(*file)).substr(1));
  CHECK(passed && passed->get("path") == std::string_view(file->path));
}

}  // namespace
}  // namespace dt::proxy

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t host = std::min(text.find('\n'), size);
  std::string_view rest = text.substr(std::min(host + 1, size));
  size_t path = std::min(rest.find('\n'), rest.size());
  if (!rest.substr(0, path).empty() && rest[0] == '/')
    dt::proxy::check_target(text.substr(0, host), rest.substr(0, path));
  dt::proxy::check_cookies(rest.substr(std::min(path + 1, rest.size())));
  dt::proxy::check_signed(text);
  return 0;
}
