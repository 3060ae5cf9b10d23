// The grammar of keys, modifiers, hotkeys and typed text (toolbox §21.6), with its exact error texts. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/error.h"

namespace dt::desktop {

// Key symbols of the X protocol that are named in more than one place.
inline constexpr uint32_t kReturn = 0xff0d;
inline constexpr uint32_t kCapsLock = 0xffe5;
inline constexpr uint32_t kShiftLeft = 0xffe1;

// Pressed in the order of `modifiers`, then `key`, released the other way round.
struct Chord {
  std::vector<uint32_t> modifiers;  // key symbols
  uint32_t key = 0;
};
Result<Chord> parse_press(std::string_view key, const std::vector<std::string>& modifiers);
Result<Chord> parse_hotkey(std::string_view text);

// The key symbols that type a text: line ends are Enter. Checks all of it first.
Result<std::vector<uint32_t>> parse_text(std::string_view text);

// nullptr when there is no key of that name. `name` in lower case with '_'.
struct KeyName {
  std::string_view name;
  uint32_t symbol;
  // The modifier that the key counts as: its name (alt, cmd, ctrl, shift), else empty.
  std::string_view family;
  bool modifier = false;  // may be used as a modifier: not a sided one
};
const KeyName* find_key_name(std::string_view name);

}  // namespace dt::desktop
