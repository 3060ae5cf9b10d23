// Runs a piece of Python, JavaScript or TypeScript with the interpreter of the sandbox, and takes charts out
// of its output.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/daemon/process/command.h"

namespace dt::daemon {

enum class Language { python, javascript, typescript };
std::optional<Language> parse_language(std::string_view name);

struct CodeRun {
  Language language = Language::python;
  std::string code;
  std::vector<std::string> argv;
  std::map<std::string, std::string> envs;
  uint32_t timeout_seconds = 0;
};

struct CodeResult {
  CommandResult ran;
  std::vector<std::string> charts;  // JSON objects
};

// An interpreter that is not there is a run with exit code 127, one that was ended by signal n gives 128+n,
// like a shell.
Task<CodeResult> run_code(ProcessContext& context, CodeRun run);

}  // namespace dt::daemon
