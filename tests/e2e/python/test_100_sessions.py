"""Sessions: state, exit codes, what ends a command, and what must never end the session."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from api import eventually, unique
from conftest import MODERN
from session import Session


def test_life(shared, raises):
    process = shared.process
    session_id = unique("session-life")
    process.create_session(session_id)
    found = process.get_session(session_id)
    assert (found.session_id, found.commands) == (session_id, [])
    assert session_id in [session.session_id for session in process.list_sessions()]
    raises("conflict", lambda: process.create_session(session_id), status=409, message="session already exists")
    process.delete_session(session_id)
    assert session_id not in [session.session_id for session in process.list_sessions()]
    raises("not_found", lambda: process.get_session(session_id), status=404, message="session not found")
    raises("not_found", lambda: process.delete_session(session_id), status=404)
    process.create_session(session_id)
    process.delete_session(session_id)


@pytest.mark.parametrize("bad", ["entrypoint", "", "a/b", "..", "../x"])
def test_bad_ids(shared, raises, bad):
    raises("bad_request", lambda: shared.process.create_session(bad), status=400)


def test_what_is_not_there(shared, raises):
    session = Session(shared, "known")
    raises("not_found", lambda: session.command("x"), status=404, message="command not found")
    raises("not_found", lambda: session.logs("x"), status=404)
    raises("not_found", lambda: session.input("x", "data"), status=404)
    session.close()
    raises("not_found", lambda: session.run("true"), status=404, message="session not found")


def test_answer(shared):
    response = Session(shared, "answer").run("echo out; echo err >&2; (exit 3)")
    assert response.cmd_id
    assert (response.exit_code, response.stdout, response.stderr) == (3, "out\n", "err\n")
    assert "\x01\x01\x01out\n" in response.output and "\x02\x02\x02err\n" in response.output


@pytest.mark.parametrize(("command", "code"), [("true", 0), ("false", 1), ("(exit 42)", 42), ("return 7", 7), ("no-such-program-e2e", 127)])
def test_exit_codes(shared, command, code):
    session = Session(shared, "exit")
    assert session.run(command).exit_code == code
    assert session.run("echo on").stdout == "on\n"


def test_state(shared):
    session = Session(shared, "state")
    assert session.run("pwd").stdout == shared.get_work_dir() + "\n"
    assert session.run("echo $FROM_CREATE").stdout == "kept\n"
    session.run("cd /tmp; export EXPORTED='a  b'; greet() { echo \"hello $1\"; }; log=mine; dir=too")
    assert session.run("pwd; sh -c 'echo \"$EXPORTED\"'; greet you; echo $log $dir").stdout == "/tmp\na  b\nhello you\nmine too\n"


def test_here_documents(shared):
    response = Session(shared, "heredoc").run("v=x\ncat <<EOF\n'one\" $v\nEOF\ncat <<'RAW'\n$v\nRAW")
    assert (response.stdout, response.exit_code) == ("'one\" x\n$v\n", 0)


@pytest.mark.parametrize("broken", ['echo "never', "echo 'never", "echo $(never", "if true; then", "(echo", "cat <<EOF\nno end"])
def test_broken_commands_end_and_the_session_goes_on(shared, broken):
    session = Session(shared, "broken")
    assert session.run(broken).exit_code is not None
    response = session.run("echo still here; false")
    assert (response.stdout, response.exit_code) == ("still here\n", 1)


@pytest.mark.parametrize(("command", "code"), [("exit 3", 3), ("set -e; false; echo never", 1), ("exec sh -c 'exit 5'", 5)])
def test_end_of_the_shell_is_the_end_of_the_command(shared, raises, command, code):
    session = Session(shared, "shell-end")
    assert session.run(command).exit_code == code
    error = raises("any", lambda: session.run("echo after"))
    assert 400 <= error.status_code < 500
    session.close()


def test_input_is_at_its_end_for_synchronous_commands(shared):
    assert Session(shared, "eof").run("cat; echo read").stdout == "read\n"


def test_background_child_does_not_hold_the_answer(shared):
    session = Session(shared, "child")
    assert session.run("sleep 335 > /dev/null 2>&1 < /dev/null & echo started").stdout == "started\n"
    assert session.run("kill $! && echo killed").stdout == "killed\n"


def test_bytes(shared):
    session = Session(shared, "bytes")
    assert session.run("printf '%s\\n' 'grüße, 世界 🌍'").stdout == "grüße, 世界 🌍\n"
    assert session.run("printf 'a\\r\\tb\\033[1m\\n'").stdout == "a\r\tb\x1b[1m\n"
    assert session.run("printf 'a\\377b\\n'").stdout == "a\ufffdb\n"


def test_large_output(shared):
    session = Session(shared, "large")
    response = session.run("seq 1 900000")
    expected = "".join(f"{n}\n" for n in range(1, 900_001))
    assert response.stdout == expected
    assert session.logs(response.cmd_id).stdout == expected


def test_asynchronous_commands_and_input(shared, raises):
    session = Session(shared, "async")
    answer = session.run("echo waiting; read line; echo \"got $line\"; (exit 4)", run_async=True)
    assert answer.exit_code is None
    command_id = answer.cmd_id
    running = session.command(command_id)
    assert (running.id, running.exit_code) == (command_id, None)
    assert running.command.startswith("echo waiting")
    eventually("the output shows", lambda: session.logs(command_id).stdout == "waiting\n")
    raises("bad_request", lambda: session.input(command_id, ""), status=400)
    session.input(command_id, "some ü text")
    assert session.ended(command_id) == 4
    assert session.logs(command_id).stdout == "waiting\nsome ü text\ngot some ü text\n"
    raises("gone", lambda: session.input(command_id, "late"), status=410, message="completed")


def test_input_without_echo(shared):
    session = Session(shared, "no-echo")
    command_id = session.start('read a; read b; echo "$a+$b"', suppress_input_echo=True)
    session.input(command_id, "one\n")
    session.input(command_id, "two")
    assert session.ended(command_id) == 0
    assert session.logs(command_id).stdout == "one+two\n"


def test_commands_run_in_order_and_are_listed(shared):
    session = Session(shared, "order")
    first = session.start("sleep 0.4; echo first >> order-py.txt")
    session.start("echo second >> order-py.txt")
    assert session.run("cat order-py.txt; rm order-py.txt").stdout == "first\nsecond\n"
    commands = shared.process.get_session(session.id).commands
    assert sorted(command.command.split()[0] for command in commands) == ["cat", "echo", "sleep"]
    assert all(command.exit_code == 0 for command in commands)
    assert first in [command.id for command in commands]


def test_deletion_ends_the_processes(shared):
    session = Session(shared, "delete")
    command_id = session.start("sleep 336 & echo $!; wait")
    eventually("the child tells its id", lambda: session.logs(command_id).stdout.strip())
    pid = session.logs(command_id).stdout.strip()
    session.close()
    assert shared.process.exec(f"kill -0 {pid}").exit_code != 0


@pytest.mark.skipif(not MODERN, reason="the older generation adds no margin to this deadline in one flavour")
def test_client_that_gives_up_does_not_end_the_command(shared, raises):
    from daytona import SessionExecuteRequest

    session = Session(shared, "give-up")
    raises("any", lambda: shared.process.execute_session_command(session.id, SessionExecuteRequest(command="sleep 7; echo finished"), timeout=1))
    assert session.run("echo next").stdout == "next\n"


def test_10_sessions_at_once(shared):
    def work(i):
        session = Session(shared, f"many-{i}")
        session.run(f"n={i}")
        results = [session.run(f'echo "$n:{k}"; (exit {k})') for k in range(5)]
        session.close()
        return [(response.stdout, response.exit_code) for response in results]

    with ThreadPoolExecutor(10) as pool:
        for i, results in enumerate(pool.map(work, range(10))):
            assert results == [(f"{i}:{k}\n", k) for k in range(5)]
