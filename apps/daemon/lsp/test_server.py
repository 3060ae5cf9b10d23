"""A small language server for tests: speaks the protocol over stdin and stdout and misbehaves when a document or a query
says so. Found by the daemon as the program whose name it was copied to.

  query "crash"       writes to stderr and exits with 3          query "hang"      never answers
  query "garbage"     writes what is no message                  query "noise"     writes a line of text before its answer
  query "bytes"       answers byte by byte                       query "refuse"    answers with an error
  query "modified"    refuses twice with ContentModified         query "pid"       answers with its pid as a name
  query "surrogate"   a name with half a surrogate pair          query "huge"      announces a body of a gigabyte
  query "later"       answers after the next request             query "asks"      asks the client first, then answers
  query "documents"   names what is open, with version           query "child"     starts a child in a session of its own
  query "cancelled"   names the calls that the client gave up
  query "big"         two megabytes of names                     query "quit"      closes its output and stays

Documents: a line "def NAME" is a symbol. TEST_LSP=plain: has no workspace symbols. TEST_LSP=broken: dies at once. TEST_LSP=nested:
answers with DocumentSymbols. TEST_LSP=stubborn: ignores `shutdown` and SIGTERM.
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

MODE = os.environ.get("TEST_LSP", "")
documents = {}
waiting = []
cancelled = []
refused = 0


def write(value, by_bytes=False):
    body = json.dumps(value).encode()
    data = b"Content-Length: %d\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n" % len(body) + body
    out = sys.stdout.buffer
    for piece in ([data[i:i + 1] for i in range(len(data))] if by_bytes else [data]):
        out.write(piece)
        out.flush()


def read():
    length = 0
    while True:
        line = sys.stdin.buffer.readline()
        if not line:
            sys.exit(0)
        line = line.strip()
        if not line:
            return json.loads(sys.stdin.buffer.read(length))
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])


def symbol(name, uri="file:///nowhere", line=0):
    place = {"line": line, "character": 4}
    return {"name": name, "kind": 12, "containerName": None, "location": {"uri": uri, "range": {"start": place, "end": place}}}


def text_of(uri):
    if uri in documents:
        return documents[uri]["text"]
    return None


def symbols_of(uri):
    text = text_of(uri)
    if text is None:
        return None
    found = [(m.group(1), text[:m.start()].count("\n")) for m in re.finditer(r"def (\w+)", text)]
    if MODE == "nested":
        span = {"start": {"line": 1, "character": 2}, "end": {"line": 3, "character": 4}}
        inner = [{"name": name, "kind": 6, "range": span, "selectionRange": span} for name, _ in found]
        return [{"name": "outer", "kind": 5, "range": span, "selectionRange": span, "children": inner}]
    return [symbol(name, uri, line) for name, line in found]


def workspace_symbols(request, query):
    global refused
    number = request["id"]
    answer = {"jsonrpc": "2.0", "id": number, "result": [symbol(query)]}
    if query == "crash":
        sys.stderr.write("Traceback: the reason of the crash\n")
        sys.stderr.flush()
        os._exit(3)
    if query == "hang":
        return
    if query == "garbage":
        answer = None
        sys.stdout.buffer.write(b"x" * 100000)
        sys.stdout.buffer.flush()
        return
    if query == "huge":
        sys.stdout.buffer.write(b"Content-Length: 1073741824\r\n\r\n")
        sys.stdout.buffer.flush()
        return
    if query == "not json":
        sys.stdout.buffer.write(b"Content-Length: 3\r\n\r\n{a}")
        sys.stdout.buffer.flush()
        return
    if query == "noise":
        sys.stdout.buffer.write(b"a module says hello\nand more")
        sys.stdout.buffer.flush()
    if query == "bytes":
        return write(answer, by_bytes=True)
    if query == "refuse":
        return write({"jsonrpc": "2.0", "id": number, "error": {"code": -32600, "message": "not with me"}})
    if query == "modified":
        refused += 1
        if refused < 3:
            return write({"jsonrpc": "2.0", "id": number, "error": {"code": -32801, "message": "content modified"}})
    if query == "pid":
        answer["result"] = [symbol(str(os.getpid()))]
    if query == "documents":
        answer["result"] = [symbol("%s %d %s" % (d["languageId"], d["version"], d["text"].strip()), uri) for uri, d in sorted(documents.items())]
    if query == "cancelled":
        answer["result"] = [symbol(str(len(cancelled)))]
    if query == "child":
        child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        answer["result"] = [symbol(str(child.pid))]
    if query == "big":
        answer["result"] = [symbol("name%d" % i + "x" * 100) for i in range(10000)]
    if query == "null":
        answer["result"] = None
    if query == "surrogate":
        answer["result"] = [symbol("a\ud83dz")]
    if query == "later":
        waiting.append(answer)
        return
    if query == "quit":
        os.close(1)
        time.sleep(1000)
    if query == "asks":
        write({"jsonrpc": "2.0", "id": "q1", "method": "workspace/configuration", "params": {"items": [{}, {}]}})
        first = read()
        write({"jsonrpc": "2.0", "id": 77, "method": "window/workDoneProgress/create", "params": {"token": "t"}})
        second = read()
        answer["result"] = [symbol(json.dumps([first.get("id"), first.get("result"), second.get("id"), second.get("result")]))]
    write({"jsonrpc": "2.0", "method": "window/logMessage", "params": {"type": 3, "message": "about to answer"}})
    write(answer)


def main():
    if MODE == "broken":
        sys.stderr.write("ModuleNotFoundError: no module named nothing\n")
        sys.exit(1)
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stderr.write("starting\n" * 20000)   # more than a pipe holds
    while True:
        request = read()
        method, params, number = request.get("method"), request.get("params") or {}, request.get("id")
        if method == "initialize":
            able = {"documentSymbolProvider": True, "completionProvider": {}, "workspaceSymbolProvider": MODE != "plain"}
            with open(os.environ.get("TEST_LSP_INIT", "/dev/null"), "w", encoding="utf-8") as file:
                json.dump(params, file)
            write({"jsonrpc": "2.0", "id": number, "result": {"capabilities": able}})
        elif method == "textDocument/didOpen":
            assert params["textDocument"]["uri"] not in documents
            documents[params["textDocument"]["uri"]] = params["textDocument"]
        elif method == "textDocument/didChange":
            document = documents[params["textDocument"]["uri"]]
            assert params["textDocument"]["version"] > document["version"]
            document["version"] = params["textDocument"]["version"]
            document["text"] = params["contentChanges"][0]["text"]
        elif method == "textDocument/didClose":
            del documents[params["textDocument"]["uri"]]
        elif method == "$/cancelRequest":
            cancelled.append(params["id"])
        elif method == "textDocument/documentSymbol":
            write({"jsonrpc": "2.0", "id": number, "result": symbols_of(params["textDocument"]["uri"])})
        elif method == "textDocument/completion":
            place = params["position"]
            label = "%s %s:%s %s" % (params["textDocument"]["uri"], place["line"], place["character"], json.dumps(params.get("context")))
            edit = {"newText": "word()", "range": {}}
            items = [{"label": label, "kind": 3, "detail": "d", "data": 1, "textEdit": edit}, {"label": "x", "textEdit": {"newText": ".x"}, "documentation": {"kind": "markdown", "value": "v"}}]
            write({"jsonrpc": "2.0", "id": number, "result": items if place["line"] == 0 else None})
        elif method == "workspace/symbol":
            if MODE == "plain":
                write({"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "no"}})
            else:
                workspace_symbols(request, params["query"])
                while waiting and params["query"] != "later":
                    write(waiting.pop())
        elif method == "shutdown" and MODE != "stubborn":
            write({"jsonrpc": "2.0", "id": number, "result": None})
        elif method == "exit" and MODE != "stubborn":
            sys.exit(0)


main()
