"""Config, user, stored credentials: clients.md 11.1."""

import os
import stat
import unittest

from harness import PASSWORD, USER, GitTest, git, read


class Settings(GitTest):
    def setUp(self):
        super().setUp()
        for name in (".gitconfig", ".git-credentials"):
            if os.path.lexists(f"{self.daemon.home}/{name}"):
                os.unlink(f"{self.daemon.home}/{name}")

    def as_user(self, *words, input=None, check=True):
        """The real git with the daemon's home."""
        return git(self.dir, *words, input=input, check=check, env={"HOME": self.daemon.home, "GIT_CONFIG_GLOBAL": self.daemon.home + "/.gitconfig"})

    def value(self, key, **more):
        return self.good(self.daemon.get("config", key=key, **more)).get("value")

    def set(self, key, value, **more):
        reply = self.daemon.post("config", key=key, value=value, **more)
        self.assertEqual((reply.status, reply.body), (200, b""), reply)


class Config(Settings):
    def test_global_is_the_default(self):
        self.set("user.name", "Ada")
        self.assertEqual(self.as_user("config", "--global", "user.name").strip(), "Ada")
        self.assertEqual(self.value("user.name"), "Ada")
        self.assertEqual(self.value("user.name", scope="global"), "Ada")
        self.assertEqual(self.value("USER.Name"), "Ada")

    def test_what_is_not_set(self):
        self.assertIsNone(self.value("user.name"))
        self.assertIsNone(self.value("no.such.key"))

    def test_local(self):
        path = self.repository()
        self.set("user.name", "Local", scope="local", path=path)
        self.assertEqual(git(path, "config", "--local", "user.name").strip(), "Local")
        self.assertEqual(self.value("user.name", scope="local", path=path), "Local")
        self.assertIsNone(self.value("user.name"))
        self.assertIsNone(self.value("user.email", scope="local", path=path))

    def test_a_scope_does_not_show_another(self):
        path = self.repository()
        self.set("user.name", "Global")
        self.assertIsNone(self.value("user.name", scope="local", path=path))

    def test_local_needs_a_repository(self):
        self.bad(self.daemon.post("config", key="a.b", value="c", scope="local"), 400, "BAD_REQUEST|INVALID_REQUEST_BODY", "path")
        self.bad(self.daemon.get("config", key="a.b", scope="local"), 400, "BAD_REQUEST", "path")
        self.bad(self.daemon.post("config", key="a.b", value="c", scope="local", path=self.dir), 404, "GIT_REPO_NOT_FOUND")

    def test_values_come_back_as_they_went(self):
        for value in ("plain", " spaces ", 'quo"te', "back\\slash", "# no comment; none", "two\nlines", "ünïcødé 字", "true", "007", "a=b", "\t"):
            self.set("odd.value", value)
            self.assertEqual(self.value("odd.value"), value)
            self.assertEqual(self.as_user("config", "--global", "-z", "odd.value"), value + "\0")

    def test_subsections(self):
        self.set("url.https://Example.com/.insteadOf", "ex:")
        self.assertEqual(self.as_user("config", "--global", "url.https://Example.com/.insteadof").strip(), "ex:")
        self.assertEqual(self.value("url.https://Example.com/.insteadOf"), "ex:")

    def test_setting_again_replaces(self):
        self.set("a.b", "1")
        self.set("a.b", "2")
        self.assertEqual(self.as_user("config", "--global", "--get-all", "a.b").split(), ["2"])

    def test_what_was_there_stays(self):
        self.as_user("config", "--global", "keep.this", "yes")
        with open(self.daemon.home + "/.gitconfig", "a", encoding="utf-8") as file:
            file.write("# a comment\n")
        self.set("a.b", "1")
        self.assertIn("# a comment", read(self.daemon.home + "/.gitconfig"))
        self.assertEqual(self.as_user("config", "--global", "keep.this").strip(), "yes")

    def test_wrong_keys_and_scopes(self):
        for key in ("nodots", ".", "a.", ".b", "a.b c", "a.1x", "a\nb.c"):
            with self.subTest(key=key):
                self.bad(self.daemon.post("config", key=key, value="x"), 400, "BAD_REQUEST|INVALID_REQUEST_BODY", "key")
        self.bad(self.daemon.post("config", key="a.b", value="x", scope="worldwide"), 400, "BAD_REQUEST|INVALID_REQUEST_BODY", "scope")
        self.bad(self.daemon.get("config", key="a.b", scope="worldwide"), 400, "BAD_REQUEST", "scope")
        self.bad(self.daemon.call("GET", "/git/config"), 400, "BAD_REQUEST", "key")
        self.bad(self.daemon.post("config", value="x"), 400, "INVALID_REQUEST_BODY", "key")
        self.assertFalse(os.path.exists(self.daemon.home + "/.gitconfig") and "x" in read(self.daemon.home + "/.gitconfig"))

    def test_a_broken_file_is_named(self):
        with open(self.daemon.home + "/.gitconfig", "w", encoding="utf-8") as file:
            file.write("[broken\n")
        reply = self.daemon.get("config", key="a.b")
        self.assertGreaterEqual(reply.status, 400)
        self.assertIn(".gitconfig", reply.json["message"])

    def test_insteadof_is_followed(self):
        self.set(f"url.{self.server.url('', 'open')}.insteadOf", "http://short.invalid/")
        self.clone("http://short.invalid/sample.git")


class User(Settings):
    def test_global(self):
        reply = self.daemon.post("config/user", name="Ada Lovelace", email="ada@example.com")
        self.assertEqual((reply.status, reply.body), (200, b""))
        self.assertEqual(self.as_user("config", "--global", "user.name").strip(), "Ada Lovelace")
        self.assertEqual(self.as_user("config", "--global", "user.email").strip(), "ada@example.com")
        self.assertEqual((self.value("user.name"), self.value("user.email")), ("Ada Lovelace", "ada@example.com"))

    def test_local(self):
        path = self.repository()
        self.good(self.daemon.post("config/user", name="A", email="a@b", scope="local", path=path))
        self.assertEqual(git(path, "config", "--local", "user.email").strip(), "a@b")
        self.assertIsNone(self.value("user.name"))

    def test_required_fields(self):
        self.bad(self.daemon.post("config/user", name="A"), 400, "INVALID_REQUEST_BODY", "email")
        self.bad(self.daemon.post("config/user", email="a@b"), 400, "INVALID_REQUEST_BODY", "name")


class StoredCredentials(Settings):
    def authenticate(self, **more):
        body = {"username": USER, "password": PASSWORD, "host": f"127.0.0.1:{self.server.port}", "protocol": "http", **more}
        reply = self.daemon.post("credentials", **body)
        self.assertEqual((reply.status, reply.body), (200, b""), reply)

    def test_are_used_afterwards(self):
        self.bad(self.daemon.post("clone", url=self.server.url("sample.git"), path=self.dir + "/before"), 401, "GIT_AUTH_FAILED")
        self.authenticate()
        path = self.clone(self.server.url("sample.git"))
        self.good(self.daemon.post("pull", path=path))
        self.good(self.daemon.post("push", path=path))
        self.assertNotIn("9f3a", read(path + "/.git/config"))

    def test_given_ones_win(self):
        self.authenticate()
        self.bad(self.daemon.post("clone", url=self.server.url("sample.git"), path=self.dir + "/c", username=USER, password="wrong"), 401, "GIT_AUTH_FAILED")

    def test_are_in_gits_own_store(self):
        self.authenticate()
        self.assertEqual(self.as_user("config", "--global", "credential.helper").strip(), "store")
        got = self.as_user("credential", "fill", input=f"protocol=http\nhost=127.0.0.1:{self.server.port}\n\n")
        self.assertIn(f"password={PASSWORD}\n", got)
        self.assertIn(f"username={USER}\n", got)
        self.as_user("clone", "-q", self.server.url("sample.git"), self.dir + "/by-git")
        mode = os.stat(self.daemon.home + "/.git-credentials").st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_those_of_git_are_used(self):
        self.as_user("config", "--global", "credential.helper", "store")
        self.as_user("credential", "approve", input=f"protocol=http\nhost=127.0.0.1:{self.server.port}\nusername={USER}\npassword={PASSWORD}\n\n")
        self.clone(self.server.url("sample.git"))

    def test_defaults(self):
        self.good(self.daemon.post("credentials", username="me", password="token"))
        self.assertEqual(read(self.daemon.home + "/.git-credentials").strip(), "https://me:token@github.com")

    def test_again_replaces_and_others_stay(self):
        self.authenticate(host="other.example")
        self.authenticate(password="wrong")
        self.authenticate()
        lines = read(self.daemon.home + "/.git-credentials").strip().split("\n")
        self.assertEqual(len(lines), 2)
        self.clone(self.server.url("sample.git"))

    def test_for_another_host_are_not_sent(self):
        self.authenticate(host="example.com")
        self.authenticate(protocol="https")
        before = len(self.server.requests())
        self.bad(self.daemon.post("clone", url=self.server.url("sample.git"), path=self.dir + "/c"), 401, "GIT_AUTH_FAILED")
        self.assertEqual({r["credentials"] for r in self.server.requests()[before:]}, {None})

    def test_wrong_ones(self):
        self.authenticate(password="wrong")
        self.bad(self.daemon.post("clone", url=self.server.url("sample.git"), path=self.dir + "/c"), 401, "GIT_AUTH_FAILED")

    def test_lines_cannot_be_smuggled_in(self):
        for body in ({"username": "a\nb"}, {"host": "x\nhttps://evil"}, {"protocol": "ht\ntp"}, {"password": "p\nq"}):
            whole = {"username": "u", "password": "p", **body}
            reply = self.daemon.post("credentials", **whole)
            self.assertIn(reply.status, (200, 400), body)
            if os.path.exists(self.daemon.home + "/.git-credentials"):
                for line in read(self.daemon.home + "/.git-credentials").splitlines():
                    self.assertRegex(line, r"^https://[^/@]+@[^/@]+$")

    def test_required_fields(self):
        self.bad(self.daemon.post("credentials", username="u"), 400, "INVALID_REQUEST_BODY", "password")
        self.bad(self.daemon.post("credentials", password="p"), 400, "INVALID_REQUEST_BODY", "username")

    def test_are_not_in_the_log(self):
        self.authenticate()
        self.assertNotIn("9f3a", self.daemon.text_of_log())


if __name__ == "__main__":
    unittest.main()
