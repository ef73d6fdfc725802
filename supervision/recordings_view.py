"""Which recordings there are, by the journal: made when, of which call, how long, deleted when and why."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Float, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from centralino.clock import as_utc
from centralino.database import Database, Instant, insert_or_update, metadata
from centralino.events import Entry, RecordingDeleted, TalkRecordingEnded, TalkRecordingStarted, VoicemailEnded

TALK, MESSAGE = "talk", "message"

recordings_table = Table(
    "recordings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("call", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("duration_s", Float),
    Column("deleted_at", Instant, index=True),
    Column("deleted_why", Text),
)


@dataclass(frozen=True, slots=True)
class Recording:
    """`kind`: TALK or MESSAGE; `queue`: whose talk, or for whom the message is. `duration_s`: None while it goes on, 0
    where nothing was kept.
    """

    name: str
    call: str
    kind: str
    queue: str
    at: datetime
    duration_s: float | None = None
    deleted_at: datetime | None = None
    deleted_why: str | None = None


async def kept(database: Database, queue: str = "") -> tuple[Recording, ...]:
    """All that were made and not deleted, of every age, the oldest first; those of `queue`, or of all."""
    wanted = select(recordings_table).where(recordings_table.c.deleted_at.is_(None))
    return await _read(database, wanted.order_by(recordings_table.c.at, recordings_table.c.name), queue)


async def deleted(database: Database, limit: int, queue: str = "") -> tuple[Recording, ...]:
    """The `limit` (1 or more) that were deleted last, the newest first."""
    wanted = select(recordings_table).where(recordings_table.c.deleted_at.is_not(None)).limit(limit)
    return await _read(database, wanted.order_by(recordings_table.c.deleted_at.desc(), recordings_table.c.name), queue)


async def recording(database: Database, name: str) -> Recording | None:
    """None: none of this name was ever made."""
    found = await _read(database, select(recordings_table).where(recordings_table.c.name == name))
    return found[0] if found else None


async def put_recordings(connection: AsyncConnection, batch: Sequence[Entry]) -> None:
    """What the batch tells of recordings. What was told before may be told again."""
    for entry in batch:
        event, at = entry.event, as_utc(entry.at_s)
        match event:
            case TalkRecordingStarted(recording=name, call=call, queue=queue):
                await _insert(connection, Recording(name, call, TALK, queue, at))
            case VoicemailEnded(kept=True, recording=name, call=call, box=box):
                await _insert(connection, Recording(name, call, MESSAGE, box, at, event.duration_s))
            case TalkRecordingEnded(recording=name):
                await _set(connection, name, duration_s=event.duration_s)
            case RecordingDeleted(recording=name):
                await _set(connection, name, deleted_at=at, deleted_why=event.why)
            case _:
                pass


# --- within


async def _insert(connection: AsyncConnection, made: Recording) -> None:
    row = {each.name: getattr(made, each.name) for each in fields(Recording)}
    await connection.execute(insert_or_update(connection.dialect.name, recordings_table, ("name",), ()), row)


async def _set(connection: AsyncConnection, name: str, **values: Any) -> None:
    await connection.execute(recordings_table.update().where(recordings_table.c.name == name).values(**values))


async def _read(database: Database, wanted: Any, queue: str = "") -> tuple[Recording, ...]:
    if queue:
        wanted = wanted.where(recordings_table.c.queue == queue)
    async with database.reading() as connection:
        return tuple(Recording(**row._mapping) for row in await connection.execute(wanted))
