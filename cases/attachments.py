"""Files that came with what citizens write: which there are. Their content lies in STATE, and is never trusted."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Integer, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.case_number import in_groups, keyed
from cases.state import CaseRefused, Worker
from cases.store import case_events, contacts
from centralino.database import Database, metadata

TAKEN_OUT = "takes out"

attachments = Table(
    "attachments",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("intake", Integer, ForeignKey("intakes.id"), nullable=False, index=True),
    *(Column(name, Text, nullable=False) for name in ("name", "content_type", "sha256", "file")),
    Column("size_bytes", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Filed:
    """A file on the disk. `file`: where, in STATE; `name` and `content_type`: as the sender says, for people's eyes."""

    name: str
    content_type: str
    sha256: str
    file: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """One of a case."""

    id: int
    intake: int
    name: str
    content_type: str
    sha256: str
    file: str
    size_bytes: int


async def attach(connection: AsyncConnection, intake: int, files: Sequence[Filed]) -> None:
    rows = [{field.name: getattr(file, field.name) for field in fields(Filed)} | {"intake": intake} for file in files]
    if rows:
        await connection.execute(attachments.insert(), rows)


async def attachments_of(database: Database, case: str) -> tuple[Attachment, ...]:
    """In the order in which they came. Raises DatabaseAway."""
    joined = select(attachments).join(contacts, contacts.c.intake == attachments.c.intake)
    async with database.reading() as connection:
        rows = await connection.execute(joined.where(contacts.c.case_id == keyed(case)).order_by(attachments.c.id))
        return tuple(Attachment(**row._mapping) for row in rows)


async def note_taken_out(database: Database, case: str, attachment: Attachment, worker: Worker, at: datetime) -> None:
    """Who took it out is on record. Raises DatabaseAway."""
    row = {"case_id": keyed(case), "at": at, "act": TAKEN_OUT, "by": worker.by, "role": worker.role}
    row |= {"words": attachment.name, "about": f"attachment {attachment.id}"}
    async with database.writing() as connection:
        await connection.execute(case_events.insert().values(row))


async def attachment(database: Database, case: str, id: int) -> Attachment:
    """Raises CaseRefused: the case has none of this number; DatabaseAway."""
    found = [one for one in await attachments_of(database, case) if one.id == id]
    if not found:
        raise CaseRefused(f"case {in_groups(keyed(case)[:20])} has no attachment {id}")
    return found[0]
