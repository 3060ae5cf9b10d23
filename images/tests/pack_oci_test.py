"""Tests of pack_oci.py: what goes into a folder comes out again, and the same folder gives the same image."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import pack_oci  # noqa: E402

RECIPE = {"name": "test/image", "version": "1", "config": {"User": "u", "Env": ["A=b"]}}
EPOCH = "1700000000"


class PackOciTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.rootfs = self.path("rootfs")
        self.layout = self.path("layout")
        os.makedirs(os.path.join(self.rootfs, "dir", "sub"))
        os.makedirs(os.path.join(self.rootfs, "dev"))
        self.write("rootfs/dir/file", "hello")
        self.write("rootfs/dev/node", "not to be packed")
        self.write("rootfs/dir/dev", "a file that only shares the name")
        os.chmod(self.path("rootfs/dir/file"), 0o4755)
        os.link(self.path("rootfs/dir/file"), self.path("rootfs/dir/hard"))
        os.symlink("./file", self.path("rootfs/dir/soft"))
        self.write("recipe.json", json.dumps(RECIPE))
        patch = mock.patch.dict(os.environ, {"SOURCE_DATE_EPOCH": EPOCH})
        patch.start()
        self.addCleanup(patch.stop)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def run_main(self, *arguments):
        self.output = io.StringIO()
        with contextlib.redirect_stdout(self.output), contextlib.redirect_stderr(self.output):
            return pack_oci.main(list(arguments))

    def pack(self, layout=None, inputs="sha256:1", compression="none"):
        return self.run_main(
            "pack", "--rootfs", self.rootfs, "--recipe", self.path("recipe.json"),
            "--layout", layout or self.layout, "--inputs", inputs, "--compression", compression,
        )  # fmt: skip

    def unpack(self):
        self.assertEqual(self.run_main("unpack", "--layout", self.layout, "--rootfs", self.path("out")), 0)
        return self.path("out")

    def test_unpacks_what_was_packed(self):
        for compression in ("none", "gzip"):
            with self.subTest(compression), tempfile.TemporaryDirectory() as out:
                self.assertEqual(self.pack(compression=compression), 0)
                self.assertEqual(self.run_main("unpack", "--layout", self.layout, "--rootfs", out), 0)
                file = os.stat(os.path.join(out, "dir/file"))
                self.assertEqual(file.st_mode & 0o7777, 0o4755)
                self.assertEqual(file.st_ino, os.stat(os.path.join(out, "dir/hard")).st_ino)
                self.assertEqual(os.readlink(os.path.join(out, "dir/soft")), "./file")
                self.assertEqual(int(file.st_mtime), int(EPOCH))

    def test_leaves_device_folder_empty(self):
        self.pack()
        out = self.unpack()
        self.assertEqual(os.listdir(os.path.join(out, "dev")), [])
        self.assertTrue(os.path.isfile(os.path.join(out, "dir/dev")))

    def test_keeps_extended_attributes(self):
        try:
            os.setxattr(self.path("rootfs/dir/file"), "user.test", b"value")
        except OSError as error:
            self.skipTest(f"no extended attributes here: {error}")
        self.pack()
        self.assertEqual(os.getxattr(os.path.join(self.unpack(), "dir/file"), "user.test"), b"value")

    def test_same_folder_gives_same_image(self):
        self.pack()
        first = pack_oci.read_layout(self.layout)[0]["digest"]
        os.utime(self.path("rootfs/dir/file"))
        self.pack(layout=self.path("second"))
        self.assertEqual(pack_oci.read_layout(self.path("second"))[0]["digest"], first)

    def test_config_and_annotations(self):
        self.pack()
        descriptor, manifest, config = pack_oci.read_layout(self.layout)
        self.assertEqual(descriptor["annotations"][pack_oci.REF_NAME], "test/image:1")
        self.assertEqual(config["config"], RECIPE["config"])
        self.assertEqual(config["created"], "2023-11-14T22:13:20Z")
        self.assertEqual(config["rootfs"]["diff_ids"], [manifest["layers"][0]["digest"]])

    def test_fresh_only_for_same_inputs_and_whole_layer(self):
        def fresh(inputs):
            return self.run_main("fresh", "--layout", self.layout, "--inputs", inputs)

        self.assertEqual(fresh("sha256:1"), 1)
        self.pack()
        self.assertEqual(fresh("sha256:1"), 0)
        self.assertEqual(fresh("sha256:2"), 1)
        layer = pack_oci.blob_path(self.layout, pack_oci.read_layout(self.layout)[1]["layers"][0])
        os.truncate(layer, 10)
        self.assertEqual(fresh("sha256:1"), 1)

    def test_replaces_a_layout_and_leaves_nothing_beside_it(self):
        self.pack()
        self.write("rootfs/dir/more", "x")
        self.assertEqual(self.pack(inputs="sha256:2"), 0)
        self.assertEqual(sorted(os.listdir(self.folder)), ["layout", "recipe.json", "rootfs"])
        self.assertEqual(len(os.listdir(os.path.join(self.layout, "blobs/sha256"))), 3)

    def test_refuses_a_folder_with_other_content(self):
        os.makedirs(self.layout)
        self.write("layout/precious", "x")
        self.assertEqual(self.pack(), 2)
        self.assertIn("holds something else", self.output.getvalue())
        self.assertEqual(os.listdir(self.layout), ["precious"])

    def test_digest_sees_content_mode_and_name(self):
        def digest():
            self.run_main("digest", self.path("rootfs/dir"))
            return self.output.getvalue()

        seen = {digest()}
        self.write("rootfs/dir/file", "other")
        seen.add(digest())
        os.chmod(self.path("rootfs/dir/file"), 0o600)
        seen.add(digest())
        os.rename(self.path("rootfs/dir/dev"), self.path("rootfs/dir/devx"))
        seen.add(digest())
        self.assertEqual(len(seen), 4)


if __name__ == "__main__":
    unittest.main()
