"""Searching and replacing in files, listing in depth, uploads that are broken off, signed URLs."""

from __future__ import annotations

import os
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import daytona
import pytest

from conftest import MODERN


def run(sandbox, command):
    return sandbox.process.exec(command).result


def test_finding_in_files(shared):
    run(shared, r"mkdir -p tree/b tree/a; printf 'one\r\nthe needle\n' > tree/b/x.txt; echo needle > tree/a/y.md; printf 'needle\0' > tree/binary")
    found = shared.fs.find_files("tree", "needle")
    assert [(match.file, match.line, match.content) for match in found] == [("tree/a/y.md", 1, "needle"), ("tree/b/x.txt", 2, "the needle")]
    assert shared.fs.find_files("/no/such/dir", "x") == []
    assert shared.fs.find_files("tree", "n.*e") == []


def test_searching_names(shared):
    run(shared, "mkdir -p names/sub; touch names/a.txt names/sub/b.txt names/c.md")
    assert shared.fs.search_files("names", "*.txt").files == ["names/a.txt", "names/sub/b.txt"]
    assert shared.fs.search_files("names", "[a-b].*").files == ["names/a.txt", "names/sub/b.txt"]
    assert shared.fs.search_files("names", "[bad").files == []


def test_replacing(shared):
    run(shared, "echo 'old old' > r1; echo other > r2; chmod 640 r1")
    results = shared.fs.replace_in_files(["r1", "missing", "r2"], "old", "new")
    assert [(result.file, result.success) for result in results] == [("r1", True), ("missing", False), ("r2", True)]
    assert "not found" in results[1].error
    assert run(shared, "cat r1 r2; stat -c %a r1") == "new new\nother\n640\n"


@pytest.mark.skipif(not MODERN, reason="no depth in this generation")
def test_listing_in_depth(shared):
    run(shared, "mkdir -p levels/a/b; touch levels/a/b/f")
    assert [entry.path for entry in shared.fs.list_files("levels", depth=3)] == ["levels/a", "levels/a/b", "levels/a/b/f"]
    assert len(shared.fs.list_files("levels")) == 1


def test_missing_rights(shared, raises):
    run(shared, "mkdir -p closed; echo x > closed/f; chmod 000 closed")
    raises("forbidden", lambda: shared.fs.list_files("closed"), status=403)
    raises("forbidden", lambda: shared.fs.get_file_info("closed/f"), status=403)
    run(shared, "chmod 700 closed")


@pytest.mark.skipif(not hasattr(daytona, "UploadProgress"), reason="no streams in this generation")
def test_cancelled_upload_leaves_the_old_file(shared):
    shared.fs.upload_file(b"old content", "broken/off.bin")
    cancel = threading.Event()

    class Endless:
        sent = 0

        def read(self, size=-1):
            self.sent += 1
            if self.sent == 20:
                cancel.set()
            return os.urandom(64 * 1024)

    with pytest.raises(daytona.DaytonaError):
        shared.fs.upload_file_stream(Endless(), "broken/off.bin", cancel_event=cancel)
    assert run(shared, "cat broken/off.bin; ls -A broken") == "old contentoff.bin\n"


def status_of(url, data=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.skipif(not MODERN, reason="no signed URLs in this generation")
def test_signed_urls(shared):
    path = "urls/a b ü+%41.txt"
    assert status_of(shared.upload_url(path), b"raw bytes")[0] == 200
    assert status_of(shared.download_url(path)) == (200, b"raw bytes")
    assert shared.fs.download_file(path) == b"raw bytes"
    old = shared.download_url(path, 0)
    assert status_of(old)[0] == 200
    past = int(time.time()) - 1
    assert status_of(urllib.parse.urlsplit(old)._replace(query=urllib.parse.urlsplit(old).query.replace("expires=0", f"expires={past}")).geturl())[0] == 401
    shared.rotate_signing_key()
    assert status_of(old)[0] == 401
    assert status_of(shared.download_url(path))[0] == 200
