// daytona-server: parses the command line and calls a service. No logic lives here.
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "apps/runner/engine/engine.h"
#include "apps/server/config.h"
#include "apps/server/doctor.h"
#include "apps/server/services.h"
#include "apps/server/supervisor.h"
#include "libs/base/log.h"
#include "libs/base/text.h"

extern char** environ;

namespace dt::server {
namespace {

struct CommandLine {
  std::string command;
  std::vector<std::string> words;    // after the command
  std::vector<std::string> options;  // as given, for children of `up`
  Config::Sources sources;
  bool markdown = false;
};

struct Command {
  const char* name;
  const char* arguments;
  const char* summary;
  int (*run)(const CommandLine&, const Config&);
};

int print_config(const CommandLine& line, const Config& config) {
  if (line.markdown) {
    std::fputs(describe_markdown().c_str(), stdout);
    return 0;
  }
  for (const Property& p : properties())
    std::printf("%-24s = %-32s # %s\n", std::string(p.key).c_str(),
                p.secret ? "(secret)" : config.text(p.key).c_str(), std::string(p.meaning).c_str());
  return 0;
}

int image(const CommandLine& line, const Config& config) {
  if (line.words.size() != 3 || line.words[0] != "import") {
    std::fputs(
        "usage: daytona-server image import SOURCE NAME\n"
        "SOURCE is oci:DIRECTORY, oci-archive:FILE or docker://REGISTRY/IMAGE:TAG\n",
        stderr);
    return 2;
  }
  return run_image_import(config, line.words[1], line.words[2]);
}

const Command kCommands[] = {
    {"up", "", "run all services of one machine",
     [](const CommandLine& l, const Config& c) { return run_up(c, l.options); }},
    {"down", "",
     "end every sandbox of this machine and release its network and mounts (services must be stopped)",
     [](const CommandLine&, const Config& c) { return run_down(c); }},
    {"api", "", "run the control plane only", [](const CommandLine&, const Config& c) { return run_api(c); }},
    {"runner", "", "run the compute plane only",
     [](const CommandLine&, const Config& c) { return run_runner(c); }},
    {"proxy", "", "run the edge only", [](const CommandLine&, const Config& c) { return run_proxy(c); }},
    {"doctor", "", "say what this host offers and what each lack costs",
     [](const CommandLine&, const Config& c) { return run_doctor(c); }},
    {"image", "import SOURCE NAME", "bring an image into this machine's store (the runner must be stopped)",
     image},
    {"config", "[--markdown]", "print every setting with its value and meaning", print_config},
};

void usage(FILE* out) {
  std::fputs("usage: daytona-server COMMAND [--config FILE] [--set KEY=VALUE]...\n\n", out);
  for (const Command& c : kCommands) std::fprintf(out, "  %-8s %-20s %s\n", c.name, c.arguments, c.summary);
  std::fputs("  version                       print the version\n", out);
}

Result<CommandLine> parse(int argc, char** argv) {
  CommandLine line;
  line.sources.file = "/etc/daytona/daytona.toml";
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    bool takes_value = word == "--config" || word == "--set";
    if (takes_value && i + 1 == argc) return fail(Code::bad_request, word + " wants a value");
    if (word == "--config") {
      line.sources.file = argv[++i];
      line.sources.file_required = true;
    } else if (word == "--set") {
      line.sources.overrides.push_back(argv[++i]);
    } else if (word == "--markdown") {
      line.markdown = true;
    } else if (word.starts_with("--")) {
      return fail(Code::bad_request, "unknown option " + word);
    } else {
      line.command.empty() ? line.command = word : line.words.emplace_back(word);
    }
    if (takes_value) line.options.insert(line.options.end(), {word, argv[i]});
  }
  for (char** e = environ; *e; ++e) {
    std::string_view pair = *e;
    size_t eq = pair.find('=');
    if (eq != std::string_view::npos)
      line.sources.environment[std::string(pair.substr(0, eq))] = pair.substr(eq + 1);
  }
  return line;
}

int main_with(int argc, char** argv) {
  // The spawner is a bare helper: no configuration, no logger, nothing but its socket.
  if (argc == 4 && std::strcmp(argv[1], "spawner") == 0) return runner::spawner_main(std::atoi(argv[3]));
  auto line = parse(argc, argv);
  if (!line) {
    std::fprintf(stderr, "daytona-server: %s\n", line.error().message.c_str());
    return 2;
  }
  if (line->command == "version") {
    std::puts("daytona-server v" DT_VERSION);
    return 0;
  }
  for (const Command& c : kCommands) {
    if (line->command != c.name) continue;
    auto config = Config::load(line->sources);
    if (!config) {
      std::fprintf(stderr, "daytona-server: %s\n", config.error().message.c_str());
      return 2;
    }
    log::configure(c.name, log::parse_level(config->text("log.level")), config->boolean("log.json"));
    return c.run(*line, *config);
  }
  usage(line->command.empty() || line->command == "help" ? stdout : stderr);
  return line->command.empty() || line->command == "help" ? 0 : 2;
}

}  // namespace
}  // namespace dt::server

int main(int argc, char** argv) { return dt::server::main_with(argc, argv); }
