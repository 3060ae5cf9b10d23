"""Init, add, commit, history: contract toolbox.md 17.2, clients.md 11.1."""

import os
import re
import unittest
from datetime import datetime

from harness import AUTHOR, GitTest, commit_all, git, porcelain, write


class Init(GitTest):
    def test_makes_a_repository_with_its_parents(self):
        path = self.dir + "/a/b"
        reply = self.daemon.post("init", path=path)
        self.assertEqual((reply.status, reply.body), (201, b""))
        self.assertEqual(git(path, "rev-parse", "--is-bare-repository").strip(), "false")
        self.assertTrue(os.path.isdir(path + "/.git"))
        self.sound(path)

    def test_initial_branch(self):
        path = self.dir + "/r"
        self.good(self.daemon.post("init", path=path, initial_branch="trunk/one"), 201)
        self.assertEqual(git(path, "symbolic-ref", "HEAD").strip(), "refs/heads/trunk/one")

    def test_bare(self):
        path = self.dir + "/bare.git"
        self.good(self.daemon.post("init", path=path, bare=True, initial_branch="main"), 201)
        self.assertEqual(git(path, "rev-parse", "--is-bare-repository").strip(), "true")
        self.assertFalse(os.path.exists(path + "/.git"))
        source = self.repository()
        git(source, "push", "-q", path, "main")
        self.sound(path)

    def test_files_that_are_there_stay_and_are_untracked(self):
        write(self.dir + "/r/file", "x")
        self.good(self.daemon.post("init", path=self.dir + "/r"), 201)
        self.assertEqual(porcelain(self.dir + "/r"), {b"file": ("Untracked", "Untracked")})

    def test_again_harms_nothing(self):
        path = self.repository()
        self.assertIn(self.daemon.post("init", path=path).status, (201, 409))
        self.assertEqual(self.head(path), self.second)
        self.assertEqual(git(path, "symbolic-ref", "HEAD").strip(), "refs/heads/main")

    def test_a_name_that_git_refuses(self):
        self.bad(self.daemon.post("init", path=self.dir + "/r", initial_branch="a..b"), 400, "BAD_REQUEST|INVALID_REQUEST_BODY")

    def test_what_was_made_takes_commits(self):
        path = self.dir + "/r"
        self.good(self.daemon.post("init", path=path, initial_branch="main"), 201)
        write(path + "/a", "x")
        self.good(self.daemon.post("add", path=path, files=["."]))
        made = self.good(self.daemon.post("commit", path=path, message="first", **AUTHOR))["hash"]
        self.assertEqual(self.head(path, "main"), made)
        self.assertEqual(git(path, "rev-list", "--parents", "HEAD").split(), [made])
        self.assertEqual(self.status(path)["currentBranch"], "main")


class Add(GitTest):
    def staged(self, path):
        return sorted(git(path, "diff", "--cached", "--name-status", "--no-renames").split("\n")[:-1])

    def add(self, path, *files):
        reply = self.daemon.post("add", path=path, files=list(files))
        self.assertEqual((reply.status, reply.body), (200, b""))

    def test_a_file(self):
        path = self.repository()
        write(path + "/a", "x")
        write(path + "/b", "x")
        self.add(path, "a")
        self.assertEqual(self.staged(path), ["A\ta"])
        self.sound(path)

    def test_a_directory(self):
        path = self.repository()
        write(path + "/d/e/a", "x")
        write(path + "/d/b", "x")
        write(path + "/dd", "x")
        self.add(path, "d")
        self.assertEqual(self.staged(path), ["A\td/b", "A\td/e/a"])
        self.add(path, "dd")
        self.assertEqual(len(self.staged(path)), 3)

    def test_everything(self):
        path = self.repository()
        write(path + "/new", "x")
        write(path + "/src/one.txt", "changed")
        os.unlink(path + "/README.md")
        write(path + "/.gitignore", "*.log\n")
        write(path + "/x.log", "x")
        self.add(path, ".")
        self.assertEqual(self.staged(path), ["A\t.gitignore", "A\tnew", "D\tREADME.md", "M\tsrc/one.txt"])

    def test_deletions(self):
        path = self.repository()
        os.unlink(path + "/README.md")
        self.add(path, "README.md")
        self.assertEqual(self.staged(path), ["D\tREADME.md"])

    def test_deletion_of_a_whole_directory(self):
        path = self.repository()
        os.unlink(path + "/src/one.txt")
        os.rmdir(path + "/src")
        self.add(path, "src")
        self.assertEqual(self.staged(path), ["D\tsrc/one.txt"])

    def test_an_ignored_file_by_its_name(self):
        path = self.repository()
        write(path + "/.gitignore", "*.log\nbuild/\n")
        write(path + "/x.log", "x")
        write(path + "/build/deep/out", "x")
        self.add(path, "x.log", "build/deep/out")
        self.assertEqual(self.staged(path), ["A\tbuild/deep/out", "A\tx.log"])

    def test_no_globs(self):
        path = self.repository()
        write(path + "/a.txt", "x")
        write(path + "/[ab]*.txt", "x")
        self.add(path, "[ab]*.txt")
        self.assertEqual(self.staged(path), ["A\t[ab]*.txt"])
        self.assertGreaterEqual(self.daemon.post("add", path=path, files=["*.txt"]).status, 400)
        write(path + "/:(top)x", "x")
        self.add(path, ":(top)x")
        self.assertIn("A\t:(top)x", self.staged(path))

    def test_what_is_not_there(self):
        path = self.repository()
        write(path + "/a", "x")
        reply = self.daemon.post("add", path=path, files=["a", "nope"])
        self.assertIn(reply.status, (404, 500))
        self.assertRegex(reply.json["message"], "nope|entry not found")

    def test_outside_of_the_worktree(self):
        path = self.repository()
        write(self.dir + "/secret", "x")
        os.symlink(self.dir, path + "/link")
        before = self.staged(path)
        for name in ("../secret", "/etc/passwd", self.dir + "/secret", "link/secret", ".git/config", ".git", "src/../../secret", "src/../.git/config"):
            reply = self.daemon.post("add", path=path, files=[name])
            if name != ".git":   # git passes over it in silence
                self.assertGreaterEqual(reply.status, 400, (name, reply))
        self.assertEqual(self.staged(path), before)

    def test_a_link_is_added_as_a_link(self):
        path = self.repository()
        os.symlink("/etc/passwd", path + "/link")
        self.add(path, "link")
        self.assertEqual(git(path, "ls-files", "-s", "link").split()[0], "120000")
        self.assertEqual(git(path, "show", ":link"), "/etc/passwd")

    def test_modes(self):
        path = self.repository()
        write(path + "/run", "x")
        os.chmod(path + "/run", 0o755)
        self.add(path, "run")
        self.assertEqual(git(path, "ls-files", "-s", "run").split()[0], "100755")

    def test_trailing_slash_and_dots(self):
        path = self.repository()
        write(path + "/d/a", "x")
        write(path + "/d/b", "x")
        self.add(path, "d/", "./d/./a")
        self.assertEqual(self.staged(path), ["A\td/a", "A\td/b"])

    def test_no_files_at_all(self):
        path = self.repository()
        write(path + "/a", "x")
        self.add(path)
        self.assertEqual(self.staged(path), [])
        self.bad(self.daemon.post("add", path=path), 400, "INVALID_REQUEST_BODY", "files")
        self.bad(self.daemon.post("add", path=path, files=None), 400, "INVALID_REQUEST_BODY", "files")

    def test_attributes_hold(self):
        path = self.repository()
        write(path + "/.gitattributes", "*.txt text\n*.bin binary\n")
        write(path + "/crlf.txt", "a\r\nb\r\n")
        write(path + "/raw.bin", b"a\r\nb\r\n")
        self.add(path, ".")
        self.assertEqual(git(path, "show", ":crlf.txt", text=False), b"a\nb\n")
        self.assertEqual(git(path, "show", ":raw.bin", text=False), b"a\r\nb\r\n")

    def test_nested_repositories_are_not_swallowed(self):
        path = self.repository()
        git(None, "init", "-q", path + "/inner")
        write(path + "/inner/x", "x")
        commit_all(path + "/inner")
        self.add(path, ".")
        self.assertNotIn("A\tinner/x", self.staged(path))

    def test_a_locked_index(self):
        path = self.repository()
        write(path + "/a", "x")
        write(path + "/.git/index.lock")
        reply = self.daemon.post("add", path=path, files=["a"])
        self.assertIn(reply.status, (409, 500))
        self.assertRegex(reply.json["message"], "lock")
        os.unlink(path + "/.git/index.lock")
        self.add(path, "a")


class Commit(GitTest):
    def commit(self, path, message="made here", **more):
        return self.good(self.daemon.post("commit", path=path, message=message, **{**AUTHOR, **more}))["hash"]

    def test_the_index_only(self):
        path = self.repository()
        write(path + "/a", "staged")
        git(path, "add", "a")
        write(path + "/a", "later")
        write(path + "/b", "never")
        made = self.commit(path)
        self.assertRegex(made, "^[0-9a-f]{40}$")
        self.assertEqual(self.head(path), made)
        self.assertEqual(self.head(path, "HEAD^"), self.second)
        self.assertEqual(git(path, "show", "HEAD:a"), "staged")
        self.assertEqual(self.files(path), {"a": ("Unmodified", "Modified"), "b": ("Untracked", "Untracked")})
        self.assertEqual(git(path, "log", "-1", "--format=%an <%ae> %cn <%ce>").strip(),
                         "Ada Lovelace <ada@example.com> Ada Lovelace <ada@example.com>")
        self.sound(path)

    def test_message_author_and_email_as_they_are(self):
        path = self.repository()
        message = "Überschrift\n\nBody with \"quotes\"\n# not a comment\n"
        self.commit(path, message, author="Zoë 字", email="z@例.jp", allow_empty=True)
        self.assertEqual(git(path, "log", "-1", "--format=%an|%ae").strip(), "Zoë 字|z@例.jp")
        self.assertEqual(git(path, "log", "-1", "--format=%B").rstrip("\n"), message.rstrip("\n"))

    def test_nothing_staged(self):
        path = self.repository()
        write(path + "/untracked", "x")
        reply = self.daemon.post("commit", path=path, message="m", **AUTHOR)
        self.assertIn(reply.status, (409, 500), reply)
        self.assertRegex(reply.json["message"], "clean working tree")
        self.assertEqual(self.head(path), self.second)
        made = self.commit(path, allow_empty=True)
        self.assertEqual(self.head(path, "HEAD^{tree}"), self.head(path, self.second + "^{tree}"))
        self.assertEqual(self.head(path), made)

    def test_hooks_signing_and_user_settings_are_not_used(self):
        path = self.repository()
        for hook in ("pre-commit", "commit-msg", "post-commit"):
            write(f"{path}/.git/hooks/{hook}", f"#!/bin/sh\ntouch {self.dir}/hook\nexit 1\n")
            os.chmod(f"{path}/.git/hooks/{hook}", 0o755)
        git(path, "config", "commit.gpgsign", "true")
        git(path, "config", "user.name", "Somebody Else")
        write(path + "/a", "x")
        git(path, "add", "a")
        self.commit(path)
        self.assertFalse(os.path.exists(self.dir + "/hook"))
        self.assertEqual(git(path, "log", "-1", "--format=%an%G?").strip(), "Ada LovelaceN")

    def test_on_a_detached_head(self):
        path = self.repository()
        git(path, "checkout", "-q", self.first)
        made = self.commit(path, allow_empty=True)
        self.assertEqual(self.head(path), made)
        self.assertEqual(self.head(path, "main"), self.second)

    def test_concludes_a_merge(self):
        path = self.repository()
        git(path, "merge", "-q", "--no-commit", "--no-ff", "origin/feature/x")
        made = self.commit(path)
        self.assertEqual(git(path, "rev-list", "--parents", "-1", made).split()[1:], [self.second, self.third])
        self.assertFalse(os.path.exists(path + "/.git/MERGE_HEAD"))

    def test_unmerged_files_refuse(self):
        path = self.repository()
        git(path, "checkout", "-q", "-b", "one")
        write(path + "/README.md", "one\n")
        commit_all(path)
        git(path, "checkout", "-q", "main")
        write(path + "/README.md", "two\n")
        commit_all(path)
        git(path, "merge", "one", check=False)
        head = self.head(path)
        self.bad(self.daemon.post("commit", path=path, message="m", **AUTHOR), 409, "GIT_MERGE_CONFLICT|CONFLICT")
        self.assertEqual(self.head(path), head)

    def test_the_reflog_tells_of_it(self):
        path = self.repository()
        made = self.commit(path, "line one\nline two", allow_empty=True)
        self.assertIn("line one", git(path, "reflog", "-1"))
        self.assertTrue(git(path, "reflog", "-1", "--format=%H").startswith(made))

    def test_required_fields(self):
        path = self.repository()
        whole = {"path": path, "message": "m", **AUTHOR, "allow_empty": True}
        for missing in ("path", "message", "author", "email"):
            body = {k: v for k, v in whole.items() if k != missing}
            self.bad(self.daemon.post("commit", **body), 400, "INVALID_REQUEST_BODY", missing)
            self.bad(self.daemon.post("commit", **{**whole, missing: ""}), 400, "INVALID_REQUEST_BODY", missing)

    def test_an_author_that_would_break_the_commit(self):
        path = self.repository()
        for bad in ({"author": "a\nb <x>"}, {"email": "x> 0 +0000\nparent 0"}, {"author": "<>"}):
            reply = self.daemon.post("commit", path=path, message="m", allow_empty=True, **{**AUTHOR, **bad})
            self.assertIn(reply.status, (200, 400, 500))
            self.sound(path)
            self.assertEqual(len(git(path, "rev-list", "--parents", "-1", "HEAD").split()), 2)


class History(GitTest):
    def history(self, path):
        return self.good(self.daemon.get("history", path=path))

    def test_all_ancestors_with_head_first(self):
        path = self.repository()
        got = self.history(path)
        self.assertEqual([c["hash"] for c in got], [self.second, self.first])
        self.assertEqual(set(got[0]), {"hash", "author", "email", "message", "timestamp"})
        self.assertEqual((got[0]["author"], got[0]["email"]), ("Grace Hopper", "grace@example.com"))
        self.assertEqual([c["message"] for c in got], ["second\n", "first\n\nwith a body\n"])

    def test_time_of_the_author_with_its_zone(self):
        path = self.repository()
        git(path, "commit", "-q", "--allow-empty", "-m", "then", "--date", "2001-02-03T04:05:06+05:30")
        stamp = self.history(path)[0]["timestamp"]
        self.assertEqual(stamp, "2001-02-03T04:05:06+05:30")
        git(path, "commit", "-q", "--allow-empty", "-m", "then", "--date", "2001-02-03T04:05:06+0000")
        self.assertIn(self.history(path)[0]["timestamp"], ("2001-02-03T04:05:06Z", "2001-02-03T04:05:06+00:00"))
        datetime.fromisoformat(self.history(path)[0]["timestamp"].replace("Z", "+00:00"))

    def test_both_sides_of_a_merge(self):
        path = self.repository()
        git(path, "checkout", "-q", "-b", "side", self.first)
        commit_all(path, "aside")
        git(path, "checkout", "-q", "main")
        git(path, "merge", "-q", "--no-ff", "-m", "merged", "side")
        got = [c["hash"] for c in self.history(path)]
        self.assertEqual(sorted(got), sorted(git(path, "rev-list", "HEAD").split()))
        self.assertEqual(got[0], self.head(path))

    def test_messages_that_are_not_utf8(self):
        path = self.repository()
        git(path, "-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "--allow-empty", "-F", "-", input=b"caf\xe9\n", text=False)
        self.assertTrue(self.history(path)[0]["message"].startswith("caf"))

    def test_a_long_one(self):
        path = self.repository()
        script = []
        for number in range(5000):
            script.append(f"commit refs/heads/long\nmark :{number + 1}\ncommitter A <a@b> {1600000000 + number} +0000\ndata 6\nnumber\n"
                          + (f"from :{number}\n" if number else ""))
        git(path, "fast-import", "--quiet", input="".join(script))
        git(path, "checkout", "-q", "long")
        self.assertEqual([c["hash"] for c in self.history(path)], git(path, "rev-list", "HEAD").split())

    def test_none(self):
        git(None, "init", "-q", self.dir + "/empty")
        self.bad(self.daemon.get("history", path=self.dir + "/empty"), 404, ".*NOT_FOUND")

    def test_shallow(self):
        git(None, "clone", "-q", "--depth", "1", "file://" + self.daemon.dir + "/sample", self.dir + "/shallow")
        self.assertEqual([c["hash"] for c in self.history(self.dir + "/shallow")], [self.second])


class Shapes(GitTest):
    def test_timestamp_of_errors(self):
        reply = self.daemon.get("status", path=self.dir)
        self.assertTrue(re.match(r"^\d{4}-\d\d-\d\dT", reply.json["timestamp"]))
        self.assertEqual((reply.json["path"], reply.json["method"]), ("/git/status", "GET"))


if __name__ == "__main__":
    unittest.main()
