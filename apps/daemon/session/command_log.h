// The log file of one command: what its two streams said, as records. Cut at kLogLimit, or when the disk
// takes no more; the command goes on. Followers are woken through `grown` and read the file themselves. Loop
// thread only; writes go to the page cache and are not synced.
#pragma once
#include <string>

#include "apps/daemon/session/records.h"
#include "libs/base/fd.h"
#include "libs/net/loop.h"

namespace dt::daemon {

inline constexpr uint64_t kLogLimit = 256u << 20;

class CommandLog {
 public:
  explicit CommandLog(uint64_t limit = kLogLimit) : limit_(limit) {}
  // Opens the file for writing and empties it.
  Status open(const std::string& path);

  void append(Channel channel, std::string_view bytes);
  void append_whole(Channel channel, std::string_view line);
  // Unfinished lines become visible; they are otherwise written when they end.
  void flush();
  void finish(Channel channel);  // the end of a stream
  void close();                  // what comes later is dropped
  bool has_partial() const { return records_.has_partial(); }

  // While somebody follows, unfinished lines are flushed soon.
  void add_follower();
  void remove_follower() { --followers_; }
  bool followed() const { return followers_ > 0; }
  // Set, and reset, whenever there is more to read or the command's state changed.
  Event grown;
  void wake();

 private:
  void write(std::string& text);
  void cut(std::string_view why);
  Fd file_;
  uint64_t limit_;
  uint64_t size_ = 0;
  int followers_ = 0;
  RecordWriter records_;
};

}  // namespace dt::daemon
