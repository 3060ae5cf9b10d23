#include "libs/net/http_server.h"

#include <fmt/core.h>

#include "libs/base/log.h"
#include "libs/base/text.h"
#include "libs/net/server_impl.h"
#include "libs/net/stream_impl.h"

namespace dt {
namespace {

// Time that requests get after the drain deadline to notice their cancellation.
constexpr Millis kAfterCancel{2'000};

std::string json_text(std::string_view text) {
  std::string out;
  for (char c : replace_invalid_utf8(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

Response default_error(const Error& error) {
  int status = http_status(error.code);
  return Response::json(status,
                        fmt::format(R"({{"statusCode":{},"error":"{}","message":"{}","code":"{}"}})", status,
                                    reason_phrase(status), json_text(error.message), wire_name(error.code)));
}

struct Registration {
  std::vector<Listener*>& list;
  Listener& listener;
  Registration(std::vector<Listener*>& l, Listener& which) : list(l), listener(which) {
    list.push_back(&listener);
  }
  Registration(const Registration&) = delete;
  ~Registration() { std::erase(list, &listener); }
};

}  // namespace

Response HttpServer::Impl::error_response(const Error& error) const {
  return owner->on_error ? owner->on_error(error) : default_error(error);
}

HttpServer::HttpServer(Handler handler, HttpLimits limits) : impl_(std::make_unique<Impl>()) {
  impl_->owner = this;
  impl_->handler = std::move(handler);
  impl_->limits = limits;
}

HttpServer::~HttpServer() { impl_->scope.stop_now(); }

size_t HttpServer::open_connections() const { return impl_->connections.size(); }

Task<void> HttpServer::serve(Listener& listener) {
  Impl& s = *impl_;
  Registration registration(s.listeners, listener);
  while (!s.draining) {
    if (s.connections.size() >= s.limits.connections) {
      s.changed.reset();
      co_await s.changed.wait();
      continue;
    }
    auto stream = co_await listener.accept();
    if (stream) {
      s.scope.spawn(detail::ServerConnection::run(s, std::move(*stream)));
      co_await detail::FairShare{};
      continue;
    }
    if (stream.error().code == Code::cancelled) break;
    log::error("accept failed", {{"error", stream.error().message}});
    co_await Loop::current().sleep_for(Millis(100));
  }
}

void HttpServer::adopt(Stream connection) {
  impl_->scope.spawn(detail::ServerConnection::run(*impl_, std::move(connection)));
}

Task<void> HttpServer::drain(Mono deadline) {
  Impl& s = *impl_;
  s.draining = true;
  for (Listener* listener : s.listeners) listener->close();
  s.changed.set();
  std::vector<detail::ServerConnection*> all(s.connections.begin(), s.connections.end());
  for (detail::ServerConnection* connection : all) connection->close_if_idle();
  bool forced = false;
  while (!s.connections.empty()) {
    s.changed.reset();
    bool progress = co_await s.changed.wait(deadline);
    if (progress) continue;
    if (forced) {
      log::warn("requests did not end after the drain deadline", {{"connections", s.connections.size()}});
      s.scope.stop_now();
      break;
    }
    forced = true;
    deadline = after(kAfterCancel);
    all.assign(s.connections.begin(), s.connections.end());
    for (detail::ServerConnection* connection : all)
      if (s.connections.contains(connection)) connection->close_now();
  }
}

}  // namespace dt
