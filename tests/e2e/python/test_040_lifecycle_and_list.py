"""A sandbox through its life; lists; snapshots; volumes."""

from __future__ import annotations

import pytest
from daytona import ListSandboxesQuery

from api import API_URL, api, eventually, gone, reaches
from conftest import MODERN, daytona


def test_get_by_id_and_by_name(client):
    created = client.create("get")
    for found in (client.daytona.get(created.id), client.daytona.get(created.name)):
        assert (found.id, found.name) == (created.id, created.name)
        reaches(found, "started")
        assert found.labels == created.labels
        assert found.process.exec("echo ok").result == "ok\n"


@pytest.mark.parametrize("missing", ["00000000-0000-4000-8000-000000000000", "no-such-name", "nö such näme"])
def test_missing_sandbox(client, raises, missing):
    raises("not_found", lambda: client.daytona.get(missing), status=404, message=f"Sandbox with ID or name {missing} not found")


def test_labels_are_replaced(client):
    sandbox = client.create("labels", labels={"old": "1"})
    labels = {"a": "b", "unicode": "ü世", "quotes": "\"'{}", "empty": ""}
    assert sandbox.set_labels(labels) == labels
    assert client.daytona.get(sandbox.id).labels == labels
    assert sandbox.set_labels({}) == {}
    assert client.daytona.get(sandbox.id).labels == {}


def test_intervals(client, raises):
    sandbox = client.create("intervals")
    sandbox.set_autostop_interval(60)
    sandbox.set_auto_archive_interval(90)
    sandbox.set_auto_delete_interval(120)
    read = client.daytona.get(sandbox.id)
    assert (read.auto_stop_interval, read.auto_archive_interval, read.auto_delete_interval) == (60, 90, 120)
    sandbox.set_autostop_interval(0)
    sandbox.set_auto_delete_interval(-1)
    read = client.daytona.get(sandbox.id)
    assert (read.auto_stop_interval, read.auto_delete_interval) == (0, -1)
    raises("any", lambda: sandbox.set_autostop_interval(-1))


def test_activity_and_public(client):
    sandbox = client.create("activity")
    sandbox.refresh_activity()
    sandbox.refresh_data()
    assert sandbox.last_activity_at
    if hasattr(daytona.Sandbox, "set_public"):
        for value in (True, False):
            sandbox.set_public(value)
            assert client.daytona.get(sandbox.id).public is value


def test_preview_link(client, raises):
    sandbox = client.create("preview")
    link = sandbox.get_preview_link(3000)
    assert link.sandbox_id == sandbox.id
    assert f"3000-{sandbox.id}" in link.url
    assert len(link.token) >= 16
    raises("bad_request", lambda: sandbox.get_preview_link(65536), status=400, message="Invalid port")


def test_directories(client):
    sandbox = client.create("directories")
    assert sandbox.process.exec("cd; pwd").result.strip() == sandbox.get_user_home_dir()
    assert sandbox.process.exec("pwd").result.strip() == sandbox.get_work_dir()


@pytest.mark.parametrize("force", [False, True])
def test_stop_and_start_keep_the_disk(client, raises, force):
    sandbox = client.create("restart", env_vars={"KEPT": "yes"})
    sandbox.process.exec("mkdir -p data; head -c 300000 /dev/urandom > data/random; echo in-tmp > /tmp/kept-py")
    digest = sandbox.process.exec("sha256sum < data/random").result
    sandbox.stop(force=force)
    reaches(sandbox, "stopped")
    assert api("GET", f"/sandbox/{sandbox.id}").json["state"] == "stopped"
    raises("any", lambda: sandbox.process.exec("true"))
    raises("bad_request", sandbox.stop, status=400, message="not in a stoppable state")
    sandbox.start()
    reaches(sandbox, "started")
    assert sandbox.process.exec("sha256sum < data/random").result == digest
    assert sandbox.process.exec("cat /tmp/kept-py; echo $KEPT").result == "in-tmp\nyes\n"


def test_deleted_sandbox_is_gone(client, raises):
    sandbox = client.create("delete")
    sandbox_id, name = sandbox.id, sandbox.name
    sandbox.delete()
    gone(sandbox_id)
    raises("not_found", lambda: client.daytona.get(sandbox_id), status=404)
    raises("not_found", lambda: client.daytona.get(name), status=404)
    raises("not_found", lambda: sandbox.process.exec("true"), status=404)


@pytest.mark.skipif(not MODERN, reason="no wait in this generation")
def test_delete_can_wait(client):
    sandbox = client.create("delete-wait")
    sandbox.delete(wait=True)
    reaches(sandbox, "destroyed")
    assert api("GET", f"/sandbox/{sandbox.id}").status == 404


def test_ephemeral_sandbox_goes_when_it_stops(client):
    sandbox = client.create("ephemeral-stop", ephemeral=True)
    sandbox.stop()
    gone(sandbox.id)


def test_change_by_another_client_arrives_as_an_event(client):
    if not MODERN:
        pytest.skip("the older generation opens no socket")
    watcher = client.another()
    sandbox = client.create("watched")
    watched = watcher.get(sandbox.id)
    dispatcher = watcher._event_dispatcher
    dispatcher = getattr(dispatcher, "_target", dispatcher)
    eventually("the watching client is connected", lambda: dispatcher.is_connected, seconds=20)
    sandbox.stop()
    eventually("the other object shows it", lambda: watched.state == "stopped", seconds=20)


def test_list_filters_and_pages(client):
    mark = client.name("list")
    made = [client.create("list", name=f"{mark}-{i}", labels={"mark": mark, "n": str(i)}) for i in range(3)]
    made[2].stop()

    def found(**query):
        labels = {"mark": mark, **query.pop("labels", {})}
        return sorted(sandbox.name[-1] for sandbox in client.daytona.list(ListSandboxesQuery(labels=labels, **query)))

    assert found() == ["0", "1", "2"]
    for limit in (1, 2, 200):
        assert found(limit=limit) == ["0", "1", "2"]
    assert found(labels={"n": "1"}) == ["1"]
    assert found(labels={"n": "9"}) == []
    assert found(states=[daytona.SandboxState.STOPPED]) == ["2"]
    assert found(states=[daytona.SandboxState.STARTED, daytona.SandboxState.STOPPED]) == ["0", "1", "2"]
    assert found(name=f"{mark}-1") == ["1"]
    assert found(is_public=True) == []
    (listed,) = client.daytona.list(ListSandboxesQuery(labels={"mark": mark, "n": "0"}))
    assert listed.process.exec("echo listed").result == "listed\n"
    assert listed.toolbox_proxy_url.startswith("http")


def test_list_refuses_impossible_queries(client, raises):
    for query in ({"limit": 0}, {"limit": 201}):
        raises("any", lambda query=query: next(iter(client.daytona.list(ListSandboxesQuery(**query)))))


def test_snapshots(client, raises):
    default = api("GET", "/config").json["defaultSnapshot"]
    page = client.daytona.snapshot.list()
    assert page.total >= len(page.items) >= 1
    assert page.page == 1
    by_name = client.daytona.snapshot.get(default)
    assert by_name.name == default
    assert by_name.state == "active"
    assert by_name.id in [snapshot.id for snapshot in page.items]
    assert client.daytona.snapshot.get(by_name.id).name == default
    assert len(client.daytona.snapshot.list(page=1, limit=1).items) == 1
    raises("not_found", lambda: client.daytona.snapshot.get("no/such:snapshot"), status=404)


def test_volumes(client):
    assert isinstance(client.daytona.volume.list(), list)


def test_toolbox_host_resolves(client):
    import socket
    from urllib.parse import urlsplit

    sandbox = client.create("resolve")
    for url in (API_URL, sandbox.toolbox_proxy_url):
        assert socket.getaddrinfo(urlsplit(url).hostname, None)
