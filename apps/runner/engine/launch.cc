#include "apps/runner/engine/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "libs/base/log.h"
#include "libs/base/text.h"
#include "libs/linux/mount.h"
#include "libs/linux/process.h"
#include "libs/linux/socket.h"

namespace dt::runner::engine {
namespace {

constexpr size_t kMaxRequest = 128 * 1024;
constexpr size_t kMaxReply = 8192;
constexpr uint64_t kMinShm = 64ull << 20;

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string hosts_file(const LaunchSpec& spec) {
  std::string out = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
  std::string address = spec.address.empty() ? "127.0.1.1" : spec.address;
  return out + address + "\t" + spec.hostname + "\n";
}

bool plain_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

Result<Fd> clone_directory(const std::string& path, const char* what) {
  auto tree = linux_::clone_mount(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW);
  if (!tree) return std::unexpected(std::move(tree.error()).context(what));
  return tree;
}

}  // namespace

Status Launch::check_spec() const {
  if (spec_.id_range == 0)
    return fail(Code::internal, "a sandbox needs a range of ids of its own, not the host's");
  if (parent_of(spec_.upper) != parent_of(spec_.work))
    return fail(Code::internal, "upper and work must lie in one directory");
  if (spec_.hostname.empty() || spec_.hostname.size() > 64 || !plain_line(spec_.hostname))
    return fail(Code::unprocessable, "the host name must have 1 to 64 printable characters");
  for (auto& [key, value] : spec_.env)
    if (key.empty() || key.find('=') != std::string::npos || key.find('\0') != std::string::npos ||
        value.find('\0') != std::string::npos)
      return fail(Code::unprocessable, "environment variable \"" + key + "\" has a character it cannot have");
  return {};
}

LaunchRequest Launch::make_request() const {
  LaunchRequest r;
  r.name = spec_.id.str();
  r.hostname = spec_.hostname;
  r.resolv_conf = spec_.resolv_conf;
  r.hosts = hosts_file(spec_);
  r.upper = name_of(spec_.upper);
  r.work = name_of(spec_.work);
  r.args = spec_.args;
  r.env = spec_.env;
  r.user = spec_.user;
  r.working_dir = spec_.working_dir;
  r.id_range = spec_.id_range;
  r.open_files = spec_.limits.open_files;
  r.pids = spec_.limits.pids;
  r.shm_bytes = std::max(kMinShm, spec_.limits.memory_bytes / 2);
  return r;
}

Status Launch::send_request() {
  TRY_VOID(check_spec());
  // Cloned here and not in the spawner, which sees nothing of the host's files.
  TRY(Fd lower, clone_directory(spec_.rootfs, "image"));
  TRY(Fd disk, clone_directory(parent_of(spec_.upper), "disk"));
  TRY(auto replies, linux_::message_socketpair());
  TRY(Pipe ready, make_pipe());
  TRY(auto cgroup, cgroups_.create_first(spec_.id.str()));
  LaunchRequest request = make_request();
  std::vector<int> fds = {replies.second.get(), lower.get(), disk.get(), ready.write.get()};
  auto optional = [&](bool& flag, int fd) {
    flag = fd >= 0;
    if (flag) fds.push_back(fd);
  };
  optional(request.has_netns, spec_.netns);
  optional(request.has_listen, spec_.listen_socket);
  optional(request.has_log, spec_.log);
  optional(request.has_cgroup, cgroup ? cgroup->get() : -1);
  std::string bytes = encode(request);
  if (bytes.size() > kMaxRequest)
    return fail(Code::unprocessable, "arguments and environment together exceed 128 KiB");
  reply_ = std::move(replies.first);
  timeval timeout{config_.ready_timeout_ms / 1000, config_.ready_timeout_ms % 1000 * 1000};
  if (::setsockopt(reply_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0)
    return fail_errno("set a receive timeout");
  ready_ = std::move(ready.read);
  return spawner_.request(bytes, fds);
}

// While the child builds the root.
Status Launch::make_cgroups() {
  const std::string& name = spec_.id.str();
  TRY_VOID(cgroups_.create_rest(name));
  TRY_VOID(cgroups_.set_limits(name, {.memory_bytes = spec_.limits.memory_bytes, .pids = spec_.limits.pids}));
  TRY(auto doors, cgroups_.doors(name));
  std::vector<int> fds;
  for (auto& door : doors) fds.push_back(door.get());
  Status sent = linux_::send_message(reply_.get(), encode_tag(Tag::go), fds);
  // A child that has ended already tells the reason itself.
  return sent || sent.error().code == Code::closed ? Status{} : sent;
}

// One byte, or the end of the pipe when everybody who could write it is gone: the child, or a spawner that
// has made none.
Status Launch::wait_ready() {
  pollfd p{ready_.get(), POLLIN, 0};
  int n;
  while ((n = ::poll(&p, 1, linux_::millis_until(deadline_))) < 0)
    if (errno != EINTR) return fail_errno("poll the ready pipe");
  if (n == 0)
    return fail(Code::timeout,
                "the daemon was not ready within " + std::to_string(config_.ready_timeout_ms) + " ms");
  char byte;
  if (::read(ready_.get(), &byte, 1) == 1) return {};
  return fail(Code::bad_gateway, "the daemon ended before it was ready");
}

// What the child has said, up to `last` or the end of the socket. The error is the child's own.
Status Launch::read_replies(Tag last) {
  for (bool done = false; !done;) {
    auto message = linux_::receive_message(reply_.get(), kMaxReply);
    if (!message) break;
    if (is(message->bytes, Tag::failed)) return std::unexpected(decode_failed(message->bytes));
    if (is(message->bytes, Tag::started) && message->fds.size() == 1)
      launched_.pidfd = std::move(message->fds[0]);
    if (is(message->bytes, Tag::built)) {
      TRY(times_, decode_built(message->bytes));
    }
    done = is(message->bytes, last);
  }
  if (launched_.pidfd) return {};
  spawner_lost_ = true;
  return fail(Code::unavailable, "the spawner ended during the launch: try again");
}

Status Launch::identify() {
  TRY(launched_.pid, linux_::pidfd_pid(launched_.pidfd.get()));
  TRY(auto stat, linux_::proc_stat(launched_.pid));
  launched_.start_time = stat.start_time;
  return {};
}

void Launch::undo() {
  // A child that waits for us ends now; what it said before is kept.
  if (reply_) ::shutdown(reply_.get(), SHUT_WR);
  if (reply_ && !launched_.pidfd) (void)read_replies(Tag::started);
  reply_.reset();
  if (launched_.pidfd) {
    (void)linux_::pidfd_signal(launched_.pidfd.get(), SIGKILL);
    (void)linux_::pidfd_wait(launched_.pidfd.get(), after(std::chrono::seconds(5)));
  }
  if (Status removed = cgroups_.kill_and_remove(spec_.id.str()); !removed)
    log::warn("a failed launch left its cgroup",
              {{"sandbox", spec_.id.str()}, {"error", removed.error().message}});
}

Status Launch::attempt() {
  TRY_VOID(send_request());
  TRY_VOID(make_cgroups());
  Status ready = wait_ready();
  if (!ready && ready.error().code == Code::timeout) return ready;
  // A daemon that runs has been announced by Built; of one that does not, the last word counts.
  TRY_VOID(read_replies(ready ? Tag::built : Tag::failed));
  if (!ready) return ready;
  // Only now: a CPU limit would slow down the start itself.
  TRY_VOID(cgroups_.set_cpus(spec_.id.str(), spec_.limits.cpus));
  return identify();
}

void Launch::fill_stages(Mono start) {
  auto ms = [](std::chrono::nanoseconds d) { return std::chrono::duration<double, std::milli>(d).count(); };
  auto& s = launched_.stages;
  s.total_ms = ms(std::chrono::steady_clock::now() - start);
  s.clone_ms = ms(std::chrono::nanoseconds(times_.started_ns) - start.time_since_epoch());
  s.layers_ms = times_.layers;
  s.mounts_ms = times_.mounts;
  s.cgroup_ms = times_.cgroup;
  s.drop_ms = times_.drop;
  s.ready_ms = s.total_ms - s.clone_ms - s.layers_ms - s.mounts_ms - s.cgroup_ms - s.drop_ms;
}

Result<Launched> Launch::run() {
  Mono start = std::chrono::steady_clock::now();
  deadline_ = start + Millis(config_.ready_timeout_ms);
  if (Status done = attempt(); !done) {
    undo();
    return std::unexpected(std::move(done.error()).context("start sandbox " + spec_.id.str()));
  }
  fill_stages(start);
  return std::move(launched_);
}

}  // namespace dt::runner::engine
