"""Files."""

from __future__ import annotations

import hashlib
import io
import os
import threading

import daytona
import pytest
from daytona import FileDownloadRequest, FileUpload

from conftest import MODERN

MEBI = 1024 * 1024
ODD_NAMES = ["with space.txt", "it's.txt", 'double"quote.txt', "back\\slash.txt", "semi;colon=eq&amp%41+plus.txt", "ünïcødé-grüße.txt", "文件-世界-🌍.txt", "-dash.txt"]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def run(sandbox, command):
    return sandbox.process.exec(command).result


def test_bytes_up_and_down(shared):
    data = bytes(range(256)) + os.urandom(70_000)
    shared.fs.upload_file(data, "binary.bin")
    assert shared.fs.download_file("binary.bin") == data
    assert run(shared, "sha256sum < binary.bin").split()[0] == sha256(data)


def test_file_that_looks_like_a_multipart_body(shared):
    data = b"\r\n--DAYTONA-FILE-BOUNDARY--\r\n" * 3
    shared.fs.upload_file(data, "boundary.bin")
    assert shared.fs.download_file("boundary.bin") == data


def test_empty_file(shared, tmp_path):
    shared.fs.upload_file(b"", "empty.txt")
    assert shared.fs.get_file_info("empty.txt").size == 0
    shared.fs.download_file("empty.txt", str(tmp_path / "empty"))
    assert (tmp_path / "empty").read_bytes() == b""


def test_local_file_up_and_down(shared, tmp_path):
    data = os.urandom(3 * MEBI + 17)
    (tmp_path / "source").write_bytes(data)
    shared.fs.upload_file(str(tmp_path / "source"), "p1/p2/from-local.bin")
    shared.fs.download_file("p1/p2/from-local.bin", str(tmp_path / "result"))
    assert sha256((tmp_path / "result").read_bytes()) == sha256(data)
    assert run(shared, "stat -c %a p1/p2/from-local.bin") == "644\n"


def test_many_files_in_one_call(shared):
    files = [FileUpload(source=f"content {i}".encode(), destination=f"many/{i % 3}/{i}.txt") for i in range(40)]
    shared.fs.upload_files(files)
    results = shared.fs.download_files([FileDownloadRequest(source=file.destination) for file in files])
    assert [result.source for result in results] == [file.destination for file in files]
    assert [result.result for result in results] == [file.source for file in files]
    assert all(result.error is None for result in results)


def test_partial_download_reports_per_file(shared):
    shared.fs.upload_file(b"here", "partial.txt")
    run(shared, "mkdir -p a-directory")
    missing, there, directory = shared.fs.download_files([FileDownloadRequest(source=path) for path in ("missing-1.txt", "partial.txt", "a-directory")])
    assert "not found" in missing.error and "missing-1.txt" in missing.error
    assert missing.result is None
    assert missing.error_details.status_code == 404
    assert there.result == b"here" and there.error is None
    assert "directory" in directory.error
    assert directory.error_details.status_code == 400


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names(shared, name):
    if not MODERN and not name.isascii():
        pytest.skip("the older SDK decodes the names in download answers wrongly, whatever is sent")
    path = f"odd/{name}"
    content = f"content of {name}".encode()
    shared.fs.upload_file(content, path)
    assert shared.fs.download_file(path) == content
    assert name in [entry.name for entry in shared.fs.list_files("odd")]
    assert shared.fs.get_file_info(path).size == len(content)
    shared.fs.delete_file(path)
    assert name not in [entry.name for entry in shared.fs.list_files("odd")]


def test_missing_file(shared, raises):
    error = raises("file_not_found", lambda: shared.fs.download_file("/no/such/file"), message="not found")
    assert error.status_code == 404
    raises("not_found", lambda: shared.fs.get_file_info("/no/such/file"), status=404)
    raises("not_found", lambda: shared.fs.list_files("/no/such/dir"), status=404)
    raises("not_found", lambda: shared.fs.delete_file("/no/such/file"), status=404)


def test_upload_onto_a_directory(shared, raises):
    run(shared, "mkdir -p occupied; echo inner > occupied/inner.txt")
    error = raises("any", lambda: shared.fs.upload_file(b"x", "occupied"))
    assert error.status_code in (None, 400)
    assert run(shared, "cat occupied/inner.txt") == "inner\n"


@pytest.mark.skipif(not hasattr(daytona, "UploadProgress"), reason="no streams in this generation")
def test_streams_with_progress(shared):
    data = os.urandom(5 * MEBI + 3)
    sent = []
    shared.fs.upload_file_stream(io.BytesIO(data), "streamed.bin", on_progress=lambda progress: sent.append(progress.bytes_sent))
    assert sent[-1] == len(data)
    assert run(shared, "sha256sum < streamed.bin").split()[0] == sha256(data)
    received = []
    chunks = list(shared.fs.download_file_stream("streamed.bin", on_progress=received.append))
    assert sha256(b"".join(chunks)) == sha256(data)
    assert len(chunks) > 1
    assert all(progress.total_bytes == len(data) for progress in received)
    assert received[-1].bytes_received == len(data)


@pytest.mark.skipif(not hasattr(daytona, "UploadProgress"), reason="no streams in this generation")
def test_cancelled_download_leaves_the_sandbox_usable(shared):
    shared.fs.upload_file(os.urandom(20 * MEBI), "long.bin")
    cancel = threading.Event()
    stream = iter(shared.fs.download_file_stream("long.bin", cancel_event=cancel))
    assert len(next(stream)) > 0
    cancel.set()
    with pytest.raises(daytona.DaytonaError):
        for _ in stream:
            pass
    assert run(shared, "echo alive") == "alive\n"


def test_100_mebibytes(shared, tmp_path):
    source = tmp_path / "large"
    block = os.urandom(MEBI)
    digest = hashlib.sha256()
    with source.open("wb") as file:
        for i in range(100):
            part = i.to_bytes(4, "big") + block[4:]
            digest.update(part)
            file.write(part)
    shared.fs.upload_file(str(source), "large.bin")
    assert shared.fs.get_file_info("large.bin").size == 100 * MEBI
    assert run(shared, "sha256sum < large.bin").split()[0] == digest.hexdigest()
    shared.fs.download_file("large.bin", str(tmp_path / "down"))
    with (tmp_path / "down").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == digest.hexdigest()
    shared.fs.delete_file("large.bin")


def test_listing(shared, raises):
    run(shared, "mkdir -p listing/sub nothing; printf 12345 > listing/b.txt; printf 1 > listing/a.txt; chmod 640 listing/a.txt")
    a, b, sub = shared.fs.list_files("listing")
    assert [entry.name for entry in (a, b, sub)] == ["a.txt", "b.txt", "sub"]
    assert (a.size, a.is_dir, a.permissions, a.mode) == (1, False, "0640", "-rw-r-----")
    assert (b.size, sub.is_dir) == (5, True)
    assert a.owner.isdigit() and a.group.isdigit()
    assert a.mod_time
    assert shared.fs.list_files("nothing") == []
    raises("bad_request", lambda: shared.fs.list_files("listing/a.txt"), status=400)


def test_folders(shared, raises):
    shared.fs.create_folder("folders/deep", "700")
    assert run(shared, "stat -c '%a %F' folders/deep") == "700 directory\n"
    shared.fs.create_folder("folders/deep", "755")
    raises("bad_request", lambda: shared.fs.create_folder("bad", "rwx"), status=400)


def test_moving(shared, raises):
    run(shared, "mkdir -p move; echo 1 > move/a; echo 2 > move/b")
    shared.fs.move_files("move/a", "move/c")
    assert run(shared, "cat move/c; ls move") == "1\nb\nc\n"
    raises("conflict", lambda: shared.fs.move_files("move/b", "move/c"), status=409)
    raises("not_found", lambda: shared.fs.move_files("move/missing", "move/x"), status=404)


def test_deleting(shared, raises):
    run(shared, "mkdir -p del/full; echo x > del/full/x")
    raises("bad_request", lambda: shared.fs.delete_file("del/full"), status=400)
    shared.fs.delete_file("del/full", recursive=True)
    assert run(shared, "ls del") == ""


def test_permissions(shared, raises):
    shared.fs.upload_file(b"x", "perm.txt")
    shared.fs.set_file_permissions("perm.txt", mode="751")
    assert shared.fs.get_file_info("perm.txt").permissions == "0751"
    shared.fs.set_file_permissions("perm.txt", mode="600", owner="daytona", group="daytona")
    assert run(shared, "stat -c '%a %U %G' perm.txt") == "600 daytona daytona\n"
    raises("bad_request", lambda: shared.fs.set_file_permissions("perm.txt", mode="u+x"), status=400)
    raises("not_found", lambda: shared.fs.set_file_permissions("missing.txt", mode="600"), status=404)
