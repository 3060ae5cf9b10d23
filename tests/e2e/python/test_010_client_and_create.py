"""Construction of the client and creation of sandboxes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import daytona
import pytest
from daytona import CreateSandboxFromSnapshotParams

from api import API_KEY, API_URL, RUN_LABELS, api, gone, reaches
from conftest import MODERN, error_class

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
READ_ENVIRONMENT = """
import daytona
client = daytona.Daytona()
print("LISTED", sum(1 for _ in zip(range(1), client.list())))
"""


def test_reads_endpoint_and_key_from_the_environment(tmp_path):
    environment = {"PATH": os.environ["PATH"], "DAYTONA_API_URL": API_URL, "DAYTONA_API_KEY": API_KEY}
    result = subprocess.run([sys.executable, "-c", READ_ENVIRONMENT], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert "LISTED" in result.stdout


def test_refuses_to_start_without_a_credential(tmp_path):
    environment = {"PATH": os.environ["PATH"], "DAYTONA_API_URL": API_URL}
    result = subprocess.run([sys.executable, "-c", READ_ENVIRONMENT], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode != 0
    assert "Daytona" in result.stderr


def test_wrong_key_is_the_authentication_error_everywhere(client, raises):
    stranger = client.another(api_key="dtn_" + "0" * 64)
    for call in (
        lambda: stranger.create(CreateSandboxFromSnapshotParams(name=client.name("wrong-key"))),
        lambda: stranger.get("any"),
        lambda: next(iter(stranger.list())),
        lambda: stranger.snapshot.list(),
    ):
        raises("authentication", call, status=401, message="(?i)invalid credentials")


def test_default_sandbox(client):
    sandbox = client.daytona.create()
    client.track(sandbox.id)
    config = api("GET", "/config").json
    assert UUID4.fullmatch(sandbox.id)
    assert sandbox.name == sandbox.id
    reaches(sandbox, "started")
    assert sandbox.desired_state == "started"
    assert sandbox.snapshot == config["defaultSnapshot"]
    assert sandbox.user == "daytona"
    assert sandbox.public is False
    assert sandbox.env == {}
    assert sandbox.labels == {"code-toolbox-language": "python"}
    assert (sandbox.auto_stop_interval, sandbox.auto_archive_interval, sandbox.auto_delete_interval) == (15, 10080, -1)
    assert sandbox.cpu > 0 and sandbox.memory > 0 and sandbox.disk > 0 and sandbox.gpu == 0
    assert sandbox.network_block_all is False
    assert sandbox.organization_id and sandbox.target
    assert INSTANT.fullmatch(sandbox.created_at), sandbox.created_at
    assert sandbox.toolbox_proxy_url.startswith("http")


def test_every_field_is_stored_and_returned(client):
    env = {"PLAIN": "value", "SPACE": "a b  c", "UNICODE": "grüße 世界", "EMPTY": "", "QUOTES": "\"'`$HOME"}
    labels = {"purpose": "e2e", "with space": "v v", "unicode": "ü"}
    created = client.create(
        "fields", language="javascript", env_vars=env, labels=labels, public=True, auto_stop_interval=30, auto_archive_interval=60, auto_delete_interval=120, os_user="daytona"
    )
    for sandbox in (created, client.another().get(created.id)):
        assert sandbox.env == env
        assert sandbox.labels == {**labels, **RUN_LABELS, "code-toolbox-language": "javascript"}
        assert sandbox.public is True
        assert (sandbox.auto_stop_interval, sandbox.auto_archive_interval, sandbox.auto_delete_interval) == (30, 60, 120)
        assert sandbox.user == "daytona"
        assert sandbox.name == created.name
    response = created.process.exec('printf "%s|" "$PLAIN" "$SPACE" "$UNICODE" "$EMPTY" "$QUOTES"')
    assert response.result == "value|a b  c|grüße 世界||\"'`$HOME|"


@pytest.mark.parametrize("language", ["python", "typescript", "javascript"])
def test_language_is_a_label(client, language):
    sandbox = client.create("language", language=language)
    assert sandbox.labels["code-toolbox-language"] == language
    assert client.daytona.get(sandbox.id).labels["code-toolbox-language"] == language


def test_ephemeral_is_auto_delete_zero(client):
    sandbox = client.create("ephemeral", ephemeral=True)
    assert client.daytona.get(sandbox.id).auto_delete_interval == 0


def test_unknown_snapshot_is_refused(client, raises):
    raises("bad_request", lambda: client.create("no-snapshot", snapshot="no-such:1"), status=400, message="Snapshot no-such:1 not found")


def test_unknown_region_is_refused(client, raises):
    elsewhere = client.another(target="no-such-region")
    raises("not_found", lambda: elsewhere.create(CreateSandboxFromSnapshotParams(name=client.name("region"))), status=404, message="Region not found")


def test_bad_name_is_refused(client, raises):
    for name in ("<b>x</b>", "see https://example.com", "bell\x07"):
        raises("bad_request", lambda name=name: client.create("bad-name", name=name), status=400, message="name must not contain HTML tags, URLs, or control characters")


def test_taken_name_is_a_conflict_and_its_owner_is_left_alone(client, raises):
    first = client.create("duplicate")
    message = f"Sandbox with name {first.name} already exists"
    raises("conflict", lambda: client.daytona.create(CreateSandboxFromSnapshotParams(name=first.name)), status=409, message=message)
    assert first.process.exec("echo still here").result == "still here\n"
    assert client.daytona.get(first.name).id == first.id


def test_a_name_goes_to_one_of_several_simultaneous_creators(client):
    name = client.name("race")
    client.track(name)

    def attempt(_):
        try:
            return client.daytona.create(CreateSandboxFromSnapshotParams(name=name))
        except daytona.DaytonaError as error:
            return error

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(attempt, range(6)))
    errors = [result for result in results if isinstance(result, Exception)]
    assert len(errors) == 5, results
    assert all(isinstance(error, error_class("conflict")) for error in errors), errors


def test_name_is_free_once_deleted(client):
    first = client.create("reuse")
    name, first_id = first.name, first.id
    first.delete()
    second = client.daytona.create(CreateSandboxFromSnapshotParams(name=name))
    client.track(second.id)
    assert second.name == name
    assert second.id != first_id
    gone(first_id)


@pytest.mark.skipif(not MODERN, reason="the older generation opens no socket")
def test_connects_to_the_event_gateway(client):
    from api import eventually

    another = client.another()
    dispatcher = another._event_dispatcher
    dispatcher = getattr(dispatcher, "_target", dispatcher)
    dispatcher_connect = getattr(dispatcher, "ensure_connected")
    if client.flavour == "async":
        client._loop.call(dispatcher_connect)
    else:
        dispatcher_connect()
    eventually("the client is connected", lambda: dispatcher.is_connected, seconds=20)
    assert dispatcher.is_failed is False
