// Which key gives which symbol at this moment, and keys that are given one for a while: the server's map is
// read for each request, so that layouts and other programs may change it. Symbols that no key has get a
// spare key, one that has no symbol at all. A spare key keeps its symbol as long as possible, because
// programs look the map up when they handle the key, not when it was pressed.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "apps/daemon/desktop/program/x11/connection.h"

namespace dt::desktop {

struct Stroke {
  xcb_keycode_t key = 0;
  bool shift = false;
};

class KeyMap {
 public:
  // `group` is the keyboard's (0 is the first layout). Forgets remapped keys of `x` that others have changed.
  static Result<KeyMap> read(Connection& x, int group);

  // The key that gives the symbol by itself; 0: none.
  xcb_keycode_t plain(xcb_keysym_t symbol) const;
  // By itself or with shift; also keys that were remapped.
  std::optional<Stroke> stroke(xcb_keysym_t symbol) const;

  // What has to change so that the symbols of the longest possible beginning of `symbols` can be typed.
  struct Plan {
    size_t count = 0;  // of symbols that can be typed then; 0: there is no spare key
    struct Change {
      xcb_keycode_t key;
      xcb_keysym_t symbol;
    };
    std::vector<Change> changes;
    bool reuses = false;  // a key that had another symbol of ours: its programs need time
  };
  // `with_shift`: a key that needs shift will do.
  Plan plan(std::span<const xcb_keysym_t> symbols, bool with_shift) const;

 private:
  explicit KeyMap(Connection& x) : x_(&x) {}
  bool direct(xcb_keysym_t symbol, bool with_shift) const;
  bool ours(xcb_keycode_t key) const;
  xcb_keysym_t symbol_of(size_t key, int level) const;

  Connection* x_;
  int group_ = 0;
  size_t first_ = 0, width_ = 0, keys_ = 0;  // key code of the first, symbols a key, how many keys
  std::vector<xcb_keysym_t> symbols_;
};

// Changes the server's map; returns when it is done.
Status apply(Connection& x, const KeyMap::Plan& plan);
// Takes the symbols of all remapped keys away again.
Status restore(Connection& x);

}  // namespace dt::desktop
