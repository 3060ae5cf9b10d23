"""Screenshots through the daemon beside import (ImageMagick) and scrot, of the same X server (Xvfb) with the same picture."""
import base64
import contextlib
import http.client
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import time

WIDTH, HEIGHT = 1024, 768
SCREEN = "%dx%d" % (WIDTH, HEIGHT)


def desktop():
    """Pixels of a desktop as screenshots find it: a background with a gradient, a flat window, lines of something like text."""
    chance = random.Random(1)
    rows = []
    for y in range(HEIGHT):
        row = bytearray(bytes((110 - y // 12, 90 - y // 16, 60 - y // 20, 0)) * WIDTH)
        if 80 <= y < 640:
            row[4 * 100:4 * 800] = bytes((250, 250, 250, 0)) * 700
        if 110 < y < 630 and y % 16 < 9:
            for x in chance.sample(range(110, 780), 250):
                row[4 * x:4 * x + 4] = bytes((30, 30, 30, 0))
        rows.append(row)
    return b"".join(rows)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("daemon")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class ScreenshotRows:
    """`daemon` is the program, `work` a directory of ours, `report` takes a row."""

    def __init__(self, work, daemon, report, note):
        self.work, self.daemon, self.report, self.note = work, daemon, report, note

    def run(self, n):
        missing = [p for p in ("Xvfb", "import", "scrot") if not shutil.which(p)]
        if missing:
            return self.note("not installed: " + " ".join(missing))
        with contextlib.ExitStack() as stack:
            display = self.start_x(stack)
            environment = dict(os.environ, DISPLAY=display)
            self.paint()
            ask = self.start_daemon(stack, environment)
            file = self.work + "/shot.png"
            references = {"import": ["import", "-silent", "-window", "root", file], "scrot": ["scrot", "-o", file]}
            rates, sizes = {}, {}
            for name, words in references.items():
                rates[name] = self.rate(n, lambda words=words: subprocess.run(words, env=environment, check=True))
                sizes[name] = os.path.getsize(file)
            for name, path in (("screenshot", ""), ("screenshot_jpeg", "/compressed?format=jpeg"), ("screenshot_cursor", "?showCursor=true")):
                size = len(base64.b64decode(ask(path)["screenshot"]))
                ours = self.rate(4 * n, lambda path=path: ask(path))
                for reference, rate in rates.items():
                    self.report({"name": name, "tier": "warm", "n": 4 * n, "failures": 0, "rate": round(ours, 2), "unit": "screenshots/s of " + SCREEN,
                                 "bytes": size, "reference": reference, "reference_rate": round(rate, 2),
                                 "reference_bytes": sizes[reference], "ratio": round(ours / rate, 2)})

    @staticmethod
    def rate(n, once):
        start = time.monotonic()
        for _ in range(n):
            once()
        return n / (time.monotonic() - start)

    def start_x(self, stack):
        read_end, write_end = os.pipe()
        server = subprocess.Popen(["Xvfb", "-displayfd", str(write_end), "-screen", "0", SCREEN + "x24", "-noreset", "-fbdir", self.work],
                                  pass_fds=[write_end], stderr=subprocess.DEVNULL)
        stack.callback(lambda: (server.terminate(), server.wait()))
        os.close(write_end)
        with os.fdopen(read_end) as f:
            return ":" + f.read().strip()

    def paint(self):
        """Into the server's frame buffer, which is a file in the format of xwd."""
        with open(self.work + "/Xvfb_screen0", "r+b") as f:
            header = struct.unpack(">25I", f.read(100))
            f.seek(header[0] + 12 * header[19])
            f.write(desktop())

    def start_daemon(self, stack, environment):
        """A function that asks it for a screenshot."""
        path = self.work + "/daemon.sock"
        ready, write_end = os.pipe()
        environment = dict(environment, HOME=self.work, LOG_LEVEL="error", DAYTONA_READY_FD=str(write_end))
        daemon = subprocess.Popen([self.daemon, "--listen", "unix:" + path], env=environment, pass_fds=[write_end])
        stack.callback(lambda: (daemon.terminate(), daemon.wait()))
        os.close(write_end)
        os.read(ready, 1)
        os.close(ready)
        connection = UnixConnection(path)
        stack.callback(connection.close)

        def ask(query):
            connection.request("GET", "/computeruse/screenshot" + query)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(body)
            return json.loads(body)

        return ask
