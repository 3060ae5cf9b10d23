"""Plain HTTP access to the server under test, for set-up, tear-down and what the SDK has no method for."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import time
from urllib.parse import quote, urlsplit

API_URL = os.environ["DAYTONA_API_URL"].rstrip("/")
API_KEY = os.environ["DAYTONA_API_KEY"]


# On every sandbox of the suites, so that `run` can tell what this run of it left behind.
RUN_LABELS = {"e2e-run": os.environ.get("E2E_RUN", "by-hand")}


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.text = body.decode("utf-8", "replace")
        try:
            self.json = json.loads(self.text)
        except ValueError:
            self.json = None


def api(method, path, body=None, key=API_KEY):
    url = urlsplit(API_URL)
    connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = connect(url.hostname, url.port, timeout=120)
    try:
        headers = {"Authorization": f"Bearer {key}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, url.path + path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def unique(test):
    """A name that tells which test left it behind, should it ever be left behind."""
    return f"e2e-py-{test}-{secrets.token_hex(5)}"


def eventually(what, condition, seconds=60):
    """Waits for what the contract allows to come true later; never coming true is a failure."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {seconds} s: {what}")
        time.sleep(0.05)


def reaches(sandbox, state):
    """The state that a call promised. An event of a step on the way may arrive after the answer and show for a moment; one that
    is overtaken by an answer of the SDK's own GET may stay until somebody asks again."""

    def shown():
        if sandbox.state != state and state != "destroyed":
            sandbox.refresh_data()
        return sandbox.state == state

    eventually(f"the sandbox object shows {state}", shown, seconds=10)


def discard(id_or_name):
    """Deletes a sandbox whatever its state; one that is already going is left to go."""
    path = f"/sandbox/{quote(id_or_name, safe='')}"

    def accepted():
        answer = api("DELETE", path)
        if answer.status in (200, 404):
            return True
        assert answer.status == 409, answer.text
        current = api("GET", path).json or {}
        return current.get("desiredState") == "destroyed"

    eventually(f"sandbox {id_or_name} accepts its deletion", accepted)


def gone(id_or_name):
    eventually(f"sandbox {id_or_name} is gone", lambda: api("GET", f"/sandbox/{quote(id_or_name, safe='')}").status == 404)
