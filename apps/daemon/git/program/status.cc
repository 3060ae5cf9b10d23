// GET /git/status (toolbox.md §17.3).
#include <optional>

#include "apps/daemon/git/program/operations.h"
#include "apps/daemon/git/program/repository.h"
#include "libs/codec/json.h"

namespace dt::git {
namespace {

struct States {
  std::string_view staging = "Unmodified";
  std::string_view worktree = "Unmodified";
};

States states_of(unsigned flags) {
  if (flags & GIT_STATUS_CONFLICTED) return {"Updated but unmerged", "Updated but unmerged"};
  States states;
  if (flags & GIT_STATUS_INDEX_NEW) states.staging = "Added";
  if (flags & (GIT_STATUS_INDEX_MODIFIED | GIT_STATUS_INDEX_TYPECHANGE)) states.staging = "Modified";
  if (flags & GIT_STATUS_INDEX_DELETED) states.staging = "Deleted";
  if (flags & (GIT_STATUS_WT_MODIFIED | GIT_STATUS_WT_TYPECHANGE)) states.worktree = "Modified";
  if (flags & GIT_STATUS_WT_DELETED) states.worktree = "Deleted";
  if (flags & GIT_STATUS_WT_NEW) {
    states.worktree = "Untracked";
    if (states.staging == "Unmodified") states.staging = "Untracked";
  }
  return states;
}

const char* path_of(const git_status_entry* entry) {
  const git_diff_delta* delta = entry->index_to_workdir ? entry->index_to_workdir : entry->head_to_index;
  return delta->new_file.path ? delta->new_file.path : delta->old_file.path;
}

// Files outside of a sparse checkout are not there on purpose.
bool is_left_out(git_index* index, const char* path) {
  const git_index_entry* entry = git_index_get_bypath(index, path, 0);
  return entry && (entry->flags_extended & GIT_INDEX_ENTRY_SKIP_WORKTREE);
}

Status write_files(git_repository* repository, Answer& answer) {
  git_status_options options = GIT_STATUS_OPTIONS_INIT;
  options.flags =
      GIT_STATUS_OPT_INCLUDE_UNTRACKED | GIT_STATUS_OPT_RECURSE_UNTRACKED_DIRS | GIT_STATUS_OPT_UPDATE_INDEX;
  StatusList list;
  TRY_GIT(git_status_list_new(list.out(), repository, &options));
  Index index;
  TRY_GIT(git_repository_index(index.out(), repository));
  size_t count = git_status_list_entrycount(list);
  bool first = true;
  for (size_t i = 0; i < count; ++i) {
    const git_status_entry* entry = git_status_byindex(list, i);
    unsigned flags = entry->status;
    if (flags & GIT_STATUS_WT_DELETED && is_left_out(index, path_of(entry))) flags &= ~GIT_STATUS_WT_DELETED;
    if (flags == GIT_STATUS_CURRENT) continue;
    States states = states_of(flags);
    std::string& out = answer.body();
    out += std::exchange(first, false) ? "{\"name\":" : ",{\"name\":";
    out += json::quote(path_of(entry));
    out.append(R"(,"extra":"","staging":")").append(states.staging);
    out.append(R"(","worktree":")").append(states.worktree).append("\"}");
    TRY_VOID(answer.flush_if_large());
  }
  return {};
}

struct Upstream {
  std::string name;
  size_t ahead = 0, behind = 0;
};

// What `git rev-parse @{upstream}` and `git rev-list --count` would tell; nothing on any failure.
std::optional<Upstream> read_upstream(git_repository* repository, const Head& head) {
  if (head.detached) return std::nullopt;
  Reference branch, upstream;
  if (git_reference_lookup(branch.out(), repository, head.name.c_str()) < 0) return std::nullopt;
  if (git_branch_upstream(upstream.out(), branch) < 0) return std::nullopt;
  Upstream out{.name = git_reference_shorthand(upstream)};
  const git_oid *ours = git_reference_target(branch), *theirs = git_reference_target(upstream);
  if (ours && theirs && git_graph_ahead_behind(&out.ahead, &out.behind, repository, ours, theirs) < 0)
    out.ahead = out.behind = 0;
  return out;
}

}  // namespace

Status status(JsonBody& body, Answer& answer) {
  TRY(Repository repository, open_worktree(body.text("path")));
  TRY(Head head, read_head(repository));
  TRY_VOID(head_commit(repository));
  auto upstream = read_upstream(repository, head);
  std::string& out = answer.body();
  out += "{\"currentBranch\":" + json::quote(head.branch.empty() ? "HEAD" : head.branch);
  out += head.detached ? ",\"detached\":true" : ",\"detached\":false";
  out += upstream ? ",\"branchPublished\":true,\"upstream\":" + json::quote(upstream->name)
                  : std::string(",\"branchPublished\":false");
  Upstream counts = upstream.value_or(Upstream{});
  out += ",\"ahead\":" + std::to_string(counts.ahead) + ",\"behind\":" + std::to_string(counts.behind);
  out += ",\"fileStatus\":[";
  TRY_VOID(write_files(repository, answer));
  answer.body() += "]}";
  return {};
}

}  // namespace dt::git
