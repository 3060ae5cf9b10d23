// The first exchange with a language server: what we say of ourselves, and what it can.
#pragma once
#include <string>
#include <string_view>

#include "apps/daemon/lsp/languages.h"
#include "apps/daemon/lsp/message.h"

namespace dt::daemon::lsp {

// InitializeParams (toolbox.md 18.2) for a project's directory.
std::string initialize_params(const ServerProgram& program, const std::string& root);
// Whether the answer names this capability, as true or with options.
bool has_capability(const Json& initialized, std::string_view name);

}  // namespace dt::daemon::lsp
