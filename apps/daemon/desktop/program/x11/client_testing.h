// For tests: a program on the X server, with one window, that takes down what it gets. It handles keys as
// toolkits do: after a notice that the map has changed it asks for the map when it handles the next key.
#pragma once
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <xcb/xcb.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "apps/daemon/desktop/program/x11/connection.h"

namespace dt::desktop {

class XClient {
 public:
  struct Event {
    uint8_t type = 0;     // XCB_KEY_PRESS, …
    uint32_t detail = 0;  // the key's symbol, or the button
    uint16_t state = 0;   // modifiers and buttons before it
    Point at;
    bool operator==(const Event& other) const { return type == other.type && detail == other.detail; }
    friend std::ostream& operator<<(std::ostream& out, const Event& e) {
      return out << "{type " << int{e.type} << ", " << e.detail << "}";
    }
  };

  // Covers `area`; every window manager leaves it alone.
  XClient(const std::string& display, Rect area, const std::string& title = "")
      : xcb_(xcb_connect(display.c_str(), nullptr)), wake_(::eventfd(0, EFD_CLOEXEC)) {
    CHECK(!xcb_connection_has_error(xcb_));
    screen_ = xcb_setup_roots_iterator(xcb_get_setup(xcb_)).data;
    window_ = xcb_generate_id(xcb_);
    uint32_t values[] = {screen_->black_pixel, 1,
                         XCB_EVENT_MASK_KEY_PRESS | XCB_EVENT_MASK_KEY_RELEASE | XCB_EVENT_MASK_BUTTON_PRESS |
                             XCB_EVENT_MASK_BUTTON_RELEASE | XCB_EVENT_MASK_POINTER_MOTION |
                             XCB_EVENT_MASK_EXPOSURE};
    xcb_create_window(xcb_, XCB_COPY_FROM_PARENT, window_, screen_->root, static_cast<int16_t>(area.x),
                      static_cast<int16_t>(area.y), static_cast<uint16_t>(area.width),
                      static_cast<uint16_t>(area.height), 0, XCB_WINDOW_CLASS_INPUT_OUTPUT,
                      screen_->root_visual, XCB_CW_BACK_PIXEL | XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK,
                      values);
    set_text(window_, XCB_ATOM_WM_NAME, XCB_ATOM_STRING, title);
    xcb_map_window(xcb_, window_);
    xcb_set_input_focus(xcb_, XCB_INPUT_FOCUS_POINTER_ROOT, window_, XCB_CURRENT_TIME);
    sync();
    read_map();
    reader_ = std::thread([this] { read(); });
  }
  XClient(const XClient&) = delete;
  ~XClient() {
    uint64_t one = 1;
    EXPECT_EQ(::write(wake_.get(), &one, sizeof one), ssize_t{sizeof one});
    reader_.join();
    xcb_disconnect(xcb_);
  }

  xcb_connection_t* xcb() const { return xcb_; }
  xcb_window_t window() const { return window_; }
  xcb_window_t root() const { return screen_->root; }

  void sync() { std::free(xcb_get_input_focus_reply(xcb_, xcb_get_input_focus(xcb_), nullptr)); }

  void fill(Rect area, uint32_t rgb) {
    xcb_gcontext_t context = xcb_generate_id(xcb_);
    xcb_create_gc(xcb_, context, window_, XCB_GC_FOREGROUND, &rgb);
    xcb_rectangle_t box{static_cast<int16_t>(area.x), static_cast<int16_t>(area.y),
                        static_cast<uint16_t>(area.width), static_cast<uint16_t>(area.height)};
    xcb_poly_fill_rectangle(xcb_, window_, context, 1, &box);
    xcb_free_gc(xcb_, context);
    sync();
  }

  xcb_atom_t atom(const std::string& name) {
    auto cookie = xcb_intern_atom(xcb_, 0, static_cast<uint16_t>(name.size()), name.c_str());
    Reply<xcb_intern_atom_reply_t> reply(xcb_intern_atom_reply(xcb_, cookie, nullptr));
    return reply->atom;
  }
  void set_text(xcb_window_t window, xcb_atom_t name, xcb_atom_t type, const std::string& text) {
    xcb_change_property(xcb_, XCB_PROP_MODE_REPLACE, window, name, type, 8,
                        static_cast<uint32_t>(text.size()), text.data());
  }
  void set_windows(xcb_window_t window, const std::string& name, const std::vector<xcb_window_t>& list) {
    xcb_change_property(xcb_, XCB_PROP_MODE_REPLACE, window, atom(name), XCB_ATOM_WINDOW, 32,
                        static_cast<uint32_t>(list.size()), list.data());
    sync();
  }
  // Symbols of one key, for both levels of both groups.
  void set_key(xcb_keycode_t key, std::vector<xcb_keysym_t> symbols) {
    xcb_change_keyboard_mapping(xcb_, 1, key, static_cast<uint8_t>(symbols.size()), symbols.data());
    sync();
  }
  std::vector<xcb_keysym_t> key_symbols(xcb_keycode_t key) {
    Reply<xcb_get_keyboard_mapping_reply_t> reply(
        xcb_get_keyboard_mapping_reply(xcb_, xcb_get_keyboard_mapping(xcb_, key, 1), nullptr));
    const xcb_keysym_t* all = xcb_get_keyboard_mapping_keysyms(reply.get());
    return {all, all + reply->keysyms_per_keycode};
  }

  // The events so far without motion, once there are so many (or no more come); forgets them.
  std::vector<Event> take(size_t count) {
    return take_where(count, [](const Event& e) { return e.type != XCB_MOTION_NOTIFY; });
  }
  std::vector<Event> take_motion(size_t count) {
    return take_where(count, [](const Event& e) { return e.type == XCB_MOTION_NOTIFY; });
  }
  // What was typed, Enter as a new line; keys that give no text are left out.
  std::u32string take_text(size_t characters) {
    std::u32string out;
    for (const Event& e : take_where(characters, [this](const Event& x) { return text_of(x) != 0; }))
      out += text_of(e);
    return out;
  }

 private:
  char32_t text_of(const Event& e) const {
    if (e.type != XCB_KEY_PRESS) return 0;
    if (e.detail == 0xff0d) return '\n';
    if (e.detail & 0x01000000) return e.detail & 0xffffff;
    if (e.detail > 0xff) return 0;
    bool small =
        (e.detail >= 'a' && e.detail <= 'z') || (e.detail >= 0xe0 && e.detail <= 0xfe && e.detail != 0xf7);
    return (e.state & XCB_MOD_MASK_LOCK) && small ? e.detail - 32 : e.detail;
  }

  template <class Wanted>
  std::vector<Event> take_where(size_t count, Wanted wanted) {
    std::unique_lock lock(mutex_);
    // The limit only bounds a failing test.
    changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      return std::ranges::count_if(events_, wanted) >= static_cast<ptrdiff_t>(count);
    });
    std::vector<Event> out;
    std::ranges::copy_if(events_, std::back_inserter(out), wanted);
    events_.clear();
    return out;
  }

  void read_map() {
    auto first = xcb_get_setup(xcb_)->min_keycode;
    auto count = static_cast<uint8_t>(xcb_get_setup(xcb_)->max_keycode - first + 1);
    Reply<xcb_get_keyboard_mapping_reply_t> reply(
        xcb_get_keyboard_mapping_reply(xcb_, xcb_get_keyboard_mapping(xcb_, first, count), nullptr));
    first_ = first;
    width_ = reply->keysyms_per_keycode;
    const xcb_keysym_t* all = xcb_get_keyboard_mapping_keysyms(reply.get());
    map_.assign(all, all + width_ * count);
    stale_ = false;
  }
  xcb_keysym_t symbol(xcb_keycode_t key, uint16_t state) {
    if (stale_) read_map();
    const xcb_keysym_t* row = &map_[static_cast<size_t>(key - first_) * width_];
    xcb_keysym_t shifted = width_ > 1 ? row[1] : 0;
    return (state & XCB_MOD_MASK_SHIFT) && shifted ? shifted : row[0];
  }

  void read() {
    pollfd ready[] = {{xcb_get_file_descriptor(xcb_), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    while (!ready[1].revents && !xcb_connection_has_error(xcb_)) {
      while (auto event = Reply<xcb_generic_event_t>(xcb_poll_for_event(xcb_))) handle(*event);
      ::poll(ready, 2, 20);  // replies that others wait for bring events along unseen
    }
  }
  void handle(const xcb_generic_event_t& event) {
    uint8_t type = event.response_type & 0x7f;
    if (type == XCB_MAPPING_NOTIFY) stale_ = true;
    // Keys, buttons and motion have the same layout.
    const auto& e = reinterpret_cast<const xcb_key_press_event_t&>(event);
    if (type < XCB_KEY_PRESS || type > XCB_MOTION_NOTIFY) return;
    bool key = type == XCB_KEY_PRESS || type == XCB_KEY_RELEASE;
    Event out{type, key ? symbol(e.detail, e.state) : e.detail, e.state, {e.root_x, e.root_y}};
    std::lock_guard lock(mutex_);
    events_.push_back(out);
    changed_.notify_all();
  }

  xcb_connection_t* xcb_;
  Fd wake_;
  xcb_screen_t* screen_ = nullptr;
  xcb_window_t window_ = 0;
  size_t first_ = 0, width_ = 0;  // of the map; the reader's
  std::vector<xcb_keysym_t> map_;
  bool stale_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  std::thread reader_;
};

}  // namespace dt::desktop
