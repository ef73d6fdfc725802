"""Recordings are deleted on time: at the start and then once a day, each on record in log and journal."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from acd.rules import QueueRules
from centralino import events as ev
from centralino.clock import Clock, as_utc
from recordings import keeping
from recordings.keeping import Deletion, Kept, Stays

EVERY_S = 86_400.0
MESSAGES_AGAIN_S = 600.0  # the database is loaded beside the first calls, or away for a while

log = logging.getLogger(__name__)

# The box of each of these calls' messages, and whether it still is to be worked through. Raises ConnectionError where
# nobody can say now.
Boxes = Callable[[Collection[str]], Awaitable[Mapping[str, tuple[str, bool]]]]


@dataclass(frozen=True, slots=True)
class Record:
    """What Keeping looks at, and writes to: the rules in force; who knows of messages; what puts an event on record."""

    rules: Callable[[], Mapping[str, QueueRules]]
    boxes: Boxes
    write: Callable[[ev.AnyEvent], object]


class Keeping:
    def __init__(self, recordings: Path, clock: Clock, record: Record) -> None:
        self._recordings, self._clock, self._record = recordings, clock, record

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            pause_s = EVERY_S
            try:
                await self.delete_talks()
                await self.delete_messages()
            except ConnectionError as away:
                log.warning("messages whose time is over stay for now: %s", away)
                pause_s = MESSAGES_AGAIN_S
            except Exception:  # tomorrow is another day; calls go on
                log.exception("recordings whose time is over could not be deleted")
            await asyncio.sleep(pause_s)

    async def delete_talks(self) -> None:
        found = await asyncio.to_thread(lambda: list(keeping.talks(self._recordings)))
        stay = await self._delete_what_is_over(found, keeps_of_talks(self._record.rules()))
        if stay[Stays.NO_RULE]:
            log.warning("%d recordings of talks stay: no queue says how long they are kept", stay[Stays.NO_RULE])

    async def delete_messages(self) -> None:
        """Where any queue says how long. Raises ConnectionError."""
        keeps = keeps_of_messages(self._record.rules())
        if not keeps:
            return
        found = await asyncio.to_thread(lambda: list(keeping.messages(self._recordings)))
        boxes = await self._record.boxes({one.call for one in found})
        of_boxes = [_in_its_box(one, boxes) for one in found]
        stay = await self._delete_what_is_over(of_boxes, keeps)
        if stay[Stays.NOT_DONE]:
            log.warning("%d messages stay although their time is over: %s", stay[Stays.NOT_DONE], Stays.NOT_DONE)

    async def _delete_what_is_over(self, found: Iterable[Kept], keeps: Mapping[str, float]) -> Counter[Stays]:
        """How many stay, and why."""
        now, stay = as_utc(self._clock.now_s()), Counter[Stays]()
        for one in found:
            decided = keeping.decide(one, keeps, now)
            if isinstance(decided, Deletion):
                await self._delete(one, decided.why)
            else:
                stay[decided] += 1
        return stay

    async def _delete(self, recording: Kept, why: str) -> None:
        try:
            await asyncio.to_thread(keeping.delete, recording)
        except OSError as refused:
            log.error("%s, %s, cannot be deleted: %s", recording.name, why, refused.strerror)
            return
        log.info("%s was deleted: %s", recording.name, why)
        self._record.write(ev.RecordingDeleted(call=recording.call, recording=recording.name, why=why))


def keeps_of_talks(rules: Mapping[str, QueueRules]) -> dict[str, float]:
    """For how many seconds each queue that says so keeps its talks."""
    return {name: queue.recording.keep_s for name, queue in rules.items() if queue.recording}


def keeps_of_messages(rules: Mapping[str, QueueRules]) -> dict[str, float]:
    """The same of messages."""
    return {name: queue.voicemail_keep_s for name, queue in rules.items() if queue.voicemail_keep_s}


def _in_its_box(message: Kept, boxes: Mapping[str, tuple[str, bool]]) -> Kept:
    box, is_waiting = boxes.get(message.call, ("", False))
    return replace(message, queue=box, is_waiting=is_waiting)
