#include "apps/proxy/handover.h"

#include <cerrno>

#include "libs/contract/handover.h"
#include "libs/linux/socket.h"

namespace dt::proxy {
namespace {

Task<Result<Stream>> receive_connection(Stream& from, Mono deadline) {
  CO_TRY_VOID(co_await from.write_all(contract::kHandoverReady, deadline));
  for (;;) {
    auto message = linux_::receive_message(from.fd());
    if (message && message->fds.size() == 1) co_return Stream(std::move(message->fds[0]));
    if (message) co_return fail(Code::bad_gateway, "the runner sent no connection");
    if (message.error().sys_errno != EAGAIN) co_return std::unexpected(std::move(message).error());
    bool more = co_await from.watch().readable(deadline);
    if (!more) co_return fail(Code::timeout, "the runner sent no connection in time");
  }
}

}  // namespace

Handover::Handover(std::string socket, Secret runner_key)
    : socket_(std::move(socket)),
      key_(std::move(runner_key)),
      daemons_(HttpClient::Options{.connect = [this](const Endpoint& to, Mono deadline) {
        return connect(to.unix_path, deadline);
      }}) {}

Endpoint Handover::daemon_of(const std::string& sandbox) {
  return Endpoint{.host = {}, .port = 0, .unix_path = sandbox};
}

Task<bool> Handover::reach(const CallContext& ctx, const RunnerAddress& runner, const std::string& sandbox) {
  if (socket_.empty() || !key_.equals(runner.key)) co_return false;
  Status ready = co_await daemons_.prepare(ctx, daemon_of(sandbox));
  co_return ready.has_value();
}

Task<Result<Stream>> Handover::connect(std::string sandbox, Mono deadline) {
  ClientRequest request;
  request.target = "/sandboxes/" + sandbox + "/connection";
  request.headers.set("Connection", "Upgrade");
  request.headers.set("Upgrade", std::string(contract::kHandover));
  request.headers.set("Authorization", "Bearer " + key_.reveal());
  CallContext ctx;
  ctx.deadline = deadline;
  Endpoint runner{.host = {}, .port = 0, .unix_path = socket_};
  auto answer = co_await runner_.send(ctx, runner, std::move(request));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (answer->status != 101)
    co_return fail(Code::unavailable, "the runner refused a connection: " + std::to_string(answer->status));
  auto connection = co_await receive_connection(answer->upgraded(), deadline);
  co_return connection;
}

}  // namespace dt::proxy
