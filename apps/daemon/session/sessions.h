// All sessions of the daemon, and the sandbox's own command as the session "entrypoint". They live in memory;
// what an earlier daemon left on the disk under an id is cleared when the id is used again. Loop thread only.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/daemon/session/session.h"

namespace dt::daemon {

struct SessionConfig {
  std::string home;            // its .daytona/sessions holds everything
  Millis grace_period{5000};   // deleting: from SIGTERM to SIGKILL
  Millis check_interval{100};  // how often is looked whether everything ended
  std::string shell;           // path; empty: what ShellChooser finds
};

// The words quoted for the shell and joined by spaces.
std::string entrypoint_script(const std::vector<std::string>& words);

class Sessions {
 public:
  using SessionPtr = std::shared_ptr<Session>;
  // Removing directories is the pool's work. Both must outlive this.
  Sessions(ProcessContext& process, WorkerPool& pool, SessionConfig config);
  ~Sessions();

  // `at_home`: the shell starts in the home directory instead of the work dir.
  Status create(const std::string& id, bool at_home);
  // `sleep infinity`, the default, gets no process: its session is made when somebody asks for it.
  Status start_entrypoint(const std::vector<std::string>& words);
  // Ends everything that runs in it; when `ctx` is cancelled, without grace.
  Task<Status> remove(std::string id, CallContext ctx);

  Result<SessionPtr> find(std::string_view id);  // not_found
  // Without the entrypoint.
  std::vector<SessionPtr> list() const;
  Result<Session::CommandPtr> find_command(std::string_view id, std::string_view command);

  // The daemon is about to end: tells the sandbox's own command and the followers.
  void begin_shutdown();
  bool stopping() const { return stopping_.is_set(); }
  Event& shutdown() { return stopping_; }
  // When the processes have ended: waits shortly for the last output, then gives everything up.
  Task<void> stop();

 private:
  Status clear_directory(const std::string& id);
  Status add_entrypoint(const std::string& script, bool pretend);
  Task<void> empty_trash();
  Task<void> end_processes(Session& session, CallContext& ctx);
  Session::Context context() { return {process_, scope_, config_.shell}; }

  ProcessContext& process_;
  WorkerPool& pool_;
  SessionConfig config_;
  std::string root_, trash_;
  TaskScope scope_{"sessions"};
  std::string waiting_entrypoint_;  // script of the session that is made when asked for
  Event stopping_;
  std::map<std::string, SessionPtr, std::less<>> sessions_;
};

}  // namespace dt::daemon
