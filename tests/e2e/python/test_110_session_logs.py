"""Logs of session commands: as an answer, as a stream, and those of the entrypoint."""

from __future__ import annotations

from api import eventually
from session import Follower, Session


def test_answer(shared):
    session = Session(shared, "logs")
    response = session.run("echo one; echo two >&2; echo three")
    logs = session.logs(response.cmd_id)
    assert (logs.stdout, logs.stderr, logs.output) == ("one\nthree\n", "two\n", response.output)


def test_stream_while_it_runs(shared):
    session = Session(shared, "stream")
    command_id = session.start('echo out; echo err >&2; read x; echo "last $x"', suppress_input_echo=True)
    seen = session.follow(command_id)
    eventually("both streams show before the end", lambda: (seen.stdout, seen.stderr) == ("out\n", "err\n"))
    session.input(command_id, "ü")
    assert seen.done() == ("out\nlast ü\n", "err\n")


def test_stream_of_what_has_ended(shared):
    session = Session(shared, "after")
    command_id = session.run("echo out; echo err >&2").cmd_id
    assert session.follow(command_id).done() == ("out\n", "err\n")


def test_several_followers(shared):
    session = Session(shared, "several")
    command_id = session.start("echo begin; read x; echo end >&2", suppress_input_echo=True)
    followers = [session.follow(command_id) for _ in range(3)]
    eventually("all see the beginning", lambda: all(seen.stdout == "begin\n" for seen in followers))
    session.input(command_id, "x")
    assert [seen.done() for seen in followers] == [("begin\n", "end\n")] * 3


def test_long_stream(shared):
    session = Session(shared, "long")
    stdout, stderr = session.follow(session.start("seq 1 100000; for i in $(seq 300); do echo 'grüße 世界 🌍' >&2; done")).done(120)
    assert stdout == "".join(f"{n}\n" for n in range(1, 100_001))
    assert stderr == "grüße 世界 🌍\n" * 300


def test_stream_ends_with_the_session(shared):
    session = Session(shared, "deleted")
    seen = session.follow(session.start("echo up; sleep 345"))
    eventually("it streams", lambda: seen.stdout == "up\n")
    session.close()
    assert seen.done(20) == ("up\n", "")


def test_stream_of_nothing_is_refused(shared):
    seen = Session(shared, "missing").follow("no-such-command")
    seen.join(20)
    assert seen.error is not None


def test_entrypoint(shared, raises):
    process = shared.process
    session = process.get_entrypoint_session()
    assert session.session_id == "entrypoint"
    assert [command.id for command in session.commands] == ["entrypoint_command"]
    assert "entrypoint" not in [listed.session_id for listed in process.list_sessions()]
    logs = process.get_entrypoint_logs()
    assert isinstance(logs.stdout, str) and isinstance(logs.stderr, str)
    raises("bad_request", lambda: process.delete_session("entrypoint"), status=400, message="can't delete entrypoint session")
    raises("bad_request", lambda: process.send_session_command_input("entrypoint", "entrypoint_command", "x"), status=400)


def test_entrypoint_stream_ends_when_the_sandbox_stops(client):
    sandbox = client.create("entrypoint-stream")
    seen = Follower(sandbox.process.get_entrypoint_logs_async)
    sandbox.stop()
    seen.join(20)
    assert not seen.is_alive()
