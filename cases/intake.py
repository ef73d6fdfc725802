"""What comes in from citizens otherwise than by a call: letters, faxes, forms, mails. Each stands against one case."""

import secrets
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.case_number import FROM_DESK, case_number, in_groups, keyed
from cases.channels import Channel
from cases.joining import Closed, ClosedCase, Join, JoinWhy, OpenCase, OpenNew, Reopen, case_for
from cases.progress import Progress
from cases.requester import Region, Requester
from cases.state import Act, CaseRefused, State
from cases.store import BY_RULE, GOES_ON, case_events, cases_table, contacts, intakes
from cases.telling import NOBODY, Telling
from centralino.database import Database, insert_or_update

NOT_BY_US = frozenset({Channel.CALL, Channel.VOICEMAIL, Channel.CALL_BACK})  # the engine brings these


class Sender(StrEnum):
    """Whether anybody vouches for it that a piece is from whoever it says."""

    KNOWN = "known"
    UNPROVEN = "unproven"  # on an open page anybody may name any telephone


@dataclass(frozen=True, slots=True)
class Intake:
    """One piece. `service`: the number of ours that it is for; `person`: the key of who sent it, empty: nobody can
    say. `phone` in E.164. `by`: who typed it in, or how it came. `kind` and `topic` are said where they are known.
    `into`: the case that it is for, by its number; empty: the sender's open one for that service, or a new one.
    `sender` UNPROVEN: it has a case of its own. `once`: of such, what is the same where the same piece comes again, and
    is not taken in again; empty: it comes once. `language`: that they used, empty where nobody can say.
    """

    channel: Channel
    service: str
    words: str
    by: str
    entity: str = ""
    subject: str = ""
    name: str = ""
    phone: str = ""
    mail: str = ""
    person: str = ""
    kind: str = ""
    topic: str = ""
    requester: Requester | None = None
    region: Region | None = None
    into: str = ""
    sender: Sender = Sender.KNOWN
    once: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """Against which case it stands, and why."""

    case: str
    why: JoinWhy


async def take_in(
    database: Database, intake: Intake, at: datetime, reopening_s: float = 0.0, telling: Telling = NOBODY
) -> TakenIn:
    """Keep it with its case, or nothing, and have its sender told. A case of theirs that was closed within
    `reopening_s` is opened again. Raises CaseRefused, DatabaseAway.
    """
    async with database.writing() as connection:
        n = await keep(connection, intake, at)
        if n is None:
            return TakenIn(await _opened_by(connection, intake.once), JoinWhy.CAME_BEFORE)
        decision = await _case_for(connection, intake, at - timedelta(seconds=reopening_s))
        case = await stand(connection, intake, n, decision, at)
        if intake.sender is Sender.UNPROVEN:
            await telling.acknowledge_form(connection, case, at, intake.language)
        elif intake.channel is not Channel.MAIL:  # a mail is acknowledged by who takes mails in
            news = (Progress.REOPENED, Progress.TAKEN_IN) if isinstance(decision, Reopen) else (Progress.TAKEN_IN,)
            await telling.tell(connection, case, news, at)
        return TakenIn(case, decision.why)


async def stand(
    connection: AsyncConnection, intake: Intake, n: int, decision: Join | Reopen | OpenNew, at: datetime
) -> str:
    """Have the `n`-th piece, that was kept, stand with its case, as was decided; the case."""
    if isinstance(decision, OpenNew):
        case = case_number(FROM_DESK, n)
        await connection.execute(cases_table.insert().values(_new(case, intake, decision.why, at)))
    else:
        case = decision.case
        await connection.execute(cases_table.update().where(cases_table.c.id == case).values(_joined(intake, at)))
    if isinstance(decision, Reopen):
        await _reopen(connection, decision, intake, at)
    contact = {"case_id": case, "kind": intake.channel, "at": at, "ended_at": at, "intake": n}
    contact |= {"person": intake.person or None, "service": intake.service}
    await connection.execute(contacts.insert().values(contact))
    return case


@dataclass(frozen=True, slots=True)
class Kept:
    """One piece as it came. Nothing of it is trusted text."""

    id: int
    at: datetime
    channel: str
    by: str
    subject: str
    words: str
    name: str
    phone: str
    mail: str


async def kept(database: Database, case: str) -> tuple[Kept, ...]:
    """What stands against the case, in order."""
    wanted = select(intakes).join(contacts, contacts.c.intake == intakes.c.id).where(contacts.c.case_id == case)
    async with database.reading() as connection:
        rows = await connection.execute(wanted.order_by(intakes.c.id))
        return tuple(Kept(*(getattr(row, field.name) for field in fields(Kept))) for row in rows)


async def keep(connection: AsyncConnection, intake: Intake, at: datetime) -> int | None:
    """Its number; None: it is there already. Of two that come at once, one waits here until the other is kept."""
    row = {name: getattr(intake, name) for name in ("channel", "by", "subject", "words", "name", "phone", "mail")}
    row |= {"at": at, "once": intake.once or None}
    insert = insert_or_update(connection.dialect.name, intakes, ("once",), ()).returning(intakes.c.id)
    found = (await connection.execute(insert.values(row))).scalar_one_or_none()
    return None if found is None else int(found)


async def _opened_by(connection: AsyncConnection, once: str) -> str:
    """The case that it opened, whatever became of that."""
    n = (await connection.execute(select(intakes.c.id).where(intakes.c.once == once))).scalar_one()
    return case_number(FROM_DESK, int(n))


async def _case_for(connection: AsyncConnection, intake: Intake, since: datetime) -> Join | Reopen | OpenNew:
    if intake.into:
        return Join(await _open_one(connection, intake.into), JoinWhy.BY_HAND)
    if not intake.person:
        return OpenNew(JoinWhy.ANONYMOUS)
    if intake.sender is Sender.UNPROVEN:
        return OpenNew(JoinWhy.UNPROVEN)
    is_theirs = (cases_table.c.person == intake.person) & (cases_table.c.why != JoinWhy.UNPROVEN)
    of_person = select(cases_table).where(is_theirs).with_for_update()
    rows = (await connection.execute(of_person)).all()
    return case_for(
        intake.service,
        withheld=False,
        is_known=bool(rows),
        open_cases=[OpenCase(row.id, row.service, row.opened_at) for row in rows if row.state in GOES_ON],
        closed=Closed(
            [ClosedCase(row.id, row.service, row.closed_at) for row in rows if row.state == State.CLOSED], since
        ),
    )


async def _reopen(connection: AsyncConnection, reopen: Reopen, intake: Intake, at: datetime) -> None:
    again = {"state": State.OPEN, "closed_at": None, "closed_why": None, "closed_by": None}
    await connection.execute(cases_table.update().where(cases_table.c.id == reopen.case).values(**again))
    event = {"case_id": reopen.case, "at": at, "act": Act.REOPEN, "by": intake.by, "role": BY_RULE}
    await connection.execute(case_events.insert().values(event | {"words": reopen.why, "about": ""}))


async def _open_one(connection: AsyncConnection, number: str) -> str:
    found = select(cases_table).where(cases_table.c.id == keyed(number)).with_for_update()
    row = (await connection.execute(found)).one_or_none()
    if row is None:
        raise CaseRefused(f"there is no case {in_groups(keyed(number)[:20])}")
    if row.state == State.MERGED:
        raise CaseRefused(f"case {row.id} was merged into {row.merged_into}")
    if row.state not in GOES_ON:
        raise CaseRefused(f"case {row.id} is {row.state}: open it again first, or leave the case out for a new one")
    return str(row.id)


def _joined(intake: Intake, at: datetime) -> dict[str, Any]:
    """What a case is told by one more piece; what was said before stays."""
    said = {name: getattr(intake, name) for name in ("requester", "region")}
    return {"worked_at": at} | {
        name: func.coalesce(cases_table.c[name], value) for name, value in said.items() if value
    }


def _new(case: str, intake: Intake, why: JoinWhy, at: datetime) -> dict[str, Any]:
    return {
        "id": case,
        "state": State.OPEN,
        "opened_at": at,
        "service": intake.service,
        "entity": intake.entity or None,
        "person": intake.person or secrets.token_hex(8),  # nobody else's: two who are unknown never join
        "title": intake.subject or None,
        "kind": intake.kind or None,
        "topic": intake.topic or None,
        "requester": intake.requester,
        "region": intake.region,
        "why": why,
        "is_complex": False,
        "worked_at": at,
    }
