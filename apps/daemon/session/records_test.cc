#include "apps/daemon/session/records.h"

#include <gtest/gtest.h>

namespace dt::daemon {
namespace {

const std::string O = "\x01\x01\x01";
const std::string E = "\x02\x02\x02";

struct Log {
  RecordWriter writer;
  std::string text;
  Log& out(std::string_view bytes) {
    writer.feed(Channel::out, bytes, text);
    return *this;
  }
  Log& err(std::string_view bytes) {
    writer.feed(Channel::err, bytes, text);
    return *this;
  }
  Log& flush() {
    writer.flush(text);
    return *this;
  }
  std::string end() {
    writer.finish(Channel::out, text);
    writer.finish(Channel::err, text);
    return text;
  }
};

std::pair<std::string, std::string> demux(std::string_view log, size_t step = 1000) {
  Demux demux;
  std::string out, err;
  for (; !log.empty(); log.remove_prefix(std::min(step, log.size())))
    demux.feed(log.substr(0, step), out, err);
  demux.finish(out, err);
  return {out, err};
}

TEST(RecordWriter, OneRecordForEachLine) {
  EXPECT_EQ(Log().out("a\nb").out("c\n\nd").end(), O + "a\n" + O + "bc\n" + O + "\n" + O + "d\n");
  EXPECT_EQ(Log().out("").end(), "");
}

TEST(RecordWriter, StreamsDoNotMixInsideALine) {
  EXPECT_EQ(Log().out("a").err("x\ny").out("b\n").end(), E + "x\n" + O + "ab\n" + E + "y\n");
}

TEST(RecordWriter, NulBytesAreLeftOutAndCarriageReturnsKept) {
  EXPECT_EQ(Log().out(std::string_view("a\0\0b\r\n\0", 7)).end(), O + "ab\r\n");
}

TEST(RecordWriter, AFlushedLineGoesOnInItsRecord) {
  EXPECT_EQ(Log().out("ab").flush().out("c\nd\n").end(), O + "abc\n" + O + "d\n");
  EXPECT_EQ(Log().out("ab").flush().end(), O + "ab\n");
}

TEST(RecordWriter, AnInterruptedLineStaysOneLineForTheReader) {
  Log log;
  log.out("ask: ").flush().err("warn\n");
  log.writer.whole(Channel::out, "typed\n", log.text);
  std::string text = log.out("done\n").out("a").flush().err("b\n").end();
  EXPECT_EQ(text, O + "ask: " + E + "warn\n" + O + "typed\n" + O + "done\n" + O + "a" + E + "b\n" + O + "\n");
  EXPECT_EQ(demux(text).first, "ask: typed\ndone\na\n");
  EXPECT_EQ(demux(text).second, "warn\nb\n");
}

TEST(RecordWriter, HoldsLittleOfALongLine) {
  Log log;
  std::string line(10 * kLineLimit + 3, 'x');
  for (size_t i = 0; i < line.size(); i += 1000) {
    log.out(std::string_view(line).substr(i, 1000));
    log.err(i % 7 ? "" : "e\n");
  }
  log.out("\n");
  EXPECT_GT(log.text.size(), line.size() - kLineLimit);
  EXPECT_EQ(demux(log.end()).first, line + "\n");
}

TEST(Demux, AnyCutGivesTheSame) {
  std::string log = "lost" + O + "a\x01\x01" + "b\n" + E + "\x01x\x02\n" + O + O + "\xc3\xa4\n" + E + "\x02";
  auto whole = demux(log);
  EXPECT_EQ(whole.first,
            "a\x01\x01"
            "b\n\xc3\xa4\n");
  EXPECT_EQ(whole.second, "\x01x\x02\n\x02");
  for (size_t step = 1; step < log.size(); ++step) EXPECT_EQ(demux(log, step), whole) << step;
}

TEST(Demux, MixedMarkers) {
  EXPECT_EQ(demux("\x01\x01\x02\x02\x02"
                  "e")
                .second,
            "e");
  EXPECT_EQ(demux(O + "\x01\x01\x02\x02\x02"
                      "e")
                .first,
            "\x01\x01");
  EXPECT_EQ(demux(O + "\x01\x01\x01\x01z").first, "\x01z");
}

TEST(Demux, BothIntoOneKeepsTheOrder) {
  Demux demux;
  std::string all;
  demux.feed(O + "a\n" + E + "b\n" + O + "c\n", all, all);
  demux.finish(all, all);
  EXPECT_EQ(all, "a\nb\nc\n");
}

}  // namespace
}  // namespace dt::daemon
