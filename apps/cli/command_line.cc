#include "apps/cli/command_line.h"

#include <fmt/core.h>

#include <algorithm>

#include "libs/base/text.h"

namespace dt::cli {
namespace {

const Flag kHelp{.name = "help",
                 .letter = 'h',
                 .kind = Flag::Kind::boolean,
                 .fallback = "false",
                 .meaning = "show this help"};

const Flag* find_flag(const Command& command, std::string_view name) {
  for (const Flag& flag : command.flags)
    if (flag.name == name || (name.size() == 1 && flag.letter == name[0])) return &flag;
  return name == kHelp.name || name == "h" ? &kHelp : nullptr;
}

const Command* find_command(const std::vector<Command>& commands, std::string_view name) {
  for (const Command& command : commands)
    if (command.name == name || std::ranges::find(command.aliases, name) != command.aliases.end())
      return &command;
  return nullptr;
}

std::string see_help(const Command& command) {
  return fmt::format(" (see `daytona {} --help`)", command.name);
}

std::string shown(const Flag& flag) {
  std::string_view value = flag.kind == Flag::Kind::boolean   ? ""
                           : flag.kind == Flag::Kind::integer ? " N"
                                                              : " TEXT";
  return fmt::format("{}--{}{}", flag.letter ? fmt::format("-{}, ", flag.letter) : "    ", flag.name, value);
}

class Parser {
 public:
  Parser(const Command& command, const std::vector<std::string>& words) : command_(command), words_(words) {}

  Result<Line> run(size_t from) {
    line_.command = &command_;
    for (at_ = from; at_ < words_.size(); ++at_) {
      const std::string& word = words_[at_];
      if (word == "--") {
        rest_from(at_ + 1);
      } else if (word.size() > 1 && word[0] == '-') {
        TRY_VOID(flag(word));
      } else if (command_.takes_program && line_.words.size() == command_.max_words) {
        rest_from(at_);
      } else {
        line_.words.push_back(word);
      }
    }
    if (!line_.help) TRY_VOID(check_counts());
    return std::move(line_);
  }

 private:
  void rest_from(size_t begin) {
    auto& target = command_.takes_program ? line_.program : line_.words;
    target.insert(target.end(), words_.begin() + static_cast<std::ptrdiff_t>(begin), words_.end());
    at_ = words_.size();
  }

  // "--name", "--name=value", "-n", "-n=value", "-nvalue"; the value may be the next word.
  Status flag(const std::string& word) {
    bool is_long = word.starts_with("--");
    std::string_view body = std::string_view(word).substr(is_long ? 2 : 1);
    size_t equals = body.find('=');
    std::string_view name = is_long ? body.substr(0, equals) : body.substr(0, 1);
    const Flag* found = find_flag(command_, name);
    if (!found || (is_long && name.size() == 1))
      return fail(Code::bad_request, fmt::format("unknown flag {}{}", word, see_help(command_)));
    std::optional<std::string_view> value;
    if (is_long && equals != std::string_view::npos) value = body.substr(equals + 1);
    if (!is_long && body.size() > 1) value = body.substr(body[1] == '=' ? 2 : 1);
    if (!value && found->kind == Flag::Kind::boolean) value = "true";
    if (!value && at_ + 1 < words_.size()) value = words_[++at_];
    if (!value)
      return fail(Code::bad_request, fmt::format("flag {} wants a value{}", word, see_help(command_)));
    return store(*found, *value);
  }

  Status store(const Flag& found, std::string_view value) {
    using Kind = Flag::Kind;
    if (found.kind == Kind::integer && !parse_int(value))
      return fail(Code::bad_request, fmt::format("--{} wants a whole number, not '{}'", found.name, value));
    if (found.kind == Kind::boolean && value != "true" && value != "false")
      return fail(Code::bad_request, fmt::format("--{} wants true or false, not '{}'", found.name, value));
    if (&found == &kHelp) line_.help = value == "true";
    line_.values[std::string(found.name)].emplace_back(value);
    return {};
  }

  Status check_counts() const {
    size_t count = line_.words.size();
    if (count < command_.min_words)
      return fail(Code::bad_request,
                  fmt::format("{} wants {}{}", command_.name, command_.arguments, see_help(command_)));
    if (count > command_.max_words)
      return fail(Code::bad_request, fmt::format("'{}' is one argument too many{}",
                                                 line_.words[command_.max_words], see_help(command_)));
    if (command_.takes_program && line_.program.empty())
      return fail(Code::bad_request, fmt::format("{} wants a program: daytona {} {}", command_.name,
                                                 command_.name, command_.arguments));
    return {};
  }

  const Command& command_;
  const std::vector<std::string>& words_;
  size_t at_ = 0;
  Line line_;
};

}  // namespace

std::string Line::text(std::string_view flag) const {
  if (auto found = values.find(flag); found != values.end()) return found->second.back();
  const Flag* declared = find_flag(*command, flag);
  CHECK(declared != nullptr);
  return std::string(declared->fallback);
}
int64_t Line::integer(std::string_view flag) const { return parse_int(text(flag)).value_or(0); }
std::vector<std::string> Line::list(std::string_view flag) const {
  auto found = values.find(flag);
  return found == values.end() ? std::vector<std::string>{} : found->second;
}

Result<Line> parse_line(const std::vector<Command>& commands, const std::vector<std::string>& words) {
  size_t at = 0;
  if (words.size() > 1 && (words[0] == "sandbox" || words[0] == "sandboxes")) at = 1;
  if (words.empty() || words[0] == "help" || words[0] == "--help" || words[0] == "-h")
    return Line{.help = true};
  std::string name = words[at] == "-v" || words[at] == "--version" ? "version" : words[at];
  const Command* command = find_command(commands, name);
  if (!command)
    return fail(Code::bad_request, fmt::format("unknown command '{}' (see `daytona help`)", name));
  return Parser(*command, words).run(at + 1);
}

std::string help_of_program(const std::vector<Command>& commands) {
  std::string out = "usage: daytona COMMAND [ARGUMENTS] [FLAGS]\n\n";
  for (const Command& c : commands) out += fmt::format("  {:<9}{:<37}{}\n", c.name, c.arguments, c.summary);
  return out +
         "\nThe server and the key are taken from DAYTONA_API_URL and DAYTONA_API_KEY, or else from the "
         "active profile in\n"
         "~/.config/daytona/config.json. `daytona COMMAND --help` shows the flags of a command.\n";
}

std::string help_of_command(const Command& command) {
  std::string out = fmt::format("{}\n\nusage: daytona {}{}{}\n", command.summary, command.name,
                                command.arguments.empty() ? "" : " ", command.arguments);
  if (!command.aliases.empty()) {
    out += "aliases:";
    for (std::string_view alias : command.aliases) out += fmt::format(" {}", alias);
    out += '\n';
  }
  out += "\nflags:\n";
  for (const Flag& flag : command.flags) {
    bool tell = !flag.fallback.empty() && flag.kind != Flag::Kind::boolean;
    out += fmt::format("  {:<30}{}{}\n", shown(flag), flag.meaning,
                       tell ? fmt::format(" (default {})", flag.fallback) : "");
  }
  return out + fmt::format("  {:<30}{}\n", shown(kHelp), kHelp.meaning);
}

}  // namespace dt::cli
