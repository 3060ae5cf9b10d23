#include "apps/daemon/git/program/errors.h"

#include <git2.h>

#include <array>
#include <optional>
#include <utility>

namespace dt::git {
namespace {

struct Class {
  Code code;
  std::string_view prefix;
};
constexpr std::array kClasses = {
    Class{Code::bad_request, "bad request: "},
    Class{Code::invalid_body, "invalid body request: "},
    Class{Code::unauthorized, "unauthorized: "},
    Class{Code::forbidden, "forbidden: "},
    Class{Code::not_found, "not found: "},
    Class{Code::conflict, "conflict: "},
    Class{Code::unprocessable, "unprocessable entity: "},
};

std::string_view prefix_of(Code code) {
  for (const Class& c : kClasses)
    if (c.code == code) return c.prefix;
  return "";
}

// By what libgit2 only says in words.
struct Phrase {
  std::string_view text;
  Code code;
  std::string_view wire_code;
  std::string_view message;  // empty: libgit2's
};
constexpr std::array kPhrases = {
    Phrase{"http status code: 401", Code::unauthorized, kAuthFailed, "authentication required"},
    Phrase{"http status code: 403", Code::forbidden, "FORBIDDEN", "authorization failed"},
    Phrase{"http status code: 404", Code::not_found, kRepositoryNotFound, "repository not found"},
    Phrase{"failed to connect to", Code::bad_gateway, kTransportFailed, ""},
    Phrase{"No space left on device", Code::insufficient_storage, "INSUFFICIENT_STORAGE", ""},
    Phrase{"Disk quota exceeded", Code::insufficient_storage, "INSUFFICIENT_STORAGE", ""},
    Phrase{"Permission denied", Code::forbidden, "FILE_ACCESS_DENIED", ""},
    Phrase{"Read-only file system", Code::forbidden, "FILE_ACCESS_DENIED", ""},
};

struct Kind {
  int git_code;
  Code code;
  std::string_view wire_code;
};
constexpr std::array kKinds = {
    Kind{GIT_EAUTH, Code::unauthorized, kAuthFailed},
    Kind{GIT_ECERTIFICATE, Code::bad_gateway, kTransportFailed},
    Kind{GIT_ENOTFOUND, Code::not_found, "NOT_FOUND"},
    Kind{GIT_EUNBORNBRANCH, Code::not_found, "NOT_FOUND"},
    Kind{GIT_EEXISTS, Code::conflict, "CONFLICT"},
    Kind{GIT_EAMBIGUOUS, Code::conflict, "CONFLICT"},
    Kind{GIT_ELOCKED, Code::conflict, "CONFLICT"},
    Kind{GIT_ENONFASTFORWARD, Code::conflict, kPushRejected},
    Kind{GIT_ECONFLICT, Code::conflict, kDirtyWorktree},
    Kind{GIT_EUNCOMMITTED, Code::conflict, kDirtyWorktree},
    Kind{GIT_EUNMERGED, Code::conflict, kMergeConflict},
    Kind{GIT_EMERGECONFLICT, Code::conflict, kMergeConflict},
    Kind{GIT_EINVALIDSPEC, Code::bad_request, "BAD_REQUEST"},
    Kind{GIT_EBAREREPO, Code::bad_request, "BAD_REQUEST"},
};

bool is_transport(int category) {
  return category == GIT_ERROR_NET || category == GIT_ERROR_SSL || category == GIT_ERROR_SSH ||
         category == GIT_ERROR_HTTP;
}

std::optional<Error>& kept() {
  static std::optional<Error> error;
  return error;
}

Error make(Code code, std::string_view message, std::string_view wire_code) {
  return Error{code, std::string(prefix_of(code)) + std::string(message), std::string(wire_code)};
}

}  // namespace

std::unexpected<Error> failure(Code code, std::string_view message, std::string_view wire_code) {
  return std::unexpected(make(code, message, wire_code));
}
std::unexpected<Error> bad_request(std::string_view message) {
  return failure(Code::bad_request, message, "BAD_REQUEST");
}
std::unexpected<Error> not_found(std::string_view message, std::string_view code) {
  return failure(Code::not_found, message, code);
}
std::unexpected<Error> conflict(std::string_view message, std::string_view code) {
  return failure(Code::conflict, message, code);
}
std::unexpected<Error> other(std::string_view message) {
  return failure(Code::internal, message, "INTERNAL_SERVER_ERROR");
}

Error classify(int code, int category, std::string_view text) {
  for (const Kind& kind : kKinds)
    if (kind.git_code == code) return make(kind.code, text, kind.wire_code);
  for (const Phrase& p : kPhrases)
    if (text.find(p.text) != text.npos)
      return make(p.code, p.message.empty() ? text : p.message, p.wire_code);
  if (is_transport(category)) return make(Code::bad_gateway, text, kTransportFailed);
  return make(Code::internal, text, "INTERNAL_SERVER_ERROR");
}

void keep_error(Error error) { kept() = std::move(error); }

std::unexpected<Error> last_error(int code) {
  if (auto own = std::exchange(kept(), std::nullopt)) return std::unexpected(std::move(*own));
  const git_error* error = git_error_last();
  std::string_view text = error && error->message ? error->message : "git failed without saying why";
  return std::unexpected(classify(code, error ? error->klass : GIT_ERROR_NONE, text));
}

Error with_prefix(Error error) {
  if (!error.wire_code.empty()) return error;
  if (error.code == Code::io) error.code = Code::internal;
  Error out = make(error.code, error.message, wire_name(error.code));
  out.sys_errno = error.sys_errno;
  return out;
}

}  // namespace dt::git
