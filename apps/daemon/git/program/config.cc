// Reading and writing git's configuration. Scopes: global (the user's file), local (the repository's),
// system.
#include "apps/daemon/git/program/config.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "apps/daemon/git/program/operations.h"
#include "apps/daemon/git/program/repository.h"
#include "libs/codec/json.h"

namespace dt::git {
namespace {

constexpr const char* kSystemFile = "/etc/gitconfig";

Result<std::string> global_file() {
  TRY(std::string home, home_directory());
  std::string usual = home + "/.gitconfig";
  if (::access(usual.c_str(), F_OK) == 0) return usual;
  std::string other = xdg_config_folder(home) + "/git/config";
  return ::access(other.c_str(), F_OK) == 0 ? other : usual;
}

Result<std::string> file_of(std::string_view scope, const std::string& path) {
  if (scope.empty() || scope == "global") return global_file();
  if (scope == "system") return std::string(kSystemFile);
  if (scope != "local")
    return bad_request("unknown scope '" + std::string(scope) + "': use global, local or system");
  if (path.empty()) return bad_request("scope local needs the path of a repository");
  TRY(Repository repository, open_repository(path));
  return std::string(git_repository_commondir(repository)) + "config";
}

Result<Config> open(std::string_view scope, const std::string& path) {
  TRY(std::string file, file_of(scope, path));
  Config config;
  TRY_GIT(git_config_open_ondisk(config.out(), file.c_str()));
  return config;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_word(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

// section.name or section.anything.name; libgit2 writes names that git cannot read.
Status check_key(const std::string& key) {
  size_t first = key.find('.'), last = key.rfind('.');
  bool good = first != key.npos && is_word(key.substr(0, first)) && is_word(key.substr(last + 1)) &&
              is_letter(key[last + 1]) && key.find_first_of(std::string_view("\n\0", 2)) == key.npos;
  return good ? Status{} : bad_request("'" + key + "' is not a valid key: use section.name");
}

Status write(git_config* config, const std::string& key, const std::string& value) {
  TRY_GIT(git_config_set_string(config, key.c_str(), value.c_str()));
  return {};
}

}  // namespace

Result<std::string> home_directory() {
  const char* home = ::getenv("HOME");
  if (!home || !*home) return other("$HOME is not set: git's global files are there");
  return std::string(home);
}

std::string xdg_config_folder(const std::string& home) {
  const char* folder = ::getenv("XDG_CONFIG_HOME");
  return folder && *folder ? folder : home + "/.config";
}

Status use_credential_store() {
  TRY(Config config, open("global", ""));
  Text helper;
  int code = git_config_get_string_buf(helper.out(), config, "credential.helper");
  if (code == GIT_ENOTFOUND) return write(config, "credential.helper", "store");
  TRY_GIT(code);
  return {};
}

Status get_config(JsonBody& body, Answer& answer) {
  std::string key = body.required_text("key");
  TRY_VOID(body.status());
  TRY_VOID(check_key(key));
  TRY(Config config, open(body.text("scope"), body.text("path")));
  Text value;
  int code = git_config_get_string_buf(value.out(), config, key.c_str());
  if (code < 0 && code != GIT_ENOTFOUND) return last_error(code);
  answer.body() += code == GIT_ENOTFOUND ? "{}" : "{\"value\":" + json::quote(value.str()) + "}";
  return {};
}

Status set_config(JsonBody& body, Answer&) {
  std::string key = body.required_text("key"), value = body.required_text("value");
  std::string scope = body.text("scope"), path = body.text("path");
  TRY_VOID(body.status());
  TRY_VOID(check_key(key));
  TRY(Config config, open(scope, path));
  return write(config, key, value);
}

Status set_user(JsonBody& body, Answer&) {
  std::string name = body.required_text("name"), email = body.required_text("email");
  std::string scope = body.text("scope"), path = body.text("path");
  TRY_VOID(body.status());
  TRY(Config config, open(scope, path));
  TRY_VOID(write(config, "user.name", name));
  return write(config, "user.email", email);
}

}  // namespace dt::git
