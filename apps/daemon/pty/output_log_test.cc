#include "apps/daemon/pty/output_log.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace dt::daemon {
namespace {

void append(OutputLog& log, std::string_view text, uint64_t needed_from = UINT64_MAX) {
  while (!text.empty()) {
    auto room = log.room(needed_from);
    size_t n = std::min(room.size(), text.size());
    memcpy(room.data(), text.data(), n);
    log.added(n);
    text.remove_prefix(n);
  }
}

std::string from(const OutputLog& log, uint64_t position) {
  std::string out;
  while (position < log.end()) {
    auto piece = log.at(position);
    EXPECT_FALSE(piece.bytes.empty());
    if (piece.bytes.empty()) break;
    out += piece.bytes;
    position += piece.bytes.size();
  }
  return out;
}

std::string counted(size_t bytes) {
  std::string out;
  for (size_t i = 0; out.size() < bytes; ++i) out += std::to_string(i) + " ";
  out.resize(bytes);
  return out;
}

TEST(OutputLog, EmptyHasNothingToReplay) {
  OutputLog log;
  EXPECT_EQ(log.replay_start(), 0u);
  EXPECT_TRUE(log.at(0).bytes.empty());
  EXPECT_EQ(log.memory(), 0u);
}

TEST(OutputLog, GivesBackWhatWasAppended) {
  OutputLog log;
  std::string text = counted(200'000);
  append(log, text, 0);
  EXPECT_EQ(from(log, 0), text);
  for (uint64_t position : {1u, 32'767u, 32'768u, 32'769u, 100'000u, 199'999u})
    EXPECT_EQ(from(log, position), text.substr(position));
  EXPECT_TRUE(log.at(200'000).bytes.empty());
}

TEST(OutputLog, KeepsWhatReplayNeedsAndNoMore) {
  OutputLog log;
  std::string text = counted(10'000'000);
  append(log, text);
  EXPECT_LE(log.memory(), OutputLog::kReplay + 2 * OutputLog::kChunk);
  EXPECT_EQ(log.replay_start(), text.size() - OutputLog::kReplay);
  EXPECT_EQ(from(log, log.replay_start()), text.substr(text.size() - OutputLog::kReplay));
}

TEST(OutputLog, KeepsWhatTheSlowestClientNeeds) {
  OutputLog log;
  std::string text = counted(500'000);
  append(log, text.substr(0, 300'000), 40'000);
  EXPECT_EQ(from(log, 40'000), text.substr(40'000, 260'000));
  append(log, text.substr(300'000), 290'000);
  EXPECT_EQ(from(log, 290'000), text.substr(290'000));
}

TEST(OutputLog, PieceOutlivesTheLogsOwnChunk) {
  OutputLog log;
  append(log, "the beginning");
  auto piece = log.at(0);
  append(log, counted(1'000'000));
  EXPECT_EQ(piece.bytes, "the beginning");
}

TEST(OutputLog, ReplayStartsAtACharacter) {
  for (size_t shift = 0; shift < 8; ++shift) {
    OutputLog log;
    std::string text(shift, 'x');
    while (text.size() < 3 * OutputLog::kReplay) text += "\xf0\x9f\x98\x80";
    append(log, text);
    std::string replay = from(log, log.replay_start());
    EXPECT_GT(replay.size(), OutputLog::kReplay - 4);
    EXPECT_TRUE(replay.starts_with("\xf0\x9f"));
  }
}

TEST(OutputLog, ReplayOfBytesThatAreNotTextStartsAnywhere) {
  OutputLog log;
  append(log, std::string(3 * OutputLog::kReplay, '\x80'));
  EXPECT_EQ(log.end() - log.replay_start(), OutputLog::kReplay - 3);
}

}  // namespace
}  // namespace dt::daemon
