// Bodies of the platform routes: organizations, users, keys, regions, snapshots, volumes, configuration
// (contract api-core §7 to §14, api-sandbox §14; the union of both published API versions, clients.md §4.4).
// Times are ISO 8601 text.
#pragma once
#include <boost/describe/class.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/codec/codec.h"

namespace dt::contract {

struct CreateApiKey {
  std::string name;
  std::vector<std::string> permissions;
  std::optional<std::string> expiresAt;
};
BOOST_DESCRIBE_STRUCT(CreateApiKey, (), (name, permissions, expiresAt))
void check(const CreateApiKey& body, Violations& violations);

struct ApiKeyResponse {
  std::string name, value, createdAt;
  std::vector<std::string> permissions;
  std::optional<std::string> expiresAt;
};
BOOST_DESCRIBE_STRUCT(ApiKeyResponse, (), (name, value, createdAt, permissions, expiresAt))

struct ApiKeyListItem {
  std::string name, value, createdAt;
  std::vector<std::string> permissions;
  std::optional<std::string> lastUsedAt, expiresAt;
  std::string userId;
};
BOOST_DESCRIBE_STRUCT(ApiKeyListItem, (),
                      (name, value, createdAt, permissions, lastUsedAt, expiresAt, userId))

struct PublicKey {
  std::string key, name;
};
BOOST_DESCRIBE_STRUCT(PublicKey, (), (key, name))

struct User {
  std::string id, name, email;
  bool emailVerified = false;
  std::vector<PublicKey> publicKeys;
  std::string createdAt;
};
BOOST_DESCRIBE_STRUCT(User, (), (id, name, email, emailVerified, publicKeys, createdAt))

struct Organization {
  std::string id, name, createdBy;
  bool personal = false;
  std::string createdAt, updatedAt;
  bool suspended = false;
  std::optional<std::string> suspendedAt, suspensionReason, suspendedUntil;
  int suspensionCleanupGracePeriodHours = 24;
  int maxCpuPerSandbox = 0, maxMemoryPerSandbox = 0, maxDiskPerSandbox = 0;
  int secretQuota = 0, maxSecretsPerSandbox = 0;
  int snapshotDeactivationTimeoutMinutes = 20'160;
  bool sandboxLimitedNetworkEgress = false;
  bool previewWarningEnabled = false, ssoEnabled = false, scimEnabled = false;
  std::optional<std::string> defaultRegionId;
  std::optional<int> authenticatedRateLimit, sandboxCreateRateLimit, sandboxLifecycleRateLimit;
  std::optional<boost::json::object> experimentalConfig, otelConfig;
  std::optional<int> authenticatedRateLimitTtlSeconds, sandboxCreateRateLimitTtlSeconds,
      sandboxLifecycleRateLimitTtlSeconds;
  std::optional<int> defaultQueueTimeout;
};
BOOST_DESCRIBE_STRUCT(Organization, (),
                      (id, name, createdBy, personal, createdAt, updatedAt, suspended, suspendedAt,
                       suspensionReason, suspendedUntil, suspensionCleanupGracePeriodHours, maxCpuPerSandbox,
                       maxMemoryPerSandbox, maxDiskPerSandbox, secretQuota, maxSecretsPerSandbox,
                       snapshotDeactivationTimeoutMinutes, sandboxLimitedNetworkEgress, previewWarningEnabled,
                       ssoEnabled, scimEnabled, defaultRegionId, authenticatedRateLimit,
                       sandboxCreateRateLimit, sandboxLifecycleRateLimit, experimentalConfig, otelConfig,
                       authenticatedRateLimitTtlSeconds, sandboxCreateRateLimitTtlSeconds,
                       sandboxLifecycleRateLimitTtlSeconds, defaultQueueTimeout))

struct OrganizationUsage {
  std::vector<boost::json::object> regionUsage;  // one entry per enforced region quota
  int totalSnapshotQuota = 0, currentSnapshotUsage = 0, totalVolumeQuota = 0, currentVolumeUsage = 0;
};
BOOST_DESCRIBE_STRUCT(OrganizationUsage, (),
                      (regionUsage, totalSnapshotQuota, currentSnapshotUsage, totalVolumeQuota,
                       currentVolumeUsage))

struct Region {
  std::string id, name;
  std::optional<std::string> organizationId;
  std::string regionType, createdAt, updatedAt;
  std::optional<std::string> proxyUrl, sshGatewayUrl, snapshotManagerUrl, otelEndpoint;
};
BOOST_DESCRIBE_STRUCT(Region, (),
                      (id, name, organizationId, regionType, createdAt, updatedAt, proxyUrl, sshGatewayUrl,
                       snapshotManagerUrl, otelEndpoint))

struct Snapshot {
  std::string id;
  std::optional<std::string> organizationId;
  bool general = false;
  std::string name;
  std::optional<std::string> imageName, ref;
  std::string state;
  std::optional<double> size;
  std::optional<std::vector<std::string>> entrypoint;
  int cpu = 0, gpu = 0, mem = 0, disk = 0;
  std::optional<std::string> errorReason;
  std::string createdAt, updatedAt;
  std::optional<std::string> lastUsedAt, sourceSandboxId;
  std::vector<std::string> regionIds;
  std::string sandboxClass;
};
BOOST_DESCRIBE_STRUCT(Snapshot, (),
                      (id, organizationId, general, name, imageName, ref, state, size, entrypoint, cpu, gpu,
                       mem, disk, errorReason, createdAt, updatedAt, lastUsedAt, sourceSandboxId, regionIds,
                       sandboxClass))

struct SnapshotPage {
  std::vector<Snapshot> items;
  int64_t total = 0, page = 1, totalPages = 0;
};
BOOST_DESCRIBE_STRUCT(SnapshotPage, (), (items, total, page, totalPages))

struct Volume {
  std::string id, name, organizationId, state, createdAt, updatedAt;
  std::optional<std::string> lastUsedAt, errorReason;
};
BOOST_DESCRIBE_STRUCT(Volume, (),
                      (id, name, organizationId, state, createdAt, updatedAt, lastUsedAt, errorReason))

struct OidcConfig {
  std::string issuer, clientId, audience, provider;
};
BOOST_DESCRIBE_STRUCT(OidcConfig, (), (issuer, clientId, audience, provider))

struct RateLimits {
  boost::json::object authenticated, sandboxCreate, sandboxLifecycle;
};
BOOST_DESCRIBE_STRUCT(RateLimits, (), (authenticated, sandboxCreate, sandboxLifecycle))

struct Configuration {
  std::string version;
  OidcConfig oidc;
  bool linkedAccountsEnabled = false;
  boost::json::object announcements;
  std::string proxyTemplateUrl, proxyToolboxUrl, defaultSnapshot, dashboardUrl;
  int maxAutoArchiveInterval = 0;
  bool maintananceMode = false;  // the misspelling is part of the contract
  std::string environment;
  RateLimits rateLimit;
};
BOOST_DESCRIBE_STRUCT(Configuration, (),
                      (version, oidc, linkedAccountsEnabled, announcements, proxyTemplateUrl, proxyToolboxUrl,
                       defaultSnapshot, dashboardUrl, maxAutoArchiveInterval, maintananceMode, environment,
                       rateLimit))

struct Health {
  std::string status = "ok";
};
BOOST_DESCRIBE_STRUCT(Health, (), (status))

}  // namespace dt::contract
