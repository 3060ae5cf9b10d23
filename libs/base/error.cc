#include "libs/base/error.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace dt {
namespace {

struct Row {
  Code code;
  int status;
  std::string_view name;
};

constexpr std::array kTable = {
    Row{Code::bad_request, 400, "BAD_REQUEST"},
    Row{Code::invalid_body, 400, "INVALID_REQUEST_BODY"},
    Row{Code::unauthorized, 401, "UNAUTHORIZED"},
    Row{Code::forbidden, 403, "FORBIDDEN"},
    Row{Code::not_found, 404, "NOT_FOUND"},
    Row{Code::method_not_allowed, 405, "METHOD_NOT_ALLOWED"},
    Row{Code::timeout, 408, "REQUEST_TIMEOUT"},
    Row{Code::conflict, 409, "CONFLICT"},
    Row{Code::gone, 410, "GONE"},
    Row{Code::payload_too_large, 413, "PAYLOAD_TOO_LARGE"},
    Row{Code::uri_too_long, 414, "URI_TOO_LONG"},
    Row{Code::unsupported_media, 415, "UNSUPPORTED_MEDIA_TYPE"},
    Row{Code::range_not_satisfiable, 416, "RANGE_NOT_SATISFIABLE"},
    Row{Code::unprocessable, 422, "UNPROCESSABLE_ENTITY"},
    Row{Code::too_many_requests, 429, "TOO_MANY_REQUESTS"},
    Row{Code::header_too_large, 431, "REQUEST_HEADER_FIELDS_TOO_LARGE"},
    Row{Code::internal, 500, "INTERNAL_SERVER_ERROR"},
    Row{Code::not_implemented, 501, "NOT_IMPLEMENTED"},
    Row{Code::bad_gateway, 502, "BAD_GATEWAY"},
    Row{Code::unavailable, 503, "SERVICE_UNAVAILABLE"},
    Row{Code::gateway_timeout, 504, "GATEWAY_TIMEOUT"},
    Row{Code::http_version, 505, "HTTP_VERSION_NOT_SUPPORTED"},
    Row{Code::insufficient_storage, 507, "INSUFFICIENT_STORAGE"},
    Row{Code::cancelled, 503, "SERVICE_UNAVAILABLE"},
    Row{Code::io, 500, "INTERNAL_SERVER_ERROR"},
    Row{Code::closed, 502, "BAD_GATEWAY"},
};

struct Phrase {
  int status;
  std::string_view text;
};
constexpr std::array kPhrases = {
    Phrase{100, "Continue"},
    Phrase{101, "Switching Protocols"},
    Phrase{200, "OK"},
    Phrase{201, "Created"},
    Phrase{202, "Accepted"},
    Phrase{204, "No Content"},
    Phrase{206, "Partial Content"},
    Phrase{301, "Moved Permanently"},
    Phrase{302, "Found"},
    Phrase{304, "Not Modified"},
    Phrase{307, "Temporary Redirect"},
    Phrase{308, "Permanent Redirect"},
    Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"},
    Phrase{403, "Forbidden"},
    Phrase{404, "Not Found"},
    Phrase{405, "Method Not Allowed"},
    Phrase{408, "Request Timeout"},
    Phrase{409, "Conflict"},
    Phrase{410, "Gone"},
    Phrase{411, "Length Required"},
    Phrase{413, "Payload Too Large"},
    Phrase{414, "URI Too Long"},
    Phrase{415, "Unsupported Media Type"},
    Phrase{416, "Range Not Satisfiable"},
    Phrase{417, "Expectation Failed"},
    Phrase{422, "Unprocessable Entity"},
    Phrase{426, "Upgrade Required"},
    Phrase{429, "Too Many Requests"},
    Phrase{431, "Request Header Fields Too Large"},
    Phrase{500, "Internal Server Error"},
    Phrase{501, "Not Implemented"},
    Phrase{502, "Bad Gateway"},
    Phrase{503, "Service Unavailable"},
    Phrase{504, "Gateway Timeout"},
    Phrase{505, "HTTP Version Not Supported"},
    Phrase{507, "Insufficient Storage"},
};

const Row& row(Code code) {
  for (const Row& r : kTable)
    if (r.code == code) return r;
  check_failed("error code has a row in the table", __FILE__, __LINE__);
}

Code code_of_errno(int err) {
  switch (err) {
    case ENOENT:
    case ENOTDIR:
      return Code::not_found;
    case EEXIST:
    case ENOTEMPTY:
      return Code::conflict;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::forbidden;
    case ENOSPC:
    case EDQUOT:
      return Code::insufficient_storage;
    case EPIPE:
    case ECONNRESET:
      return Code::closed;
    case ECANCELED:
      return Code::cancelled;
    default:
      return Code::io;
  }
}

}  // namespace

Error Error::context(std::string_view what) && {
  message = std::string(what) + ": " + message;
  return std::move(*this);
}
Error Error::context(std::string_view what) const& { return Error(*this).context(what); }

Error errno_error(std::string_view what, int err) {
  return Error{code_of_errno(err), std::string(what) + ": " + strerrordesc_np(err), {}, err};
}
std::unexpected<Error> fail_errno(std::string_view what) { return fail_errno(what, errno); }
std::unexpected<Error> fail_errno(std::string_view what, int err) {
  return std::unexpected(errno_error(what, err));
}

int http_status(Code code) { return row(code).status; }
std::string_view wire_name(Code code) { return row(code).name; }
std::string_view reason_phrase(int status) {
  for (const Phrase& p : kPhrases)
    if (p.status == status) return p.text;
  return "";
}
Code code_from_status(int status) {
  for (const Row& r : kTable)
    if (r.status == status) return r.code;
  return status >= 500 ? Code::internal : Code::bad_request;
}

void check_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "CHECK failed: %s at %s:%d\n", what, file, line);
  std::abort();
}

}  // namespace dt
