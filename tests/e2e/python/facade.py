"""Lets one test drive both flavours of the SDK.

`AsyncDaytona` has the methods of `Daytona` as coroutines and asynchronous iterators. `Facade` runs them on an event loop of its
own thread and hands back plain results, so that a test is written once and holds for both.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading


class Loop:
    """An event loop in a thread, closed by `close`."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, awaitable):
        async def outer():
            return await awaitable

        return asyncio.run_coroutine_threadsafe(outer(), self.loop).result()

    def call(self, function, *args, **kwargs):
        """Calls a plain function on the loop's thread, for those that look for the running loop."""

        async def outer():
            return function(*args, **kwargs)

        return asyncio.run_coroutine_threadsafe(outer(), self.loop).result()

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Facade:
    """A synchronous view of an asynchronous object of the SDK."""

    def __init__(self, target, loop):
        object.__setattr__(self, "_target", target)
        object.__setattr__(self, "_loop", loop)

    def __getattr__(self, name):
        value = getattr(self._target, name)
        if callable(value) and not inspect.isclass(value):
            return self._wrapped(value)
        return self._view(value)

    def _wrapped(self, function):
        def call(*args, **kwargs):
            args = [argument._target if isinstance(argument, Facade) else argument for argument in args]
            result = self._loop.call(function, *args, **kwargs)
            if inspect.isawaitable(result):
                result = self._loop.run(result)
            return self._view(result)

        return call

    def _view(self, value):
        if hasattr(value, "__aiter__"):
            return self._iterate(value)
        if type(value).__module__.startswith(("daytona._async", "daytona.handle.async")):
            return Facade(value, self._loop)
        return value

    def _iterate(self, iterator):
        # One task drives the whole iterator, one item per request: its context variables must not change hands.
        results = queue.Queue()
        wanted = asyncio.Semaphore(0)

        async def pump():
            try:
                await wanted.acquire()
                async for item in iterator:
                    results.put((True, item))
                    await wanted.acquire()
                results.put((False, None))
            except Exception as error:
                results.put((False, error))

        task = asyncio.run_coroutine_threadsafe(pump(), self._loop.loop)
        try:
            while True:
                self._loop.loop.call_soon_threadsafe(wanted.release)
                more, value = results.get()
                if more:
                    yield self._view(value)
                elif value is None:
                    return
                else:
                    raise value
        finally:
            task.cancel()
