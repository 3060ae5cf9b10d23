#include "apps/daemon/desktop/program/x11/keys.h"

#include <gtest/gtest.h>

#include "apps/daemon/desktop/program/x11/quote.h"

namespace dt::desktop {
namespace {

using Tokens = std::vector<std::string>;

std::string press_error(std::string_view key, const Tokens& modifiers = {}) {
  auto chord = parse_press(key, modifiers);
  return chord ? "none" : chord.error().message;
}
std::string hotkey_error(std::string_view text) {
  auto chord = parse_hotkey(text);
  return chord ? "none" : chord.error().message;
}
std::string text_error(std::string_view text) {
  auto symbols = parse_text(text);
  return symbols ? "none" : symbols.error().message;
}
uint32_t key_of(std::string_view key) {
  auto chord = parse_press(key, {});
  EXPECT_TRUE(chord.has_value()) << key;
  return chord ? chord->key : 0;
}

TEST(Keys, OneCharacter) {
  for (char c = 'a'; c <= 'z'; ++c) EXPECT_EQ(key_of(std::string(1, c)), static_cast<uint32_t>(c));
  for (char c = '0'; c <= '9'; ++c) EXPECT_EQ(key_of(std::string(1, c)), static_cast<uint32_t>(c));
  for (char c : std::string("',-./;=[\\]`")) EXPECT_EQ(key_of(std::string(1, c)), static_cast<uint32_t>(c));
  EXPECT_EQ(key_of("A"), 'a');
}

TEST(Keys, NamesInAnyCaseAndWithDashes) {
  EXPECT_EQ(key_of("Enter"), 0xff0du);
  EXPECT_EQ(key_of("RETURN"), 0xff0du);
  EXPECT_EQ(key_of("page-down"), 0xff56u);
  EXPECT_EQ(key_of("page_down"), key_of("pagedown"));
  EXPECT_EQ(key_of("Num-Plus"), key_of("num_plus"));
  EXPECT_EQ(key_of("left-control"), key_of("lctrl"));
  EXPECT_EQ(key_of("windows"), key_of("cmd"));
  EXPECT_EQ(key_of("f1") + 23, key_of("f24"));
  EXPECT_EQ(key_of("num0") + 9, key_of("num9"));
  EXPECT_NE(key_of("num1"), key_of("1"));
}

// Every name that the contract lists.
TEST(Keys, AllNamesAreKnown) {
  const Tokens all = {
      "alt",       "backspace",    "capslock",     "cmd",          "ctrl",       "delete",
      "down",      "end",          "enter",        "escape",       "home",       "insert",
      "left",      "menu",         "num_asterisk", "num_decimal",  "num_enter",  "num_equal",
      "num_lock",  "num_minus",    "num_plus",     "num_slash",    "pagedown",   "pageup",
      "right",     "shift",        "space",        "tab",          "up",         "lalt",
      "ralt",      "lcmd",         "rcmd",         "lctrl",        "rctrl",      "lshift",
      "rshift",    "command",      "meta",         "super",        "win",        "windows",
      "control",   "option",       "del",          "esc",          "return",     "spacebar",
      "page_up",   "page_down",    "left_alt",     "right_alt",    "left_shift", "right_shift",
      "left_ctrl", "left_control", "left_cmd",     "left_command", "right_ctrl", "right_control",
      "right_cmd", "right_command"};
  for (const std::string& name : all) EXPECT_NE(key_of(name), 0u) << name;
}

TEST(Keys, ErrorsOfKeys) {
  EXPECT_EQ(press_error(""), "unsupported key \"\": empty key token");
  EXPECT_EQ(press_error(" "), "unsupported key \" \"; use press(\"space\") or type(\" \")");
  EXPECT_EQ(press_error("\t"), "unsupported key \"\\t\"; use press(\"tab\") or type(\"\\t\")");
  EXPECT_EQ(press_error("\n"), "unsupported key \"\\n\"; use press(\"enter\") or type(\"\\n\")");
  for (const char* space : {"\r", "\v", "  ", "\xc2\xa0", "\xe2\x80\xa8"})
    EXPECT_EQ(press_error(space), "unsupported key " + quote(space) +
                                      "; use a named key such as \"space\", \"tab\", or \"enter\"");
  EXPECT_EQ(press_error("é"), "unsupported key \"é\"; use type(\"é\") for text input");
  EXPECT_EQ(press_error("😀"), "unsupported key \"😀\"; use type(\"😀\") for text input");
  EXPECT_EQ(press_error("\x01"), "unsupported key \"\\x01\"; use type(\"\\x01\") for text input");
  EXPECT_EQ(press_error("num+"), "unsupported key \"num+\"; use \"num_plus\"");
  EXPECT_EQ(press_error("num*"), "unsupported key \"num*\"; use \"num_asterisk\"");
  EXPECT_EQ(press_error("num-"), "unsupported key \"num-\"; use \"num_minus\"");
  EXPECT_EQ(press_error("num."), "unsupported key \"num.\"; use \"num_decimal\"");
  EXPECT_EQ(press_error("num/"), "unsupported key \"num/\"; use \"num_slash\"");
  EXPECT_EQ(press_error("FooBar"),
            "unsupported key \"FooBar\"; see supported keyboard key names in the computer-use docs");
}

TEST(Keys, ErrorsOfShiftedSymbols) {
  std::string shifted = "!@#$%^&*()_+{}|:\"<>?~", base = "1234567890-=[]\\;',./`";
  for (size_t i = 0; i < shifted.size(); ++i) {
    std::string symbol = quote(shifted.substr(i, 1));
    EXPECT_EQ(press_error(shifted.substr(i, 1)),
              "unsupported key " + symbol + "; use press(" + quote(base.substr(i, 1)) +
                  ", [\"shift\"]) for a shifted key or type(" + symbol + ") for text");
  }
  EXPECT_EQ(press_error("!"),
            "unsupported key \"!\"; use press(\"1\", [\"shift\"]) for a shifted key or type(\"!\") for text");
  EXPECT_EQ(
      press_error("|"),
      "unsupported key \"|\"; use press(\"\\\\\", [\"shift\"]) for a shifted key or type(\"|\") for text");
}

TEST(Keys, Modifiers) {
  auto chord = parse_press("c", {"Ctrl", "option", "shift", "meta"});
  ASSERT_TRUE(chord.has_value());
  EXPECT_EQ(chord->key, 'c');
  EXPECT_EQ(chord->modifiers, (std::vector<uint32_t>{0xffe3, 0xffe9, 0xffe1, 0xffeb}));
  for (const char* name : {"control", "command", "super", "win", "windows", "alt", "cmd"})
    EXPECT_TRUE(parse_press("c", {name}).has_value()) << name;
}

TEST(Keys, ErrorsOfModifiers) {
  const std::string supported = "; supported modifiers: ctrl, alt, shift, cmd";
  const std::string sided = "; left/right-specific modifier keys are only supported as the main key";
  EXPECT_EQ(press_error("a", {"c"}), "unsupported modifier \"c\"" + supported);
  EXPECT_EQ(press_error("a", {""}), "unsupported modifier \"\"" + supported);
  EXPECT_EQ(press_error("a", {"lctrl"}), "unsupported modifier \"lctrl\"" + supported + sided);
  EXPECT_EQ(press_error("a", {"Right_Alt"}), "unsupported modifier \"Right_Alt\"" + supported + sided);
  EXPECT_EQ(press_error("a", {"enter"}), "unsupported modifier \"enter\"" + supported + sided);
  EXPECT_EQ(press_error("c", {"ctrl", "ctrl"}),
            "duplicate modifier \"ctrl\" in press(\"c\", [\"ctrl\", \"ctrl\"])");
  EXPECT_EQ(press_error("c", {"cmd", "meta"}),
            "duplicate modifier usage after normalization in press(\"c\", [\"cmd\", \"meta\"])");
  EXPECT_EQ(press_error("ctrl", {"control"}),
            "duplicate modifier usage after normalization in press(\"ctrl\", [\"control\"])");
  EXPECT_EQ(press_error("rshift", {"shift"}),
            "duplicate modifier usage after normalization in press(\"rshift\", [\"shift\"])");
}

TEST(Keys, Hotkeys) {
  auto chord = parse_hotkey(" Ctrl + shift +C ");
  ASSERT_TRUE(chord.has_value());
  EXPECT_EQ(chord->key, 'c');
  EXPECT_EQ(chord->modifiers, (std::vector<uint32_t>{0xffe3, 0xffe1}));
  chord = parse_hotkey("ctrl+shift");
  ASSERT_TRUE(chord.has_value());
  EXPECT_EQ(chord->key, 0xffe1u);
  EXPECT_EQ(parse_hotkey("f5")->key, 0xffc2u);
  EXPECT_EQ(parse_hotkey("ctrl+,")->key, ',');
  EXPECT_EQ(parse_hotkey("cmd+rshift")->key, 0xffe2u);
}

TEST(Keys, ErrorsOfHotkeys) {
  EXPECT_EQ(hotkey_error(""), "invalid hotkey \"\": empty key token");
  EXPECT_EQ(hotkey_error("ctrl++c"), "invalid hotkey \"ctrl++c\": empty key token");
  EXPECT_EQ(hotkey_error("ctrl+"), "invalid hotkey \"ctrl+\": empty key token");
  EXPECT_EQ(hotkey_error("ctrl+ +c"), "invalid hotkey \"ctrl+ +c\": empty key token after trimming");
  EXPECT_EQ(hotkey_error("ctrl+k ctrl+c"),
            "invalid hotkey \"ctrl+k ctrl+c\": only a single chord is supported");
  EXPECT_EQ(hotkey_error("ctrl+k,ctrl+c"),
            "invalid hotkey \"ctrl+k,ctrl+c\": only a single chord is supported");
  EXPECT_EQ(hotkey_error("a+b"), "invalid hotkey \"a+b\": chords may contain at most one non-modifier key");
  EXPECT_EQ(hotkey_error("enter+ctrl"),
            "invalid hotkey \"enter+ctrl\": chords may contain at most one non-modifier key");
  EXPECT_EQ(
      hotkey_error("foo+c"),
      "invalid hotkey \"foo+c\": unsupported modifier \"foo\"; supported modifiers: ctrl, alt, shift, cmd");
  EXPECT_EQ(hotkey_error("lctrl+c"),
            "invalid hotkey \"lctrl+c\": unsupported modifier \"lctrl\"; supported modifiers: ctrl, alt, "
            "shift, cmd; "
            "left/right-specific modifier keys are only supported as the main key");
  EXPECT_EQ(
      hotkey_error("ctrl+!"),
      "invalid hotkey \"ctrl+!\": unsupported key \"!\"; use press(\"1\", [\"shift\"]) for a shifted key or "
      "type(\"!\") for text");
  EXPECT_EQ(hotkey_error("ctrl+ctrl+c"),
            "invalid hotkey \"ctrl+ctrl+c\": duplicate modifier \"ctrl\" in hotkey(\"ctrl+ctrl+c\")");
  EXPECT_EQ(hotkey_error("cmd+meta+c"),
            "invalid hotkey \"cmd+meta+c\": duplicate modifier usage after normalization in "
            "hotkey(\"cmd+meta+c\")");
  EXPECT_EQ(
      hotkey_error("ctrl+ctrl"),
      "invalid hotkey \"ctrl+ctrl\": duplicate modifier usage after normalization in hotkey(\"ctrl+ctrl\")");
  // A letter whose encoding contains the byte of a space is not trimmed.
  EXPECT_EQ(hotkey_error("ctrl+à"),
            "invalid hotkey \"ctrl+à\": unsupported key \"à\"; use type(\"à\") for text input");
}

TEST(Keys, Text) {
  auto symbols = parse_text("aÿЖ😀 ");
  ASSERT_TRUE(symbols.has_value());
  EXPECT_EQ(*symbols, (std::vector<uint32_t>{'a', 0xff, 0x1000416, 0x101f600, ' '}));
  EXPECT_EQ(*parse_text("a\r\nb\nc\rd"),
            (std::vector<uint32_t>{'a', kReturn, 'b', kReturn, 'c', kReturn, 'd'}));
  EXPECT_EQ(parse_text("\r\n\r\n\n")->size(), 3u);
  EXPECT_TRUE(parse_text("")->empty());
}

TEST(Keys, ErrorsOfText) {
  EXPECT_EQ(text_error("a\tb"),
            "keyboard.type does not translate '\\t' to Tab; use keyboard.press(\"tab\") for Tab key events");
  EXPECT_EQ(text_error("a\xe2\x80\xa8"), "unsupported separator character in keyboard.type: U+2028");
  EXPECT_EQ(text_error("a\xe2\x80\xa9"), "unsupported separator character in keyboard.type: U+2029");
  EXPECT_EQ(text_error("\v"), "unsupported control character in keyboard.type: U+000B");
  EXPECT_EQ(text_error(std::string_view("\0", 1)), "unsupported control character in keyboard.type: U+0000");
  EXPECT_EQ(text_error("\x7f"), "unsupported control character in keyboard.type: U+007F");
  EXPECT_EQ(text_error("\xc2\x85"), "unsupported control character in keyboard.type: U+0085");
}

TEST(Keys, Quoting) {
  EXPECT_EQ(quote("a\"b\\"), "\"a\\\"b\\\\\"");
  EXPECT_EQ(quote("\a\b\f\n\r\t\v\x1b\x7f"), "\"\\a\\b\\f\\n\\r\\t\\v\\x1b\\x7f\"");
  EXPECT_EQ(quote("\xc2\xa0"), "\"\\u00a0\"");
}

}  // namespace
}  // namespace dt::desktop
