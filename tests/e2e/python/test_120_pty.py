"""Pseudo-terminals: what runs in them, who may watch and type, how they end."""

from __future__ import annotations

import hashlib
import re

import pytest
from daytona import PtySize

from api import eventually, unique
from conftest import MODERN, daytona
from terminal import Terminal


def test_shell(shared):
    terminal = Terminal(shared, "shell")
    assert terminal.handle.is_connected()
    assert terminal.asks("stty size") == "24 80"
    assert terminal.asks("pwd") == shared.get_work_dir()
    assert terminal.asks("echo $TERM $FROM_CREATE") == "xterm-256color kept"
    assert terminal.ends("exit") == (0, None)
    assert (terminal.handle.exit_code, terminal.handle.is_connected()) == (0, False)


def test_options_and_info(shared):
    terminal = Terminal(shared, "options", cwd="/tmp", envs={"GIVEN": 'ü "1"'}, pty_size=PtySize(rows=41, cols=133))
    assert terminal.asks("stty size") == "41 133"
    assert terminal.asks('echo "$PWD $GIVEN"') == '/tmp ü "1"'
    info = shared.process.get_pty_session_info(terminal.id)
    assert (info.id, info.cols, info.rows, info.cwd, info.active, info.envs["GIVEN"]) == (terminal.id, 133, 41, "/tmp", True, 'ü "1"')
    assert info.envs["TERM"] == "xterm-256color"
    assert info == next(listed for listed in shared.process.list_pty_sessions() if listed.id == terminal.id)
    terminal.handle.kill()


def test_resize(shared, raises):
    terminal = Terminal(shared, "resize")
    info = terminal.handle.resize(PtySize(rows=40, cols=120))
    assert (info.cols, info.rows) == (120, 40)
    assert terminal.asks("stty size") == "40 120"
    info = shared.process.resize_pty_session(terminal.id, PtySize(rows=20, cols=90))
    assert (info.cols, info.rows) == (90, 20)
    assert terminal.asks("stty size") == "20 90"
    raises("any", lambda: shared.process.resize_pty_session(terminal.id, PtySize(rows=20, cols=1001)))
    terminal.handle.kill()
    raises("gone", lambda: shared.process.resize_pty_session(terminal.id, PtySize(rows=24, cols=80)), status=410)


@pytest.mark.parametrize(
    ("line", "end"),
    [("exit 7", (7, "non-zero exit")), ("exit 130", (130, "Ctrl+C")), ("exit 143", (143, "SIGTERM")), ("exit 139", (139, "signal 11")), ("kill -9 $$", (-1, "non-zero exit"))],
)
def test_ends(shared, raises, line, end):
    terminal = Terminal(shared, "end")
    assert terminal.ends(line) == end
    raises("not_found", lambda: shared.process.get_pty_session_info(terminal.id), status=404, message="PTY session not found")


def test_interrupt_and_end_of_input(shared):
    terminal = Terminal(shared, "keys")
    # It tells from the foreground that it runs: a key that comes earlier interrupts the shell, not the program.
    terminal.type("sh -c 'echo now-$((40 + 2)); exec sleep 355'")
    terminal.shows("now-42")
    terminal.handle.send_input("\x03")
    assert terminal.asks("echo on") == "on"
    terminal.handle.send_input(b"\x04")
    assert terminal.wait()[0] in (0, 130)


def test_kill(shared, raises):
    terminal = Terminal(shared, "kill")
    terminal.type("sleep 356 & echo pid-$!-; sleep 357")
    pid = terminal.shows(r"pid-(\d+)-").group(1)
    shared.process.kill_pty_session(terminal.id)
    assert terminal.wait() == (137, "SIGKILL")
    assert shared.process.exec(f"kill -0 {pid}").exit_code != 0
    raises("not_found", lambda: shared.process.kill_pty_session(terminal.id), status=404)


def test_disconnect_and_reconnect(shared):
    terminal = Terminal(shared, "back", watch=False)
    terminal.type("kept=value; echo before-$((2 * 21))")
    terminal.handle.disconnect()
    eventually("the client is gone", lambda: not terminal.handle.is_connected())
    assert shared.process.get_pty_session_info(terminal.id).active
    again = Terminal(shared, connect=terminal.id)
    again.shows("before-42")
    assert again.asks("echo $kept") == "value"
    assert again.ends("exit 3")[0] == 3


def test_several_clients(shared):
    first = Terminal(shared, "several")
    second = Terminal(shared, connect=first.id)
    first.type("echo first-$((40 + 2))")
    second.shows("first-42")
    second.type("echo second-$((40 + 3))")
    first.shows("second-43")
    assert second.ends("exit 5")[0] == 5
    assert first.wait()[0] == 5


def test_taken_and_unknown_ids(shared, raises):
    terminal = Terminal(shared, "taken")
    taken = {"on_data": lambda data: None} if hasattr(shared.process, "_target") else {}
    error = raises("any", lambda: shared.process.create_pty_session(id=terminal.id, **taken), status=409)
    assert isinstance(error, daytona.DaytonaConflictError)
    assert terminal.asks("echo unharmed") == "unharmed"
    terminal.handle.kill()
    raises("any", lambda: Terminal(shared, connect=unique("pty-nobody")))
    raises("not_found", lambda: shared.process.get_pty_session_info(unique("pty-nobody")), status=404)


def test_impossible_size(shared, raises):
    raises("any", lambda: Terminal(shared, "size", pty_size=PtySize(rows=24, cols=1001)))


def test_every_byte_of_input(shared):
    terminal = Terminal(shared, "input")
    terminal.type("stty raw -echo; echo go-$((1 + 1)); head -c 50000 | sha256sum; stty sane")
    terminal.shows("go-2")
    data = bytes(i * 7 % 256 for i in range(50_000))
    terminal.handle.send_input(data)
    terminal.shows(hashlib.sha256(data).hexdigest())
    terminal.handle.kill()


def test_no_output_is_lost_at_the_end(shared):
    terminal = Terminal(shared, "output")
    assert terminal.ends("seq 1 100000; exit 4")[0] == 4
    assert [int(line) for line in re.split(r"[\r\n]+", terminal.output) if line.isdigit()] == list(range(1, 100_001))


def test_lazy_start_is_told(shared):
    terminal = Terminal(shared, "lazy")
    assert isinstance(shared.process.get_pty_session_info(terminal.id).lazy_start, bool)
    if not MODERN:
        assert shared.process.get_pty_session_info(terminal.id).lazy_start is True
    terminal.handle.kill()
