#include "apps/daemon/lsp/languages.h"

#include <algorithm>
#include <vector>

#include "apps/daemon/process/shell.h"
#include "libs/base/text.h"

namespace dt::daemon::lsp {
namespace {

// Nobody sees diagnostics here, so nobody has to compute them.
constexpr std::string_view kQuietPylsp =
    R"({"pylsp":{"plugins":{"pycodestyle":{"enabled":false},"pyflakes":{"enabled":false},"mccabe":{"enabled":false}}}})";
constexpr std::string_view kTypescriptInstall = "npm install -g typescript-language-server typescript@5";

// Last for Python: it reads Python leniently, finds classes and little more.
constexpr ServerProgram kPython[] = {
    {"pylsp", "", "pip install python-lsp-server", "", kQuietPylsp},
    {"basedpyright-langserver", "--stdio", "pip install basedpyright"},
    {"pyright-langserver", "--stdio", "npm install -g pyright"},
    {"jedi-language-server", "", "pip install jedi-language-server"},
    {"typescript-language-server", "--stdio", kTypescriptInstall, "typescript", "", true}};
constexpr ServerProgram kTypescript[] = {
    {"typescript-language-server", "--stdio", kTypescriptInstall, "", "", true}};
constexpr ServerProgram kGo[] = {{"gopls", "", "go install golang.org/x/tools/gopls@latest"}};
constexpr ServerProgram kRust[] = {{"rust-analyzer", "", "rustup component add rust-analyzer"}};
constexpr ServerProgram kClang[] = {{"clangd", "", "apt-get install clangd"}};

constexpr Extension kPythonFiles[] = {{".py", "python"}, {".pyi", "python"}};
constexpr Extension kScriptFiles[] = {
    {".ts", "typescript"}, {".tsx", "typescriptreact"}, {".mts", "typescript"}, {".cts", "typescript"},
    {".js", "javascript"}, {".jsx", "javascriptreact"}, {".mjs", "javascript"}, {".cjs", "javascript"}};
constexpr Extension kGoFiles[] = {{".go", "go"}};
constexpr Extension kRustFiles[] = {{".rs", "rust"}};
constexpr Extension kClangFiles[] = {{".c", "c"},     {".h", "cpp"},   {".cc", "cpp"}, {".cpp", "cpp"},
                                     {".cxx", "cpp"}, {".hpp", "cpp"}, {".hh", "cpp"}};

constexpr Language kLanguages[] = {
    {"python", kPython, kPythonFiles},
    {"typescript", kTypescript, kScriptFiles},
    {"javascript", kTypescript, kScriptFiles},
    {"typescriptreact", kTypescript, kScriptFiles},
    {"javascriptreact", kTypescript, kScriptFiles},
    {"go", kGo, kGoFiles},
    {"rust", kRust, kRustFiles},
    {"c", kClang, kClangFiles},
    {"cpp", kClang, kClangFiles},
};

const Extension* extension_of(const Language& language, std::string_view path) {
  const Extension* longest = nullptr;
  for (const Extension& e : language.extensions)
    if (path.ends_with(e.suffix) && (!longest || e.suffix.size() > longest->suffix.size())) longest = &e;
  return longest;
}

std::string search_path(const Environment& environment) {
  std::string path(environment.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin"));
  std::string home(environment.get("HOME").value_or(""));
  for (const char* place : {"/.local/bin", "/go/bin", "/.cargo/bin"})
    if (!home.empty()) path += ":" + home + place;
  return path;
}

}  // namespace

const Language* find_language(std::string_view id) {
  const auto* found = std::ranges::find(kLanguages, id, &Language::id);
  return found == std::end(kLanguages) ? nullptr : found;
}

std::string known_languages() {
  std::vector<std::string> ids;
  for (const Language& language : kLanguages) ids.emplace_back(language.id);
  return join(ids, ", ");
}

bool has_extension(const Language& language, std::string_view path) {
  return extension_of(language, path) != nullptr;
}

std::string_view document_id(const Language& language, const ServerProgram& server, std::string_view path) {
  if (!server.document_id.empty()) return server.document_id;
  const Extension* extension = extension_of(language, path);
  return extension ? extension->document_id : language.id;
}

Result<InstalledServer> find_server(const Language& language, const Environment& environment) {
  std::string path = search_path(environment);
  for (const ServerProgram& server : language.servers)
    if (std::string found = find_program(server.program, path); !found.empty())
      return InstalledServer{&server, std::move(found)};
  const ServerProgram& first = language.servers.front();
  return fail(Code::internal, "no language server for " + std::string(language.id) +
                                  " is installed in this sandbox: " + std::string(first.program) +
                                  " is not in PATH; install it with `" + std::string(first.install) + "`");
}

}  // namespace dt::daemon::lsp
