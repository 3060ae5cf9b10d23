// Hotkeys, keys and text as a client might send them.
#include <cstddef>

#include "apps/daemon/desktop/program/x11/keys.h"
#include "apps/daemon/desktop/program/x11/quote.h"
#include "libs/base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dt::desktop;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto hotkey = parse_hotkey(text);
  if (hotkey) {
    // What is a hotkey has a key, and each modifier once.
    CHECK(hotkey->key != 0 && hotkey->modifiers.size() <= 4);
  } else {
    CHECK(hotkey.error().message.starts_with("invalid hotkey " + quote(text) + ": "));
  }
  // The last word of a hotkey without modifiers is a key by itself, with the same meaning.
  auto press = parse_press(text, {});
  if (press && !text.contains('+')) CHECK(hotkey.has_value() && hotkey->key == press->key);
  auto typed = parse_text(text);
  if (typed) CHECK(typed->size() <= size);
  CHECK(!dt::valid_utf8(text) || dt::valid_utf8(quote(text)));
  return 0;
}
