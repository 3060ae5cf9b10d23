"""A PTY whose output is collected, for both flavours: the synchronous handle is read by a thread, the other one calls back."""

from __future__ import annotations

import re
import threading

from daytona import AsyncDaytona  # noqa: F401  (both flavours must be there)
from daytona.handle.pty_handle import PtyHandle

from api import eventually, unique


class Terminal:
    # The synchronous handle must not be closed while a thread reads it: without `watch` nothing does.
    def __init__(self, sandbox, test="", connect=None, watch=True, **options):
        self.output = ""
        self._result = None
        self._reader = None
        process = sandbox.process
        synchronous = not hasattr(process, "_target")
        handler = {} if synchronous else {"on_data": self._take}
        if connect:
            self.handle = process.connect_pty_session(connect, **handler)
        else:
            self.handle = process.create_pty_session(id=unique(f"pty-{test}"), **handler, **options)
        self.handle.wait_for_connection()
        if synchronous and watch:
            assert isinstance(self.handle, PtyHandle)
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()

    @property
    def id(self):
        return self.handle.session_id

    def _take(self, data):
        self.output += data.decode("utf-8", "replace")

    def _read(self):
        self._result = self.handle.wait(on_data=self._take)

    def type(self, line):
        self.handle.send_input(f"{line}\n")

    def shows(self, text):
        """Waits for a text that what was typed must not contain, for terminals show that too."""
        eventually(f"the terminal shows {text}", lambda: re.search(text, self.output), seconds=20)
        return re.search(text, self.output)

    def asks(self, command):
        """The output of a command; the shell builds the brackets around it, so that the echo has none."""
        before = len(self.output)
        self.type(f"printf '\\074%s\\076\\n' \"$({command})\"")
        found = []

        def answered():
            found[:] = re.findall(r"<([^<>]*)>\r?\n", self.output[before:])
            return found

        eventually(f"an answer to {command}", answered, seconds=20)
        return found[0]

    def wait(self):
        if self._reader is None:
            result = self.handle.wait()
        else:
            self._reader.join(30)
            assert not self._reader.is_alive(), f"the terminal did not end: {self.output[-300:]!r}"
            result = self._result
        return result.exit_code, result.error

    def ends(self, line):
        self.type(line)
        return self.wait()
