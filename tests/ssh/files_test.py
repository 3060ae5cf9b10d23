"""sftp, scp, rsync and git over the sandbox's SSH."""

import filecmp
import hashlib
import os
import random
import shutil
import stat
import subprocess
import threading
import time
import unittest

from harness import SANITIZED, TIMEOUT, SshTest, programs_below, status_of

BIG = int(os.environ.get("DT_SSH_BIG_MIB", "16" if SANITIZED else "1024")) << 20


def write_random(path, size, seed=1):
    source = random.Random(seed)
    block = source.randbytes(1 << 20)
    with open(path, "wb") as file:
        for i in range(0, size, 1 << 20):
            file.write((i.to_bytes(8, "big") + block[8:])[: size - i])


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Sftp(SshTest):
    def batch(self, *lines, check=0):
        return self.run_ssh("-b", "-", "box", program="sftp", input="\n".join(lines).encode() + b"\n", check=check,
                            timeout=TIMEOUT * 5).stdout.decode()

    def test_starts_in_the_work_dir(self):
        self.assertIn(f"Remote working directory: {self.daemon.home}\n", self.batch("pwd"))

    def test_there_and_back(self):
        for size in (0, 1, 32768, 100_001, 7_000_000):
            write_random(self.path("from"), size, size)
            self.batch(f"put {self.path('from')} {self.path('there')}", f"get {self.path('there')} {self.path('back')}")
            self.assertTrue(filecmp.cmp(self.path("from"), self.path("there"), shallow=False), size)
            self.assertTrue(filecmp.cmp(self.path("from"), self.path("back"), shallow=False), size)

    def test_continues_where_a_transfer_ended(self):
        write_random(self.path("whole"), 3_000_000)
        with open(self.path("whole"), "rb") as whole, open(self.path("part"), "wb") as part:
            part.write(whole.read(1_234_567))
        shutil.copy(self.path("part"), self.path("part2"))
        self.batch(f"reput {self.path('whole')} {self.path('part')}", f"reget {self.path('whole')} {self.path('part2')}")
        self.assertTrue(filecmp.cmp(self.path("whole"), self.path("part"), shallow=False))
        self.assertTrue(filecmp.cmp(self.path("whole"), self.path("part2"), shallow=False))

    def test_permissions_times_and_flush(self):
        write_random(self.path("from"), 1000)
        os.chmod(self.path("from"), 0o741)
        os.utime(self.path("from"), (1_000_000_000, 1_100_000_000))
        self.batch(f"put -p -f {self.path('from')} {self.path('to')}")
        st = os.stat(self.path("to"))
        self.assertEqual((stat.S_IMODE(st.st_mode), int(st.st_mtime)), (0o741, 1_100_000_000))
        self.batch(f"chmod 600 {self.path('to')}", f"chown 12 {self.path('to')}", f"chgrp 34 {self.path('to')}")
        st = os.stat(self.path("to"))
        self.assertEqual((stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid), (0o600, 12, 34))

    def test_folders(self):
        d = self.path("d")
        self.batch(f"mkdir {d}", f"mkdir {d}/e", f"cd {d}", "mkdir f", f"rmdir {d}/e")
        self.assertEqual(os.listdir(d), ["f"])
        self.batch(f"rmdir {d}", check=1)
        self.batch(f"mkdir {d}", check=1)

    def test_listing(self):
        os.mkdir(self.path("many"))
        for i in range(2500):
            with open(f"{self.path('many')}/file-{i:04}-with-a-rather-long-name", "w", encoding="utf-8") as file:
                file.write("x" * (i % 7))
        self.assertEqual(self.batch(f"ls -1 {self.path('many')}").count("file-"), 2500)
        os.symlink("nowhere", self.path("link"))
        os.chmod(self.path("many"), 0o1755)
        text = self.batch(f"ls -la {self.dir}")
        self.assertRegex(text, r"(?m)^drwxr-xr-t +[?2] +root +root +\d+ \w+ +\d+ [\d:]+ \S*many$")
        self.assertRegex(text, r"(?m)^lrwxrwxrwx .*link$")

    def test_links(self):
        write_random(self.path("file"), 10)
        self.batch(f"ln {self.path('file')} {self.path('hard')}", f"ln -s file {self.path('soft')}")
        self.assertEqual(os.stat(self.path("file")).st_nlink, 2)
        self.assertEqual(os.readlink(self.path("soft")), "file")
        self.batch(f"ls {self.path('soft')}", f"get {self.path('soft')} {self.path('copy')}", f"rm {self.path('soft')}")
        self.assertFalse(os.path.lexists(self.path("soft")))
        self.assertTrue(os.path.exists(self.path("file")))

    def test_rename_replaces_as_posix_does(self):
        write_random(self.path("a"), 10, 1)
        write_random(self.path("b"), 20, 2)
        self.batch(f"rename {self.path('a')} {self.path('b')}")
        self.assertEqual(os.path.getsize(self.path("b")), 10)
        self.batch(f"rename -l {self.path('b')} {self.path('c')}")  # the old request, which replaces nothing
        write_random(self.path("d"), 30)
        self.batch(f"rename -l {self.path('d')} {self.path('c')}", check=1)
        self.assertEqual(os.path.getsize(self.path("c")), 10)

    def test_room_on_the_disk(self):
        self.assertRegex(self.batch(f"df {self.dir}"), r"Size +Used +Avail")

    def test_failures_are_told(self):
        done = self.run_ssh("-b", "-", "box", program="sftp", input=f"get {self.path('no')} /dev/null\n".encode(), check=1)
        self.assertIn(b"not found", done.stderr)
        done = self.run_ssh("-b", "-", "box", program="sftp", input=b"rm /proc/version\n", check=1)
        self.assertIn(b"Permission denied", done.stderr)

    def test_odd_names(self):
        write_random(self.path("from"), 5)
        for name in ("with space", "ümläut", "-dash", 'quote"s', "tab\tinside"):
            self.run_ssh("-r", self.path("from"), f"box:{self.path(name)}", program="scp", check=0)
            self.assertTrue(os.path.exists(self.path(name)), name)

    def memory(self, seen, stop):
        """The most that any of our processes used of its own."""
        while not stop.wait(0.1):
            for pid in [self.daemon.process.pid, *programs_below(self.daemon.process.pid)]:
                try:
                    seen.append(int(status_of(pid)["RssAnon"].split()[0]))
                except (OSError, KeyError):
                    pass

    def test_a_big_file_with_flat_memory(self):
        write_random(self.path("from"), BIG)
        seen, stop = [], threading.Event()
        watcher = threading.Thread(target=self.memory, args=(seen, stop))
        watcher.start()
        try:
            start = time.monotonic()
            self.batch(f"put {self.path('from')} {self.path('there')}")
            up = time.monotonic() - start
            self.assertEqual(digest(self.path("there")), digest(self.path("from")))
            start = time.monotonic()
            self.batch(f"get {self.path('there')} {self.path('back')}")
            down = time.monotonic() - start
            self.assertEqual(digest(self.path("back")), digest(self.path("from")))
        finally:
            stop.set()
            watcher.join()
        print(f"sftp of {BIG >> 20} MiB: up {BIG / up / 1e6:.0f} MB/s, down {BIG / down / 1e6:.0f} MB/s, "
              f"at most {max(seen)} KiB of memory")
        self.assertLess(max(seen), 600_000 if SANITIZED else 16_000)

    def test_gone_in_the_middle(self):
        write_random(self.path("from"), 50_000_000)
        client = subprocess.Popen(self.command("-b", "-", "box", program="sftp"), stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        client.stdin.write(f"put {self.path('from')} /dev/null\n".encode() * 100)
        client.stdin.flush()
        time.sleep(1)
        client.kill()
        client.wait()
        client.stdin.close()
        self.no_programs_left()


class Copying(SshTest):
    def tree(self):
        root = self.path("tree")
        os.makedirs(f"{root}/sub/deeper")
        for name in ("one", "sub/two", "sub/deeper/three"):
            write_random(f"{root}/{name}", 100_000, len(name))
        os.chmod(f"{root}/one", 0o755)
        return root

    def same(self, a, b):
        compared = filecmp.dircmp(a, b)
        self.assertFalse(compared.left_only or compared.right_only or compared.diff_files)
        for name in compared.common_dirs:
            self.same(f"{a}/{name}", f"{b}/{name}")

    def test_scp_in_both_protocols(self):
        root = self.tree()
        for flag in ("-s", "-O"):
            self.run_ssh(flag, "-rp", root, f"box:{self.path('up' + flag)}", program="scp", check=0)
            self.same(root, self.path("up" + flag))
            self.run_ssh(flag, "-rp", f"box:{root}", self.path("down" + flag), program="scp", check=0)
            self.same(root, self.path("down" + flag))
            self.assertTrue(os.access(self.path("down" + flag) + "/one", os.X_OK))

    def test_rsync(self):
        if not shutil.which("rsync"):
            self.skipTest("no rsync")
        root = self.tree()
        shell = f"ssh -F {self.daemon.config}"
        for name in ("sub/two", "one"):
            subprocess.run(["rsync", "-az", "--delete", "-e", shell, root + "/", f"box:{self.path('there')}/"], check=True,
                           timeout=TIMEOUT)
            self.same(root, self.path("there"))
            os.unlink(f"{root}/{name}")

    def test_git(self):
        environment = {**os.environ, "GIT_SSH_COMMAND": f"ssh -F {self.daemon.config}", "HOME": self.daemon.home,
                       "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
                       "GIT_COMMITTER_EMAIL": "a@b"}

        def git(*words):
            subprocess.run(["git", *words], check=True, capture_output=True, env=environment, timeout=TIMEOUT)

        git("init", "--bare", self.path("origin.git"))
        git("clone", f"ssh://box{self.path('origin.git')}", self.path("work"))
        write_random(self.path("work/file"), 2_000_000)
        git("-C", self.path("work"), "add", "file")
        git("-C", self.path("work"), "commit", "-m", "first")
        git("-C", self.path("work"), "push", "origin", "HEAD:main")
        git("clone", "-b", "main", f"ssh://box{self.path('origin.git')}", self.path("again"))
        self.assertTrue(filecmp.cmp(self.path("work/file"), self.path("again/file"), shallow=False))


if __name__ == "__main__":
    unittest.main()
