// Commands and flags are data: the parser, the help and the tests read the same table (commands.cc).
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/error.h"

namespace dt::cli {

struct Context;
struct Line;

struct Flag {
  enum class Kind { text, integer, boolean, list };  // list: may be given several times
  std::string_view name;
  char letter = 0;
  Kind kind = Kind::text;
  std::string_view fallback = {};  // shown in the help and returned when the flag was not given
  std::string_view meaning = {};
};

struct Command {
  std::string_view name;
  std::vector<std::string_view> aliases;
  std::string_view arguments;  // as the help shows them
  size_t min_words = 0, max_words = 0;
  bool takes_program = false;  // what follows the last word, or "--", is a program with its own flags
  std::string_view summary;
  std::vector<Flag> flags;
  Result<int> (*run)(Context&, const Line&);  // the exit code
};

// A command line that fits the table.
struct Line {
  const Command* command = nullptr;
  std::vector<std::string> words;    // positional arguments
  std::vector<std::string> program;  // after "--"
  std::map<std::string, std::vector<std::string>, std::less<>> values;
  bool help = false;

  bool given(std::string_view flag) const { return values.contains(flag); }
  std::string text(std::string_view flag) const;  // last value, else the fallback of the table
  int64_t integer(std::string_view flag) const;
  bool boolean(std::string_view flag) const { return text(flag) == "true"; }
  std::vector<std::string> list(std::string_view flag) const;
};

// `words` without the program's name. Fails with a sentence that says what to write instead; a line without a
// command gives one whose `command` is null. The group name "sandbox" before a command is skipped.
Result<Line> parse_line(const std::vector<Command>& commands, const std::vector<std::string>& words);

std::string help_of_program(const std::vector<Command>& commands);
std::string help_of_command(const Command& command);

}  // namespace dt::cli
