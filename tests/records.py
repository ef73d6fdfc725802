"""A journal, a database, and what fills the one from the other, for tests of what stands on record."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from centralino.case_desk import Around, CaseDesk
from centralino.clock import SimClock, as_utc
from centralino.database import Database, metadata, open_database
from centralino.events import (
    AnyEvent,
    CallArrived,
    CallEnded,
    CallOffered,
    LanguageChosen,
    OfferEnded,
    Outcome,
    QueueEntered,
    StepEntered,
    TalkEnded,
    TalkStarted,
)
from centralino.journal import Journal
from centralino.people import People
from centralino.settings import Configuration
from supervision.projector import Projector

DEADLINE_S = 20.0
CODES = "the secret of the codes of cases"
KINDS = ("sqlite", "postgresql")


@dataclass
class House:
    """A journal, the people, a database, and the projector between them."""

    folder: Path
    clock: SimClock
    journal: Journal
    people: People
    database: Database
    projector: Projector
    task: "asyncio.Task[None] | None" = None

    def tell(self, *events: AnyEvent, after_s: float = 0.0) -> None:
        for event in events:
            self.clock.advance(after_s)
            self.journal.append(event)

    def caller(self, number: str, name: str = "") -> str:
        return self.people.key_for(number, name, self.clock.now_s())

    def start(self) -> None:
        self.task = asyncio.create_task(self.projector.run())

    async def stop(self) -> None:
        task, self.task = self.task, None
        if task:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()

    async def projected(self) -> None:
        if not self.task:
            self.start()
        await self.projector.caught_up(DEADLINE_S)

    async def everything(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        async with self.database.engine.connect() as connection:
            for name, table in metadata.tables.items():
                rows = await connection.execute(select(table).order_by(*table.primary_key.columns))
                found[name] = [tuple(row) for row in rows]
        return found


@asynccontextmanager
async def opened_house(folder: Path, url: str, reopening_s: float = 0.0) -> AsyncIterator[House]:
    clock = SimClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    journal = Journal.open(folder / "journal", clock)
    journal.start_segment(None)
    people, database = People(folder / "people.jsonl"), open_database(url)
    house = House(
        folder, clock, journal, people, database, Projector(journal, people, database, lambda *_: reopening_s)
    )
    try:
        yield house
    finally:
        await house.stop()
        journal.close()
        people.close()
        await database.close()


def arrival(call_id: str, person: str, dialled: str = "055055", service: str = "055055") -> CallArrived:
    return CallArrived(call=call_id, node="main", dialled=dialled, service=service, person=person, language="it")


def end(call_id: str, outcome: Outcome = Outcome.ANSWERED) -> CallEnded:
    return CallEnded(call=call_id, outcome=outcome, why="caller hung up")


def offer(call_id: str, agent: str = "a1", phone: str = "p1") -> CallOffered:
    return CallOffered(call=call_id, queue="tributi", agent=agent, phone=phone, leg=f"leg-{agent}", why="longest idle")


def answered_call(house: House, call_id: str, person: str) -> None:
    house.tell(arrival(call_id, person))
    house.tell(LanguageChosen(call=call_id, language="en"), StepEntered(call=call_id, step="main"), after_s=1)
    house.tell(QueueEntered(call=call_id, queue="tributi", first_entered_s=house.clock.now_s()))
    house.tell(offer(call_id), after_s=5)
    house.tell(OfferEnded(call=call_id, agent="a1", leg="leg-a1", why="no answer"), after_s=20)
    house.tell(offer(call_id, "a2", "p2"))
    house.tell(TalkStarted(call=call_id, agent="a2", leg="leg-a2", in_time=False), after_s=4)
    house.tell(TalkEnded(call=call_id, agent="a2", leg="leg-a2", by="caller"), after_s=60)
    house.tell(end(call_id))


def desk_of(house: House, configuration: Callable[[], Configuration]) -> CaseDesk:
    async def engine(name: str, args: dict[str, str]) -> dict[str, Any]:
        assert name == "people.key", name
        return {"key": house.people.key_for(args["number"], args["name"], house.clock.now_s())}

    return CaseDesk(house.database, Around(configuration, lambda: as_utc(house.clock.now_s()), engine, CODES))
