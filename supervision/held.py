"""What the database holds about a person: which rows of each table, and which of their columns say who, or hold words.

Each column of text is declared here, as one or the other; a test finds one that is not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, case, func, null, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.attachments import attachments
from cases.channels import Channel
from cases.mail_intake import mails
from cases.outbox import outbox
from cases.state import State
from cases.store import GOES_ON, case_events, cases_table, contacts, intakes, messages, people
from centralino.database import Database
from supervision.calls_view import CallState
from supervision.recordings_view import recordings_table
from supervision.store import call_events, calls_table, own_calls_table

ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Who:
    """A person, by their telephone `number` (E.164) or their `mail`: one of both. `keys` are those of the journal; the
    rest is where they stand on record. `names` are all that they gave; `others`: numbers and mails that their letters
    name besides, which may be somebody else's.
    """

    number: str = ""
    mail: str = ""
    keys: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    cases: frozenset[str] = frozenset()
    intakes: frozenset[int] = frozenset()
    recordings: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Open:
    """What of theirs is not over: calls that go on, and cases that somebody works on."""

    calls: tuple[str, ...]
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """`about`: which rows of `table` are about a person. `personal`: what stands there once they are erased, for each
    column that says who they are, or holds words of or about them.
    """

    table: Table
    about: Callable[[Who], ColumnElement[bool]]
    personal: Mapping[str, Any] = field(default_factory=dict)


_NO_WORDS = dict.fromkeys(("subject", "words", "name", "phone", "mail"), "")
_BY_SOMEBODY = case((cases_table.c.closed_by.is_not(None), ERASED), else_=cases_table.c.closed_why)


def _to_or_about(who: Who) -> ColumnElement[bool]:
    to_them = [func.lower(outbox.c.to) == way.lower() for way in (who.number, who.mail) if way]
    return or_(outbox.c.case_id.in_(who.cases), *to_them)


def _from_them(who: Who) -> ColumnElement[bool]:
    ways = [func.lower(mails.c.sender) == who.mail.lower()] if who.mail else []
    reports = and_(mails.c.intake.is_(None), mails.c.case_id.in_(who.cases))  # of what was written to them
    return or_(mails.c.intake.in_(who.intakes), reports, *ways)


_NOTHING_SAID = {"to": "", "subject": "", "words": "", "in_reply_to": "", "attachments": [], "failed_why": null()}
_NOTHING_SAID |= {"next_at": null()}  # nor is it sent any more
HELD = (
    Held(people, lambda who: people.c.key.in_(who.keys), {"number": "", "name": ""}),
    Held(calls_table, lambda who: calls_table.c.id.in_(who.calls), {"answers": null()}),
    Held(call_events, lambda who: call_events.c.call.in_(who.calls)),
    Held(own_calls_table, lambda who: own_calls_table.c.person.in_(who.keys)),
    Held(cases_table, lambda who: cases_table.c.id.in_(who.cases), {"title": None, "closed_why": _BY_SOMEBODY}),
    Held(
        contacts,
        lambda who: or_(
            contacts.c.case_id.in_(who.cases),
            contacts.c.call.in_(who.calls),
            contacts.c.intake.in_(who.intakes),
            contacts.c.person.in_(who.keys),
        ),
    ),
    Held(intakes, lambda who: intakes.c.id.in_(who.intakes), _NO_WORDS),
    Held(case_events, lambda who: case_events.c.case_id.in_(who.cases), {"words": ""}),
    Held(messages, lambda who: messages.c.person.in_(who.keys)),
    Held(outbox, _to_or_about, _NOTHING_SAID),
    Held(mails, _from_them, {"message_id": "", "envelope": "", "sender": ""}),
    Held(attachments, lambda who: attachments.c.intake.in_(who.intakes), {"name": "", "sha256": ""}),
    Held(recordings_table, lambda who: recordings_table.c.call.in_(who.calls)),
)
NOT_PERSONAL: Mapping[str, str] = {  # ids, keys, words of the house, and who of the staff did it
    "people": "key",
    "calls": "id node dialled service entity person language state step queue agent phone outcome why office case_id"
    " voicemail kind topic level call_back_of",
    "call_events": "call kind body",  # as the journal, which names persons by their keys
    "agents_log": "agent kind body",
    "house_log": "kind body",
    "own_calls": "id phone agent to to_phone person state why by entity",
    "cases": "id state service entity person kind topic level opened_by_call why closed_by office merged_into"
    " requester region",
    "contacts": "case_id kind call person queue service",
    "intakes": "channel by once",
    "case_events": "case_id act by role about",
    "messages": "call recording box person claimed_by listened_by done_by done_how",
    "outbox": "case_id channel once",
    "mails": "id recipient file why told case_id",
    "attachments": "content_type file",
    "recordings": "name call kind queue deleted_why",
    "sheets": "id title kind owner entity language address hours topics keywords phones body digest",
}


async def who_has_number(database: Database, number: str, keys: frozenset[str]) -> Who:
    """Whoever has this number. `keys`: those that the people's file knows for it."""
    async with database.reading() as connection:
        rows = await connection.execute(select(people.c.key).where(people.c.number == number))
        keys |= {row.key for row in rows}
        wrote = (await connection.execute(select(intakes.c.id).where(intakes.c.phone == number))).scalars()
        cases = await _ids(connection, cases_table.c.id, cases_table.c.person.in_(keys))
        of_nobody = and_(intakes.c.phone == "", intakes.c.mail == "")  # another's may have come there by a merge
        theirs = or_(intakes.c.phone == number, and_(of_nobody, contacts.c.case_id.in_(cases)))
        who = Who(number=number, keys=keys, cases=cases, intakes=frozenset(wrote))
        return await _filled(connection, who, theirs)


async def who_has_mail(database: Database, mail: str) -> Who:
    """Whoever writes from this address. A case of theirs is one of which no telephone number and no other address is
    known; of others, only their letters are theirs.
    """
    theirs = func.lower(intakes.c.mail) == mail.lower()
    async with database.reading() as connection:
        joined = intakes.join(contacts, contacts.c.intake == intakes.c.id).join(
            cases_table, cases_table.c.id == contacts.c.case_id
        )
        has_called = select(people.c.key).where(people.c.number != "")
        has_phone = (
            select(contacts.c.case_id).join(intakes, contacts.c.intake == intakes.c.id).where(intakes.c.phone != "")
        )
        has_others_mail = (
            select(contacts.c.case_id)
            .join(intakes, contacts.c.intake == intakes.c.id)
            .where(intakes.c.mail != "", func.lower(intakes.c.mail) != mail.lower())
        )
        without = and_(
            cases_table.c.person.not_in(has_called),
            cases_table.c.id.not_in(has_phone),
            cases_table.c.id.not_in(has_others_mail),
        )
        wanted = select(cases_table.c.id, cases_table.c.person).select_from(joined).where(theirs, without)
        rows = (await connection.execute(wanted)).all()
        cases, keys = frozenset(row.id for row in rows), frozenset(row.person for row in rows)
        in_them = and_(intakes.c.phone == "", intakes.c.mail == "", contacts.c.case_id.in_(cases))
        return await _filled(connection, Who(mail=mail, keys=keys, cases=cases), or_(theirs, in_them))


async def not_over(database: Database, who: Who) -> Open:
    going_on = and_(calls_table.c.id.in_(who.calls), calls_table.c.state != CallState.ENDED)
    is_open = and_(cases_table.c.id.in_(who.cases), cases_table.c.state.in_(GOES_ON))
    waits = and_(messages.c.person.in_(who.keys), messages.c.done_at.is_(None))
    its_case = select(contacts.c.case_id).where(
        contacts.c.call.in_(select(messages.c.call).where(waits)), contacts.c.kind == Channel.VOICEMAIL
    )
    async with database.reading() as connection:
        calls = await _ids(connection, calls_table.c.id, going_on)
        cases = await _ids(connection, cases_table.c.id, or_(is_open, cases_table.c.id.in_(its_case)))
    return Open(tuple(sorted(calls)), tuple(sorted(cases)))


async def rows_about(database: Database, held: Held, who: Who) -> list[dict[str, Any]]:
    """In the order of their keys."""
    wanted = select(held.table).where(held.about(who)).order_by(*held.table.primary_key.columns)
    async with database.reading() as connection:
        return [dict(row._mapping) for row in await connection.execute(wanted)]


async def others_cases(database: Database, who: Who) -> tuple[str, ...]:
    """Cases of other persons in which they stand on record: what was noted there is not theirs alone."""
    theirs = or_(contacts.c.call.in_(who.calls), contacts.c.intake.in_(who.intakes), contacts.c.person.in_(who.keys))
    wanted = and_(theirs, contacts.c.case_id.not_in(who.cases))
    async with database.reading() as connection:
        return tuple(sorted(await _ids(connection, contacts.c.case_id, wanted)))


async def erase(database: Database, who: Who, by: str, at: datetime) -> None:
    """Empty what is personal of all their rows, and end what is open: all of it, or nothing. The rows stay, since they
    are counted.
    """
    async with database.writing() as connection:
        for held in HELD:
            if held.personal:
                await connection.execute(held.table.update().where(held.about(who)).values(**held.personal))
        open_ones = cases_table.update().where(cases_table.c.id.in_(who.cases), cases_table.c.state.in_(GOES_ON))
        closed = {"state": State.CLOSED, "closed_at": at, "closed_why": ERASED, "closed_by": by, "stopped_at": None}
        await connection.execute(open_ones.values(**closed))
        waiting = messages.update().where(messages.c.person.in_(who.keys), messages.c.done_at.is_(None))
        await connection.execute(waiting.values(done_at=at, done_by=by, done_how=ERASED))
        acts = [{"case_id": one, "at": at, "act": ERASED, "by": by} for one in sorted(who.cases)]
        if acts:
            rows = [act | {"role": "supervisor", "words": "", "about": ""} for act in acts]
            await connection.execute(case_events.insert(), rows)


async def forget_people(database: Database, who: Who) -> None:
    """Whom the keys stand for, once more."""
    named = or_(people.c.key.in_(who.keys), and_(people.c.number == who.number, people.c.number != ""))
    async with database.writing() as connection:
        await connection.execute(people.update().where(named).values(number="", name=""))


async def mails_about(database: Database, who: Who) -> tuple[int, ...]:
    """What of the outbox was for them, or tells of them."""
    async with database.reading() as connection:
        found = await connection.execute(select(outbox.c.id).where(_to_or_about(who)).order_by(outbox.c.id))
        return tuple(found.scalars())


async def files_about(database: Database, who: Who) -> tuple[str, ...]:
    """Where their mails, and what they attached, lie in STATE."""
    written = select(mails.c.file).where(_from_them(who))
    attached = select(attachments.c.file).where(attachments.c.intake.in_(who.intakes))
    async with database.reading() as connection:
        return tuple(sorted((await connection.execute(written.union(attached))).scalars()))


# --- within


async def _filled(connection: AsyncConnection, who: Who, letters: ColumnElement[bool]) -> Who:
    """Their calls, letters, recordings and names."""
    calls = await _ids(connection, calls_table.c.id, calls_table.c.person.in_(who.keys))
    is_kept = and_(recordings_table.c.call.in_(calls), recordings_table.c.deleted_at.is_(None))
    recordings = await _ids(connection, recordings_table.c.name, is_kept)
    names = await _ids(connection, people.c.name, people.c.key.in_(who.keys))
    joined = intakes.outerjoin(contacts, contacts.c.intake == intakes.c.id)
    wrote = (await connection.execute(select(intakes).select_from(joined).where(letters))).all()
    others = {text for row in wrote for text in (row.phone, row.mail)} - {"", who.number}
    return replace(
        who,
        calls=calls,
        intakes=who.intakes | {row.id for row in wrote},
        recordings=recordings,
        names=(names | {row.name for row in wrote}) - {""},
        others=frozenset(one for one in others if one.lower() != who.mail.lower()),
    )


async def _ids(connection: AsyncConnection, column: ColumnElement[str], wanted: ColumnElement[bool]) -> frozenset[str]:
    found = await connection.execute(select(column).where(wanted))
    return frozenset(one for one in found.scalars() if one is not None)
