#include "apps/daemon/git/program/credential_store.h"

#include <unistd.h>

#include <vector>

#include "apps/daemon/git/program/config.h"
#include "apps/daemon/git/program/errors.h"
#include "apps/daemon/git/program/operations.h"
#include "libs/base/fd.h"
#include "libs/base/text.h"
#include "libs/base/tree.h"

namespace dt::git {
namespace {

constexpr size_t kFileLimit = 4u << 20;

bool same_account(const Credential& a, const Credential& b) {
  return a.protocol == b.protocol && iequals(a.host, b.host) && a.user == b.user && a.path == b.path;
}

struct Files {
  std::string usual, xdg;
};
Result<Files> store_files() {
  TRY(std::string home, home_directory());
  return Files{home + "/.git-credentials", xdg_config_folder(home) + "/git/credentials"};
}

bool plain_line(std::string_view text) {
  return text.find_first_of(std::string_view("\n\r\0", 3)) == text.npos;
}

}  // namespace

std::optional<Credential> parse_credential(std::string_view line) {
  size_t scheme = line.find("://");
  if (line.starts_with('#') || scheme == line.npos || scheme == 0) return std::nullopt;
  std::string_view rest = line.substr(scheme + 3);
  size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  size_t at = authority.rfind('@'), colon = authority.find(':');
  if (at == authority.npos || colon >= at) return std::nullopt;
  auto user = percent_decode(authority.substr(0, colon));
  auto password = percent_decode(authority.substr(colon + 1, at - colon - 1));
  auto host = percent_decode(authority.substr(at + 1));
  auto path = percent_decode(slash == rest.npos ? "" : rest.substr(slash + 1));
  if (!user || !password || !host || !path || host->empty()) return std::nullopt;
  return Credential{lower(line.substr(0, scheme)), std::move(*host), std::move(*user), std::move(*password),
                    std::move(*path)};
}

std::string format_credential(const Credential& c) {
  std::string host = replace_all(percent_encode(c.host), "%3A", ":");
  std::string line =
      c.protocol + "://" + percent_encode(c.user) + ":" + percent_encode(c.password) + "@" + host;
  if (!c.path.empty()) line += "/" + replace_all(percent_encode(c.path), "%2F", "/");
  return line;
}

std::string with_credential(std::string_view file, const Credential& credential) {
  std::string out = format_credential(credential) + "\n";
  for (std::string_view line : split(file, '\n')) {
    auto other = parse_credential(line);
    if (line.empty() || (other && same_account(*other, credential))) continue;
    out.append(line).append("\n");
  }
  return out;
}

std::optional<Credential> find_credential(std::string_view file, std::string_view protocol,
                                          std::string_view host, std::string_view user) {
  for (std::string_view line : split(file, '\n')) {
    auto found = parse_credential(line);
    if (!found || found->protocol != protocol || !iequals(found->host, host) || !found->path.empty())
      continue;
    if (user.empty() || found->user == user) return found;
  }
  return std::nullopt;
}

std::optional<Credential> stored_credential(std::string_view protocol, std::string_view host,
                                            std::string_view user) {
  auto files = store_files();
  if (!files) return std::nullopt;
  for (const std::string& name : {files->usual, files->xdg}) {
    auto text = read_file(name, kFileLimit);
    if (!text) continue;
    if (auto found = find_credential(*text, protocol, host, user)) return found;
  }
  return std::nullopt;
}

Status save_credential(const Credential& credential) {
  TRY(Files files, store_files());
  bool xdg = ::access(files.usual.c_str(), F_OK) != 0 && ::access(files.xdg.c_str(), F_OK) == 0;
  const std::string& name = xdg ? files.xdg : files.usual;
  auto text = read_file(name, kFileLimit);
  if (!text && text.error().code != Code::not_found) return std::unexpected(std::move(text).error());
  return write_file_atomic(name, with_credential(text ? *text : "", credential), 0600);
}

Status store_credentials(JsonBody& body, Answer&) {
  Credential credential{.protocol = body.text("protocol"),
                        .host = body.text("host"),
                        .user = body.required_text("username"),
                        .password = body.required_text("password")};
  TRY_VOID(body.status());
  if (credential.protocol.empty()) credential.protocol = "https";
  if (credential.host.empty()) credential.host = "github.com";
  for (const std::string* text :
       {&credential.protocol, &credential.host, &credential.user, &credential.password})
    if (!plain_line(*text)) return bad_request("line breaks are not allowed here");
  if (credential.host.find_first_of("/@ ") != std::string::npos ||
      credential.protocol.find(':') != std::string::npos)
    return bad_request("host is a host's name, with a port if needed; protocol is https or http");
  TRY_VOID(save_credential(credential));
  return use_credential_store();
}

}  // namespace dt::git
