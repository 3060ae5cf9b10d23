#include "apps/daemon/process/code_run.h"

#include <fcntl.h>
#include <unistd.h>

#include "apps/daemon/process/chart_filter.h"
#include "apps/daemon/process/charts.h"
#include "libs/base/fd.h"
#include "libs/base/random.h"

namespace dt::daemon {
namespace {

constexpr int kNotFound = 127;
// Element 1 is "-" or a temporary file that the code has no use for.
constexpr std::string_view kNodePrologue = "process.argv.splice(1, 1);\n";

class TemporaryFile {
 public:
  static Result<TemporaryFile> create(std::string_view text) {
    TemporaryFile file;
    file.path_ = "/tmp/dtn_" + random_token(16) + ".ts";
    TRY(Fd fd, open_file(file.path_.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600));
    file.exists_ = true;
    TRY_VOID(write_all(fd.get(), text));
    return file;
  }
  TemporaryFile() = default;
  TemporaryFile(TemporaryFile&& other) noexcept
      : path_(std::move(other.path_)), exists_(std::exchange(other.exists_, false)) {}
  TemporaryFile& operator=(TemporaryFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(exists_, other.exists_);
    return *this;
  }
  ~TemporaryFile() {
    if (exists_) ::unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool exists_ = false;
};

std::string path_variable(const ProcessContext& context, const CodeRun& run) {
  if (auto it = run.envs.find("PATH"); it != run.envs.end()) return it->second;
  return std::string(context.environment.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin"));
}

void plan_python(CodeRun& run, const std::string& path, CommandSpec& spec) {
  spec.program = find_program("python3", path);
  spec.argv = {"python3", "-u", "-"};
  spec.input = mentions_matplotlib(run.code) ? wrap_for_charts(run.code) : std::move(run.code);
}

void plan_javascript(CodeRun& run, const std::string& path, CommandSpec& spec) {
  spec.program = find_program("node", path);
  spec.argv = {"node", "-"};
  spec.input = std::string(kNodePrologue) + run.code;
}

// ts-node of the project, else the installed one, else through npx, as npx itself would choose, but without
// its start-up.
Status plan_typescript(CodeRun& run, const std::string& path, CommandSpec& spec, TemporaryFile& source) {
  TRY(source, TemporaryFile::create(std::string(kNodePrologue) + run.code));
  spec.program = find_program("./node_modules/.bin/ts-node", path);
  if (spec.program.empty()) spec.program = find_program("ts-node", path);
  spec.argv = {"ts-node"};
  if (spec.program.empty()) {
    spec.program = find_program("npx", path);
    spec.argv = {"npx", "ts-node"};
  }
  for (const char* word : {"-T", "--ignore-diagnostics", "5107", "-O", R"({"module":"CommonJS"})"})
    spec.argv.push_back(word);
  spec.argv.push_back(source.path());
  spec.envs.emplace("npm_config_loglevel", "error");
  return {};
}

}  // namespace

std::optional<Language> parse_language(std::string_view name) {
  if (name == "python") return Language::python;
  if (name == "javascript") return Language::javascript;
  if (name == "typescript") return Language::typescript;
  return std::nullopt;
}

Task<CodeResult> run_code(ProcessContext& context, CodeRun run) {
  CommandSpec spec;
  spec.envs = run.envs;
  spec.timeout_seconds = run.timeout_seconds;
  TemporaryFile source;
  std::string path = path_variable(context, run);
  Status planned;
  switch (run.language) {
    case Language::python:
      plan_python(run, path, spec);
      break;
    case Language::javascript:
      plan_javascript(run, path, spec);
      break;
    case Language::typescript:
      planned = plan_typescript(run, path, spec, source);
      break;
  }
  if (!planned) co_return CodeResult{not_run(context, -1, planned.error().message), {}};
  if (spec.program.empty())
    co_return CodeResult{not_run(context, kNotFound, spec.argv[0] + ": command not found\n"), {}};
  for (std::string& word : run.argv) spec.argv.push_back(std::move(word));
  ChartFilter charts;
  spec.filter = &charts;
  CommandResult ran = co_await run_command(context, std::move(spec));
  if (ran.term_signal) ran.exit_code = 128 + ran.term_signal;
  co_return CodeResult{std::move(ran), charts.take()};
}

}  // namespace dt::daemon
