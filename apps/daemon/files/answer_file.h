// The body of an answer that may become large: one MiB of it is in memory, the rest in a nameless file of
// $TMPDIR, from which it is sent. What goes beyond the limit, or finds no space, is left out, and the answer
// says so in a header. Not for two threads at once.
#pragma once
#include <string>
#include <string_view>

#include "libs/base/fd.h"
#include "libs/net/http.h"

namespace dt::daemon {

// "true" in answers that are not complete; clients that do not know it see a shorter list.
inline constexpr std::string_view kTruncatedHeader = "X-Daytona-Truncated";

// Where things go that nobody should see: no name, gone with the descriptor. Not ok: errno says why.
Fd nameless_file(const std::string& directory);
std::string temporary_directory();

class AnswerFile {
 public:
  AnswerFile(std::string_view start, size_t limit) : memory_(start), limit_(limit) {}
  // All of it or nothing; false: nothing more fits.
  bool append(std::string_view bytes);
  size_t room() const { return truncated_ ? 0 : limit_ - stored_ - memory_.size(); }
  void mark_truncated() { truncated_ = true; }
  bool truncated() const { return truncated_; }
  // Puts the end behind it; the answer owns what was collected.
  Response finish(std::string_view end) &&;

 private:
  bool spill();
  std::string memory_;  // what comes behind the file's content
  Fd file_;
  size_t stored_ = 0;
  size_t limit_;
  bool truncated_ = false;
};

}  // namespace dt::daemon
