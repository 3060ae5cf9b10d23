// The recent output of one terminal, shared by everybody who watches it: the reader appends, each client
// sends from its own position, a new client starts a little before the end. Bytes are written once, by
// read(), and never move; a piece that is being sent stays valid while its `keep` is held, also after the log
// has dropped it. Loop thread only. Positions are byte counts from the start of the terminal.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>

namespace dt::daemon {

class OutputLog {
 public:
  static constexpr size_t kChunk = 32 * 1024;   // also the largest piece
  static constexpr size_t kReplay = 64 * 1024;  // what a new client gets of the past

  // Where the next bytes can be put; never empty. Drops chunks that are no longer needed: those before
  // `needed_from` (the position of the slowest client) that no replay reaches either.
  std::span<char> room(uint64_t needed_from);
  void added(size_t bytes) { end_ += bytes; }

  uint64_t end() const { return end_; }
  // Where a new client starts: at most kReplay before the end, not inside a UTF-8 character.
  uint64_t replay_start() const;

  struct Piece {
    std::shared_ptr<char[]> keep;
    std::string_view bytes;
  };
  // What there is at `position`, which must not have been dropped, up to the end of its chunk. Empty at the
  // end.
  Piece at(uint64_t position) const;
  size_t memory() const { return chunks_.size() * kChunk; }

 private:
  struct Chunk {
    uint64_t start;
    std::shared_ptr<char[]> data;
  };
  std::deque<Chunk> chunks_;  // contiguous; all but the last are full
  uint64_t end_ = 0;
};

}  // namespace dt::daemon
