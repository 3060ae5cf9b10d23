#include "apps/daemon/git/program/network.h"

#include <git2/sys/errors.h>

#include "apps/daemon/git/program/errors.h"
#include "apps/daemon/git/program/redirect.h"
#include "apps/daemon/git/program/ssh_transport.h"
#include "libs/base/text.h"

namespace dt::git {
namespace {

std::string authorization(const std::string& user, const std::string& password) {
  return "Authorization: Basic " + base64_encode(user + ":" + password);
}

constexpr unsigned kPackThreads = 2;  // each has a window of objects in memory

std::string host_and_port(const Url& url) { return url.port.empty() ? url.host : url.host + ":" + url.port; }

}  // namespace

Access read_access(JsonBody& body) {
  return {.user = body.text("username"), .password = body.text("password")};
}

Session::Session(Url url, Access access) : url_(std::move(url)), insecure_tls_(access.insecure_tls) {
  if (url_.kind == Url::Kind::http) {
    if (!access.user.empty() && !access.password.empty())
      headers_.push_back(authorization(access.user, access.password));
    else if (url_.has_password)
      headers_.push_back(authorization(url_.user, url_.password));
    else
      credential_ = stored_credential(url_.scheme, host_and_port(url_), url_.user);
    if (headers_.empty() && !credential_ && !url_.user.empty()) credential_ = Credential{.user = url_.user};
  }
  if (url_.kind == Url::Kind::ssh) set_ssh_password(access.password);
  header_array_ = std::make_unique<StringArray<std::vector<std::string>>>(headers_);
}

void Session::give_up_credentials() {
  headers_.clear();
  header_array_ = std::make_unique<StringArray<std::vector<std::string>>>(headers_);
  credential_.reset();
}

int Session::give_credentials(git_credential** out, const char*, const char*, unsigned allowed, void* self) {
  auto& session = *static_cast<Session*>(self);
  bool first = !std::exchange(session.asked_, true);
  if (!session.credential_ || !first || !(allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT)) {
    bool had = session.credential_ || !session.headers_.empty();
    git_error_set_str(GIT_ERROR_HTTP,
                      had ? "authentication required: the server does not take these credentials"
                          : "authentication required");
    return GIT_EAUTH;
  }
  return git_credential_userpass_plaintext_new(out, session.credential_->user.c_str(),
                                               session.credential_->password.c_str());
}

int Session::check_certificate(git_cert*, int valid, const char* host, void* self) {
  if (valid || static_cast<Session*>(self)->insecure_tls_) return 0;
  std::string text = "the TLS certificate of " + std::string(host) +
                     " is not valid, or signed by an authority that this sandbox does not trust";
  git_error_set_str(GIT_ERROR_SSL, text.c_str());
  return GIT_ECERTIFICATE;
}

int Session::note_rejection(const char* reference, const char* status, void* self) {
  if (!status) return 0;
  std::string& text = static_cast<Session*>(self)->rejection_;
  if (!text.empty()) text += "; ";
  text += std::string(reference) + ": " + status;
  return 0;
}

git_remote_callbacks Session::callbacks() const {
  git_remote_callbacks out = GIT_REMOTE_CALLBACKS_INIT;
  out.credentials = give_credentials;
  out.certificate_check = check_certificate;
  out.push_update_reference = note_rejection;
  out.payload = const_cast<Session*>(this);
  return out;
}

git_remote_connect_options Session::connect_options() const {
  git_remote_connect_options out = GIT_REMOTE_CONNECT_OPTIONS_INIT;
  out.callbacks = callbacks();
  out.proxy_opts.type = GIT_PROXY_AUTO;
  out.follow_redirects = GIT_REMOTE_REDIRECT_INITIAL;
  out.custom_headers = header_array_->get();
  return out;
}

git_fetch_options Session::fetch_options() const {
  git_fetch_options out = GIT_FETCH_OPTIONS_INIT;
  out.callbacks = callbacks();
  out.proxy_opts.type = GIT_PROXY_AUTO;
  out.follow_redirects = GIT_REMOTE_REDIRECT_INITIAL;
  out.custom_headers = header_array_->get();
  return out;
}

git_push_options Session::push_options() {
  git_push_options out = GIT_PUSH_OPTIONS_INIT;
  out.pb_parallelism = kPackThreads;
  out.callbacks = callbacks();
  out.proxy_opts.type = GIT_PROXY_AUTO;
  out.follow_redirects = GIT_REMOTE_REDIRECT_INITIAL;
  out.custom_headers = header_array_->get();
  return out;
}

Status Session::connect(git_remote* remote, git_direction direction) {
  TRY_GIT(git_remote_set_instance_url(remote, url_.text.c_str()));
  TRY_GIT(git_remote_set_instance_pushurl(remote, url_.text.c_str()));
  dt_git_keep_to_host = credential_ || !headers_.empty();
  dt_git_redirect_refused = 0;
  git_remote_connect_options options = connect_options();
  int code = git_remote_connect_ext(remote, direction, &options);
  if (code < 0 && dt_git_redirect_refused) {
    give_up_credentials();
    dt_git_keep_to_host = 0;
    git_remote_disconnect(remote);
    options = connect_options();
    code = git_remote_connect_ext(remote, direction, &options);
  }
  TRY_GIT(code);
  return {};
}

Result<std::unique_ptr<Session>> session_of(git_remote* remote, git_direction direction, Access access,
                                            const Url* given) {
  const char* text = direction == GIT_DIRECTION_PUSH ? git_remote_pushurl(remote) : nullptr;
  if (!text) text = git_remote_url(remote);
  if (!text) return not_found("remote not found: it has no URL");
  if (given && given->text == text) return std::make_unique<Session>(*given, std::move(access));
  TRY(Url url, parse_url(text));
  const char* folder = git_repository_workdir(git_remote_owner(remote));
  if (url.kind == Url::Kind::local && url.text.starts_with('.') && folder) url.text = folder + url.text;
  return std::make_unique<Session>(std::move(url), std::move(access));
}

Result<Remote> find_remote(git_repository* repository, const std::string& name) {
  Remote remote;
  int code = git_remote_lookup(remote.out(), repository, name.c_str());
  if (code == GIT_ENOTFOUND || code == GIT_EINVALIDSPEC) return not_found("remote not found: " + name);
  TRY_GIT(code);
  return remote;
}

bool is_empty(git_remote* remote) {
  const git_remote_head** heads;
  size_t count;
  return git_remote_ls(&heads, &count, remote) == 0 && count == 0;
}

Result<std::string> remote_branch(git_remote* remote, const std::string& name) {
  const git_remote_head** heads;
  size_t count;
  TRY_GIT(git_remote_ls(&heads, &count, remote));
  std::string wanted = "refs/heads/" + name;
  for (size_t i = 0; i < count && !name.empty(); ++i)
    if (wanted == heads[i]->name) return name;
  if (count == 0) return not_found("remote repository is empty");
  if (!name.empty()) return not_found("couldn't find remote ref \"" + wanted + "\"", kBranchNotFound);
  Text branch;
  int code = git_remote_default_branch(branch.out(), remote);
  if (code == GIT_ENOTFOUND) return std::string();
  TRY_GIT(code);
  return branch.str().substr(std::string_view("refs/heads/").size());
}

}  // namespace dt::git
