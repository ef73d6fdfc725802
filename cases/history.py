"""What people do to cases: each act and its words, kept with the case in one transaction with what comes of it."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.case_number import in_groups, keyed
from cases.clocks import Mark, Marked
from cases.progress import OF_ACTS
from cases.requester import Region, Requester
from cases.splitting import split_off
from cases.state import Act, CaseRefused, Change, Doing, Standing, State, Worker, change
from cases.store import GOES_ON, Case, Unfinished, case_events, cases_table, contacts, move_contacts
from cases.telling import NOBODY, Telling
from centralino.database import Database

TAKES_IN = "takes in"  # another case, that was merged into this one
SPLIT_FROM = "split from"  # another case, that held this matter too


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One line of a case's history. `about`: the office, the other case, or the sheet, that it is about."""

    at: datetime
    act: str
    by: str
    role: str
    words: str
    about: str


@dataclass(frozen=True, slots=True)
class Classified:
    """What is said of a case anew; None: what was said stays."""

    kind: str | None = None
    topic: str | None = None
    title: str | None = None
    is_complex: bool | None = None
    requester: Requester | None = None
    region: Region | None = None

    def in_words(self) -> str:
        """For the history."""
        hard = {None: None, True: "complex", False: "simple"}[self.is_complex]
        said = (self.kind, self.topic, self.title, hard, self.requester, self.region)
        return ", ".join(word for word in said if word)


@dataclass(frozen=True, slots=True)
class Work:
    """What somebody does to the case with this `number`. `to`: the office that it is handed over to, or the sheet that
    was used. `into`: the number of the case that it is merged into. `contacts`: the places of those that are split off.
    """

    number: str
    act: Act
    worker: Worker
    at: datetime
    words: str = ""
    to: str = ""
    into: str = ""
    contacts: frozenset[int] = frozenset()
    classified: Classified = Classified()


async def work_on(database: Database, work: Work, offices: Collection[str], telling: Telling = NOBODY) -> None:
    """Do it, or nothing, and have the citizen told. `offices`: all there are, as `ENTITY/OFFICE`.

    Raises CaseRefused, DatabaseAway.
    """
    async with database.writing() as connection:
        case = await _standing(connection, work.number)
        into = await _standing(connection, work.into) if work.into else None
        made = change(case, Doing(work.act, work.words, work.to, into), work.worker, offices)
        values = _changed(case, made, work)
        if into:
            values["merged_into"] = into.id
            await _bring_contacts(connection, case.id, into.id, work)
        await connection.execute(cases_table.update().where(cases_table.c.id == case.id).values(**values))
        n = await _note(connection, case.id, work, about=into.id if into else work.to)
        if work.act is Act.SPLIT:
            new = await split_off(connection, case.id, work.contacts, n, work.at)
            await connection.execute(case_events.update().where(case_events.c.id == n).values(about=new))
            await _note(connection, new, work, about=case.id, act=SPLIT_FROM)
        await telling.tell(connection, case.id, OF_ACTS.get(work.act, ()), work.at, work.words)


async def look_whether(database: Database, work: Work, offices: Collection[str]) -> None:
    """Whether it may be done now. Raises CaseRefused, DatabaseAway."""
    async with database.reading() as connection:
        case = await _standing(connection, work.number)
    change(case, Doing(work.act, work.words, work.to), work.worker, offices)


async def histories(database: Database, numbers: Collection[str]) -> dict[str, tuple[CaseEvent, ...]]:
    """What people did to each of these cases, in order."""
    found = await _by_case(database, select(case_events).where(case_events.c.case_id.in_(numbers)))
    return {number: found.get(number, ()) for number in numbers}


async def clock_events(database: Database) -> dict[str, tuple[CaseEvent, ...]]:
    """What the clocks of cases that are not over heed, in order; those of which nothing is on record are left out."""
    of_case = case_events.join(cases_table, cases_table.c.id == case_events.c.case_id)
    heeded = cases_table.c.state.in_(GOES_ON) & case_events.c.act.in_(_MARKS)
    return await _by_case(database, select(case_events).select_from(of_case).where(heeded))


_MARKS = {
    Act.STOP: Mark.STOPPED,
    Act.GO_ON: Mark.WENT_ON,
    Act.ANSWER: Mark.ENDED,
    Act.CLOSE: Mark.ENDED,
    Act.MERGE: Mark.ENDED,
    Act.REOPEN: Mark.BEGAN,
}


def marked(case: Case | Unfinished, history: Collection[CaseEvent]) -> list[Marked]:
    """What of a case's history its clock heeds. A case may have closed by itself, with a call."""
    marks = [Marked(case.opened_at, Mark.BEGAN)]
    marks += [Marked(event.at, _MARKS[Act(event.act)]) for event in history if event.act in _MARKS]
    if case.closed_at and marks[-1].mark is not Mark.ENDED:
        marks.append(Marked(case.closed_at, Mark.ENDED))
    return marks


# --- within


async def _by_case(database: Database, wanted: Select[Any]) -> dict[str, tuple[CaseEvent, ...]]:
    found: dict[str, list[CaseEvent]] = {}
    async with database.reading() as connection:
        for row in await connection.execute(wanted.order_by(case_events.c.id)):
            event = CaseEvent(row.at, row.act, row.by, row.role, row.words, row.about)
            found.setdefault(row.case_id, []).append(event)
    return {number: tuple(events) for number, events in found.items()}


async def _standing(connection: AsyncConnection, number: str) -> Standing:
    found = select(cases_table).where(cases_table.c.id == keyed(number)).with_for_update()
    row = (await connection.execute(found)).one_or_none()
    if row is None:
        raise CaseRefused(f"there is no case {in_groups(keyed(number)[:20])}")
    return Standing(row.id, State(row.state), row.office or "", row.stopped_at is not None)


def _changed(case: Standing, made: Change, work: Work) -> dict[str, Any]:
    """The columns of the case, as they are to be."""
    values: dict[str, Any] = {"state": made.state, "office": made.office or None}
    if work.act is not Act.SHEET:  # that is part of a call: with its end, its case may close
        values["worked_at"] = work.at
    if made.stopped != case.stopped:
        values["stopped_at"] = work.at if made.stopped else None
    if made.state is not case.state:
        is_over = made.state in (State.CLOSED, State.MERGED)
        values["closed_at"] = work.at if is_over else None
        values["closed_why"] = (work.words or str(work.act)) if is_over else None
        values["closed_by"] = work.worker.by if is_over else None
    said = {field.name: getattr(work.classified, field.name) for field in fields(Classified)}
    return values | {name: value for name, value in said.items() if value is not None}


async def _bring_contacts(connection: AsyncConnection, case: str, into: str, work: Work) -> None:
    await move_contacts(connection, contacts.c.case_id == case, into)
    await connection.execute(cases_table.update().where(cases_table.c.id == into).values(worked_at=work.at))
    await _note(connection, into, work, about=case, act=TAKES_IN)


async def _note(connection: AsyncConnection, case: str, work: Work, about: str, act: str = "") -> int:
    """The number of the event."""
    row = {"case_id": case, "at": work.at, "act": act or work.act, "about": about}
    row["words"] = work.words or work.classified.in_words()
    row |= {"by": work.worker.by, "role": work.worker.role}
    inserted = await connection.execute(case_events.insert().values(row).returning(case_events.c.id))
    return int(inserted.scalar_one())
