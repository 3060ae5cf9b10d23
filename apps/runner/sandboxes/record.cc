#include "apps/runner/sandboxes/record.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "libs/base/fd.h"
#include "libs/base/log.h"
#include "libs/codec/codec.h"

namespace dt::runner {

BOOST_DESCRIBE_STRUCT(SandboxSpec, (),
                      (id, name, organization_id, region_id, snapshot, image_digest, os_user, env, entrypoint,
                       cpus, memory_gib, disk_gib, network_block_all, network_allow, linked, id_range))
BOOST_DESCRIBE_STRUCT(Instance, (), (pid, start_time, slot))

Records::Records(std::string spec_dir, std::string run_dir)
    : spec_dir_(std::move(spec_dir)), run_dir_(std::move(run_dir)) {
  for (const std::string& dir : {spec_dir_, run_dir_}) {
    std::filesystem::create_directories(dir);
    ::chmod(dir.c_str(), 0700);
  }
}

std::string Records::spec_path(const SandboxId& id) const { return spec_dir_ + "/" + id.str() + ".json"; }
std::string Records::run_path(const SandboxId& id) const { return run_dir_ + "/" + id.str() + ".json"; }
std::string Records::socket_path(const SandboxId& id) const { return run_dir_ + "/" + id.str() + ".sock"; }

Status Records::save(const SandboxSpec& spec) {
  return write_file_atomic(spec_path(SandboxId(spec.id)), encode(spec), 0600);
}

Status Records::save(const SandboxId& id, const Instance& instance) {
  // No fsync: after a power cut nothing runs any more, and a killed runner leaves what it wrote.
  std::string temp = run_path(id) + ".tmp";
  TRY(Fd fd, open_file(temp.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
  TRY_VOID(write_all(fd.get(), encode(instance)));
  if (::rename(temp.c_str(), run_path(id).c_str()) < 0) return fail_errno("rename " + temp);
  return {};
}

Result<SandboxSpec> Records::spec(const SandboxId& id) const {
  TRY(std::string text, read_file(spec_path(id), 1u << 20));
  return decode<SandboxSpec>(text);
}

std::optional<Instance> Records::instance(const SandboxId& id) const {
  auto text = read_file(run_path(id), 4096);
  if (!text) return std::nullopt;
  auto instance = decode<Instance>(*text);
  if (!instance) return std::nullopt;
  return *instance;
}

void Records::clear_instance(const SandboxId& id) {
  ::unlink(run_path(id).c_str());
  ::unlink(socket_path(id).c_str());
}

void Records::remove(const SandboxId& id) {
  clear_instance(id);
  ::unlink(spec_path(id).c_str());
}

std::vector<SandboxSpec> Records::all() const {
  std::vector<SandboxSpec> out;
  for (const auto& entry : std::filesystem::directory_iterator(spec_dir_)) {
    if (entry.path().extension() != ".json") {
      std::filesystem::remove(entry.path());  // an interrupted write
      continue;
    }
    auto found = spec(SandboxId(entry.path().stem().string()));
    if (found)
      out.push_back(std::move(*found));
    else
      log::error("sandbox record is unreadable",
                 {{"file", entry.path().string()}, {"error", found.error().message}});
  }
  return out;
}

}  // namespace dt::runner
