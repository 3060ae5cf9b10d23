"""Clone, fetch and push over ssh with the user's keys: contract toolbox.md 17.2 ("let git use the user's keys")."""

import os
import pwd
import shutil
import socket
import subprocess
import unittest

from harness import GitTest, commit_all, end, git, read, wait_for, write

SSHD = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
WHO = pwd.getpwuid(os.getuid()).pw_name

CONFIG = """Port {port}
ListenAddress 127.0.0.1
HostKey {host_key}
AuthorizedKeysFile {authorized}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
SetEnv GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=*
{more}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def keygen(path, kind="ed25519", passphrase=""):
    bits = ["-b", "3072"] if kind == "rsa" else []
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *bits, "-N", passphrase, "-C", "test", "-f", path], check=True)
    return read(path + ".pub")


class Sshd:
    """OpenSSH's server in the foreground, with its own keys and files."""

    def __init__(self, directory, host_kind="ed25519", port=None, more=""):
        os.makedirs(directory, exist_ok=True)
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)   # where it locks up its unprivileged half
        self.port = port or free_port()
        self.host_key = directory + "/host_key"
        self.public = keygen(self.host_key, host_kind)
        self.authorized = directory + "/authorized"
        write(self.authorized)
        write(directory + "/config", CONFIG.format(port=self.port, host_key=self.host_key, authorized=self.authorized, more=more))
        self.log = directory + "/log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", directory + "/config"], stdin=subprocess.DEVNULL, stderr=log)
        wait_for(self.listens)

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError(read(self.log))
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def line_of_known_hosts(self):
        return f"[127.0.0.1]:{self.port} " + " ".join(self.public.split()[:2]) + "\n"

    def stop(self):
        end(self.process)


@unittest.skipIf(SSHD is None, "openssh-server is not installed")
class Ssh(GitTest):
    def setUp(self):
        super().setUp()
        self.keys = self.daemon.home + "/.ssh"
        shutil.rmtree(self.keys, ignore_errors=True)
        os.mkdir(self.keys, 0o700)

    def sshd(self, **options):
        server = Sshd(self.dir + "/sshd", **options)
        self.addCleanup(server.stop)
        write(self.keys + "/known_hosts", server.line_of_known_hosts())
        return server

    def login(self, server, kind="ed25519", name=None):
        write(server.authorized, keygen(f"{self.keys}/{name or 'id_' + kind}", kind))

    def url(self, server, name="sample.git"):
        return f"ssh://{WHO}@127.0.0.1:{server.port}{self.served}/{name}"

    def test_ed25519_key(self):
        server = self.sshd()
        self.login(server)
        path = self.clone(self.url(server))
        self.assertEqual(self.head(path), self.second)
        self.assertEqual(git(path, "config", "remote.origin.url").strip(), self.url(server))
        self.sound(path)

    def test_rsa_key_and_rsa_host_key(self):
        server = self.sshd(host_kind="rsa")
        self.login(server, "rsa")
        self.assertIn("BEGIN OPENSSH PRIVATE KEY", read(self.keys + "/id_rsa"))
        self.assertEqual(self.head(self.clone(self.url(server))), self.second)

    def test_ecdsa_key_and_host_key(self):
        server = self.sshd(host_kind="ecdsa")
        self.login(server, "ecdsa")
        self.assertEqual(self.head(self.clone(self.url(server))), self.second)

    def test_the_key_that_fits_is_found_among_several(self):
        server = self.sshd()
        keygen(self.keys + "/id_ecdsa", "ecdsa")
        keygen(self.keys + "/id_ed25519")
        self.login(server, "rsa")
        self.assertEqual(self.head(self.clone(self.url(server))), self.second)

    def test_scp_form_of_the_address(self):
        """user@host:path has no place for a port: ssh's port 22 is meant, where nobody or a stranger listens here."""
        reply = self.daemon.post("clone", url=f"{WHO}@127.0.0.2:{self.served}/sample.git", path=self.dir + "/c")
        self.bad(reply, reply.status, "GIT_AUTH_FAILED|GIT_TRANSPORT_FAILED|UNAUTHORIZED")
        self.assertIn(reply.status, (401, 502))

    def test_push_and_pull(self):
        server = self.sshd()
        self.login(server)
        name = self.own()
        path = self.clone(self.url(server, name))
        write(path + "/over-ssh", "1")
        git(path, "add", "-A")
        made = self.good(self.daemon.post("commit", path=path, message="over ssh", author="A", email="a@b"))["hash"]
        self.good(self.daemon.post("push", path=path))
        self.assertEqual(self.head(f"{self.served}/{name}", "main"), made)
        other = self.dir + "/other"
        git(None, "clone", "-q", f"{self.served}/{name}", other)
        write(other + "/back", "2")
        theirs = commit_all(other)
        git(other, "push", "-q")
        self.good(self.daemon.post("pull", path=path))
        self.assertEqual(self.head(path), theirs)

    def test_depth(self):
        server = self.sshd()
        self.login(server)
        path = self.clone(self.url(server), depth=1)
        self.assertEqual(git(path, "log", "--format=%H").split(), [self.second])

    def test_no_key_and_wrong_key(self):
        server = self.sshd()
        self.bad(self.daemon.post("clone", url=self.url(server), path=self.dir + "/c"), 401, "GIT_AUTH_FAILED")
        keygen(self.keys + "/id_ed25519")
        self.bad(self.daemon.post("clone", url=self.url(server), path=self.dir + "/c"), 401, "GIT_AUTH_FAILED")
        self.assertFalse(os.path.exists(self.dir + "/c"))

    def test_a_key_with_a_passphrase_does_not_hang(self):
        server = self.sshd()
        write(server.authorized, keygen(self.keys + "/id_ed25519", passphrase="secret words"))
        self.bad(self.daemon.post("clone", url=self.url(server), path=self.dir + "/c"), 401, "GIT_AUTH_FAILED")

    def test_a_changed_host_key_is_refused(self):
        server = self.sshd()
        self.login(server)
        other = keygen(self.dir + "/other_key")
        write(self.keys + "/known_hosts", f"[127.0.0.1]:{server.port} " + " ".join(other.split()[:2]) + "\n")
        before = read(self.keys + "/known_hosts")
        self.bad(self.daemon.post("clone", url=self.url(server), path=self.dir + "/c"), 502, "GIT_TRANSPORT_FAILED", "host key")
        self.assertEqual(read(self.keys + "/known_hosts"), before)
        self.assertNotIn("Accepted", read(server.log))
        self.assertFalse(os.path.exists(self.dir + "/c"))

    def test_a_host_seen_for_the_first_time_is_remembered(self):
        server = self.sshd()
        self.login(server)
        os.unlink(self.keys + "/known_hosts")
        self.assertEqual(self.head(self.clone(self.url(server))), self.second)
        self.assertIn(server.public.split()[1], read(self.keys + "/known_hosts"))
        # From now on another key for it is refused.
        server.stop()
        imposter = Sshd(self.dir + "/imposter", port=server.port)
        self.addCleanup(imposter.stop)
        shutil.copy(server.authorized, imposter.authorized)
        self.bad(self.daemon.post("clone", url=self.url(server), path=self.dir + "/again"), 502, "GIT_TRANSPORT_FAILED", "host key")

    def test_an_unknown_repository(self):
        server = self.sshd()
        self.login(server)
        self.bad(self.daemon.post("clone", url=self.url(server, "nope.git"), path=self.dir + "/c"), 404, "GIT_REPO_NOT_FOUND")

    def test_nobody_listens(self):
        reply = self.daemon.post("clone", url=f"ssh://{WHO}@127.0.0.1:1/x.git", path=self.dir + "/c")
        self.bad(reply, 502, "GIT_TRANSPORT_FAILED")

    def test_odd_names_do_not_become_commands(self):
        server = self.sshd()
        self.login(server)
        shutil.copytree(self.served + "/sample.git", self.served + "/it's $(touch hit) `x`.git")
        url = f"ssh://{WHO}@127.0.0.1:{server.port}{self.served}/it's%20$(touch%20hit)%20`x`.git"
        path = self.clone(url)
        self.assertEqual(self.head(path), self.second)
        for user in ("-oProxyCommand=touch " + self.dir + "/hit", "-lroot"):
            reply = self.daemon.post("clone", url=f"ssh://{user}@127.0.0.1:{server.port}/x", path=self.dir + "/d")
            self.assertGreaterEqual(reply.status, 400)
        self.assertFalse(os.path.exists(self.dir + "/hit"))


if __name__ == "__main__":
    unittest.main()
