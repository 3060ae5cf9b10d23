// Failures of file operations with the codes that clients turn into classes (FILE_NOT_FOUND,
// FILE_ACCESS_DENIED, INVALID_FILE_PATH, FILE_READ_FAILED). Messages name the path as the client wrote it.
#pragma once
#include <string>
#include <string_view>

#include "libs/base/error.h"

namespace dt::daemon {

Error file_error(std::string_view path, int err);
Error invalid_path(std::string_view why);
// The same error for routes that answer 400 to everything.
Error as_bad_request(Error error);
// Empty paths and NUL bytes.
Status check_path(std::string_view path);

}  // namespace dt::daemon
