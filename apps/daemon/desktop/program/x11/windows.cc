#include <cstring>

#include "apps/daemon/desktop/program/x11/screen.h"
#include "libs/base/text.h"

namespace dt::desktop {
namespace {

std::string from_latin1(std::string_view text) {
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

std::string title_of(Connection& x, xcb_window_t window) {
  std::string title = x.property(window, x.atom("_NET_WM_NAME"));
  if (!title.empty()) return replace_invalid_utf8(title);
  title = x.property(window, XCB_ATOM_WM_NAME);
  return valid_utf8(title) ? title : from_latin1(title);
}

std::vector<xcb_window_t> window_list(const std::string& bytes) {
  std::vector<xcb_window_t> out(bytes.size() / sizeof(xcb_window_t));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(xcb_window_t));
  return out;
}

// Top-level windows that can be seen and are not menus or the like.
std::vector<xcb_window_t> mapped_children(Connection& x) {
  std::vector<xcb_window_t> out;
  Reply<xcb_query_tree_reply_t> tree(
      xcb_query_tree_reply(x.xcb(), xcb_query_tree(x.xcb(), x.root()), nullptr));
  if (!tree) return out;
  const xcb_window_t* children = xcb_query_tree_children(tree.get());
  for (int i = 0; i < xcb_query_tree_children_length(tree.get()); ++i) {
    auto cookie = xcb_get_window_attributes(x.xcb(), children[i]);
    Reply<xcb_get_window_attributes_reply_t> attributes(
        xcb_get_window_attributes_reply(x.xcb(), cookie, nullptr));
    if (attributes && attributes->map_state == XCB_MAP_STATE_VIEWABLE && !attributes->override_redirect &&
        attributes->_class == XCB_WINDOW_CLASS_INPUT_OUTPUT)
      out.push_back(children[i]);
  }
  return out;
}

// The window that has the keyboard, when no window manager tells. 0: none of them.
xcb_window_t focused(Connection& x) {
  Reply<xcb_get_input_focus_reply_t> focus(
      xcb_get_input_focus_reply(x.xcb(), xcb_get_input_focus(x.xcb()), nullptr));
  xcb_window_t window = focus ? focus->focus : 0;
  while (window > 1) {  // 1: the focus follows the pointer
    Reply<xcb_query_tree_reply_t> tree(
        xcb_query_tree_reply(x.xcb(), xcb_query_tree(x.xcb(), window), nullptr));
    if (!tree || tree->parent == x.root()) return tree ? window : 0;
    window = tree->parent;
  }
  return 0;
}

// False: it has gone meanwhile.
bool place(Connection& x, Window& window) {
  auto geometry_cookie = xcb_get_geometry(x.xcb(), window.id);
  auto place_cookie = xcb_translate_coordinates(x.xcb(), window.id, x.root(), 0, 0);
  Reply<xcb_get_geometry_reply_t> geometry(xcb_get_geometry_reply(x.xcb(), geometry_cookie, nullptr));
  Reply<xcb_translate_coordinates_reply_t> place(
      xcb_translate_coordinates_reply(x.xcb(), place_cookie, nullptr));
  if (!geometry || !place) return false;
  window.geometry = {place->dst_x, place->dst_y, geometry->width, geometry->height};
  return true;
}

}  // namespace

Result<std::vector<Window>> windows(Connection& x) {
  // A list without its window manager is what that one left behind.
  bool managed = !x.property(x.root(), x.atom("_NET_SUPPORTING_WM_CHECK")).empty();
  auto listed = managed ? window_list(x.property(x.root(), x.atom("_NET_CLIENT_LIST"), XCB_ATOM_WINDOW))
                        : std::vector<xcb_window_t>();
  auto active = managed ? window_list(x.property(x.root(), x.atom("_NET_ACTIVE_WINDOW"), XCB_ATOM_WINDOW))
                        : std::vector<xcb_window_t>();
  if (!managed) {
    listed = mapped_children(x);
    active = {focused(x)};
  }
  std::vector<Window> out;
  for (xcb_window_t id : listed) {
    Window window{
        .id = id, .title = title_of(x, id), .geometry = {}, .active = !active.empty() && active[0] == id};
    if (place(x, window)) out.push_back(std::move(window));
  }
  TRY_VOID(x.sync());
  return out;
}

}  // namespace dt::desktop
