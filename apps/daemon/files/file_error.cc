#include "apps/daemon/files/file_error.h"

#include <cerrno>
#include <cstring>

namespace dt::daemon {

Error invalid_path(std::string_view why) {
  return Error{Code::bad_request, "invalid file path: " + std::string(why), "INVALID_FILE_PATH"};
}

Error file_error(std::string_view path, int err) {
  std::string name(path);
  switch (err) {
    case ENOENT:
      return {Code::not_found, "file not found: " + name, "FILE_NOT_FOUND", err};
    case EACCES:
    case EPERM:
    case EROFS:
      return {Code::forbidden, "permission denied: " + name, "FILE_ACCESS_DENIED", err};
    case EISDIR:
      return {Code::bad_request, "invalid file path: path points to a directory: " + name,
              "INVALID_FILE_PATH", err};
    case ENOTDIR:
    case EINVAL:
    case ELOOP:
    case ENAMETOOLONG:
      return {Code::bad_request, "invalid file path: " + name + ": " + strerrordesc_np(err),
              "INVALID_FILE_PATH", err};
    default:
      return {Code::bad_request, "bad request: " + name + ": " + strerrordesc_np(err), "BAD_REQUEST", err};
  }
}

Error as_bad_request(Error error) {
  error.code = Code::bad_request;
  return error;
}

Status check_path(std::string_view path) {
  if (path.empty()) return std::unexpected(invalid_path("path is empty"));
  if (path.find('\0') != std::string_view::npos)
    return std::unexpected(invalid_path("path contains a NUL byte"));
  return {};
}

}  // namespace dt::daemon
