// From a bearer text to a Principal (contract api-core §5.3). Keys are looked up by SHA-256; what was found
// is trusted for ApiConfig::key_cache, so most requests cost one hash and one look-up in memory. Loop thread
// only.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "apps/api/auth/key.h"
#include "apps/api/auth/principal.h"
#include "apps/api/config/config.h"
#include "libs/net/loop.h"
#include "libs/store/db.h"

namespace dt::api {

class Authenticator {
 public:
  // Finds the runner whose key this is; the runners feature gives it.
  using FindRunner = std::function<Result<std::optional<RunnerId>>(std::string_view key)>;

  Authenticator(store::Database& db, Clock& clock, const ApiConfig& config);
  void set_find_runner(FindRunner find) { find_runner_ = std::move(find); }

  // unauthorized `Invalid credentials`; unavailable when the records cannot be read. Shared, because a
  // request may outlive the cache entry it came from.
  Result<std::shared_ptr<const Principal>> authenticate(std::string_view bearer);
  // The bearer of an Authorization header, or "".
  static std::string_view bearer_of(std::string_view authorization_header);
  // A deleted or changed key stops working at once.
  void forget(std::string_view key_hash_hex);
  Task<void> stop();  // waits for the notes of last use

 private:
  struct Entry {
    std::shared_ptr<const Principal> principal;
    Mono trusted_until{};
    std::optional<Wall> expires_at = {};
  };
  struct DigestHash {
    size_t operator()(const KeyDigest& d) const;
  };
  Result<std::optional<Entry>> look_up(std::string_view bearer, const KeyDigest& digest);
  Result<std::optional<Entry>> look_up_user_key(const KeyDigest& digest);
  Result<std::optional<Entry>> look_up_runner(std::string_view bearer);
  std::optional<Role> component_role(const KeyDigest& digest) const;
  Task<void> note_use(std::string hash);

  store::Database& db_;
  Clock& clock_;
  Millis trust_;
  std::vector<std::pair<KeyDigest, Role>> components_;  // keys of the platform's own programs
  FindRunner find_runner_;
  std::unordered_map<KeyDigest, Entry, DigestHash> cache_;
  TaskScope background_{"api-key last use"};
};

}  // namespace dt::api
