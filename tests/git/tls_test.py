"""Certificates and foreign servers: contract toolbox.md 17.1. Credentials reach nobody whose certificate fails."""

import os
import shutil
import tempfile
import unittest

from harness import PASSWORD, USER, Daemon, GitServer, GitTest, certificate, git, read

LOGIN = {"username": USER, "password": PASSWORD}


class SelfSigned(GitTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.secure = GitServer(cls.served, tls=certificate(cls.daemon.dir), elsewhere=cls.server.url("", "")[:-2])
        cls.addClassCleanup(cls.secure.stop)

    def test_is_refused_and_gets_nothing(self):
        before = len(self.secure.requests())
        for more in (LOGIN, {}, {**LOGIN, "insecure_skip_tls": False}):
            reply = self.daemon.post("clone", url=self.secure.url("sample.git"), path=self.dir + "/c", **more)
            self.bad(reply, 502, "GIT_TRANSPORT_FAILED", "certificate")
            self.assertFalse(os.path.exists(self.dir + "/c"))
        with_url = self.secure.url("sample.git", user="tester:s3cret@")
        self.bad(self.daemon.post("clone", url=with_url, path=self.dir + "/c"), 502, "GIT_TRANSPORT_FAILED", "certificate")
        self.assertEqual(self.secure.requests()[before:], [])

    def test_works_when_verification_is_turned_off(self):
        path = self.clone(self.secure.url("sample.git"), insecure_skip_tls=True, **LOGIN)
        self.assertEqual(self.head(path), self.second)
        self.assertNotIn("sslverify", git(path, "config", "--list", "--local").lower())

    def test_skipping_holds_for_that_clone_only(self):
        path = self.clone(self.secure.url("sample.git"), insecure_skip_tls=True, **LOGIN)
        before = len(self.secure.requests())
        for call in ("pull", "push"):
            self.bad(self.daemon.post(call, path=path, **LOGIN), 502, "GIT_TRANSPORT_FAILED", "certificate")
        self.assertEqual(self.secure.requests()[before:], [])

    def test_stored_credentials_are_kept_back_too(self):
        self.good(self.daemon.post("credentials", username=USER, password=PASSWORD, host=f"127.0.0.1:{self.secure.port}", protocol="https"))
        before = len(self.secure.requests())
        self.bad(self.daemon.post("clone", url=self.secure.url("sample.git"), path=self.dir + "/c"), 502, "GIT_TRANSPORT_FAILED")
        self.assertEqual(self.secure.requests()[before:], [])

    def test_a_redirect_to_another_server_takes_no_credentials_along(self):
        before = len(self.server.requests())
        reply = self.daemon.post("clone", url=self.secure.url("sample.git", "elsewhere"), path=self.dir + "/c", insecure_skip_tls=True, **LOGIN)
        self.assertGreaterEqual(reply.status, 400, reply)
        self.assertEqual({r["credentials"] for r in self.server.requests()[before:]} - {None}, set())


class KnownAuthority(GitTest):
    """The same certificate, in the file that SSL_CERT_FILE names."""

    @classmethod
    def setUpClass(cls):
        cls.keys = tempfile.mkdtemp(prefix="git-test-")
        cls.addClassCleanup(shutil.rmtree, cls.keys)
        cls.pair = certificate(cls.keys)
        cls.variables = {"SSL_CERT_FILE": cls.pair[0]}
        super().setUpClass()
        cls.secure = GitServer(cls.served, tls=cls.pair)
        cls.addClassCleanup(cls.secure.stop)

    def test_works_over_tls_1_3(self):
        path = self.clone(self.secure.url("sample.git"), **LOGIN)
        self.assertEqual(self.head(path), self.second)
        self.good(self.daemon.post("pull", path=path, **LOGIN))

    def test_names_are_checked(self):
        path = self.clone(self.secure.url("sample.git", host="localhost"), **LOGIN)
        self.assertEqual(self.head(path), self.second)
        other = GitServer(self.served, tls=self.pair, listen="127.0.0.2")
        self.addCleanup(other.stop)
        reply = self.daemon.post("clone", url=other.url("sample.git", host="127.0.0.2"), path=self.dir + "/c", **LOGIN)
        self.bad(reply, 502, "GIT_TRANSPORT_FAILED", "certificate")

    def test_an_expired_certificate_is_refused(self):
        directory = tempfile.mkdtemp(dir=self.dir)
        pair = certificate(directory, expired=True)
        daemon = Daemon({"SSL_CERT_FILE": pair[0]})
        self.addCleanup(daemon.stop)
        server = GitServer(self.served, tls=pair)
        self.addCleanup(server.stop)
        before = len(server.requests())
        self.bad(daemon.post("clone", url=server.url("sample.git"), path=self.dir + "/c", **LOGIN), 502, "GIT_TRANSPORT_FAILED", "certificate|expired")
        self.assertEqual(server.requests()[before:], [])


if __name__ == "__main__":
    unittest.main()
