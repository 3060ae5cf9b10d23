// Errors of git operations as clients see them: the classes of toolbox.md §17.1 with the codes of clients.md
// §5.2. The messages carry their prefix ("not found: …") already.
#pragma once
#include <string>
#include <string_view>

#include "libs/base/error.h"

namespace dt::git {

inline constexpr std::string_view kRepositoryNotFound = "GIT_REPO_NOT_FOUND";
inline constexpr std::string_view kBranchNotFound = "GIT_BRANCH_NOT_FOUND";
inline constexpr std::string_view kBranchExists = "GIT_BRANCH_EXISTS";
inline constexpr std::string_view kPushRejected = "GIT_PUSH_REJECTED";
inline constexpr std::string_view kDirtyWorktree = "GIT_DIRTY_WORKTREE";
inline constexpr std::string_view kMergeConflict = "GIT_MERGE_CONFLICT";
inline constexpr std::string_view kTransportFailed = "GIT_TRANSPORT_FAILED";
inline constexpr std::string_view kRemoteRejected = "GIT_REMOTE_REJECTED";
inline constexpr std::string_view kAuthFailed = "GIT_AUTH_FAILED";

std::unexpected<Error> bad_request(std::string_view message);
std::unexpected<Error> not_found(std::string_view message, std::string_view code = "NOT_FOUND");
std::unexpected<Error> conflict(std::string_view message, std::string_view code = "CONFLICT");
std::unexpected<Error> other(std::string_view message);  // 500, no prefix
std::unexpected<Error> failure(Code code, std::string_view message, std::string_view wire_code);

// What libgit2 says about its last failure; `code` is what the function returned.
std::unexpected<Error> last_error(int code);
// Errors of our own that have to pass through libgit2: last_error() gives the one kept, once.
void keep_error(Error error);
// The class of a failure that libgit2 describes by these three (git_error_code, git_error_t, text).
Error classify(int code, int category, std::string_view text);

// Puts prefix and code to an Error that came from elsewhere in the program.
Error with_prefix(Error error);

}  // namespace dt::git

// Like TRY_VOID for the functions of libgit2.
#define TRY_GIT(call)                                         \
  do {                                                        \
    int try_git_ = (call);                                    \
    if (try_git_ < 0) return ::dt::git::last_error(try_git_); \
  } while (0)
