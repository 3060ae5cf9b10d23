"""Clone over HTTP: contract toolbox.md 17.1, 17.2, clients.md 11.1."""

import os
import threading
import unittest

from harness import AUTHOR, PASSWORD, TIMEOUT, USER, GitTest, git, read, wait_for, write

LOGIN = {"username": USER, "password": PASSWORD}


class Clone(GitTest):
    def open(self, name="sample.git"):
        return self.server.url(name, "open")

    def test_clones_one_branch_with_its_history_and_all_tags(self):
        path = self.clone(self.open())
        self.assertEqual(self.head(path), self.second)
        self.assertEqual(read(path + "/src/one.txt"), "1\n2\n")
        self.assertEqual(git(path, "log", "--format=%H").split(), [self.second, self.first])
        self.assertEqual(git(path, "tag").split(), ["v1"])
        self.assertEqual(git(path, "for-each-ref", "--format=%(refname)", "refs/heads").split(), ["refs/heads/main"])
        self.assertNotIn("feature", git(path, "branch", "-r"))
        self.assertEqual(git(path, "status", "--porcelain", "-b").strip(), "## main...origin/main")
        self.assertEqual(git(path, "config", "remote.origin.url").strip(), self.open())
        self.sound(path)

    def test_answers_without_a_body(self):
        reply = self.daemon.post("clone", url=self.open(), path=self.dir + "/there")
        self.assertEqual((reply.status, reply.body, reply.headers["Content-Length"]), (200, b"", "0"))

    def test_a_branch(self):
        path = self.clone(self.open(), branch="feature/x")
        self.assertEqual(self.head(path), self.third)
        self.assertEqual(git(path, "symbolic-ref", "HEAD").strip(), "refs/heads/feature/x")
        self.assertEqual(git(path, "rev-parse", "--abbrev-ref", "@{upstream}").strip(), "origin/feature/x")
        # A later fetch by the real program gets this branch and no other: the clone is of a single branch.
        git(path, "fetch", "-q")
        self.assertEqual(git(path, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes").replace("HEAD", "").split(), ["feature/x"])

    def test_a_tag_as_branch(self):
        reply = self.daemon.post("clone", url=self.open(), path=self.dir + "/tag", branch="v1")
        if reply.status == 200:   # as git clone --branch does
            self.assertEqual(self.head(self.dir + "/tag"), self.second)
        else:
            self.bad(reply, 404, "GIT_BRANCH_NOT_FOUND|NOT_FOUND")

    def test_a_commit_is_checked_out_detached(self):
        path = self.clone(self.open(), commit_id=self.first)
        self.assertEqual(self.head(path), self.first)
        self.assertEqual(git(path, "symbolic-ref", "-q", "HEAD", check=False).returncode, 1)
        self.assertEqual(read(path + "/src/one.txt"), "1\n")
        status = self.status(path)
        self.assertEqual((status["currentBranch"], status["detached"], status["fileStatus"]), ("HEAD", True, []))

    def test_a_commit_of_another_branch_is_not_there(self):
        self.bad(self.daemon.post("clone", url=self.open(), path=self.dir + "/c", commit_id=self.third), 404, ".*NOT_FOUND")
        self.bad(self.daemon.post("clone", url=self.open(), path=self.dir + "/d", commit_id="0123456789" * 4), 404, ".*NOT_FOUND")

    def test_depth(self):
        path = self.clone(self.open(), depth=1)
        self.assertEqual(git(path, "log", "--format=%H").split(), [self.second])
        self.assertEqual(git(path, "rev-parse", "--is-shallow-repository").strip(), "true")
        self.sound(path)
        path = self.clone(self.open(), self.dir + "/deep", depth=100)
        self.assertEqual(git(path, "log", "--format=%H").split(), [self.second, self.first])

    def test_depth_and_branch(self):
        path = self.clone(self.open(), depth=2, branch="feature/x")
        self.assertEqual(git(path, "log", "--format=%H").split(), [self.third, self.second])

    def test_a_negative_depth_is_refused(self):
        self.bad(self.daemon.post("clone", url=self.open(), path=self.dir + "/n", depth=-1), 400, "BAD_REQUEST|INVALID_REQUEST_BODY")

    def test_parents_are_made(self):
        path = self.clone(self.open(), self.dir + "/a/b/c")
        self.assertEqual(self.head(path), self.second)

    def test_paths_are_relative_to_the_work_dir(self):
        self.good(self.daemon.post("clone", url=self.open(), path=self.name + "/relative"))
        self.assertEqual(self.head(self.dir + "/relative"), self.second)

    def test_into_an_empty_directory(self):
        os.mkdir(self.dir + "/empty")
        self.clone(self.open(), self.dir + "/empty")

    def test_into_a_repository_is_a_conflict(self):
        path = self.clone(self.open())
        write(path + "/mine", "kept")
        self.bad(self.daemon.post("clone", url=self.open(), path=path), 409, "CONFLICT", "already exists")
        self.assertEqual(read(path + "/mine"), "kept")
        self.assertEqual(self.head(path), self.second)

    def test_into_a_directory_with_files_is_refused_and_they_stay(self):
        write(self.dir + "/full/file", "kept")
        reply = self.daemon.post("clone", url=self.open(), path=self.dir + "/full")
        self.bad(reply, 409, "CONFLICT")
        self.assertEqual(os.listdir(self.dir + "/full"), ["file"])

    def test_an_unknown_branch(self):
        self.bad(self.daemon.post("clone", url=self.open(), path=self.dir + "/u", branch="nope"), 404, "GIT_BRANCH_NOT_FOUND", "nope")
        self.assertFalse(os.path.exists(self.dir + "/u"), "a failed clone leaves nothing")

    def test_an_unknown_repository(self):
        self.bad(self.daemon.post("clone", url=self.open("nope.git"), path=self.dir + "/u"), 404, "GIT_REPO_NOT_FOUND")
        self.assertFalse(os.path.exists(self.dir + "/u"))

    def test_an_empty_repository_is_a_place_to_start(self):
        """As with the git program (contract 17.4); the reference's other mode answers 404 and leaves the same."""
        name = f"{self.name}-empty.git"
        git(None, "init", "-q", "--bare", f"{self.served}/{name}")
        git(f"{self.served}/{name}", "config", "http.receivepack", "true")
        path = self.clone(self.open(name))
        self.bad(self.daemon.get("status", path=path), 404, ".*NOT_FOUND")
        write(path + "/first", "x")
        self.good(self.daemon.post("add", path=path, files=["."]))
        made = self.good(self.daemon.post("commit", path=path, message="m", **AUTHOR))["hash"]
        self.good(self.daemon.post("push", path=path))
        branch = git(path, "symbolic-ref", "--short", "HEAD").strip()
        self.assertEqual(self.head(f"{self.served}/{name}", branch), made)
        self.bad(self.daemon.post("clone", url=self.open(f"{self.name}-empty2.git"), path=self.dir + "/e", branch="x"), 404, ".*NOT_FOUND")

    def test_nobody_listens(self):
        self.bad(self.daemon.post("clone", url="http://127.0.0.1:1/open/sample.git", path=self.dir + "/n"), 502, "GIT_TRANSPORT_FAILED")
        self.assertFalse(os.path.exists(self.dir + "/n"))

    def test_a_name_that_does_not_resolve(self):
        self.bad(self.daemon.post("clone", url="http://nowhere.invalid/open/sample.git", path=self.dir + "/n"), 502, "GIT_TRANSPORT_FAILED", "nowhere.invalid")

    def test_an_answer_that_ends_half_way(self):
        reply = self.daemon.post("clone", url=self.server.url("sample.git", "broken"), path=self.dir + "/b")
        self.bad(reply, 502, "GIT_TRANSPORT_FAILED")
        self.assertFalse(os.path.exists(self.dir + "/b"))

    def test_a_server_that_is_not_git(self):
        self.bad(self.daemon.post("clone", url=f"http://127.0.0.1:{self.server.port}/nowhere/x", path=self.dir + "/n"), 404, "GIT_REPO_NOT_FOUND")

    def test_a_local_path_and_other_schemes_do_not_crash(self):
        for url in ("ftp://127.0.0.1:1/x", "://", "http://", "http:///x", "https://[::1", "ext::sh -c true", "\n", "-u", "--upload-pack=touch /tmp/x"):
            reply = self.daemon.post("clone", url=url, path=self.dir + "/odd")
            self.assertGreaterEqual(reply.status, 400, (url, reply))
            self.assertEqual(reply.json["source"], "DAYTONA_DAEMON")
            self.assertFalse(os.path.exists(self.dir + "/odd"), url)

    def test_required_fields(self):
        for body in ({}, {"url": self.open()}, {"path": "x"}, {"url": "", "path": "x"}, {"url": self.open(), "path": ""}):
            self.bad(self.daemon.post("clone", **body), 400, "INVALID_REQUEST_BODY", "required")
        for text in (b"", b"{", b"[]", b'{"url": 5, "path": "x"}'):
            self.bad(self.daemon.call("POST", "/git/clone", text), 400, "INVALID_REQUEST_BODY")


class Credentials(GitTest):
    def test_password(self):
        path = self.clone(self.server.url("sample.git"), **LOGIN)
        self.assertEqual(self.head(path), self.second)
        self.assertEqual(git(path, "config", "remote.origin.url").strip(), self.server.url("sample.git"))

    def test_wrong_password(self):
        for given in ({"username": USER, "password": "wrong"}, {"username": "other", "password": PASSWORD}, {}):
            reply = self.daemon.post("clone", url=self.server.url("sample.git"), path=self.dir + "/w", **given)
            self.bad(reply, 401, "GIT_AUTH_FAILED")
            self.assertFalse(os.path.exists(self.dir + "/w"))

    def test_user_or_password_alone_is_not_used(self):
        before = len(self.server.requests())
        for given in ({"username": USER}, {"password": PASSWORD}):
            self.bad(self.daemon.post("clone", url=self.server.url("sample.git"), path=self.dir + "/w", **given), 401, "GIT_AUTH_FAILED")
        self.assertEqual({r["credentials"] for r in self.server.requests()[before:]}, {None})

    def test_forbidden(self):
        reply = self.daemon.post("clone", url=self.server.url("sample.git", "forbidden"), path=self.dir + "/f", **LOGIN)
        self.bad(reply, 403, "FORBIDDEN")
        self.bad(self.daemon.post("clone", url=self.server.url("sample.git", "forbidden"), path=self.dir + "/f"), 401, "GIT_AUTH_FAILED")

    def test_unknown_repository_behind_the_password(self):
        self.bad(self.daemon.post("clone", url=self.server.url("nope.git"), path=self.dir + "/f", **LOGIN), 404, "GIT_REPO_NOT_FOUND")

    def test_in_the_url_for_this_request_only(self):
        path = self.clone(self.server.url("sample.git", user="tester:p%25ss%20w%3Ard%2F%C3%BC-9f3a@"))
        self.assertEqual(self.head(path), self.second)
        self.assertEqual(git(path, "config", "remote.origin.url").strip(), self.server.url("sample.git"))
        self.assertNotIn("9f3a", read(path + "/.git/config"))

    def test_stay_with_a_redirect_on_the_same_server(self):
        path = self.clone(self.server.url("sample.git", "moved"), **LOGIN)
        self.assertEqual(self.head(path), self.second)

    def test_are_in_no_process_file_or_log(self):
        path = self.dir + "/held"
        release = self.served + "/release"
        replies = []
        thread = threading.Thread(target=lambda: replies.append(self.daemon.post("clone", url=self.server.url("sample.git", "held"), path=path, **LOGIN)))
        before = len(self.server.requests())
        thread.start()
        try:
            # The exchange has begun and waits: the program holds the password now.
            wait_for(lambda: any(r["method"] == "POST" for r in self.server.requests()[before:]), TIMEOUT)
            self.assertEqual(leaks(self.daemon.process.pid), [])
        finally:
            write(release)
            thread.join(TIMEOUT)
            os.unlink(release)
        self.good(replies[0])
        for folder, _, files in os.walk(path + "/.git"):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(b"9f3a", file.read(), name)
        self.assertFalse(os.path.exists(self.daemon.home + "/.git-credentials"))
        self.assertFalse(os.path.exists(self.daemon.home + "/.gitconfig"))
        self.assertNotIn("9f3a", self.daemon.text_of_log())


def leaks(root):
    """Where in /proc the password of a running operation shows, for every process of this machine but the servers of the tests."""
    out = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        for what in ("cmdline", "environ"):
            try:
                with open(f"/proc/{name}/{what}", "rb") as file:
                    text = file.read()
            except OSError:
                continue
            if b"9f3a" in text and b"server.py" not in text:
                out.append((name, what, text[:300]))
    return out


if __name__ == "__main__":
    unittest.main()
