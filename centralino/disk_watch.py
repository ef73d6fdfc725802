"""A full disk stops recording, never calls. Looked at every few seconds beside the calls; on record, and in the log."""

import asyncio
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from centralino import events as ev

EVERY_S = 5.0

log = logging.getLogger(__name__)


def free_bytes(folder: Path) -> int:
    """Raises OSError."""
    return shutil.disk_usage(folder).free


class DiskWatch:
    """Whether there is room to record: with less than `least_bytes` free there is none. What cannot be looked at counts
    as full.
    """

    def __init__(
        self,
        folder: Path,
        least_bytes: int,
        write: Callable[[ev.AnyEvent], object],
        look: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._folder, self._least_bytes, self._write, self._look = folder, least_bytes, write, look
        self._has_room = True

    def has_room(self) -> bool:
        """As of the last look."""
        return self._has_room

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        try:
            left = await asyncio.to_thread(self._look, self._folder)
        except OSError as refused:
            log.error("nobody can say how much room is left for recordings: %s", refused)
            left = 0
        has_room = left >= self._least_bytes
        if has_room is self._has_room:
            return
        self._has_room = has_room
        if has_room:
            log.warning("there is room for recordings again: %.1f GB are free", left / 1e9)
            self._write(ev.RecordingPossible(free_bytes=left))
        else:
            log.critical("nothing is recorded any more, calls go on: the disk has %.1f GB left", left / 1e9)
            self._write(ev.RecordingHalted(free_bytes=left))
