#include "apps/daemon/files/answer_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <tuple>

#include "apps/daemon/http/errors.h"

namespace dt::daemon {
namespace {
constexpr size_t kInMemory = 1u << 20;
}

Fd nameless_file(const std::string& directory) {
  Fd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  std::string path = directory + "/dtn_XXXXXX";
  file = Fd(::mkostemp(path.data(), O_CLOEXEC));
  if (file) ::unlink(path.c_str());
  return file;
}

std::string temporary_directory() {
  const char* named = ::getenv("TMPDIR");
  return named && *named ? named : "/tmp";
}

bool AnswerFile::spill() {
  if (!file_) file_ = nameless_file(temporary_directory());
  if (!file_) return false;
  if (!write_all(file_.get(), memory_)) {
    // A half-written block is cut off; it stays in memory as a whole.
    std::ignore = ::ftruncate(file_.get(), static_cast<off_t>(stored_));
    std::ignore = ::lseek(file_.get(), static_cast<off_t>(stored_), SEEK_SET);
    return false;
  }
  stored_ += memory_.size();
  memory_.clear();
  return true;
}

bool AnswerFile::append(std::string_view bytes) {
  if (truncated_) return false;
  bool fits = stored_ + memory_.size() + bytes.size() <= limit_;
  if (fits && memory_.size() + bytes.size() > kInMemory) fits = spill();
  truncated_ = !fits;
  if (fits) memory_ += bytes;
  return fits;
}

Response AnswerFile::finish(std::string_view end) && {
  memory_ += end;
  bool truncated = truncated_;
  Response response;
  if (!file_) {
    response = json_response(200, std::move(memory_));
  } else {
    response = json_response(200, "");
    response.headers.set("Content-Length", std::to_string(stored_ + memory_.size()));
    auto self = std::make_shared<AnswerFile>(std::move(*this));
    response.stream = [self](BodyWriter& to) -> Task<Status> {
      return [](std::shared_ptr<AnswerFile> answer, BodyWriter& writer) -> Task<Status> {
        Status sent = co_await writer.send_file(answer->file_.get(), 0, answer->stored_);
        if (sent) sent = co_await writer.write(answer->memory_);
        co_return sent;
      }(self, to);
    };
  }
  if (truncated) response.headers.set(kTruncatedHeader, "true");
  return response;
}

}  // namespace dt::daemon
