"""What happens by itself after minutes."""

from __future__ import annotations

import pytest

from api import api, eventually

pytestmark = pytest.mark.slow


def test_idle_sandbox_is_stopped_and_then_deleted(client):
    sandbox = client.create("idle", auto_stop_interval=1, auto_delete_interval=1)
    path = f"/sandbox/{sandbox.id}"
    eventually("it stops", lambda: (api("GET", path).json or {}).get("state") == "stopped", seconds=240)
    eventually("it is deleted", lambda: api("GET", path).status == 404, seconds=240)
