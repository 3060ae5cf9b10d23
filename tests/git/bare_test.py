"""The daemon alone in an empty root file system: no git program, no libraries, no certificates, no name service but /etc/resolv.conf."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from harness import (AUTHOR, DAEMON, PASSWORD, SANITIZED, USER, Daemon, GitServer, GitTest, certificate, end, git, read, sample, wait_for, write)

LOGIN = {"username": USER, "password": PASSWORD}

# In a network and mounts of their own: a loopback device, /proc and /dev in the root that is to be.
HOLDER = """set -e
ip link set lo up
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
touch "$1/ready"
exec sleep infinity
"""

NAME_SERVER = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    data, who = s.recvfrom(4096)
    at = 12
    name = []
    while data[at]:
        name.append(data[at + 1 : at + 1 + data[at]].decode())
        at += 1 + data[at]
    kind = int.from_bytes(data[at + 1 : at + 3], "big")
    known = ".".join(name).lower() == "git.test"
    answer = b"\\xc0\\x0c\\x00\\x01\\x00\\x01\\x00\\x00\\x00\\x05\\x00\\x04\\x7f\\x00\\x00\\x01" if known and kind == 1 else b""
    flags = b"\\x81\\x80" if known else b"\\x81\\x83"
    s.sendto(data[:2] + flags + b"\\x00\\x01" + (b"\\x00\\x01" if answer else b"\\x00\\x00") + b"\\x00" * 4 + data[12 : at + 5] + answer, who)
"""


@unittest.skipIf(SANITIZED, "programs with sanitizers need their libraries")
@unittest.skipIf(os.getuid() != 0, "needs root")
class EmptyRoot(GitTest):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="git-test-root-")
        cls.addClassCleanup(shutil.rmtree, cls.root, ignore_errors=True)
        for name in ("proc", "dev", "tmp", "home", "etc"):
            os.mkdir(f"{cls.root}/{name}")
        shutil.copy(DAEMON, cls.root + "/daemon")
        write(cls.root + "/etc/resolv.conf", "nameserver 127.0.0.1\n")
        holder = subprocess.Popen(["unshare", "-n", "-m", "--propagation", "private", "sh", "-c", HOLDER, "sh", cls.root])
        cls.addClassCleanup(end, holder)
        wait_for(lambda: os.path.exists(cls.root + "/ready"))
        inside = ["nsenter", "-t", str(holder.pid), "-n"]
        names = subprocess.Popen([*inside, sys.executable, "-c", NAME_SERVER], stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(end, names)
        names.stdout.readline()
        cls.addClassCleanup(names.stdout.close)
        os.mkdir(cls.root + "/tls")
        keys = certificate(cls.root + "/tls")
        # The servers are outside of the root, but in its network.
        cls.outside = tempfile.mkdtemp(prefix="git-test-")
        cls.addClassCleanup(shutil.rmtree, cls.outside, ignore_errors=True)
        cls.served = cls.outside + "/served"
        os.mkdir(cls.served)
        cls.first, cls.second, cls.third = sample(cls.outside + "/sample")
        cls.serve(cls.outside + "/sample", "sample.git")
        cls.server = GitServer(cls.served, prefix=inside)
        cls.addClassCleanup(cls.server.stop)
        cls.secure = GitServer(cls.served, prefix=inside, tls=keys)
        cls.addClassCleanup(cls.secure.stop)
        cls.daemon = Daemon({"SSL_CERT_FILE": "/tls/cert.pem", "PATH": "/bin"}, directory=cls.root, inside=True,
                            prefix=["nsenter", "-t", str(holder.pid), "-n", "-m", shutil.which("chroot"), cls.root], program="/daemon")
        cls.addClassCleanup(cls.daemon.stop)

    def test_a_whole_day_of_work(self):
        call = self.daemon
        here = self.dir[len(self.root):] + "/clone"
        there = self.root + here
        name = self.own()
        self.good(call.post("clone", url=self.server.url(name), path=here, **LOGIN))
        self.assertEqual(self.head(there), self.second)
        write(there + "/new", "x")
        self.assertEqual(self.good(call.get("status", path=here))["fileStatus"],
                         [{"name": "new", "extra": "", "staging": "Untracked", "worktree": "Untracked"}])
        self.good(call.post("branches", path=here, name="topic"), 201)
        self.good(call.post("add", path=here, files=["new"]))
        made = self.good(call.post("commit", path=here, message="m", **AUTHOR))["hash"]
        self.good(call.post("push", path=here, set_upstream=True, **LOGIN))
        self.assertEqual(self.head(f"{self.served}/{name}", "topic"), made)
        status = self.good(call.get("status", path=here))
        self.assertEqual([status[k] for k in ("currentBranch", "branchPublished", "ahead", "behind")], ["topic", True, 0, 0])
        self.good(call.post("pull", path=here, **LOGIN))
        self.good(call.post("checkout", path=here, branch="main"))
        self.assertEqual(len(self.good(call.get("history", path=here))), 2)
        self.good(call.post("reset", path=here, mode="hard", target="HEAD~1"))
        self.good(call.post("restore", path=here, files=["README.md"]))
        self.sound(there)

    def test_names_and_certificates(self):
        for number, url in enumerate((self.server.url("sample.git", host="git.test"), self.secure.url("sample.git", host="git.test"),
                                      self.secure.url("sample.git", host="127.0.0.1"))):
            here = f"{self.dir[len(self.root):]}/{number}"
            self.good(self.daemon.post("clone", url=url, path=here, **LOGIN))
            self.assertEqual(self.head(self.root + here), self.second)
        reply = self.daemon.post("clone", url=self.secure.url("sample.git", host="other.test"), path="/home/x", **LOGIN)
        self.bad(reply, 502, "GIT_TRANSPORT_FAILED", "other.test")

    def test_names_from_the_hosts_file(self):
        write(self.root + "/etc/hosts", "127.0.0.1 localhost by-file.test\n")
        try:
            here = self.dir[len(self.root):] + "/clone"
            self.good(self.daemon.post("clone", url=self.server.url("sample.git", host="by-file.test"), path=here, **LOGIN))
        finally:
            os.unlink(self.root + "/etc/hosts")

    def test_settings_of_every_scope(self):
        for scope, file in (("global", "/home/.gitconfig"), ("system", "/etc/gitconfig")):
            self.good(self.daemon.post("config", key="user.name", value=scope, scope=scope))
            self.assertIn(f"name = {scope}", read(self.root + file))
            self.assertEqual(self.good(self.daemon.get("config", key="user.name", scope=scope))["value"], scope)

    def test_init(self):
        self.good(self.daemon.post("init", path="/made/here", initial_branch="main"), 201)
        write(self.root + "/made/here/a", "x")
        self.good(self.daemon.post("add", path="/made/here", files=["."]))
        self.good(self.daemon.post("commit", path="/made/here", message="m", **AUTHOR))
        self.sound(self.root + "/made/here")
        self.assertEqual(git(self.root + "/made/here", "log", "--format=%an").strip(), AUTHOR["author"])

    def test_nothing_was_needed(self):
        programs = [os.path.join(f, n) for f, _, names in os.walk(self.root) if not f.startswith((self.root + "/proc", self.root + "/dev"))
                    for n in names if not f.endswith("/hooks") and os.path.isfile(os.path.join(f, n)) and os.access(os.path.join(f, n), os.X_OK)]
        self.assertEqual(programs, [self.root + "/daemon"])


if __name__ == "__main__":
    unittest.main()
