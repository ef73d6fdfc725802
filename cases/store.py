"""People, cases and contacts in the database."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
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
    exists,
    false,
    or_,
    select,
    union,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from agents.disposition import Level
from cases.case_number import FROM_CALL, case_number, keyed
from cases.channels import Channel
from cases.joining import (
    CaseFacts,
    Close,
    Closed,
    ClosedCase,
    JoinWhy,
    OpenCase,
    OpenNew,
    Reopen,
    case_for,
    when_a_call_ends,
)
from cases.state import Act, State
from centralino.clock import as_utc
from centralino.database import Database, Instant, insert_or_update, metadata
from centralino.events import (
    CallArrived,
    CallBackAsked,
    CallBackBegun,
    CallBackOver,
    CallBackPromised,
    CallDisposed,
    CallEnded,
    CallEvent,
    EntityChosen,
    VoicemailEnded,
)
from centralino.people import Person

GOES_ON = (State.OPEN, State.AT_OFFICE)

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
    Column("person", Text),  # of a call-back: who is to be called
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
    *(
        Column(name, Text, nullable=False) for name in ("by", "subject", "words", "name", "phone", "mail")
    ),  # mail: small
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


@dataclass(frozen=True, slots=True)
class Contact:
    """One time that somebody was in touch about a case. `kind`: a Channel. `intake`: which of cases/intake.py's.

    Of a call-back: the people of `queue` are to call `number`.
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


async def cases_of_calls(connection: AsyncConnection, calls: Iterable[str]) -> dict[str, str]:
    """Which case each of `calls` stands against already."""
    wanted = select(contacts.c.call, contacts.c.case_id).where(
        contacts.c.kind == Channel.CALL, contacts.c.call.in_(calls)
    )
    return {row.call: row.case_id for row in await connection.execute(wanted)}


Reopening = Callable[[str, str], float]


BY_RULE = "rule"  # the role of what nobody did


def never(entity: str, service: str) -> float:
    """Closed cases stay so."""
    return 0.0


@dataclass(slots=True)
class CaseBook:
    """The cases that a batch of events is about: read once, decided in memory, saved once."""

    cases: dict[str, dict[str, Any]] = field(default_factory=dict)  # rows of `cases`, by id
    contacts: dict[str, dict[str, Any]] = field(default_factory=dict)  # rows of `contacts` of kind call, by call
    messages: dict[str, int] = field(default_factory=dict)  # kept voicemails that are not done, by case
    promises: dict[str, dict[str, Any]] = field(default_factory=dict)  # rows of kind call-back, by call
    known: set[str] = field(default_factory=set)  # persons who ever had a case
    changed: set[str] = field(default_factory=set)  # cases
    touched: list[dict[str, Any]] = field(default_factory=list)  # rows of `contacts`, new or changed
    reopened: list[dict[str, Any]] = field(default_factory=list)  # rows of `case_events`
    reopening_s: Reopening = never  # how long after its end a case of (entity, service) is opened again
    kept: list[dict[str, Any]] = field(default_factory=list)  # new rows of `messages`

    @property
    def case_of(self) -> dict[str, str]:
        """The case that each call stands against."""
        return {call: contact["case_id"] for call, contact in self.contacts.items()}

    def tell(self, n: int, at_s: float, event: CallEvent) -> None:
        """Take in the `n`-th event of the journal."""
        at = as_utc(at_s)
        match event:
            case CallArrived():
                self._arrived(n, at, event)
            case VoicemailEnded(kept=True) if event.call in self.contacts:
                self._message_kept(self.contacts[event.call]["case_id"], event, at)
            case CallBackPromised() if event.call in self.contacts:
                self._promised(self.contacts[event.call]["case_id"], event, at)
            case CallBackAsked(case=case_id) if case_id in self.cases:
                self._promised(case_id, event, at)
            case CallBackBegun(of=of) if of in self.contacts | self.promises and event.call not in self.contacts:
                case_id = (self.promises | self.contacts)[of]["case_id"]
                self.contacts[event.call] = self._touch(case_id, Channel.CALL, event.call, at)
            case CallBackOver(kept=True) if event.call in self.promises:
                self._kept(self.promises[event.call], at)
            case EntityChosen(entity=entity) if event.call in self.contacts:
                self._serve(self.contacts[event.call]["case_id"], event.call, entity)
            case CallDisposed() if event.call in self.contacts:
                self._disposed(self.contacts[event.call]["case_id"], event, at)
            case CallEnded() if event.call in self.contacts:
                self._ended(self.contacts[event.call], at)

    def _arrived(self, n: int, at: datetime, event: CallArrived) -> None:
        if event.call in self.contacts:
            return
        mine = [row for row in self.cases.values() if row["person"] == event.person and row["state"] in GOES_ON]
        decision = case_for(
            event.service,
            withheld=event.withheld,
            is_known=event.person in self.known,
            open_cases=[OpenCase(row["id"], row["service"], row["opened_at"]) for row in mine],
            closed=self._closed_of(event, at),
        )
        case_id = self._open(n, at, event, decision.why) if isinstance(decision, OpenNew) else decision.case
        if isinstance(decision, Reopen):
            self._reopen(case_id, event.call, at)
        self.contacts[event.call] = self._touch(case_id, Channel.CALL, event.call, at)

    def _closed_of(self, event: CallArrived, at: datetime) -> Closed | None:
        within_s = self.reopening_s(event.entity, event.service)
        if not within_s or event.withheld:
            return None
        mine = [row for row in self.cases.values() if row["person"] == event.person and row["state"] == State.CLOSED]
        closed = [ClosedCase(row["id"], row["service"], row["closed_at"]) for row in mine]
        return Closed(closed, at - timedelta(seconds=within_s))

    def _reopen(self, case_id: str, call: str, at: datetime) -> None:
        self.cases[case_id] |= {"state": State.OPEN, "closed_at": None, "closed_why": None, "closed_by": None}
        self.changed.add(case_id)
        event = {"case_id": case_id, "at": at, "act": Act.REOPEN, "by": "engine", "role": BY_RULE}
        self.reopened.append({**event, "words": JoinWhy.CLOSED_LATELY, "about": call})

    def _serve(self, case_id: str, call: str, entity: str) -> None:
        """A case that this call opened is for the entity that its caller chose."""
        row = self.cases[case_id]
        if row["opened_by_call"] == call:
            row["entity"] = entity
            self.changed.add(case_id)

    def _open(self, n: int, at: datetime, event: CallArrived, why: str) -> str:
        case_id = case_number(FROM_CALL, n)
        row: dict[str, Any] = dict.fromkeys(cases_table.c.keys())
        row |= {"id": case_id, "state": State.OPEN, "opened_at": at, "service": event.service, "person": event.person}
        row |= {"opened_by_call": event.call, "why": str(why), "entity": event.entity or None, "is_complex": False}
        self.cases[case_id] = row
        self.known.add(event.person)
        self.changed.add(case_id)
        return case_id

    def message_handled(self, case_id: str, at: datetime) -> None:
        """A message of the case was done, or was not done after all."""
        if not self.messages.get(case_id, 0):
            self._close_where_nothing_is_left(case_id, at)
        elif not self.cases[case_id]["closed_by"]:
            self._open_again(case_id)

    def _message_kept(self, case_id: str, event: VoicemailEnded, at: datetime) -> None:
        self.messages[case_id] = self.messages.get(case_id, 0) + 1
        self._touch(case_id, Channel.VOICEMAIL, event.call, at)
        row = {"call": event.call, "recording": event.recording, "box": event.box, "duration_s": event.duration_s}
        self.kept.append(row | {"person": event.person or self.cases[case_id]["person"], "at": at})
        self._open_again(case_id)  # the call's end may have been told first, and closed it

    def _open_again(self, case_id: str) -> None:
        if self.cases[case_id]["state"] == State.CLOSED:
            self.cases[case_id] |= {"state": State.OPEN, "closed_at": None, "closed_why": None}
            self.changed.add(case_id)

    def _ended(self, contact: dict[str, Any], at: datetime) -> None:
        contact["ended_at"] = at
        self.touched.append(contact)
        self._close_where_nothing_is_left(contact["case_id"], at)

    def _disposed(self, case_id: str, event: CallDisposed, at: datetime) -> None:
        """The second level has what was handed on: its case is open until somebody says that it is solved."""
        row = self.cases[case_id]
        row |= {"kind": event.kind, "topic": event.topic or None, "level": event.level or None}
        self.changed.add(case_id)
        if event.level == Level.HANDED_ON and row["state"] == State.CLOSED:
            row |= {"state": State.OPEN, "closed_at": None, "closed_why": None}
        elif event.level != Level.HANDED_ON:
            self._close_where_nothing_is_left(case_id, at)

    def _promised(self, case_id: str, event: CallBackPromised | CallBackAsked, at: datetime) -> None:
        promised = self._touch(case_id, Channel.CALL_BACK, event.call, at)
        promised |= {"queue": event.queue, "person": event.person}
        self.promises[event.call] = promised

    def _kept(self, promise: dict[str, Any], at: datetime) -> None:
        """Nobody need be called back any more."""
        promise["ended_at"] = at
        self.touched.append(promise)
        self._close_where_nothing_is_left(promise["case_id"], at)

    def _close_where_nothing_is_left(self, case_id: str, at: datetime) -> None:
        row = self.cases[case_id]
        going_on = [each for each in self.contacts.values() if each["case_id"] == case_id and not each["ended_at"]]
        facts = CaseFacts(
            is_open=row["state"] in GOES_ON,
            is_worked_on=bool(row["worked_at"] or row["level"] == Level.HANDED_ON or not row["opened_by_call"]),
            messages=self.messages.get(case_id, 0),
            call_backs=sum(one["case_id"] == case_id and not one["ended_at"] for one in self.promises.values()),
            open_calls=len(going_on),
        )
        decision = when_a_call_ends(facts)
        if isinstance(decision, Close):
            row |= {"state": State.CLOSED, "closed_at": at, "closed_why": str(decision.why)}
            self.changed.add(case_id)

    def _touch(self, case_id: str, kind: str, call: str, at: datetime) -> dict[str, Any]:
        contact = dict.fromkeys(_CONTACT) | {"case_id": case_id, "kind": kind, "call": call, "at": at}
        self.touched.append(contact)
        return contact


async def open_book(
    connection: AsyncConnection, events: Sequence[CallEvent], reopening_s: Reopening = never
) -> CaseBook:
    """Everything that is needed to decide about the cases of `events`."""
    book = CaseBook(reopening_s=reopening_s)
    persons = {event.person for event in events if isinstance(event, CallArrived) and not event.withheld}
    arrived = [event for event in events if isinstance(event, CallArrived)]
    may_reopen = any(reopening_s(event.entity, event.service) for event in arrived)
    calls = {event.call for event in events if isinstance(event, _TOLD)}
    calls |= {event.of for event in events if isinstance(event, CallBackBegun)}
    if not calls:
        return book
    asked = {event.case for event in events if isinstance(event, CallBackAsked)}
    of_calls = select(contacts.c.case_id).where(contacts.c.call.in_(calls))
    states = GOES_ON if not may_reopen else (*GOES_ON, State.CLOSED)
    open_ones = (cases_table.c.person.in_(persons)) & cases_table.c.state.in_(states)
    wanted = _cases_with_contacts.where(or_(open_ones, cases_table.c.id.in_(of_calls), cases_table.c.id.in_(asked)))
    wanted = wanted.with_for_update(of=cases_table)  # people work on cases too
    for row in await connection.execute(wanted):
        _note(book, dict(row._mapping))
    if unsure := persons - book.known:
        had_one = select(cases_table.c.person).where(cases_table.c.person.in_(unsure)).distinct()
        book.known |= set((await connection.execute(had_one)).scalars())
    return book


async def book_of_case(connection: AsyncConnection, case_id: str) -> CaseBook:
    """Everything that is needed to decide about this one case."""
    book = CaseBook()
    wanted = _cases_with_contacts.where(cases_table.c.id == case_id).with_for_update(of=cases_table)
    for row in await connection.execute(wanted):
        _note(book, dict(row._mapping))
    return book


async def save_book(connection: AsyncConnection, book: CaseBook) -> None:
    """Write what changed: cases opened and closed, contacts begun and ended, messages kept."""
    dialect = connection.dialect.name
    if book.changed:
        upsert = insert_or_update(dialect, cases_table, ("id",), _CASE_CHANGES)
        await connection.execute(upsert, [book.cases[case_id] for case_id in sorted(book.changed)])
    if book.touched:
        upsert = insert_or_update(dialect, contacts, ("call", "kind", "at"), ("ended_at",))
        await connection.execute(upsert, book.touched)
    if book.reopened:
        await connection.execute(case_events.insert(), book.reopened)
    if book.kept:
        await connection.execute(insert_or_update(dialect, messages, ("call",), ()), book.kept)


_TOLD = (
    CallArrived
    | CallBackAsked
    | VoicemailEnded
    | CallBackPromised
    | CallBackBegun
    | CallBackOver
    | EntityChosen
    | CallDisposed
    | CallEnded
)
_CASE_CHANGES = ("state", "closed_at", "closed_why", "closed_by", "entity", "kind", "topic", "level")
_CONTACT = ("case_id", "kind", "call", "at", "ended_at", "person", "queue")
_cases_with_contacts = select(
    cases_table,
    *(contacts.c[name].label(f"contact_{name}") for name in _CONTACT),
    (messages.c.call.is_not(None) & messages.c.done_at.is_(None)).label("waits"),
).select_from(
    cases_table.outerjoin(contacts, contacts.c.case_id == cases_table.c.id).outerjoin(messages, is_its_message)
)


def _note(book: CaseBook, row: dict[str, Any]) -> None:
    contact = {name: row.pop(f"contact_{name}") for name in _CONTACT}
    waits = row.pop("waits")
    book.cases.setdefault(row["id"], row)
    book.known.add(row["person"])
    if waits:
        book.messages[contact["case_id"]] = book.messages.get(contact["case_id"], 0) + 1
    elif contact["kind"] == Channel.CALL_BACK:
        book.promises[contact["call"]] = contact
    elif contact["kind"] == Channel.CALL:
        book.contacts[contact["call"]] = contact


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
