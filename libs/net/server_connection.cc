#include <fmt/core.h>

#include <charconv>

#include "libs/base/log.h"
#include "libs/base/random.h"
#include "libs/base/text.h"
#include "libs/net/http_chars.h"
#include "libs/net/server_impl.h"
#include "libs/net/stream_impl.h"

namespace dt::detail {
namespace {

constexpr uint64_t kDrainUnread = 256 * 1024;
constexpr uint64_t kLingerBytes = 4 << 20;
constexpr Millis kLinger{2'000};
constexpr size_t kCopyBody = 4096;        // copied behind the header rather than sent as a second piece
constexpr size_t kRequestLineExtra = 64;  // method, version, spaces

// Unique within the process and unlikely to repeat elsewhere; cheaper than a UUID per request.
std::string fresh_request_id() {
  thread_local uint64_t state = random_u64();
  state += 0x9e3779b97f4a7c15;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return fmt::format("{:016x}", z ^ (z >> 31));
}

std::string request_id(const Headers& headers) {
  std::string_view given = headers.get_or("X-Request-Id");
  if (given.size() <= 128 && is_token(given)) return std::string(given);
  return fresh_request_id();
}

bool bodiless(int status) { return status < 200 || status == 204 || status == 304; }

std::optional<uint64_t> given_length(const Headers& headers) {
  auto text = headers.get("Content-Length");
  if (!text) return std::nullopt;
  auto value = parse_int(*text);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<uint64_t>(*value);
}

// The status line and the fields of `response`, open for more fields.
std::string start_head(Response& response) {
  response.headers.remove("Transfer-Encoding");
  response.headers.remove("Connection");
  response.headers.remove("Keep-Alive");
  char line[64];
  std::string_view reason = reason_phrase(response.status);
  auto end = fmt::format_to_n(line, sizeof line, "HTTP/1.1 {} {}", response.status, reason);
  std::string head = format_head(response.headers, {line, std::min(end.size, sizeof line)});
  head.resize(head.size() - 2);
  return head;
}

void end_head(std::string& head, const ParsedHead& request, bool keep) {
  if (!keep)
    head += "Connection: close\r\n";
  else if (request.http_1_0)
    head += "Connection: keep-alive\r\n";
  head += "\r\n";
}

}  // namespace

ServerConnection::ServerConnection(HttpServer::Impl& server, Stream stream)
    : server_(server), stream_(std::move(stream)), body_(stream_, in_), peer_(stream_.peer()) {
  stream_.set_write_idle(server.limits.body_idle_timeout);
  server_.connections.insert(this);
}

ServerConnection::~ServerConnection() {
  if (running_) running_->cancel();
  server_.connections.erase(this);
  server_.changed.set();
}

Task<void> ServerConnection::run(HttpServer::Impl& server, Stream stream) {
  ServerConnection connection(server, std::move(stream));
  co_await connection.serve();
}

void ServerConnection::close_if_idle() {
  if (idle_) stream_.cancel();
}

void ServerConnection::close_now() {
  stream_.cancel();
  if (running_) running_->cancel();
}

Task<void> ServerConnection::serve() {
  for (;;) {
    auto size = co_await read_head();
    idle_ = false;
    if (!size) {
      co_await refuse(size.error());
      co_return;
    }
    if (*size == 0) co_return;
    bool keep = co_await exchange(in_.view().substr(0, *size));
    if (!keep) co_return;
    first_ = false;
    idle_ = true;
    if (server_.draining && in_.empty()) co_return;
  }
}

Task<Result<size_t>> ServerConnection::wait_first_byte() {
  Mono deadline = after(first_ ? server_.limits.header_timeout : server_.limits.idle_timeout);
  if (!stream_.impl().maybe_readable) {
    in_.release_if_empty();
    auto ready = co_await stream_.impl().wait_readable(deadline);
    if (!ready) co_return 0;
  }
  auto got = co_await in_.fill(stream_, deadline);
  co_return got ? *got : 0;
}

Result<size_t> ServerConnection::check_head(size_t& scanned) const {
  std::string_view text = in_.view();
  TRY(size_t size, find_head_end(text, scanned));
  size_t line = text.find('\n');
  size_t line_size = std::min(line, text.size());
  if (line_size > server_.limits.target_bytes + kRequestLineExtra)
    return fail(Code::uri_too_long, "the request target is too long");
  size_t fields = (size ? size : text.size()) - line_size;
  if (fields > server_.limits.header_bytes)
    return fail(Code::header_too_large, "the request header is too large");
  return size;
}

Task<Result<size_t>> ServerConnection::read_head() {
  if (in_.empty()) {
    auto got = co_await wait_first_byte();
    if (!got || *got == 0) co_return 0;
  }
  idle_ = false;
  Mono deadline = kNever;
  bool skipped_line = false;
  for (size_t scanned = 0;;) {
    if (!skipped_line && in_.view().starts_with("\r\n")) {  // one empty line before a request is tolerated
      in_.consume(2);
      skipped_line = true;
      scanned = 0;
    }
    auto size = check_head(scanned);
    if (!size || *size > 0) co_return size;
    if (deadline == kNever) deadline = after(server_.limits.header_timeout);
    auto got = co_await in_.fill(stream_, deadline);
    if (!got && got.error().code == Code::timeout && !in_.empty())
      co_return fail(Code::timeout, "the request header did not arrive in time");
    if (!got || *got == 0) co_return 0;
  }
}

Result<Request> ServerConnection::make_request(ParsedHead& head) {
  Request request;
  request.method = std::move(head.method);
  request.target = std::move(head.target);
  if (request.target.size() > server_.limits.target_bytes)
    return fail(Code::uri_too_long, "the request target is too long");
  size_t question = request.target.find('?');
  request.path = request.target.substr(0, question);
  if (question != std::string::npos) request.raw_query = request.target.substr(question + 1);
  TRY(request.query, Query::parse(request.raw_query));
  request.headers = std::move(head.headers);
  request.peer = peer_;
  request.ctx.request_id = request_id(request.headers);
  request.body = &body_;
  return request;
}

void ServerConnection::start_body(const ParsedHead& head, const Request& request) {
  using Framing = MessageBody::Framing;
  Framing framing = head.chunked ? Framing::chunked : head.content_length ? Framing::length : Framing::none;
  body_.start(framing, head.content_length.value_or(0), kNever, server_.limits.body_idle_timeout);
  bool has_body = framing == Framing::chunked || head.content_length.value_or(0) > 0;
  if (has_body && !head.http_1_0 && iequals(request.headers.get_or("Expect"), "100-continue"))
    body_.expect_continue();
}

Task<Response> ServerConnection::call_handler(Request& request, bool& threw) {
  std::string what;
  try {
    Response response = co_await server_.handler(request);
    co_return std::move(response);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
    what = "unknown exception";
  }
  threw = true;
  log::error("request handler failed", {{"request", request.ctx.request_id}, {"error", what}});
  co_return server_.error_response(Error{.code = Code::internal, .message = "internal error"});
}

Task<bool> ServerConnection::exchange(std::string_view text) {
  auto head = parse_request_head(text);
  if (!head) {
    co_await refuse(head.error());
    co_return false;
  }
  in_.consume(text.size());
  auto request = make_request(*head);
  if (!request) {
    co_await refuse(request.error());
    co_return false;
  }
  start_body(*head, *request);
  running_ = request->ctx.cancel;
  // Holds its own reference: a cancelled handler may end this connection.
  stream_.watch().on_hangup([cancel = request->ctx.cancel] { cancel.cancel(); });
  bool threw = false;
  Response response = co_await call_handler(*request, threw);
  if (threw) head->keep_alive = false;
  bool keep = co_await answer(*head, *request, std::move(response));
  stream_.watch().on_hangup(nullptr);
  running_.reset();
  co_return keep;
}

Task<bool> ServerConnection::upgrade(Response response) {
  char line[64];
  auto end =
      fmt::format_to_n(line, sizeof line, "HTTP/1.1 {} {}", response.status, reason_phrase(response.status));
  std::string head = format_head(response.headers, {line, end.size});
  auto sent = co_await stream_.write_all(head);
  if (!sent) co_return false;
  stream_.watch().on_hangup(nullptr);
  stream_.set_write_idle(Millis(0));
  std::string buffered = in_.take();
  try {
    co_await response.upgrade(stream_, std::move(buffered));
  } catch (const std::exception& e) {
    log::error("upgraded connection failed", {{"error", e.what()}});
  }
  co_return false;
}

Task<Status> ServerConnection::send_stream(Response& response, MessageWriter::Framing framing,
                                           std::string_view head, uint64_t length) {
  CO_TRY_VOID(co_await stream_.write_all(head));
  MessageWriter writer(stream_, framing, length);
  try {
    CO_TRY_VOID(co_await response.stream(writer));
  } catch (const std::exception& e) {
    log::error("response stream failed", {{"error", e.what()}});
    co_return fail(Code::internal, "the handler failed");
  }
  co_return co_await writer.finish();
}

Task<bool> ServerConnection::answer(const ParsedHead& head, Request& request, Response response) {
  using Framing = MessageWriter::Framing;
  if (response.upgrade) co_return co_await upgrade(std::move(response));
  bool finished = body_.finish();
  bool keep = head.keep_alive && !server_.draining && !response.headers.has_token("Connection", "close") &&
              !body_.failed() && (finished || (body_.at_most(kDrainUnread) && !body_.waits_for_continue()));
  std::optional<uint64_t> length = given_length(response.headers);
  response.headers.remove("Content-Length");
  bool is_head = request.method == "HEAD";
  bool no_body = bodiless(response.status);
  Framing framing = Framing::length;
  if (!response.stream) {
    bool known = is_head && (length || response.body.empty());  // or unknown, as of a chunked body elsewhere
    if (!known) length = response.body.size();
  } else if (!length && !no_body) {
    framing = head.http_1_0 ? Framing::until_close : Framing::chunked;
  }
  if (framing == Framing::until_close) keep = false;
  std::string out = start_head(response);
  if (!no_body && framing == Framing::length && length)
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", *length);
  if (!no_body && framing == Framing::chunked) out += "Transfer-Encoding: chunked\r\n";
  end_head(out, head, keep);
  Status sent;
  if (is_head || no_body)
    sent = co_await stream_.write_all(out);
  else if (response.stream)
    sent = co_await send_stream(response, framing, out, length.value_or(0));
  else if (response.body.size() <= kCopyBody)
    sent = co_await stream_.write_all(out.append(response.body));
  else
    sent = co_await stream_.write_all(out, response.body);
  if (!sent) {
    // The client must not take what it got for the whole.
    if (framing == Framing::until_close) stream_.abort();
    co_return false;
  }
  if (keep && !finished) keep = co_await body_.discard(kDrainUnread);
  if (!keep) co_await linger();
  co_return keep;
}

Task<void> ServerConnection::refuse(const Error& error) {
  Response response = server_.error_response(error);
  ParsedHead head;
  head.keep_alive = false;
  response.headers.remove("Content-Length");
  std::string out = start_head(response);
  fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", response.body.size());
  end_head(out, head, false);
  auto sent = co_await stream_.write_all(out, response.body);
  if (sent) co_await linger();
}

// Closing with unread input would reset the connection and could take the answer away from the client.
Task<void> ServerConnection::linger() {
  (void)stream_.shutdown_write();
  Mono deadline = after(kLinger);
  for (uint64_t dropped = 0; dropped < kLingerBytes;) {
    in_.consume(in_.size());
    auto got = co_await in_.fill(stream_, deadline, ReadBuffer::kSmall);
    if (!got || *got == 0) co_return;
    dropped += *got;
  }
}

}  // namespace dt::detail
