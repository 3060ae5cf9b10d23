// The commands of `daytona`, and what they are given.
#pragma once
#include <iosfwd>
#include <memory>

#include "apps/cli/api.h"
#include "apps/cli/command_line.h"
#include "libs/base/clock.h"

namespace dt::cli {

struct Context {
  std::ostream& out;
  Clock& clock;
  size_t width = 0;                            // of the terminal; 0: not one
  std::function<Result<Settings>()> settings;  // asked for by the first command that needs the server
  Loop& loop;
  std::unique_ptr<Api> connected = nullptr;

  Result<Api*> api();
};

const std::vector<Command>& commands();

// Runs one command line; what goes wrong is written to `errors`. Returns the exit code: 2 for a line that
// does not fit the table, 1 for what failed, else what the command says.
int run(Context& context, const std::vector<std::string>& words, std::ostream& errors);

}  // namespace dt::cli
