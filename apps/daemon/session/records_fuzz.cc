// Logs of commands: the demultiplexer must not depend on where its input is cut, and whatever two streams
// say, however it arrives, comes out of the log again.
#include <algorithm>
#include <cstdint>

#include "apps/daemon/session/records.h"
#include "libs/base/error.h"

namespace {

using namespace dt::daemon;

std::string demux(std::string_view log, size_t step, std::string& err) {
  Demux demux;
  std::string out;
  for (; !log.empty(); log.remove_prefix(std::min(step, log.size())))
    demux.feed(log.substr(0, step), out, err);
  demux.finish(out, err);
  return out;
}

void cuts(std::string_view log, size_t step) {
  std::string err_whole, err_bytes, err_steps;
  std::string whole = demux(log, log.size() + 1, err_whole);
  CHECK(whole == demux(log, 1, err_bytes) && err_whole == err_bytes);
  CHECK(whole == demux(log, step, err_steps) && err_whole == err_steps);
  CHECK(whole.size() + err_whole.size() <= log.size());
}

// What comes back: no NUL bytes, and an LF at the end.
std::string expected(std::string text) {
  std::erase(text, '\0');
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  return text;
}

// Each byte of the input but 0 to 7 is written; those decide what happens next.
void round_trip(std::string_view script) {
  RecordWriter writer;
  std::string log, said[2];
  Channel channel = Channel::out;
  for (char c : script) {
    if (c == 3) channel = Channel::out;
    if (c == 4) channel = Channel::err;
    if (c == 5) writer.flush(log);
    char byte = c == 6 ? '\0' : c;
    // Bytes of markers in the output are misread by contract.
    if (c == 6 || static_cast<unsigned char>(c) > 7) {
      writer.feed(channel, {&byte, 1}, log);
      said[static_cast<size_t>(channel)] += byte;
    }
  }
  for (Channel end : {Channel::out, Channel::err}) writer.finish(end, log);
  std::string err;
  CHECK(demux(log, 1000, err) == expected(said[0]));
  CHECK(err == expected(said[1]));
  CHECK(!writer.has_partial());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  cuts(text, 1 + data[0] % 17);
  round_trip(text);
  return 0;
}
