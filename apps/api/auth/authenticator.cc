#include "apps/api/auth/authenticator.h"

#include <cstring>

#include "libs/base/log.h"
#include "libs/base/text.h"

namespace dt::api {

namespace {

constexpr size_t kCacheEntries = 10'000;

std::unexpected<Error> invalid_credentials() { return fail(Code::unauthorized, "Invalid credentials"); }

std::unexpected<Error> backend_failed(const Error& error) {
  log::error("authentication failed to read its records", {{"error", error.message}});
  return fail(Code::unavailable, "Temporary authentication service error");
}

// A key of an owner who is no longer a member is found by nobody.
constexpr std::string_view kFindKey =
    "SELECT k.organization_id, k.user_id, k.name, k.permissions, k.expires_at, u.role "
    "FROM api_keys k JOIN users u ON u.id = k.user_id "
    "JOIN organization_users m ON m.organization_id = k.organization_id AND m.user_id = k.user_id "
    "WHERE k.hash = ?";

}  // namespace

size_t Authenticator::DigestHash::operator()(const KeyDigest& d) const {
  size_t out;
  std::memcpy(&out, d.data(), sizeof out);
  return out;
}

Authenticator::Authenticator(store::Database& db, Clock& clock, const ApiConfig& config)
    : db_(db), clock_(clock), trust_(config.key_cache) {
  auto add = [this](const Secret& key, Role role) {
    if (!key.empty()) components_.emplace_back(digest_of(key.reveal()), role);
  };
  add(config.ssh_gateway_api_key, Role::ssh_gateway);
  add(config.proxy_api_key, Role::proxy);
  add(config.health_check_api_key, Role::health_check);
}

std::string_view Authenticator::bearer_of(std::string_view header) {
  constexpr std::string_view scheme = "Bearer ";
  if (!istarts_with(header, scheme)) return {};
  return trim(header.substr(scheme.size()));
}

Result<std::shared_ptr<const Principal>> Authenticator::authenticate(std::string_view bearer) {
  if (bearer.empty()) return invalid_credentials();
  KeyDigest digest = digest_of(bearer);
  Mono now = clock_.mono();
  auto found = cache_.find(digest);
  if (found == cache_.end() || found->second.trusted_until <= now) {
    auto entry = look_up(bearer, digest);
    if (!entry) return backend_failed(entry.error());
    if (!*entry) {
      if (found != cache_.end()) cache_.erase(found);
      return invalid_credentials();
    }
    if (cache_.size() >= kCacheEntries) cache_.clear();
    (*entry)->trusted_until = now + trust_;
    found = cache_.insert_or_assign(digest, std::move(**entry)).first;
  }
  if (found->second.expires_at && *found->second.expires_at < clock_.wall()) return invalid_credentials();
  return found->second.principal;
}

void Authenticator::forget(std::string_view key_hash_hex) {
  std::erase_if(cache_, [&](const auto& item) { return hex_of(item.first) == key_hash_hex; });
}

Task<void> Authenticator::stop() { return background_.join(); }

Result<std::optional<Authenticator::Entry>> Authenticator::look_up(std::string_view bearer,
                                                                   const KeyDigest& digest) {
  if (auto role = component_role(digest))
    return Entry{.principal = std::make_shared<Principal>(Principal{.role = *role})};
  TRY(auto user, look_up_user_key(digest));
  if (user && user->expires_at && *user->expires_at < clock_.wall()) user.reset();
  if (user) {
    background_.spawn(note_use(hex_of(digest)));
    return user;
  }
  return look_up_runner(bearer);
}

std::optional<Role> Authenticator::component_role(const KeyDigest& digest) const {
  for (const auto& [key, role] : components_)
    if (constant_time_equal({key.data(), key.size()}, {digest.data(), digest.size()})) return role;
  return std::nullopt;
}

Result<std::optional<Authenticator::Entry>> Authenticator::look_up_user_key(const KeyDigest& digest) {
  auto map = [](const store::Row& row) {
    Principal who;
    who.organization = row.id<OrganizationId>(0);
    who.user = row.id<UserId>(1);
    who.key_name = row.text(2);
    who.permissions = Permissions::from_bits(row.integer(3));
    who.role = row.view(5) == "admin" ? Role::admin : Role::user;
    return Entry{.principal = std::make_shared<Principal>(std::move(who)), .expires_at = row.opt_time(4)};
  };
  return db_.read([&](store::Reader& r) { return r.one(kFindKey, map, hex_of(digest)); });
}

Result<std::optional<Authenticator::Entry>> Authenticator::look_up_runner(std::string_view bearer) {
  if (!find_runner_) return std::nullopt;
  TRY(auto runner, find_runner_(bearer));
  if (!runner) return std::nullopt;
  return Entry{.principal = std::make_shared<Principal>(Principal{.role = Role::runner, .runner = *runner})};
}

Task<void> Authenticator::note_use(std::string hash) {
  Wall now = clock_.wall();
  auto noted = co_await db_.write([hash, now](store::Txn& t) {
    return t.exec("UPDATE api_keys SET last_used_at = ? WHERE hash = ?", now, hash);
  });
  if (!noted) log::warn("last use of an API key was not noted", {{"error", noted.error().message}});
}

}  // namespace dt::api
