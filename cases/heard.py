"""Who listened to what: on record in the case, before anything is heard."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from cases.channels import Channel
from cases.messages import Act
from cases.state import CaseRefused, Worker
from cases.store import case_events, contacts
from cases.voicemails import IN_THE_HISTORY
from centralino.database import Database

TO_THE_TALK = "listened to the talk"


@dataclass(frozen=True, slots=True)
class Heard:
    by: str
    at: datetime


async def note(database: Database, recording: str, call: str, worker: Worker, at: datetime) -> None:
    """That `worker` is about to hear the `recording` of a talk of `call`. Raises CaseRefused, DatabaseAway."""
    of_call = select(contacts.c.case_id).where(contacts.c.call == call, contacts.c.kind == Channel.CALL)
    async with database.writing() as connection:
        case = (await connection.execute(of_call)).scalars().first()
        if case is None:
            raise CaseRefused(f"call {call} stands against no case, where it would be on record who listened")
        told = {"case_id": case, "at": at, "act": TO_THE_TALK, "about": recording, "words": ""}
        await connection.execute(case_events.insert().values(told | {"by": worker.by, "role": worker.role}))


async def listeners(database: Database, about: Collection[str]) -> dict[str, tuple[Heard, ...]]:
    """Who listened to what is named so (a talk by its recording, a message by its call), in order."""
    acts = (TO_THE_TALK, IN_THE_HISTORY[Act.LISTEN])
    columns = (case_events.c.about, case_events.c.by, case_events.c.at)
    wanted = select(*columns).where(case_events.c.act.in_(acts)).order_by(case_events.c.id)
    found: dict[str, list[Heard]] = {}
    async with database.reading() as connection:
        for row in await connection.execute(wanted):
            if row.about in about:
                found.setdefault(row.about, []).append(Heard(row.by, row.at))
    return {name: tuple(heard) for name, heard in found.items()}
