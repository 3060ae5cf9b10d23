#include "apps/daemon/session/command_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <tuple>

namespace dt::daemon {
namespace {

// Records of one slice are at most four times as long: a marker for each LF.
constexpr size_t kSlice = 16 * 1024;
constexpr std::string_view kTooLarge = "[log cut here: it is larger than the limit of 256 MiB]\n";
constexpr std::string_view kDiskFull = "[log cut here: it could not be written to the disk]\n";

std::string& scratch() {
  static std::string buffer;  // one loop thread, never across an await
  buffer.clear();
  return buffer;
}

}  // namespace

Status CommandLog::open(const std::string& path) {
  TRY(file_, open_file(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0644));
  return {};
}

void CommandLog::append(Channel channel, std::string_view bytes) {
  while (!bytes.empty()) {
    if (!file_) return;
    std::string& text = scratch();
    records_.feed(channel, bytes.substr(0, kSlice), text);
    bytes.remove_prefix(std::min(kSlice, bytes.size()));
    write(text);
  }
}

void CommandLog::append_whole(Channel channel, std::string_view line) {
  std::string text;
  records_.whole(channel, line, text);
  write(text);
}

void CommandLog::flush() {
  std::string& text = scratch();
  records_.flush(text);
  write(text);
}

void CommandLog::finish(Channel channel) {
  std::string& text = scratch();
  records_.finish(channel, text);
  write(text);
}

void CommandLog::close() { file_.reset(); }

void CommandLog::add_follower() {
  ++followers_;
  flush();
}

void CommandLog::wake() {
  grown.set();
  grown.reset();
}

void CommandLog::write(std::string& text) {
  if (text.empty() || !file_) return;
  if (size_ + text.size() > limit_) return cut(kTooLarge);
  size_ += text.size();
  if (!write_all(file_.get(), text)) return cut(kDiskFull);
  wake();
}

// The mark may fail on a full disk as well; then the log just ends.
void CommandLog::cut(std::string_view why) {
  std::string mark(kMarkers[static_cast<size_t>(Channel::err)]);
  std::ignore = write_all(file_.get(), mark.append(why));
  close();
  wake();
}

}  // namespace dt::daemon
