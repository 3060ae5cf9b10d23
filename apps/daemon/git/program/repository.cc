#include "apps/daemon/git/program/repository.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <string_view>

#include "apps/daemon/git/program/worktree_guard.h"
#include "libs/base/fd.h"

namespace dt::git {
namespace {

constexpr std::string_view kHeads = "refs/heads/";

// What one operation may hold in memory of pack files and objects, whatever the size of the repository.
constexpr size_t kWindowSize = 4u << 20;
constexpr size_t kMappedLimit = 24u << 20;
constexpr ssize_t kCacheLimit = 8 << 20;

}  // namespace

Status set_up_library() {
  TRY_GIT(git_libgit2_init());
  TRY_GIT(git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, kWindowSize));
  TRY_GIT(git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, kMappedLimit));
  TRY_GIT(git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, kCacheLimit));
  // Files of a sandbox belong to whoever made its image; all of it is the user's.
  TRY_GIT(git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0));
  return {};
}

Result<Repository> open_repository(const std::string& path) {
  Repository repository;
  int code = git_repository_open_ext(repository.out(), path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr);
  if (code == GIT_ENOTFOUND) return not_found("repository does not exist", kRepositoryNotFound);
  TRY_GIT(code);
  return repository;
}

Result<Repository> open_worktree(const std::string& path) {
  TRY(Repository repository, open_repository(path));
  if (git_repository_is_bare(repository)) return bad_request("this repository is bare: it has no worktree");
  TRY_VOID(guard_worktree(git_repository_workdir(repository)));
  return repository;
}

Status lock(git_repository* repository) {
  static Fd held;
  held.reset();  // of an operation before, in tests
  TRY(held, open_file(git_repository_path(repository), O_RDONLY | O_DIRECTORY));
  while (::flock(held.get(), LOCK_EX) < 0 && errno == EINTR) {
  }
  return {};
}

Result<Head> read_head(git_repository* repository) {
  Head head;
  Reference reference;
  TRY_GIT(git_reference_lookup(reference.out(), repository, "HEAD"));
  head.detached = git_reference_type(reference) == GIT_REFERENCE_DIRECT;
  head.name = head.detached ? "HEAD" : git_reference_symbolic_target(reference);
  if (head.name.starts_with(kHeads)) head.branch = head.name.substr(kHeads.size());
  head.unborn = git_repository_head_unborn(repository) == 1;
  return head;
}

Result<Commit> head_commit(git_repository* repository) {
  git_oid id;
  int code = git_reference_name_to_id(&id, repository, "HEAD");
  if (code == GIT_ENOTFOUND) return not_found("reference not found: the repository has no commits yet");
  TRY_GIT(code);
  Commit commit;
  TRY_GIT(git_commit_lookup(commit.out(), repository, &id));
  return commit;
}

Result<Object> find_commit(git_repository* repository, const std::string& expression) {
  Object any, commit;
  int code = git_revparse_single(any.out(), repository, expression.c_str());
  if (code == GIT_ENOTFOUND || code == GIT_EINVALIDSPEC)
    return not_found("reference not found: " + expression);
  TRY_GIT(code);
  if (git_object_peel(commit.out(), any, GIT_OBJECT_COMMIT) < 0)
    return not_found("reference not found: " + expression + " is no commit");
  return commit;
}

Result<Reference> find_branch(git_repository* repository, const std::string& name) {
  Reference branch;
  int code = git_branch_lookup(branch.out(), repository, name.c_str(), GIT_BRANCH_LOCAL);
  if (code == GIT_ENOTFOUND || code == GIT_EINVALIDSPEC)
    return not_found("branch not found: " + name, kBranchNotFound);
  TRY_GIT(code);
  return branch;
}

Status check_branch_name(const std::string& name) {
  int valid = 0;
  TRY_GIT(git_branch_name_is_valid(&valid, name.c_str()));
  if (!valid || name.starts_with('-')) return bad_request("'" + name + "' is not a valid branch name");
  return {};
}

Status switch_files(git_repository* repository, const git_object* to, git_tree* base) {
  git_checkout_options options = GIT_CHECKOUT_OPTIONS_INIT;
  options.checkout_strategy = GIT_CHECKOUT_SAFE;
  options.baseline = base;
  int code = git_checkout_tree(repository, to, &options);
  if (code == GIT_ECONFLICT)
    return conflict("worktree contains unstaged changes that would be lost: commit or restore them first",
                    kDirtyWorktree);
  TRY_GIT(code);
  return {};
}

std::string hash_of(const git_oid* id) {
  char text[GIT_OID_MAX_HEXSIZE + 1];
  return git_oid_tostr(text, sizeof text, id);
}

}  // namespace dt::git
