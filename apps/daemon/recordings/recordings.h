// The recordings of this sandbox: those that go on, and the files of earlier ones. Loop thread only.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/daemon/recordings/capture.h"
#include "apps/daemon/recordings/recording.h"

namespace dt::daemon::recordings {

class Recordings {
 public:
  // Both must outlive it.
  Recordings(ProcessContext& process, WorkerPool& pool) : process_(process), pool_(pool) {}

  // Fails with unavailable (RECORDING_FFMPEG_NOT_FOUND), bad_request (the label) and internal.
  Task<Result<Recording>> start(std::string label);
  // Of one that goes on, or of one whose ffmpeg ended unasked, which is told as "failed". Else not_found.
  Task<Result<Recording>> stop(std::string id);
  Task<Result<std::vector<Recording>>> list();
  Task<Result<Recording>> get(std::string id);
  // Fails with conflict RECORDING_STILL_ACTIVE and not_found.
  Task<Status> remove(std::string id);
  // Where they are: $DAYTONA_RECORDINGS_DIR, else below the home directory.
  std::string directory() const;
  // Asks all to finish their files.
  void shutdown();

 private:
  struct Active {
    std::string path;
    timespec start{};
    std::shared_ptr<Capture> capture;
    bool stopping = false;
  };
  Recording describe(const std::string& id, const Active& active) const;

  ProcessContext& process_;
  WorkerPool& pool_;
  std::map<std::string, Active> active_;  // by id; also those that ended unasked, until somebody stops them
};

}  // namespace dt::daemon::recordings
