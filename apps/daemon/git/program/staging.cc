// add and commit.
#include <sys/stat.h>

#include <string>
#include <tuple>
#include <vector>

#include "apps/daemon/git/program/operations.h"
#include "apps/daemon/git/program/paths.h"
#include "apps/daemon/git/program/repository.h"
#include "libs/base/text.h"
#include "libs/codec/json.h"

namespace dt::git {
namespace {

struct Folder {
  git_index* index;
  std::vector<std::string> repositories;  // in it
};

// 0 takes a path, 1 leaves it out.
int choose(const char* path, const char*, void* folder) {
  auto& f = *static_cast<Folder*>(folder);
  std::string_view name(path);
  if (name.ends_with('/')) {
    f.repositories.emplace_back(name.substr(0, name.size() - 1));
    return 1;
  }
  const git_index_entry* entry = git_index_get_bypath(f.index, path, 0);
  return entry && (entry->flags_extended & GIT_INDEX_ENTRY_SKIP_WORKTREE) ? 1 : 0;  // of a sparse checkout
}

// Everything below a folder, or all when it is empty: new, changed and deleted files, without those ignored.
// Repositories in it are added as the commit they are at, those without commits not at all.
Status add_folder(git_index* index, std::string name) {
  std::vector<std::string> one = {std::move(name)};
  StringArray paths(one);
  Folder folder{index, {}};
  TRY_GIT(git_index_add_all(index, one[0].empty() ? nullptr : &paths, GIT_INDEX_ADD_DISABLE_PATHSPEC_MATCH,
                            choose, &folder));
  for (const std::string& inner : folder.repositories)
    std::ignore = git_index_add_bypath(index, inner.c_str());
  return {};
}

// What is no longer there is staged as deleted, if it was ever known.
Status add_missing(git_index* index, const std::string& path) {
  if (git_index_remove_bypath(index, path.c_str()) < 0) return last_error(-1);
  return git_index_remove_directory(index, path.c_str(), 0) < 0 ? last_error(-1) : Status{};
}

bool is_known(git_index* index, const std::string& path) {
  size_t at;
  return git_index_find(&at, index, path.c_str()) == 0 ||
         git_index_find_prefix(&at, index, (path + "/").c_str()) == 0;
}

// git adds nothing of its own files, and nothing that is only reached through a link.
Status check_place(const std::string& root, const std::string& path) {
  for (std::string_view part : split(path, '/'))
    if (iequals(part, ".git")) return bad_request("'" + path + "' belongs to git itself");
  struct stat info;
  for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
    if (::lstat((root + path.substr(0, slash)).c_str(), &info) == 0 && S_ISLNK(info.st_mode))
      return bad_request("'" + path + "' is beyond a symbolic link");
  return {};
}

Status add_one(git_index* index, const std::string& root, const std::string& path) {
  if (path.empty()) return add_folder(index, "");
  TRY_VOID(check_place(root, path));
  struct stat info;
  bool there = ::lstat((root + path).c_str(), &info) == 0;
  if (!there && !is_known(index, path)) return other("entry not found: " + path);
  if (!there) return add_missing(index, path);
  struct stat inner;
  bool repository = ::lstat((root + path + "/.git").c_str(), &inner) == 0;
  if (S_ISDIR(info.st_mode) && !repository) return add_folder(index, path);
  TRY_GIT(git_index_add_bypath(index, path.c_str()));
  return {};
}

struct Parents {
  std::vector<Commit> owned;
  std::vector<const git_commit*> pointers;
  git_repository* repository;

  Status add(const git_oid* id) {
    Commit commit;
    TRY_GIT(git_commit_lookup(commit.out(), repository, id));
    pointers.push_back(commit.get());
    owned.push_back(std::move(commit));
    return {};
  }
};

int add_merge_parent(const git_oid* id, void* parents) {
  return static_cast<Parents*>(parents)->add(id) ? 0 : -1;
}

// HEAD's commit, and those of a merge that is being concluded.
Result<Parents> read_parents(git_repository* repository) {
  Parents parents{.repository = repository};
  git_oid head;
  int code = git_reference_name_to_id(&head, repository, "HEAD");
  if (code == GIT_ENOTFOUND) return parents;
  TRY_GIT(code);
  TRY_VOID(parents.add(&head));
  code = git_repository_mergehead_foreach(repository, add_merge_parent, &parents);
  if (code < 0 && code != GIT_ENOTFOUND) return last_error(code);
  return parents;
}

Result<git_oid> write_index_tree(git_repository* repository) {
  Index index;
  TRY_GIT(git_repository_index(index.out(), repository));
  git_oid id;
  int code = git_index_write_tree(&id, index);
  if (code == GIT_EUNMERGED)
    return conflict("unmerged files are in the index: resolve and add them", kMergeConflict);
  TRY_GIT(code);
  return id;
}

Result<bool> changes_nothing(git_repository* repository, const Parents& parents, const git_oid& tree) {
  if (parents.pointers.empty()) {
    Tree made;
    TRY_GIT(git_tree_lookup(made.out(), repository, &tree));
    return git_tree_entrycount(made) == 0;
  }
  return parents.pointers.size() == 1 && git_oid_equal(git_commit_tree_id(parents.pointers[0]), &tree);
}

Result<Signature> sign(const std::string& name, const std::string& email) {
  Signature signature;
  if (git_signature_now(signature.out(), name.c_str(), email.c_str()) < 0)
    return bad_request("author and email must be more than spaces and punctuation");
  return signature;
}

}  // namespace

Status add(JsonBody& body, Answer&) {
  std::string path = body.required_text("path");
  auto files = body.list("files");
  if (!files) body.missing("files");
  TRY_VOID(body.status());
  TRY(Repository repository, open_worktree(path));
  TRY_VOID(lock(repository));
  std::string root = git_repository_workdir(repository);
  Index index;
  TRY_GIT(git_repository_index(index.out(), repository));
  for (const std::string& file : *files) {
    TRY(std::string inside, path_in_worktree(root, file));
    TRY_VOID(add_one(index, root, inside));
  }
  TRY_GIT(git_index_write(index));  // all or nothing
  return {};
}

Status commit(JsonBody& body, Answer& answer) {
  std::string path = body.required_text("path"), message = body.required_text("message");
  std::string author = body.required_text("author"), email = body.required_text("email");
  bool allow_empty = body.flag("allow_empty").value_or(false);
  TRY_VOID(body.status());
  TRY(Repository repository, open_worktree(path));
  TRY_VOID(lock(repository));
  TRY(Signature signature, sign(author, email));
  TRY(Parents parents, read_parents(repository));
  TRY(git_oid tree_id, write_index_tree(repository));
  TRY(bool nothing, changes_nothing(repository, parents, tree_id));
  if (nothing && !allow_empty) return other("cannot create empty commit: clean working tree");
  Tree tree;
  TRY_GIT(git_tree_lookup(tree.out(), repository, &tree_id));
  TRY_GIT(git_repository_set_ident(repository, author.c_str(), email.c_str()));  // for the reflog
  git_oid id;
  TRY_GIT(git_commit_create(&id, repository, "HEAD", signature, signature, nullptr, message.c_str(), tree,
                            parents.pointers.size(), parents.pointers.data()));
  TRY_GIT(git_repository_state_cleanup(repository));
  answer.body() += "{\"hash\":" + json::quote(hash_of(&id)) + "}";
  return {};
}

}  // namespace dt::git
