"""Memory, many files, and worktrees that change under an operation."""

import os
import random
import shutil
import threading
import time
import unittest

from harness import AUTHOR, PASSWORD, SANITIZED, TIMEOUT, USER, GitTest, git, programs_of, write

LOGIN = {"username": USER, "password": PASSWORD}
MIB = 1024 * 1024
# The ordinary run takes 150 MB; DT_GIT_MEGABYTES=500 is the figure of the documents.
MEGABYTES = int(os.environ.get("DT_GIT_MEGABYTES", "150"))


def peak_of_programs(daemon, done):
    """The highest VmHWM in KiB of any companion until `done` is set, and of the daemon itself."""
    highest = 0
    while not done.is_set():
        for pid in programs_of(daemon):
            highest = max(highest, field_of(pid, "VmHWM"))
        time.sleep(0.01)
    return highest, field_of(daemon, "VmHWM")


def field_of(pid, name):
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return next((int(line.split()[1]) for line in file if line.startswith(name + ":")), 0)
    except OSError:
        return 0


class Memory(GitTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = cls.daemon.dir + "/large"
        git(None, "init", "-q", path)
        chance = random.Random(1)
        for number in range(MEGABYTES):   # a MiB each, in a hundred files that change: deltas of nothing, random bytes do not shrink
            write(f"{path}/data/{number % 100}.bin", chance.randbytes(MIB))
            if number % 50 == 49 or number == MEGABYTES - 1:
                git(path, "add", "-A")
                git(path, "-c", "gc.auto=0", "commit", "-q", "-m", f"up to {number}")
        git(path, "repack", "-q", "-a", "-d", "--window=1")
        cls.serve(path, "large.git")
        cls.large = path

    def measured(self, call):
        done, out = threading.Event(), []
        thread = threading.Thread(target=lambda: out.append(peak_of_programs(self.daemon.process.pid, done)))
        thread.start()
        try:
            value = call()
        finally:
            done.set()
            thread.join()
        return value, *out[0]

    @unittest.skipIf(SANITIZED, "sanitizers keep what is freed")
    def test_a_large_repository_clones_in_bounded_memory(self):
        url = self.server.url("large.git")
        path, program, daemon = self.measured(lambda: self.clone(url, **LOGIN))
        size = sum(os.path.getsize(os.path.join(f, n)) for f, _, names in os.walk(path + "/.git/objects") for n in names)
        print(f"\nclone of {size // MIB} MiB: companion {program // 1024} MiB at its highest, daemon {daemon} KiB")
        self.assertGreater(size, MEGABYTES * MIB * 0.95)
        self.assertGreater(program, 1000, "the companion was never seen")
        self.assertLess(program, 64 * 1024)   # 32 MiB were seen, the same for 150 and for 500 MB
        self.assertLess(daemon, 12 * 1024)
        self.assertEqual(self.head(path), self.head(self.large))
        self.assertEqual(git(path, "status", "--porcelain"), "")

    @unittest.skipIf(SANITIZED, "sanitizers keep what is freed")
    def test_push_of_it_too(self):
        path = self.dir + "/source"
        git(None, "clone", "-q", self.large, path)
        name = self.name + "-target.git"
        git(None, "init", "-q", "--bare", f"{self.served}/{name}")
        git(f"{self.served}/{name}", "config", "http.receivepack", "true")
        git(path, "remote", "set-url", "origin", self.server.url(name))
        reply, program, _ = self.measured(lambda: self.daemon.post("push", path=path, **LOGIN))
        print(f"\npush of {MEGABYTES} MiB: companion {program // 1024} MiB at its highest")
        self.good(reply)
        self.assertEqual(self.head(f"{self.served}/{name}", "main"), self.head(path))
        self.assertLess(program, 64 * 1024)

    @unittest.skipIf(SANITIZED, "sanitizers keep what is freed")
    def test_a_large_file_is_staged_in_bounded_memory(self):
        path = self.repository()
        with open(path + "/huge", "wb") as file:
            for number in range(200):
                file.write(random.Random(number).randbytes(MIB))
        reply, program, _ = self.measured(lambda: self.daemon.post("add", path=path, files=["huge"]))
        self.good(reply)
        self.assertLess(program, 64 * 1024)
        self.assertEqual(git(path, "cat-file", "-s", ":huge").strip(), str(200 * MIB))
        self.good(self.daemon.post("commit", path=path, message="m", **AUTHOR))
        self.sound(path)


class Many(GitTest):
    def test_ten_thousand_files(self):
        path = self.repository()
        for number in range(10_000):
            write(f"{path}/many/{number % 100}/{number}", str(number))
        self.assertEqual(len(self.files(path)), 10_000)
        self.good(self.daemon.post("add", path=path, files=["many"]))
        self.assertEqual(set(self.files(path).values()), {("Added", "Unmodified")})
        self.good(self.daemon.post("commit", path=path, message="m", **AUTHOR))
        self.assertEqual(self.files(path), {})
        self.assertEqual(git(path, "status", "--porcelain"), "")

    def test_many_operations_at_once(self):
        paths = [f"{self.dir}/{number}" for number in range(12)]
        bad = []

        def work(path):
            for step in (lambda: self.daemon.post("clone", url=self.server.url("sample.git"), path=path, **LOGIN),
                         lambda: self.daemon.get("status", path=path), lambda: self.daemon.get("history", path=path),
                         lambda: self.daemon.post("branches", path=path, name="b")):
                reply = step()
                if reply.status not in (200, 201):
                    bad.append(reply)

        threads = [threading.Thread(target=work, args=(path,)) for path in paths]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT)
        self.assertEqual(bad, [])
        for path in paths:
            self.sound(path)
        self.assertEqual(programs_of(self.daemon.process.pid), [])

    def test_the_same_clone_twice_at_once(self):
        """One wins, the other is told; what stays is whole."""
        path = self.dir + "/contended"
        replies = []
        threads = [threading.Thread(target=lambda: replies.append(self.daemon.post("clone", url=self.server.url("sample.git"), path=path, **LOGIN)))
                   for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT)
        codes = sorted(reply.status for reply in replies)
        self.assertEqual(codes.count(200), 1, replies)
        self.assertEqual(set(codes[1:]), {409}, replies)
        self.assertEqual(self.head(path), self.second)
        self.sound(path)

    def test_commits_at_once_are_all_there_or_told(self):
        path = self.repository()
        hashes, refused = [], []

        def work(number):
            reply = self.daemon.post("commit", path=path, message=f"number {number}", allow_empty=True, **AUTHOR)
            (hashes if reply.status == 200 else refused).append(reply)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT)
        log = git(path, "log", "--format=%H").split()
        self.assertEqual([r for r in refused if r.status not in (409, 500)], [])
        self.assertEqual({r.json["hash"] for r in hashes} - set(log), set(), "a commit that was reported is lost")
        self.sound(path)


class Races(GitTest):
    """Somebody inside swaps directories for links while an operation runs: nothing outside of the worktree is touched."""

    def swapped(self, path, outside, seconds, work):
        """`path` is a directory and a link to `outside` in turn while `work` is called again and again."""
        stop = threading.Event()

        def swap():
            while not stop.is_set():
                try:
                    os.rename(path, path + ".aside")
                    os.symlink(outside, path)
                    os.unlink(path)
                    os.rename(path + ".aside", path)
                except OSError:
                    shutil.rmtree(path + ".aside", ignore_errors=True)

        thread = threading.Thread(target=swap)
        thread.start()
        try:
            for _ in range(seconds):
                work()
        finally:
            stop.set()
            thread.join()

    def test_checkout_never_writes_through_a_link(self):
        path = self.repository()
        for number in range(200):
            write(f"{path}/dir/{number}", "one\n")
        git(path, "checkout", "-q", "-b", "one")
        git(path, "add", "-A")
        git(path, "commit", "-q", "-m", "one")
        git(path, "checkout", "-q", "-b", "two")
        for number in range(200):
            write(f"{path}/dir/{number}", "two\n")
        git(path, "commit", "-q", "-a", "-m", "two")
        outside = self.dir + "/outside"
        for number in range(200):
            write(f"{outside}/{number}", "precious\n")
        turn = iter(range(1000))

        def work():
            reply = self.daemon.post("reset", path=path, mode="hard", target=("one", "two")[next(turn) % 2])
            self.assertIn(reply.status, (200, 404, 409, 500), reply)

        self.swapped(path + "/dir", outside, 25, work)
        self.assertEqual({open(f"{outside}/{n}", encoding="utf-8").read() for n in os.listdir(outside)}, {"precious\n"})
        self.assertEqual(len(os.listdir(outside)), 200)
        os.path.islink(path + "/dir") and os.unlink(path + "/dir")
        self.good(self.daemon.post("reset", path=path, mode="hard", target="one"))
        self.assertEqual(git(path, "diff", "--name-only", "HEAD"), "")
        self.sound(path)

    def test_add_never_reads_through_a_link(self):
        path = self.repository()
        outside = self.dir + "/outside"
        for number in range(100):
            write(f"{path}/dir/{number}", "inside\n")
            write(f"{outside}/{number}", "secret\n")
        secret = git(path, "hash-object", "--stdin", input="secret\n").strip()

        def work():
            reply = self.daemon.post("add", path=path, files=["dir"])
            self.assertIn(reply.status, (200, 404, 409, 500), reply)

        self.swapped(path + "/dir", outside, 25, work)
        self.assertNotIn(secret, git(path, "ls-files", "-s"))

    def test_a_worktree_that_vanishes(self):
        for number in range(8):
            path = f"{self.dir}/{number}"
            git(None, "clone", "-q", self.daemon.dir + "/sample", path)
            for name in range(300):
                write(f"{path}/f/{name}", "x")
            thread = threading.Thread(target=shutil.rmtree, args=(path,), kwargs={"ignore_errors": True})
            thread.start()
            for call in (lambda: self.daemon.get("status", path=path), lambda: self.daemon.post("add", path=path, files=["."])):
                reply = call()
                self.assertIn(reply.status, (200, 404, 409, 500), reply)
            thread.join()
        self.good(self.daemon.get("status", path=self.repository()))


if __name__ == "__main__":
    unittest.main()
