// What requests do with the keyboard (toolbox §21.6), in any layout. The caller has checked keys and text
// (keys.h).
#pragma once
#include <vector>

#include "apps/daemon/desktop/program/x11/keys.h"
#include "apps/daemon/desktop/program/x11/mouse.h"

namespace dt::desktop {

class Keyboard {
 public:
  explicit Keyboard(Input& input) : input_(input) {}
  Keyboard(const Keyboard&) = delete;
  ~Keyboard() { later_.stop_now(); }

  // Types key symbols one after the other, with a pause after each.
  Task<Status> type(std::vector<uint32_t> symbols, Millis delay);
  Task<Status> press(Chord chord);
  // A key stays down, for whatever comes, until it is let go. Both may be repeated.
  Task<Status> hold(uint32_t symbol);
  Task<Status> let_go(uint32_t symbol);

 private:
  Task<Status> type_in_turn(const std::vector<uint32_t>& symbols, Millis delay);
  Task<Result<bool>> end_caps_lock();
  Task<Status> strike_caps_lock();
  // How many of the symbols from `start` on have a key now.
  Task<Result<size_t>> prepare(const std::vector<uint32_t>& symbols, size_t start, bool with_shift);
  Task<void> restore_unused();

  Input& input_;
  Mono last_use_{};  // of a spare key, or later
  bool restoring_ = false;
  TaskScope later_{"keyboard map"};
};

}  // namespace dt::desktop
