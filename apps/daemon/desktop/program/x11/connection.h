// A connection to an X server on this machine, and what is asked of it everywhere: atoms, properties, which
// extensions there are. Every call may block for as long as the server takes; XServer (x_server.h) sees to it
// that this has an end. One thread at a time.
#pragma once
#include <xcb/xcb.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "apps/daemon/desktop/program/x11/shared_image.h"
#include "libs/base/fd.h"

namespace dt::desktop {

struct FreeReply {
  void operator()(void* p) const { std::free(p); }
};
template <class T>
using Reply = std::unique_ptr<T, FreeReply>;

struct Point {
  int x = 0, y = 0;
};
struct Rect {
  int x = 0, y = 0, width = 0, height = 0;
};

// Lets another thread end what a connection waits for.
class Breaker {
 public:
  Status hold(int socket);  // keeps a duplicate
  void cut();               // any thread; the connection fails from now on
 private:
  std::mutex mutex_;
  Fd socket_;
};

class Connection {
 public:
  // `display` as in $DISPLAY: ":0", ":1.0", "unix:2". Cookies come from $XAUTHORITY or ~/.Xauthority. The
  // error says what to do. `breaker` must outlive the connection.
  static Result<std::unique_ptr<Connection>> open(const std::string& display, Breaker& breaker);
  ~Connection();
  Connection(const Connection&) = delete;

  xcb_connection_t* xcb() const { return xcb_; }
  const xcb_screen_t& screen() const { return *screen_; }
  xcb_window_t root() const { return screen_->root; }
  const xcb_setup_t& setup() const { return *xcb_get_setup(xcb_); }
  bool broken() const;                         // after reading what the server sent meanwhile
  bool has(xcb_extension_t& extension) const;  // the server has it
  xcb_atom_t atom(const std::string& name);    // 0 when the connection is broken
  // Until the server has done everything that was asked of it before. Fails when the connection is broken.
  Status sync();
  Error lost() const;  // what a request reports when a reply does not come

  // Data of a window's property; empty when it has none. At most 64 KiB.
  std::string property(xcb_window_t window, xcb_atom_t name, xcb_atom_t type = XCB_GET_PROPERTY_TYPE_ANY);

  SharedImage image;                               // where screenshots go
  std::map<xcb_keysym_t, xcb_keycode_t> held;      // keys that are down until a request lets them go
  std::map<xcb_keysym_t, xcb_keycode_t> remapped;  // spare keys that we gave a symbol (key_map.h)

 private:
  Connection(xcb_connection_t* xcb, xcb_screen_t* screen, std::string display)
      : xcb_(xcb), screen_(screen), display_(std::move(display)) {}
  xcb_connection_t* xcb_;
  xcb_screen_t* screen_;
  std::string display_;
  std::map<std::string, xcb_atom_t> atoms_;
};

}  // namespace dt::desktop
