#include "apps/daemon/lsp/initialize.h"

#include <unistd.h>

#include <boost/json.hpp>

#include "apps/daemon/lsp/uris.h"
#include "libs/codec/json.h"

namespace dt::daemon::lsp {
namespace {

// No hierarchical symbols, no edits of the workspace, no settings: what the toolbox's answers can carry.
constexpr std::string_view kCapabilities = R"({
"textDocument":{"synchronization":{},
"completion":{"completionItem":{"snippetSupport":true,"commitCharactersSupport":true,
"documentationFormat":["markdown","plaintext"],"deprecatedSupport":true,"preselectSupport":true},
"contextSupport":true},
"documentSymbol":{"symbolKind":{"valueSet":[1,2,3,4,5,6,7,8,9,10,11,12,13]},
"hierarchicalDocumentSymbolSupport":false}},
"workspace":{"symbol":{},"workspaceFolders":true}})";

}  // namespace

std::string initialize_params(const ServerProgram& program, const std::string& root) {
  std::string uri = json::quote(server_uri(root));
  std::string out = "{\"processId\":" + std::to_string(::getpid()) +
                    R"(,"clientInfo":{"name":"daytona-daemon"},"rootPath":)" + json::quote(root) +
                    ",\"rootUri\":" + uri + R"(,"workspaceFolders":[{"uri":)" + uri +
                    ",\"name\":" + json::quote(root.substr(root.rfind('/') + 1)) + "}]";
  if (!program.options.empty()) out.append(",\"initializationOptions\":").append(program.options);
  return out.append(",\"capabilities\":").append(kCapabilities) + "}";
}

bool has_capability(const Json& initialized, std::string_view name) {
  const auto* object = initialized ? initialized->if_object() : nullptr;
  const auto* capabilities = object ? object->if_contains("capabilities") : nullptr;
  if (!capabilities || !capabilities->is_object()) return false;
  const auto* value = capabilities->get_object().if_contains({name.data(), name.size()});
  return value && (value->is_object() || (value->is_bool() && value->get_bool()));
}

}  // namespace dt::daemon::lsp
