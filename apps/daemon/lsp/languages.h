// Which program serves which language. A further language is a row of languages.cc.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "apps/daemon/process/environment.h"
#include "libs/base/error.h"

namespace dt::daemon::lsp {

struct ServerProgram {
  std::string_view program;    // looked up in PATH, then where tools of languages install themselves
  std::string_view arguments;  // separated by spaces
  std::string_view install;    // the command that brings it
  // What it calls the language of every document; empty: as the document's extension says.
  std::string_view document_id = "";
  std::string_view options = "";  // initializationOptions, JSON
  bool symbols_of_open = false;   // of the workspace it knows only documents that are open, and what they use
};

struct Extension {
  std::string_view suffix;       // ".py"
  std::string_view document_id;  // "python"
};

struct Language {
  std::string_view id;                     // as clients say it
  std::span<const ServerProgram> servers;  // in order of preference
  std::span<const Extension> extensions;
};

const Language* find_language(std::string_view id);  // null: unknown
std::string known_languages();                       // "c, cpp, go, …"
bool has_extension(const Language& language, std::string_view path);
std::string_view document_id(const Language& language, const ServerProgram& server, std::string_view path);

struct InstalledServer {
  const ServerProgram* server;
  std::string path;
};
// The first that the sandbox has. Fails (internal) with what to install.
Result<InstalledServer> find_server(const Language& language, const Environment& environment);

}  // namespace dt::daemon::lsp
