// Bytes through the proxy beside the same bytes through one TCP connection over loopback. --n is MiB here.
#include <algorithm>
#include <cstdio>

#include "bench/client.h"
#include "bench/reference.h"

namespace dt::bench {
namespace {

constexpr int kRounds = 5;

// A form with one file, as curl sends it.
class Form final : public BodyReader {
 public:
  Form(size_t bytes, bool chunked) : left_(bytes) {
    if (!chunked) length_ = head_.size() + bytes + tail_.size();
  }
  static std::string type() { return std::string("multipart/form-data; boundary=") + kBoundary; }
  Task<Result<std::string_view>> next() override {
    if (stage_ == 0) {
      stage_ = 1;
      co_return head_;
    }
    if (left_ > 0) {
      size_t n = std::min(left_, block_.size());
      left_ -= n;
      co_return std::string_view(block_).substr(0, n);
    }
    if (stage_ == 2) co_return std::string_view();
    stage_ = 2;
    co_return tail_;
  }
  std::optional<uint64_t> length() const override { return length_; }

 private:
  static constexpr const char* kBoundary = "------------------------benchboundary";
  std::string head_ = std::string("--") + kBoundary +
                      "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"blob\"\r\n\r\n";
  std::string block_ = std::string(256 * 1024, 'x');
  std::string tail_ = std::string("\r\n--") + kBoundary + "--\r\n";
  size_t left_;
  std::optional<uint64_t> length_;
  int stage_ = 0;
};

Task<bool> put(Client& client, const std::string& id, size_t bytes, bool chunked) {
  Form form(bytes, chunked);
  ClientRequest request;
  request.method = "POST";
  request.target = "/toolbox/" + id + "/files/upload?path=/tmp/blob";
  request.headers.set("Authorization", "Bearer " + client.o.key);
  request.headers.set("Content-Type", Form::type());
  request.body_reader = &form;
  auto reply = co_await client.http.call(client.ctx, client.o.proxy, std::move(request));
  bool ok = reply && reply->status < 300;
  if (!ok) std::fprintf(stderr, "upload: %s\n", reply ? reply->body.c_str() : reply.error().message.c_str());
  co_return ok;
}

Task<bool> get(Client& client, const std::string& id, size_t bytes) {
  ClientRequest request;
  request.target = "/toolbox/" + id + "/files/download?path=/tmp/blob";
  request.headers.set("Authorization", "Bearer " + client.o.key);
  auto response = co_await client.http.send(client.ctx, client.o.proxy, std::move(request));
  if (!response || response->status != 200) co_return false;
  for (size_t total = 0;;) {
    auto piece = co_await response->body().next();
    if (!piece) co_return false;
    if (piece->empty()) co_return total == bytes;
    total += piece->size();
  }
}

double rate_of(size_t bytes, double ms) { return static_cast<double>(bytes) / 1e3 / ms; }

Task<void> transfer(Client& client, std::string name, bool up, bool chunked) {
  const size_t bytes = static_cast<size_t>(client.o.n) << 20;
  std::string id = client.o.sandbox;
  if (id.empty()) id = co_await client.make();
  size_t failed = 0;
  Samples ours, theirs;
  double cpu = 0;
  bool ready = co_await put(client, id, bytes, chunked);
  for (int i = 0; ready && i < kRounds; ++i) {
    Stopwatch watch(client.o.cpu);
    bool ok = up ? co_await put(client, id, bytes, chunked) : co_await get(client, id, bytes);
    if (!ok) ++failed;
    ours.add(rate_of(bytes, watch.ms()));
    cpu += watch.cpu_ms() / kRounds;
    theirs.add(loopback_rate(bytes));
  }
  if (!ready) ++failed;
  client.failures += static_cast<int>(failed);
  print_rate(Row{name, "warm", "TCP loopback copy", cpu}, ours.size(), failed, ours.percentile(50),
             theirs.percentile(50), "MB/s");
  if (client.o.sandbox.empty()) co_await client.remove(id);
}

}  // namespace

Task<void> bench_upload(Client& client) { return transfer(client, "upload", true, false); }
Task<void> bench_upload_chunked(Client& client) { return transfer(client, "upload_chunked", true, true); }
Task<void> bench_download(Client& client) { return transfer(client, "download", false, false); }

}  // namespace dt::bench
