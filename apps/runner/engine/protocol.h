// What the engine and its spawner say to one another. One SOCK_SEQPACKET socket carries requests (engine ->
// spawner); each launch brings a socket of its own for the answers, so that answers need no numbering and the
// death of either side is seen as its end:
//
//   engine                      spawner                     child (becomes the sandbox's init)
//   Setup  -------------------> (builds its small root)
//          <------------------- Ready | Failed
//   Launch + descriptors -----> clone3
//          <---------------------------------------------- Started + pidfd   (from the child: the spawner may
//          die any time)
//   (makes the cgroups)                                    (builds the root)
//   Go + v1 cgroup.procs files --------------------------> enters the cgroups, pivots, drops privileges
//          <---------------------------------------------- Built{times}      executes the daemon: the socket
//          closes
//          <---------------------------------------------- Failed{error}     (at any point; of clone3, from
//          the spawner)
//
// Neither side waits for the other in the usual case: Go lies ready when the child needs it, and the engine
// sleeps once, on the ready pipe, whose end also tells it of every failure. Both ends are the same build, so
// the encoding is plain: a tag byte, then fields in order.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libs/base/error.h"

namespace dt::runner::engine {

enum class Tag : char {
  setup = 'U',
  ready = 'R',
  launch = 'L',
  started = 'P',
  built = 'B',
  go = 'G',
  failed = 'E'
};

struct CgroupView {        // a hierarchy whose own group the sandbox may read
  std::string source;      // host path of the hierarchy's parent group
  std::string controller;  // directory name below /sys/fs/cgroup inside; "" for v2
};

struct Setup {
  std::string daemon_path;
  std::string seccomp;  // array of sock_filter
  std::vector<CgroupView> views;
  bool moves_cgroups = false;  // v1: processes are moved into their groups
};

// Descriptors that come with a launch, in this order; the optional ones only when their flag is set.
struct LaunchRequest {
  std::string name;  // of the cgroup
  std::string hostname, resolv_conf, hosts;
  std::string upper, work;  // directory names below the disk's tree
  std::vector<std::string> args;
  std::map<std::string, std::string> env;
  std::string user, working_dir;
  uint32_t id_range = 0;
  uint64_t open_files = 0, pids = 0, shm_bytes = 0;
  bool has_netns = false, has_listen = false, has_log = false, has_cgroup = false;
};

struct BuildTimes {        // measured in the child, milliseconds
  int64_t started_ns = 0;  // steady clock
  double layers = 0, mounts = 0, cgroup = 0, drop = 0;
};

std::string encode(const Setup& setup);
std::string encode(const LaunchRequest& request);
std::string encode_built(const BuildTimes& times);
std::string encode_failed(const Error& error);
inline std::string encode_tag(Tag tag) { return std::string(1, static_cast<char>(tag)); }

Result<Setup> decode_setup(std::string_view bytes);
Result<LaunchRequest> decode_launch(std::string_view bytes);
Result<BuildTimes> decode_built(std::string_view bytes);
Error decode_failed(std::string_view bytes);
inline bool is(std::string_view bytes, Tag tag) {
  return !bytes.empty() && bytes[0] == static_cast<char>(tag);
}

}  // namespace dt::runner::engine
