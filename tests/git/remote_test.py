"""Push, pull and remotes: contract toolbox.md 17.2, clients.md 11.1."""

import os
import unittest

from harness import AUTHOR, PASSWORD, USER, GitTest, commit_all, git, read, write

LOGIN = {"username": USER, "password": PASSWORD}


class Remote(GitTest):
    """Cases with a repository of their own on the server, a clone of ours and a clone by a colleague."""

    def setUp(self):
        super().setUp()
        self.repository_name = self.own()
        self.bare = f"{self.served}/{self.repository_name}"
        self.path = self.dir + "/mine"
        git(None, "clone", "-q", self.server.url(self.repository_name, "open"), self.path)
        git(self.path, "remote", "set-url", "origin", self.server.url(self.repository_name))

    def commit(self, name="mine.txt", text="mine\n"):
        write(f"{self.path}/{name}", text)
        self.good(self.daemon.post("add", path=self.path, files=[name]))
        return self.good(self.daemon.post("commit", path=self.path, message="mine", **AUTHOR))["hash"]

    def colleague(self, name="theirs.txt", text="theirs\n", branch="main"):
        """Somebody else pushes a commit."""
        where = self.dir + "/theirs"
        if not os.path.exists(where):
            git(None, "clone", "-q", self.bare, where)
        git(where, "checkout", "-q", branch)
        write(f"{where}/{name}", text)
        made = commit_all(where, "theirs")
        git(where, "push", "-q", "origin", branch)
        return made

    def push(self, **more):
        return self.daemon.post("push", path=self.path, **{**LOGIN, **more})

    def pull(self, **more):
        return self.daemon.post("pull", path=self.path, **{**LOGIN, **more})


class Push(Remote):
    def test_the_branch_of_head(self):
        made = self.commit()
        reply = self.push()
        self.assertEqual((reply.status, reply.body), (200, b""), reply)
        self.assertEqual(self.head(self.bare, "main"), made)
        self.sound(self.bare)
        status = self.status(self.path)
        self.assertEqual((status["ahead"], status["behind"]), (0, 0))

    def test_up_to_date(self):
        self.good(self.push())
        self.assertEqual(self.head(self.bare, "main"), self.second)

    def test_a_new_branch_gets_no_upstream(self):
        self.good(self.daemon.post("branches", path=self.path, name="topic/a"), 201)
        made = self.commit()
        self.good(self.push())
        self.assertEqual(self.head(self.bare, "topic/a"), made)
        self.assertEqual(self.head(self.bare, "main"), self.second)
        self.assertFalse(self.status(self.path)["branchPublished"])
        self.assertNotIn("branch.topic/a", git(self.path, "config", "--list", "--local"))

    def test_set_upstream(self):
        self.good(self.daemon.post("branches", path=self.path, name="topic/b"), 201)
        self.commit()
        self.good(self.push(set_upstream=True))
        status = self.status(self.path)
        self.assertEqual([status[k] for k in ("branchPublished", "upstream", "ahead", "behind")], [True, "origin/topic/b", 0, 0])
        self.assertEqual(git(self.path, "rev-parse", "--abbrev-ref", "@{upstream}").strip(), "origin/topic/b")

    def test_a_branch_by_its_name(self):
        git(self.path, "branch", "other", self.first)
        self.commit()
        self.good(self.push(branch="other"))
        self.assertEqual(self.head(self.bare, "other"), self.first)
        self.assertEqual(self.head(self.bare, "main"), self.second)

    def test_another_remote(self):
        git(None, "init", "-q", "--bare", self.bare + ".second.git")
        git(self.bare + ".second.git", "config", "http.receivepack", "true")
        git(self.path, "remote", "add", "second", self.server.url(self.repository_name + ".second.git"))
        made = self.commit()
        self.good(self.push(remote="second"))
        self.assertEqual(self.head(self.bare + ".second.git", "main"), made)
        self.assertEqual(self.head(self.bare, "main"), self.second)

    def test_not_a_fast_forward(self):
        theirs = self.colleague()
        self.commit()
        self.bad(self.push(), 409, "GIT_PUSH_REJECTED", "fast-forward|fetch first|rejected")
        self.assertEqual(self.head(self.bare, "main"), theirs)
        git(self.path, "fetch", "-q", self.bare, "main:refs/remotes/origin/main")   # the same when the other commit is known here
        self.bad(self.push(), 409, "GIT_PUSH_REJECTED")
        self.assertEqual(self.head(self.bare, "main"), theirs)

    def test_rewritten_history_is_not_forced(self):
        git(self.path, "reset", "-q", "--hard", "HEAD~1")
        self.bad(self.push(), 409, "GIT_PUSH_REJECTED")
        self.commit()
        self.bad(self.push(), 409, "GIT_PUSH_REJECTED")
        self.assertEqual(self.head(self.bare, "main"), self.second)

    def test_refused_by_a_hook_of_the_server(self):
        write(self.bare + "/hooks/pre-receive", "#!/bin/sh\necho 'not on fridays' >&2\nexit 1\n")
        os.chmod(self.bare + "/hooks/pre-receive", 0o755)
        self.commit()
        self.bad(self.push(), 422, "GIT_REMOTE_REJECTED", "pre-receive|fridays")
        self.assertEqual(self.head(self.bare, "main"), self.second)
        self.assertEqual(self.status(self.path)["ahead"], 1)

    def test_refused_for_one_branch(self):
        write(self.bare + "/hooks/update", "#!/bin/sh\nexit 1\n")
        os.chmod(self.bare + "/hooks/update", 0o755)
        self.commit()
        self.bad(self.push(), 422, "GIT_REMOTE_REJECTED")

    def test_credentials(self):
        self.commit()
        self.bad(self.daemon.post("push", path=self.path), 401, "GIT_AUTH_FAILED")
        self.bad(self.push(password="wrong"), 401, "GIT_AUTH_FAILED")
        git(self.path, "remote", "set-url", "origin", self.server.url(self.repository_name, "forbidden"))
        self.bad(self.push(), 403, "FORBIDDEN")
        self.assertEqual(self.head(self.bare, "main"), self.second)
        self.assertNotIn("9f3a", read(self.path + "/.git/config"))

    def test_detached(self):
        git(self.path, "checkout", "-q", self.first)
        self.bad(self.push(), 404, ".*NOT_FOUND", "detached|head")

    def test_without_a_remote(self):
        git(self.path, "remote", "remove", "origin")
        self.bad(self.push(), 404, ".*NOT_FOUND", "origin")
        self.bad(self.push(remote="nope"), 404, ".*NOT_FOUND", "nope")

    def test_an_unknown_branch(self):
        self.bad(self.push(branch="nope"), 404, "GIT_BRANCH_NOT_FOUND|NOT_FOUND", "nope")

    def test_no_commits(self):
        path = self.dir + "/empty"
        git(None, "init", "-q", path)
        git(path, "remote", "add", "origin", self.server.url(self.repository_name))
        self.bad(self.daemon.post("push", path=path, **LOGIN), 404, ".*NOT_FOUND")

    def test_a_repository_that_is_not_there(self):
        git(self.path, "remote", "set-url", "origin", self.server.url("nope.git"))
        self.bad(self.push(), 404, "GIT_REPO_NOT_FOUND")

    def test_into_an_empty_repository(self):
        git(None, "init", "-q", "--bare", self.bare + ".new.git")
        git(self.bare + ".new.git", "config", "http.receivepack", "true")
        git(self.path, "remote", "set-url", "origin", self.server.url(self.repository_name + ".new.git"))
        self.good(self.push())
        self.assertEqual(self.head(self.bare + ".new.git", "main"), self.second)
        self.sound(self.bare + ".new.git")

    def test_large_files_go_up(self):
        made = self.commit("large", os.urandom(30_000_000))
        self.good(self.push())
        self.assertEqual(self.head(self.bare, "main"), made)
        self.sound(self.bare)

    def test_pushes_of_a_shallow_clone(self):
        path = self.clone(self.server.url(self.repository_name), self.dir + "/shallow", depth=1, **LOGIN)
        write(path + "/s", "x")
        self.good(self.daemon.post("add", path=path, files=["s"]))
        made = self.good(self.daemon.post("commit", path=path, message="m", **AUTHOR))["hash"]
        self.good(self.daemon.post("push", path=path, **LOGIN))
        self.assertEqual(self.head(self.bare, "main"), made)
        self.sound(self.bare)


class Pull(Remote):
    def test_fast_forward(self):
        theirs = self.colleague()
        reply = self.pull()
        self.assertEqual((reply.status, reply.body), (200, b""), reply)
        self.assertEqual(self.head(self.path), theirs)
        self.assertEqual(read(self.path + "/theirs.txt"), "theirs\n")
        self.assertEqual(git(self.path, "status", "--porcelain"), "")
        self.assertEqual(git(self.path, "symbolic-ref", "HEAD").strip(), "refs/heads/main")
        status = self.status(self.path)
        self.assertEqual((status["ahead"], status["behind"]), (0, 0))
        self.sound(self.path)

    def test_up_to_date(self):
        self.good(self.pull())
        self.assertEqual(self.head(self.path), self.second)

    def test_ahead_only(self):
        made = self.commit()
        self.good(self.pull())
        self.assertEqual(self.head(self.path), made)

    def test_diverged(self):
        made = self.commit()
        self.colleague()
        self.bad(self.pull(), 409, "CONFLICT|GIT_MERGE_CONFLICT", "fast-forward")
        self.assertEqual(self.head(self.path), made)
        self.assertEqual(git(self.path, "status", "--porcelain"), "")

    def test_local_changes(self):
        self.colleague("README.md")
        write(self.path + "/README.md", "mine\n")
        self.bad(self.pull(), 409, "GIT_DIRTY_WORKTREE|CONFLICT", "unstaged changes")
        self.assertEqual(self.head(self.path), self.second)
        self.assertEqual(read(self.path + "/README.md"), "mine\n")

    def test_staged_changes(self):
        self.colleague("README.md")
        write(self.path + "/README.md", "mine\n")
        git(self.path, "add", "README.md")
        self.bad(self.pull(), 409, "GIT_DIRTY_WORKTREE|CONFLICT")
        self.assertEqual(read(self.path + "/README.md"), "mine\n")

    def test_untracked_files_in_the_way(self):
        self.colleague()
        write(self.path + "/theirs.txt", "mine\n")
        self.bad(self.pull(), 409, "GIT_DIRTY_WORKTREE|CONFLICT")
        self.assertEqual(read(self.path + "/theirs.txt"), "mine\n")
        self.assertEqual(self.head(self.path), self.second)

    def test_untracked_files_elsewhere(self):
        theirs = self.colleague()
        write(self.path + "/own", "mine\n")
        self.good(self.pull())
        self.assertEqual((self.head(self.path), read(self.path + "/own")), (theirs, "mine\n"))

    def test_the_counterpart_of_the_current_branch(self):
        git(self.path, "checkout", "-q", "-b", "feature/x", "--track", "origin/feature/x")
        theirs = self.colleague(branch="feature/x")
        self.colleague("elsewhere")
        self.good(self.pull())
        self.assertEqual(self.head(self.path), theirs)
        self.assertFalse(os.path.exists(self.path + "/elsewhere"))

    def test_the_counterpart_without_an_upstream_has_the_same_name(self):
        git(self.path, "checkout", "-q", "-b", "feature/x", "--no-track", "origin/feature/x")
        theirs = self.colleague(branch="feature/x")
        self.good(self.pull())
        self.assertEqual(self.head(self.path), theirs)

    def test_a_branch_by_its_name(self):
        self.good(self.pull(branch="feature/x"))
        self.assertEqual(self.head(self.path), self.third)
        self.assertEqual(git(self.path, "symbolic-ref", "HEAD").strip(), "refs/heads/main")

    def test_another_remote(self):
        theirs = self.colleague()
        git(self.path, "remote", "rename", "origin", "second")
        self.good(self.pull(remote="second"))
        self.assertEqual(self.head(self.path), theirs)

    def test_a_branch_that_the_remote_does_not_have(self):
        self.bad(self.pull(branch="nope"), 404, "GIT_BRANCH_NOT_FOUND|NOT_FOUND", "nope")
        git(self.path, "checkout", "-q", "-b", "alone")
        self.bad(self.pull(), 404, "GIT_BRANCH_NOT_FOUND|NOT_FOUND", "alone")

    def test_without_a_remote(self):
        git(self.path, "remote", "remove", "origin")
        self.bad(self.pull(), 404, ".*NOT_FOUND", "origin")

    def test_credentials(self):
        self.colleague()
        self.bad(self.daemon.post("pull", path=self.path), 401, "GIT_AUTH_FAILED")
        self.bad(self.pull(password="wrong"), 401, "GIT_AUTH_FAILED")
        self.assertEqual(self.head(self.path), self.second)

    def test_deletions_and_modes(self):
        where = self.dir + "/theirs"
        git(None, "clone", "-q", self.bare, where)
        git(where, "rm", "-q", "README.md")
        os.chmod(where + "/src/one.txt", 0o755)
        os.symlink("src", where + "/link")
        commit_all(where)
        git(where, "push", "-q")
        self.good(self.pull())
        self.assertEqual((sorted(os.listdir(self.path)), os.readlink(self.path + "/link")), ([".git", "link", "src"], "src"))
        self.assertTrue(os.access(self.path + "/src/one.txt", os.X_OK))
        self.assertEqual(git(self.path, "status", "--porcelain"), "")

    def test_into_a_repository_without_commits(self):
        path = self.dir + "/fresh"
        self.good(self.daemon.post("init", path=path, initial_branch="main"), 201)
        self.good(self.daemon.post("remotes", path=path, name="origin", url=self.server.url(self.repository_name)), 201)
        self.good(self.daemon.post("pull", path=path, **LOGIN))
        self.assertEqual(self.head(path), self.second)
        self.assertEqual(git(path, "status", "--porcelain"), "")

    def test_new_commits_of_a_shallow_clone(self):
        path = self.clone(self.server.url(self.repository_name), self.dir + "/shallow", depth=1, **LOGIN)
        theirs = self.colleague()
        self.good(self.daemon.post("pull", path=path, **LOGIN))
        self.assertEqual(self.head(path), theirs)
        self.sound(path)


class Remotes(Remote):
    def remotes(self):
        return self.good(self.daemon.get("remotes", path=self.path))["remotes"]

    def add(self, name, url, status=201, **more):
        return self.good(self.daemon.post("remotes", path=self.path, name=name, url=url, **more), status)

    def test_list(self):
        self.assertEqual(self.remotes(), [{"name": "origin", "url": self.server.url(self.repository_name)}])
        git(self.path, "remote", "remove", "origin")
        self.assertEqual(self.remotes(), [])

    def test_add(self):
        self.add("second", "https://example.com/x.git")
        self.assertEqual(git(self.path, "remote", "get-url", "second").strip(), "https://example.com/x.git")
        self.assertEqual(git(self.path, "config", "remote.second.fetch").strip(), "+refs/heads/*:refs/remotes/second/*")
        self.assertEqual(sorted(r["name"] for r in self.remotes()), ["origin", "second"])

    def test_add_what_exists(self):
        self.bad(self.daemon.post("remotes", path=self.path, name="origin", url="https://example.com/x.git"), 409, "CONFLICT", "origin")
        self.assertEqual(self.remotes()[0]["url"], self.server.url(self.repository_name))

    def test_overwrite(self):
        self.add("origin", "https://example.com/x.git", overwrite=True)
        self.assertEqual(self.remotes(), [{"name": "origin", "url": "https://example.com/x.git"}])
        self.add("fresh", "https://example.com/y.git", overwrite=True)
        self.assertEqual(len(self.remotes()), 2)

    def test_fetch(self):
        theirs = self.colleague()
        self.add("second", self.server.url(self.repository_name, "open"), fetch=True)
        self.assertEqual(self.head(self.path, "refs/remotes/second/main"), theirs)
        self.assertEqual(self.head(self.path, "refs/remotes/second/feature/x"), self.third)

    def test_a_fetch_that_fails(self):
        reply = self.daemon.post("remotes", path=self.path, name="second", url=self.server.url("nope.git", "open"), fetch=True)
        self.bad(reply, 404, "GIT_REPO_NOT_FOUND")

    def test_a_name_that_git_refuses(self):
        for name in ("a b", "..", "a..b", "a\nb"):
            self.assertEqual(self.daemon.post("remotes", path=self.path, name=name, url="https://example.com/x").status, 400, name)

    def test_required_fields(self):
        self.bad(self.daemon.post("remotes", path=self.path, name="x"), 400, "INVALID_REQUEST_BODY", "url")
        self.bad(self.daemon.post("remotes", path=self.path, url="x"), 400, "INVALID_REQUEST_BODY", "name")


if __name__ == "__main__":
    unittest.main()
