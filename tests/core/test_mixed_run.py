"""Whatever happens to the database meanwhile: each contact of a busy day stands on record once, against one case."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from smtplib import SMTPException

import pytest

from agents.disposition import Kind, Level
from centralino.events import CallEvent
from tests.city import City, city_on, letter
from tests.postgres import Postgres
from tests.records import KINDS

CALLS = 200  # half as many write: 50 mails, 50 forms
ENDS = ("answered", "answered", "given up", "message")  # of each four calls
AWAY_AFTER, AWAY_S = 70, 12.0  # why so long: SQLite is waited for 5 s, and a form for 10
AGAIN_S, OK = 0.5, 200
ENTITY, NUMBER = "protezione-civile", "800840840"


@pytest.fixture(params=KINDS)
async def city(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[City]:
    async with city_on(request.param, request, tmp_path, "2026-11-30 09:00") as city:
        city.centre.agent("ana", skills={"protezione-civile": 5})
        yield city


@asynccontextmanager
async def database_away(city: City, request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """PostgreSQL dies as a machine does; SQLite's file is somebody else's alone."""
    if city.database.file is None:
        server: Postgres = request.getfixturevalue("postgres")
        await asyncio.to_thread(server.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(server.start)
        return
    holder = sqlite3.connect(city.database.file, isolation_level=None, timeout=30, check_same_thread=False)
    await asyncio.to_thread(holder.execute, "BEGIN EXCLUSIVE")  # we write to it, too: it must wait its turn
    try:
        yield
    finally:
        holder.close()


class Writers:
    """Citizens who write, and come again while they are told that it cannot be kept now."""

    def __init__(self, city: City) -> None:
        self.city, self.refused = city, 0
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, n: int) -> None:
        """The n-th: one in two writes a mail, the other a form."""
        writes = self._mail if n % 2 else self._form
        self._tasks.append(asyncio.create_task(writes(f"Richiesta {n}.", f"citizen{n}@example.org")))

    async def done(self) -> None:
        async with asyncio.timeout(60):
            await asyncio.gather(*self._tasks)

    async def _mail(self, words: str, sender: str) -> None:
        message = letter(words, sender, ENTITY)
        while True:
            try:
                return await self.city.hand_in(message)
            except (SMTPException, OSError):
                await self._wait()

    async def _form(self, words: str, sender: str) -> None:
        form = await self.city.filled_form(words, sender, ENTITY)
        while (await self.city.hand_in_form(form)).status_code != OK:
            await self._wait()

    async def _wait(self) -> None:
        self.refused += 1
        await asyncio.sleep(AGAIN_S)


async def one_calls(city: City, n: int) -> None:
    call, end = f"c{n}", ENDS[n % len(ENDS)]
    city.call(call, NUMBER, f"+39333{n:07d}", "2" if end == "message" else "1")
    if end == "message":
        city.leave_message(call, 12)
    elif end == "given up":
        city.wait(1)
        city.centre.hang_up(call)
    else:
        city.talk("ana")
        await city.dispose(call, Kind.INFORMATION, Level.SOLVED)
    city.wait(60)


async def test_each_contact_of_a_mixed_run_stands_on_record_once_though_the_database_dies_in_it(
    city: City, request: pytest.FixtureRequest
) -> None:
    writers = Writers(city)
    for n in range(AWAY_AFTER):
        await one_calls(city, n)
        if n % 2:
            writers.begin(n // 2)
    async with database_away(city, request):
        for n in range(AWAY_AFTER, CALLS):
            await one_calls(city, n)
            if n % 2:
                writers.begin(n // 2)
        refused = writers.refused
        await asyncio.sleep(AWAY_S)
        assert writers.refused > refused, "who writes is told to come again"
    await writers.done()
    await city.projected()
    contacts = await city.all("SELECT kind, call, intake, case_id FROM contacts")
    assert len({(kind, call, intake) for kind, call, intake, _ in contacts}) == len(contacts), "each once"
    kinds = Counter(kind for kind, *_ in contacts)
    assert kinds == {"call": CALLS, "voicemail": CALLS // len(ENDS), "mail": CALLS // 4, "form": CALLS // 4}
    assert {case for *_, case in contacts} == {id for (id,) in await city.all("SELECT id FROM cases")}
    of_calls = [entry for entry in city.centre.entries if isinstance(entry.event, CallEvent)]
    assert len(await city.all("SELECT n FROM call_events")) == len(of_calls)
