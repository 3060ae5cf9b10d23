// A project with its language server: starts the server when it is needed (again, when it died: the documents
// of the client are opened once more), tells it what the client's documents contain now, and asks it. The
// clients have no way to tell of a change, so a document is read again whenever it is asked about and its
// file changed; a document that nobody opened is open for the time of one call. Loop thread only; used
// through shared_ptr.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/daemon/lsp/answers.h"
#include "apps/daemon/lsp/connection.h"
#include "apps/daemon/lsp/document.h"

namespace dt::daemon::lsp {

struct Services {
  ProcessContext& process;
  WorkerPool& pool;
  TaskScope& tasks;
};

class Workspace : public std::enable_shared_from_this<Workspace> {
 public:
  static constexpr Millis kStartTime{120'000};
  static constexpr size_t kOpenedForSymbols = 16;

  // `project` as the client says it.
  Workspace(Services services, const Language& language, std::string project);

  // A server, initialized. Fails with internal and the reason.
  Task<Status> start();
  bool was_ready() const { return generation_ != 0; }
  // The following fail with bad_request, whatever the server's fault is: so says the contract
  // (toolbox.md 18.3).
  Task<Status> open(std::string uri);
  Task<Status> close(std::string uri);
  // Answers are JSON for the client.
  Task<Result<std::string>> document_symbols(std::string uri, const CallContext& ctx);
  Task<Result<std::string>> workspace_symbols(std::string query, const CallContext& ctx);
  // `context` is JSON, may be empty.
  Task<Result<std::string>> completions(std::string uri, Position at, std::string context,
                                        const CallContext& ctx);
  Task<void> stop();  // for ever
  void kill();        // the same at once

 private:
  using Server = std::shared_ptr<Connection>;
  struct Document {
    std::string uri;  // the client's; empty: it never spoke of it
    bool opened = false;
    size_t users = 0;  // calls that need it
    int version = 0;
    uint64_t open_in = 0;  // generation of the server that has it open
    std::optional<FileStamp> stamp;
  };
  // Keeps a document open as long as it lives.
  class Use;
  struct Boot {
    Event done;
    Status result;
  };
  struct Question {
    std::string method, params;
  };

  Task<Result<Server>> server();
  static Task<void> boot(std::shared_ptr<Workspace> self, std::shared_ptr<Boot> boot);
  Task<Status> start_server();
  Task<void> reopen(Server server);
  Task<Status> sync(Server server, std::string path);
  void forget(const std::string& path);
  Task<Result<Json>> ask(Server server, Question question, const CallContext& ctx);
  Task<Result<std::string>> collect_symbols(Server server, std::vector<std::string> paths, std::string query,
                                            const CallContext& ctx);
  Task<Result<Json>> symbols_of(Server server, std::string path, const CallContext& ctx);
  Task<Result<Json>> ask_workspace(Server server, std::vector<std::string> paths, std::string query,
                                   const CallContext& ctx);
  ClientNames names() const;

  Services services_;
  const Language& language_;
  std::string project_, root_;
  std::map<std::string, Document> documents_;  // by path
  Server connection_;
  const ServerProgram* program_ = nullptr;  // of connection_
  uint64_t generation_ = 0;                 // how many servers became ready
  bool ready_ = false;                      // connection_ is initialized
  bool finds_symbols_ = false;              // it answers workspace/symbol
  bool stopped_ = false;
  std::shared_ptr<Boot> booting_;
};

}  // namespace dt::daemon::lsp
