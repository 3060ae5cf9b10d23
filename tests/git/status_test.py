"""Status and branches: contract toolbox.md 17.1, 17.2, 17.3, clients.md 11.1."""

import os
import unittest

from harness import GitTest, commit_all, git, porcelain, write


class Status(GitTest):
    def test_clean(self):
        path = self.repository()
        status = self.status(path)
        self.assertEqual((status["currentBranch"], status["fileStatus"], status["branchPublished"], status["ahead"], status["behind"]),
                         ("main", [], True, 0, 0))
        self.assertEqual((status["detached"], status["upstream"]), (False, "origin/main"))

    def test_every_row_of_the_table(self):
        path = self.repository()
        for name in ("changed", "changed-staged", "changed-again", "deleted", "deleted-staged", "mode", "same"):
            write(f"{path}/table/{name}", "before\n")
        commit_all(path)
        write(path + "/table/new", "x")
        write(path + "/table/new-staged", "x")
        write(path + "/table/new-staged-changed", "x")
        write(path + "/table/changed", "after\n")
        write(path + "/table/changed-staged", "after\n")
        write(path + "/table/changed-again", "after\n")
        os.unlink(path + "/table/deleted")
        os.unlink(path + "/table/deleted-staged")
        os.chmod(path + "/table/mode", 0o755)
        git(path, "add", "table/new-staged", "table/new-staged-changed", "table/changed-staged", "table/changed-again", "table/deleted-staged")
        write(path + "/table/new-staged-changed", "xy")
        write(path + "/table/changed-again", "after all\n")
        self.assertEqual(self.files(path), {
            "table/new": ("Untracked", "Untracked"),
            "table/new-staged": ("Added", "Unmodified"),
            "table/new-staged-changed": ("Added", "Modified"),
            "table/changed": ("Unmodified", "Modified"),
            "table/changed-staged": ("Modified", "Unmodified"),
            "table/changed-again": ("Modified", "Modified"),
            "table/deleted": ("Unmodified", "Deleted"),
            "table/deleted-staged": ("Deleted", "Unmodified"),
            "table/mode": ("Unmodified", "Modified"),
        })

    def test_untracked_files_one_by_one_and_no_ignored_ones(self):
        path = self.repository()
        write(path + "/.gitignore", "*.log\nbuild/\n")
        write(path + "/deep/er/a", "")
        write(path + "/deep/er/b", "")
        write(path + "/x.log", "")
        write(path + "/build/out", "")
        self.assertEqual(set(self.files(path)), {".gitignore", "deep/er/a", "deep/er/b"})

    def test_a_rename_is_a_deletion_and_an_addition(self):
        path = self.repository()
        git(path, "mv", "README.md", "READ.md")
        self.assertEqual(self.files(path), {"README.md": ("Deleted", "Unmodified"), "READ.md": ("Added", "Unmodified")})
        git(path, "reset", "-q")
        self.assertEqual(self.files(path), {"README.md": ("Unmodified", "Deleted"), "READ.md": ("Untracked", "Untracked")})

    def test_deleted_from_the_index_only(self):
        path = self.repository()
        git(path, "rm", "-q", "--cached", "README.md")
        entry = self.files(path)["README.md"]
        self.assertEqual(entry[0], "Deleted")

    def test_links(self):
        path = self.repository()
        os.symlink("nowhere", path + "/dangling")
        os.symlink("/etc", path + "/out")
        os.unlink(path + "/README.md")
        os.symlink("src", path + "/README.md")
        self.assertEqual(self.files(path), {"dangling": ("Untracked", "Untracked"), "out": ("Untracked", "Untracked"),
                                            "README.md": ("Unmodified", "Modified")})

    def test_names_that_need_care(self):
        path = self.repository()
        names = ["with space", 'quo"te', "new\nline", "tab\t", "back\\slash", "ünïcødé", "文件-🌍", " lead", "-dash", "a'b", "semi;&|$x"]
        for name in names:
            write(f"{path}/odd/{name}", "x")
        self.assertEqual(set(self.files(path)), {"odd/" + name for name in names})
        self.good(self.daemon.post("add", path=path, files=["odd/" + name for name in names]))
        self.assertEqual(set(porcelain(path).values()), {("Added", "Unmodified")})
        self.good(self.daemon.post("commit", path=path, message="odd names", author="A", email="a@b"))
        self.assertEqual(self.files(path), {})
        self.sound(path)

    def test_names_that_are_not_utf8_become_replacement_characters(self):
        path = self.repository()
        for name in (b"plain\xff", b"\xc3(", b"half\xe2\x82"):
            write(path.encode() + b"/bytes/" + name, b"x")
        self.assertEqual(set(self.files(path)), {"bytes/plain\ufffd", "bytes/\ufffd(", "bytes/half\ufffd\ufffd"})
        self.good(self.daemon.post("add", path=path, files=["bytes"]))
        self.assertEqual(len(porcelain(path)), 3)
        self.assertEqual(set(self.files(path).values()), {("Added", "Unmodified")})

    def test_ahead_and_behind(self):
        path = self.repository()
        git(path, "reset", "-q", "--hard", "HEAD~1")
        self.assertEqual([self.status(path)[k] for k in ("ahead", "behind")], [0, 1])
        for number in range(3):
            write(path + f"/{number}", "x")
            commit_all(path)
        self.assertEqual([self.status(path)[k] for k in ("ahead", "behind", "branchPublished")], [3, 1, True])

    def test_without_an_upstream(self):
        path = self.repository()
        git(path, "checkout", "-q", "-b", "alone")
        status = self.status(path)
        self.assertEqual([status[k] for k in ("currentBranch", "branchPublished", "ahead", "behind")], ["alone", False, 0, 0])
        self.assertFalse(status.get("upstream"))

    def test_an_upstream_of_another_name(self):
        path = self.repository()
        git(path, "checkout", "-q", "-b", "mine", "--track", "origin/feature/x")
        self.assertEqual(self.status(path)["upstream"], "origin/feature/x")

    def test_an_upstream_that_has_gone(self):
        path = self.repository()
        git(path, "update-ref", "-d", "refs/remotes/origin/main")
        status = self.status(path)
        self.assertEqual([status[k] for k in ("branchPublished", "ahead", "behind")], [False, 0, 0])

    def test_detached(self):
        path = self.repository()
        git(path, "checkout", "-q", self.first)
        status = self.status(path)
        self.assertEqual([status[k] for k in ("currentBranch", "detached", "branchPublished", "ahead", "behind")], ["HEAD", True, False, 0, 0])

    def test_no_commits_yet(self):
        git(None, "init", "-q", self.dir + "/empty")
        self.bad(self.daemon.get("status", path=self.dir + "/empty"), 404, ".*NOT_FOUND")

    def test_conflicts_of_a_merge_are_shown(self):
        path = self.repository()
        git(path, "checkout", "-q", "-b", "one")
        write(path + "/README.md", "one\n")
        commit_all(path)
        git(path, "checkout", "-q", "main")
        write(path + "/README.md", "two\n")
        commit_all(path)
        git(path, "merge", "one", check=False)
        self.assertIn("README.md", self.files(path))

    def test_is_there_without_reading_what_is_not_a_file(self):
        path = self.repository()
        os.mkfifo(path + "/fifo")
        self.files(path)   # does not hang

    def test_of_what_is_not_a_repository(self):
        os.mkdir(self.dir + "/plain")
        for path in (self.dir + "/plain", self.dir + "/nothing", "/dev/null"):
            for call in ("status", "branches", "history", "remotes"):
                self.bad(self.daemon.get(call, path=path), 404, "GIT_REPO_NOT_FOUND", "repository does not exist")

    def test_does_not_search_upwards(self):
        path = self.repository()
        self.bad(self.daemon.get("status", path=path + "/src"), 404, "GIT_REPO_NOT_FOUND")

    def test_path_is_required(self):
        for call in ("status", "branches", "history", "remotes"):
            for text in ("", "?path="):
                self.bad(self.daemon.call("GET", f"/git/{call}{text}"), 400, "BAD_REQUEST", "path is required")

    def test_a_broken_repository(self):
        path = self.repository()
        write(path + "/.git/HEAD", "rubbish")
        self.assertGreaterEqual(self.daemon.get("status", path=path).status, 400)
        path = self.dir + "/second"
        git(None, "clone", "-q", self.daemon.dir + "/sample", path)
        write(path + "/.git/index", os.urandom(4000))
        self.bad(self.daemon.get("status", path=path), 500, "INTERNAL_SERVER_ERROR", "index")

    def test_a_worktree_whose_git_is_a_file(self):
        path = self.repository()
        git(path, "worktree", "add", "-q", self.dir + "/linked", "-b", "linked")
        self.assertEqual(self.status(self.dir + "/linked")["currentBranch"], "linked")


class Branches(GitTest):
    def branches(self, path):
        return self.good(self.daemon.get("branches", path=path))

    def test_local_ones_only_with_the_current_one(self):
        path = self.repository()
        self.assertEqual(self.branches(path), {"branches": ["main"], "current": "main"})
        git(path, "branch", "a/b")
        self.assertEqual(sorted(self.branches(path)["branches"]), ["a/b", "main"])
        git(path, "pack-refs", "--all")
        self.assertEqual(sorted(self.branches(path)["branches"]), ["a/b", "main"])

    def test_none(self):
        git(None, "init", "-q", self.dir + "/empty")
        self.assertEqual(self.branches(self.dir + "/empty")["branches"], [])

    def test_create_checks_out(self):
        path = self.repository()
        reply = self.daemon.post("branches", path=path, name="topic/new")
        self.assertEqual((reply.status, reply.body), (201, b""))
        self.assertEqual(git(path, "symbolic-ref", "HEAD").strip(), "refs/heads/topic/new")
        self.assertEqual(self.head(path), self.second)
        self.assertEqual(self.branches(path)["current"], "topic/new")

    def test_create_what_exists(self):
        path = self.repository()
        self.bad(self.daemon.post("branches", path=path, name="main"), 409, "GIT_BRANCH_EXISTS", "main")

    def test_create_with_a_name_that_git_refuses(self):
        path = self.repository()
        for name in ("a b", "..", "a..b", "-x", "a.lock", "a~1", "/a", "a/"):
            reply = self.daemon.post("branches", path=path, name=name)
            self.assertIn(reply.status, (400, 500), (name, reply))
        self.assertEqual(self.branches(path)["branches"], ["main"])

    def test_delete(self):
        path = self.repository()
        git(path, "branch", "old", "origin/feature/x")   # not merged
        reply = self.daemon.call("DELETE", "/git/branches", {"path": path, "name": "old"})
        self.assertEqual((reply.status, reply.body), (204, b""))
        self.assertEqual(self.branches(path)["branches"], ["main"])

    def test_delete_needs_both_fields(self):
        path = self.repository()
        self.bad(self.daemon.call("DELETE", "/git/branches", {"path": path}), 400, "INVALID_REQUEST_BODY")
        self.bad(self.daemon.call("DELETE", "/git/branches", {"path": self.dir, "name": "x"}), 404, "GIT_REPO_NOT_FOUND")

    def test_checkout(self):
        path = self.repository()
        git(path, "branch", "other", "origin/feature/x")
        reply = self.daemon.post("checkout", path=path, branch="other")
        self.assertEqual((reply.status, reply.body), (200, b""))
        self.assertEqual(self.head(path), self.third)
        self.assertTrue(os.path.exists(path + "/feature.txt"))
        self.good(self.daemon.post("checkout", path=path, branch="main"))
        self.assertFalse(os.path.exists(path + "/feature.txt"))
        self.assertEqual(git(path, "status", "--porcelain"), "")

    def test_checkout_of_a_commit_is_detached(self):
        path = self.repository()
        self.good(self.daemon.post("checkout", path=path, branch=self.first))
        self.assertEqual([self.status(path)[k] for k in ("currentBranch", "detached")], ["HEAD", True])
        self.assertEqual(self.head(path), self.first)

    def test_checkout_of_what_is_not_there(self):
        path = self.repository()
        git(path, "branch", "master", self.first)   # the reference fell back to this
        for name in ("nope", "feature/x", "0" * 40, "0123456789" * 4):
            self.bad(self.daemon.post("checkout", path=path, branch=name), 404, "GIT_BRANCH_NOT_FOUND|NOT_FOUND")
        self.assertEqual(git(path, "symbolic-ref", "HEAD").strip(), "refs/heads/main")

    def test_local_changes_are_kept_and_refuse(self):
        path = self.repository()
        git(path, "branch", "old", self.first)
        write(path + "/src/one.txt", "mine\n")
        self.bad(self.daemon.post("checkout", path=path, branch="old"), 409, "GIT_DIRTY_WORKTREE|CONFLICT", "unstaged|changes")
        self.bad(self.daemon.post("branches", path=path, name="made"), 409, "GIT_DIRTY_WORKTREE|CONFLICT")
        self.assertEqual(git(path, "symbolic-ref", "HEAD").strip(), "refs/heads/main")
        self.assertEqual(self.branches(path)["branches"], ["main", "old"])
        with open(path + "/src/one.txt", encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine\n")

    def test_an_untracked_file_in_the_way_is_kept(self):
        path = self.repository()
        git(path, "branch", "other", "origin/feature/x")
        write(path + "/feature.txt", "mine\n")
        self.bad(self.daemon.post("checkout", path=path, branch="other"), 409, "GIT_DIRTY_WORKTREE|CONFLICT")
        with open(path + "/feature.txt", encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine\n")
        self.assertEqual(git(path, "symbolic-ref", "HEAD").strip(), "refs/heads/main")

    def test_untracked_files_elsewhere_do_not_hinder(self):
        path = self.repository()
        write(path + "/other", "mine\n")
        self.good(self.daemon.post("branches", path=path, name="made"), 201)
        self.good(self.daemon.post("checkout", path=path, branch="main"))
        self.assertTrue(os.path.exists(path + "/other"))


if __name__ == "__main__":
    unittest.main()
