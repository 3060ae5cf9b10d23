#include "apps/cli/settings.h"

#include <fmt/core.h>

#include <algorithm>

#include "libs/base/fd.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"

namespace dt::cli {
namespace {

// The file's shape (contract clients.md §17.1). Whatever else is in it is left alone.
struct Token {
  std::optional<std::string> accessToken;
};
BOOST_DESCRIBE_STRUCT(Token, (), (accessToken))
struct ProfileApi {
  std::optional<std::string> url, key;
  std::optional<Token> token;
};
BOOST_DESCRIBE_STRUCT(ProfileApi, (), (url, key, token))
struct Profile {
  std::string id;
  std::optional<std::string> name;
  ProfileApi api;
};
BOOST_DESCRIBE_STRUCT(Profile, (), (id, name, api))
struct ConfigFile {
  std::optional<std::string> activeProfile;
  std::optional<std::vector<Profile>> profiles;
};
BOOST_DESCRIBE_STRUCT(ConfigFile, (), (activeProfile, profiles))

std::string variable(const Environment& environment, const std::string& name) {
  auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

std::string config_path(const Environment& environment) {
  if (std::string dir = variable(environment, "DAYTONA_CONFIG_DIR"); !dir.empty())
    return dir + "/config.json";
  if (std::string dir = variable(environment, "XDG_CONFIG_HOME"); !dir.empty())
    return dir + "/daytona/config.json";
  return variable(environment, "HOME") + "/.config/daytona/config.json";
}

std::unexpected<Error> no_credentials(const Environment& environment) {
  bool has_key = !variable(environment, "DAYTONA_API_KEY").empty();
  bool has_url = !variable(environment, "DAYTONA_API_URL").empty();
  if (has_key != has_url)
    return fail(Code::unauthorized, has_key ? "DAYTONA_API_KEY is set but DAYTONA_API_URL is not: set both"
                                            : "DAYTONA_API_URL is set but DAYTONA_API_KEY is not: set both");
  return fail(
      Code::unauthorized,
      fmt::format("no server and key: set DAYTONA_API_URL and DAYTONA_API_KEY (there is no profile in {})",
                  config_path(environment)));
}

}  // namespace

Result<Url> parse_url(const std::string& text) {
  if (istarts_with(text, "https://"))
    return fail(
        Code::not_implemented,
        fmt::format("{}: this build speaks plain http only; use http:// or a local TLS tunnel", text));
  if (!istarts_with(text, "http://"))
    return fail(Code::bad_request, fmt::format("'{}' is not a URL such as http://localhost:3000/api", text));
  std::string_view rest = std::string_view(text).substr(7);
  size_t slash = std::min(rest.find('/'), rest.size());
  std::string authority(rest.substr(0, slash));
  std::string path(rest.substr(slash));
  while (path.ends_with('/')) path.pop_back();
  // "host" alone and "[::1]" alone have the default port.
  size_t colon = authority.rfind(':');
  if (colon == std::string::npos || authority.ends_with(']')) authority += ":80";
  TRY(Endpoint endpoint, Endpoint::parse(authority));
  return Url{std::move(endpoint), std::move(path)};
}

Result<Settings> load_settings(const Environment& environment) {
  std::string url = variable(environment, "DAYTONA_API_URL"), key = variable(environment, "DAYTONA_API_KEY");
  if (!url.empty() && !key.empty()) return Settings{std::move(url), Secret(std::move(key))};
  std::string path = config_path(environment);
  auto text = read_file(path, 1u << 20);
  if (!text && text.error().code != Code::not_found) return std::unexpected(text.error());
  if (!text) return no_credentials(environment);
  auto file = decode<ConfigFile>(*text);
  if (!file) return std::unexpected(file.error().context(path));
  std::vector<Profile> profiles = std::move(file->profiles).value_or(std::vector<Profile>{});
  auto active = std::ranges::find(profiles, file->activeProfile.value_or(""), &Profile::id);
  if (active == profiles.end()) return no_credentials(environment);
  std::string token = active->api.token ? active->api.token->accessToken.value_or("") : "";
  Settings settings{active->api.url.value_or(""), Secret(active->api.key.value_or(token))};
  if (settings.api_url.empty() || settings.key.empty())
    return fail(Code::unauthorized, fmt::format("the active profile in {} has no URL or no key", path));
  return settings;
}

}  // namespace dt::cli
