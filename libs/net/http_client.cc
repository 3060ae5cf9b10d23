#include "libs/net/http_client.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "libs/base/text.h"
#include "libs/net/client_impl.h"
#include "libs/net/http_chars.h"
#include "libs/net/stream_impl.h"

namespace dt {
namespace {

using detail::ClientConnection;
using detail::MessageBody;
using detail::MessageWriter;

constexpr size_t kMaxHead = 128 * 1024;
constexpr size_t kSendAside = 64 * 1024;  // larger bodies are sent while the answer is awaited

// RFC 9110 9.2.2: doing it twice is the same as doing it once.
bool idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
  return std::ranges::find(kMethods, method) != kMethods.end();
}

bool nothing_to_read(int fd) {
  char byte;
  return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

bool valid_target(std::string_view target) {
  if (target.empty()) return false;
  return std::ranges::none_of(target,
                              [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; });
}

std::string request_head(const Endpoint& to, ClientRequest& request) {
  Headers& h = request.headers;
  if (!h.get("Host")) h.set("Host", to.unix_path.empty() ? to.str() : "localhost");
  h.remove("Transfer-Encoding");
  h.remove("Content-Length");
  std::string head = format_head(h, fmt::format("{} {} HTTP/1.1", request.method, request.target));
  head.resize(head.size() - 2);
  auto length = request.body_reader ? request.body_reader->length() : request.body.size();
  bool announces = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (!length)
    head += "Transfer-Encoding: chunked\r\n";
  else if (*length > 0 || announces)
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", *length);
  head += "\r\n";
  return head;
}

class TextReader final : public BodyReader {
 public:
  explicit TextReader(std::string_view text) : text_(text) {}
  Task<Result<std::string_view>> next() override { co_return std::exchange(text_, {}); }
  std::optional<uint64_t> length() const override { return text_.size(); }

 private:
  std::string_view text_;
};

}  // namespace

// --- pool
// ---------------------------------------------------------------------------------------------------------

std::unique_ptr<ClientConnection> HttpClient::Impl::take(const std::string& key, bool verify) {
  auto found = idle.find(key);
  if (found == idle.end()) return nullptr;
  Mono oldest = std::chrono::steady_clock::now() - options.idle_timeout;
  while (!found->second.empty()) {
    auto connection = std::move(found->second.back());
    found->second.pop_back();
    connection->stream.watch().on_hangup(nullptr);
    // Bytes that nobody asked for, or an end: not usable.
    bool silent = !connection->stream.watch().impl().ready[detail::IoWait::in];
    if (verify) silent = nothing_to_read(connection->stream.fd());
    if (silent && connection->idle_since > oldest) return connection;
  }
  return nullptr;
}

void HttpClient::Impl::give_back(std::unique_ptr<ClientConnection> connection) {
  auto& list = idle[connection->key];
  if (list.size() >= options.idle_per_endpoint || !connection->in.empty()) return;
  connection->in.release_if_empty();
  connection->reused = true;
  connection->idle_since = std::chrono::steady_clock::now();
  ClientConnection* raw = connection.get();
  list.push_back(std::move(connection));
  raw->stream.watch().on_hangup([this, raw] { drop(raw->key, raw); });
  if (!purging) {
    purging = true;
    scope.spawn(purge());
  }
}

void HttpClient::Impl::drop(const std::string& key, ClientConnection* connection) {
  auto found = idle.find(key);
  if (found == idle.end()) return;
  std::erase_if(found->second, [connection](auto& c) { return c.get() == connection; });
}

// Ends when nothing is idle any more, so that an unused client never wakes its loop.
Task<void> HttpClient::Impl::purge() {
  while (!idle.empty()) {
    co_await Loop::current().sleep_for(options.idle_timeout);
    Mono oldest = std::chrono::steady_clock::now() - options.idle_timeout;
    for (auto& [key, list] : idle) std::erase_if(list, [oldest](auto& c) { return c->idle_since <= oldest; });
    std::erase_if(idle, [](auto& entry) { return entry.second.empty(); });
  }
  purging = false;
}

// --- response
// -----------------------------------------------------------------------------------------------------

ClientResponse::Impl::Impl(std::unique_ptr<ClientConnection> c)
    : connection(std::move(c)), body(connection->stream, connection->in) {}

ClientResponse::Impl::~Impl() {
  if (body.finish() && keep_alive)
    release();
  else
    cancel.remove(cancel_id);
  if (sender) sender->stop_now();
}

void ClientResponse::Impl::listen(const CallContext& ctx) {
  cancel = ctx.cancel;
  cancel_id = cancel.on_cancel([this] {
    if (connection) connection->stream.cancel();
  });
}

void ClientResponse::Impl::release() {
  cancel.remove(std::exchange(cancel_id, 0));
  auto owner = pool.lock();
  bool usable = owner && keep_alive && !sending && connection && !connection->stream.impl().cancelled;
  keep_alive = false;
  if (usable) owner->give_back(std::move(connection));
}

ClientResponse::ClientResponse() = default;
ClientResponse::~ClientResponse() = default;
ClientResponse::ClientResponse(ClientResponse&&) noexcept = default;
ClientResponse& ClientResponse::operator=(ClientResponse&&) noexcept = default;
BodyReader& ClientResponse::body() { return impl->body; }
Stream& ClientResponse::upgraded() { return impl->connection->stream; }
std::string ClientResponse::take_buffered() { return impl->connection->in.take(); }

// --- one exchange
// ---------------------------------------------------------------------------------------------------

namespace {

Task<void> send_body(ClientResponse::Impl& x, BodyReader& body, std::string head) {
  auto length = body.length();
  Stream& stream = x.connection->stream;
  MessageWriter writer(stream, length ? MessageWriter::Framing::length : MessageWriter::Framing::chunked,
                       length.value_or(0));
  x.sent = co_await stream.write_all(head);
  if (x.sent) {
    x.body_touched = true;
    x.sent = co_await writer.write_from(body);
  }
  x.source_failed = writer.source_failed();
  if (x.sent) x.sent = co_await writer.finish();
  x.sending = false;
  // Without the rest of the body there will be no sensible answer: wakes whoever waits for it.
  if (x.source_failed) stream.cancel();
}

Task<Result<ParsedHead>> read_response_head(ClientConnection& c, Mono deadline, bool& answered) {
  for (size_t scanned = 0;;) {
    auto size = detail::find_head_end(c.in.view(), scanned);
    if (size && *size == 0 && c.in.size() > kMaxHead)
      size = fail(Code::bad_gateway, "the answer's header is too large");
    if (!size) co_return std::unexpected(std::move(size).error());
    if (*size > 0) {
      auto head = parse_response_head(c.in.view().substr(0, *size));
      if (!head) co_return fail(Code::bad_gateway, head.error().message);
      c.in.consume(*size);
      scanned = 0;
      if (head->status >= 200 || head->status == 101) co_return std::move(*head);
      continue;  // interim answers
    }
    auto got = co_await c.in.fill(c.stream, deadline);
    if (!got) co_return std::unexpected(std::move(got).error());
    if (*got == 0) co_return fail(Code::closed, "the connection was closed before the answer was complete");
    answered = true;
  }
}

void start_body(ClientResponse::Impl& x, const ParsedHead& head, const std::string& method, Mono deadline) {
  using Framing = MessageBody::Framing;
  Framing framing = Framing::until_close;
  bool empty = method == "HEAD" || head.status == 204 || head.status == 304;
  if (empty || head.status == 101)
    framing = Framing::none;
  else if (head.chunked)
    framing = Framing::chunked;
  else if (head.content_length)
    framing = Framing::length;
  x.keep_alive = head.keep_alive && framing != Framing::until_close && head.status != 101;
  x.body.start(framing, head.content_length.value_or(0), deadline, Millis(0));
  if (head.status != 101) x.body.on_end([&x] { x.release(); });
}

struct Exchange {
  const CallContext& ctx;
  const Endpoint& to;
  ClientRequest& request;
  const std::string& head;
  bool answered = false;  // a byte of the answer came
};

Task<Status> send_request(ClientResponse::Impl& x, Exchange& e, std::optional<TextReader>& text) {
  if (!e.request.body_reader && e.request.body.size() <= kSendAside)
    co_return co_await x.connection->stream.write_all(e.head, e.request.body, e.ctx.deadline);
  BodyReader* body = e.request.body_reader;
  if (!body) body = &text.emplace(e.request.body);
  x.sending = true;
  x.sender.emplace("http request body").spawn(send_body(x, *body, e.head));
  co_return Status();
}

Task<Result<ClientResponse>> exchange(std::unique_ptr<ClientResponse::Impl> x, Exchange& e) {
  std::optional<TextReader> text;
  x->listen(e.ctx);
  x->connection->stream.set_write_idle(Millis(0));
  Status sent = co_await send_request(*x, e, text);
  // Even when sending failed: a server that refuses a request answers before it closes.
  bool hopeless = !sent && sent.error().code != Code::closed;
  if (hopeless) co_return std::unexpected(std::move(sent).error());
  auto head = co_await read_response_head(*x->connection, e.ctx.deadline, e.answered);
  if (!head && x->source_failed) co_return std::unexpected(x->sent.error());
  if (!head && !sent && !e.answered) co_return std::unexpected(std::move(sent).error());
  if (!head) co_return std::unexpected(std::move(head).error());
  if (x->sending && !(e.request.duplex && e.request.body_reader)) x->sender->stop_now();
  start_body(*x, *head, e.request.method, e.ctx.deadline);
  ClientResponse out;
  out.status = head->status;
  out.headers = std::move(head->headers);
  out.impl = std::move(x);
  if (out.impl->body.length() == 0u && out.impl->body.finish() && head->status != 101) out.impl->release();
  co_return std::move(out);
}

Task<Result<std::unique_ptr<ClientConnection>>> open_connection(const CallContext& ctx, const Endpoint& to,
                                                                std::string key,
                                                                const HttpClient::Options& options) {
  Mono deadline = std::min(ctx.deadline, after(options.connect_timeout));
  auto stream = co_await (options.connect ? options.connect(to, deadline) : connect(to, deadline));
  if (!stream) co_return std::unexpected(std::move(stream).error());
  if (ctx.cancel.cancelled()) co_return fail(Code::cancelled, "the request was cancelled");
  co_return std::make_unique<ClientConnection>(
      ClientConnection{.stream = std::move(*stream), .in = {}, .key = std::move(key)});
}

bool lost_connection(const Error& e) { return e.code == Code::closed || e.code == Code::io; }

// The server closed the connection with the request, or part of it, unread: it has not acted on it.
bool left_unread(const Error& e) { return e.sys_errno == ECONNRESET || e.sys_errno == EPIPE; }

bool may_repeat(const Exchange& e, const Error& failure) {
  if (e.answered || e.request.body_reader || !lost_connection(failure)) return false;
  return idempotent(e.request.method) || left_unread(failure);
}

}  // namespace

HttpClient::HttpClient() : HttpClient(Options{}) {}
HttpClient::HttpClient(Options options) : impl_(std::make_shared<Impl>()) {
  impl_->options = std::move(options);
}
HttpClient::~HttpClient() {
  impl_->scope.stop_now();
  impl_->idle.clear();
}

void HttpClient::forget(const Endpoint& to) { impl_->idle.erase(to.str()); }

Task<Status> HttpClient::prepare(const CallContext& ctx, const Endpoint& to) {
  std::shared_ptr<Impl> pool = impl_;
  std::string key = to.str();
  auto connection = pool->take(key, false);
  if (!connection) {
    auto opened = co_await open_connection(ctx, to, key, pool->options);
    if (!opened) co_return std::unexpected(std::move(opened).error());
    connection = std::move(*opened);
  }
  pool->give_back(std::move(connection));
  co_return Status();
}

Task<Result<ClientResponse>> HttpClient::send(const CallContext& ctx, const Endpoint& endpoint,
                                              ClientRequest request) {
  Endpoint to = endpoint;
  std::shared_ptr<Impl> pool = impl_;
  if (!detail::is_token(request.method) || !valid_target(request.target))
    co_return fail(Code::bad_request, "the request line would be malformed");
  if (ctx.cancel.cancelled()) co_return fail(Code::cancelled, "the request was cancelled");
  std::string key = to.str();
  std::string head = request_head(to, request);
  for (bool may_reuse = true;; may_reuse = false) {
    std::unique_ptr<ClientConnection> connection;
    bool repeatable = !request.body_reader && idempotent(request.method);
    if (may_reuse) connection = pool->take(key, !repeatable);
    if (!connection) {
      auto opened = co_await open_connection(ctx, to, key, pool->options);
      if (!opened) co_return std::unexpected(std::move(opened).error());
      connection = std::move(*opened);
    }
    bool reused = connection->reused;
    auto x = std::make_unique<ClientResponse::Impl>(std::move(connection));
    x->pool = pool;
    Exchange e{.ctx = ctx, .to = to, .request = request, .head = head};
    auto response = co_await exchange(std::move(x), e);
    if (response || !reused || !may_repeat(e, response.error())) co_return std::move(response);
  }
}

Task<Result<HttpClient::Reply>> HttpClient::call(const CallContext& ctx, const Endpoint& to,
                                                 ClientRequest request, size_t limit) {
  auto response = co_await send(ctx, to, std::move(request));
  if (!response) co_return std::unexpected(std::move(response).error());
  auto body = co_await response->body().read_all(limit);
  if (!body) co_return std::unexpected(std::move(body).error());
  co_return Reply{
      .status = response->status, .headers = std::move(response->headers), .body = std::move(*body)};
}

}  // namespace dt
