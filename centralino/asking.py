"""Asking the running engine: one visit at its door, and the changes of configuration that all doors can ask for."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from centralino.door import DoorClient, door_path

RELOADED_WITHIN_S = 300.0  # many new texts have to be spoken

Result = TypeVar("Result")


def ask(state: Path, ask: Callable[[DoorClient], Coroutine[Any, Any, Result]]) -> Result:
    return run_loop(visit(state, ask))


async def visit(state: Path, ask: Callable[[DoorClient], Coroutine[Any, Any, Result]]) -> Result:
    client = DoorClient(door_path(state))
    await client.connect()
    try:
        return await ask(client)
    finally:
        await client.close()


def run_loop(work: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def load(client: DoorClient, folder: Path, by: str) -> Coroutine[Any, Any, dict[str, Any]]:
    """Have the engine put what stands in `folder` in force. Raises CommandRefused or EngineAway."""
    args = {"folder": str(folder.absolute()), "by": by}
    return client.slow_command("configuration.load", RELOADED_WITHIN_S, args)


def go_back(client: DoorClient, number: int | None, by: str) -> Coroutine[Any, Any, dict[str, Any]]:
    """Have it go back to configuration `number`, or to the one before. Raises CommandRefused or EngineAway."""
    return client.slow_command("configuration.back", RELOADED_WITHIN_S, {"number": number, "by": by})
