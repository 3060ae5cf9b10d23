// The git operations of the toolbox, one function each. They take the members of the request and append the
// body of their answer, if it has one. Called once per process, so nothing needs to be undone after a failure
// but what is on disk.
#pragma once
#include <string_view>

#include "apps/daemon/git/program/answer.h"
#include "apps/daemon/http/json_body.h"

namespace dt::git {

using daemon::JsonBody;

struct Operation {
  std::string_view name;  // that the daemon uses for it
  Status (*run)(JsonBody&, Answer&);
  bool talks_to_servers = false;
};
const Operation* find_operation(std::string_view name);  // null when there is none

Status clone(JsonBody& body, Answer& answer);
Status init(JsonBody& body, Answer& answer);
Status status(JsonBody& body, Answer& answer);
Status history(JsonBody& body, Answer& answer);
Status list_branches(JsonBody& body, Answer& answer);
Status create_branch(JsonBody& body, Answer& answer);
Status delete_branch(JsonBody& body, Answer& answer);
Status checkout(JsonBody& body, Answer& answer);
Status add(JsonBody& body, Answer& answer);
Status commit(JsonBody& body, Answer& answer);
Status reset(JsonBody& body, Answer& answer);
Status restore(JsonBody& body, Answer& answer);
Status push(JsonBody& body, Answer& answer);
Status pull(JsonBody& body, Answer& answer);
Status list_remotes(JsonBody& body, Answer& answer);
Status add_remote(JsonBody& body, Answer& answer);
Status get_config(JsonBody& body, Answer& answer);
Status set_config(JsonBody& body, Answer& answer);
Status set_user(JsonBody& body, Answer& answer);
Status store_credentials(JsonBody& body, Answer& answer);

}  // namespace dt::git
