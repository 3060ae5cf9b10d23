// Walls "system calls", "capabilities" and "network": what root inside a sandbox is refused, call by call.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <thread>

#include "libs/base/text.h"
#include "tests/kernel/harness.h"

namespace dt::runner::testing {
namespace {

class EscapeCalls : public EngineTest {
 protected:
  // In a network namespace that the host's user namespace owns, as the runner's slots are.
  TestSandbox launch_with_network() {
    TestSandbox s = prepare();
    std::thread([&] {
      if (::unshare(CLONE_NEWNET) == 0)
        netns_.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }).join();
    s.spec.netns = netns_.get();
    return launch(std::move(s));
  }
  void expect_all(const TestSandbox& s, const std::string& names, const std::string& result) {
    std::string wanted;
    for (auto name : split(names, ' ')) wanted += std::string(name) + ": " + result + "\n";
    EXPECT_EQ(s.probe(names) + "\n", wanted);
  }
  Fd netns_;
};

TEST_F(EscapeCalls, MountsAreRefused) {
  TestSandbox s = launch();
  expect_all(s, "mount umount2 pivot_root open_tree move_mount fsopen mount_setattr", "EPERM");
}

TEST_F(EscapeCalls, ForbiddenCallsAreRefused) {
  TestSandbox s = launch();
  expect_all(s,
             "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter open_by_handle_at quotactl "
             "fanotify_init swapon acct "
             "sethostname iopl ioperm reboot",
             "EPERM");
}

TEST_F(EscapeCalls, KernelCodeCannotBeLoaded) {
  TestSandbox s = launch();
  expect_all(s, "kexec_load kexec_file_load init_module finit_module delete_module", "EPERM");
}

TEST_F(EscapeCalls, TheKeyringIsOutOfReach) {
  TestSandbox s = launch();
  expect_all(s, "keyctl add_key request_key", "EPERM");
}

TEST_F(EscapeCalls, TimeCannotBeSet) {
  TestSandbox s = launch();
  expect_all(s, "clock_settime settimeofday adjtimex", "EPERM");
  EXPECT_NE(s.output("date -s 2001-01-01 > /dev/null 2>&1; date +%Y"), "2001");
}

TEST_F(EscapeCalls, TheKernelLogIsOutOfReach) {
  TestSandbox s = launch();
  expect_all(s, "syslog", "EPERM");
  EXPECT_NE(s.run("dmesg").exit, 0);
  EXPECT_NE(s.run("cat /dev/kmsg").exit, 0);
  EXPECT_EQ(s.output("cat /proc/kmsg 2>/dev/null | head -c 1 | wc -c"), "0");
}

TEST_F(EscapeCalls, NamespacesCannotBeNestedOrEntered) {
  TestSandbox s = launch();
  expect_all(s, "unshare_user unshare_mount unshare_net clone_user setns", "EPERM");
  expect_all(s, "clone3", "ENOSYS");
  expect_all(s, "unshare_files", "ok");
  TestSandbox user = launch("", "daytona");
  expect_all(user, "unshare_user clone_user", "EPERM");
}

TEST_F(EscapeCalls, UnknownAndObsoleteCallsDoNotExist) {
  TestSandbox s = launch();
  expect_all(s, "unknown_call modify_ldt personality_readexec", "ENOSYS");
  expect_all(s, "personality_linux", "ok");
}

TEST_F(EscapeCalls, The32BitEntryPointKills) {
  TestSandbox s = launch();
  EXPECT_EQ(s.output("/usr/local/bin/daytona int80"), "killed by SIGSYS");
  EXPECT_EQ(s.output("/usr/local/bin/daytona x32"), "killed by SIGSYS");
}

TEST_F(EscapeCalls, SocketFamiliesAreLimited) {
  TestSandbox s = launch_with_network();
  expect_all(s, "socket_vsock socket_alg socket_packet", "EAFNOSUPPORT");
  expect_all(s, "socket_netfilter socket_uevent socket_audit", "EPROTONOSUPPORT");
  expect_all(s, "socket_route socket_inet socket_unix", "ok");
}

TEST_F(EscapeCalls, RawSocketsNeedWhatNobodyInsideHas) {
  TestSandbox s = launch_with_network();
  expect_all(s, "socket_raw socket_raw6",
             "EPERM");  // CAP_NET_RAW counts in the user namespace, which does not own the network
}

TEST_F(EscapeCalls, TheNetworkCannotBeChanged) {
  TestSandbox s = launch_with_network();
  for (const char* command :
       {"ip link set lo up", "ip addr add 192.0.2.99/32 dev lo", "ip link add dummy0 type dummy",
        "ip route add 192.0.2.0/24 dev lo", "ifconfig lo 127.0.0.1 up",
        "echo 1 > /proc/sys/net/ipv4/ip_forward", "echo 1 > /proc/sys/net/ipv4/conf/all/accept_redirects"})
    EXPECT_NE(s.run(command).exit, 0) << command;
  EXPECT_NE(s.run("ip link show").output.find("lo:"), std::string::npos);
}

TEST_F(EscapeCalls, CapabilitiesAreBoundedAndNoneIsAmbient) {
  TestSandbox s = launch();
  std::string caps = s.output("grep -h Cap /proc/self/status | tr -s '\\t\\n' ' '");
  EXPECT_EQ(caps,
            "CapInh: 0000000000000000 CapPrm: 00000000a80425fb CapEff: 00000000a80425fb CapBnd: "
            "00000000a80425fb CapAmb: 0000000000000000");
  EXPECT_EQ(s.output("grep Seccomp: /proc/1/status | tr -dc 0-9"), "2");
}

}  // namespace
}  // namespace dt::runner::testing
