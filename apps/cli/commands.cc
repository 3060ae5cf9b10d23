#include "apps/cli/commands.h"

#include <ostream>

#include "apps/cli/sandbox_commands.h"

namespace dt::cli {
namespace {

using Kind = Flag::Kind;

const Flag kFormat{"format", 'f', Kind::text, "", "json or yaml instead of a table"};

Result<int> version(Context& context, const Line&) {
  context.out << "Daytona CLI version " DT_VERSION "\n";
  return 0;
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {.name = "create",
       .aliases = {"add", "new"},
       .arguments = "",
       .summary = "make a sandbox",
       .flags =
           {{"name", 0, Kind::text, "", "name; a free one is chosen when absent"},
            {"snapshot", 0, Kind::text, "", "snapshot to start from; the server's default when absent"},
            {"user", 0, Kind::text, "", "user that commands run as"},
            {"env", 'e', Kind::list, "", "KEY=VALUE, may be repeated"},
            {"label", 'l', Kind::list, "", "KEY=VALUE, may be repeated"},
            {"volume", 'v', Kind::list, "", "VOLUME:PATH, may be repeated"},
            {"public", 0, Kind::boolean, "false", "previews need no token"},
            {"target", 0, Kind::text, "", "region"},
            {"cpu", 0, Kind::integer, "0", "cores; 0: as the snapshot says"},
            {"gpu", 0, Kind::integer, "0", "GPUs; 0: none"},
            {"memory", 0, Kind::integer, "0", "GiB; 0: as the snapshot says"},
            {"disk", 0, Kind::integer, "0", "GiB; 0: as the snapshot says"},
            {"auto-stop", 0, Kind::integer, "15", "minutes without activity until it is stopped; 0: never"},
            {"auto-pause", 0, Kind::integer, "", "minutes without activity until it is paused"},
            {"auto-archive", 0, Kind::integer, "10080",
             "minutes after the stop until it is archived; 0: at the latest"},
            {"auto-delete", 0, Kind::integer, "-1", "minutes after the stop until it is deleted; -1: never"},
            {"ttl", 0, Kind::integer, "", "minutes until it is deleted in any case"},
            {"network-block-all", 0, Kind::boolean, "false", "no network access from inside"},
            {"network-allow-list", 0, Kind::text, "", "CIDR ranges, comma-separated, that may be reached"}},
       .run = create_sandbox},
      {.name = "list",
       .aliases = {"ls"},
       .arguments = "",
       .summary = "list sandboxes",
       .flags = {{"limit", 'l', Kind::integer, "100", "at most so many"},
                 {"cursor", 'c', Kind::text, "", "where the page before ended"},
                 kFormat},
       .run = list_sandboxes},
      {.name = "info",
       .aliases = {"view", "inspect"},
       .arguments = "SANDBOX",
       .min_words = 1,
       .max_words = 1,
       .summary = "show one sandbox",
       .flags = {kFormat},
       .run = show_sandbox},
      {.name = "exec",
       .arguments = "SANDBOX -- PROGRAM [ARGUMENTS]",
       .min_words = 1,
       .max_words = 1,
       .takes_program = true,
       .summary = "run a program inside and end with its exit code",
       .flags = {{"cwd", 0, Kind::text, "", "directory to run it in"},
                 {"timeout", 0, Kind::integer, "0", "seconds; 0: no limit"}},
       .run = execute},
      {.name = "start",
       .arguments = "SANDBOX",
       .min_words = 1,
       .max_words = 1,
       .summary = "start a stopped sandbox",
       .run = start_sandbox},
      {.name = "stop",
       .arguments = "SANDBOX",
       .min_words = 1,
       .max_words = 1,
       .summary = "stop a sandbox; its files stay",
       .flags = {{"force", 'f', Kind::boolean, "false", "kill at once"}},
       .run = stop_sandbox},
      {.name = "delete",
       .aliases = {"remove", "rm"},
       .arguments = "[SANDBOX]",
       .max_words = 1,
       .summary = "delete a sandbox, or all of them",
       .flags = {{"all", 'a', Kind::boolean, "false", "delete every sandbox"}},
       .run = delete_sandbox},
      {.name = "version", .arguments = "", .summary = "print the version", .run = version},
  };
  return table;
}

Result<Api*> Context::api() {
  if (!connected) {
    TRY(Settings found, settings());
    connected = std::make_unique<Api>(loop, std::move(found));
  }
  return connected.get();
}

int run(Context& context, const std::vector<std::string>& words, std::ostream& errors) {
  auto line = parse_line(commands(), words);
  if (!line) {
    errors << "daytona: " << line.error().message << "\n";
    return 2;
  }
  if (line->help || !line->command) {
    context.out << (line->command ? help_of_command(*line->command) : help_of_program(commands()));
    return 0;
  }
  auto code = line->command->run(context, *line);
  if (code) return *code;
  context.out.flush();
  errors << "daytona: " << code.error().message << "\n";
  return 1;
}

}  // namespace dt::cli
