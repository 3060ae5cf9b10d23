#include "apps/daemon/desktop/program/x11/connection.h"

#include <X11/Xauth.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "libs/base/text.h"

namespace dt::desktop {
namespace {

constexpr std::string_view kCookie = "MIT-MAGIC-COOKIE-1";
constexpr uint32_t kPropertyWords = 16 * 1024;

struct DisplayName {
  int number = 0, screen = 0;
};

Result<DisplayName> parse_display(const std::string& text) {
  auto wrong =
      fail(Code::bad_request, "cannot open display \"" + text +
                                  "\": DISPLAY must name an X server of this sandbox, such as \":0\"");
  std::string_view rest = text;
  if (rest.starts_with("unix")) rest.remove_prefix(4);
  if (!rest.starts_with(":")) return wrong;
  auto parts = split(rest.substr(1), '.');
  auto number = parse_int(parts[0]);
  auto screen = parts.size() == 2 ? parse_int(parts[1]) : std::optional<int64_t>(0);
  if (parts.size() > 2 || !number || !screen || *number < 0 || *number > 65535 || *screen < 0 ||
      *screen > 255)
    return wrong;
  return DisplayName{static_cast<int>(*number), static_cast<int>(*screen)};
}

// The server listens on an abstract name, a path, or both.
int connect_local(int fd, const std::string& path, bool abstract) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + (abstract ? 1 : 0), path.data(), path.size());
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return ::connect(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 ? 0 : errno;
}

Result<Fd> connect_display(const std::string& display, int number) {
  std::string path = "/tmp/.X11-unix/X" + std::to_string(number);
  int err = 0;
  for (bool abstract : {true, false}) {
    // Non-blocking: a server that accepts nobody makes this fail rather than wait.
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail_errno("socket");
    err = connect_local(fd.get(), path, abstract);
    if (err == 0) return fd;
  }
  if (err == EAGAIN)
    return fail(Code::bad_request, "cannot open display \"" + display + "\": the X server is not answering");
  return fail(
      Code::bad_request,
      "cannot open display \"" + display +
          "\": no X server is running there; start the desktop with POST /computeruse/start, or set DISPLAY");
}

// The cookie of this display, if there is one. libXau keeps a path in a static buffer.
std::unique_ptr<Xauth, void (*)(Xauth*)> find_cookie(int number) {
  static std::mutex one_at_a_time;
  std::lock_guard lock(one_at_a_time);
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  std::string digits = std::to_string(number);
  return {::XauGetAuthByAddr(FamilyLocal, static_cast<unsigned short>(std::strlen(host)), host,
                             static_cast<unsigned short>(digits.size()), digits.c_str(),
                             static_cast<unsigned short>(kCookie.size()), kCookie.data()),
          [](Xauth* found) {
            if (found) ::XauDisposeAuth(found);
          }};
}

xcb_screen_t* screen_of(xcb_connection_t* xcb, int number) {
  auto all = xcb_setup_roots_iterator(xcb_get_setup(xcb));
  for (; all.rem > 0 && number > 0; --number) xcb_screen_next(&all);
  return all.rem > 0 ? all.data : nullptr;
}

}  // namespace

Status Breaker::hold(int socket) {
  std::lock_guard lock(mutex_);
  socket_.reset(::fcntl(socket, F_DUPFD_CLOEXEC, 3));
  if (!socket_) return fail_errno("duplicate a socket");
  return {};
}

void Breaker::cut() {
  std::lock_guard lock(mutex_);
  if (socket_) ::shutdown(socket_.get(), SHUT_RDWR);
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& display, Breaker& breaker) {
  TRY(DisplayName name, parse_display(display));
  TRY(Fd socket, connect_display(display, name.number));
  TRY_VOID(breaker.hold(socket.get()));
  auto cookie = find_cookie(name.number);
  xcb_auth_info_t auth{};
  if (cookie) auth = {cookie->name_length, cookie->name, cookie->data_length, cookie->data};
  xcb_connection_t* xcb = xcb_connect_to_fd(socket.release(), cookie ? &auth : nullptr);
  xcb_screen_t* screen = xcb_connection_has_error(xcb) ? nullptr : screen_of(xcb, name.screen);
  if (!screen) {
    xcb_disconnect(xcb);
    return fail(Code::bad_request,
                "cannot open display \"" + display +
                    "\": the X server refused the connection or does not answer; look at XAUTHORITY and the "
                    "server's log");
  }
  // Makes room for requests of any size; asked for now, so that nothing waits for it later.
  xcb_prefetch_maximum_request_length(xcb);
  return std::unique_ptr<Connection>(new Connection(xcb, screen, display));
}

Connection::~Connection() {
  image.detach(xcb_);
  xcb_disconnect(xcb_);
}

bool Connection::broken() const {
  while (xcb_generic_event_t* event = xcb_poll_for_event(xcb_)) std::free(event);
  return xcb_connection_has_error(xcb_) != 0;
}

bool Connection::has(xcb_extension_t& extension) const {
  const xcb_query_extension_reply_t* data = xcb_get_extension_data(xcb_, &extension);
  return data && data->present;
}

xcb_atom_t Connection::atom(const std::string& name) {
  auto known = atoms_.find(name);
  if (known != atoms_.end()) return known->second;
  auto cookie = xcb_intern_atom(xcb_, 0, static_cast<uint16_t>(name.size()), name.data());
  Reply<xcb_intern_atom_reply_t> reply(xcb_intern_atom_reply(xcb_, cookie, nullptr));
  return reply ? atoms_[name] = reply->atom : 0;
}

Status Connection::sync() {
  Reply<xcb_get_input_focus_reply_t> reply(
      xcb_get_input_focus_reply(xcb_, xcb_get_input_focus(xcb_), nullptr));
  if (!reply) return std::unexpected(lost());
  return {};
}

Error Connection::lost() const {
  if (xcb_connection_has_error(xcb_))
    return {Code::bad_request, "the X server of display \"" + display_ + "\" went away or stopped answering"};
  return {Code::bad_request, "the X server of display \"" + display_ + "\" refused a request"};
}

std::string Connection::property(xcb_window_t window, xcb_atom_t name, xcb_atom_t type) {
  auto cookie = xcb_get_property(xcb_, 0, window, name, type, 0, kPropertyWords);
  Reply<xcb_get_property_reply_t> reply(xcb_get_property_reply(xcb_, cookie, nullptr));
  if (!reply) return {};
  auto size = static_cast<size_t>(xcb_get_property_value_length(reply.get()));
  return {static_cast<const char*>(xcb_get_property_value(reply.get())), size};
}

}  // namespace dt::desktop
