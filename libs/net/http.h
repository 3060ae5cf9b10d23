// HTTP/1.1 messages (RFC 9110, 9112) as the server and the client see them. The parser is ours and strict:
// what a proxy in front could read differently (both lengths, odd transfer codings, obs-fold, bare LF, spaces
// before the colon, missing or double Host) is refused, never repaired.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/net/stream.h"

namespace dt {

class WebSocket;

class Headers {
 public:
  void set(std::string_view name, std::string value);  // replaces
  void add(std::string_view name, std::string value);
  void remove(std::string_view name);
  std::optional<std::string_view> get(std::string_view name) const;  // first, case-insensitive
  std::string_view get_or(std::string_view name, std::string_view fallback = {}) const;
  bool has_token(std::string_view name,
                 std::string_view token) const;  // comma-separated list, case-insensitive
  const std::vector<std::pair<std::string, std::string>>& all() const { return items_; }
  size_t count(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

// Query parameters in order; keys and values decoded, '+' is a space. "a[]=1" and "a[0]=1" are kept under
// "a". Any text that is legal in a target is accepted: a malformed escape stands for itself. Only an encoded
// NUL is refused.
class Query {
 public:
  static Result<Query> parse(std::string_view text);
  std::optional<std::string_view> get(std::string_view key) const;
  std::vector<std::string> all(std::string_view key) const;
  bool has(std::string_view key) const { return get(key).has_value(); }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

// Reads a message body piece by piece: nothing is buffered beyond one read.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next piece; empty at the end. The view is valid until the next call.
  virtual Task<Result<std::string_view>> next() = 0;
  // Content-Length if it was given.
  virtual std::optional<uint64_t> length() const = 0;
  // For moving large bodies inside the kernel: the stream whose next `remaining` bytes are the rest of this
  // body, when nothing of it is buffered and the length is known. raw_moved() tells how many of them were
  // taken.
  struct Raw {
    Stream* stream;
    uint64_t remaining;
    Mono deadline;  // of the whole exchange
    Millis idle;    // longest time without a byte
  };
  virtual std::optional<Raw> raw() { return std::nullopt; }
  virtual void raw_moved(uint64_t bytes) {}
  // The whole body; payload_too_large beyond `limit`.
  Task<Result<std::string>> read_all(size_t limit);
};

// Where a handler writes a streamed response body. Chunked unless a Content-Length was set.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  virtual Task<Status> write(std::string_view bytes) = 0;
  // Sends `length` bytes of a regular file from `offset` (sendfile).
  virtual Task<Status> send_file(int fd, uint64_t offset, uint64_t length) = 0;
  // Writes the rest of another body, inside the kernel where that pays.
  virtual Task<Status> write_from(BodyReader& body);
};

struct Request {
  std::string method;
  std::string target;  // as received, e.g. /api/sandbox?x=1
  std::string path;    // raw path of the target, not decoded, without query
  std::string raw_query;
  Query query;
  Headers headers;
  std::string peer;                                         // address of the other end
  std::vector<std::pair<std::string, std::string>> params;  // of the route pattern, percent-decoded
  CallContext ctx;                                          // request id; cancelled when the client goes away
  BodyReader* body = nullptr;                           // owned by the connection; never null in a handler
  std::string_view param(std::string_view name) const;  // "" if absent
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  // Exactly one of `body`, `stream`, `upgrade` is used.
  std::move_only_function<Task<Status>(BodyWriter&)> stream;
  // Taken over after a 101 was sent with `headers`: raw stream and bytes already read.
  std::move_only_function<Task<void>(Stream&, std::string buffered)> upgrade;

  static Response empty(int status) { return {.status = status}; }
  static Response json(int status, std::string body);
  static Response text(int status, std::string body);
};

using Handler = std::function<Task<Response>(Request&)>;

// A WebSocket answer (RFC 6455). Fails (bad_request) when the request is not a valid handshake. `protocol`
// empty: none is sent.
Result<Response> websocket_response(const Request& request, std::string_view protocol,
                                    std::function<Task<void>(WebSocket&)> session,
                                    size_t max_message = 16u << 20);

struct HttpLimits {
  size_t header_bytes = 32 * 1024;   // 431 beyond
  size_t target_bytes = 16 * 1024;   // 414 beyond
  Millis header_timeout{10'000};     // 408 when the header is not complete in time
  Millis idle_timeout{75'000};       // keep-alive
  Millis body_idle_timeout{60'000};  // 408 when a body stalls (no byte in this time)
  size_t connections = 16'384;       // further ones wait in the accept queue
};

// --- parsing, also used by the fuzz targets
// --------------------------------------------------------------------------

struct ParsedHead {
  std::string method, target;  // requests; the target in origin form ("/a?b") or "*"
  bool http_1_0 = false;
  int status = 0;  // responses
  Headers headers;
  bool keep_alive = true;
  bool chunked = false;
  std::optional<uint64_t> content_length;
};
// `head` is everything up to and including the empty line.
Result<ParsedHead> parse_request_head(std::string_view head);
Result<ParsedHead> parse_response_head(std::string_view head);
// Control characters in values become spaces, fields with illegal names are left out.
std::string format_head(const Headers& headers, std::string_view start_line);

}  // namespace dt
