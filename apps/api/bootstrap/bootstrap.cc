#include "apps/api/bootstrap/bootstrap.h"

#include "apps/api/api_keys/store.h"
#include "apps/api/auth/key.h"
#include "apps/api/organizations/store.h"
#include "apps/api/regions/store.h"
#include "apps/api/snapshots/store.h"
#include "apps/api/users/store.h"
#include "libs/base/log.h"
#include "libs/base/random.h"

namespace dt::api {

namespace {

const UserId kAdmin("daytona-admin");

// What the writer thread needs, by value.
struct Plan {
  ApiConfig config;
  Wall now;
  std::string key;
};

Status ensure_region(store::Txn& txn, const Plan& plan) {
  TRY(auto known, txn.one(
                      "SELECT 1 FROM regions WHERE id = ?", [](const store::Row&) { return true; },
                      plan.config.default_region_id));
  if (known) return {};
  return insert_region(txn, {.id = plan.config.default_region_id,
                             .name = plan.config.default_region_name,
                             .organization = {},
                             .type = "shared",
                             .created_at = plan.now,
                             .updated_at = plan.now});
}

Status insert_admin(store::Txn& txn, const Plan& plan, const OrganizationId& organization) {
  TRY_VOID(insert_user(txn, {.id = kAdmin,
                             .name = "Daytona Admin",
                             .email = "",
                             .email_verified = true,
                             .role = "admin",
                             .created_at = plan.now}));
  TRY_VOID(insert_organization(txn, {.id = organization,
                                     .name = "Personal",
                                     .created_by = kAdmin,
                                     .personal = true,
                                     .default_region = plan.config.default_region_id,
                                     .limits = plan.config.admin_limits,
                                     .created_at = plan.now,
                                     .updated_at = plan.now}));
  TRY_VOID(insert_member(txn, organization, kAdmin, "owner", plan.now));
  ApiKeyRecord key = describe_key(plan.key);
  key.organization = organization;
  key.user = kAdmin;
  key.name = kAdmin.str();
  key.permissions = Permissions::all();
  key.created_at = plan.now;
  return insert_api_key(txn, key);
}

Result<FirstStart> ensure_admin(store::Txn& txn, const Plan& plan) {
  TRY(auto known, organizations_of(txn, kAdmin));
  for (const OrganizationRecord& record : known)
    if (record.personal) return FirstStart{.organization = record.id, .api_key = {}};
  OrganizationId organization(uuid_v4());
  TRY_VOID(insert_admin(txn, plan, organization));
  return FirstStart{.organization = organization, .api_key = Secret(plan.key)};
}

SnapshotRecord default_snapshot(const Plan& plan, const OrganizationId& owner) {
  const DefaultSnapshot& wanted = plan.config.default_snapshot;
  SnapshotRecord out;
  out.id = SnapshotId(uuid_v4());
  out.organization = owner;
  out.name = out.image_name = wanted.name;
  out.ref = wanted.ref;
  out.general = true;
  if (wanted.size > 0) out.size = wanted.size;
  if (!wanted.entrypoint.empty()) out.entrypoint = wanted.entrypoint;
  out.cpu = wanted.cpu;
  out.memory = wanted.memory;
  out.disk = wanted.disk;
  out.sandbox_class = plan.config.default_sandbox_class;
  out.created_at = out.updated_at = plan.now;
  out.regions = {plan.config.default_region_id};
  return out;
}

// The configuration decides about the default snapshot, also about one that is there.
Status ensure_snapshot(store::Txn& txn, const Plan& plan, const OrganizationId& owner) {
  SnapshotRecord wanted = default_snapshot(plan, owner);
  TRY(int64_t updated,
      txn.exec("UPDATE snapshots SET ref = ?, size = coalesce(?, size), cpu = ?, memory = ?, disk = ? "
               "WHERE organization_id = ? AND name = ?",
               wanted.ref, wanted.size, wanted.cpu, wanted.memory, wanted.disk, owner, wanted.name));
  return updated > 0 ? Status{} : insert_snapshot(txn, wanted);
}

Result<FirstStart> ensure_all(store::Txn& txn, const Plan& plan) {
  TRY_VOID(ensure_region(txn, plan));
  TRY(auto first, ensure_admin(txn, plan));
  TRY_VOID(ensure_snapshot(txn, plan, first.organization));
  return first;
}

// A configured key only counts on the first start; say so instead of answering 401 without a reason.
Status warn_about_ignored_key(store::Database& db, const ApiConfig& config) {
  std::string hash = hex_of(digest_of(config.admin_api_key.reveal()));
  auto find = [&](store::Reader& r) {
    return r.one("SELECT 1 FROM api_keys WHERE hash = ?", [](const store::Row&) { return true; }, hash);
  };
  TRY(auto known, db.read(find));
  if (!known)
    log::warn("the configured admin key is not a key of this server: it is only used on the first start");
  return {};
}

}  // namespace

Task<Result<FirstStart>> bootstrap(store::Database& db, Clock& clock, const ApiConfig& config) {
  bool given = !config.admin_api_key.empty();
  Plan plan{config, clock.wall(), given ? config.admin_api_key.reveal() : generate_key()};
  auto first = co_await db.write([plan](store::Txn& txn) { return ensure_all(txn, plan); });
  if (!first) co_return std::unexpected(std::move(first).error().context("first start"));
  if (given && !first->api_key) CO_TRY_VOID(warn_about_ignored_key(db, config));
  co_return first;
}

}  // namespace dt::api
