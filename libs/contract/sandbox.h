// Bodies of the sandbox routes (api-sandbox §3 to §5): the union of what v0.190 and the newest clients send
// and expect. Absent optional members are left out of answers; keys that a client requires are plain members
// and always present.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/codec/codec.h"

namespace dt::contract {

using StringMap = std::map<std::string, std::string>;

// ---- answers
// --------------------------------------------------------------------------------------------------------

struct SandboxVolume {
  std::string volumeId;
  std::string mountPath;
  std::optional<std::string> subpath;
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(SandboxVolume, (), (volumeId, mountPath, subpath))

struct SandboxListItem {
  std::string id, organizationId, name, target;
  std::optional<std::string> runnerId;
  std::string sandboxClass = "container";
  std::string state, desiredState;      // `state` is the display state
  std::optional<std::string> snapshot;  // name
  std::string user;
  std::optional<std::string> errorReason;
  bool recoverable = false;
  bool public_ = false;
  bool networkBlockAll = false;
  std::optional<std::string> networkAllowList, domainAllowList;
  int64_t cpu = 0, gpu = 0;
  std::optional<std::string> gpuType;
  int64_t memory = 0, disk = 0;  // GiB
  bool spot = false;
  bool kvm = false;
  StringMap labels;
  std::string backupState = "None";
  int64_t autoStopInterval = 0, autoPauseInterval = 0, autoArchiveInterval = 0,
          autoDeleteInterval = -1;  // minutes
  std::optional<std::string> autoDestroyAt;
  std::optional<int64_t> queueTimeout;  // minutes
  std::string createdAt, updatedAt;
  std::optional<std::string> lastActivityAt, daemonVersion;
  std::string toolboxProxyUrl;
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(SandboxListItem, (),
                      (id, organizationId, name, target, runnerId, sandboxClass, state, desiredState,
                       snapshot, user, errorReason, recoverable, public_, networkBlockAll, networkAllowList,
                       domainAllowList, cpu, gpu, gpuType, memory, disk, spot, kvm, labels, backupState,
                       autoStopInterval, autoPauseInterval, autoArchiveInterval, autoDeleteInterval,
                       autoDestroyAt, queueTimeout, createdAt, updatedAt, lastActivityAt, daemonVersion,
                       toolboxProxyUrl))

struct Sandbox : SandboxListItem {
  StringMap env;
  std::vector<SandboxVolume> volumes;
  std::optional<std::string> linkedSandboxId;
  // Only on single reads.
  std::optional<std::string> outboundProxyUrl, otelEndpointOverride;
};
BOOST_DESCRIBE_STRUCT(Sandbox, (SandboxListItem),
                      (env, volumes, linkedSandboxId, outboundProxyUrl, otelEndpointOverride))

struct SandboxList {
  std::vector<SandboxListItem> items;
  std::optional<std::string> nextCursor;  // sent as null on the last page
};
BOOST_DESCRIBE_STRUCT(SandboxList, (), (items, nextCursor))

struct PaginatedSandboxes {
  std::vector<Sandbox> items;
  int64_t total = 0, page = 1, totalPages = 0;
};
BOOST_DESCRIBE_STRUCT(PaginatedSandboxes, (), (items, total, page, totalPages))

struct PortPreviewUrl {
  std::string sandboxId, url, token;
};
BOOST_DESCRIBE_STRUCT(PortPreviewUrl, (), (sandboxId, url, token))

struct SignedPortPreviewUrl {
  std::string sandboxId;
  int64_t port = 0;
  std::string token, url;
};
BOOST_DESCRIBE_STRUCT(SignedPortPreviewUrl, (), (sandboxId, port, token, url))

struct Url {
  std::string url;
};
BOOST_DESCRIBE_STRUCT(Url, (), (url))

// Events on the socket (api-sandbox §25).
struct SandboxStateUpdated {
  Sandbox sandbox;
  std::string oldState, newState;  // stored states
};
BOOST_DESCRIBE_STRUCT(SandboxStateUpdated, (), (sandbox, oldState, newState))
struct SandboxDesiredStateUpdated {
  Sandbox sandbox;
  std::string oldDesiredState, newDesiredState;
};
BOOST_DESCRIBE_STRUCT(SandboxDesiredStateUpdated, (), (sandbox, oldDesiredState, newDesiredState))

// ---- requests
// -------------------------------------------------------------------------------------------------------

struct CreateSandboxVolume {
  std::string volumeId, mountPath;
  std::optional<std::string> subpath;
};
BOOST_DESCRIBE_STRUCT(CreateSandboxVolume, (), (volumeId, mountPath, subpath))

struct CreateSandbox {
  std::optional<std::string> name, snapshot, user;
  std::optional<codec::bj::object> env, labels;  // values that are not strings become their text
  std::optional<bool> public_, networkBlockAll;
  std::optional<std::string> networkAllowList, domainAllowList, outboundProxyUrl, otelEndpointOverride,
      target;
  std::optional<int64_t> cpu, gpu;
  codec::bj::value gpuType;  // one value or a list of them
  std::optional<bool> spot;
  std::optional<int64_t> memory, disk;
  std::optional<int64_t> autoStopInterval, autoPauseInterval, autoArchiveInterval, autoDeleteInterval,
      ttlMinutes;
  std::optional<std::vector<CreateSandboxVolume>> volumes;
  std::optional<codec::bj::object> buildInfo;
  std::optional<std::string> linkedSandbox;
  std::optional<std::vector<codec::bj::object>> secrets;
  std::optional<bool> kvm;
  std::optional<int64_t> queueTimeout;
};
BOOST_DESCRIBE_STRUCT(CreateSandbox, (),
                      (name, snapshot, user, env, labels, public_, networkBlockAll, networkAllowList,
                       domainAllowList, outboundProxyUrl, otelEndpointOverride, target, cpu, gpu, gpuType,
                       spot, memory, disk, autoStopInterval, autoPauseInterval, autoArchiveInterval,
                       autoDeleteInterval, ttlMinutes, volumes, buildInfo, linkedSandbox, secrets, kvm,
                       queueTimeout))
void check(const CreateSandbox& body, Violations& violations);

// {"a":1,"b":"x","c":{…}} -> a: "1", b: "x", c: "{…}"; null members are dropped.
StringMap string_values(const codec::bj::object& object);

struct ReplaceLabels {
  codec::bj::object labels;
};
BOOST_DESCRIBE_STRUCT(ReplaceLabels, (), (labels))

// Absent members leave the setting alone; null is refused (api-sandbox §16).
struct UpdateNetworkSettings {
  codec::bj::value networkBlockAll, networkAllowList, domainAllowList;
};
BOOST_DESCRIBE_STRUCT(UpdateNetworkSettings, (), (networkBlockAll, networkAllowList, domainAllowList))

// The runner reports that a sandbox changed without a job (api-sandbox §5.4).
struct UpdateSandboxState {
  std::string state;
  std::optional<std::string> errorReason;
  std::optional<bool> recoverable;
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(UpdateSandboxState, (), (state, errorReason, recoverable))
void check(const UpdateSandboxState& body, Violations& violations);

}  // namespace dt::contract
