"""The cases that a batch of events is about: read once, decided in memory, saved once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from agents.disposition import Level
from cases.case_number import FROM_CALL, case_number
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
from cases.store import BY_RULE, GOES_ON, case_events, cases_table, contacts, is_its_message, messages
from centralino.clock import as_utc
from centralino.database import insert_or_update
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

Reopening = Callable[[str, str], float]


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
                self._message_kept(self.contacts[event.call], event, at)
            case CallBackPromised() if event.call in self.contacts:
                self._promised(self.contacts[event.call], event, at)
            case CallBackAsked(case=case_id) if case_id in self.cases:
                self._promised({"case_id": case_id, "service": event.service}, event, at)
            case CallBackBegun() if event.call not in self.contacts:
                self._called_back(event, at)
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
        mine = [row for row in self._theirs(event.person) if row["state"] in GOES_ON]
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
        whose = {"case_id": case_id, "person": event.person, "service": event.service}
        self.contacts[event.call] = self._touch(whose, Channel.CALL, event.call, at)

    def _closed_of(self, event: CallArrived, at: datetime) -> Closed | None:
        within_s = self.reopening_s(event.entity, event.service)
        if not within_s or event.withheld:
            return None
        mine = [row for row in self._theirs(event.person) if row["state"] == State.CLOSED]
        closed = [ClosedCase(row["id"], row["service"], row["closed_at"]) for row in mine]
        return Closed(closed, at - timedelta(seconds=within_s))

    def _theirs(self, person: str) -> Iterator[dict[str, Any]]:
        """Their cases; none that somebody may have opened in their name, who would be told what comes of it."""
        return (row for row in self.cases.values() if row["person"] == person and row["why"] != JoinWhy.UNPROVEN)

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

    def _message_kept(self, left_in: dict[str, Any], event: VoicemailEnded, at: datetime) -> None:
        case_id = left_in["case_id"]
        self.messages[case_id] = self.messages.get(case_id, 0) + 1
        self._touch(left_in, Channel.VOICEMAIL, event.call, at)
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

    def _promised(self, like: Mapping[str, Any], event: CallBackPromised | CallBackAsked, at: datetime) -> None:
        promised = self._touch({**like, "person": event.person}, Channel.CALL_BACK, event.call, at)
        promised["queue"] = event.queue
        self.promises[event.call] = promised

    def _called_back(self, event: CallBackBegun, at: datetime) -> None:
        if promised := self.contacts.get(event.of) or self.promises.get(event.of):
            self.contacts[event.call] = self._touch({**promised, "person": event.person}, Channel.CALL, event.call, at)

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

    def _touch(self, like: Mapping[str, Any], kind: str, call: str, at: datetime) -> dict[str, Any]:
        """Another contact of the case, the person and the service of `like`."""
        whose = {name: like[name] for name in ("case_id", "person", "service")}
        contact = dict.fromkeys(_CONTACT) | whose | {"kind": kind, "call": call, "at": at}
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
    await _read(connection, book, or_(open_ones, cases_table.c.id.in_(of_calls), cases_table.c.id.in_(asked)))
    if unsure := persons - book.known:
        had_one = select(cases_table.c.person).where(cases_table.c.person.in_(unsure)).distinct()
        book.known |= set((await connection.execute(had_one)).scalars())
    return book


async def book_of_case(connection: AsyncConnection, case_id: str) -> CaseBook:
    """Everything that is needed to decide about this one case."""
    book = CaseBook()
    await _read(connection, book, cases_table.c.id == case_id)
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
_CONTACT = ("case_id", "kind", "call", "at", "ended_at", "person", "service", "queue")
_cases_with_contacts = select(
    cases_table,
    *(contacts.c[name].label(f"contact_{name}") for name in _CONTACT),
    (messages.c.call.is_not(None) & messages.c.done_at.is_(None)).label("waits"),
).select_from(
    cases_table.outerjoin(contacts, contacts.c.case_id == cases_table.c.id).outerjoin(messages, is_its_message)
)


async def _read(connection: AsyncConnection, book: CaseBook, which: ColumnElement[bool]) -> None:
    """Locked: people work on cases too. why twice: where PostgreSQL waits for a case, it reads what is joined with it
    as that was before, and a contact may have gone to another case meanwhile.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(cases_table.c.id).where(which).with_for_update())
    for row in await connection.execute(_cases_with_contacts.where(which).with_for_update(of=cases_table)):
        _note(book, dict(row._mapping))


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
