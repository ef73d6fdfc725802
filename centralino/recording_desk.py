"""Recordings, as commands and the API ask for them: what is kept and until when, what was deleted, and listening."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from cases import heard
from cases.heard import Heard
from cases.state import CaseRefused
from cases.voicemails import boxes
from centralino.case_desk import worker_of
from centralino.database import Database
from centralino.instance import CannotKeep
from centralino.keeping import keeps_of_messages, keeps_of_talks
from centralino.located import did_you_mean, shown
from centralino.settings import Configuration
from recordings.files import NoSound, Shelf, is_there, sound_of
from recordings.keeping import goes_at
from supervision import recordings_view
from supervision.recordings_view import MESSAGE, TALK, Recording

DELETED_MAX = 10_000
GOES_ON_MAX_S = 86_400.0  # a talk whose end was not told for so long has none any more


class Standing(StrEnum):
    """How a recording stands."""

    GOES_ON = "goes on"
    KEPT = "kept"
    DUE = "due"  # it goes at the next look, once a day
    WAITS = "waits"  # its time is over; but the message is to be worked through
    VANISHED = "vanished"  # there should be a file, and there is none
    DELETED = "deleted"
    NOTHING = "nothing recorded"


@dataclass(frozen=True, slots=True)
class Listed:
    """`goes_at`: when its time is over, by the rules now; None: no queue says so. `heard`: by whom, in order."""

    recording: Recording
    standing: Standing
    goes_at: datetime | None
    heard: tuple[Heard, ...]

    def facts(self) -> dict[str, Any]:
        """For machines."""
        heard = [dataclasses.asdict(one) for one in self.heard]
        standing = {"standing": self.standing, "goes_at": self.goes_at, "heard": heard}
        return dataclasses.asdict(self.recording) | standing


class RecordingDesk:
    """`configuration` gives the one in force, `now` the instant. All raise DatabaseAway."""

    def __init__(
        self, database: Database, configuration: Callable[[], Configuration], now: Callable[[], datetime], shelf: Shelf
    ) -> None:
        self._database, self._configuration, self._now, self._shelf = database, configuration, now, shelf

    async def kept(self, queue: str = "") -> tuple[Listed, ...]:
        """All that are not deleted, the oldest first, of `queue` or of all. Raises CaseRefused: no such queue."""
        found = await recordings_view.kept(self._database, queue)
        self._look_at_queue(queue, found)
        return await self._listed(found)

    async def due(self, queue: str = "") -> tuple[Listed, ...]:
        """Those whose time is over: they go within a day, unless somebody must still work through them."""
        return tuple(one for one in await self.kept(queue) if one.standing in (Standing.DUE, Standing.WAITS))

    async def deleted(self, queue: str = "") -> tuple[Listed, ...]:
        """The DELETED_MAX that were deleted last, the newest first. Raises CaseRefused."""
        found = await recordings_view.deleted(self._database, DELETED_MAX, queue)
        self._look_at_queue(queue, found)
        return await self._listed(found)

    async def listen(self, name: str, by: str, agent: str = "") -> bytes:
        """The sound of a talk, as a WAV file; that it is listened to is on record before. Raises CaseRefused."""
        found = await recordings_view.recording(self._database, name)
        if found is None:
            raise CaseRefused(f"there is no recording {shown(name)}; `centralino recordings` lists them")
        if found.kind == MESSAGE:
            raise CaseRefused(f"that is a message: `centralino voicemail {found.call} listen` is the way to hear it")
        if found.deleted_at:
            raise CaseRefused(f"it was deleted at {found.deleted_at:%Y-%m-%d %H:%M} UTC: {found.deleted_why}")
        try:
            sound = await asyncio.to_thread(sound_of, self._shelf, name)
        except (NoSound, CannotKeep) as why:
            raise CaseRefused(f"the talk cannot be heard: {why}") from why
        worker = worker_of(by, agent, "", self._configuration())
        await heard.note(self._database, name, found.call, worker, self._now())
        return sound

    # --- within

    async def _listed(self, found: Sequence[Recording]) -> tuple[Listed, ...]:
        rules, folder = self._configuration().rules.queues, self._shelf.folder
        keeps = {TALK: keeps_of_talks(rules), MESSAGE: keeps_of_messages(rules)}
        there = await asyncio.to_thread(lambda: {one.name for one in found if _is_there(folder, one.name)})
        known = await boxes(self._database, {one.call for one in found if one.kind == MESSAGE})
        who = await heard.listeners(self._database, {_about(one) for one in found})
        listed = []
        for one in found:
            goes = goes_at(one.at.astimezone(UTC).date(), one.queue, keeps[one.kind])
            waits = one.kind == MESSAGE and known.get(one.call, ("", False))[1]
            standing = self._standing(one, goes, waits=waits, is_there=one.name in there)
            listed.append(Listed(one, standing, goes, who.get(_about(one), ())))
        return tuple(listed)

    def _standing(self, one: Recording, goes: datetime | None, *, waits: bool, is_there: bool) -> Standing:
        now = self._now()
        if one.deleted_at:
            return Standing.DELETED
        if one.duration_s is None and (now - one.at).total_seconds() < GOES_ON_MAX_S:
            return Standing.GOES_ON
        if not is_there:
            return Standing.VANISHED if one.duration_s else Standing.NOTHING
        if goes is None or now < goes:
            return Standing.KEPT
        return Standing.WAITS if waits else Standing.DUE

    def _look_at_queue(self, queue: str, found: Sequence[Recording]) -> None:
        """A queue that is gone may have left some."""
        queues = self._configuration().rules.queues
        if queue and not found and queue not in queues:
            raise CaseRefused(f"there is no queue {shown(queue)}; {did_you_mean(queue, queues)}")


def _about(recording: Recording) -> str:
    """How acts of listening name it."""
    return recording.call if recording.kind == MESSAGE else recording.name


def _is_there(folder: Path, name: str) -> bool:
    try:
        return is_there(folder, name)
    except ValueError:
        return False
