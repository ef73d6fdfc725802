"""What is to be sent to citizens and owners, until it is: kept in the transaction of what it tells of.

Messages are sent by centralino/postman.py. None is ever removed: what was sent, and what could not be, stays on record.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, Table, Text, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.store import BY_RULE, case_events
from centralino.database import Database, Instant, insert_or_update, metadata
from centralino.people import cleaned

SUBJECT_MAX = 200
GONE, FAILED = "was sent", "could not be sent"


class Way(StrEnum):
    """How a message goes out."""

    MAIL = "mail"
    SMS = "sms"


outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", Text, ForeignKey("cases.id"), index=True),
    *(Column(name, Text, nullable=False) for name in ("channel", "to", "subject", "words", "in_reply_to")),
    Column("attachments", JSON, nullable=False),  # paths
    Column("once", Text, unique=True),
    Column("at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", Instant),  # when it is tried next; none: it was sent, or never will be
    Column("sent_at", Instant),
    Column("failed_why", Text),  # the last try
    Index(None, "channel", "next_at"),
    Index(None, "to", "at"),
)


class NothingToSend(Exception):
    """There is no such message, or it needs no sending; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message: to a mail address, or by SMS to a telephone (E.164). `at`: the instant of what it tells of.

    `in_reply_to`: the Message-ID of what it answers by itself; it is an automatic reply then, else an automatic mail.
    `attachments`: files, read when it is sent. `once`: of all with the same `once` only the first is sent.
    """

    channel: Way
    to: str
    subject: str
    words: str
    at: datetime
    case: str | None = None
    in_reply_to: str = ""
    attachments: tuple[str, ...] = ()
    once: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending(Outgoing):
    """A message in the outbox: it waits where `next_at` says when it is tried next, else it was sent, or failed."""

    id: int
    tries: int
    next_at: datetime | None
    sent_at: datetime | None
    failed_why: str | None


async def put(connection: AsyncConnection, outgoing: Outgoing) -> None:
    """Have it sent once the caller's transaction is over; with that, or not at all. Its subject loses line breaks.

    Raises ValueError for a recipient with control characters.
    """
    if not outgoing.to or outgoing.to != cleaned(outgoing.to, len(outgoing.to)):
        raise ValueError(f"{outgoing.to!r} is nobody to send to")
    row: dict[str, Any] = {field.name: getattr(outgoing, field.name) for field in fields(Outgoing)}
    row |= {"case_id": row.pop("case"), "subject": cleaned(outgoing.subject, SUBJECT_MAX), "tries": 0}
    row |= {"attachments": list(outgoing.attachments), "next_at": outgoing.at}
    await connection.execute(insert_or_update(connection.dialect.name, outbox, ("once",), ()), row)


async def due(database: Database, channel: Way, now: datetime, limit: int) -> tuple[Sending, ...]:
    """What is to be tried now, at most `limit` (1 or more), what has waited longest first."""
    wanted = select(outbox).where(outbox.c.channel == channel, outbox.c.next_at <= now)
    return await _read(database, wanted.order_by(outbox.c.next_at, outbox.c.id).limit(limit))


async def waiting(database: Database, limit: int = 500) -> tuple[Sending, ...]:
    """What is not sent yet, the first `limit` (1 or more) to be tried."""
    is_not_sent = select(outbox).where(outbox.c.next_at.is_not(None))
    return await _read(database, is_not_sent.order_by(outbox.c.next_at, outbox.c.id).limit(limit))


async def failed(database: Database, limit: int = 500) -> tuple[Sending, ...]:
    """What could not be sent and is not tried any more, the newest `limit` (1 or more)."""
    is_over = select(outbox).where(outbox.c.next_at.is_(None), outbox.c.sent_at.is_(None))
    return await _read(database, is_over.order_by(outbox.c.id.desc()).limit(limit))


async def is_claimed(database: Database, sending: Sending, until: datetime) -> bool:
    """Count a try, and let nobody else try it before `until`. False: somebody else has it, or sent it."""
    is_as_seen = (outbox.c.id == sending.id) & (outbox.c.tries == sending.tries) & outbox.c.next_at.is_not(None)
    claim = outbox.update().where(is_as_seen).values(tries=sending.tries + 1, next_at=until)
    async with database.writing() as connection:
        return (await connection.execute(claim)).rowcount == 1


async def mark_sent(database: Database, sending: Sending, at: datetime) -> None:
    """It has gone out; the history of its case says so."""
    async with database.writing() as connection:
        await _set(connection, sending, {"next_at": None, "sent_at": at, "failed_why": None})
        await _note(connection, sending, at, GONE, sending.subject)


async def put_off(database: Database, sending: Sending, next_at: datetime, why: str) -> None:
    async with database.writing() as connection:
        await _set(connection, sending, {"next_at": next_at, "failed_why": why})


async def give_up(database: Database, sending: Sending, at: datetime, why: str) -> None:
    """It is not tried any more; the history of its case says why."""
    async with database.writing() as connection:
        await _set(connection, sending, {"next_at": None, "failed_why": why})
        await _note(connection, sending, at, FAILED, why)


async def again(database: Database, id: int, now: datetime) -> None:
    """Try it now, and as often as a new one. Raises NothingToSend."""
    async with database.writing() as connection:
        row = (await connection.execute(select(outbox).where(outbox.c.id == id).with_for_update())).one_or_none()
        if row is None:
            raise NothingToSend(f"there is no message {id} in the outbox")
        if row.sent_at:
            raise NothingToSend(f"message {id} was sent already")
        await connection.execute(outbox.update().where(outbox.c.id == id).values(next_at=now, tries=0))


async def told_lately(connection: AsyncConnection, to: str, now: datetime) -> int:
    """How much was written to this address within the hour until `now`."""
    lately = (outbox.c.to == to) & (outbox.c.at > now - timedelta(hours=1))
    return int((await connection.execute(select(func.count()).select_from(outbox).where(lately))).scalar_one())


# --- within


async def _set(connection: AsyncConnection, sending: Sending, values: dict[str, Any]) -> None:
    await connection.execute(outbox.update().where(outbox.c.id == sending.id).values(values))


async def _note(connection: AsyncConnection, sending: Sending, at: datetime, what: str, words: str) -> None:
    if sending.case:
        told = {"case_id": sending.case, "at": at, "act": f"{sending.channel} {what}", "about": f"message {sending.id}"}
        await connection.execute(case_events.insert().values(told | {"by": "desk", "role": BY_RULE, "words": words}))


async def _read(database: Database, wanted: Any) -> tuple[Sending, ...]:
    async with database.reading() as connection:
        return tuple(_sending(dict(row._mapping)) for row in await connection.execute(wanted))


def _sending(row: dict[str, Any]) -> Sending:
    attachments: Sequence[str] = row["attachments"]
    row |= {"case": row.pop("case_id"), "channel": Way(row["channel"]), "attachments": tuple(attachments)}
    return Sending(**row)
