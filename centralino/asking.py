"""Asking the running engine from the command line: one visit at its door."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from centralino.door import DoorClient, door_path

Result = TypeVar("Result")


def ask(state: Path, ask: Callable[[DoorClient], Coroutine[Any, Any, Result]]) -> Result:
    async def visit() -> Result:
        client = DoorClient(door_path(state))
        await client.connect()
        try:
            return await ask(client)
        finally:
            await client.close()

    return run_loop(visit())


def run_loop(work: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
