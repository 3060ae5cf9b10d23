// A snapshot as the records hold it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/contract/platform.h"

namespace dt::api {

struct SnapshotRecord {
  SnapshotId id;
  OrganizationId organization;
  std::string name;
  std::string image_name;
  std::string ref;               // what the runner's image store knows it by
  bool general = false;          // usable by every organization
  std::string state = "active";  // pending pulling building active inactive error build_failed removing
  std::optional<double> size;    // GiB
  std::optional<std::vector<std::string>> entrypoint;
  int cpu = 1, gpu = 0, memory = 1, disk = 3;  // cores, cards, GiB, GiB
  std::string sandbox_class = "container";
  std::optional<std::string> error_reason;
  Wall created_at{}, updated_at{};
  std::optional<Wall> last_used_at;
  std::vector<std::string> regions;
};

contract::Snapshot to_dto(const SnapshotRecord& record);

}  // namespace dt::api
