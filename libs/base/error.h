// Errors as values. Every function that can fail because of input or environment returns Result<T>.
// Error::code is a closed table (error.cc) that gives the HTTP status and the wire name; `message` is what a
// user reads: what failed, why, what to do. Exceptions are for bugs only.
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace dt {

// code -> HTTP status -> wire name. Add a row in error.cc when you add a value here.
enum class Code {
  bad_request,            // 400 the input is wrong
  invalid_body,           // 400 the body does not decode
  unauthorized,           // 401
  forbidden,              // 403
  not_found,              // 404
  method_not_allowed,     // 405
  timeout,                // 408 the operation's own deadline passed
  conflict,               // 409
  gone,                   // 410
  payload_too_large,      // 413
  uri_too_long,           // 414
  unsupported_media,      // 415
  range_not_satisfiable,  // 416
  unprocessable,          // 422
  too_many_requests,      // 429
  header_too_large,       // 431
  internal,               // 500 unexpected; the message is for the log, clients get a fixed text
  not_implemented,        // 501
  bad_gateway,            // 502 a peer answered nonsense or not at all
  unavailable,            // 503
  gateway_timeout,        // 504
  http_version,           // 505
  insufficient_storage,   // 507
  // Not for the wire: mapped to one of the above before they get there.
  cancelled,  // the caller went away or the scope was cancelled
  io,         // a system call failed; `sys_errno` says how
  closed,     // the peer closed the connection
};

struct Error {
  Code code = Code::internal;
  std::string message;
  // Machine code for clients where it differs from the table's (e.g. "FILE_NOT_FOUND"); usually empty.
  std::string wire_code = {};
  int sys_errno = 0;

  // Puts "what: " before the message; used on the way up: `return std::unexpected(e.context("unpack layer
  // 3"))`.
  Error context(std::string_view what) &&;
  Error context(std::string_view what) const&;
};

template <class T = void>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(Code code, std::string message, std::string wire_code = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(wire_code), 0});
}
// "open /x: No such file or directory", from errno or `err`. ENOENT gives not_found, EEXIST conflict, EACCES
// and EPERM forbidden, ENOSPC and EDQUOT insufficient_storage, everything else io.
Error errno_error(std::string_view what, int err);
std::unexpected<Error> fail_errno(std::string_view what);
std::unexpected<Error> fail_errno(std::string_view what, int err);

int http_status(Code code);                       // 4xx or 5xx
std::string_view wire_name(Code code);            // "BAD_REQUEST"
std::string_view reason_phrase(int http_status);  // "Bad Request"; "" if unknown
Code code_from_status(int http_status);

}  // namespace dt

#define DT_CONCAT_(a, b) a##b
#define DT_CONCAT(a, b) DT_CONCAT_(a, b)
// Declaration-style, also around co_await (use CO_TRY there):  TRY(auto fd, open_file(path));
#define TRY(decl, expr)                                                                                 \
  auto DT_CONCAT(try_, __LINE__) = (expr);                                                              \
  if (!DT_CONCAT(try_, __LINE__)) return std::unexpected(std::move(DT_CONCAT(try_, __LINE__)).error()); \
  decl = std::move(*DT_CONCAT(try_, __LINE__))
#define TRY_VOID(expr)                                                    \
  do {                                                                    \
    auto try_void_ = (expr);                                              \
    if (!try_void_) return std::unexpected(std::move(try_void_).error()); \
  } while (0)
#define CO_TRY(decl, expr)                                                                                 \
  auto DT_CONCAT(try_, __LINE__) = (expr);                                                                 \
  if (!DT_CONCAT(try_, __LINE__)) co_return std::unexpected(std::move(DT_CONCAT(try_, __LINE__)).error()); \
  decl = std::move(*DT_CONCAT(try_, __LINE__))
#define CO_TRY_VOID(expr)                                                    \
  do {                                                                       \
    auto try_void_ = (expr);                                                 \
    if (!try_void_) co_return std::unexpected(std::move(try_void_).error()); \
  } while (0)

// A broken invariant of our own: print and abort. Never for input or the environment.
#define CHECK(cond) ((cond) ? void(0) : ::dt::check_failed(#cond, __FILE__, __LINE__))
namespace dt {
[[noreturn]] void check_failed(const char* what, const char* file, int line);
}
