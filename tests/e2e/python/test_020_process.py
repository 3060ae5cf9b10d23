"""Commands and code."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from daytona import CodeRunParams

from api import eventually
from conftest import MODERN, daytona


def test_output_and_exit_code(shared):
    response = shared.process.exec("echo hello")
    assert response.exit_code == 0
    assert response.result == "hello\n"
    assert response.artifacts.stdout == "hello\n"


@pytest.mark.parametrize("code", [1, 42, 127, 255])
def test_exit_codes(shared, code):
    response = shared.process.exec(f"echo before; exit {code}; echo after")
    assert (response.exit_code, response.result) == (code, "before\n")


def test_stderr_is_merged_in_order(shared):
    assert shared.process.exec("echo one; echo two >&2; echo three").result == "one\ntwo\nthree\n"


def test_directory(shared):
    assert shared.process.exec("pwd", cwd="/tmp").result == "/tmp\n"
    shared.process.exec("mkdir -p 'rel dir'")
    assert shared.process.exec("pwd", cwd="rel dir").result == shared.get_work_dir().rstrip("/") + "/rel dir\n"


def test_missing_directory_is_reported_without_failing_the_call(shared):
    response = shared.process.exec("pwd", cwd="/no/such/dir")
    assert response.exit_code == -1
    assert "no such file or directory" in response.result.lower()


def test_variables(shared):
    env = {"ADDED": "new", "OVERRIDDEN": "new", "SPACES": " a  b ", "UNICODE": "ß→世界", "LINES": "a\nb"}
    response = shared.process.exec('printf "[%s]" "$FROM_CREATE" "$ADDED" "$OVERRIDDEN" "$SPACES" "$UNICODE" "$LINES"', env=env)
    assert response.result == "[kept][new][new][ a  b ][ß→世界][a\nb]"
    assert shared.process.exec('echo "$ADDED-$OVERRIDDEN"').result == "-old\n"


def test_bad_variable_name_is_refused(shared, raises):
    raises("bad_request", lambda: shared.process.exec("true", env={"A-B": "1"}), status=400, message="invalid environment variable name: 'A-B'")


def test_time_out_is_the_time_out_error_and_kills(shared, raises):
    error = raises("execution_timeout", lambda: shared.process.exec("echo $$ > py.pid; sleep 310", timeout=1), status=408, message="(?i)timeout")
    if MODERN:
        assert isinstance(error, daytona.DaytonaTimeoutError)
    eventually("the process is gone", lambda: shared.process.exec('kill -0 "$(cat py.pid)"').exit_code != 0)


def test_large_output(shared):
    result = shared.process.exec("head -c 8388608 /dev/zero | tr '\\0' x; echo end").result
    assert len(result) == 8388608 + 4
    assert result.endswith("xend\n")
    assert set(result[:8388608]) == {"x"}


def test_unicode_and_bytes_that_are_not(shared):
    text = "grüße, 世界 🌍 שלום"
    assert shared.process.exec(f"printf '%s' '{text}'").result == text
    assert shared.process.exec("printf 'a\\377b'").result == "a\ufffdb"


def test_blank_command_is_refused(shared, raises):
    raises("bad_request", lambda: shared.process.exec(" \n"), status=400, message="empty or whitespace")


def test_20_commands_at_once_are_kept_apart(shared):
    with ThreadPoolExecutor(20) as pool:
        responses = list(pool.map(lambda i: shared.process.exec(f"echo {i}; sleep 0.1; exit {i}"), range(20)))
    assert [(response.result, response.exit_code) for response in responses] == [(f"{i}\n", i) for i in range(20)]


def test_python_code(shared):
    response = shared.process.code_run('x = 10\ny = 20\nprint(f"Sum: {x + y}")')
    assert (response.exit_code, response.result) == (0, "Sum: 30\n")
    assert response.artifacts.stdout == "Sum: 30\n"
    assert response.artifacts.charts == []


def test_python_error(shared):
    response = shared.process.code_run('print("before")\nraise ValueError("boom-e2e")')
    assert response.exit_code == 1
    assert response.result.startswith("before\n")
    assert "Traceback" in response.result and "ValueError: boom-e2e" in response.result


def test_python_exit_code(shared):
    assert shared.process.code_run("import sys; sys.exit(7)").exit_code == 7


def test_python_syntax_error(shared):
    response = shared.process.code_run('print("never"')
    assert response.exit_code != 0
    assert "SyntaxError" in response.result


def test_python_arguments_and_variables(shared):
    code = "import os, sys, json; print(json.dumps([sys.argv[1:], os.environ['GIVEN'], os.environ['FROM_CREATE']]))"
    response = shared.process.code_run(code, CodeRunParams(argv=["a", "b c", "$HOME", "it's"], env={"GIVEN": "ü 1"}))
    assert json.loads(response.result) == [["a", "b c", "$HOME", "it's"], "ü 1", "kept"]


def test_python_time_out(shared):
    # The SDK lets the exception of its generated client through here, where `exec` translates it.
    with pytest.raises(Exception, match="(?i)timeout") as caught:
        shared.process.code_run("import time; time.sleep(310)", timeout=1)
    assert 408 in (getattr(caught.value, "status_code", None), getattr(caught.value, "status", None))


def test_python_charts(shared):
    response = shared.process.code_run(
        """
import matplotlib.pyplot as plt
print("before")
plt.plot([0, 1, 2], [0, 1, 4], label="squares")
plt.title("Line Chart")
plt.xlabel("X axis")
plt.ylabel("Y axis")
plt.show()
print("after")
"""
    )
    assert (response.exit_code, response.result) == (0, "before\nafter\n")
    (chart,) = response.artifacts.charts
    assert chart.type == daytona.ChartType.LINE.value
    assert isinstance(chart, daytona.LineChart)
    assert (chart.title, chart.x_label, chart.y_label) == ("Line Chart", "X axis", "Y axis")
    assert chart.elements[0].label == "squares"
    assert [list(point) for point in chart.elements[0].points] == [[0, 0], [1, 1], [2, 4]]
    assert base64.b64decode(chart.png).startswith(b"\x89PNG\r\n\x1a\n")


def test_python_bar_chart_keeps_its_values(shared):
    response = shared.process.code_run(
        """
import matplotlib.pyplot as plt
plt.bar(["a", "b"], [1, 2.5])
plt.title("Bars")
plt.show()
"""
    )
    assert response.exit_code == 0, response.result
    (chart,) = response.artifacts.charts
    assert isinstance(chart, daytona.BarChart)
    assert chart.title == "Bars"
    assert [float(element.value) for element in chart.elements] == [1, 2.5]
    assert all(isinstance(element.value, str) for element in chart.elements)


@pytest.mark.parametrize(
    ("language", "code", "expected"),
    [
        ("javascript", "console.log([1, 2].map((n) => n * 2).join(), process.argv.slice(1).join('|'), process.env.GIVEN)", "2,4 a|b c ü\n"),
        ("typescript", "const f = (n: number): number => n * 2\nconsole.log([1, 2].map(f).join(), process.argv.slice(-2).join('|'), process.env.GIVEN)", "2,4 a|b c ü\n"),
    ],
)
def test_javascript_and_typescript(client, language, code, expected):
    sandbox = client.create(language, language=language)
    response = sandbox.process.code_run(code, CodeRunParams(argv=["a", "b c"], env={"GIVEN": "ü"}))
    assert (response.exit_code, response.result) == (0, expected)
    assert sandbox.process.code_run("process.exit(4)").exit_code == 4
    failing = sandbox.process.code_run('throw new Error("boom-e2e")')
    assert failing.exit_code != 0
    assert "boom-e2e" in failing.result
