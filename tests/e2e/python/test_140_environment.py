"""Directories, variables of the sandbox, metrics, and a server inside reached through its preview link."""

from __future__ import annotations

import http.client
from datetime import datetime, timezone
from urllib.parse import urlsplit

import pytest

from api import eventually
from conftest import MODERN
from session import Session
from terminal import Terminal


def visit(url, path="/", headers=None):
    """GET through the preview address; its name need not resolve here, only its port is connected to."""
    parts = urlsplit(url)
    address = "localhost" if parts.hostname.endswith("localhost") else parts.hostname
    connection = http.client.HTTPConnection(address, parts.port, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": parts.netloc, **(headers or {})})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_directories(shared):
    assert shared.get_user_home_dir() == shared.process.exec("cd; pwd").result.strip()
    assert shared.get_work_dir() == shared.process.exec("pwd").result.strip()
    assert "/" in shared.get_work_dir()


@pytest.mark.skipif(not MODERN, reason="not in this generation")
def test_update_env(client):
    sandbox = client.create("env", env_vars={"FROM_CREATE": "kept", "LEAVES": "soon"})
    early = Session(sandbox, "early")
    assert sandbox.update_env({"ADDED": "ü 1", "FROM_CREATE": "changed"}, unset=["LEAVES", "NEVER_SET"]) is None
    show = 'echo "$ADDED-$FROM_CREATE-$LEAVES"'
    assert sandbox.process.exec(show).result == "ü 1-changed-\n"
    assert Session(sandbox, "late").run(show).stdout == "ü 1-changed-\n"
    assert early.run(show).stdout == "-kept-soon\n"
    terminal = Terminal(sandbox, "env")
    assert terminal.asks(show) == "ü 1-changed-"
    terminal.handle.kill()


@pytest.mark.skipif(not MODERN, reason="not in this generation")
def test_metrics(shared):
    metrics = shared.get_metrics_latest()
    assert metrics.cpu_count == shared.cpu
    assert 0 <= metrics.cpu_used_pct <= 100
    assert 0 < metrics.mem_used <= metrics.mem_total
    assert 0 <= metrics.disk_used <= metrics.disk_total
    assert abs((datetime.now(timezone.utc) - metrics.timestamp).total_seconds()) < 3600


def test_preview_of_a_server_inside(shared):
    shared.process.exec("mkdir -p site-py && echo 'from inside' > 'site-py/a page.txt'")
    session = Session(shared, "server")
    session.start("cd site-py && exec python3 -m http.server 8124")
    link = shared.get_preview_link(8124)
    headers = {"x-daytona-preview-token": link.token}
    eventually("the server answers", lambda: visit(link.url, headers=headers)[0] == 200, seconds=30)
    assert visit(link.url, "/a%20page.txt", headers) == (200, "from inside\n")
    assert visit(link.url)[0] in (302, 307, 401, 403)
    session.close()
