// What every case needs: the public API of a running server, and the words of the command line.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "bench/measure.h"
#include "libs/net/http_client.h"

namespace dt::bench {

struct Options {
  Endpoint api, proxy;
  std::string key, which;
  int n = 50;
  std::string tier = "cold";
  std::string sockets;     // directory of the daemons' sockets
  std::string shell;       // the sandbox's shell as a file of this host
  std::string sandbox;     // an existing one; empty: the case makes its own
  std::vector<int> sizes;  // MiB
  std::vector<std::pair<std::string, std::string>> references;  // name, shell command
  CpuTime cpu;
};

class Client {
 public:
  explicit Client(Options options) : o(std::move(options)) {}

  // Fails, and says why on stderr, for statuses from 300 on.
  Task<Result<HttpClient::Reply>> call(const Endpoint& to, std::string method, std::string target,
                                       std::string body = {});
  Task<Result<HttpClient::Reply>> toolbox(const std::string& id, std::string method, std::string path,
                                          std::string body = {});
  Task<std::string> make();  // the id of a started sandbox, empty: failed
  Task<bool> remove(const std::string& id);
  Task<bool> wait_for(const std::string& id, std::string state);
  Task<bool> execute(const std::string& id, std::string command, std::string expected);
  // A file of `mib` MiB in lines of 100 bytes, on the sandbox's disk.
  Task<bool> make_lines(const std::string& id, int mib, std::string path);
  Endpoint daemon(const std::string& id) const;  // its socket, without proxy and runner

  Options o;
  HttpClient http;
  CallContext ctx;
  int failures = 0;
};

// Each prints its rows and counts in client.failures.
Task<void> bench_create(Client& client);
Task<void> bench_create_exec(Client& client);
Task<void> bench_burst(Client& client);
Task<void> bench_get(Client& client);
Task<void> bench_stop_start(Client& client);
Task<void> bench_exec(Client& client);
Task<void> bench_exec_rate(Client& client);
Task<void> bench_session(Client& client);
Task<void> bench_pty(Client& client);
Task<void> bench_log(Client& client);
Task<void> bench_upload(Client& client);
Task<void> bench_upload_chunked(Client& client);
Task<void> bench_download(Client& client);

}  // namespace dt::bench
