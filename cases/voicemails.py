"""Messages that callers left, until they are worked through: each act kept with them and in their case's history."""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.book import book_of_case, save_book
from cases.messages import Act, Doing, Handling, State, handle
from cases.state import CaseRefused, Worker
from cases.state import State as CaseState
from cases.store import (
    case_events,
    cases_table,
    contacts,
    is_its_message,
    messages,
    people,
)
from centralino.database import Database

CALLS_AT_ONCE = 500
IN_THE_HISTORY = {
    Act.CLAIM: "claimed the message of",
    Act.GIVE_BACK: "gave back the message of",
    Act.LISTEN: "listened to the message of",
    Act.DONE: "is done with the message of",
    Act.UNDO: "is not done with the message of",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Handling):
    """A message as people look at it. Number and name are as the caller's phone gave them: escape them.

    `box`: the queue that it is for, empty where that is not on record. `duration_s` 0: nobody could say. `waited_s`:
    until it was done, or until now.
    """

    case: str
    service: str
    box: str
    number: str
    name: str
    recording: str
    at: datetime
    duration_s: float
    state: State
    waited_s: float


async def to_be_worked_through(database: Database, now: datetime, box: str = "") -> tuple[Message, ...]:
    """All that are not done, of every age, the one that has waited longest first; or those for `box`."""
    return await _read(database, _for_box(box).where(messages.c.done_at.is_(None)).order_by(*_OLDEST), now)


async def newest(database: Database, now: datetime, limit: int, box: str = "") -> tuple[Message, ...]:
    """The newest `limit` (1 or more), done or not."""
    return await _read(database, _for_box(box).order_by(*_NEWEST).limit(limit), now)


async def waiting_since(database: Database, now: datetime, since: datetime) -> tuple[Message, ...]:
    """Those that are not done and were left at `since` or later, in order."""
    wanted = _messages().where(messages.c.done_at.is_(None), messages.c.at >= since)
    return await _read(database, wanted.order_by(*_OLDEST), now)


async def message(database: Database, now: datetime, call: str) -> Message:
    """The one that was left in `call`. Raises CaseRefused: there is none."""
    found = await _read(database, _messages().where(messages.c.call == call), now)
    if not found:
        raise _no_message(call)
    return found[0]


async def boxes(database: Database, calls: Collection[str]) -> dict[str, tuple[str, bool]]:
    """The box of each message that was left in one of these calls, and whether it is to be worked through."""
    found, asked = dict[str, tuple[str, bool]](), sorted(calls)
    async with database.reading() as connection:
        for some in (asked[n : n + CALLS_AT_ONCE] for n in range(0, len(asked), CALLS_AT_ONCE)):
            wanted = select(messages.c.call, messages.c.box, messages.c.done_at).where(messages.c.call.in_(some))
            found |= {row.call: (row.box, row.done_at is None) for row in await connection.execute(wanted)}
    return found


async def work_on(database: Database, call: str, doing: Doing, worker: Worker) -> None:
    """Do it, or nothing. Raises CaseRefused, DatabaseAway."""
    async with database.writing() as connection:
        before = await _handling(connection, call)
        row = await _case_of(connection, call)
        after = handle(before, doing, worker, row.office or "")
        values = {name: value for name, value in dataclasses.asdict(after).items() if name != "call"}
        await connection.execute(messages.update().where(messages.c.call == call).values(**values))
        told = {"case_id": row.id, "at": doing.at, "act": IN_THE_HISTORY[doing.act], "about": call}
        told |= {"by": worker.by, "role": worker.role, "words": doing.how or ""}
        await connection.execute(case_events.insert().values(told))
        if doing.act in (Act.DONE, Act.UNDO):
            book = await book_of_case(connection, row.id)
            book.message_handled(row.id, doing.at)
            await save_book(connection, book)


# --- within

_HANDLING = tuple(field.name for field in dataclasses.fields(Handling))
_OLDEST = (messages.c.at, messages.c.call)
_NEWEST = (messages.c.at.desc(), messages.c.call.desc())


async def _handling(connection: AsyncConnection, call: str) -> Handling:
    """Locked, and before its case is: who writes cases never waits for a message."""
    found = select(*(messages.c[name] for name in _HANDLING)).where(messages.c.call == call).with_for_update()
    row = (await connection.execute(found)).one_or_none()
    if row is None:
        raise _no_message(call)
    return Handling(**row._mapping)


def _no_message(call: str) -> CaseRefused:
    return CaseRefused(f"no message was left in a call `{call[:128]}`")


async def _case_of(connection: AsyncConnection, call: str) -> Any:
    """Locked: calls change it too."""
    joined = cases_table.join(contacts, contacts.c.case_id == cases_table.c.id).join(messages, is_its_message)
    wanted = select(cases_table).select_from(joined).where(messages.c.call == call).with_for_update(of=cases_table)
    row = (await connection.execute(wanted)).one()
    if row.state == CaseState.MERGED:
        raise CaseRefused(f"the case of the message of {call} was merged into another just now: try again")
    return row


def _messages() -> Any:
    joined = (
        messages.join(contacts, is_its_message)
        .join(cases_table, cases_table.c.id == contacts.c.case_id)
        .outerjoin(people, people.c.key == messages.c.person)
    )
    columns = (*messages.c, cases_table.c.id.label("case"), cases_table.c.service, people.c.number, people.c.name)
    return select(*columns).select_from(joined)


def _for_box(box: str) -> Any:
    return _messages().where(messages.c.box == box) if box else _messages()


async def _read(database: Database, wanted: Any, now: datetime) -> tuple[Message, ...]:
    async with database.reading() as connection:
        return tuple(_message(dict(row._mapping), now) for row in await connection.execute(wanted))


def _message(row: dict[str, Any], now: datetime) -> Message:
    del row["person"]
    handling = Handling(**{name: row[name] for name in _HANDLING})
    waited = (handling.done_at or now) - row["at"]
    row |= {"number": row["number"] or "", "name": row["name"] or "", "state": handling.state_at(now)}
    return Message(**row, waited_s=waited.total_seconds())
