// The log of a command as an HTTP answer: text, or JSON with the streams apart. Small ones in one piece,
// large ones are read from the file while they are sent: the daemon never holds one whole.
#pragma once
#include <optional>
#include <string>

#include "apps/daemon/session/sdk_version.h"
#include "libs/base/fd.h"
#include "libs/net/http.h"

namespace dt::daemon {

// not_found, forbidden or bad_request (the last for anything else), for the user.
Result<Fd> open_log(const std::string& path);

// What the file holds now.
Response log_response(Fd log, const LogForm& form);

struct Outcome {
  std::string command_id;
  int exit_code = 0;
};
// The answer of a command that was waited for.
Response outcome_response(Fd log, const LogForm& form, const Outcome& outcome);

}  // namespace dt::daemon
