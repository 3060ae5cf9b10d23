"""The code interpreter: state, contexts, streams, errors, limits and what must not block the next run."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import daytona


@pytest.fixture
def interpreter(shared):
    return shared.code_interpreter


def test_streams_and_callbacks(interpreter):
    calls = []
    result = interpreter.run_code(
        "import sys, time\nprint('one', flush=True)\nprint('two', file=sys.stderr, flush=True)\ntime.sleep(0.5)\nprint('three')",
        on_stdout=lambda message: calls.append(("out", message.output, time.monotonic())),
        on_stderr=lambda message: calls.append(("err", message.output, time.monotonic())),
    )
    assert (result.stdout, result.stderr, result.error) == ("one\nthree\n", "two\n", None)
    assert [(kind, text.strip()) for kind, text, _ in calls if text.strip()] == [("out", "one"), ("err", "two"), ("out", "three")]
    assert calls[-1][2] - calls[0][2] >= 0.3


def test_state_of_the_default_context(interpreter):
    interpreter.run_code("import math\nnumber = 20\ndef double(n):\n    return n * 2")
    assert interpreter.run_code("number += 1\nprint(double(number), math.pi > 3)").stdout == "42 True\n"


def test_exception(interpreter):
    seen = []
    result = interpreter.run_code("kept = 1\ndef inner():\n    raise ValueError('böse')\ninner()", on_error=seen.append)
    assert (result.error.name, result.error.value) == ("ValueError", "böse")
    assert "line 4" in result.error.traceback and result.error.traceback.endswith("ValueError: böse\n")
    assert seen == [result.error]
    assert interpreter.run_code("print(kept)").stdout == "1\n"


def test_syntax_error(interpreter):
    assert interpreter.run_code("def broken(:").error.name == "SyntaxError"


def test_variables_of_one_run(interpreter):
    assert interpreter.run_code("import os\nprint(os.environ['GIVEN'], os.environ['FROM_CREATE'])", envs={"GIVEN": "ü"}).stdout == "ü kept\n"
    assert interpreter.run_code("import os\nprint(os.environ.get('GIVEN'))").stdout == "None\n"


def test_contexts(shared, interpreter, raises):
    one, two = interpreter.create_context(), interpreter.create_context(cwd="/tmp")
    assert (one.cwd, two.cwd) == (shared.get_work_dir(), "/tmp")
    assert (one.active, one.language) == (True, "python")
    interpreter.run_code("x = 'one'", context=one)
    assert interpreter.run_code("import os\nprint('x' in globals(), os.getcwd())", context=two).stdout == "False /tmp\n"
    assert interpreter.run_code("print(x)", context=one).stdout == "one\n"
    listed = [context.id for context in interpreter.list_contexts()]
    assert one.id in listed and two.id in listed and "default" not in listed
    interpreter.delete_context(one)
    assert one.id not in [context.id for context in interpreter.list_contexts()]
    raises("connection", lambda: interpreter.run_code("1", context=one), message="context not found")
    raises("not_found", lambda: interpreter.delete_context(one), status=404)
    raises("any", lambda: interpreter.create_context(cwd="/no/such/dir"))
    interpreter.delete_context(two)


def test_time_out_keeps_the_context(interpreter, raises):
    context = interpreter.create_context()
    interpreter.run_code("kept = 'state'", context=context)
    raises("timeout", lambda: interpreter.run_code("import time\ntime.sleep(365)", context=context, timeout=1))
    assert interpreter.run_code("print(kept)", context=context).stdout == "state\n"


def test_time_out_of_code_that_does_not_want_to_end(interpreter, raises):
    context = interpreter.create_context()
    stubborn = "import time\nwhile True:\n    try:\n        time.sleep(366)\n    except KeyboardInterrupt:\n        pass"
    raises("timeout", lambda: interpreter.run_code(stubborn, context=context, timeout=1))
    assert interpreter.run_code("print('fresh')", context=context).stdout == "fresh\n"


def test_time_out_nought_is_none(interpreter):
    assert interpreter.run_code("print('ok')", timeout=0).stdout == "ok\n"


def test_exit_and_interruption(interpreter, raises):
    context = interpreter.create_context()
    assert interpreter.run_code("x = 5\nraise SystemExit(3)", context=context).error is None
    raises("timeout", lambda: interpreter.run_code("raise KeyboardInterrupt", context=context))
    assert interpreter.run_code("print(x)", context=context).stdout == "5\n"


def test_dead_worker_is_told_and_replaced(interpreter, raises):
    context = interpreter.create_context()
    raises("connection", lambda: interpreter.run_code("import os\nos._exit(1)", context=context), message="worker process ended")
    assert interpreter.run_code("print('fresh')", context=context).stdout == "fresh\n"


def test_runs_of_a_context_queue(interpreter):
    context = interpreter.create_context()
    interpreter.run_code("order = []", context=context)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: interpreter.run_code("import time\norder.append('start')\ntime.sleep(0.1)\norder.append('end')", context=context), range(4)))
    assert interpreter.run_code("print(' '.join(order))", context=context).stdout == " ".join(["start end"] * 4) + "\n"


def test_much_output(interpreter):
    assert interpreter.run_code("print('x' * 3_145_728)").stdout == "x" * 3_145_728 + "\n"
    assert interpreter.run_code("for i in range(20000): print(i)").stdout == "".join(f"{i}\n" for i in range(20_000))


def test_input_is_at_its_end(interpreter):
    assert interpreter.run_code("input()", timeout=10).error.name == "EOFError"


def test_error_class(interpreter):
    with pytest.raises(daytona.DaytonaError):
        interpreter.run_code("1", timeout=-1)
