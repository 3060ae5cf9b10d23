"""Our answers beside those of the git program, on trees and edits of chance with fixed seeds."""

import os
import random
import shutil
import unittest

from harness import AUTHOR, GitTest, git, porcelain, write

SEEDS = range(12)
WORDS = ["a", "b", "c.txt", "d d", "ü", "e.log", "f'", "x\ny", "ignored", "sub"]
IGNORES = ["*.log\n", "ignored\n", "/a/ignored\n", "sub/\n!sub/a\n", "*\n!*.txt\n!*/\n", "d*\n", "\n# nothing\n"]


class Chance:
    """Edits a worktree: files, links, modes, deletions, moves, .gitignore at any depth."""

    def __init__(self, seed, root):
        self.r = random.Random(seed)
        self.root = root

    def path(self):
        return "/".join(self.r.choice(WORDS) for _ in range(self.r.choice((1, 1, 2, 2, 3))))

    def make_room(self, path):
        """No file or link may stand where a directory has to be, and nothing where the file is to be."""
        parts = path.split("/")
        for i in range(1, len(parts) + 1):
            whole = os.path.join(self.root, *parts[:i])
            if os.path.islink(whole) or os.path.isfile(whole):
                os.unlink(whole)
            elif i == len(parts) and os.path.isdir(whole):
                shutil.rmtree(whole)
        os.makedirs(os.path.dirname(os.path.join(self.root, path)), exist_ok=True)
        return os.path.join(self.root, path)

    def existing(self):
        found = []
        for folder, _, files in os.walk(self.root):
            if "/.git" not in folder:
                found += [os.path.join(folder, name) for name in files]
        return self.r.choice(sorted(found)) if found else None

    def edit(self):
        kind = self.r.choice(("write", "write", "write", "change", "delete", "link", "mode", "ignore", "move", "empty"))
        if kind == "write":
            write(self.make_room(self.path()), self.r.randbytes(self.r.choice((0, 1, 40, 3000))))
        elif kind == "link":
            os.symlink(self.r.choice(("nowhere", "a/nowhere", "/etc/passwd")), self.make_room(self.path()))
        elif kind == "ignore":
            folder = self.r.choice(("", "a/", "sub/"))
            write(self.make_room(folder + ".gitignore"), self.r.choice(IGNORES))
        elif kind == "empty":
            os.makedirs(self.make_room(self.path()))
        elif (chosen := self.existing()) is not None:
            if kind == "delete":
                os.unlink(chosen)
            elif kind == "move":
                kept = os.path.relpath(chosen, self.root)
                target = self.path()
                if not target.startswith(kept) and not kept.startswith(target):
                    os.rename(chosen, self.make_room(target)) if os.path.lexists(chosen) else None
            elif not os.path.islink(chosen):
                if kind == "mode":
                    os.chmod(chosen, self.r.choice((0o644, 0o755)))
                else:
                    write(chosen, self.r.randbytes(50))

    def edits(self, count):
        for _ in range(count):
            self.edit()


class Random(GitTest):
    def compare_status(self, path, what):
        theirs = {name.decode(): states for name, states in porcelain(path).items()}
        self.assertEqual(self.files(path), theirs, what)

    def test_status_and_add_agree(self):
        for seed in SEEDS:
            path = f"{self.dir}/{seed}"
            git(None, "init", "-q", path)
            chance = Chance(seed, path)
            write(path + "/anchor", "x")
            for round_number in range(4):
                what = f"seed {seed}, round {round_number}"
                chance.edits(25)
                if round_number:
                    self.compare_status(path, what)
                # Half of the rounds are staged by us, half by git; then both continue, so that the one reads the other's index.
                copy = f"{self.dir}/{seed}-copy"
                shutil.copytree(path, copy, symlinks=True)
                self.good(self.daemon.post("add", path=path, files=["."]))
                git(copy, "add", "-A", ".")
                self.assertEqual(git(path, "ls-files", "-s", "-z"), git(copy, "ls-files", "-s", "-z"), what)
                if round_number % 2:
                    shutil.rmtree(path)
                    os.rename(copy, path)
                else:
                    shutil.rmtree(copy)
                chance.edits(6)
                made = self.good(self.daemon.post("commit", path=path, message=what, allow_empty=True, **AUTHOR))["hash"]
                self.assertEqual(self.head(path), made)
                self.compare_status(path, what)
            self.sound(path)
            self.assertEqual([c["hash"] for c in self.good(self.daemon.get("history", path=path))], git(path, "log", "--format=%H").split())

    def test_checkout_and_restore_agree(self):
        for seed in SEEDS:
            path = f"{self.dir}/{seed}"
            git(None, "init", "-q", path)
            chance = Chance(1000 + seed, path)
            names = []
            for number in range(3):
                chance.edits(20)
                git(path, "add", "-A")
                git(path, "commit", "-q", "--allow-empty", "-m", str(number))
                git(path, "branch", f"b{number}")
                names.append(f"b{number}")
            git(path, "clean", "-q", "-ffdx")
            for name in ("b0", "b2", "b1", self.head(path, "b0"), "main"):
                self.good(self.daemon.post("checkout", path=path, branch=name))
                self.assertEqual(git(path, "status", "--porcelain", "--ignored"), "", f"seed {seed}, {name}")
                self.assertEqual(self.head(path), self.head(path, name))
            chance.edits(15)
            self.good(self.daemon.post("restore", path=path, files=["."], staged=True, worktree=True))
            self.assertEqual(git(path, "diff", "HEAD", "--name-only"), "", f"seed {seed}")
            chance.edits(15)
            self.good(self.daemon.post("reset", path=path, mode="hard"))
            self.assertEqual(git(path, "diff", "HEAD", "--name-only"), "", f"seed {seed}")
            self.sound(path)


class Reading(GitTest):
    """What newer gits write, and what is in real repositories."""

    def test_packed_everything(self):
        path = self.repository()
        git(path, "gc", "-q", "--aggressive", "--prune=now")
        git(path, "commit-graph", "write", "--reachable")
        git(path, "multi-pack-index", "write")
        self.assertEqual(self.status(path)["ahead"], 0)
        self.assertEqual(len(self.good(self.daemon.get("history", path=path))), 2)

    def test_index_versions(self):
        for version in ("2", "3", "4"):
            path = f"{self.dir}/{version}"
            git(None, "clone", "-q", self.daemon.dir + "/sample", path)
            write(path + "/intended", "x")
            git(path, "add", "-N", "intended")
            git(path, "update-index", "--index-version", version)
            write(path + "/new", "x")
            self.good(self.daemon.post("add", path=path, files=["new"]))
            self.assertIn("new", git(path, "diff", "--cached", "--name-only").split())

    def test_line_ends_by_settings(self):
        path = self.repository()
        git(path, "config", "core.autocrlf", "true")
        write(path + "/crlf", "a\r\nb\r\n")
        self.good(self.daemon.post("add", path=path, files=["crlf"]))
        self.assertEqual(git(path, "show", ":crlf", text=False), b"a\nb\n")
        self.assertEqual(git(path, "status", "--porcelain").strip(), "A  crlf")
        self.assertEqual(self.files(path), {"crlf": ("Added", "Unmodified")})

    def test_submodules_are_named_not_entered(self):
        path = self.repository()
        git(path, "-c", "protocol.file.allow=always", "submodule", "-q", "add", self.daemon.dir + "/sample", "inner")
        git(path, "commit", "-q", "-m", "with a submodule")
        self.assertEqual(self.files(path), {})
        write(path + "/inner/README.md", "changed\n")
        self.assertEqual(self.files(path), {n.decode(): s for n, s in porcelain(path).items()})
        self.serve(path, f"{self.name}-sub.git")
        cloned = self.clone(self.server.url(f"{self.name}-sub.git", "open"))
        self.assertEqual(os.listdir(cloned + "/inner"), [])   # no submodules: contract 17.2
        self.assertEqual(self.files(cloned), {})

    def test_sparse_checkout_is_not_seen_as_deleted(self):
        path = self.repository()
        git(path, "sparse-checkout", "set", "--cone", "nothing")
        self.assertEqual(porcelain(path), {})
        self.assertEqual(self.files(path), {})


if __name__ == "__main__":
    unittest.main()
