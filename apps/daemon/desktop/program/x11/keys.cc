#include "apps/daemon/desktop/program/x11/keys.h"

#include <algorithm>
#include <set>

#include "apps/daemon/desktop/program/x11/quote.h"
#include "libs/base/text.h"

namespace dt::desktop {
namespace {

constexpr std::string_view kPunctuation = "',-./;=[\\]`";
// A US keyboard: the shifted symbol and the key that it is on.
constexpr std::string_view kShifted = "!@#$%^&*()_+{}|:\"<>?~";
constexpr std::string_view kUnshifted = "1234567890-=[]\\;',./`";
constexpr uint32_t kUnicode = 0x01000000;  // key symbols above Latin-1

std::unexpected<Error> refuse(std::string message) { return fail(Code::bad_request, std::move(message)); }
std::unexpected<Error> refuse_key(std::string_view key, std::string_view why) {
  return refuse("unsupported key " + quote(key) + std::string(why));
}

std::string normalised(std::string_view token) {
  std::string out = lower(token);
  std::ranges::replace(out, '-', '_');
  return out;
}

// num+ and the like; empty when it is none.
std::string_view shorthand(std::string_view lower_token) {
  constexpr std::pair<std::string_view, std::string_view> kAll[] = {{"num+", "num_plus"},
                                                                    {"num*", "num_asterisk"},
                                                                    {"num-", "num_minus"},
                                                                    {"num.", "num_decimal"},
                                                                    {"num/", "num_slash"}};
  for (auto [text, name] : kAll)
    if (text == lower_token) return name;
  return {};
}

std::unexpected<Error> refuse_space(std::string_view key) {
  auto named = [key](std::string_view name) {
    return refuse_key(key, "; use press(" + quote(name) + ") or type(" + quote(key) + ")");
  };
  if (key == " ") return named("space");
  if (key == "\t") return named("tab");
  if (key == "\n") return named("enter");
  return refuse_key(key, "; use a named key such as \"space\", \"tab\", or \"enter\"");
}

// A key of one character.
Result<uint32_t> parse_character(std::string_view key, char32_t c) {
  if (c >= 'A' && c <= 'Z') return c - 'A' + 'a';
  if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return c;
  bool ascii = c < 0x80;
  if (ascii && kPunctuation.contains(static_cast<char>(c))) return c;
  size_t place = ascii ? kShifted.find(static_cast<char>(c)) : std::string_view::npos;
  if (place != std::string_view::npos)
    return refuse_key(key, "; use press(" + quote(kUnshifted.substr(place, 1)) +
                               ", [\"shift\"]) for a shifted key or type(" + quote(key) + ") for text");
  return refuse_key(key, "; use type(" + quote(key) + ") for text input");
}

struct Key {
  uint32_t symbol = 0;
  std::string_view family;
};

Result<Key> parse_key(std::string_view key) {
  if (key.empty()) return refuse_key(key, ": empty key token");
  std::u32string points = code_points(key);
  if (std::ranges::all_of(points, is_space)) return refuse_space(key);
  if (points.size() == 1) {
    TRY(uint32_t symbol, parse_character(key, points[0]));
    return Key{symbol, {}};
  }
  if (auto name = shorthand(lower(key)); !name.empty()) return refuse_key(key, "; use " + quote(name));
  if (const KeyName* found = find_key_name(normalised(key))) return Key{found->symbol, found->family};
  return refuse_key(key, "; see supported keyboard key names in the computer-use docs");
}

Result<Key> parse_modifier(std::string_view token) {
  const KeyName* found = find_key_name(normalised(token));
  if (found && found->modifier) return Key{found->symbol, found->family};
  std::string message =
      "unsupported modifier " + quote(token) + "; supported modifiers: ctrl, alt, shift, cmd";
  if (found) message += "; left/right-specific modifier keys are only supported as the main key";
  return refuse(std::move(message));
}

// `context` is the call as messages show it.
Result<Chord> make_chord(std::string_view key_token, const std::vector<std::string>& tokens,
                         const std::string& context) {
  TRY(Key key, parse_key(key_token));
  Chord chord{.modifiers = {}, .key = key.symbol};
  std::set<std::string> seen;
  std::set<std::string_view> families = {key.family};
  bool twice = false;
  for (const std::string& token : tokens) {
    TRY(Key modifier, parse_modifier(token));
    if (!seen.insert(normalised(token)).second)
      return refuse("duplicate modifier " + quote(token) + " in " + context);
    twice = !families.insert(modifier.family).second || twice;
    chord.modifiers.push_back(modifier.symbol);
  }
  if (twice) return refuse("duplicate modifier usage after normalization in " + context);
  return chord;
}

std::string press_context(std::string_view key, const std::vector<std::string>& modifiers) {
  std::vector<std::string> words;
  for (const std::string& modifier : modifiers) words.push_back(quote(modifier));
  return "press(" + quote(key) + (words.empty() ? "" : ", [" + join(words, ", ") + "]") + ")";
}

// Byte by byte, so ASCII's only.
bool separates(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view without_spaces(std::string_view token) {
  while (!token.empty() && separates(token.front())) token.remove_prefix(1);
  while (!token.empty() && separates(token.back())) token.remove_suffix(1);
  return token;
}

// "ctrl+k ctrl+c" or "ctrl+k,ctrl+c".
bool several_chords(std::string_view token) {
  return (token.size() > 1 && token.contains(',')) || std::ranges::any_of(token, separates);
}

Result<Chord> parse_hotkey_tokens(std::string_view text) {
  std::vector<std::string> tokens;
  for (std::string_view raw : split(text, '+')) {
    if (raw.empty()) return refuse("empty key token");
    std::string_view token = without_spaces(raw);
    if (token.empty()) return refuse("empty key token after trimming");
    tokens.emplace_back(token);
  }
  if (std::ranges::any_of(tokens, several_chords)) return refuse("only a single chord is supported");
  std::string key = std::move(tokens.back());
  tokens.pop_back();
  for (const std::string& token : tokens) {
    auto as_key = parse_key(token);
    if (as_key && as_key->family.empty()) return refuse("chords may contain at most one non-modifier key");
  }
  return make_chord(key, tokens, "hotkey(" + quote(text) + ")");
}

}  // namespace

Result<Chord> parse_press(std::string_view key, const std::vector<std::string>& modifiers) {
  return make_chord(key, modifiers, press_context(key, modifiers));
}

Result<Chord> parse_hotkey(std::string_view text) {
  auto chord = parse_hotkey_tokens(text);
  if (!chord) return refuse("invalid hotkey " + quote(text) + ": " + chord.error().message);
  return chord;
}

Result<std::vector<uint32_t>> parse_text(std::string_view text) {
  std::u32string points = code_points(text);
  for (char32_t c : points) {
    if (c == '\t')
      return refuse(
          "keyboard.type does not translate '\\t' to Tab; use keyboard.press(\"tab\") for Tab key events");
    if (c == 0x2028 || c == 0x2029)
      return refuse("unsupported separator character in keyboard.type: " + code_point_name(c));
    if (is_control(c) && c != '\n' && c != '\r')
      return refuse("unsupported control character in keyboard.type: " + code_point_name(c));
  }
  std::vector<uint32_t> out;
  for (size_t i = 0; i < points.size(); ++i) {
    char32_t c = points[i];
    if (c == '\n' && i > 0 && points[i - 1] == '\r') continue;  // of the same line end
    bool latin1 = c < 0x100;
    out.push_back(c == '\n' || c == '\r' ? kReturn : latin1 ? static_cast<uint32_t>(c) : kUnicode | c);
  }
  return out;
}

}  // namespace dt::desktop
