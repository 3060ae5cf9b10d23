// push and pull: one branch with one remote, fast-forward only.
#include <git2/sys/config.h>

#include <string_view>

#include "apps/daemon/git/program/network.h"
#include "apps/daemon/git/program/operations.h"
#include "apps/daemon/git/program/repository.h"

namespace dt::git {
namespace {

struct Sync {
  std::string path, remote, branch;
  Access access;
};

Result<Sync> decode(JsonBody& body) {
  Sync out{body.required_text("path"), body.text("remote"), body.text("branch"), read_access(body)};
  TRY_VOID(body.status());
  if (!out.branch.empty()) TRY_VOID(check_branch_name(out.branch));
  if (out.remote.empty()) out.remote = "origin";
  return out;
}

Result<std::string> current_branch(git_repository* repository) {
  TRY(Head head, read_head(repository));
  if (head.branch.empty())
    return not_found("reference not found: HEAD is detached, no branch is checked out");
  return head.branch;
}

std::string tracking_name(const std::string& remote, const std::string& branch) {
  return "refs/remotes/" + remote + "/" + branch;
}

// What the remote's reasons for refusing a branch mean.
std::unexpected<Error> rejected(const std::string& reason) {
  for (std::string_view word :
       {"non-fast-forward", "fetch first", "stale info", "cannot lock ref", "fast forward"})
    if (reason.find(word) != reason.npos)
      return conflict("non-fast-forward update: " + reason, kPushRejected);
  return failure(Code::unprocessable, "the remote refused: " + reason, kRemoteRejected);
}

// Packing in bounded memory and time: what is larger than this is sent as it is, without a search for similar
// objects. (libgit2 takes that limit from the first of these settings.) For this process only.
Status bound_packing(git_repository* repository) {
  constexpr std::string_view kSettings = "[pack]\n deltaCacheSize = 524288\n windowMemory = 8388608\n";
  git_config_backend_memory_options options = GIT_CONFIG_BACKEND_MEMORY_OPTIONS_INIT;
  options.backend_type = options.origin_path = "daytona-git";  // without them libgit2 crashes
  git_config_backend* backend;
  TRY_GIT(git_config_backend_from_string(&backend, kSettings.data(), kSettings.size(), &options));
  Config config;
  TRY_GIT(git_repository_config(config.out(), repository));
  TRY_GIT(git_config_add_backend(config, backend, GIT_CONFIG_LEVEL_APP, repository, 1));
  return {};
}

Status push_branch(git_repository* repository, const Sync& what, const std::string& branch) {
  TRY_VOID(bound_packing(repository));
  TRY(Remote remote, find_remote(repository, what.remote));
  TRY(auto session, session_of(remote, GIT_DIRECTION_PUSH, what.access));
  TRY_VOID(session->connect(remote, GIT_DIRECTION_PUSH));
  std::vector<std::string> wanted = {"refs/heads/" + branch + ":refs/heads/" + branch};
  StringArray refspecs(wanted);
  git_push_options options = session->push_options();
  int code = git_remote_push(remote, &refspecs, &options);
  if (code == GIT_ENONFASTFORWARD)
    return conflict("non-fast-forward update: the remote has commits that are not here; pull first",
                    kPushRejected);
  TRY_GIT(code);
  return session->rejection().empty() ? Status{} : rejected(session->rejection());
}

// A clone of one branch follows only that one: others that get an upstream are followed from then on.
Status follow(git_repository* repository, const std::string& remote_name, const std::string& branch) {
  std::string tracking = tracking_name(remote_name, branch), name = "refs/heads/" + branch;
  TRY(Remote remote, find_remote(repository, remote_name));
  bool covered = false;
  for (size_t i = 0; i < git_remote_refspec_count(remote); ++i) {
    const git_refspec* spec = git_remote_get_refspec(remote, i);
    covered = covered || (git_refspec_direction(spec) == GIT_DIRECTION_FETCH &&
                          git_refspec_src_matches(spec, name.c_str()) == 1);
  }
  if (!covered)
    TRY_GIT(git_remote_add_fetch(repository, remote_name.c_str(), ("+" + name + ":" + tracking).c_str()));
  git_oid id;
  TRY_GIT(git_reference_name_to_id(&id, repository, name.c_str()));
  Reference made, local;
  TRY_GIT(git_reference_create(made.out(), repository, tracking.c_str(), &id, 1, "push"));
  TRY_GIT(git_reference_lookup(local.out(), repository, name.c_str()));
  TRY_GIT(git_branch_set_upstream(local, (remote_name + "/" + branch).c_str()));
  return {};
}

// The remote's branch that the current one belongs to: its upstream there, else the one of the same name.
std::string counterpart(git_repository* repository, const std::string& remote, const std::string& branch) {
  std::string name = "refs/heads/" + branch;
  Text upstream_remote, merge;
  if (git_branch_upstream_remote(upstream_remote.out(), repository, name.c_str()) < 0) return branch;
  if (upstream_remote.str() != remote) return branch;
  if (git_branch_upstream_merge(merge.out(), repository, name.c_str()) < 0) return branch;
  std::string full = merge.str();
  return full.starts_with("refs/heads/") ? full.substr(11) : branch;
}

Result<Object> fetch(git_repository* repository, const Sync& what, const std::string& branch) {
  TRY(Remote remote, find_remote(repository, what.remote));
  TRY(auto session, session_of(remote, GIT_DIRECTION_FETCH, what.access));
  TRY_VOID(session->connect(remote, GIT_DIRECTION_FETCH));
  TRY_VOID(remote_branch(remote, branch));
  std::string tracking = tracking_name(what.remote, branch);
  std::vector<std::string> wanted = {"+refs/heads/" + branch + ":" + tracking};
  StringArray refspecs(wanted);
  git_fetch_options options = session->fetch_options();
  TRY_GIT(git_remote_fetch(remote, &refspecs, &options, "pull"));
  return find_commit(repository, tracking);
}

// Moves the current branch (and its files) forward to this commit.
Status fast_forward(git_repository* repository, git_object* to) {
  AnnotatedCommit theirs;
  TRY_GIT(git_annotated_commit_lookup(theirs.out(), repository, git_object_id(to)));
  const git_annotated_commit* heads[] = {theirs.get()};
  git_merge_analysis_t analysis;
  git_merge_preference_t preference;
  TRY_GIT(git_merge_analysis(&analysis, &preference, repository, heads, 1));
  if (analysis & GIT_MERGE_ANALYSIS_UP_TO_DATE) return {};
  if (!(analysis & (GIT_MERGE_ANALYSIS_FASTFORWARD | GIT_MERGE_ANALYSIS_UNBORN)))
    return conflict("non-fast-forward update: the branches have diverged", kMergeConflict);
  TRY_VOID(switch_files(repository, to, nullptr));
  TRY(Head head, read_head(repository));
  Reference made;
  TRY_GIT(git_reference_create(made.out(), repository, head.name.c_str(), git_object_id(to), 1,
                               "pull: fast-forward"));
  return {};
}

}  // namespace

Status push(JsonBody& body, Answer&) {
  bool set_upstream = body.flag("set_upstream").value_or(false);
  TRY(Sync what, decode(body));
  TRY(Repository repository, open_repository(what.path));
  std::string branch = what.branch;
  if (branch.empty()) {
    TRY(branch, current_branch(repository));
    TRY_VOID(head_commit(repository));
  }
  TRY_VOID(find_branch(repository, branch));
  TRY_VOID(push_branch(repository, what, branch));
  return set_upstream ? follow(repository, what.remote, branch) : Status{};
}

Status pull(JsonBody& body, Answer&) {
  TRY(Sync what, decode(body));
  TRY(Repository repository, open_worktree(what.path));
  TRY(std::string current, current_branch(repository));
  std::string branch = what.branch.empty() ? counterpart(repository, what.remote, current) : what.branch;
  TRY(Object commit, fetch(repository, what, branch));
  TRY_VOID(lock(repository));
  return fast_forward(repository, commit);
}

}  // namespace dt::git
