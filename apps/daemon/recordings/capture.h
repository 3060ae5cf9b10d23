// One ffmpeg that records the screen into a file. It is recording when start() has succeeded: its first
// report of encoded frames was seen. Loop thread only; used through shared_ptr.
#pragma once
#include <memory>
#include <string>

#include "apps/daemon/process/command.h"
#include "apps/daemon/process/mark.h"

namespace dt::daemon::recordings {

class Capture {
 public:
  static constexpr Millis kStartTime{15'000};  // for the first report
  static constexpr Millis kStopTime{10'000};   // from `q` to SIGKILL

  // Fails with not_found without ffmpeg, internal when it ends at once, with its words: mostly there is no
  // display. Whatever happens to the caller, the process is ended when nobody holds the Capture.
  static Task<Result<std::shared_ptr<Capture>>> start(ProcessContext& process, std::string path);
  Capture(const Capture&) = delete;
  ~Capture();

  bool ended() const { return child_.exited(); }
  // True: it finished the file by itself.
  Task<bool> stop();
  void ask_to_stop();  // without waiting
  void on_end(std::move_only_function<void()> fn) { child_.on_exit(std::move(fn)); }

 private:
  Capture(ProcessContext& process, pid_t pid, Mark mark, Fd input, Fd errors);
  Task<Status> first_report(Fd reports);
  ProcessContext& process_;
  Child child_;
  Mark mark_;
  Fd input_, errors_;
};

}  // namespace dt::daemon::recordings
