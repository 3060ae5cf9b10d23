// The log of a command: stdout and stderr in one file. For every line: a marker (01 01 01 stdout, 02 02 02
// stderr), the line, LF. NUL bytes are left out. A line longer than kLineLimit, or one that was flushed
// before its end, may be spread over several records; whoever demultiplexes gets the same bytes either way.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace dt::daemon {

enum class Channel : uint8_t { out = 0, err = 1 };
inline constexpr std::array<std::string_view, 2> kMarkers = {"\x01\x01\x01", "\x02\x02\x02"};
inline constexpr size_t kLineLimit = 64 * 1024;

// Turns what was read from the two streams into records. Holds at most one unfinished line of each.
class RecordWriter {
 public:
  // Appends to `to` the records that `bytes` completes.
  void feed(Channel channel, std::string_view bytes, std::string& to);
  // A record of its own, complete as it is.
  void whole(Channel channel, std::string_view line, std::string& to);
  // What is there of unfinished lines goes out; the next bytes continue the line.
  void flush(std::string& to);
  // The end of a stream: an unfinished line gets its LF.
  void finish(Channel channel, std::string& to);
  bool has_partial() const { return !lines_[0].held.empty() || !lines_[1].held.empty(); }

 private:
  struct Line {
    std::string held;      // not yet in the log
    bool started = false;  // a part of it is
  };
  void put(Channel channel, std::string_view bytes, bool ends, std::string& to);
  Line& line(Channel channel) { return lines_[static_cast<size_t>(channel)]; }
  std::array<Line, 2> lines_;
  int open_ = -1;  // the channel whose record at the end of the log has no LF yet
};

// The way back, piece by piece: markers are taken out, bytes before the first one dropped.
class Demux {
 public:
  // Appends to `out` and `err`; they may be the same string, then the order is kept.
  void feed(std::string_view bytes, std::string& out, std::string& err);
  // The end: what looked like the start of a marker was data.
  void finish(std::string& out, std::string& err);

 private:
  std::string* target(std::string& out, std::string& err) const;
  int channel_ = -1;
  char held_ = 0;  // byte of a marker that may have begun
  int count_ = 0;  // how many of them: 0 to 2
};

}  // namespace dt::daemon
