"""Fixtures: every test that takes `client` runs once with the synchronous and once with the asynchronous SDK."""

from __future__ import annotations

import gc
import json
import os
from importlib.metadata import version

import daytona
import pytest

from api import API_KEY, API_URL, RUN_LABELS, discard, unique
from facade import Facade, Loop

# httpx closes abandoned connections when the cycle collector finds them; where that happens inside the lock of its own pool, the client
# waits for itself for ever (seen as a traceback). So cycles are collected between files only.
gc.disable()

MODERN = hasattr(daytona, "DaytonaBadRequestError")
FLAVOURS = ["sync", "async"]

CLASSES = {
    "bad_request": ["DaytonaBadRequestError", "DaytonaValidationError"],
    "authentication": ["DaytonaAuthenticationError"],
    "not_found": ["DaytonaNotFoundError"],
    "file_not_found": ["DaytonaFileNotFoundError", "DaytonaNotFoundError"],
    "conflict": ["DaytonaConflictError"],
    "forbidden": ["DaytonaForbiddenError", "DaytonaAuthorizationError"],
    "git_auth_failed": ["DaytonaGitAuthFailedError", "DaytonaAuthenticationError"],
    "git_repo_not_found": ["DaytonaGitRepoNotFoundError", "DaytonaNotFoundError"],
    "git_branch_not_found": ["DaytonaGitBranchNotFoundError", "DaytonaNotFoundError"],
    "git_branch_exists": ["DaytonaGitBranchExistsError", "DaytonaConflictError"],
    "git_push_rejected": ["DaytonaGitPushRejectedError", "DaytonaConflictError"],
    "git_dirty_worktree": ["DaytonaGitDirtyWorktreeError", "DaytonaConflictError"],
    "git_transport_failed": ["DaytonaGitTransportFailedError", "DaytonaError"],
    "git_remote_rejected": ["DaytonaGitRemoteRejectedError", "DaytonaError"],
    "gone": ["DaytonaGoneError", "DaytonaError"],
    "timeout": ["DaytonaTimeoutError"],
    "connection": ["DaytonaConnectionError"],
    "execution_timeout": ["DaytonaProcessExecutionTimeoutError", "DaytonaError"],
    "any": ["DaytonaError"],
}


def error_class(kind):
    """The class that this generation of the SDK raises for a kind of failure."""
    return next(getattr(daytona, name) for name in CLASSES[kind] if hasattr(daytona, name))


class Client:
    """A client of one flavour that remembers what it made and deletes it at the end."""

    def __init__(self, flavour):
        self.flavour = flavour
        self.daytona_module = daytona
        self._loop = Loop() if flavour == "async" else None
        self._clients = []
        self._made = []
        self.daytona = self.another()

    def another(self, **config):
        settings = daytona.DaytonaConfig(**{"api_url": API_URL, "api_key": API_KEY, **config})
        if self._loop is None:
            client = daytona.Daytona(settings)
        else:
            client = Facade(self._loop.call(daytona.AsyncDaytona, settings), self._loop)
        self._clients.append(client)
        return client

    def name(self, test):
        return unique(f"{self.flavour}-{test}")

    def track(self, id_or_name):
        self._made.append(id_or_name)

    def create(self, test, timeout=60, **params):
        name = params.pop("name", None) or self.name(test)
        labels = {**RUN_LABELS, **params.pop("labels", {})}
        self.track(name)
        sandbox = self.daytona.create(daytona.CreateSandboxFromSnapshotParams(name=name, labels=labels, **params), timeout=timeout)
        self.track(sandbox.id)
        return sandbox

    def discard(self):
        made, self._made = self._made, []
        for id_or_name in made:
            discard(id_or_name)

    def close(self):
        try:
            self.discard()
        finally:
            for client in self._clients:
                close = getattr(client, "close", None)
                if close is not None:
                    close()
            if self._loop is not None:
                self._loop.close()


@pytest.fixture(scope="session", params=FLAVOURS)
def session_client(request):
    client = Client(request.param)
    yield client
    client.close()


@pytest.fixture
def client(session_client):
    """The client, with the sandboxes of the test deleted after it."""
    before = session_client._made
    session_client._made = []
    yield session_client
    session_client.discard()
    session_client._made = before


@pytest.fixture(scope="module")
def shared(session_client):
    """One sandbox for all tests of a file that only use it."""
    params = daytona.CreateSandboxFromSnapshotParams(
        name=session_client.name("shared"), env_vars={"FROM_CREATE": "kept", "OVERRIDDEN": "old"}, labels=dict(RUN_LABELS)
    )
    sandbox = session_client.daytona.create(params)
    yield sandbox
    discard(sandbox.id)


@pytest.fixture
def raises():
    """`raises(kind, call, status=…, message=…)` checks class, status, text and, if modern, the machine-readable origin."""
    import re

    def check(kind, call, status=None, message=None):
        with pytest.raises(error_class(kind)) as caught:
            call()
        error = caught.value
        assert isinstance(error, daytona.DaytonaError)
        assert str(error)
        if message:
            assert re.search(message, str(error)), str(error)
        if status:
            assert error.status_code == status, str(error)
            if MODERN and kind != "any":
                assert re.fullmatch(r"DAYTONA_(API|DAEMON|PROXY)", str(error.source)), error
                assert re.fullmatch(r"[A-Z][A-Z0-9_]+", str(error.code)), error
        return error

    return check


def pytest_report_header():
    return f"daytona {version('daytona')} at {API_URL}"


def pytest_collection_modifyitems(items):
    slow = os.environ.get("E2E_SLOW") == "1"
    for item in items:
        if "slow" in item.keywords and not slow:
            item.add_marker(pytest.mark.skip(reason="E2E_SLOW is not 1"))


class Counter:
    def __init__(self):
        self.outcome = {}

    def pytest_runtest_logreport(self, report):
        previous = self.outcome.get(report.nodeid)
        if report.failed:
            self.outcome[report.nodeid] = "failed"
        elif report.skipped and previous is None:
            self.outcome[report.nodeid] = "skipped"
        elif report.when == "call" and previous is None:
            self.outcome[report.nodeid] = "passed"

    def pytest_collectreport(self, report):
        if report.failed:
            self.outcome[report.nodeid] = "failed"


def pytest_configure(config):
    config.e2e_counter = Counter()
    config.pluginmanager.register(config.e2e_counter)


def pytest_sessionfinish(session):
    path = os.environ.get("E2E_COUNTS")
    if path:
        outcomes = list(session.config.e2e_counter.outcome.values())
        with open(path, "w", encoding="utf-8") as file:
            json.dump({outcome: outcomes.count(outcome) for outcome in ("passed", "failed", "skipped")}, file)


@pytest.fixture(scope="module", autouse=True)
def garbage():
    yield
    gc.collect()
