"""Tests of client_config.py: settings of the host are carried over, its paths are rewritten."""

import os
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import client_config  # noqa: E402


class ClientConfigTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.bundle = self.write("bundle.pem", "certificates")
        self.binds = client_config.Binds()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def environment(self, **variables):
        return mock.patch.dict(os.environ, {"HOME": self.folder, **variables}, clear=True)

    def test_same_path_is_mounted_once(self):
        self.assertEqual(self.binds.inside(self.bundle), "/run/build/files/0")
        self.assertEqual(self.binds.inside(f"file://{self.bundle}"), "/run/build/files/0")
        self.assertEqual(self.binds.lines, [(self.bundle, "/run/build/files/0")])

    def test_addresses_and_missing_paths_stay(self):
        for text in ("http://user:pass@mirror.test/simple", "/does/not/exist", "plain"):
            self.assertEqual(self.binds.inside(text), text)
        self.assertEqual(self.binds.lines, [])

    def test_environment_keeps_clients_and_proxies_only(self):
        with self.environment(PIP_INDEX_URL="http://i.test", https_proxy="http://p.test", SECRET="x", PIP_CERT=self.bundle):
            result = client_config.environment(self.binds)
        self.assertEqual(result["PIP_INDEX_URL"], "http://i.test")
        self.assertEqual(result["https_proxy"], "http://p.test")
        self.assertEqual(result["PIP_CERT"], "/run/build/files/0")
        self.assertNotIn("SECRET", result)

    def test_pip_files_are_merged_without_places_of_the_host(self):
        path = self.write("pip.conf", f"[global]\nindex-url = http://i.test\ncert = {self.bundle}\ncache-dir = /c\n")
        with self.environment(PIP_CONFIG_FILE=path):
            text = client_config.pip_config(self.binds)
        self.assertIn("index-url = http://i.test", text)
        self.assertIn("cert = /run/build/files/0", text)
        self.assertNotIn("cache-dir", text)

    def test_npm_user_settings_win(self):
        general = self.write("general", "registry=http://a.test\nprefix=/host\n; comment\n")
        self.write(".npmrc", f'registry = "http://b.test"\ncafile={self.bundle}\n')
        with self.environment(npm_config_globalconfig=general):
            lines = client_config.npm_config(self.binds).splitlines()
        self.assertIn("registry=http://b.test", lines)
        self.assertTrue([line for line in lines if line.startswith("cafile=/run/build/files/")])
        self.assertFalse([line for line in lines if line.startswith("prefix")])

    def test_apt_takes_only_debian_main_of_the_suite(self):
        output = "\n".join(
            [
                "http://m.test/debian/ bookworm main Debian",
                "http://m.test/debian/ bookworm-backports main Debian",
                "http://m.test/debian/ bookworm contrib Debian",
                "http://other.test/ bookworm main Elsewhere",
            ]
        )
        with mock.patch("subprocess.run", return_value=mock.Mock(stdout=output)):
            self.assertEqual(client_config.apt_sources("bookworm"), "deb http://m.test/debian/ bookworm main\n")
            self.assertEqual(client_config.apt_sources("trixie"), "")


if __name__ == "__main__":
    unittest.main()
