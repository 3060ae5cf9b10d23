// What servers answer, as clients of the toolbox get it: symbols are always flat and lists never null.
#pragma once
#include <string>
#include <string_view>
#include <unordered_set>

#include "apps/daemon/lsp/message.h"
#include "apps/daemon/lsp/uris.h"

namespace dt::daemon::lsp {

// Collects SymbolInformation, WorkspaceSymbol and (flattened) DocumentSymbol; each once. May be used by a
// worker.
class SymbolList {
 public:
  static constexpr size_t kMost = 20'000;  // further ones are left out

  // `query` in lower case: only names that contain it; empty: all. `document` is where symbols without a
  // place of their own are.
  SymbolList(ClientNames names, std::string query) : names_(std::move(names)), query_(std::move(query)) {}
  void add(const Json& answer, const std::string& document);
  std::string json() const { return "[" + items_ + "]"; }
  bool full() const { return seen_.size() >= kMost; }

 private:
  void add_symbol(const boost::json::object& symbol, const std::string& document, int depth);
  ClientNames names_;
  std::string query_;
  std::string items_;
  std::unordered_set<std::string> seen_;
};

struct Position {
  uint32_t line = 0, character = 0;
};
std::string position_json(const Position& position);

// {isIncomplete, items}; what a client without text edits can use of an edit becomes `insertText`.
std::string completions_json(const Json& answer);

}  // namespace dt::daemon::lsp
