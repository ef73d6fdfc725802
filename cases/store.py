"""People, cases and contacts in the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    and_,
    column,
    exists,
    false,
    or_,
    select,
    table,
    union,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.case_number import keyed
from cases.channels import Channel
from cases.state import State
from centralino.database import Database, Instant, insert_or_update, metadata
from centralino.people import Person

GOES_ON = (State.OPEN, State.AT_OFFICE)
BY_RULE = "rule"  # the role of what nobody did

people = Table(
    "people",
    metadata,
    Column("key", Text, primary_key=True),
    Column("number", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
)

cases_table = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("opened_at", Instant, nullable=False, index=True),
    Column("closed_at", Instant),
    Column("service", Text, nullable=False),
    Column("entity", Text),
    Column("person", Text, nullable=False),
    Column("title", Text),
    Column("kind", Text),
    Column("topic", Text),
    Column("level", Text),
    Column("opened_by_call", Text),
    Column("why", Text, nullable=False),
    Column("closed_why", Text),
    Column("closed_by", Text),  # empty: by itself, with a call
    Column("office", Text),  # `ENTITY/OFFICE`
    Column("stopped_at", Instant),  # since when its clock stands still
    Column("is_complex", Boolean, nullable=False, server_default=false(), default=False),
    Column("merged_into", Text),
    Column("worked_at", Instant),  # when somebody last did something to it
    Column("requester", Text),  # a cases.requester Requester
    Column("region", Text),  # a cases.requester Region
    Index(None, "person", "state"),
    Index(None, "state", "opened_at"),
    Index(None, "office", "opened_at"),
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", Text, ForeignKey(cases_table.c.id), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("call", Text),
    Column("at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("person", Text),  # whose it is; of a call-back: who is to be called
    Column("service", Text),  # the number of ours that it is for
    Column("queue", Text),  # of a call-back: whose people call
    Column("intake", Integer, ForeignKey("intakes.id"), index=True),  # of a letter, fax, form or mail
    UniqueConstraint("call", "kind", "at"),
)

intakes = Table(  # what came in otherwise than by a call, as it came; `mail` in small letters
    "intakes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("channel", Text, nullable=False),
    Column("at", Instant, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("by", "subject", "words", "name", "phone", "mail")),
    Column("once", Text, unique=True),  # of a form on our own page: it is taken in once, however often it is sent
    Index(None, "phone"),
    Index(None, "mail"),
)

case_events = Table(  # what people did to a case; a contact is no such thing
    "case_events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", Text, ForeignKey(cases_table.c.id), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("act", "by", "role", "words", "about")),
)

messages = Table(  # each kept voicemail, and what people did to it; its case is that of its contact
    "messages",
    metadata,
    Column("call", Text, primary_key=True),
    Column("recording", Text, nullable=False),
    Column("box", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("duration_s", Float, nullable=False),
    *(Column(name, Text) for name in ("claimed_by", "listened_by", "done_by", "done_how")),
    *(Column(name, Instant) for name in ("claimed_at", "listened_at")),
    Column("done_at", Instant, index=True),
)
is_its_message = and_(  # of a contact
    messages.c.call == contacts.c.call, messages.c.at == contacts.c.at, contacts.c.kind == Channel.VOICEMAIL
)


_calls = table("calls", column("id"), column("case_id"))  # what is shown of calls: supervision/store.py


@dataclass(frozen=True, slots=True)
class Contact:
    """One time that somebody was in touch about a case. `kind`: a Channel. `intake`: which of cases/intake.py's.

    `number`: whose it is; of a call-back: the people of `queue` are to call it.
    """

    kind: str
    call: str | None
    at: datetime
    queue: str | None = None
    number: str | None = None
    intake: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A case as the pages and the CLI show it. Number (where they never called: a mail address) and name are as the
    citizen gave them: escape them.
    """

    id: str
    state: str
    opened_at: datetime
    closed_at: datetime | None
    service: str
    entity: str | None
    person: str
    title: str | None
    kind: str | None  # what was said last of one of its calls: an `agents.disposition` Kind, a topic, a Level
    topic: str | None
    level: str | None
    opened_by_call: str | None
    why: str
    closed_why: str | None
    closed_by: str | None
    office: str | None
    stopped_at: datetime | None
    is_complex: bool
    merged_into: str | None
    worked_at: datetime | None
    requester: str | None
    region: str | None
    number: str
    name: str
    contacts: tuple[Contact, ...]

    @property
    def channel(self) -> str:
        """How its citizen came first."""
        return self.contacts[0].kind if self.contacts else Channel.CALL


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What of a case says by when it is to be answered. `channel`: how its citizen came first."""

    id: str
    service: str
    entity: str | None
    kind: str | None
    topic: str | None
    is_complex: bool
    opened_at: datetime
    closed_at: datetime | None
    channel: str


_UNFINISHED = tuple(each.name for each in fields(Unfinished) if each.name != "channel")


async def cases(
    database: Database, limit: int = 50, state: str | None = None, office: str | None = None, of: str = ""
) -> tuple[Case, ...]:
    """The newest `limit` cases (1 or more), all of them, or those in `state`, with `office`, or of one citizen: who
    has called or written from `of`, a telephone in E.164 or a mail address.
    """
    wanted = _cases_with_people().order_by(cases_table.c.opened_at.desc(), cases_table.c.id.desc()).limit(limit)
    if state is not None:
        wanted = wanted.where(cases_table.c.state == state)
    if office is not None:
        wanted = wanted.where(cases_table.c.office == office)
    if of:
        wanted = wanted.where(cases_table.c.id.in_(_of_citizen(of)))
    return await _read(database, wanted)


async def unfinished(database: Database, limit: int, office: str | None = None) -> tuple[Unfinished, ...]:
    """The oldest `limit` cases (1 or more) that somebody must still see to, all of them or those with `office`."""
    first = select(contacts.c.kind).where(contacts.c.case_id == cases_table.c.id).order_by(contacts.c.at, contacts.c.id)
    columns = (cases_table.c[name] for name in _UNFINISHED)
    wanted: Any = select(*columns, first.limit(1).scalar_subquery().label("channel")).where(
        cases_table.c.state.in_(GOES_ON)
    )
    if office is not None:
        wanted = wanted.where(cases_table.c.office == office)
    async with database.reading() as connection:
        rows = await connection.execute(wanted.order_by(cases_table.c.opened_at, cases_table.c.id).limit(limit))
        return tuple(Unfinished(*row) for row in rows.all())


async def cases_by_number(database: Database, numbers: Sequence[str]) -> tuple[Case, ...]:
    """The cases with these numbers, in their order; those that are not there are left out."""
    found = {case.id: case for case in await _read(database, _cases_with_people().where(cases_table.c.id.in_(numbers)))}
    return tuple(found[number] for number in numbers if number in found)


async def case(database: Database, number: str) -> Case | None:
    """The case with this number, however it is spaced; None where there is none."""
    found = await _read(database, _cases_with_people().where(cases_table.c.id == keyed(number)))
    return found[0] if found else None


async def open_cases(database: Database) -> frozenset[tuple[str, str]]:
    """Who has an open case, for which service. One whose call goes on is not among them: it may close with the call."""
    of_case, has_not_ended = contacts.c.case_id == cases_table.c.id, contacts.c.ended_at.is_(None)
    going_on = exists().where(of_case, contacts.c.kind == Channel.CALL, has_not_ended)
    is_open = cases_table.c.state.in_(GOES_ON)
    wanted = select(cases_table.c.person, cases_table.c.service).where(is_open, ~going_on)
    async with database.reading() as connection:
        return frozenset((row.person, row.service) for row in await connection.execute(wanted))


async def save_people(connection: AsyncConnection, known: dict[str, Person]) -> None:
    """Put number and name beside each key of `known`."""
    rows = [{"key": key, "number": person.number, "name": person.name} for key, person in known.items()]
    if rows:
        upsert = insert_or_update(connection.dialect.name, people, ("key",), ("number", "name"))
        await connection.execute(upsert, rows)


async def forget_people(connection: AsyncConnection) -> None:
    """Empty the table of people; it is filled again from the journal and the people's file."""
    await connection.execute(people.delete())


async def move_contacts(connection: AsyncConnection, which: Any, case: str) -> None:
    """Contacts go to another case, and so does what the calls among them say of theirs."""
    moved = contacts.update().where(which).values(case_id=case).returning(contacts.c.kind, contacts.c.call)
    calls = [row.call for row in (await connection.execute(moved)).all() if row.kind == Channel.CALL]
    await connection.execute(_calls.update().where(_calls.c.id.in_(calls)).values(case_id=case))


async def cases_of_calls(connection: AsyncConnection, calls: Iterable[str]) -> dict[str, str]:
    """Which case each of `calls` stands against already."""
    wanted = select(contacts.c.call, contacts.c.case_id).where(
        contacts.c.kind == Channel.CALL, contacts.c.call.in_(calls)
    )
    return {row.call: row.case_id for row in await connection.execute(wanted)}


def _of_citizen(of: str) -> Any:
    """The numbers of the cases. why a union: with an `or` in its place PostgreSQL would read every case there is."""
    called = select(cases_table.c.id).join(people, people.c.key == cases_table.c.person).where(people.c.number == of)
    is_theirs = or_(intakes.c.phone == of, intakes.c.mail == of.lower())
    wrote = select(contacts.c.case_id).join(intakes, intakes.c.id == contacts.c.intake).where(is_theirs)
    return union(called, wrote)


def _cases_with_people() -> Any:
    joined = cases_table.outerjoin(people, people.c.key == cases_table.c.person)
    return select(cases_table, people.c.number, people.c.name).select_from(joined)


async def _read(database: Database, wanted: Any) -> tuple[Case, ...]:
    async with database.reading() as connection:
        rows = (await connection.execute(wanted)).all()
        ids = [row.id for row in rows]
        touched = await connection.execute(
            select(contacts, people.c.number, intakes.c.phone, intakes.c.mail, intakes.c.name)
            .select_from(contacts.outerjoin(people, people.c.key == contacts.c.person).outerjoin(intakes))
            .where(contacts.c.case_id.in_(ids))
            .order_by(contacts.c.at, contacts.c.id)
        )
        in_touch: dict[str, list[Contact]] = {case_id: [] for case_id in ids}
        wrote: dict[str, tuple[str, str]] = {}  # who, of those that have not called: how to reach them, and their name
        for contact in touched:
            one = Contact(contact.kind, contact.call, contact.at, contact.queue, contact.number, contact.intake)
            in_touch[contact.case_id].append(one)
            if contact.intake is not None:
                wrote.setdefault(contact.case_id, (contact.phone or contact.mail, contact.name))
    return tuple(_case(row, tuple(in_touch[row.id]), wrote.get(row.id, ("", ""))) for row in rows)


def _case(row: Any, in_touch: tuple[Contact, ...], wrote: tuple[str, str]) -> Case:
    columns = dict(row._mapping)
    columns |= {"number": row.number or wrote[0], "name": row.name or wrote[1], "contacts": in_touch}
    return Case(**columns)
