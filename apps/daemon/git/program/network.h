// Talking to remote repositories: who we are, whom we trust, and what is asked again without secrets.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/daemon/git/program/credential_store.h"
#include "apps/daemon/git/program/handle.h"
#include "apps/daemon/git/program/operations.h"
#include "apps/daemon/git/program/url.h"

namespace dt::git {

// What a request says about the way to a remote.
struct Access {
  std::string user, password;  // used when both are there
  bool insecure_tls = false;   // any certificate will do
};
Access read_access(JsonBody& body);

// One remote for one operation. Credentials are those of the request, else of the URL, else of the user's
// credential store (only when the server asks). They are sent to the remote's own host, never where it
// redirects to.
class Session {
 public:
  Session(Url url, Access access);
  Session(const Session&) = delete;

  // Connects the remote to this session's address. The session must outlive the connection.
  Status connect(git_remote* remote, git_direction direction);
  // For what follows on the connection.
  git_fetch_options fetch_options() const;
  git_push_options push_options();
  // Reasons of the server for references that it did not take; after a push.
  const std::string& rejection() const { return rejection_; }

 private:
  git_remote_callbacks callbacks() const;
  git_remote_connect_options connect_options() const;
  void give_up_credentials();
  static int give_credentials(git_credential** out, const char* url, const char* user, unsigned allowed,
                              void* self);
  static int check_certificate(git_cert* certificate, int valid, const char* host, void* self);
  static int note_rejection(const char* reference, const char* status, void* self);

  Url url_;
  bool insecure_tls_;
  std::optional<Credential> credential_;  // for when the server asks
  std::vector<std::string> headers_;      // with those that are sent at once
  std::unique_ptr<StringArray<std::vector<std::string>>> header_array_;
  bool asked_ = false;
  std::string rejection_;
};

// A session for the URL that a remote really has for this direction, by the user's settings too
// (url.*.insteadOf). `given`: the URL it was made with, which may have credentials.
Result<std::unique_ptr<Session>> session_of(git_remote* remote, git_direction direction, Access access,
                                            const Url* given = nullptr);

// The remote of this name, or not_found.
Result<Remote> find_remote(git_repository* repository, const std::string& name);

// Whether a connected remote has nothing at all.
bool is_empty(git_remote* remote);

// A branch of a connected remote: fails with not_found when the remote has none of this name ("" is its
// default one, whose name is returned).
Result<std::string> remote_branch(git_remote* remote, const std::string& name);

}  // namespace dt::git
