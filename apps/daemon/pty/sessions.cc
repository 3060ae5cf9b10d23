#include "apps/daemon/pty/sessions.h"

#include <ctime>

#include "apps/daemon/http/timestamp.h"

namespace dt::daemon {

Result<const PtyRecord*> PtySessions::create(PtyRequest request) {
  if (records_.contains(request.id))
    return fail(Code::conflict, "PTY session with ID '" + request.id + "' already exists");
  PtyOptions options{.arguments = {"-i", "-l"},
                     .cwd = request.cwd.empty() ? context_.work_dir : std::move(request.cwd),
                     .envs = std::move(request.envs),
                     .size = request.size};
  std::string& term = options.envs["TERM"];
  if (term.empty()) term = "xterm-256color";
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  PtyRecord record{.id = request.id,
                   .created_at = rfc3339(now),
                   .lazy_start = request.lazy_start,
                   .session = std::make_shared<PtySession>(context_, std::move(options))};
  return &records_.emplace(std::move(request.id), std::move(record)).first->second;
}

Status PtySessions::start(const PtyRecord& record) {
  if (record.session->active()) return {};
  // The id may be in use again when this session's end comes.
  auto forget = [this, id = record.id, session = record.session.get()] {
    auto it = records_.find(id);
    if (it != records_.end() && it->second.session.get() == session) records_.erase(it);
  };
  Status started = PtySession::start(record.session, forget);
  if (!started && !record.lazy_start) forget();
  return started;
}

const PtyRecord* PtySessions::find(std::string_view id) const {
  auto it = records_.find(id);
  return it == records_.end() ? nullptr : &it->second;
}

Task<bool> PtySessions::remove(std::string id) {
  auto it = records_.find(id);
  if (it == records_.end()) co_return false;
  auto session = it->second.session;
  records_.erase(it);
  co_await PtySession::kill(session);
  co_return true;
}

Status PtySessions::start_unlisted(const std::shared_ptr<PtySession>& session) {
  PtySession* s = session.get();
  TRY_VOID(PtySession::start(session, [this, s] { unlisted_.erase(s); }));
  unlisted_.insert(s);
  return {};
}

void PtySessions::hang_up() {
  for (PtySession* session : unlisted_) session->hang_up();
  for (const auto& [id, record] : records_) record.session->hang_up();
}

}  // namespace dt::daemon
