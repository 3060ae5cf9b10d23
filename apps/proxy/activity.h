// Which sandboxes are in use, so that they are not stopped under their users: a set in memory, reported in
// batches.
#pragma once
#include <unordered_map>

#include "apps/proxy/directory.h"

namespace dt::proxy {

class Activity {
 public:
  // Counts as use while it lives.
  class Use {
   public:
    Use() = default;
    Use(Activity* owner, std::string sandbox) : owner_(owner), sandbox_(std::move(sandbox)) {}
    Use(Use&& o) noexcept : owner_(std::exchange(o.owner_, nullptr)), sandbox_(std::move(o.sandbox_)) {}
    Use& operator=(Use&&) = delete;
    ~Use() {
      if (owner_) owner_->end(sandbox_);
    }

   private:
    Activity* owner_ = nullptr;
    std::string sandbox_;
  };

  Activity(const ProxyConfig& config, Directory& directory) : config_(config), directory_(directory) {}
  Use begin(const std::string& sandbox);
  Task<void> run();  // reports until stop(), then once more
  void stop();

 private:
  struct Item {
    int uses = 0;
    bool dirty = false;  // used since the last report
    Mono reported{};
  };
  void end(const std::string& sandbox);
  Task<void> report(bool all);
  const ProxyConfig& config_;
  Directory& directory_;
  std::unordered_map<std::string, Item> items_;
  Event used_;
  bool stopping_ = false;
};

}  // namespace dt::proxy
