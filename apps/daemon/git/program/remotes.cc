// Remotes: their list, and adding one.
#include "apps/daemon/git/program/network.h"
#include "apps/daemon/git/program/operations.h"
#include "apps/daemon/git/program/repository.h"
#include "libs/codec/json.h"

namespace dt::git {
namespace {

Status fetch_all(git_repository* repository, const std::string& name, const Url& url) {
  TRY(Remote remote, find_remote(repository, name));
  TRY(auto session, session_of(remote, GIT_DIRECTION_FETCH, {}, &url));
  TRY_VOID(session->connect(remote, GIT_DIRECTION_FETCH));
  git_fetch_options options = session->fetch_options();
  TRY_GIT(git_remote_fetch(remote, nullptr, &options, nullptr));
  return {};
}

// Sets the URL; returns the one before, empty if the remote is new.
Result<std::string> put_remote(git_repository* repository, const std::string& name, const std::string& url,
                               bool overwrite) {
  Remote existing;
  int code = git_remote_lookup(existing.out(), repository, name.c_str());
  if (code == GIT_EINVALIDSPEC) return bad_request("'" + name + "' is not a valid name for a remote");
  if (code == GIT_ENOTFOUND) {
    Remote created;
    code = git_remote_create(created.out(), repository, name.c_str(), url.c_str());
    if (code == GIT_EINVALIDSPEC) return bad_request("'" + name + "' is not a valid name for a remote");
    TRY_GIT(code);
    return std::string();
  }
  TRY_GIT(code);
  if (!overwrite) return conflict("remote " + name + " already exists");
  std::string before = git_remote_url(existing);
  TRY_GIT(git_remote_set_url(repository, name.c_str(), url.c_str()));
  return before;
}

void undo(git_repository* repository, const std::string& name, const std::string& before) {
  if (before.empty())
    git_remote_delete(repository, name.c_str());
  else
    git_remote_set_url(repository, name.c_str(), before.c_str());
}

}  // namespace

Status list_remotes(JsonBody& body, Answer& answer) {
  TRY(Repository repository, open_repository(body.text("path")));
  git_strarray names{};
  TRY_GIT(git_remote_list(&names, repository));
  std::string& out = answer.body();
  out += "{\"remotes\":[";
  bool first = true;
  for (size_t i = 0; i < names.count; ++i) {
    auto remote = find_remote(repository, names.strings[i]);
    if (!remote) continue;
    const char* url = git_remote_url(*remote);
    out += std::exchange(first, false) ? "" : ",";
    out += "{\"name\":" + json::quote(names.strings[i]) + ",\"url\":" + json::quote(url ? url : "") + "}";
  }
  git_strarray_dispose(&names);
  out += "]}";
  return {};
}

Status add_remote(JsonBody& body, Answer&) {
  std::string path = body.required_text("path"), name = body.required_text("name");
  std::string address = body.required_text("url");
  bool fetch = body.flag("fetch").value_or(false), overwrite = body.flag("overwrite").value_or(false);
  TRY_VOID(body.status());
  TRY(Url url, parse_url(address));
  TRY(Repository repository, open_repository(path));
  TRY(std::string before, put_remote(repository, name, url.text, overwrite));
  if (!fetch) return {};
  Status fetched = fetch_all(repository, name, url);
  if (!fetched) undo(repository, name, before);  // as if nothing had been asked
  return fetched;
}

}  // namespace dt::git
