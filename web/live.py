"""The engine's state as the desk knows it, and those who watch it change.

`Live` is told by the door (it is a follower) and tells its watchers. A watcher who is slow misses nothing: what changed
meanwhile is gathered for it, row by row; one who is too far behind begins anew with the whole state.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

State = dict[str, Any]

TABLES = ("queues", "agents", "calls", "nodes")
BEAT_EVERY_S = 10.0  # why: the page takes a silence of 25 s for a broken line
WATCHERS_MAX = 200
ROWS_BEHIND_MAX = 2_000


class TooManyWatchers(Exception):
    """So many pages are open that no other is let in."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything may be different: look at `Live.state`."""


@dataclass(frozen=True, slots=True)
class Changed:
    """These rows changed; one that is None is gone."""

    changes: State


@dataclass(frozen=True, slots=True)
class Away:
    """The engine went away."""

    why: str


@dataclass(frozen=True, slots=True)
class Beat:
    """Nothing happened for `BEAT_EVERY_S`; the line is alive."""


News = Whole | Changed | Away | Beat


class Live:
    """What is true now. `state` is the door's snapshot, kept up to date by the door."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self.state: State = {}
        self.connected = False
        self.why_away = "the desk has just started and has not reached the engine yet"
        self.closed = False
        self._monotonic_s = monotonic_s
        self._told_at_s = 0.0
        self._watchers: set[_Watcher] = set()

    def arrived(self, snapshot: State) -> None:
        self.state, self.connected, self.why_away = snapshot, True, ""
        self._told_at_s = self._monotonic_s()
        self._tell(Whole())

    def changed(self, changes: State) -> None:
        if "at_s" in changes:
            self._told_at_s = self._monotonic_s()
        self._tell(Changed(changes))

    def away(self, why: str) -> None:
        was_there, self.connected = self.connected, False
        if was_there or why != self.why_away:
            self.why_away = why
            self._tell(Away(why))

    def now_s(self) -> float:
        """The engine's instant (epoch seconds), run on from what it said last; 0 before it said anything."""
        if not self.state:
            return 0.0
        return float(self.state["at_s"]) + self._monotonic_s() - self._told_at_s

    def close(self) -> None:
        """End every `watch`: the desk stops."""
        self.closed = True
        for watcher in self._watchers:
            watcher.wake.set()

    def _tell(self, news: News) -> None:
        for watcher in self._watchers:
            watcher.take(news)

    async def watch(self) -> AsyncIterator[News]:
        """News, until the desk closes: first the whole, or that the engine is away. Raises TooManyWatchers."""
        if len(self._watchers) >= WATCHERS_MAX:
            raise TooManyWatchers(f"{WATCHERS_MAX} pages are open already")
        watcher = _Watcher(Whole() if self.connected else Away(self.why_away))
        self._watchers.add(watcher)
        try:
            while not self.closed:
                yield await watcher.next()
        finally:
            self._watchers.discard(watcher)


class _Watcher:
    """What one page has not been told yet: at most one piece of news, grown as more happens."""

    def __init__(self, first: News) -> None:
        self.wake = asyncio.Event()
        self._unsaid: News = Beat()
        self.take(first)

    def take(self, news: News) -> None:
        if isinstance(news, Changed) and isinstance(self._unsaid, Changed):
            news = _grown(self._unsaid, news)
        if not (isinstance(news, Changed) and isinstance(self._unsaid, Whole)):
            self._unsaid = news
        self.wake.set()

    async def next(self) -> News:
        try:
            async with asyncio.timeout(BEAT_EVERY_S):
                await self.wake.wait()
        except TimeoutError:
            return Beat()
        self.wake.clear()
        news, self._unsaid = self._unsaid, Beat()
        return news


def _grown(earlier: Changed, later: Changed) -> News:
    """Both as one; the whole state where that has become the shorter message."""
    grown = {**earlier.changes, **later.changes}
    for table in TABLES:
        if table in grown:
            grown[table] = {**earlier.changes.get(table, {}), **later.changes.get(table, {})}
    if sum(len(grown.get(table, ())) for table in TABLES) > ROWS_BEHIND_MAX:
        return Whole()
    return Changed(grown)
