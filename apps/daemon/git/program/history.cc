// GET /git/history: every ancestor of HEAD, newest first.
#include <ctime>

#include "apps/daemon/git/program/operations.h"
#include "apps/daemon/git/program/repository.h"
#include "libs/codec/json.h"

namespace dt::git {
namespace {

// RFC 3339 in the zone of the author.
std::string timestamp(const git_time& when) {
  time_t shifted = when.time + when.offset * 60;
  tm parts{};
  ::gmtime_r(&shifted, &parts);
  char text[40];
  std::string out(text, ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts));
  if (when.offset == 0) return out + "Z";
  int minutes = when.offset < 0 ? -when.offset : when.offset;
  std::snprintf(text, sizeof text, "%c%02d:%02d", when.offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
  return out + text;
}

void write_commit(std::string& out, const git_commit* commit) {
  const git_signature* author = git_commit_author(commit);
  out += "{\"hash\":" + json::quote(hash_of(git_commit_id(commit)));
  out += ",\"author\":" + json::quote(author->name) + ",\"email\":" + json::quote(author->email);
  out += ",\"message\":" + json::quote(git_commit_message_raw(commit));
  out += ",\"timestamp\":" + json::quote(timestamp(author->when)) + "}";
}

}  // namespace

Status history(JsonBody& body, Answer& answer) {
  TRY(Repository repository, open_repository(body.text("path")));
  TRY_VOID(head_commit(repository));
  Walk walk;
  TRY_GIT(git_revwalk_new(walk.out(), repository));
  TRY_GIT(git_revwalk_push_head(walk));
  answer.body() += '[';
  git_oid id;
  for (bool first = true;; first = false) {
    int code = git_revwalk_next(&id, walk);
    if (code == GIT_ITEROVER) break;
    TRY_GIT(code);
    Commit commit;
    TRY_GIT(git_commit_lookup(commit.out(), repository, &id));
    if (!first) answer.body() += ',';
    write_commit(answer.body(), commit);
    TRY_VOID(answer.flush_if_large());
  }
  answer.body() += ']';
  return {};
}

}  // namespace dt::git
