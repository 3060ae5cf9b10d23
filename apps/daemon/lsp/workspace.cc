#include "apps/daemon/lsp/workspace.h"

#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>

#include "apps/daemon/lsp/initialize.h"
#include "libs/base/log.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"

namespace dt::daemon::lsp {
namespace {

// The document changed while the server worked, or it gave up for a reason of its own: ask again.
constexpr int kContentModified = -32801, kServerCancelled = -32802;
constexpr int kMostTries = 3;

std::string document_params(const std::string& path) {
  return R"({"textDocument":{"uri":)" + json::quote(server_uri(path)) + "}";
}

}  // namespace

class Workspace::Use {
 public:
  Use(std::shared_ptr<Workspace> workspace, std::string path, std::string uri)
      : workspace_(std::move(workspace)), path_(std::move(path)) {
    Document& document = workspace_->documents_[path_];
    ++document.users;
    if (!uri.empty()) document.uri = std::move(uri);
  }
  Use(Use&& other) = default;
  Use(const Use&) = delete;
  ~Use() {
    if (!workspace_) return;
    --workspace_->documents_[path_].users;
    workspace_->forget(path_);
  }

 private:
  std::shared_ptr<Workspace> workspace_;
  std::string path_;
};

Workspace::Workspace(Services services, const Language& language, std::string project)
    : services_(services),
      language_(language),
      project_(std::move(project)),
      root_(absolute_path(project_, services.process.work_dir)) {
  if (project_.starts_with("file://")) project_.erase(0, 7);
}

ClientNames Workspace::names() const {
  ClientNames out{.project = project_, .root = root_, .known = {}};
  for (const auto& [path, document] : documents_)
    if (!document.uri.empty()) out.known[path] = document.uri;
  return out;
}

// --- the server
// --------------------------------------------------------------------------------------------------------

Task<Result<Workspace::Server>> Workspace::server() {
  if (stopped_) co_return fail(Code::closed, "the language server was stopped");
  if (ready_ && connection_->usable()) co_return connection_;
  std::shared_ptr<Boot> boot = booting_;
  if (!boot) {
    boot = booting_ = std::make_shared<Boot>();
    services_.tasks.spawn(Workspace::boot(shared_from_this(), boot));
  }
  co_await boot->done.wait();
  if (!boot->result) co_return std::unexpected(boot->result.error());
  co_return connection_;
}

Task<void> Workspace::boot(std::shared_ptr<Workspace> self, std::shared_ptr<Boot> boot) {
  self->ready_ = false;
  boot->result = co_await self->start_server();
  if (!boot->result)
    log::warn("a language server does not start",
              {{"language", self->language_.id}, {"error", boot->result.error().message}});
  self->booting_ = nullptr;
  boot->done.set();
}

Task<Status> Workspace::start_server() {
  CO_TRY(InstalledServer found, find_server(language_, services_.process.environment));
  Connection::Program program{
      .name = std::string(found.server->program), .path = found.path, .arguments = {}};
  for (std::string_view word : split(found.server->arguments, ' '))
    if (!word.empty()) program.arguments.emplace_back(word);
  CO_TRY(Server server, Connection::start(services_.process, services_.pool, services_.tasks, program));
  connection_ = server;
  program_ = found.server;
  std::string params = initialize_params(*found.server, root_);
  auto initialized = co_await server->call("initialize", params, CancelSource(), after(kStartTime));
  if (!initialized) {
    server->kill("could not be initialized");
    co_return fail(Code::internal,
                   "the language server " + program.name + " does not start: " + initialized.error().message);
  }
  server->notify("initialized", "{}");
  finds_symbols_ = has_capability(*initialized, "workspaceSymbolProvider");
  ++generation_;
  ready_ = true;
  co_await reopen(server);
  co_return Status();
}

// What the client has open was unknown to this process so far.
Task<void> Workspace::reopen(Server server) {
  std::vector<std::string> paths;
  for (const auto& [path, document] : documents_)
    if (document.opened) paths.push_back(path);
  for (const std::string& path : paths) {
    Use use(shared_from_this(), path, "");
    std::ignore =
        co_await sync(server, path);  // one that is gone by now is not there for the next call either
  }
}

Task<Status> Workspace::start() {
  auto ready = co_await server();
  if (ready) co_return Status();
  co_return fail(Code::internal, ready.error().message);
}

Task<void> Workspace::stop() {
  stopped_ = true;
  Server server = connection_;
  if (server) co_await server->end();
}

void Workspace::kill() {
  stopped_ = true;
  if (connection_) connection_->kill("was stopped");
}

// --- documents
// --------------------------------------------------------------------------------------------------------

// The server shall know the document as it is on disk. A Use must exist.
Task<Status> Workspace::sync(Server server, std::string path) {
  uint64_t generation = generation_;
  const Document& before = documents_[path];
  std::optional<FileStamp> known = before.open_in == generation ? before.stamp : std::nullopt;
  auto text = co_await services_.pool.run([&path, &known] { return read_document(path, known); });
  Document& document = documents_[path];
  bool open = document.open_in == generation;
  // A file that was deleted stays for the server what it was.
  if (!text && open) co_return Status();
  if (!text) co_return std::unexpected(text.error());
  bool same = !text->json || (open && document.stamp == text->stamp);
  if (same || generation != generation_) co_return Status();
  std::string uri = json::quote(server_uri(path));
  std::string version = std::to_string(++document.version);
  if (open) {
    server->notify("textDocument/didChange", R"({"textDocument":{"uri":)" + uri + R"(,"version":)" + version +
                                                 R"(},"contentChanges":[{"text":)" + *text->json + "}]}");
  } else {
    version = std::to_string(document.version = 1);
    server->notify("textDocument/didOpen", R"({"textDocument":{"uri":)" + uri + R"(,"languageId":")" +
                                               std::string(document_id(language_, *program_, path)) +
                                               R"(","version":)" + version + R"(,"text":)" + *text->json +
                                               "}}");
  }
  document.open_in = generation;
  document.stamp = text->stamp;
  co_return Status();
}

// Nobody needs it any more: it is closed.
void Workspace::forget(const std::string& path) {
  auto it = documents_.find(path);
  if (it == documents_.end() || it->second.opened || it->second.users > 0) return;
  if (ready_ && it->second.open_in == generation_)
    connection_->notify("textDocument/didClose", document_params(path) + "}");
  documents_.erase(it);
}

Task<Status> Workspace::open(std::string uri) {
  auto ready = co_await server();
  if (!ready) co_return fail(Code::bad_request, ready.error().message);
  std::string path = co_await services_.pool.run([&] { return find_path(uri, services_.process.work_dir); });
  Use use(shared_from_this(), path, uri);
  CO_TRY_VOID(co_await sync(*ready, path));
  documents_[path].opened = true;
  co_return Status();
}

Task<Status> Workspace::close(std::string uri) {
  std::string path = co_await services_.pool.run([&] { return find_path(uri, services_.process.work_dir); });
  if (auto it = documents_.find(path); it != documents_.end()) it->second.opened = false;
  forget(path);
  co_return Status();
}

// --- questions
// --------------------------------------------------------------------------------------------------------

Task<Result<Json>> Workspace::ask(Server server, Question question, const CallContext& ctx) {
  for (int tries = 1;; ++tries) {
    auto answer = co_await server->call(question.method, question.params, ctx.cancel, ctx.deadline);
    if (answer) co_return answer;
    Error error = answer.error();
    bool again = error.sys_errno == kContentModified || error.sys_errno == kServerCancelled;
    if (again && tries < kMostTries) continue;
    if (error.code == Code::bad_request)
      error.message = std::string(program_->program) + " refuses " + question.method + ": " + error.message;
    co_return std::unexpected(Error{Code::bad_request, error.message, {}, 0});
  }
}

Task<Result<Json>> Workspace::symbols_of(Server server, std::string path, const CallContext& ctx) {
  CO_TRY_VOID(co_await sync(server, path));
  co_return co_await ask(server, {"textDocument/documentSymbol", document_params(path) + "}"}, ctx);
}

Task<Result<std::string>> Workspace::document_symbols(std::string uri, const CallContext& ctx) {
  auto ready = co_await server();
  if (!ready) co_return fail(Code::bad_request, ready.error().message);
  std::string path = co_await services_.pool.run([&] { return find_path(uri, services_.process.work_dir); });
  Use use(shared_from_this(), path, uri);
  CO_TRY(Json answer, co_await symbols_of(*ready, path, ctx));
  SymbolList list(names(), "");
  co_await services_.pool.run([&] { list.add(answer, path); });
  co_return list.json();
}

Task<Result<std::string>> Workspace::completions(std::string uri, Position at, std::string context,
                                                 const CallContext& ctx) {
  auto ready = co_await server();
  if (!ready) co_return fail(Code::bad_request, ready.error().message);
  std::string path = co_await services_.pool.run([&] { return find_path(uri, services_.process.work_dir); });
  Use use(shared_from_this(), path, uri);
  CO_TRY_VOID(co_await sync(*ready, path));
  std::string params = document_params(path) + ",\"position\":" + position_json(at);
  if (!context.empty()) params += ",\"context\":" + context;
  CO_TRY(Json answer, co_await ask(*ready, {"textDocument/completion", params + "}"}, ctx));
  co_return co_await services_.pool.run([&] { return completions_json(answer); });
}

Task<Result<std::string>> Workspace::workspace_symbols(std::string query, const CallContext& ctx) {
  auto ready = co_await server();
  if (!ready) co_return fail(Code::bad_request, ready.error().message);
  std::vector<std::string> paths;
  std::string small = lower(query);
  if (!finds_symbols_ || program_->symbols_of_open)
    paths = co_await services_.pool.run([&] { return files_mentioning(root_, language_, small); });
  if (!finds_symbols_) co_return co_await collect_symbols(*ready, std::move(paths), small, ctx);
  auto answer = co_await ask_workspace(*ready, paths, query, ctx);
  // Without a project it has nothing to say.
  if (!answer && (*ready)->usable()) co_return co_await collect_symbols(*ready, std::move(paths), small, ctx);
  if (!answer) co_return std::unexpected(answer.error());
  SymbolList list(names(), "");
  co_await services_.pool.run([&] { list.add(*answer, root_); });
  co_return list.json();
}

Task<Result<Json>> Workspace::ask_workspace(Server server, std::vector<std::string> paths, std::string query,
                                            const CallContext& ctx) {
  std::vector<Use> uses;
  if (paths.size() > kOpenedForSymbols) paths.resize(kOpenedForSymbols);
  for (const std::string& path : paths) {
    uses.emplace_back(shared_from_this(), path, "");
    std::ignore = co_await sync(server, path);  // one that cannot be read has no symbols
  }
  co_return co_await ask(server, {"workspace/symbol", "{\"query\":" + json::quote(query) + "}"}, ctx);
}

// For servers that cannot: the symbols of the documents that are open and of files that mention the word.
Task<Result<std::string>> Workspace::collect_symbols(Server server, std::vector<std::string> paths,
                                                     std::string query, const CallContext& ctx) {
  for (const auto& [path, document] : documents_)
    if (document.opened && std::ranges::find(paths, path) == paths.end()) paths.push_back(path);
  SymbolList list(names(), query);
  for (const std::string& path : paths) {
    Use use(shared_from_this(), path, "");
    auto answer = co_await symbols_of(server, path, ctx);
    // A file that the server cannot read says nothing about the others.
    if (!answer && (!server->usable() || ctx.cancel.cancelled())) co_return std::unexpected(answer.error());
    if (answer) co_await services_.pool.run([&] { list.add(*answer, path); });
    if (list.full()) break;
  }
  co_return list.json();
}

}  // namespace dt::daemon::lsp
