// One function per command; the table in commands.cc says with which words and flags.
#pragma once
#include "apps/cli/commands.h"

namespace dt::cli {

Result<int> create_sandbox(Context& context, const Line& line);
Result<int> list_sandboxes(Context& context, const Line& line);
Result<int> show_sandbox(Context& context, const Line& line);
Result<int> execute(Context& context, const Line& line);
Result<int> start_sandbox(Context& context, const Line& line);
Result<int> stop_sandbox(Context& context, const Line& line);
Result<int> delete_sandbox(Context& context, const Line& line);

// The body of a create, from the flags that were given.
Result<std::string> create_body(const Line& line);
// One shell text from the words of a program: a single word is taken as it is, several are quoted.
std::string shell_text(const std::vector<std::string>& program);

}  // namespace dt::cli
