"""Reset and restore: clients.md 11.1. What a reset leaves is compared with what git leaves of a copy."""

import os
import shutil
import unittest

from harness import GitTest, commit_all, git, porcelain, read, write


class Reset(GitTest):
    """The state after each mode is that of git reset on a copy."""

    def prepared(self):
        path = self.repository()
        write(path + "/README.md", "staged\n")
        git(path, "add", "README.md")
        write(path + "/untracked", "x")
        return path

    def same_as_git(self, prepare, *words, **body):
        ours = prepare()
        theirs = self.dir + "/copy"
        shutil.copytree(ours, theirs, symlinks=True)
        git(theirs, "update-index", "-q", "--refresh", check=False)   # the copies are other files
        done = git(theirs, "reset", "-q", *words, check=False)
        reply = self.daemon.post("reset", path=ours, **body)
        if done.returncode == 0:
            self.assertEqual((reply.status, reply.body), (200, b""), reply)
        else:
            self.assertGreaterEqual(reply.status, 400, done.stderr)
        self.assertEqual(self.head(ours), self.head(theirs))
        self.assertEqual(git(ours, "symbolic-ref", "-q", "HEAD", check=False).stdout, git(theirs, "symbolic-ref", "-q", "HEAD", check=False).stdout)
        self.assertEqual(porcelain(ours), porcelain(theirs))
        self.assertEqual(git(ours, "ls-files", "-s"), git(theirs, "ls-files", "-s"))
        self.assertEqual({n: read(f"{ours}/{n}") for n in ("README.md", "src/one.txt", "untracked") if os.path.exists(f"{ours}/{n}")},
                         {n: read(f"{theirs}/{n}") for n in ("README.md", "src/one.txt", "untracked") if os.path.exists(f"{theirs}/{n}")})
        return reply

    def test_mixed_is_the_default(self):
        self.same_as_git(self.prepared)

    def test_empty_fields_are_defaults(self):
        self.same_as_git(self.prepared, mode="", target="")

    def test_soft(self):
        self.same_as_git(self.prepared, "--soft", "HEAD~1", mode="soft", target="HEAD~1")

    def test_mixed(self):
        self.same_as_git(self.prepared, "--mixed", "HEAD~1", mode="mixed", target="HEAD~1")

    def test_hard(self):
        self.same_as_git(self.prepared, "--hard", "v1~1", mode="hard", target="v1~1")

    def test_hard_to_a_hash_and_a_remote_branch(self):
        self.same_as_git(self.prepared, "--hard", self.first, mode="hard", target=self.first)

    def test_hard_to_a_remote_branch(self):
        self.same_as_git(self.prepared, "--hard", "origin/feature/x", mode="hard", target="origin/feature/x")

    def test_merge(self):
        """Staged changes go; unstaged ones of other files stay."""
        def prepare():
            path = self.prepared()
            write(path + "/keep", "1")
            commit_all(path)
            write(path + "/keep", "mine")
            write(path + "/README.md", "staged again\n")
            git(path, "add", "README.md")
            return path
        self.same_as_git(prepare, "--merge", "HEAD", mode="merge")

    def test_merge_refuses_what_is_both_staged_and_changed(self):
        def prepare():
            path = self.prepared()
            write(path + "/README.md", "changed after staging\n")
            return path
        self.bad(self.same_as_git(prepare, "--merge", "HEAD~1", mode="merge", target="HEAD~1"), 409, "GIT_DIRTY_WORKTREE|CONFLICT")

    def test_keep(self):
        """Local changes of files that do not differ between the two commits stay."""
        self.same_as_git(self.prepared, "--keep", "HEAD~1", mode="keep", target="HEAD~1")

    def test_keep_refuses_to_lose_local_changes(self):
        def prepare():
            path = self.repository()
            write(path + "/src/one.txt", "mine\n")
            return path
        self.bad(self.same_as_git(prepare, "--keep", "HEAD~1", mode="keep", target="HEAD~1"), 409, "GIT_DIRTY_WORKTREE|CONFLICT")

    def test_paths(self):
        def prepare():
            path = self.prepared()
            write(path + "/src/one.txt", "staged\n")
            write(path + "/src/new", "staged\n")
            git(path, "add", "src")
            return path
        self.same_as_git(prepare, "HEAD", "--", "src", files=["src"])

    def test_paths_of_another_commit(self):
        self.same_as_git(self.prepared, "HEAD~1", "--", "src/one.txt", target="HEAD~1", files=["src/one.txt"])

    def test_paths_with_another_mode_are_refused(self):
        path = self.prepared()
        self.bad(self.daemon.post("reset", path=path, mode="hard", files=["README.md"]), 400, "BAD_REQUEST|INVALID_REQUEST_BODY")
        self.assertEqual(read(path + "/README.md"), "staged\n")

    def test_unknown_mode_and_target(self):
        path = self.prepared()
        self.bad(self.daemon.post("reset", path=path, mode="harder"), 400, "BAD_REQUEST|INVALID_REQUEST_BODY", "mode")
        self.bad(self.daemon.post("reset", path=path, mode="hard", target="nope"), 404, ".*NOT_FOUND", "nope")
        self.assertEqual(read(path + "/README.md"), "staged\n")


class Restore(GitTest):
    def restore(self, path, *files, **more):
        reply = self.daemon.post("restore", path=path, files=list(files), **more)
        self.assertEqual((reply.status, reply.body), (200, b""), reply)

    def prepared(self):
        """README.md: staged, and changed again. src/one.txt: deleted."""
        path = self.repository()
        write(path + "/README.md", "staged\n")
        git(path, "add", "README.md")
        write(path + "/README.md", "changed\n")
        os.unlink(path + "/src/one.txt")
        return path

    def test_the_worktree_from_the_index_by_default(self):
        path = self.prepared()
        self.restore(path, "README.md", "src/one.txt")
        self.assertEqual((read(path + "/README.md"), read(path + "/src/one.txt")), ("staged\n", "1\n2\n"))
        self.assertEqual(porcelain(path), {b"README.md": ("Modified", "Unmodified")})

    def test_staged_from_head(self):
        path = self.prepared()
        self.restore(path, "README.md", staged=True)
        self.assertEqual(read(path + "/README.md"), "changed\n")
        self.assertEqual(porcelain(path)[b"README.md"], ("Unmodified", "Modified"))

    def test_both(self):
        path = self.prepared()
        self.restore(path, "README.md", staged=True, worktree=True)
        self.assertEqual(read(path + "/README.md"), "hello\n")
        self.assertEqual(porcelain(path), {b"src/one.txt": ("Unmodified", "Deleted")})

    def test_from_a_source(self):
        path = self.prepared()
        self.restore(path, "src/one.txt", source="HEAD~1")
        self.assertEqual(read(path + "/src/one.txt"), "1\n")
        self.assertEqual(porcelain(path)[b"src/one.txt"], ("Unmodified", "Modified"))
        self.restore(path, "src/one.txt", source="v1", staged=True, worktree=True)
        self.assertNotIn(b"src/one.txt", porcelain(path))

    def test_what_the_source_does_not_have_goes(self):
        path = self.repository()
        git(path, "merge", "-q", "origin/feature/x")
        self.restore(path, "feature.txt", source="HEAD~1", staged=True, worktree=True)
        self.assertFalse(os.path.exists(path + "/feature.txt"))
        self.assertEqual(porcelain(path), {b"feature.txt": ("Deleted", "Unmodified")})

    def test_a_newly_added_file_unstaged(self):
        path = self.repository()
        write(path + "/new", "x")
        git(path, "add", "new")
        self.restore(path, "new", staged=True)
        self.assertEqual(porcelain(path), {b"new": ("Untracked", "Untracked")})

    def test_directories_and_everything(self):
        path = self.prepared()
        self.restore(path, "src")
        self.assertEqual(read(path + "/src/one.txt"), "1\n2\n")
        self.restore(path, ".", staged=True, worktree=True)
        self.assertEqual(porcelain(path), {})

    def test_others_are_untouched(self):
        path = self.prepared()
        write(path + "/untracked", "mine")
        self.restore(path, "src/one.txt")
        self.assertEqual((read(path + "/README.md"), read(path + "/untracked")), ("changed\n", "mine"))

    def test_what_is_not_there(self):
        path = self.prepared()
        reply = self.daemon.post("restore", path=path, files=["nope"])
        self.assertIn(reply.status, (400, 404, 500), reply)
        self.assertIn("nope", reply.json["message"])
        self.bad(self.daemon.post("restore", path=path, files=["README.md"], source="nope"), 404, ".*NOT_FOUND", "nope")
        self.assertEqual(read(path + "/README.md"), "changed\n")

    def test_required_fields(self):
        path = self.prepared()
        self.bad(self.daemon.post("restore", path=path), 400, "INVALID_REQUEST_BODY", "files")
        self.bad(self.daemon.post("restore", files=["."]), 400, "INVALID_REQUEST_BODY", "path")

    def test_neither_given_as_false_means_the_default(self):
        """Some clients send false for what their caller left out."""
        path = self.prepared()
        self.restore(path, "README.md", staged=False)
        self.assertEqual(read(path + "/README.md"), "staged\n")

    def test_a_link_in_the_way_is_replaced_not_followed(self):
        path = self.repository()
        os.makedirs(self.dir + "/outside")
        write(self.dir + "/outside/one.txt", "precious")
        os.rename(path + "/src", path + "/gone")
        os.symlink(self.dir + "/outside", path + "/src")
        reply = self.daemon.post("restore", path=path, files=["src/one.txt"])
        self.assertEqual(read(self.dir + "/outside/one.txt"), "precious", reply)


if __name__ == "__main__":
    unittest.main()
