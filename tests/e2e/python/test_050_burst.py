"""Many at once: threads with the synchronous client, tasks with the asynchronous one."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import daytona
from daytona import AsyncDaytona, CreateSandboxFromSnapshotParams, Daytona, DaytonaConfig

from api import API_KEY, API_URL, RUN_LABELS, discard, gone, unique

COUNT = int(os.environ.get("E2E_BURST", "50"))
CONFIG = {"api_url": API_URL, "api_key": API_KEY}


def parameters(mark, i):
    return CreateSandboxFromSnapshotParams(name=f"{mark}-{i}", labels={**RUN_LABELS, "mark": mark}, env_vars={"I": str(i)})


def check(mark, sandboxes, outputs):
    assert len({sandbox.id for sandbox in sandboxes}) == COUNT
    assert outputs == [f"{i}\n" for i in range(COUNT)]


def test_threads():
    mark = unique("threads")
    client = Daytona(DaytonaConfig(**CONFIG))
    try:
        with ThreadPoolExecutor(COUNT) as pool:
            sandboxes = list(pool.map(lambda i: client.create(parameters(mark, i), timeout=300), range(COUNT)))
            outputs = list(pool.map(lambda sandbox: sandbox.process.exec('echo "$I" > mine; cat mine').result, sandboxes))
            check(mark, sandboxes, outputs)
            ids = [sandbox.id for sandbox in sandboxes]
            list(pool.map(lambda sandbox: sandbox.delete(300), sandboxes))
            list(pool.map(gone, ids))
    finally:
        for i in range(COUNT):
            discard(f"{mark}-{i}")


def test_tasks():
    mark = unique("tasks")

    async def body():
        async with AsyncDaytona(DaytonaConfig(**CONFIG)) as client:
            sandboxes = await asyncio.gather(*(client.create(parameters(mark, i), timeout=300) for i in range(COUNT)))
            responses = await asyncio.gather(*(sandbox.process.exec('echo "$I" > mine; cat mine') for sandbox in sandboxes))
            check(mark, sandboxes, [response.result for response in responses])
            ids = [sandbox.id for sandbox in sandboxes]
            await asyncio.gather(*(sandbox.delete(300) for sandbox in sandboxes))
            return ids

    try:
        for sandbox_id in asyncio.run(body()):
            gone(sandbox_id)
    finally:
        for i in range(COUNT):
            discard(f"{mark}-{i}")


def test_200_missing_sandboxes_50_at_a_time():
    async def body():
        limit = asyncio.Semaphore(50)
        async with AsyncDaytona(DaytonaConfig(**CONFIG)) as client:

            async def read(i):
                async with limit:
                    try:
                        await client.get(f"missing-{i}")
                    except daytona.DaytonaError as error:
                        return error
                    return None

            return await asyncio.gather(*(read(i) for i in range(200)))

    errors = asyncio.run(body())
    assert len(errors) == 200
    for error in errors:
        assert isinstance(error, daytona.DaytonaNotFoundError), repr(error)
        assert error.status_code == 404
