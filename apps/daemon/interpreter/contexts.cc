#include "apps/daemon/interpreter/contexts.h"

#include <algorithm>

#include "libs/base/random.h"

namespace dt::daemon::interpreter {
namespace {

constexpr const char* kDefaultId = "default";

}  // namespace

Result<std::shared_ptr<Context>> Contexts::create(const std::string& cwd) {
  std::string dir = cwd.empty() ? process_.work_dir : cwd;
  if (!dir.starts_with('/')) dir = process_.work_dir + "/" + dir;
  auto context = std::make_shared<Context>(process_, tasks_, uuid_v4(), dir);
  TRY_VOID(context->start());
  contexts_.emplace(context->id(), context);
  return context;
}

std::vector<std::shared_ptr<Context>> Contexts::list() const {
  std::vector<std::shared_ptr<Context>> out;
  for (const auto& [id, context] : contexts_) out.push_back(context);
  std::ranges::sort(out, [](const auto& a, const auto& b) {
    const timespec &x = a->created(), &y = b->created();
    return x.tv_sec != y.tv_sec ? x.tv_sec < y.tv_sec : x.tv_nsec < y.tv_nsec;
  });
  return out;
}

Task<Status> Contexts::remove(std::string id) {
  if (id == kDefaultId) co_return fail(Code::bad_request, "the default context cannot be deleted");
  auto it = contexts_.find(id);
  if (it == contexts_.end()) co_return fail(Code::not_found, "context not found: " + id);
  std::shared_ptr<Context> context = it->second;
  contexts_.erase(it);
  co_await context->end();
  co_return Status();
}

Result<std::shared_ptr<Context>> Contexts::default_context() {
  if (!default_) default_ = std::make_shared<Context>(process_, tasks_, kDefaultId, process_.work_dir);
  TRY_VOID(default_->start());
  return default_;
}

std::optional<CloseFrame> Contexts::submit(std::shared_ptr<Run> run) {
  std::shared_ptr<Context> context;
  if (!run->request.context || *run->request.context == kDefaultId) {
    auto found = default_context();
    if (!found) return CloseFrame{1011, "failed to get default context: " + found.error().message};
    context = *found;
  } else {
    auto it = contexts_.find(*run->request.context);
    if (it == contexts_.end() || !it->second->start())
      return CloseFrame{1008, "context not found: " + *run->request.context};
    context = it->second;
  }
  auto queued = context->submit(std::move(run));
  if (!queued) return CloseFrame{1008, queued.error().message};
  return std::nullopt;
}

void Contexts::shutdown() {
  auto all = list();
  if (default_) all.push_back(default_);
  for (auto& context : all) context->end_runs();
}

}  // namespace dt::daemon::interpreter
