// The PTY sessions of the toolbox by their id. A session is in the list from its creation until its shell
// ends or it is deleted. Loop thread only; one per daemon.
#pragma once
#include <set>

#include "apps/daemon/pty/session.h"

namespace dt::daemon {

struct PtyRecord {
  std::string id;
  std::string created_at;  // RFC 3339
  bool lazy_start = false;
  std::shared_ptr<PtySession> session;
};

struct PtyRequest {
  std::string id;
  std::string cwd;
  std::map<std::string, std::string> envs;
  WindowSize size;
  bool lazy_start = false;
};

class PtySessions {
 public:
  explicit PtySessions(ProcessContext& context) : context_(context) {}

  // conflict: the id is in use. Not started yet.
  Result<const PtyRecord*> create(PtyRequest request);
  // Starts its shell unless it runs. When that fails, the session is forgotten unless it was made lazily.
  Status start(const PtyRecord& record);
  const PtyRecord* find(std::string_view id) const;
  const std::map<std::string, PtyRecord, std::less<>>& all() const { return records_; }
  // Forgets it and ends everything on its terminal. False: there is none.
  Task<bool> remove(std::string id);
  // Starts one that has no id and is not in the list.
  Status start_unlisted(const std::shared_ptr<PtySession>& session);
  // All shells get SIGHUP: at the daemon's end, so that nothing waits for them.
  void hang_up();

 private:
  ProcessContext& context_;
  std::map<std::string, PtyRecord, std::less<>> records_;
  std::set<PtySession*> unlisted_;  // running
};

}  // namespace dt::daemon
