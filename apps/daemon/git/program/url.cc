#include "apps/daemon/git/program/url.h"

#include <algorithm>

#include "apps/daemon/git/program/errors.h"
#include "libs/base/text.h"

namespace dt::git {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::unexpected<Error> no_url(std::string_view why) {
  return bad_request("not the address of a repository: " + std::string(why));
}

Url::Kind kind_of(std::string_view scheme) {
  if (scheme == "http" || scheme == "https") return Url::Kind::http;
  if (scheme == "ssh" || scheme == "git+ssh" || scheme == "ssh+git") return Url::Kind::ssh;
  return scheme == "file" ? Url::Kind::local : Url::Kind::other;
}

Status read_user(Url& url, std::string_view text) {
  size_t colon = text.find(':');
  auto user = percent_decode(text.substr(0, colon));
  auto password = percent_decode(colon == text.npos ? "" : text.substr(colon + 1));
  if (!user || !password) return no_url("its user name or password is not percent-encoded");
  if ((*user + *password).find('\0') != std::string::npos) return no_url("NUL in the user name or password");
  url.user = std::move(*user);
  url.password = std::move(*password);
  url.has_password = colon != text.npos;
  return {};
}

// host, host:port, [v6], [v6]:port
Status read_host(Url& url, std::string_view text) {
  size_t end = text.starts_with('[') ? text.find(']') : 0;
  if (end == text.npos) return no_url("the host's bracket is not closed");
  size_t colon = text.find(':', end);
  url.host = text.substr(0, colon);
  if (colon != text.npos) url.port = text.substr(colon + 1);
  if (!url.port.empty() && (!all_digits(url.port) || parse_int(url.port).value_or(0) > 65535 ||
                            parse_int(url.port).value_or(0) < 1))
    return no_url("port '" + url.port + "'");
  if (url.host.empty() || url.host.starts_with('-')) return no_url("it names no host");
  return {};
}

// The path is the server's own; "/~" is somebody's home there.
Status read_ssh_path(Url& url) {
  auto path = percent_decode(url.path);
  if (!path || path->find('\0') != path->npos) return no_url("its path is not percent-encoded");
  url.path = path->starts_with("/~") ? path->substr(1) : std::move(*path);
  if (url.path.size() < 2) return no_url("it names no repository");
  if (url.user.starts_with('-')) return no_url("its user name begins with '-'");
  return {};
}

std::string without_user(const Url& url) {
  std::string port = url.port.empty() ? "" : ":" + url.port;
  return url.scheme + "://" + url.host + port + url.path;
}

Result<Url> parse_with_scheme(std::string_view scheme, std::string_view rest, std::string_view whole) {
  Url url{.text = std::string(whole), .scheme = lower(scheme)};
  url.kind = kind_of(url.scheme);
  if (url.kind == Url::Kind::local) return url;
  if (url.kind == Url::Kind::other && url.scheme != "git")
    return no_url("'" + url.scheme + "://' is not supported: use https, http, ssh, git or file");
  size_t slash = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, slash);
  url.path = slash == rest.npos ? "/" : rest.substr(slash);
  if (size_t at = authority.rfind('@'); at != authority.npos) {
    TRY_VOID(read_user(url, authority.substr(0, at)));
    authority.remove_prefix(at + 1);
  }
  TRY_VOID(read_host(url, authority));
  if (url.kind == Url::Kind::http) url.text = without_user(url);
  if (url.kind == Url::Kind::ssh) TRY_VOID(read_ssh_path(url));
  return url;
}

// user@host:path, host:path. A colon after a slash belongs to the path; "host:8080/x" has a port.
bool is_scp_like(std::string_view text) {
  size_t end = text.find('@') < text.find('/') ? text.find('@') + 1 : 0;
  size_t close = text.substr(end).starts_with('[') ? text.find(']', end) : end;
  if (close == text.npos) return false;
  size_t colon = text.find(':', close), slash = text.find('/', close);
  if (colon == text.npos || colon == end || slash < colon) return false;
  std::string_view first = text.substr(colon + 1, slash == text.npos ? slash : slash - colon - 1);
  return end > 0 || !all_digits(first);
}

Result<Url> parse_scp_like(std::string_view text) {
  Url url{.kind = Url::Kind::ssh, .text = std::string(text), .scheme = "ssh"};
  std::string_view rest = text;
  if (size_t at = rest.find('@'); at < rest.find('/')) {
    url.user = rest.substr(0, at);
    rest.remove_prefix(at + 1);
  }
  size_t colon = rest.find(':', rest.starts_with('[') ? rest.find(']') : 0);
  url.path = rest.substr(colon + 1);
  if (url.path.starts_with("/~")) url.path.erase(0, 1);
  if (url.path.empty()) return no_url("it names no repository");
  TRY_VOID(read_host(url, rest.substr(0, colon)));
  return url;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  if (text.empty()) return no_url("it is empty");
  for (char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return no_url("it has control characters");
  if (text.starts_with('-')) return no_url("it begins with '-'");
  if (size_t colon = text.find("://"); colon != text.npos && colon > 0 && text.find('/') > colon)
    return parse_with_scheme(text.substr(0, colon), text.substr(colon + 3), text);
  if (text.starts_with('/') || text.starts_with("./") || text.starts_with("../") || text == "." ||
      text == "..")
    return Url{.kind = Url::Kind::local, .text = std::string(text), .path = std::string(text)};
  if (size_t colon = text.find(':');
      !text.contains('[') && text.substr(std::min(colon, text.size())).starts_with("::"))
    return no_url("programs as remote helpers are not supported");
  if (is_scp_like(text)) return parse_scp_like(text);
  return parse_with_scheme("https", text, "https://" + std::string(text));
}

}  // namespace dt::git
