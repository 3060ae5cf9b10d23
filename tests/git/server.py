#!/usr/bin/env python3
"""A git server for tests: git's own http-backend behind HTTP or HTTPS, with a password. Prints its port.

    server.py --root DIR [--port 0] [--user U --password P] [--tls CERT KEY] [--elsewhere URL] [--log FILE]

DIR has bare repositories. The first part of a path says how it is guarded, the rest names the repository in DIR:
  /open/R.git       anyone            /private/R.git   Basic authentication, else 401
  /forbidden/R.git  401 without a password, 403 with it
  /held/R.git       as private; the exchange after the announcement waits until DIR/release exists
  /broken/R.git     the answer to the exchange ends half way
  /moved/R.git      leads to /private here          /elsewhere/R.git  leads to /private at the other URL
The log has a line of JSON for each request: method, path, credentials as they came. TLS is 1.3 only.
"""

import argparse
import base64
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GUARDED = {"private", "forbidden", "held"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def credentials(self):
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        return base64.b64decode(value).decode("utf-8", "replace")

    def note(self):
        if self.server.options.log:
            line = {"method": self.command, "path": self.path, "credentials": self.credentials()}
            with self.server.lock, open(self.server.options.log, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def body(self):
        """The request's body in a file, whichever way it came."""
        out = tempfile.TemporaryFile()
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(self.rfile.readline().split(b";")[0], 16):
                out.write(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            left = int(self.headers.get("Content-Length") or 0)
            while left > 0 and (piece := self.rfile.read(min(left, 1 << 20))):
                out.write(piece)
                left -= len(piece)
        out.seek(0)
        return out

    def short(self, status, text, **headers):
        data = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def answer(self):
        self.note()
        options = self.server.options
        with self.body() as body:
            area, _, rest = self.path.lstrip("/").partition("/")
            if area == "moved":
                return self.short(302, "", Location=f"/private/{rest}")
            if area == "elsewhere":
                return self.short(302, "", Location=f"{options.elsewhere}/private/{rest}")
            if area in GUARDED and self.credentials() != f"{options.user}:{options.password}":
                return self.short(401, "who are you?\n", WWW_Authenticate='Basic realm="tests"')
            if area == "forbidden":
                return self.short(403, "not for you\n")
            if area not in GUARDED | {"open", "broken"}:
                return self.short(404, "no such place\n")
            return self.backend(area, rest, body)

    do_GET = do_POST = answer

    def backend(self, area, rest, body):
        path, _, query = rest.partition("?")
        if self.command == "POST" and area == "held":
            self.wait_for_release()
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": self.server.options.root, "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": "/" + path,
            "QUERY_STRING": query, "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": self.client_address[0], "REMOTE_USER": "tester", "HOME": self.server.options.root,
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
        }
        process = subprocess.Popen(["git", "http-backend"], stdin=body, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
        try:
            self.pass_on(process.stdout, area == "broken" and self.command == "POST")
        finally:
            process.stdout.close()
            process.wait()

    def wait_for_release(self):
        end = time.monotonic() + 60
        while time.monotonic() < end and not os.path.exists(os.path.join(self.server.options.root, "release")):
            time.sleep(0.02)

    def pass_on(self, stream, cut):
        status, headers = 200, []
        while line := stream.readline().strip():
            name, _, value = line.decode().partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            else:
                headers.append((name, value))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while piece := stream.read1(1 << 18):
            if cut:
                piece = piece[: len(piece) // 2]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if cut:
                self.close_connection = True
                return
        self.wfile.write(b"0\r\n\r\n")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    lock = threading.Lock()

    def __init__(self, options):
        self.options = options
        self.tls = None
        if options.tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.minimum_version = ssl.TLSVersion.TLSv1_3
            self.tls.load_cert_chain(*options.tls)
        super().__init__((options.listen, options.port), Handler)

    def finish_request(self, request, client_address):
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        pass   # clients that hang up are part of the tests


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--listen", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user", default="tester")
    parser.add_argument("--password", default="s3cret")
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--elsewhere")
    parser.add_argument("--log")
    with Server(parser.parse_args()) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
