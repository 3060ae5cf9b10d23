#include "apps/api/preview/preview.h"

#include <fmt/core.h>

#include "apps/api/sandbox/dto.h"
#include "libs/base/random.h"

namespace dt::api {
namespace {

constexpr Access kProxy = only({Role::proxy});
constexpr int64_t kDay = 86'400, kDefaultLife = 60;  // seconds
constexpr size_t kTokenLength = 16;                  // it becomes part of a host name: a-z and 0-9 only

Result<int64_t> port_of(const Call& call) {
  auto port = parse_int(call.param("port"));
  if (!port || *port < 1 || *port > 65'535) return fail(Code::bad_request, "Invalid port");
  return *port;
}

Result<int64_t> life_of(const Call& call) {
  auto text = call.request.query.get("expiresInSeconds");
  if (!text || text->empty()) return kDefaultLife;
  auto seconds = parse_int(*text);
  if (!seconds || *seconds < 1 || *seconds > kDay)
    return fail(Code::bad_request, "expiresInSeconds must be between 1 second and 24 hours");
  return *seconds;
}

std::unexpected<Error> no_such(std::string_view id) {
  return fail(Code::not_found, fmt::format("Sandbox with ID {} not found", id));
}

struct SignedToken {
  std::string token, sandbox;
  int64_t port;
  Wall now, expires;
};

Status write_token(store::Txn& txn, const SignedToken& t) {
  TRY([[maybe_unused]] int64_t old, txn.exec("DELETE FROM preview_tokens WHERE expires_at <= ?", t.now));
  TRY([[maybe_unused]] int64_t rows,
      txn.exec("INSERT INTO preview_tokens (token, sandbox_id, port, expires_at) VALUES (?, ?, ?, ?)",
               t.token, t.sandbox, t.port, t.expires));
  return {};
}

}  // namespace

std::vector<ApiRoute> Preview::table() {
  using P = Preview;
  return {
      route({"GET", "/sandbox/{sandboxIdOrName}/toolbox-proxy-url", any_user}, this, &P::toolbox_url),
      route({"GET", "/sandbox/{sandboxIdOrName}/ports/{port}/preview-url", any_user}, this, &P::url),
      route({"GET", "/sandbox/{sandboxIdOrName}/ports/{port}/signed-preview-url", any_user}, this,
            &P::signed_url),
      route({"POST", "/sandbox/{sandboxIdOrName}/ports/{port}/signed-preview-url/{token}/expire", any_user},
            this, &P::expire),
      route({"GET", "/preview/{sandboxId}/public", kProxy}, this, &P::is_public),
      route({"GET", "/preview/{sandboxId}/validate/{authToken}", kProxy}, this, &P::validate),
      route({"GET", "/preview/{sandboxId}/access", any_user}, this, &P::access),
      route({"GET", "/preview/{sandboxId}/{port}/sandbox-id", kProxy}, this, &P::sandbox_of_token),
  };
}

Result<contract::Url> Preview::toolbox_url(Call& call) {
  TRY(SandboxRecord record, sandboxes_.find(call.who.organization, call.param("sandboxIdOrName")));
  return contract::Url{ledger_.settings().toolbox_url};
}

Result<contract::PortPreviewUrl> Preview::url(Call& call) {
  TRY(int64_t port, port_of(call));
  TRY(SandboxRecord record, sandboxes_.find(call.who.organization, call.param("sandboxIdOrName")));
  return contract::PortPreviewUrl{record.id.str(), preview_url(ledger_.settings(), port, record.id.str()),
                                  record.auth_token};
}

Task<Result<contract::SignedPortPreviewUrl>> Preview::signed_url(Call& call) {
  CO_TRY(int64_t port, port_of(call));
  CO_TRY(int64_t life, life_of(call));
  CO_TRY(SandboxRecord record, sandboxes_.find(call.who.organization, call.param("sandboxIdOrName")));
  Wall now = ledger_.clock().wall();
  SignedToken token{random_token(kTokenLength), record.id.str(), port, now, now + std::chrono::seconds(life)};
  auto written = co_await ledger_.db().write([token](store::Txn& txn) { return write_token(txn, token); });
  if (!written) co_return std::unexpected(std::move(written).error());
  co_return contract::SignedPortPreviewUrl{record.id.str(), port, token.token,
                                           preview_url(ledger_.settings(), port, token.token)};
}

Task<Result<NoContent>> Preview::expire(Call& call) {
  CO_TRY(int64_t port, port_of(call));
  CO_TRY(SandboxRecord record, sandboxes_.find(call.who.organization, call.param("sandboxIdOrName")));
  std::string token(call.param("token"));
  auto gone = co_await ledger_.db().write([token, port, sandbox = record.id](store::Txn& txn) {
    return txn.exec("DELETE FROM preview_tokens WHERE token = ? AND port = ? AND sandbox_id = ?", token, port,
                    sandbox);
  });
  if (!gone) co_return std::unexpected(std::move(gone).error());
  co_return NoContent{};
}

Result<SandboxRecord> Preview::visible(std::string_view id) {
  TRY(auto record,
      ledger_.db().read([&](store::Reader& r) { return find_sandbox(r, SandboxId(std::string(id))); }));
  if (!record || record->hidden()) return no_such(id);
  return std::move(*record);
}

Result<PlainText> Preview::is_public(Call& call) {
  TRY(SandboxRecord record, visible(call.param("sandboxId")));
  if (!record.is_public) return no_such(record.id.str());
  return PlainText{"true"};
}

Result<PlainText> Preview::validate(Call& call) {
  TRY(SandboxRecord record, visible(call.param("sandboxId")));
  if (!constant_time_equal(record.auth_token, call.param("authToken"))) return no_such(record.id.str());
  return PlainText{"true"};
}

Result<PlainText> Preview::access(Call& call) {
  std::string_view id = call.param("sandboxId");
  TRY(auto encoded, ledger_.encoded(SandboxId(std::string(id))));
  if (!encoded || encoded->organization != call.who.organization) return no_such(id);
  return PlainText{"true"};
}

Result<PlainText> Preview::sandbox_of_token(Call& call) {
  TRY(int64_t port, port_of(call));
  std::string_view token =
      call.param("sandboxId");  // the same place in the path as the id of the other routes
  Wall now = ledger_.clock().wall();
  auto id = [](const store::Row& row) { return row.text(0); };
  TRY(auto found, ledger_.db().read([&](store::Reader& r) {
    return r.one("SELECT sandbox_id FROM preview_tokens WHERE token = ? AND port = ? AND expires_at > ?", id,
                 token, port, now);
  }));
  if (!found) return fail(Code::forbidden, "Invalid or expired token");
  return PlainText{std::move(*found)};
}

}  // namespace dt::api
