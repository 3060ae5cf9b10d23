#include "apps/daemon/recordings/recordings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "libs/base/log.h"
#include "libs/base/random.h"
#include "libs/base/text.h"

namespace dt::daemon::recordings {
namespace {

constexpr std::string_view kDefaultLabel = "session";

// What is on disk of it now.
void measure(Recording& recording) {
  struct stat st{};
  if (::stat(recording.path.c_str(), &st) != 0) return;
  recording.size = static_cast<uint64_t>(st.st_size);
  if (recording.status == "failed") recording.end = st.st_mtim;
}

timespec now() {
  timespec out{};
  ::clock_gettime(CLOCK_REALTIME, &out);
  return out;
}

Error not_started(Error error) {
  if (error.code == Code::not_found)
    return {Code::unavailable, error.message, "RECORDING_FFMPEG_NOT_FOUND", 0};
  return {Code::internal, "failed to start recording: " + error.message, "INTERNAL_SERVER_ERROR", 0};
}

}  // namespace

std::string Recordings::directory() const {
  std::string named(process_.environment.get("DAYTONA_RECORDINGS_DIR").value_or(""));
  if (named.empty())
    return std::string(process_.environment.get("HOME").value_or("/")) + "/.daytona/recordings";
  if (!named.starts_with('/')) named = process_.work_dir + "/" + named;
  while (named.size() > 1 && named.ends_with('/')) named.pop_back();
  return named;
}

Recording Recordings::describe(const std::string& id, const Active& active) const {
  return {.id = id,
          .path = active.path,
          .start = active.start,
          .end = {},
          .status = active.capture->ended() ? "failed" : "recording",
          .size = {}};
}

Task<Result<Recording>> Recordings::start(std::string label) {
  if (label.empty()) label = kDefaultLabel;
  if (!valid_label(label))
    co_return fail(
        Code::bad_request,
        "invalid label: must be 1-100 characters, cannot start with dot, cannot contain path "
        "separators (/ or \\), and can only contain letters, numbers, spaces, dots, underscores, and "
        "hyphens",
        "BAD_REQUEST");
  std::string folder = directory(), id = uuid_v4();
  std::error_code made;
  co_await pool_.run([&] { std::filesystem::create_directories(folder, made); });
  if (made)
    co_return std::unexpected(
        not_started({Code::internal, "cannot make " + folder + ": " + made.message(), {}, 0}));
  Active active{.path = {}, .start = now(), .capture = {}};
  active.path = folder + "/" + new_file_name(id, label, active.start);
  auto capture = co_await Capture::start(process_, active.path);
  if (!capture) {
    co_await pool_.run([&] { ::unlink(active.path.c_str()); });
    co_return std::unexpected(not_started(capture.error()));
  }
  active.capture = *capture;
  Recording out = describe(id, active);
  active_[id] = std::move(active);
  co_return out;
}

Task<Result<Recording>> Recordings::stop(std::string id) {
  auto it = active_.find(lower(id));
  if (it == active_.end() || it->second.stopping)
    co_return fail(Code::not_found, "recording not found", "NOT_FOUND");
  it->second.stopping = true;
  Active active = it->second;
  bool failed = active.capture->ended();
  Recording out = describe(it->first, active);
  bool whole = co_await active.capture->stop();
  active_.erase(out.id);
  if (!failed) {
    out.end = now();
    out.status = whole ? "completed" : "failed";
  }
  co_await pool_.run([&] { measure(out); });
  co_return out;
}

Task<Result<std::vector<Recording>>> Recordings::list() {
  std::vector<Recording> all;
  for (const auto& [id, active] : active_) all.push_back(describe(id, active));
  std::string folder = directory();
  auto files = co_await pool_.run([&] {
    for (Recording& recording : all) measure(recording);
    return stored(folder);
  });
  if (!files) co_return std::unexpected(files.error());
  for (Recording& file : *files)
    if (std::ranges::find(all, file.id, &Recording::id) == all.end()) all.push_back(std::move(file));
  co_return all;
}

Task<Result<Recording>> Recordings::get(std::string id) {
  std::string folder = directory();
  if (auto it = active_.find(lower(id)); it != active_.end()) {
    Recording out = describe(it->first, it->second);
    co_await pool_.run([&] { measure(out); });
    co_return out;
  }
  auto found = co_await pool_.run([&] { return stored(folder, id); });
  if (!found) co_return fail(Code::not_found, "recording not found", "NOT_FOUND");
  co_return *found;
}

Task<Status> Recordings::remove(std::string id) {
  if (auto it = active_.find(lower(id)); it != active_.end()) {
    if (!it->second.capture->ended())
      co_return fail(Code::conflict, "cannot delete an active recording, stop it first",
                     "RECORDING_STILL_ACTIVE");
    active_.erase(it);
  }
  std::string folder = directory();
  co_return co_await pool_.run([&]() -> Status {
    auto found = stored(folder, id);
    if (!found) return fail(Code::not_found, "recording not found", "NOT_FOUND");
    if (::unlink(found->path.c_str()) == 0 || errno == ENOENT) return {};
    Error error = errno_error("delete " + found->path, errno);
    return fail(Code::internal, error.message, "INTERNAL_SERVER_ERROR");
  });
}

void Recordings::shutdown() {
  for (auto& [id, active] : active_) active.capture->ask_to_stop();
}

}  // namespace dt::daemon::recordings
