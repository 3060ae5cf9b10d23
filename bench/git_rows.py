"""The daemon's git beside Debian's git program: a clone over HTTP, and the status of many files. The daemon runs on this machine without
a sandbox, so that both do the same work on the same disk."""

import os
import random
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "git"))


def make_repository(path, files, commits):
    """Text that shrinks and deltas, as source does: `files` files, of which a tenth changes with each commit."""
    from harness import git
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz_", k=chance.randrange(2, 12))) for _ in range(5000)]
    os.makedirs(path)
    git(path, "init", "-q")
    for number in range(commits):
        for name in range(files):
            if number and chance.random() > 0.1:
                continue
            folder = "%s/%d/%d" % (path, name % 20, name % 400)
            os.makedirs(folder, exist_ok=True)
            with open("%s/%d.txt" % (folder, name), "w", encoding="utf-8") as out:
                out.write("\n".join(" ".join(chance.choices(words, k=10)) for _ in range(100)))
        git(path, "add", "-A")
        git(path, "-c", "gc.auto=0", "commit", "-q", "--allow-empty", "-m", str(number))
    git(path, "repack", "-q", "-a", "-d")


def size_of(path):
    return sum(os.path.getsize(os.path.join(f, n)) for f, _, names in os.walk(path) for n in names)


class GitRows:
    def __init__(self, work, daemon, report):
        os.environ["DT_GIT_DAEMON"] = daemon
        import harness
        self.harness, self.work, self.report = harness, work, report
        self.failures = 0

    def timed(self, call):
        start = time.monotonic()
        call()
        return (time.monotonic() - start) * 1000

    def in_turn(self, name, n, ours, theirs, reference, **more):
        """Medians of n calls each, in alternation; the first pair warms the caches and is not counted."""
        times = [(self.timed(lambda: ours(i)), self.timed(lambda: theirs(i))) for i in range(n + 1)][1:]
        mine, others = (sorted(column)[n // 2] for column in zip(*times))
        self.report({"name": name, "tier": "warm", "n": n, "failures": self.failures, "p50_ms": round(mine, 3), "reference": reference,
                     "reference_p50_ms": round(others, 3), "ratio": round(mine / others, 3), **more})

    def must(self, reply):
        if reply.status != 200:
            self.failures += 1
            print("bench: git: %s" % reply, file=sys.stderr)
        return reply

    def run(self, n, files):
        daemon = self.harness.Daemon(directory=self.work + "/git-daemon")
        served = self.work + "/git-served"
        os.makedirs(served)
        server = self.harness.GitServer(served)
        try:
            make_repository(served + "/source", files, 20)
            self.harness.git(None, "clone", "-q", "--bare", served + "/source", served + "/medium.git")
            url = server.url("medium.git", "open")
            size = size_of(served + "/medium.git")
            self.in_turn("git_clone", n, lambda i: self.must(daemon.post("clone", url=url, path="%s/ours-%d" % (self.work, i))),
                         lambda i: self.harness.git(self.work, "clone", "-q", "--single-branch", url, "theirs-%d" % i), "git clone",
                         mebibytes=round(size / 1048576, 1), files=files)
            for i in range(n + 1):
                subprocess.run(["rm", "-rf", "%s/ours-%d" % (self.work, i), "%s/theirs-%d" % (self.work, i)], check=True)
            many = self.work + "/git-many"
            make_repository(many, 10000 if files > 100 else 100, 1)
            self.in_turn("git_status_10000_files", n * 3, lambda _: self.must(daemon.get("status", path=many)),
                         lambda _: self.harness.git(many, "--no-optional-locks", "status", "--porcelain"), "git status --porcelain")
        finally:
            server.stop()
            daemon.stop()
