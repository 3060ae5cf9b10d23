"""A session with short names for what is done with it, and a follower of its logs."""

from __future__ import annotations

import asyncio
import inspect
import threading

from daytona import SessionExecuteRequest

from api import eventually, unique


class Session:
    def __init__(self, sandbox, test):
        self.process = sandbox.process
        self.id = unique(f"session-{test}")
        self.process.create_session(self.id)

    def run(self, command, **request):
        return self.process.execute_session_command(self.id, SessionExecuteRequest(command=command, **request))

    def start(self, command, **request):
        return self.run(command, run_async=True, **request).cmd_id

    def command(self, command_id):
        return self.process.get_session_command(self.id, command_id)

    def input(self, command_id, data):
        self.process.send_session_command_input(self.id, command_id, data)

    def logs(self, command_id):
        return self.process.get_session_command_logs(self.id, command_id)

    def follow(self, command_id):
        return Follower(lambda *handlers: self.process.get_session_command_logs_async(self.id, command_id, *handlers))

    def ended(self, command_id):
        """Waits for the end of an asynchronous command and returns its exit code."""
        eventually(f"command {command_id} ends", lambda: self.command(command_id).exit_code is not None, seconds=30)
        return self.command(command_id).exit_code

    def close(self):
        self.process.delete_session(self.id)


class Follower(threading.Thread):
    """Follows a log in a thread; the streaming methods are coroutines in both flavours of the SDK."""

    def __init__(self, start):
        super().__init__(daemon=True)
        self._start = start
        self.stdout = self.stderr = ""
        self.error = None
        self.start()

    def _out(self, chunk):
        self.stdout += chunk

    async def _err(self, chunk):
        self.stderr += chunk

    def run(self):
        try:
            pending = self._start(self._out, self._err)
            if inspect.isawaitable(pending):
                asyncio.run(_awaited(pending))
        except Exception as error:
            self.error = error

    def done(self, seconds=60):
        self.join(seconds)
        assert not self.is_alive(), f"the stream did not end within {seconds} s: {self.stdout[-200:]!r}"
        if self.error:
            raise self.error
        return self.stdout, self.stderr


async def _awaited(awaitable):
    return await awaitable
