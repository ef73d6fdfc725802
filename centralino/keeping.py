"""Recordings of talks are deleted on time: at the start and then once a day, each on record in log and journal."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from acd.rules import QueueRules
from centralino import events as ev
from centralino.clock import Clock, as_utc
from recordings import keeping
from recordings.keeping import Deletion, Stays

EVERY_S = 86_400.0

log = logging.getLogger(__name__)


class Keeping:
    """`rules` gives those in force; `write` puts an event on record."""

    def __init__(
        self,
        recordings: Path,
        clock: Clock,
        rules: Callable[[], Mapping[str, QueueRules]],
        write: Callable[[ev.AnyEvent], object],
    ) -> None:
        self._recordings, self._clock, self._rules, self._write = recordings, clock, rules, write

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.delete_what_is_over()
            except Exception:  # tomorrow is another day; calls go on
                log.exception("recordings whose time is over could not be deleted")
            await asyncio.sleep(EVERY_S)

    async def delete_what_is_over(self) -> None:
        keeps = {name: rules.recording.keep_s for name, rules in self._rules().items() if rules.recording}
        now, without_rule = as_utc(self._clock.now_s()), 0
        for talk in await asyncio.to_thread(lambda: list(keeping.talks(self._recordings))):
            decided = keeping.decide(talk, keeps, now)
            if isinstance(decided, Deletion):
                await self._delete(talk, decided.why)
            without_rule += decided is Stays.NO_RULE
        if without_rule:
            log.warning("%d recordings of talks stay: no queue says how long they are kept", without_rule)

    async def _delete(self, talk: keeping.Talk, why: str) -> None:
        try:
            await asyncio.to_thread(keeping.delete, talk)
        except OSError as refused:
            log.error("%s, %s, cannot be deleted: %s", talk.name, why, refused.strerror)
            return
        log.info("%s was deleted: %s", talk.name, why)
        self._write(ev.RecordingDeleted(call=talk.call, recording=talk.name, why=why))
