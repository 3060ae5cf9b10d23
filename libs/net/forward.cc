// Reverse proxying of one request.
#include <array>

#include "libs/base/text.h"
#include "libs/net/client_impl.h"

namespace dt {
namespace {

constexpr std::array<std::string_view, 9> kHopByHop = {
    "Connection",        "Keep-Alive", "Proxy-Connection",   "TE", "Trailer", "Proxy-Authenticate",
    "Transfer-Encoding", "Upgrade",    "Proxy-Authorization"};

bool hop_by_hop(std::string_view name, const std::vector<std::string>& named) {
  for (std::string_view hop : kHopByHop)
    if (iequals(name, hop)) return true;
  for (const std::string& hop : named)
    if (iequals(name, hop)) return true;
  return false;
}

Headers end_to_end(const Headers& in) {
  std::vector<std::string> named;
  for (const auto& [name, value] : in.all()) {
    if (!iequals(name, "Connection")) continue;
    for (std::string_view part : split(value, ',')) named.emplace_back(trim(part));
  }
  Headers out;
  for (const auto& [name, value] : in.all())
    if (!hop_by_hop(name, named)) out.add(name, value);
  return out;
}

void add_forwarded(Headers& headers, const Request& request) {
  if (request.peer != "unix") {
    std::string chain(headers.get_or("X-Forwarded-For"));
    chain += (chain.empty() ? "" : ", ") + request.peer;
    headers.set("X-Forwarded-For", std::move(chain));
  }
  if (!headers.get("X-Forwarded-Host")) headers.set("X-Forwarded-Host", std::string(headers.get_or("Host")));
}

std::optional<std::string> wanted_upgrade(const Headers& headers) {
  if (!headers.has_token("Connection", "upgrade")) return std::nullopt;
  auto protocol = headers.get("Upgrade");
  if (!protocol) return std::nullopt;
  return std::string(*protocol);
}

Error gateway_error(Error e) {
  switch (e.code) {
    case Code::timeout:
      e.code = Code::gateway_timeout;
      break;
    case Code::unavailable:
    case Code::cancelled:
      break;
    default:
      e.code = Code::bad_gateway;
  }
  return e;
}

// Owns its error so that a failing client body is not blamed on the other side.
class SourceReader final : public BodyReader {
 public:
  explicit SourceReader(BodyReader& body) : body_(body) {}
  Task<Result<std::string_view>> next() override {
    auto piece = co_await body_.next();
    if (!piece) failure = piece.error();
    co_return piece;
  }
  std::optional<uint64_t> length() const override { return body_.length(); }
  std::optional<Raw> raw() override { return body_.raw(); }
  void raw_moved(uint64_t bytes) override { body_.raw_moved(bytes); }
  std::optional<Error> failure;

 private:
  BodyReader& body_;
};

ClientRequest upstream_request(Request& request, ForwardOptions& options, SourceReader* body) {
  ClientRequest out;
  out.method = request.method;
  out.target = std::move(options.target);
  out.headers = end_to_end(request.headers);
  out.headers.remove("Expect");
  add_forwarded(out.headers, request);
  if (auto protocol = wanted_upgrade(request.headers)) {
    out.headers.set("Connection", "Upgrade");
    out.headers.set("Upgrade", std::move(*protocol));
  }
  if (options.edit_request) options.edit_request(out.headers);
  out.body_reader = body;
  out.duplex = true;
  return out;
}

Task<void> pump_upgraded(ClientResponse upstream, Stream& client, std::string from_client) {
  std::string from_upstream = upstream.take_buffered();
  auto down = co_await client.write_all(from_upstream);
  auto up = co_await upstream.upgraded().write_all(from_client);
  if (down && up) co_await pump_both(client, upstream.upgraded());
}

// Small bodies are read first, so that the request can be sent again when a kept connection turns out to be
// closed.
constexpr uint64_t kReplayable = 64 * 1024;

Task<Status> take_small_body(Request& request, ClientRequest& outgoing) {
  auto length = request.body->length();
  if (!length || *length == 0 || *length > kReplayable) co_return Status{};
  auto text = co_await request.body->read_all(kReplayable);
  if (!text) co_return std::unexpected(std::move(text).error());
  outgoing.body = std::move(*text);
  outgoing.body_reader = nullptr;
  outgoing.duplex = false;
  co_return Status{};
}

// The pieces that a streamed answer needs until its end.
struct Streamed {
  ClientResponse upstream;
  std::unique_ptr<SourceReader> source;
};

}  // namespace

Task<Result<Response>> forward(HttpClient& client, Request& request, Endpoint to, ForwardOptions options) {
  auto source = std::make_unique<SourceReader>(*request.body);
  bool has_body = request.body->length() != 0u;
  ClientRequest outgoing = upstream_request(request, options, has_body ? source.get() : nullptr);
  Status taken = co_await take_small_body(request, outgoing);
  if (!taken) co_return std::unexpected(std::move(taken).error());
  auto answer = co_await client.send(request.ctx, to, std::move(outgoing));
  if (!answer && source->failure) co_return std::unexpected(std::move(*source->failure));
  if (!answer) co_return std::unexpected(gateway_error(std::move(answer).error()));
  bool unasked = answer->status == 101 && !wanted_upgrade(request.headers);
  if (unasked) co_return fail(Code::bad_gateway, "the connection was upgraded without being asked to");

  Response out;
  out.status = answer->status;
  out.headers = end_to_end(answer->headers);
  if (answer->status == 101) {
    out.headers.set("Connection", "Upgrade");
    out.headers.set("Upgrade", std::string(answer->headers.get_or("Upgrade")));
  }
  if (options.edit_response) options.edit_response(out.headers);
  if (answer->status == 101) {
    // The cancellation of the request is not that of the upgraded connection: its end comes with the streams.
    out.upgrade = [up = std::move(*answer)](Stream& stream, std::string buffered) mutable {
      return pump_upgraded(std::move(up), stream, std::move(buffered));
    };
    co_return std::move(out);
  }
  detail::MessageBody& body = answer->impl->body;
  bool done = body.length() == 0u;
  if (done) co_return std::move(out);
  if (!answer->impl->sending && body.buffered()) {
    auto text = co_await body.read_all(detail::ReadBuffer::kLarge * 2);
    if (!text) co_return std::unexpected(gateway_error(std::move(text).error()));
    out.body = std::move(*text);
    co_return std::move(out);
  }
  out.stream = [s = Streamed{std::move(*answer), std::move(source)}](BodyWriter& writer) mutable {
    return writer.write_from(s.upstream.body());
  };
  co_return std::move(out);
}

}  // namespace dt
