"""Fills the database from the journal: in order, once, and without ever making a call wait.

It writes only what already stands on the disk: after a power cut the database never knows more than the journal.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.book import Reopening, never, open_book, save_book
from cases.store import cases_of_calls, forget_people, save_people
from centralino.database import Database, DatabaseAway, DatabaseReplaced
from centralino.events import (
    AnswerKept,
    CallArrived,
    CallBackAsked,
    CallBackBegun,
    CallBackOver,
    CallBackPromised,
    CallBackPutOff,
    CallEvent,
    CallHandedOn,
    CallTransferred,
    Entry,
    Event,
    OwnCallBegun,
    OwnCallEnded,
    OwnCallEvent,
    OwnCallRefused,
)
from centralino.journal import Journal
from centralino.people import People, Person
from supervision import own_calls_view, store
from supervision.calls_view import CallRow, after, arrived, begun
from supervision.recordings_view import put_recordings
from supervision.store import Places

BATCH_MAX = 500
BUFFER_MAX = 10_000
PEOPLE_REMEMBERED_MAX = 10_000
PAUSE_FIRST_S, PAUSE_MAX_S = 0.1, 5.0
LOOK_AGAIN_S = 1.0
LEFT_OUT_PAUSE_S = 1.0
SYNC_DEADLINE_S = 10.0

log = logging.getLogger(__name__)


class HistoryMissing(Exception):
    """The journal no longer begins with its first entry: emptied projections could not be filled again."""


class DatabaseAhead(Exception):
    """The database holds entries that this journal never wrote: it belongs to another state folder."""


class Projector:
    """Keeps the database at most a moment behind the journal. `run` it as a task of the engine."""

    def __init__(self, journal: Journal, people: People, database: Database, reopening_s: Reopening = never) -> None:
        """`reopening_s`: how long after its end a case of (entity, service) is opened again."""
        self._journal, self._people, self._database = journal, people, database
        self._reopening_s = reopening_s
        self._is_others = False
        self._n = -1  # the last entry in the database; -1: not asked yet
        self._cases_n = 0  # the last entry whose cases were decided
        self._written_people: dict[str, Person] = {}
        self._buffer: deque[Entry] = deque()
        self._overflowed = False
        self._file: Iterator[Entry] | None = None
        self._file_until_n = 0
        self._synced = asyncio.Event()
        self._turn = asyncio.Lock()
        self._moved = asyncio.Condition()
        self._away_since_s: float | None = None

    @property
    def projected_n(self) -> int:
        """The number of the last entry in the database; -1 until the database was first reached."""
        return self._n

    async def run(self) -> None:
        """Project until cancelled. A database that is away is tried again with a growing pause, up to 5 s.

        So is one that belongs to another journal (DatabaseAhead): nothing about pages may end calls.
        """
        self._n = -1
        self._buffer.clear()
        self._journal.on_append.append(self._take_in)
        try:
            with self._each_sync_sets(self._synced):
                pause_s = PAUSE_FIRST_S
                while True:
                    try:
                        went_well = await self._catch_up()
                    except Exception:  # ours, or a database of a later release; without us pages would stand still
                        log.exception("the database could not be filled; it is tried again")
                        went_well = False
                    pause_s = PAUSE_FIRST_S if went_well else await self._pause(pause_s)
        finally:
            self._journal.on_append.remove(self._take_in)

    async def caught_up(self, deadline_s: float) -> None:
        """Wait until everything written so far stands in the database. TimeoutError after `deadline_s`."""
        target = self._journal.last_n
        async with asyncio.timeout(deadline_s), self._moved:
            await self._moved.wait_for(lambda: self._n >= target)

    async def rebuild(self) -> None:
        """Empty calls, logs and people and fill them again from the whole journal, while calls go on.

        Cases and contacts are kept as they stand, with their numbers: people have worked on them, and which case a call
        stands against was decided once. (Where these are lost too, the same decisions give the same numbers: a number
        is made from the place of the call's arrival in the journal.) Raises HistoryMissing where the journal's
        beginning is gone, DatabaseAhead, DatabaseAway, or TimeoutError where the disk does not sync.
        """
        if self._journal.first_n() > 1:
            raise HistoryMissing(f"the journal begins at entry {self._journal.first_n()}")
        async with self._turn:
            await self._ask_places()
            async with self._database.writing() as connection:
                await store.empty_projections(connection)
                await forget_people(connection)
            self._written_people.clear()
            self._start_from(0)
            async with asyncio.timeout(SYNC_DEADLINE_S):
                await self._until_synced(self._file_until_n)
            while batch := await self._next_batch():
                await self._project(batch)

    async def _until_synced(self, n: int) -> None:
        synced = asyncio.Event()
        with self._each_sync_sets(synced):
            while self._journal.synced_n < n:
                await synced.wait()
                synced.clear()

    @contextmanager
    def _each_sync_sets(self, synced: asyncio.Event) -> Iterator[None]:
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(synced.set)

        self._journal.on_synced.append(tell)
        try:
            yield
        finally:
            self._journal.on_synced.remove(tell)

    # taking entries in

    def _take_in(self, entry: Entry) -> None:
        if len(self._buffer) >= BUFFER_MAX:
            self._buffer.clear()
            self._overflowed = True  # they stand in the file
        self._buffer.append(entry)

    def _start_from(self, n: int) -> None:
        self._n = n
        self._file_until_n = self._journal.last_n
        self._file = self._journal.entries_after(n)

    async def _next_batch(self) -> list[Entry]:
        if self._file is not None:
            if self._journal.synced_n < self._file_until_n:
                return []  # the next sync wakes us
            batch = await asyncio.to_thread(_some, self._file, self._file_until_n)
            if batch:
                return batch
            self._file = None
        if self._overflowed:
            self._overflowed = False
            self._start_from(self._n)
            return await self._next_batch()
        return self._from_buffer()

    def _from_buffer(self) -> list[Entry]:
        synced_n = self._journal.synced_n
        batch: list[Entry] = []
        while self._buffer and self._buffer[0].n <= synced_n and len(batch) < BATCH_MAX:
            entry = self._buffer.popleft()
            if entry.n > self._n:
                batch.append(entry)
        return batch

    # putting them into the database

    async def _catch_up(self) -> bool:
        """Project what there is, then wait for more; False where that did not work out now."""
        try:
            async with self._turn:
                if self._n < 0:
                    await self._database.upgrade()
                    await self._ask_places()
                batch = await self._next_batch()
                await self._project(batch)
        except store.MovedByAnother as moved:
            log.warning("%s; reading again where it is", moved)
            self._n = -1
            return False
        except DatabaseReplaced as replaced:
            log.error("%s: it is filled again from the journal", replaced)
            self._n, self._is_others = -1, False
            return False
        except (DatabaseAway, DatabaseAhead) as away:
            self._say_away(away)
            return False
        self._say_back()
        if not batch:
            await self._wait_for_sync(LOOK_AGAIN_S)
        return True

    async def _pause(self, pause_s: float) -> float:
        """Wait `pause_s`, whatever is written meanwhile; the next pause."""
        await asyncio.sleep(pause_s)
        return min(pause_s * 2, PAUSE_MAX_S)

    async def _wait_for_sync(self, longest_s: float) -> None:
        try:
            async with asyncio.timeout(longest_s):
                await self._synced.wait()
        except TimeoutError:
            return  # looking again does no harm
        self._synced.clear()

    async def _ask_places(self) -> None:
        async with self._database.reading() as connection:
            places = await store.places(connection)
        furthest_n = max(places.calls_n, places.cases_n)
        if self._is_others or furthest_n > self._journal.last_n:
            self._is_others = True  # and stays so: what is written meanwhile would be passed over
            raise DatabaseAhead(
                f"the database is at entry {furthest_n}, the journal at {self._journal.last_n}: it is another"
                " installation's, or the journal lost its end; move the database away, and it is made anew"
            )
        self._cases_n = places.cases_n
        self._written_people.clear()
        self._start_from(places.calls_n)
        await self._tell_moved()

    async def _tell_moved(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    async def _project(self, batch: Sequence[Entry]) -> None:
        if not batch:
            return
        try:
            await self._put_in(batch)
        except (DatabaseAway, store.MovedByAnother):
            self._start_from(self._n)  # the batch is read again from the file
            raise
        except Exception as fault:
            log.warning("entries %d to %d cannot be projected together (%r)", batch[0].n, batch[-1].n, fault)
            await self._one_by_one(batch)

    async def _one_by_one(self, batch: Sequence[Entry]) -> None:
        """Leave out, loudly, only what cannot be projected: one bad entry must not hold up all pages for ever."""
        for entry in batch:
            try:
                await self._put_in([entry])
            except (DatabaseAway, store.MovedByAnother):
                self._start_from(self._n)
                raise
            except Exception:
                log.exception("entry %d cannot be projected; it is left out of the database", entry.n)
                await self._put_in([], skip_to_n=entry.n)
                await asyncio.sleep(LEFT_OUT_PAUSE_S)  # where every entry fails, the fault is ours: spare the calls

    async def _put_in(self, batch: Sequence[Entry], skip_to_n: int = 0) -> None:
        new_n = batch[-1].n if batch else skip_to_n
        old, new = Places(self._n, self._cases_n), Places(new_n, max(self._cases_n, new_n))
        who = self._new_people(batch)
        async with self._database.writing() as connection:
            await store.move_on(connection, old, new)
            await save_people(connection, who)
            await self._put_calls(connection, batch)
            await _put_own_calls(connection, batch)
            await put_recordings(connection, batch)
            await store.save_entries(connection, batch)
        self._n, self._cases_n = new.calls_n, new.cases_n
        self._remember(who)
        await self._tell_moved()

    def _new_people(self, batch: Sequence[Entry]) -> dict[str, Person]:
        """Whoever calls in the batch, and does not stand in the database as they are."""
        events = [entry.event for entry in batch]
        keys = [event.person for event in events if isinstance(event, CallArrived) and not event.withheld]
        keys += [event.person for event in events if isinstance(event, CallBackPromised | CallBackAsked)]
        keys += [event.person for event in events if isinstance(event, OwnCallBegun | OwnCallRefused) and event.person]
        who = {key: self._people.who(key) for key in keys}
        return {key: person for key, person in who.items() if self._written_people.get(key) != person}

    def _remember(self, who: dict[str, Person]) -> None:
        if len(self._written_people) > PEOPLE_REMEMBERED_MAX:
            self._written_people.clear()
        self._written_people |= who

    async def _put_calls(self, connection: AsyncConnection, batch: Sequence[Entry]) -> None:
        about_calls = [(entry, self._readable(entry.event)) for entry in batch if isinstance(entry.event, CallEvent)]
        if not about_calls:
            return
        case_of = await self._decide_cases(connection, about_calls)
        before = await store.calls_now(connection, {event.call for _, event in about_calls})
        rows = _rows_after(about_calls, before, case_of)
        await store.save_calls(connection, [row for call, row in rows.items() if row is not before.get(call)])

    def _readable(self, event: CallEvent) -> CallEvent:
        """The row of a call shows the digits that were keyed in, and what agents wrote, not the keys of these."""
        if isinstance(event, AnswerKept):
            return msgspec.structs.replace(event, answer=self._people.answer(event.answer))
        if isinstance(event, CallHandedOn):
            return msgspec.structs.replace(event, note=self._people.answer(event.note))
        return event

    async def _decide_cases(
        self, connection: AsyncConnection, about_calls: Sequence[tuple[Entry, CallEvent]]
    ) -> dict[str, str]:
        """Which case each arriving call stands against; decided once, also when the calls are projected anew."""
        undecided = [(entry, event) for entry, event in about_calls if entry.n > self._cases_n]
        book = await open_book(connection, [event for _, event in undecided], self._reopening_s)
        for entry, event in undecided:
            book.tell(entry.n, entry.at_s, event)
        await save_book(connection, book)
        here = book.case_of
        begun = {event.call for _, event in about_calls if isinstance(event, CallArrived | CallBackBegun)}
        decided = begun - here.keys()
        return here | await cases_of_calls(connection, decided) if decided else here

    # what people read about it

    def _say_away(self, away: Exception) -> None:
        if self._away_since_s is None:
            self._away_since_s = asyncio.get_running_loop().time()
            log.error("the database cannot be filled (%s); calls go on, pages stand still until it can", away)

    def _say_back(self) -> None:
        if self._away_since_s is not None:
            away_s = asyncio.get_running_loop().time() - self._away_since_s
            log.warning("the database is filled again after %.1f s, from entry %d on", away_s, self._n + 1)
            self._away_since_s = None


_OF_A_PROMISE = CallBackAsked | CallBackPutOff | CallBackOver  # which need not have been given in a call


def _rows_after(
    about_calls: Sequence[tuple[Entry, CallEvent]], before: dict[str, CallRow], case_of: dict[str, str]
) -> dict[str, CallRow]:
    rows = dict(before)
    for entry, event in about_calls:
        row = rows.get(event.call)
        if row is not None:
            rows[event.call] = after(row, entry.at_s, event)
        elif isinstance(event, CallArrived):
            rows[event.call] = arrived(entry.at_s, event, case_of.get(event.call))
        elif isinstance(event, CallBackBegun):
            rows[event.call] = begun(entry.at_s, event, case_of.get(event.call))
        elif not isinstance(event, _OF_A_PROMISE):
            log.error("entry %d is about call %s, which never arrived", entry.n, event.call)
    return rows


async def _put_own_calls(connection: AsyncConnection, batch: Sequence[Entry]) -> None:
    """Calls that agents make by themselves."""
    about = [(entry, event) for entry in batch if (event := _of_own_call(entry.event))]
    rows = await store.own_calls_now(connection, {event.call for _, event in about}) if about else {}
    before = dict(rows)
    for entry, event in about:
        row = rows.get(event.call)
        if isinstance(event, OwnCallBegun):
            rows[event.call] = own_calls_view.begun(entry.at_s, event)
        elif isinstance(event, OwnCallRefused):
            row = own_calls_view.refused(entry.n, entry.at_s, event)
            rows[row.id] = row
        elif row is not None:
            rows[event.call] = own_calls_view.after(row, entry.at_s, event)
        else:
            log.error("entry %d is about an agent's call %s, which never began", entry.n, event.call)
    await store.save_own_calls(connection, [row for name, row in rows.items() if row is not before.get(name)])


def _of_own_call(event: Event) -> OwnCallEvent | None:
    """What it means for an agent's own call; a transfer ends the one in which the agent asked."""
    if isinstance(event, CallTransferred) and event.own_call:
        return OwnCallEnded(call=event.own_call, why="the caller was left with them")
    return event if isinstance(event, OwnCallEvent) else None


def _some(entries: Iterator[Entry], until_n: int) -> list[Entry]:
    return [entry for entry in islice(entries, BATCH_MAX) if entry.n <= until_n]
