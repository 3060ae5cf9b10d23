#include "apps/daemon/pty/output_log.h"

#include <algorithm>

namespace dt::daemon {

std::span<char> OutputLog::room(uint64_t needed_from) {
  if (chunks_.empty() || end_ == chunks_.back().start + kChunk) {
    uint64_t replay_from = end_ - std::min<uint64_t>(end_, kReplay);
    uint64_t keep_from = std::min(needed_from, replay_from);
    std::shared_ptr<char[]> spare;
    while (!chunks_.empty() && chunks_.front().start + kChunk <= keep_from) {
      if (chunks_.front().data.use_count() == 1) spare = std::move(chunks_.front().data);
      chunks_.pop_front();
    }
    if (!spare) spare = std::make_shared_for_overwrite<char[]>(kChunk);
    chunks_.push_back({end_, std::move(spare)});
  }
  Chunk& last = chunks_.back();
  size_t used = end_ - last.start;
  return {last.data.get() + used, kChunk - used};
}

OutputLog::Piece OutputLog::at(uint64_t position) const {
  for (auto chunk = chunks_.rbegin(); chunk != chunks_.rend(); ++chunk) {
    if (chunk->start > position) continue;
    uint64_t until = std::min(end_, chunk->start + kChunk);
    return {chunk->data, {chunk->data.get() + (position - chunk->start), until - position}};
  }
  return {};
}

uint64_t OutputLog::replay_start() const {
  constexpr size_t kLongestTail = 3;  // of a UTF-8 character, without its first byte
  uint64_t from = end_ - std::min<uint64_t>(end_, kReplay);
  if (from == 0) return 0;
  for (size_t i = 0; i < kLongestTail; ++i) {
    Piece piece = at(from);
    bool inside = !piece.bytes.empty() && (static_cast<unsigned char>(piece.bytes[0]) & 0xc0) == 0x80;
    if (!inside) break;
    ++from;
  }
  return from;
}

}  // namespace dt::daemon
