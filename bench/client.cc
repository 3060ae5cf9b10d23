#include "bench/client.h"

#include <cstdio>

#include "libs/codec/codec.h"

namespace dt::bench {
namespace {

struct Created {
  std::string id, state;
};
BOOST_DESCRIBE_STRUCT(Created, (), (id, state))

struct Command {
  std::string command;
  int64_t timeout = 300;
};
BOOST_DESCRIBE_STRUCT(Command, (), (command, timeout))

}  // namespace

Task<Result<HttpClient::Reply>> Client::call(const Endpoint& to, std::string method, std::string target,
                                             std::string body) {
  ClientRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers.set("Authorization", "Bearer " + o.key);
  if (!body.empty()) request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  auto reply = co_await http.call(ctx, to, std::move(request), size_t{64} << 20);
  if (reply && reply->status >= 300) {
    std::fprintf(stderr, "%d %s\n", reply->status, reply->body.substr(0, 300).c_str());
    co_return fail(code_from_status(reply->status), reply->body);
  }
  if (!reply) std::fprintf(stderr, "%s\n", reply.error().message.c_str());
  co_return reply;
}

Task<Result<HttpClient::Reply>> Client::toolbox(const std::string& id, std::string method, std::string path,
                                                std::string body) {
  return call(o.proxy, std::move(method), "/toolbox/" + id + path, std::move(body));
}

Task<std::string> Client::make() {
  auto reply = co_await call(o.api, "POST", "/api/sandbox", R"({"labels":{"bench":"1"}})");
  if (!reply) co_return "";
  auto created = decode<Created>(reply->body);
  co_return created && created->state == "started" ? created->id : "";
}

Task<bool> Client::remove(const std::string& id) {
  auto reply = co_await call(o.api, "DELETE", "/api/sandbox/" + id);
  co_return reply.has_value();
}

Task<bool> Client::wait_for(const std::string& id, std::string state) {
  for (int i = 0; i < 2000; ++i) {
    auto reply = co_await call(o.api, "GET", "/api/sandbox/" + id);
    auto got = reply ? decode<Created>(reply->body) : Result<Created>(Created{});
    if (got && got->state == state) co_return true;
    co_await Loop::current().sleep_for(std::chrono::milliseconds(1));
  }
  co_return false;
}

Task<bool> Client::execute(const std::string& id, std::string command, std::string expected) {
  auto reply = co_await toolbox(id, "POST", "/process/execute", encode(Command{std::move(command)}));
  co_return reply && reply->body.find(expected) != std::string::npos;
}

Task<bool> Client::make_lines(const std::string& id, int mib, std::string path) {
  std::string line(99, 'x');
  co_return co_await execute(
      id, "yes " + line + " | head -c " + std::to_string(mib) + "m >" + path + " && echo written", "written");
}

Endpoint Client::daemon(const std::string& id) const {
  return Endpoint{.host = {}, .port = 0, .unix_path = o.sockets + "/" + id + ".sock"};
}

}  // namespace dt::bench
