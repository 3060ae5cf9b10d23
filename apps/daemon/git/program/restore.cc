// POST /git/restore: files as the index, HEAD or another commit has them.
#include <vector>

#include "apps/daemon/git/program/operations.h"
#include "apps/daemon/git/program/paths.h"
#include "apps/daemon/git/program/repository.h"
#include "apps/daemon/git/program/way.h"

namespace dt::git {
namespace {

using Files = std::vector<std::string>;

Result<Files> files_in(git_repository* repository, const Files& names) {
  std::string root = git_repository_workdir(repository);
  Files out;
  for (const std::string& name : names) {
    TRY(std::string path, path_in_worktree(root, name));
    out.push_back(path.empty() ? "*" : std::move(path));
  }
  return out;
}

Result<bool> matches(git_index* index, git_object* source, const std::string& file) {
  std::vector<std::string> one = {file};
  StringArray paths(one);
  Handle<git_pathspec, git_pathspec_free> pathspec;
  TRY_GIT(git_pathspec_new(pathspec.out(), &paths));
  if (git_pathspec_match_index(nullptr, index, GIT_PATHSPEC_NO_MATCH_ERROR, pathspec) == 0) return true;
  Object tree;
  if (!source || git_object_peel(tree.out(), source, GIT_OBJECT_TREE) < 0) return false;
  return git_pathspec_match_tree(nullptr, reinterpret_cast<git_tree*>(tree.get()),
                                 GIT_PATHSPEC_NO_MATCH_ERROR, pathspec) == 0;
}

Status check_known(git_repository* repository, git_object* source, const Files& files) {
  Index index;
  TRY_GIT(git_repository_index(index.out(), repository));
  for (const std::string& file : files) {
    TRY(bool known, matches(index, source, file));
    if (!known && file != "*")
      return not_found("pathspec '" + file + "' did not match any file known to git", "FILE_NOT_FOUND");
  }
  return {};
}

Status make_room(git_repository* repository, git_object* source, const git_strarray& paths) {
  Handle<git_pathspec, git_pathspec_free> pathspec;
  TRY_GIT(git_pathspec_new(pathspec.out(), &paths));
  if (source) return clear_the_way(repository, source, pathspec);
  Index index;
  TRY_GIT(git_repository_index(index.out(), repository));
  return clear_the_way(repository, index.get(), pathspec);
}

// Writes files of the worktree; of `source`, or of the index when that is null.
Status write_worktree(git_repository* repository, git_object* source, const Files& files) {
  StringArray paths(files);
  TRY_VOID(make_room(repository, source, paths.get()));
  git_checkout_options options = GIT_CHECKOUT_OPTIONS_INIT;
  options.checkout_strategy = GIT_CHECKOUT_FORCE | GIT_CHECKOUT_DONT_UPDATE_INDEX;
  options.paths = paths.get();
  TRY_GIT(source ? git_checkout_tree(repository, source, &options)
                 : git_checkout_index(repository, nullptr, &options));
  return {};
}

Status write_index(git_repository* repository, git_object* source, const Files& files) {
  StringArray paths(files);
  TRY_GIT(git_reset_default(repository, source, &paths));
  return {};
}

}  // namespace

Status restore(JsonBody& body, Answer&) {
  std::string path = body.required_text("path"), source = body.text("source");
  auto names = body.list("files");
  if (!names) body.missing("files");
  bool staged = body.flag("staged").value_or(false);
  bool worktree = body.flag("worktree").value_or(!staged);
  TRY_VOID(body.status());
  if (names->empty()) return bad_request("files must name what to restore ('.' is everything)");
  if (!staged && !worktree) return bad_request("nothing to restore: staged and worktree are both false");
  TRY(Repository repository, open_worktree(path));
  TRY(Files files, files_in(repository, *names));
  TRY_VOID(lock(repository));
  TRY(Head head, read_head(repository));
  Object commit;
  bool from_commit = !source.empty() || (staged && !head.unborn);
  if (from_commit) {
    TRY(Object found, find_commit(repository, source.empty() ? "HEAD" : source));
    commit = std::move(found);
  }
  TRY_VOID(check_known(repository, commit, files));
  if (staged) TRY_VOID(write_index(repository, commit, files));
  if (worktree) TRY_VOID(write_worktree(repository, commit, files));
  return {};
}

}  // namespace dt::git
