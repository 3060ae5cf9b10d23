// Plain directories: the last resort, without limits.
#include "apps/runner/storage/backend.h"
#include "apps/runner/storage/process.h"
#include "libs/base/tree.h"

namespace dt::runner {
namespace {

class Plain final : public StorageBackend {
 public:
  explicit Plain(std::string top) : top_(std::move(top)) {}
  Storage::Backend kind() const override { return Storage::Backend::plain; }
  std::string describe() const override {
    return "plain directories at " + top_ + ": DISK LIMITS ARE NOT ENFORCED";
  }
  Status make(const std::string& path) override { return make_directory(path, 0700); }
  Status clone(const std::string& from, const std::string& to) override {
    TRY_VOID(make_directory(to, 0700));
    return copy_tree(from, to);
  }
  Status limit(const std::string&, uint64_t) override { return {}; }
  Result<DiskUsage> usage(const std::string&) const override { return DiskUsage{}; }
  Status remove(const std::string& path) override {
    size_t slash = path.rfind('/');
    TRY(auto parent, open_directory(path.substr(0, slash)));
    return remove_tree(parent.get(), path.substr(slash + 1));
  }

 private:
  std::string top_;
};

}  // namespace

std::unique_ptr<StorageBackend> make_plain_backend(const std::string& top) {
  return std::make_unique<Plain>(top);
}

Status copy_tree(const std::string& from, const std::string& to) {
  return run_program(
      {"cp", "--archive", "--reflink=auto", "--sparse=auto", "--no-target-directory", from, to});
}

}  // namespace dt::runner
