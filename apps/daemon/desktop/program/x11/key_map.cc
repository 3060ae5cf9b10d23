#include "apps/daemon/desktop/program/x11/key_map.h"

#include <algorithm>
#include <set>

namespace dt::desktop {
namespace {

constexpr size_t kMostSpareKeys = 24;
constexpr uint8_t kLevels = 2;  // without and with shift

Status set_symbol(Connection& x, xcb_keycode_t key, xcb_keysym_t symbol) {
  // Both levels alike, or the server makes lower and upper case of it.
  xcb_keysym_t levels[kLevels] = {symbol, symbol};
  xcb_change_keyboard_mapping(x.xcb(), 1, key, kLevels, levels);
  return {};
}

}  // namespace

Result<KeyMap> KeyMap::read(Connection& x, int group) {
  const xcb_setup_t& setup = x.setup();
  auto count = static_cast<uint8_t>(setup.max_keycode - setup.min_keycode + 1);
  Reply<xcb_get_keyboard_mapping_reply_t> reply(xcb_get_keyboard_mapping_reply(
      x.xcb(), xcb_get_keyboard_mapping(x.xcb(), setup.min_keycode, count), nullptr));
  if (!reply || reply->keysyms_per_keycode == 0) return std::unexpected(x.lost());
  KeyMap map(x);
  map.group_ = group;
  map.first_ = setup.min_keycode;
  map.keys_ = count;
  map.width_ = reply->keysyms_per_keycode;
  const xcb_keysym_t* all = xcb_get_keyboard_mapping_keysyms(reply.get());
  map.symbols_.assign(all, all + map.width_ * map.keys_);
  std::erase_if(x.remapped, [&map](const auto& entry) {
    return map.symbols_[(entry.second - map.first_) * map.width_] != entry.first;
  });
  return map;
}

// Core maps have two symbols for each of the first two groups; a key without any for a group uses its first.
xcb_keysym_t KeyMap::symbol_of(size_t key, int level) const {
  const xcb_keysym_t* row = &symbols_[key * width_];
  size_t column = 2 * static_cast<size_t>(group_);
  auto at = [&](size_t c) { return c < width_ ? row[c] : 0u; };
  if (group_ > 0 && at(column) == 0 && at(column + 1) == 0) column = 0;
  xcb_keysym_t shifted = at(column + 1);
  return level == 0 || shifted == 0 ? at(column) : shifted;
}

bool KeyMap::ours(xcb_keycode_t key) const {
  return std::ranges::any_of(x_->remapped, [key](const auto& entry) { return entry.second == key; });
}

xcb_keycode_t KeyMap::plain(xcb_keysym_t symbol) const {
  for (size_t key = 0; key < keys_; ++key)
    if (symbol_of(key, 0) == symbol) return static_cast<xcb_keycode_t>(first_ + key);
  return 0;
}

std::optional<Stroke> KeyMap::stroke(xcb_keysym_t symbol) const {
  if (xcb_keycode_t key = plain(symbol)) return Stroke{key, false};
  for (size_t key = 0; key < keys_; ++key)
    if (symbol_of(key, 1) == symbol) return Stroke{static_cast<xcb_keycode_t>(first_ + key), true};
  return std::nullopt;
}

bool KeyMap::direct(xcb_keysym_t symbol, bool with_shift) const {
  auto found = stroke(symbol);
  return found && (with_shift || !found->shift) && !ours(found->key);
}

KeyMap::Plan KeyMap::plan(std::span<const xcb_keysym_t> symbols, bool with_shift) const {
  std::vector<xcb_keycode_t> spare;  // from the top: programs know the lower ones
  for (size_t key = keys_; key-- > 0 && spare.size() + x_->remapped.size() < kMostSpareKeys;) {
    const xcb_keysym_t* row = &symbols_[key * width_];
    if (std::all_of(row, row + width_, [](xcb_keysym_t s) { return s == 0; }))
      spare.push_back(static_cast<xcb_keycode_t>(first_ + key));
  }
  size_t room = spare.size();
  for (const auto& entry : x_->remapped) room += x_->held.contains(entry.first) ? 0 : 1;
  Plan out;
  std::set<xcb_keysym_t> wanted;
  for (xcb_keysym_t symbol : symbols) {
    bool there = direct(symbol, with_shift) || (x_->held.contains(symbol) && x_->remapped.contains(symbol));
    if (!there && !wanted.contains(symbol)) {
      if (wanted.size() == room) break;
      wanted.insert(symbol);
    }
    ++out.count;
  }
  std::vector<xcb_keycode_t> old;  // remapped to something that is not wanted now
  for (const auto& [symbol, key] : x_->remapped)
    if (!wanted.contains(symbol) && !x_->held.contains(symbol)) old.push_back(key);
  for (xcb_keysym_t symbol : wanted) {
    if (x_->remapped.contains(symbol)) continue;
    auto& from = spare.empty() ? old : spare;
    out.reuses = out.reuses || spare.empty();
    out.changes.push_back({from.back(), symbol});
    from.pop_back();
  }
  return out;
}

Status apply(Connection& x, const KeyMap::Plan& plan) {
  for (const auto& change : plan.changes) {
    TRY_VOID(set_symbol(x, change.key, change.symbol));
    std::erase_if(x.remapped, [&change](const auto& entry) { return entry.second == change.key; });
    x.remapped[change.symbol] = change.key;
  }
  return x.sync();
}

Status restore(Connection& x) {
  for (const auto& [symbol, key] : x.remapped)
    if (!x.held.contains(symbol)) TRY_VOID(set_symbol(x, key, 0));
  std::erase_if(x.remapped, [&x](const auto& entry) { return !x.held.contains(entry.first); });
  return x.sync();
}

}  // namespace dt::desktop
