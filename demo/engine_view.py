"""The running engine as the demo sees it: what its door tells, kept up to date, and something to wait on."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from centralino.door import DoorClient, door_path

Snapshot = dict[str, Any]


class EngineView:
    """Follows the door of the engine with the STATE folder `state`, also across the engine's restarts."""

    def __init__(self, state: Path) -> None:
        self._door = DoorClient(door_path(state), self)
        self._told = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    @property
    def snapshot(self) -> Snapshot:
        """What the engine told last; empty before the first time."""
        return self._door.snapshot

    def open(self) -> None:
        self._following = asyncio.create_task(self._door.follow())

    async def close(self) -> None:
        if self._following:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def command(self, name: str, **args: str) -> Snapshot:
        """Ask the engine for something. Raises CommandRefused, EngineAway."""
        return await self._door.command(name, **args)

    async def until(self, is_so: Callable[[Snapshot], bool], within_s: float) -> None:
        """Wait until `is_so(snapshot)`. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not is_so(self.snapshot):
                self._told.clear()
                await self._told.wait()

    # --- what the door tells its follower

    def arrived(self, snapshot: Snapshot) -> None:
        self._told.set()

    def changed(self, changes: Snapshot) -> None:
        self._told.set()

    def away(self, why: str) -> None:
        """It will come back: the guardian starts it again, and the client knocks until then."""
