"""language_server.py LANGUAGE COMMAND...: starts a language server and wants the class Greeter among the symbols."""

import json
import os
import subprocess
import sys
import tempfile

SOURCE = {
    "python": ("main.py", "class Greeter:\n    def greet(self):\n        return 1\n"),
    "typescript": ("main.ts", "class Greeter {\n  greet(): number { return 1 }\n}\n"),
}


class Server:
    def __init__(self, command, folder):
        self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.last_id = 0

    def send(self, message):
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self.process.stdin.flush()

    def receive(self):
        length = 0
        while (line := self.process.stdout.readline().strip()) or not length:
            if not line and self.process.poll() is not None:
                sys.exit(f"the server ended with {self.process.returncode}")
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return json.loads(self.process.stdout.read(length))

    def request(self, method, params):
        self.last_id += 1
        self.send({"id": self.last_id, "method": method, "params": params})
        while True:
            message = self.receive()
            if "method" in message and "id" in message:
                self.send({"id": message["id"], "result": None})
            elif message.get("id") == self.last_id:
                if "error" in message:
                    sys.exit(f"{method}: {message['error']}")
                return message["result"]


def main(language, command):
    name, text = SOURCE[language]
    with tempfile.TemporaryDirectory() as folder:
        uri = f"file://{folder}/{name}"
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        server = Server(command, folder)
        server.request("initialize", {"processId": os.getpid(), "rootUri": f"file://{folder}", "capabilities": {}})
        server.send({"method": "initialized", "params": {}})
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        server.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        symbols = server.request("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
        server.process.kill()
    names = [symbol["name"] for symbol in symbols or []]
    if "Greeter" not in names:
        sys.exit(f"Greeter is not among the symbols {names}")


main(sys.argv[1], sys.argv[2:])
