// What the proxy needs to know from the API, remembered for a short time: where a sandbox lives, who may use
// it.
#pragma once
#include <string>
#include <unordered_map>

#include "apps/proxy/proxy.h"
#include "libs/net/http_client.h"

namespace dt::proxy {

struct RunnerAddress {
  Endpoint endpoint;
  std::string key;
};

// A map whose entries expire; bounded, so that made-up ids cannot fill the memory.
template <class V>
class TtlCache {
 public:
  explicit TtlCache(size_t limit = 100'000) : limit_(limit) {}
  const V* find(const std::string& key) const {
    auto it = items_.find(key);
    return it == items_.end() || it->second.until < system_clock().mono() ? nullptr : &it->second.value;
  }
  void put(std::string key, V value, Millis ttl) {
    if (items_.size() >= limit_) items_.clear();
    items_.insert_or_assign(std::move(key), Item{std::move(value), after(ttl)});
  }
  void erase(const std::string& key) { items_.erase(key); }

 private:
  struct Item {
    V value;
    Mono until;
  };
  size_t limit_;
  std::unordered_map<std::string, Item> items_;
};

class Directory {
 public:
  explicit Directory(const ProxyConfig& config) : config_(config) {}

  Task<Result<RunnerAddress>> runner_of(const CallContext& ctx, const std::string& sandbox);
  void forget_runner(const std::string& sandbox) { runners_.erase(sandbox); }
  // Does this API key or JWT belong to somebody who may use the sandbox?
  enum class Bearer { granted, invalid, no_access };
  Task<Result<Bearer>> bearer_access(const CallContext& ctx, const std::string& sandbox,
                                     const std::string& authorization, const std::string& peer);
  Task<Result<bool>> preview_token_valid(const CallContext& ctx, const std::string& sandbox,
                                         const std::string& token);
  Task<Result<bool>> is_public(const CallContext& ctx, const std::string& sandbox);
  // The sandbox behind a signed preview token of one port; not_found when there is none.
  Task<Result<std::string>> sandbox_of_signed_token(const CallContext& ctx, const std::string& token,
                                                    int port);
  // The key of its signed file URLs, never from a cache. nullopt: there is none, or no such sandbox.
  Task<Result<std::optional<Secret>>> signing_key(const CallContext& ctx, const std::string& sandbox);
  Task<Status> touch(const CallContext& ctx, const std::string& sandbox);

 private:
  Task<Result<HttpClient::Reply>> call(const CallContext& ctx, ClientRequest request);
  // The status of the answer, 2xx or 4xx; anything else is an error.
  Task<Result<int>> ask_status(const CallContext& ctx, std::string cache_key, ClientRequest request,
                               Millis yes, Millis no);
  Task<Result<bool>> ask(const CallContext& ctx, std::string cache_key, ClientRequest request, Millis yes,
                         Millis no);
  const ProxyConfig& config_;
  HttpClient client_;
  TtlCache<RunnerAddress> runners_;
  TtlCache<int> answers_;
};

}  // namespace dt::proxy
