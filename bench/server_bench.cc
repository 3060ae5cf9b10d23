// Benches of a running server through its public API, each beside a reference in alternation.
//   server_bench --api HOST:PORT --proxy HOST:PORT --key KEY --case NAME --n N [--reference NAME=COMMAND]...
// Prints one JSON object a line. bench/run starts the server and calls this.
#include <cstdio>
#include <cstdlib>

#include "bench/client.h"
#include "libs/base/text.h"

namespace dt::bench {
namespace {

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string name = argv[i], value = argv[i + 1];
    if (name == "--api") o.api = Endpoint::parse(value).value();
    if (name == "--proxy") o.proxy = Endpoint::parse(value).value();
    if (name == "--key") o.key = value;
    if (name == "--case") o.which = value;
    if (name == "--tier") o.tier = value;
    if (name == "--n") o.n = std::atoi(value.c_str());
    if (name == "--sockets") o.sockets = value;
    if (name == "--shell") o.shell = value;
    if (name == "--sandbox") o.sandbox = value;
    if (name == "--cpu") o.cpu.add_file(value);
    if (name == "--size") o.sizes.push_back(std::atoi(value.c_str()));
    if (name == "--reference")
      o.references.emplace_back(value.substr(0, value.find('=')), value.substr(value.find('=') + 1));
  }
  return o;
}

Task<int> run(Options options) {
  using Case = Task<void> (*)(Client&);
  const std::pair<std::string_view, Case> cases[] = {
      {"create", bench_create},
      {"create_exec", bench_create_exec},
      {"burst", bench_burst},
      {"get", bench_get},
      {"stop_start", bench_stop_start},
      {"exec", bench_exec},
      {"exec_rate", bench_exec_rate},
      {"session", bench_session},
      {"pty", bench_pty},
      {"log", bench_log},
      {"upload", bench_upload},
      {"upload_chunked", bench_upload_chunked},
      {"download", bench_download},
  };
  Client client(std::move(options));
  for (const auto& [name, body] : cases) {
    if (client.o.which != name) continue;
    co_await body(client);
    co_return client.failures ? 1 : 0;
  }
  std::fprintf(stderr, "no such case: %s\n", client.o.which.c_str());
  co_return 2;
}

}  // namespace
}  // namespace dt::bench

int main(int argc, char** argv) {
  dt::Loop loop;
  return loop.run_until(dt::bench::run(dt::bench::parse(argc, argv)));
}
