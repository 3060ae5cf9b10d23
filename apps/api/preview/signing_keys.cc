#include "apps/api/preview/signing_keys.h"

#include <fmt/core.h>

#include "libs/base/random.h"

namespace dt::api {
namespace {

constexpr size_t kRandomPart = 40;  // characters of a-z and 0-9: 206 bits

// The prefix keeps clients from reading a key as a number.
std::string new_key() { return "sk_" + random_token(kRandomPart); }

Result<std::optional<std::string>> find_key(store::Reader& db, const SandboxId& id) {
  return db.one(
      "SELECT key FROM signing_keys WHERE sandbox_id = ?", [](const store::Row& row) { return row.text(0); },
      id);
}

Result<std::string> make_key(store::Txn& txn, const SandboxId& id) {
  TRY(auto made_meanwhile, find_key(txn, id));
  if (made_meanwhile) return std::move(*made_meanwhile);
  std::string key = new_key();
  TRY([[maybe_unused]] int64_t rows,
      txn.exec("INSERT INTO signing_keys (sandbox_id, key) VALUES (?, ?)", id, key));
  return key;
}

Result<std::string> replace_key(store::Txn& txn, const SandboxId& id) {
  std::string key = new_key();
  TRY([[maybe_unused]] int64_t rows,
      txn.exec("INSERT INTO signing_keys (sandbox_id, key) VALUES (?, ?) ON CONFLICT (sandbox_id) DO UPDATE "
               "SET key = excluded.key",
               id, key));
  return key;
}

}  // namespace

std::vector<ApiRoute> SigningKeys::table() {
  using K = SigningKeys;
  return {
      route({"GET", "/sandbox/{sandboxIdOrName}/signing-key", any_user}, this, &K::get),
      route({"POST", "/sandbox/{sandboxIdOrName}/signing-key/rotate", user_with(Permission::write_sandboxes)},
            this, &K::rotate),
      route({"GET", "/preview/{sandboxId}/signing-key", only({Role::proxy})}, this, &K::for_proxy),
  };
}

SigningKeys::Answer SigningKeys::key_of(SandboxId id) {
  CO_TRY(auto known, ledger_.db().read([&](store::Reader& r) { return find_key(r, id); }));
  if (known) co_return PlainText{std::move(*known)};
  auto made = co_await ledger_.db().write([id](store::Txn& txn) { return make_key(txn, id); });
  if (!made) co_return std::unexpected(std::move(made).error());
  co_return PlainText{std::move(*made)};
}

SigningKeys::Answer SigningKeys::get(Call& call) {
  CO_TRY(SandboxRecord record, sandboxes_.find(call.who.organization, call.param("sandboxIdOrName")));
  auto key = co_await key_of(record.id);
  co_return key;
}

SigningKeys::Answer SigningKeys::rotate(Call& call) {
  CO_TRY(SandboxRecord record, sandboxes_.find(call.who.organization, call.param("sandboxIdOrName")));
  auto key = co_await ledger_.db().write([id = record.id](store::Txn& txn) { return replace_key(txn, id); });
  if (!key) co_return std::unexpected(std::move(key).error());
  co_return PlainText{std::move(*key)};
}

// A sandbox whose key nobody ever asked for has no signed URLs: nothing is written here.
SigningKeys::Answer SigningKeys::for_proxy(Call& call) {
  SandboxId id(std::string(call.param("sandboxId")));
  CO_TRY(auto record, ledger_.db().read([&](store::Reader& r) { return find_sandbox(r, id); }));
  CO_TRY(auto key, ledger_.db().read([&](store::Reader& r) { return find_key(r, id); }));
  if (!record || record->hidden() || !key)
    co_return fail(Code::not_found, fmt::format("Sandbox with ID {} has no signing key", id.str()));
  co_return PlainText{std::move(*key)};
}

}  // namespace dt::api
