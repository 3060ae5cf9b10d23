// multipart/form-data (RFC 7578), streaming: a part is read while it arrives, whatever its size.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "libs/net/http.h"

namespace dt {

class MultipartReader {
 public:
  struct Part {
    std::string name;
    std::optional<std::string> filename;
    Headers headers;
  };
  // The boundary of a Content-Type value; bad_request when it is not multipart or has no boundary.
  static Result<std::string> boundary_of(std::string_view content_type);
  MultipartReader(BodyReader& body, std::string boundary);
  ~MultipartReader();
  // The next part, nullopt after the closing boundary. A truncated body is bad_request. Skips what was not
  // read.
  Task<Result<std::optional<Part>>> next_part();
  // Bytes of the current part; empty at its end. Valid until the next call.
  Task<Result<std::string_view>> read();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt
