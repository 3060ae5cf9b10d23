#include "apps/daemon/terminal/terminal.h"

#include <boost/json.hpp>
#include <optional>

#include "apps/daemon/http/errors.h"
#include "apps/daemon/terminal/page.h"
#include "apps/daemon/terminal/utf8_text.h"
#include "libs/codec/json.h"

namespace dt::daemon {
namespace {

constexpr size_t kLargestInput = 1 << 20;   // of one message; 1009 beyond
constexpr size_t kLongestSizeRequest = 64;  // of its text
constexpr int64_t kLargestSize = 1000;

std::optional<uint16_t> dimension(const boost::json::object& object, std::string_view name) {
  auto* value = object.if_contains({name.data(), name.size()});
  if (!value || !value->is_int64()) return std::nullopt;
  int64_t number = value->get_int64();
  if (number < 1 || number > kLargestSize) return std::nullopt;
  return static_cast<uint16_t>(number);
}

class TerminalProtocol final : public PtyProtocol {
 public:
  Task<Status> greet(WebSocket& socket) override { co_return Status(); }

  Task<Status> output(WebSocket& socket, std::string_view bytes) override {
    std::string_view text = text_.take(bytes);
    if (text.empty()) co_return Status();
    co_return co_await socket.send_text(text);
  }

  Task<Status> farewell(WebSocket& socket, const PtyExit& exit) override {
    return socket.close(1000, "the shell has ended");
  }

  std::optional<WindowSize> size_request(const WebSocket::Message& message) override {
    if (message.kind != WebSocket::Kind::text || message.data.size() > kLongestSizeRequest)
      return std::nullopt;
    auto value = json::parse(message.data);
    if (!value || !value->is_object() || value->get_object().size() != 2) return std::nullopt;
    auto rows = dimension(value->get_object(), "rows");
    auto cols = dimension(value->get_object(), "cols");
    if (!rows || !cols) return std::nullopt;
    return WindowSize{.cols = *cols, .rows = *rows};
  }

 private:
  Utf8Text text_;
};

Task<void> run_shell(ProcessContext& context, PtySessions& sessions, WebSocket& socket) {
  PtyOptions options{.arguments = {}, .cwd = "/", .envs = {{"TERM", "xterm-256color"}}, .size = {}};
  auto shell = context.shells.shell();
  if (shell) options.envs["SHELL"] = *shell;
  auto session = std::make_shared<PtySession>(context, std::move(options));
  Status started = sessions.start_unlisted(session);
  if (!started) {
    auto closed = co_await socket.close(1011, "no shell: " + started.error().message);
    (void)closed;
    co_return;
  }
  struct HangUp {
    PtySession& session;
    ~HangUp() { session.hang_up(); }
  } at_end{*session};
  TerminalProtocol protocol;
  co_await PtySession::serve(session, socket, protocol);
}

}  // namespace

Task<Response> serve_terminal(ProcessContext& context, PtySessions& sessions, Request& request) {
  if (request.method != "GET" && request.method != "HEAD") co_return not_routed();
  if (request.path != "/ws") co_return terminal_file(request);
  auto upgrade = websocket_response(
      request, "", [&context, &sessions](WebSocket& socket) { return run_shell(context, sessions, socket); },
      kLargestInput);
  if (upgrade) co_return std::move(*upgrade);
  Response refused = Response::text(400, upgrade.error().message);
  refused.headers.set("Sec-WebSocket-Version", "13");
  co_return refused;
}

}  // namespace dt::daemon
