// clone and init.
#include <unistd.h>

#include "apps/daemon/git/program/network.h"
#include "apps/daemon/git/program/new_folder.h"
#include "apps/daemon/git/program/operations.h"
#include "apps/daemon/git/program/repository.h"
#include "apps/daemon/git/program/worktree_guard.h"

namespace dt::git {
namespace {

struct Clone {
  Url url;
  std::string path, branch, commit;
  uint32_t depth = 0;
  Access access;
};

constexpr size_t kHashDigits = 40;

Result<Clone> decode(JsonBody& body) {
  std::string address = body.required_text("url");
  Clone out;
  out.path = body.required_text("path");
  out.branch = body.text("branch");
  out.commit = body.text("commit_id");
  out.depth = body.number("depth").value_or(0);
  out.access = read_access(body);
  out.access.insecure_tls = body.flag("insecure_skip_tls").value_or(false);
  TRY_VOID(body.status());
  TRY(out.url, parse_url(address));
  if (!out.branch.empty()) TRY_VOID(check_branch_name(out.branch));
  return out;
}

Result<Repository> make_repository(const std::string& path, bool bare, const std::string& branch) {
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags = GIT_REPOSITORY_INIT_MKPATH | GIT_REPOSITORY_INIT_NO_REINIT;
  if (bare) options.flags |= GIT_REPOSITORY_INIT_BARE;
  if (!branch.empty()) options.initial_head = branch.c_str();
  Repository repository;
  int code = git_repository_init_ext(repository.out(), path.c_str(), &options);
  if (code == GIT_EEXISTS) return conflict("repository already exists");
  TRY_GIT(code);
  ::unlink((std::string(git_repository_path(repository)) + "hooks/README.sample")
               .c_str());  // of libgit2's template
  if (!bare) TRY_VOID(guard_worktree(git_repository_workdir(repository)));
  return repository;
}

// One branch: its own tracking reference, and no others later.
std::string refspec_of(const std::string& branch) {
  return "+refs/heads/" + branch + ":refs/remotes/origin/" + branch;
}

Status track(git_repository* repository, const std::string& branch) {
  Config config;
  TRY_GIT(git_repository_config(config.out(), repository));
  std::string section = "branch." + branch + ".";
  TRY_GIT(git_config_set_string(config, (section + "remote").c_str(), "origin"));
  TRY_GIT(git_config_set_string(config, (section + "merge").c_str(), ("refs/heads/" + branch).c_str()));
  return {};
}

Status point_head_to(git_repository* repository, const std::string& branch) {
  std::string name = "refs/heads/" + branch, remote = "refs/remotes/origin/" + branch;
  git_oid id;
  TRY_GIT(git_reference_name_to_id(&id, repository, remote.c_str()));
  Reference made, head;
  TRY_GIT(git_reference_create(made.out(), repository, name.c_str(), &id, 1, "clone"));
  TRY_GIT(git_repository_set_head(repository, name.c_str()));
  return track(repository, branch);
}

// HEAD of the remote is no branch: its commit, detached.
Status detach_at_remote_head(git_repository* repository, git_remote* remote) {
  const git_remote_head** heads;
  size_t count;
  TRY_GIT(git_remote_ls(&heads, &count, remote));
  if (count == 0 || std::string_view(heads[0]->name) != "HEAD") return {};
  TRY_GIT(git_repository_set_head_detached(repository, &heads[0]->oid));
  return {};
}

Status check_out_commit(git_repository* repository, const std::string& hash) {
  git_oid id;
  Commit commit;
  if (hash.size() != kHashDigits || git_oid_fromstr(&id, hash.c_str()) < 0)
    return bad_request("commit_id must be a full hash of 40 digits");
  if (git_commit_lookup(commit.out(), repository, &id) < 0)
    return not_found("object not found: commit " + hash + " is not in the cloned branch");
  TRY_GIT(git_repository_set_head_detached(repository, &id));
  return {};
}

Status write_files(git_repository* repository) {
  if (git_repository_head_unborn(repository) == 1) return {};
  git_checkout_options options = GIT_CHECKOUT_OPTIONS_INIT;
  options.checkout_strategy = GIT_CHECKOUT_FORCE;  // the folder was empty
  TRY_GIT(git_checkout_head(repository, &options));
  return {};
}

Status fetch_branch(Session& session, git_remote* remote, const Clone& what, const std::string& branch) {
  std::vector<std::string> wanted = {branch.empty() ? "HEAD" : refspec_of(branch)};
  StringArray refspecs(wanted);
  git_fetch_options options = session.fetch_options();
  options.depth = static_cast<int>(std::min<uint32_t>(what.depth, INT32_MAX));
  options.download_tags = what.depth ? GIT_REMOTE_DOWNLOAD_TAGS_AUTO : GIT_REMOTE_DOWNLOAD_TAGS_ALL;
  TRY_GIT(git_remote_fetch(remote, &refspecs, &options, "clone"));
  return {};
}

// Of an empty remote, an empty repository from which the first commit can be pushed.
Status clone_nothing(git_repository* repository) {
  TRY_GIT(git_remote_add_fetch(repository, "origin", "+refs/heads/*:refs/remotes/origin/*"));
  TRY(Head head, read_head(repository));
  return track(repository, head.branch);
}

Status clone_into(git_repository* repository, const Clone& what) {
  git_remote_create_options options = GIT_REMOTE_CREATE_OPTIONS_INIT;
  options.repository = repository;
  options.name = "origin";
  options.flags = GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
  Remote remote;
  TRY_GIT(git_remote_create_with_opts(remote.out(), what.url.text.c_str(), &options));
  TRY(auto session, session_of(remote, GIT_DIRECTION_FETCH, what.access, &what.url));
  TRY_VOID(session->connect(remote, GIT_DIRECTION_FETCH));
  if (is_empty(remote) && what.branch.empty() && what.commit.empty()) return clone_nothing(repository);
  TRY(std::string branch, remote_branch(remote, what.branch));
  if (!branch.empty()) TRY_GIT(git_remote_add_fetch(repository, "origin", refspec_of(branch).c_str()));
  TRY_VOID(fetch_branch(*session, remote, what, branch));
  TRY_VOID(branch.empty() ? detach_at_remote_head(repository, remote) : point_head_to(repository, branch));
  if (!what.commit.empty()) TRY_VOID(check_out_commit(repository, what.commit));
  return write_files(repository);
}

}  // namespace

Status clone(JsonBody& body, Answer&) {
  TRY(Clone what, decode(body));
  TRY(NewFolder folder, NewFolder::make(what.path));
  Status done = [&]() -> Status {
    TRY(Repository repository, make_repository(what.path, false, ""));
    return clone_into(repository, what);
  }();
  if (done) folder.keep();
  return done;
}

Status init(JsonBody& body, Answer&) {
  std::string path = body.required_text("path"), branch = body.text("initial_branch");
  bool bare = body.flag("bare").value_or(false);
  TRY_VOID(body.status());
  if (!branch.empty()) TRY_VOID(check_branch_name(branch));
  TRY(Repository repository, make_repository(path, bare, branch));
  return {};
}

}  // namespace dt::git
