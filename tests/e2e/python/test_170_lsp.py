"""Language servers of the default image: python (pylsp) and typescript (typescript-language-server)."""

from __future__ import annotations

import pytest

from api import eventually
from conftest import daytona

SAMPLE = """class Greeter:
    def greet(self, name):
        return "Hello " + name


greeter = Greeter()
greeter.
"""


@pytest.fixture(scope="module")
def project(shared):
    shared.process.exec("mkdir -p lsp-project/sub")
    shared.fs.upload_file(SAMPLE.encode(), "lsp-project/sample.py")
    shared.fs.upload_file(b"class GreeterFactory:\n    pass\n", "lsp-project/sub/deep.py")
    shared.fs.upload_file(b"export class Wave { hello(): number { return 1 } }\nconst wave = new Wave()\nwave.\n", "lsp-project/wave.ts")
    return "lsp-project"


def started(shared, language, project):
    server = shared.create_lsp_server(language, project)
    assert server.start() is None
    return server


def names(symbols):
    return [symbol.name for symbol in symbols]


def test_python(shared, project):
    server = started(shared, daytona.LspLanguageId.PYTHON, project)
    assert server.did_open(f"{project}/sample.py") is None
    symbols = server.document_symbols(f"{project}/sample.py")
    assert {"Greeter", "greet"} <= set(names(symbols))
    greeter = next(symbol for symbol in symbols if symbol.name == "Greeter")
    assert (greeter.kind, greeter.location.uri, greeter.location.range.start.line) == (5, f"file://{project}/sample.py", 0)
    completions = server.completions(f"{project}/sample.py", daytona.LspCompletionPosition(line=6, character=8))
    assert completions.is_incomplete is False
    assert any(item.label.startswith("greet(") for item in completions.items)
    assert isinstance(server.completions(f"{project}/sample.py", daytona.LspCompletionPosition(line=0, character=0)).items, list)
    assert server.did_close(f"{project}/sample.py") is None
    assert server.stop() is None
    assert shared.process.exec("pgrep -f '[p]ylsp'").result == ""


def test_workspace_symbols_of_python(shared, project):
    server = started(shared, "python", project)
    found = server.sandbox_symbols("greeter")
    assert set(names(found)) == {"Greeter", "GreeterFactory", "greeter"}
    assert next(s for s in found if s.name == "GreeterFactory").location.uri == f"file://{project}/sub/deep.py"
    assert server.workspace_symbols("nobody_is_called_so") == []
    server.stop()


def test_typescript(shared, project):
    path = f"{shared.get_work_dir()}/{project}"
    server = started(shared, daytona.LspLanguageId.TYPESCRIPT, path)
    server.did_open(f"{path}/wave.ts")
    assert {"Wave", "hello", "wave"} == set(names(server.document_symbols(f"{path}/wave.ts")))
    assert [item.label for item in server.completions(f"{path}/wave.ts", daytona.LspCompletionPosition(line=2, character=5)).items] == ["hello"]
    assert "Wave" in names(server.sandbox_symbols("wave"))
    server.stop()


def test_crash_and_restart(shared, project):
    server = started(shared, "python", project)
    server.did_open(f"{project}/sample.py")
    shared.process.exec("pkill -9 -f '[p]ylsp'")
    eventually("the server is gone", lambda: shared.process.exec("pgrep -f '[p]ylsp'").result == "")
    assert "Greeter" in names(server.document_symbols(f"{project}/sample.py"))
    server.stop()


def test_refusals(shared, project, raises):
    server = shared.create_lsp_server("python", project)
    raises("bad_request", lambda: server.did_open(f"{project}/sample.py"), status=400, message="start it first")
    raises("any", server.stop, status=500, message="was started in")
    server.start()
    raises("bad_request", lambda: server.did_open(f"{project}/nowhere.py"), status=400, message="No such file")
    raises("bad_request", lambda: server.sandbox_symbols(""), status=400, message="query")
    server.stop()
