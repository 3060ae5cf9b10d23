// What a language server writes: frames must not depend on where the input is cut, and what we frame is read
// back. Every body is also taken apart as a message.
#include <algorithm>
#include <cstdint>

#include "apps/daemon/lsp/answers.h"
#include "apps/daemon/lsp/framing.h"
#include "apps/daemon/lsp/message.h"

namespace {

using namespace dt::daemon::lsp;

struct Read {
  std::vector<std::string> bodies;
  bool good = true;
  bool operator==(const Read&) const = default;
};

Read read(std::string_view text, size_t step) {
  FrameReader reader;
  Read out;
  for (; out.good && !text.empty(); text.remove_prefix(std::min(step, text.size())))
    out.good = reader.feed(text.substr(0, step), out.bodies).has_value();
  return out;
}

void take_apart(const std::string& body) {
  auto message = parse_message(body);
  if (!message || message->kind != Message::Kind::answer || !message->answer) return;
  SymbolList list({.project = "p", .root = "/w/p", .known = {}}, "a");
  list.add(*message->answer, "/w/p/x.py");
  CHECK(parse_message("{\"x\":" + list.json() + "}").has_value());
  CHECK(parse_message(completions_json(*message->answer)).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Read whole = read(text, text.size() + 1);
  CHECK(whole == read(text, 1));
  CHECK(whole == read(text, 2 + data[0] % 29));
  for (const std::string& body : whole.bodies) take_apart(body);
  take_apart(text);
  Read framed = read(frame(text) + frame(""), 3);
  CHECK(framed.good && framed.bodies == (std::vector<std::string>{text, ""}));
  return 0;
}
