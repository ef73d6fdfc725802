"""The projections of the journal in the database: calls, their events, agents' and house log, and how far they are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, ForeignKey, Integer, Table, Text, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.store import case, cases, people
from centralino.clock import as_utc
from centralino.database import Database, Instant, insert_or_update, metadata
from centralino.events import AgentEvent, CallEvent, Entry, OwnCallEvent
from supervision.calls_view import CallRow, CallState
from supervision.own_calls_view import OwnCallRow, OwnCallState
from supervision.recordings_view import recordings_table

__all__ = [
    "Call",
    "LoggedEvent",
    "OwnCall",
    "call",
    "case",
    "cases",
    "events_of",
    "own_call",
    "recent_calls",
    "recent_own_calls",
]

calls_table = Table(
    "calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("node", Text, nullable=False),
    Column("dialled", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("entity", Text),
    Column("person", Text, nullable=False, index=True),
    Column("withheld", Boolean, nullable=False),
    Column("language", Text, nullable=False),
    Column("arrived_at", Instant, nullable=False, index=True),
    Column("state", Text, nullable=False, index=True),
    Column("step", Text),
    Column("queue", Text),
    Column("queued_at", Instant),
    Column("answered_at", Instant),
    Column("in_time", Boolean),
    Column("agent", Text),
    Column("phone", Text),
    Column("talk_started_at", Instant),
    Column("talk_ended_at", Instant),
    Column("ended_at", Instant),
    Column("outcome", Text),
    Column("why", Text),
    Column("wait_s", Float),
    Column("talk_s", Float),
    Column("office", Text),
    Column("answers", JSON),
    Column("case_id", Text, ForeignKey("cases.id"), index=True),
    Column("voicemail", Text),
    Column("voicemail_s", Float),
    Column("kind", Text),
    Column("topic", Text),
    Column("level", Text),
    Column("call_back_of", Text),
)

own_calls_table = Table(  # of agents, by themselves: no citizen's, and in no figure
    "own_calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("phone", Text, nullable=False),
    Column("agent", Text),
    Column("to", Text),
    Column("to_phone", Text),
    Column("person", Text, index=True),
    Column("begun_at", Instant, nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("answered_at", Instant),
    Column("ended_at", Instant),
    Column("ring_s", Float),
    Column("talk_s", Float),
    Column("why", Text),
    Column("by", Text),
    Column("entity", Text),
    Column("rung_at", Instant),
)


def _log_table(name: str, *about: Column[Any]) -> Table:
    key = Column("n", BigInteger, primary_key=True, autoincrement=False)
    told = (Column("at", Instant, nullable=False), Column("kind", Text, nullable=False), Column("body", JSON))
    return Table(name, metadata, key, *about, *told)


call_events = _log_table("call_events", Column("call", Text, nullable=False, index=True))
agents_log = _log_table("agents_log", Column("agent", Text, nullable=False, index=True))
house_log = _log_table("house_log")  # engine, Asterisk, phones, security alerts

projected = Table(  # one row: the last entry of the journal that each projection holds
    "projected",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("calls_n", BigInteger, nullable=False),
    Column("cases_n", BigInteger, nullable=False),  # cases are decided once, also when calls are projected anew
)

_COLUMNS = tuple(column.name for column in fields(CallRow))
_OWN_COLUMNS = tuple(column.name for column in fields(OwnCallRow))


class MovedByAnother(Exception):
    """Another projector has gone on meanwhile, or a commit came through that we took for lost: look again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(CallRow):
    """A call as the pages and the CLI show it. Number and name are as the caller's phone gave them: escape them."""

    number: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCall(OwnCallRow):
    """An agent's own call as the API and the CLI show it. `number`: of whom they called outside; else empty."""

    number: str


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One line of a trail: the `n`-th event of the journal. `body` holds what the event says beside these."""

    n: int
    at: datetime
    kind: str
    why: str
    body: dict[str, Any]


async def recent_calls(database: Database, limit: int = 50, state: CallState | None = None) -> tuple[Call, ...]:
    """The newest `limit` calls (1 or more), all of them or those in `state`."""
    wanted = _calls_with_people().order_by(calls_table.c.arrived_at.desc(), calls_table.c.id.desc()).limit(limit)
    if state is not None:
        wanted = wanted.where(calls_table.c.state == state.value)
    async with database.reading() as connection:
        return tuple(_call(row) for row in await connection.execute(wanted))


async def call(database: Database, call_id: str) -> Call | None:
    """The call with this id; None where there is none."""
    async with database.reading() as connection:
        row = (await connection.execute(_calls_with_people().where(calls_table.c.id == call_id))).one_or_none()
    return _call(row) if row else None


async def language_of(connection: AsyncConnection, call_id: str) -> str:
    """The language that was spoken in a call; empty where there is none."""
    found = await connection.execute(select(calls_table.c.language).where(calls_table.c.id == call_id))
    return found.scalar_one_or_none() or ""


async def events_of(database: Database, call_id: str) -> tuple[LoggedEvent, ...]:
    """Everything that happened to a call, in order: the trail that `centralino why` prints."""
    wanted = select(call_events).where(call_events.c.call == call_id).order_by(call_events.c.n)
    async with database.reading() as connection:
        rows = (await connection.execute(wanted)).all()
    return tuple(LoggedEvent(row.n, row.at, row.kind, str(row.body.get("why", "")), row.body) for row in rows)


async def recent_own_calls(database: Database, limit: int = 50) -> tuple[OwnCall, ...]:
    """The newest `limit` calls (1 or more) that agents made by themselves."""
    wanted = _own_calls_with_people().order_by(own_calls_table.c.begun_at.desc(), own_calls_table.c.id.desc())
    async with database.reading() as connection:
        return tuple(_own_call(row) for row in await connection.execute(wanted.limit(limit)))


async def own_call(database: Database, call_id: str) -> OwnCall | None:
    """The agent's own call with this id; None where there is none."""
    async with database.reading() as connection:
        wanted = _own_calls_with_people().where(own_calls_table.c.id == call_id)
        row = (await connection.execute(wanted)).one_or_none()
    return _own_call(row) if row else None


# for the audit


async def calls_since(database: Database, since: datetime) -> tuple[Call, ...]:
    """Every call that arrived at `since` or later, oldest first."""
    wanted = _calls_with_people().where(calls_table.c.arrived_at >= since).order_by(calls_table.c.arrived_at)
    async with database.reading() as connection:
        return tuple(_call(row) for row in await connection.execute(wanted))


# for the projector


@dataclass(frozen=True, slots=True)
class Places:
    """The last entry that the calls hold, and the last one whose cases were decided."""

    calls_n: int
    cases_n: int


async def places(connection: AsyncConnection) -> Places:
    """How far the projections are."""
    row = (await connection.execute(select(projected))).one()
    return Places(row.calls_n, row.cases_n)


async def move_on(connection: AsyncConnection, old: Places, new: Places) -> None:
    """Say that the projections now hold everything up to `new`. Raises MovedByAnother where they were not at `old`.

    why it comes first in a transaction: it takes the write lock, so that nothing read after it is out of date.
    """
    at_old = (projected.c.calls_n == bindparam("old_calls_n")) & (projected.c.cases_n == bindparam("old_cases_n"))
    move = projected.update().where(at_old).values(calls_n=bindparam("new_calls_n"), cases_n=bindparam("new_cases_n"))
    values = {"old_calls_n": old.calls_n, "old_cases_n": old.cases_n}
    values |= {"new_calls_n": new.calls_n, "new_cases_n": new.cases_n}
    if (await connection.execute(move, values)).rowcount != 1:
        raise MovedByAnother(f"the database is no longer at entry {old.calls_n}")


async def calls_now(connection: AsyncConnection, calls: Iterable[str]) -> dict[str, CallRow]:
    """The rows of `calls`, by id, as far as they are there."""
    rows = await connection.execute(select(calls_table).where(calls_table.c.id.in_(calls)))
    return {row.id: CallRow(**_with_state(row)) for row in rows}


async def save_calls(connection: AsyncConnection, rows: Sequence[CallRow]) -> None:
    """Insert `rows`, or set those that are there."""
    if rows:
        upsert = insert_or_update(connection.dialect.name, calls_table, ("id",), _COLUMNS[1:])
        await connection.execute(upsert, [{name: getattr(row, name) for name in _COLUMNS} for row in rows])


async def own_calls_now(connection: AsyncConnection, calls: Iterable[str]) -> dict[str, OwnCallRow]:
    """The rows of agents' own `calls`, by id, as far as they are there."""
    rows = await connection.execute(select(own_calls_table).where(own_calls_table.c.id.in_(calls)))
    return {row.id: OwnCallRow(**dict(row._mapping) | {"state": OwnCallState(row.state)}) for row in rows}


async def save_own_calls(connection: AsyncConnection, rows: Sequence[OwnCallRow]) -> None:
    """Insert `rows`, or set those that are there."""
    if rows:
        upsert = insert_or_update(connection.dialect.name, own_calls_table, ("id",), _OWN_COLUMNS[1:])
        await connection.execute(upsert, [{name: getattr(row, name) for name in _OWN_COLUMNS} for row in rows])


async def save_entries(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Put each entry into the log it belongs to."""
    logs: dict[Table, list[dict[str, Any]]] = {}
    for entry in entries:
        table, line = _log_line(entry)
        logs.setdefault(table, []).append(line)
    for table, lines in logs.items():
        await connection.execute(table.insert(), lines)


async def empty_projections(connection: AsyncConnection) -> None:
    """Empty what the journal can fill again, and go back to its beginning. Cases and contacts stay as they are."""
    await connection.execute(projected.update().values(calls_n=0))
    for table in (calls_table, own_calls_table, call_events, agents_log, house_log, recordings_table):
        await connection.execute(table.delete())


def _log_line(entry: Entry) -> tuple[Table, dict[str, Any]]:
    body = msgspec.to_builtins(entry.event)
    line = {"n": entry.n, "at": as_utc(entry.at_s), "kind": body.pop("type"), "body": body}
    if isinstance(entry.event, CallEvent | OwnCallEvent):
        return call_events, line | {"call": body.pop("call", "")}
    if isinstance(entry.event, AgentEvent):
        return agents_log, line | {"agent": body.pop("agent")}
    return house_log, line


def _calls_with_people() -> Any:
    joined = calls_table.outerjoin(people, people.c.key == calls_table.c.person)
    return select(calls_table, people.c.number, people.c.name).select_from(joined)


def _call(row: Any) -> Call:
    return Call(**_with_state(row) | {"number": row.number or "", "name": row.name or ""})


def _own_calls_with_people() -> Any:
    joined = own_calls_table.outerjoin(people, people.c.key == own_calls_table.c.person)
    return select(own_calls_table, people.c.number).select_from(joined)


def _own_call(row: Any) -> OwnCall:
    return OwnCall(**dict(row._mapping) | {"state": OwnCallState(row.state), "number": row.number or ""})


def _with_state(row: Any) -> dict[str, Any]:
    return dict(row._mapping) | {"state": CallState(row.state)}
