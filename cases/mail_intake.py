"""Mails that came in: each on record once, with its case, its attachments, and what its sender is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, func, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.attachments import Filed, attach
from cases.case_number import in_groups
from cases.channels import Channel
from cases.incoming_mails import Mail
from cases.intake import Intake, keep, stand
from cases.joining import OpenNew, Reopen
from cases.mail_reports import OUR_ID
from cases.mail_rules import DAY, HOUR, AckFacts, AckWhy, Claim, Claimed, Stands, acknowledge, case_for_mail, claims_of
from cases.outbox import outbox
from cases.progress import Progress
from cases.state import Act, State
from cases.store import BY_RULE, GOES_ON, case_events, cases_table, contacts, intakes
from cases.telling import Received, Telling
from centralino.database import Database, Instant, metadata

BY = "mail"
CAME_BACK = "mail server reports"
MERGES_MAX = 5  # of merged cases into merged cases

mails = Table(
    "mails",
    metadata,
    Column("id", Text, primary_key=True),  # the mail's fingerprint and the recipient's
    Column("at", Instant, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("message_id", "envelope", "sender", "recipient")),
    *(Column(name, Text, nullable=False) for name in ("file", "why", "told")),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False, index=True),  # when it came
    Column("intake", Integer, ForeignKey("intakes.id"), index=True),  # none: an event in the case's history
    Index(None, "sender", "at"),
)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail at our door, its files on the disk already. `id`: the same for the same mail to the same recipient;
    `envelope`: its return path, empty: none; `files`: its attachments; `whole`: the mail itself.
    """

    id: str
    mail: Mail
    envelope: str
    recipient: str
    service: str
    entity: str
    files: tuple[Filed, ...]
    whole: Filed
    at: datetime

    @property
    def sender(self) -> str:
        """Who wrote it, in small letters; where From says nobody, who sent it."""
        return (self.mail.sender or self.envelope).lower()


@dataclass(frozen=True, slots=True)
class House:
    """`ours`: our own addresses, in small letters; `reopening_s`: how long after its end a case of (entity, service) is
    opened again.
    """

    telling: Telling
    ours: frozenset[str]
    reopening_s: Callable[[str, str], float]


@dataclass(frozen=True, slots=True)
class TakenIn:
    """Against which case it stands and why, and whether its sender is told, or why not."""

    case: str
    why: str
    told: AckWhy


async def is_kept(database: Database, id: str) -> bool:
    """Whether the mail is on record already. Raises DatabaseAway."""
    async with database.reading() as connection:
        return (await connection.execute(select(mails.c.id).where(mails.c.id == id))).first() is not None


async def take_in(database: Database, arrived: Arrived, house: House) -> TakenIn | None:
    """Keep it with its case, or nothing. None: it was on record already. Raises DatabaseAway."""
    async with database.writing() as connection:
        if (await connection.execute(select(mails.c.id).where(mails.c.id == arrived.id))).first():
            return None
        reported = await _reported(connection, arrived)
        if reported:
            return await _keep_report(connection, arrived, reported)
        return await _keep_mail(connection, arrived, house)


# --- within


async def _reported(connection: AsyncConnection, arrived: Arrived) -> str:
    """The case of the mail of ours that a mail server reports of; empty: it cannot be traced, or is no report.

    Only a Message-ID that we gave counts, to the second: these are not to be guessed.
    """
    for about in arrived.mail.report.about if arrived.mail.report else ():
        found = OUR_ID.fullmatch(about)
        if not found:
            continue
        wanted = select(outbox.c.at).where(outbox.c.case_id == found[1], outbox.c.id == int(found[2]))
        at = (await connection.execute(wanted)).scalar_one_or_none()
        if at and f"{at:%Y%m%d%H%M%S}" == found[3]:
            case = await _standing(connection, found[1])
            return str(case.id) if case else ""
    return ""


async def _keep_report(connection: AsyncConnection, arrived: Arrived, case: str) -> TakenIn:
    assert arrived.mail.report
    await _note(connection, case, arrived, CAME_BACK, arrived.mail.report.words or arrived.mail.subject)
    await _record(connection, arrived, case, None, (CAME_BACK, AckWhy.MACHINE))
    return TakenIn(case, CAME_BACK, AckWhy.MACHINE)


async def _keep_mail(connection: AsyncConnection, arrived: Arrived, house: House) -> TakenIn:
    mail, by_machine = arrived.mail, bool(arrived.mail.machine or arrived.mail.report or not arrived.envelope)
    claims = claims_of(mail)
    there = await _claimed(connection, claims, arrived, house)
    stands = case_for_mail(claims, there, arrived.sender, by_machine=by_machine)
    intake = _intake(arrived)
    n = await keep(connection, intake, arrived.at)
    assert n is not None, "only forms come again"
    case = await stand(connection, intake, n, stands.decision, arrived.at)
    await _note_claim(connection, case, arrived, stands)
    await attach(connection, n, (*arrived.files, arrived.whole))
    told = acknowledge(mail, await _ack_facts(connection, arrived, house, case))
    await _record(connection, arrived, case, n, (stands.decision.why, told))
    if told is AckWhy.TOLD:
        progress = Progress.REOPENED if isinstance(stands.decision, Reopen) else Progress.TAKEN_IN
        # why never empty: what answers no mail would be sent with a return path, and might come back to us
        received = Received(arrived.sender, mail.message_id or "no Message-ID", arrived.at)
        await house.telling.acknowledge_mail(connection, case, progress, received)
    return TakenIn(case, stands.decision.why, told)


def _intake(arrived: Arrived) -> Intake:
    mail = arrived.mail
    return Intake(
        Channel.MAIL,
        arrived.service,
        mail.words,
        BY,
        entity=arrived.entity,
        subject=mail.subject,
        name=mail.name,
        mail=arrived.sender,
    )


async def _note_claim(connection: AsyncConnection, case: str, arrived: Arrived, stands: Stands) -> None:
    """The case that it named in vain; and that other case learns nothing of it."""
    if isinstance(stands.decision, OpenNew) and stands.about:
        await _note(connection, case, arrived, Act.NOTE, f"{stands.decision.why}: {in_groups(stands.about)}")


async def _record(
    connection: AsyncConnection, arrived: Arrived, case: str, intake: int | None, why: tuple[str, str]
) -> None:
    row = {"id": arrived.id, "at": arrived.at, "message_id": arrived.mail.message_id, "envelope": arrived.envelope}
    row |= {"sender": arrived.sender, "recipient": arrived.recipient, "file": arrived.whole.file}
    row |= {"case_id": case, "intake": intake, "why": why[0], "told": why[1]}
    await connection.execute(mails.insert().values(row))


async def _note(connection: AsyncConnection, case: str, arrived: Arrived, act: str, words: str) -> None:
    row = {"case_id": case, "at": arrived.at, "act": act, "by": BY, "role": BY_RULE, "words": words, "about": ""}
    await connection.execute(case_events.insert().values(row))


async def _claimed(
    connection: AsyncConnection, claims: Sequence[Claim], arrived: Arrived, house: House
) -> Mapping[str, Claimed]:
    there = {}
    for claim in claims:
        row = await _standing(connection, claim.case)
        if row is not None:
            since = arrived.at - timedelta(seconds=house.reopening_s(row.entity or "", row.service))
            opens_again = row.state == State.CLOSED and row.closed_at >= since
            on_it = await _addresses(connection, row.id)
            there[claim.case] = Claimed(row.id, row.state in GOES_ON, opens_again, on_it)
    return there


async def _standing(connection: AsyncConnection, number: str) -> Any:
    """The row of the case, or of that which it was merged into; None: there is none."""
    for _ in range(MERGES_MAX):
        found = select(cases_table).where(cases_table.c.id == number).with_for_update()
        row = (await connection.execute(found)).one_or_none()
        if row is None or row.state != State.MERGED or not row.merged_into:
            return row
        number = row.merged_into
    return None


async def _addresses(connection: AsyncConnection, case: str) -> frozenset[str]:
    """In small letters: who has written about it, and whom we have written to."""
    wrote = select(intakes.c.mail).join(contacts, contacts.c.intake == intakes.c.id)
    written_to = select(func.lower(outbox.c.to)).where(outbox.c.case_id == case)
    rows = await connection.execute(union(wrote.where(contacts.c.case_id == case), written_to))
    return frozenset(address for address in rows.scalars() if address)


async def _ack_facts(connection: AsyncConnection, arrived: Arrived, house: House, case: str) -> AckFacts:
    mine = (mails.c.sender == arrived.sender) & (mails.c.told == AckWhy.TOLD)
    lately = select(mails.c.at, mails.c.case_id).where(mine, mails.c.at > arrived.at - DAY)
    rows = (await connection.execute(lately)).all()
    within_the_hour = sum(row.at > arrived.at - HOUR for row in rows)
    of_case = any(row.case_id == case for row in rows)
    return AckFacts(arrived.sender, arrived.envelope, house.ours, within_the_hour, of_case)
