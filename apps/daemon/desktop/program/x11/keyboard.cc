#include "apps/daemon/desktop/program/x11/keyboard.h"

#include <tuple>

#include "apps/daemon/desktop/program/x11/key_map.h"

namespace dt::desktop {
namespace {

// Programs read the new map when they handle the next key.
constexpr Millis kMapNoticed{30};
// Before a spare key gets another symbol: what was typed with it must have been handled.
constexpr Millis kKeysHandled{300};
constexpr Millis kRestoreAfter{10'000};
constexpr Millis kHeld{10};
// Without a delay of the client's: so many characters at once, then a breath for the program that reads them.
constexpr size_t kBurst = 16;
constexpr Millis kBreath{4};

Result<KeyMap> current_map(Connection& x) {
  TRY_VOID(need_xtest(x));
  TRY(PointerState state, pointer(x));
  return KeyMap::read(x, state.modifiers >> 13 & 3);
}

Status strike(Connection& x, Stroke stroke, xcb_keycode_t shift) {
  if (stroke.shift) TRY_VOID(press_key(x, shift, true));
  TRY_VOID(press_key(x, stroke.key, true));
  TRY_VOID(press_key(x, stroke.key, false));
  if (stroke.shift) TRY_VOID(press_key(x, shift, false));
  return {};
}

Status strike_all(Connection& x, std::span<const uint32_t> symbols) {
  TRY(KeyMap map, current_map(x));
  xcb_keycode_t shift = map.plain(kShiftLeft);
  for (uint32_t symbol : symbols) {
    auto stroke = map.stroke(symbol);
    if (!stroke)
      return fail(Code::bad_request,
                  "the keyboard map was changed while text was typed; type the rest again");
    TRY_VOID(strike(x, *stroke, shift));
  }
  return x.sync();
}

// Keys of a chord in the order in which they go down.
Result<std::vector<xcb_keycode_t>> chord_keys(Connection& x, const std::vector<uint32_t>& symbols) {
  TRY(KeyMap map, current_map(x));
  std::vector<xcb_keycode_t> keys;
  for (uint32_t symbol : symbols) {
    xcb_keycode_t key = map.plain(symbol);
    if (key == 0)
      return fail(Code::bad_request, "the keyboard has no key for one of these, and none to spare");
    keys.push_back(key);
  }
  return keys;
}

Status set_keys(Connection& x, const std::vector<xcb_keycode_t>& keys, bool down) {
  for (size_t i = 0; i < keys.size(); ++i)
    TRY_VOID(press_key(x, down ? keys[i] : keys[keys.size() - 1 - i], down));
  return x.sync();
}

}  // namespace

Task<Result<size_t>> Keyboard::prepare(const std::vector<uint32_t>& symbols, size_t start, bool with_shift) {
  std::span rest(symbols.begin() + static_cast<ptrdiff_t>(start), symbols.end());
  auto planned = co_await input_.server.run([rest, with_shift](Connection& x) -> Result<KeyMap::Plan> {
    TRY(KeyMap map, current_map(x));
    return map.plan(rest, with_shift && map.plain(kShiftLeft) != 0);
  });
  if (!planned) co_return std::unexpected(std::move(planned).error());
  if (planned->count == 0 && !rest.empty())
    co_return fail(Code::bad_request,
                   "the keyboard has no key for a character of this text, and none to spare");
  if (planned->changes.empty()) co_return planned->count;
  if (planned->reuses) co_await Loop::current().sleep_for(kKeysHandled);
  const KeyMap::Plan& plan = *planned;
  CO_TRY_VOID(co_await input_.server.run([&plan](Connection& x) { return apply(x, plan); }));
  last_use_ = std::chrono::steady_clock::now();
  if (!restoring_) later_.spawn(restore_unused());
  co_await Loop::current().sleep_for(kMapNoticed);
  co_return plan.count;
}

// Spare keys are given back when they were not used for a while.
Task<void> Keyboard::restore_unused() {
  restoring_ = true;
  for (;;) {
    co_await Loop::current().sleep_until(last_use_ + kRestoreAfter);
    auto turn = co_await input_.turns.mine();
    if (std::chrono::steady_clock::now() < last_use_ + kRestoreAfter) continue;
    auto restored = co_await input_.server.run([](Connection& x) { return restore(x); });
    std::ignore = restored;  // without the server there is nothing to restore
    restoring_ = false;
    co_return;
  }
}

Task<Status> Keyboard::strike_caps_lock() {
  co_return co_await input_.server.run([](Connection& x) -> Status {
    TRY(KeyMap map, current_map(x));
    xcb_keycode_t key = map.plain(kCapsLock);
    if (key == 0) return {};
    TRY_VOID(strike(x, {key, false}, 0));
    return x.sync();
  });
}

// True: it was on. With it, programs would get other letters than those of the text.
Task<Result<bool>> Keyboard::end_caps_lock() {
  auto state = co_await input_.server.run([](Connection& x) { return pointer(x); });
  if (!state) co_return std::unexpected(std::move(state).error());
  if (!(state->modifiers & XCB_MOD_MASK_LOCK)) co_return false;
  CO_TRY_VOID(co_await strike_caps_lock());
  co_return true;
}

Task<Status> Keyboard::type(std::vector<uint32_t> symbols, Millis delay) {
  auto turn = co_await input_.turns.mine();
  auto caps = co_await end_caps_lock();
  if (!caps) co_return std::unexpected(std::move(caps).error());
  Status typed = co_await type_in_turn(symbols, delay);
  if (*caps) {
    Status again = co_await strike_caps_lock();
    if (typed && !again) typed = std::move(again);
  }
  co_return typed;
}

Task<Status> Keyboard::type_in_turn(const std::vector<uint32_t>& symbols, Millis delay) {
  size_t done = 0;
  while (done < symbols.size()) {
    auto ready = co_await prepare(symbols, done, true);
    if (!ready) co_return std::unexpected(std::move(ready).error());
    size_t end = done + *ready;
    while (done < end) {
      size_t count = delay > Millis(0) ? 1 : std::min(kBurst, end - done);
      std::span part(symbols.begin() + static_cast<ptrdiff_t>(done), count);
      CO_TRY_VOID(co_await input_.server.run([part](Connection& x) { return strike_all(x, part); }));
      done += count;
      last_use_ = std::chrono::steady_clock::now();
      co_await Loop::current().sleep_for(delay > Millis(0) ? delay : kBreath);
    }
  }
  co_return Status{};
}

Task<Status> Keyboard::press(Chord chord) {
  auto turn = co_await input_.turns.mine();
  std::vector<uint32_t> symbols = std::move(chord.modifiers);
  symbols.push_back(chord.key);
  auto ready = co_await prepare(symbols, 0, false);
  if (!ready) co_return std::unexpected(std::move(ready).error());
  const auto& all = symbols;
  auto keys = co_await input_.server.run([&all](Connection& x) { return chord_keys(x, all); });
  if (!keys) co_return std::unexpected(std::move(keys).error());
  const auto& down = *keys;
  Status pressed = co_await input_.server.run([&down](Connection& x) { return set_keys(x, down, true); });
  co_await Loop::current().sleep_for(kHeld);
  Status released = co_await input_.server.run([&down](Connection& x) { return set_keys(x, down, false); });
  if (!pressed) co_return pressed;
  co_return released;
}

Task<Status> Keyboard::hold(uint32_t symbol) {
  auto turn = co_await input_.turns.mine();
  std::vector<uint32_t> symbols = {symbol};
  auto ready = co_await prepare(symbols, 0, false);
  if (!ready) co_return std::unexpected(std::move(ready).error());
  co_return co_await input_.server.run([symbol](Connection& x) -> Status {
    TRY(auto keys, chord_keys(x, {symbol}));
    x.held[symbol] = keys[0];
    return set_keys(x, keys, true);
  });
}

Task<Status> Keyboard::let_go(uint32_t symbol) {
  auto turn = co_await input_.turns.mine();
  co_return co_await input_.server.run([symbol](Connection& x) -> Status {
    TRY(KeyMap map, current_map(x));
    auto held = x.held.find(symbol);
    // One that an earlier process of ours held is found by the map.
    xcb_keycode_t key = held == x.held.end() ? map.plain(symbol) : held->second;
    if (held != x.held.end()) x.held.erase(held);
    if (key == 0) return {};
    return set_keys(x, {key}, false);
  });
}

}  // namespace dt::desktop
