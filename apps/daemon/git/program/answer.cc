#include "apps/daemon/git/program/answer.h"

#include "apps/daemon/git/program/errors.h"
#include "libs/base/fd.h"

namespace dt::git {
namespace {
constexpr size_t kLarge = 64 * 1024;
}

Status Answer::flush() {
  if (!begun_) TRY_VOID(write_all(fd_, "ok\n"));
  begun_ = true;
  TRY_VOID(write_all(fd_, buffer_));
  buffer_.clear();
  return {};
}

Status Answer::flush_if_large() { return buffer_.size() < kLarge ? Status{} : flush(); }
Status Answer::finish() { return flush(); }

Status Answer::finish_with(const Error& error) {
  Error filled = with_prefix(error);
  return write_all(fd_, "error " + std::to_string(http_status(filled.code)) + " " + filled.wire_code + "\n" +
                            filled.message);
}

}  // namespace dt::git
