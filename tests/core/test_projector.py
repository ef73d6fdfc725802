"""From the journal into the database: in order, once, and whatever happens to the database meanwhile."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import msgspec
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from acd.rules import HeadStart, QueueRules
from cases.case_number import FROM_CALL, case_number
from cases.outbox import outbox
from cases.sheets_store import sheets_table
from cases.store import Contact, cases_table, contacts, people
from centralino import database as database_module
from centralino.clock import as_utc
from centralino.database import DatabaseAway, database_url, metadata, open_database
from centralino.events import (
    AgentPaused,
    AnyEvent,
    CallArrived,
    CallBackAsked,
    CallBackBegun,
    CallBackOver,
    CallBackPromised,
    CallBackRung,
    CallDisposed,
    CallHandedOn,
    CallTransferred,
    ColleagueTalks,
    OfferEnded,
    OfficeRung,
    Outcome,
    OwnCallAnswered,
    OwnCallBegun,
    OwnCallEnded,
    OwnCallRefused,
    OwnCallTakenUp,
    QueueEntered,
    QueueLeft,
    RingEnded,
    SecurityAlert,
    StepEntered,
    TalkEnded,
    TalkStarted,
    VoicemailEnded,
    VoicemailStarted,
)
from centralino.journal import Journal
from centralino.open_cases import OpenCases
from supervision import calls_view, store
from supervision import projector as projectors
from supervision.calls_view import CallState
from supervision.projector import HistoryMissing, Projector
from supervision.store import call, case, cases, events_of, own_call, recent_calls, recent_own_calls
from tests.records import DEADLINE_S, House, answered_call, arrival, end, offer

HOSTILE = "a\"b',;\r\n\0<script>\u202e😀" + "x" * 5000


async def test_an_answered_call_stands_in_its_row_with_waits_talk_and_case(house: House) -> None:
    answered_call(house, "main-1.1", house.caller("3331234567", "Ana"))
    await house.projected()
    found = await call(house.database, "main-1.1")
    assert found
    assert (found.state, found.outcome, found.language, found.step) == (CallState.ENDED, "answered", "en", "main")
    assert (found.agent, found.phone, found.queue) == ("a2", "p2", "tributi")
    assert (found.wait_s, found.talk_s, found.in_time) == (29.0, 60.0, False)
    assert found.arrived_at == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert (found.number, found.name) == ("+393331234567", "Ana")
    assert found.case_id == case_number(FROM_CALL, 1)
    stands = await case(house.database, found.case_id)
    assert stands
    assert (stands.state, stands.closed_why, stands.number) == ("closed", "nothing left to do", "+393331234567")


async def test_one_event_at_a_time_gives_the_same_rows_as_all_in_one_batch(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered_call(house, "c1", house.caller("3331234567", "Ana"))
    monkeypatch.setattr(projectors, "BATCH_MAX", 1)
    await house.projected()
    one_by_one = await house.everything()
    monkeypatch.undo()
    await house.projector.rebuild()
    assert await house.everything() == one_by_one


async def test_a_call_is_seen_in_its_state_while_it_goes_on(house: House) -> None:
    person, seen = house.caller("3331234567"), []
    steps: list[AnyEvent] = [
        arrival("c1", person),
        StepEntered(call="c1", step="main"),
        QueueEntered(call="c1", queue="tributi", first_entered_s=house.clock.now_s()),
        offer("c1"),
        OfferEnded(call="c1", agent="a1", leg="leg-a1", why="no answer"),
        offer("c1", "a2", "p2"),
        TalkStarted(call="c1", agent="a2", leg="leg-a2", in_time=True),
    ]
    for event in steps:
        house.tell(event)
        await house.projected()
        [row] = await recent_calls(house.database, 5)
        seen.append((row.state.value, row.agent))
    assert seen == [
        ("arrived", None),
        ("in menu", None),
        ("queued", None),
        ("offered", "a1"),
        ("queued", None),
        ("offered", "a2"),
        ("talking", "a2"),
    ]


async def test_a_call_that_rings_at_several_phones_is_offered_until_the_last_of_them_stops(house: House) -> None:
    person, seen = house.caller("3331234567"), []
    steps: list[AnyEvent] = [
        arrival("c1", person),
        QueueEntered(call="c1", queue="tributi", first_entered_s=house.clock.now_s()),
        offer("c1"),
        offer("c1", "a2", "p2"),
        RingEnded(call="c1", agent="a2", leg="leg-a2", why="rejected"),
        OfferEnded(call="c1", agent="a1", leg="leg-a1", why="no answer"),
        offer("c1"),
        offer("c1", "a2", "p2"),
        TalkStarted(call="c1", agent="a1", leg="leg-a1", in_time=True, phone="p1"),
        RingEnded(call="c1", agent="a2", leg="leg-a2", why="somebody else answered"),
    ]
    for event in steps:
        house.tell(event)
        await house.projected()
        [row] = await recent_calls(house.database, 5)
        seen.append((row.state.value, row.agent, row.phone))
    assert seen[2:] == [
        ("offered", "a1", "p1"),
        ("offered", "a2", "p2"),
        ("offered", None, None),
        ("queued", None, None),
        ("offered", "a1", "p1"),
        ("offered", "a2", "p2"),
        ("talking", "a1", "p1"),
        ("talking", "a1", "p1"),
    ]


def handed_on_call(house: House, call_id: str, person: str) -> None:
    """Answered by a1 after 5 s, who talks for 60 s and hands it on; a9 does not answer; back, and nobody answers."""
    house.tell(arrival(call_id, person))
    first_s = house.clock.now_s()
    note = house.people.keep_answer("Signora Rossi", person, first_s)
    handed_on = CallHandedOn(
        call=call_id, agent="a1", leg="leg-a1", queue="tributi", to="city/x", by="a1 (cli)", note=note
    )
    at_office = QueueEntered(call=call_id, queue="x", first_entered_s=first_s, office="city/x", back_at_s=first_s + 90)
    house.tell(QueueEntered(call=call_id, queue="tributi", first_entered_s=first_s), offer(call_id))
    house.tell(TalkStarted(call=call_id, agent="a1", leg="leg-a1", in_time=True), after_s=5)
    house.tell(handed_on, after_s=60)
    house.tell(StepEntered(call=call_id, step="*handed-on"), at_office, offer(call_id, "a9", "p9"))
    house.tell(OfferEnded(call=call_id, agent="a9", leg="leg-a9", why="no answer"), after_s=20)
    house.tell(QueueLeft(call=call_id, queue="x", why="nobody there answered in time"), after_s=10)
    house.tell(QueueEntered(call=call_id, queue="tributi", first_entered_s=first_s))


async def test_a_call_that_is_handed_on_and_then_given_up_was_answered_by_the_first_level(house: House) -> None:
    handed_on_call(house, "c1", house.caller("3331234567"))
    house.tell(end("c1"), after_s=30)
    await house.projected()
    found = await call(house.database, "c1")
    assert found
    assert (found.outcome, found.agent, found.queue, found.office) == ("answered", "a1", "tributi", "city/x")
    assert (found.wait_s, found.talk_s, found.in_time) == (5.0, 60.0, True)
    assert found.answers == {"a1": "Signora Rossi"}
    assert len(await cases(house.database)) == 1
    kept = [event.body for event in await events_of(house.database, "c1")]
    assert "Rossi" not in repr(kept), "but the key of it"


async def test_who_was_given_a_caller_by_a_colleague_is_the_calls_agent_and_talks_on(house: House) -> None:
    house.tell(arrival("c1", house.caller("3331234567")))
    house.tell(QueueEntered(call="c1", queue="tributi", first_entered_s=house.clock.now_s()), offer("c1"))
    house.tell(TalkStarted(call="c1", agent="a1", leg="leg-a1", in_time=True), after_s=5)
    house.tell(CallHandedOn(call="c1", agent="a1", leg="leg-a1", queue="tributi", to="@a2", by="phone p1"), after_s=60)
    house.tell(OfficeRung(call="c1", office="@a2", leg="leg-a2", to_phone="p2"))
    house.tell(ColleagueTalks(call="c1", agent="a2", leg="leg-a2", queue="tributi", phone="p2"), after_s=7)
    house.tell(TalkEnded(call="c1", agent="a2", leg="leg-a2", by="caller"), end("c1"), after_s=30)
    await house.projected()
    found = await call(house.database, "c1")
    assert found
    assert (found.outcome, found.agent, found.phone, found.office) == ("answered", "a2", "p2", None)
    assert (found.wait_s, found.talk_s, found.in_time) == (5.0, 90.0, True)


async def test_what_an_agent_writes_the_second_time_stands_beside_the_first(house: House) -> None:
    person = house.caller("3331234567")
    handed_on_call(house, "c1", person)
    more = house.people.keep_answer("e la frana", person, house.clock.now_s())
    again = CallHandedOn(call="c1", agent="a1", leg="leg-a1", queue="tributi", to="city/x", by="a1", note=more)
    silent = CallHandedOn(call="c1", agent="a1", leg="leg-a1", queue="tributi", to="city/x", by="a1")
    for handed_on in (again, silent):
        house.tell(offer("c1"), TalkStarted(call="c1", agent="a1", leg="leg-a1", in_time=False), handed_on)
    await house.projected()
    found = await call(house.database, "c1")
    assert found
    assert found.answers == {"a1": "Signora Rossi / e la frana"}


async def test_a_caller_who_gives_up_while_a_phone_rings_waited_and_was_answered_by_nobody(house: House) -> None:
    house.tell(arrival("c1", house.caller("3331234567")))
    house.tell(QueueEntered(call="c1", queue="tributi", first_entered_s=house.clock.now_s()), offer("c1"))
    house.tell(end("c1", Outcome.ABANDONED), after_s=12.5)
    await house.projected()
    found = await call(house.database, "c1")
    assert found
    assert (found.outcome, found.wait_s, found.agent, found.phone) == ("abandoned", 12.5, None, None)


async def test_who_has_something_open_is_known_and_a_call_that_goes_on_is_none_of_it(house: House) -> None:
    rules = [QueueRules("tributi", head_starts=(HeadStart(60.0, open_case=True),))]
    known = OpenCases(lambda: rules)
    ana, bo = house.caller("3331234567"), house.caller("3337654321")
    house.tell(arrival("c1", ana), arrival("c2", bo))
    await house.projected()
    await known.look(house.database)
    assert not known.has(ana, "055055"), "its own call opened it"
    house.tell(VoicemailStarted(call="c1", box="tributi", recording="vm-c1"))
    house.tell(VoicemailEnded(call="c1", recording="vm-c1", kept=True, duration_s=8.5, why="hash"))
    house.tell(end("c1", Outcome.VOICEMAIL), end("c2"))
    await house.projected()
    await known.look(house.database)
    assert (known.has(ana, "055055"), known.has(ana, "020202"), known.has(bo, "055055")) == (True, False, False)
    await house.stop()
    async with house.database.writing() as connection:  # as the desk does
        await connection.execute(cases_table.update().values(state="closed"))
    await known.look(house.database)
    assert not known.has(ana, "055055")


async def test_while_the_database_is_away_what_was_known_of_cases_remains(house: House, tmp_path: Path) -> None:
    rules = [QueueRules("tributi", head_starts=(HeadStart(60.0, open_case=True),))]
    known, ana = OpenCases(lambda: rules), house.caller("3331234567")
    house.tell(arrival("c1", ana), CallBackPromised(call="c1", queue="tributi", person=ana), end("c1"))
    await house.projected()
    await known.look(house.database)
    away = open_database(database_url("sqlite", tmp_path / "nowhere"))
    await known.look(away)
    await away.close()
    assert known.has(ana, "055055")
    rules.clear()
    await known.look(house.database)
    assert not known.has(ana, "055055"), "nobody asks for it any more"


async def test_a_kept_message_stands_with_the_call_and_keeps_the_case_open(house: House) -> None:
    person = house.caller("3331234567")
    house.tell(arrival("c1", person), QueueEntered(call="c1", queue="tributi", first_entered_s=house.clock.now_s()))
    house.tell(QueueLeft(call="c1", queue="tributi", why="voicemail key"), after_s=30)
    house.tell(VoicemailStarted(call="c1", box="tributi", recording="vm-c1"))
    house.tell(VoicemailEnded(call="c1", recording="vm-c1", kept=True, duration_s=8.5, why="hash"), after_s=9)
    house.tell(end("c1", Outcome.VOICEMAIL))
    await house.projected()
    house.tell(arrival("c2", person), end("c2", Outcome.ENDED_IN_MENU), after_s=60)
    await house.projected()
    first, second = await call(house.database, "c1"), await call(house.database, "c2")
    assert first
    assert second
    assert (first.voicemail, first.voicemail_s, first.wait_s) == ("vm-c1", 8.5, 30.0)
    assert second.case_id == first.case_id
    [stands] = await cases(house.database, 10, "open")
    assert [(contact.kind, contact.call) for contact in stands.contacts] == [
        ("call", "c1"),
        ("voicemail", "c1"),
        ("call", "c2"),
    ]


async def test_a_call_back_stands_against_the_case_in_which_it_was_promised_and_closes_it(house: House) -> None:
    person = house.caller("3331234567")
    house.tell(arrival("c1", person), CallBackPromised(call="c1", queue="tributi", person=person))
    house.tell(end("c1", Outcome.CALL_BACK))
    await house.projected()
    [stands] = await cases(house.database, 10)
    assert stands.state == "open"
    house.tell(attempt("c1", person, house.clock.now_s()))
    house.tell(offer("c1-back1"), CallBackRung(call="c1-back1", agent="a1", leg="leg-a1"), after_s=30)
    await house.projected()
    row = await call(house.database, "c1-back1")
    assert row
    assert (row.state, row.call_back_of, row.case_id, row.number) == ("calling back", "c1", stands.id, "+393331234567")
    house.tell(TalkStarted(call="c1-back1", agent="a1", leg="leg-a1", in_time=False), after_s=5)
    house.tell(TalkEnded(call="c1-back1", agent="a1", leg="leg-a1", by="agent"), after_s=60)
    house.tell(end("c1-back1"), CallBackOver(call="c1", kept=True, why="they talked"))
    await house.projected()
    row = await call(house.database, "c1-back1")
    assert row
    assert (row.outcome, row.wait_s, row.talk_s, row.in_time) == ("answered", 65.0, 60.0, None)
    [stands] = await cases(house.database, 10)
    assert (stands.state, stands.closed_why) == ("closed", "nothing left to do")


def attempt(of: str, person: str, first_entered_s: float) -> CallBackBegun:
    where = {"node": "main", "service": "055055", "person": person, "language": "it", "queue": "tributi"}
    return CallBackBegun(call=f"{of}-back1", of=of, attempt=1, first_entered_s=first_entered_s, **where)


async def test_a_call_back_that_an_office_promised_stands_against_the_case_and_leaves_it_to_the_office(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    person = house.caller("3331234567")
    house.tell(arrival("c1", person), CallDisposed(call="c1", kind="report", level="handed on", by="a1"), end("c1"))
    await house.projected()
    [stands] = await cases(house.database, 10)
    where = {"node": "main", "service": "055055", "language": "it"}
    house.tell(CallBackAsked(call="p1", case=stands.id, queue="tributi", person=person, by="office", **where))
    await house.projected()
    house.tell(attempt("p1", person, house.clock.now_s()), end("p1-back1"))
    house.tell(CallBackOver(call="p1", kept=True, why="they talked"), after_s=1)
    await house.projected()
    [stands] = await cases(house.database, 10)
    promised = Contact("call-back", "p1", as_utc(house.clock.now_s() - 1), "tributi", "+393331234567")
    assert promised in stands.contacts
    assert [(each.kind, each.call) for each in stands.contacts] == [
        ("call", "c1"),
        ("call-back", "p1"),
        ("call", "p1-back1"),
    ]
    assert stands.state == "open", "it is for the office to say that it is over"
    row = await call(house.database, "p1-back1")
    assert row
    assert (row.case_id, row.call_back_of) == (stands.id, "p1")
    assert not caplog.records
    await house.projector.rebuild()
    assert await cases(house.database, 10) == (stands,)


async def test_a_promise_that_was_given_up_keeps_the_case_open(house: House) -> None:
    person = house.caller("3331234567")
    house.tell(arrival("c1", person), CallBackPromised(call="c1", queue="tributi", person=person))
    house.tell(end("c1", Outcome.CALL_BACK), CallBackOver(call="c1", kept=False, why="not reached in 3 attempts"))
    await house.projected()
    [stands] = await cases(house.database, 10)
    assert stands.state == "open"


async def test_the_trail_of_a_call_names_the_reasons_in_order(house: House) -> None:
    answered_call(house, "c1", house.caller("3331234567"))
    house.tell(AgentPaused(agent="a2", reason="coffee", by="a2"))
    await house.projected()
    trail = await events_of(house.database, "c1")
    assert [line.kind for line in trail][:3] == ["CallArrived", "LanguageChosen", "StepEntered"]
    assert [line.n for line in trail] == sorted(line.n for line in trail)
    assert [line.why for line in trail if line.why] == [
        "longest idle",
        "no answer",
        "longest idle",
        "caller hung up",
    ]
    everything = await house.everything()
    assert [row[3:] for row in everything["agents_log"]] == [("AgentPaused", {"reason": "coffee", "by": "a2"})]


async def test_an_agents_own_call_ends_where_they_leave_the_caller_with_whom_they_called(house: House) -> None:
    house.tell(arrival("c1", house.caller("3331234567")))
    house.tell(QueueEntered(call="c1", queue="tributi", first_entered_s=house.clock.now_s()), offer("c1"))
    house.tell(TalkStarted(call="c1", agent="a1", leg="leg-a1", in_time=True), after_s=5)
    house.tell(OwnCallBegun(call="m-1.1", node="main", phone="p1", agent="a1", to="a2", to_phone="p2"))
    house.tell(OwnCallAnswered(call="m-1.1"), after_s=4)
    left = {"agent": "a1", "leg": "leg-a1", "queue": "tributi", "to": "@a2", "to_leg": "m-1.1-leg1"}
    house.tell(CallTransferred(call="c1", **left, answered=True, own_call="m-1.1"), after_s=20)
    await house.projected()
    found = await own_call(house.database, "m-1.1")
    assert found
    assert (found.state, found.talk_s, found.why) == ("ended", 20.0, "the caller was left with them")


async def test_agents_own_calls_stand_in_the_records_and_in_no_figure(house: House) -> None:
    outside = house.caller("3331234567")
    house.tell(OwnCallBegun(call="m-1.1", node="main", phone="p1", agent="a1", to="a2", to_phone="p2"))
    house.tell(OwnCallAnswered(call="m-1.1"), after_s=4)
    house.tell(OwnCallEnded(call="m-1.1", why="the other one hung up"), after_s=60)
    house.tell(OwnCallBegun(call="m-1.2", node="main", phone="p1", agent="a1", person=outside), after_s=1)
    house.tell(OwnCallEnded(call="m-1.2", why="busy"), after_s=7)
    house.tell(OwnCallRefused(call="m-1.3", phone="p3", person=house.caller("899123456"), why="premium"), after_s=1)
    house.tell(OwnCallBegun(call="m-1.4", node="main", phone="p3", to="p2", to_phone="p2"), after_s=1)
    await house.projected()
    found = await recent_own_calls(house.database, 10)
    assert [(one.id, one.state, one.agent, one.to, one.number, one.ring_s, one.talk_s, one.why) for one in found] == [
        ("m-1.4", "ringing", None, "p2", "", None, None, None),
        ("m-1.3", "refused", None, None, "+39899123456", None, None, "premium"),
        ("m-1.2", "ended", "a1", None, "+393331234567", 7.0, None, "busy"),
        ("m-1.1", "ended", "a1", "a2", "", 4.0, 60.0, "the other one hung up"),
    ]
    assert await own_call(house.database, "m-1.1") == found[3]
    assert await own_call(house.database, "m-1.9") is None
    assert [line.kind for line in await events_of(house.database, "m-1.1")] == [
        "OwnCallBegun",
        "OwnCallAnswered",
        "OwnCallEnded",
    ]
    assert await recent_calls(house.database) == await cases(house.database) == ()
    before = await house.everything()
    await house.projector.rebuild()
    assert await house.everything() == before


async def test_a_call_that_was_placed_rings_from_when_the_agent_is_there_and_who_asked_for_it_is_on_record(
    house: House,
) -> None:
    outside = house.caller("3331234567")
    placed = OwnCallBegun(call="m-1", node="main", phone="p1", agent="a1", person=outside, by="sara", entity="city")
    house.tell(placed)
    house.tell(OwnCallTakenUp(call="m-1"), after_s=9)
    house.tell(OwnCallAnswered(call="m-1"), after_s=4)
    house.tell(OwnCallEnded(call="m-1", why="the other one hung up"), after_s=60)
    house.tell(msgspec.structs.replace(placed, call="m-2"), after_s=1)
    house.tell(OwnCallTakenUp(call="m-2"), after_s=3)
    house.tell(OwnCallEnded(call="m-2", why="no answer"), after_s=60)
    house.tell(msgspec.structs.replace(placed, call="m-3"), after_s=1)
    house.tell(OwnCallEnded(call="m-3", why="no answer"), after_s=30)
    house.tell(OwnCallRefused(phone="p1", agent="a1", person=outside, why="abroad", by="sara"), after_s=1)
    house.tell(OwnCallBegun(call="m-4", node="main", phone="p1", to="p2", to_phone="p2"), after_s=1)
    await house.projected()
    found = await recent_own_calls(house.database, 10)
    assert [(one.id, one.ring_s, one.talk_s, one.by, one.entity) for one in found] == [
        ("m-4", None, None, None, None),
        (found[1].id, None, None, "sara", None),
        ("m-3", None, None, "sara", "city"),
        ("m-2", 60.0, None, "sara", "city"),
        ("m-1", 4.0, 60.0, "sara", "city"),
    ]


async def test_a_refusal_of_an_old_journal_has_its_own_row(house: House) -> None:
    house.tell(OwnCallRefused(phone="p1", why="premium"), OwnCallRefused(phone="p1", why="abroad"))
    await house.projected()
    assert [one.id for one in await recent_own_calls(house.database)] == ["refused-2", "refused-1"]


async def test_hostile_numbers_and_names_are_stored_and_do_no_harm(house: House) -> None:
    house.tell(arrival("c1", house.caller(HOSTILE, HOSTILE), dialled=HOSTILE, service=""), end("c1"))
    house.tell(SecurityAlert(kind="InvalidPassword", account=HOSTILE, address=HOSTILE))
    await house.projected()
    [found] = await recent_calls(house.database, 10)
    assert found.number.startswith("a\"b',;<script>😀x")
    assert (len(found.number), len(found.name), len(found.dialled)) == (64, 128, 64)
    assert (await events_of(house.database, "c1"))[0].body["dialled"] == HOSTILE
    assert len((await house.everything())["house_log"]) == 1


async def test_a_withheld_number_never_joins_an_older_case(house: House) -> None:
    for call_id in ("c1", "c2"):
        arrived = CallArrived(
            call=call_id,
            node="main",
            dialled="055055",
            service="055055",
            person=house.caller("anonymous"),
            withheld=True,
            language="it",
        )
        house.tell(arrived)
    await house.projected()
    one, two = await recent_calls(house.database, 10)
    assert one.case_id != two.case_id
    assert [each.why for each in await cases(house.database)] == ["withheld number", "withheld number"]
    assert (await house.everything())["people"] == []


async def test_a_new_projector_goes_on_where_the_last_one_stopped(house: House) -> None:
    person = house.caller("3331234567")
    house.tell(arrival("c1", person))
    await house.projected()
    await house.stop()
    house.tell(StepEntered(call="c1", step="main"))
    house.journal.start_segment({"engine": 2})
    house.tell(end("c1", Outcome.ENDED_IN_MENU))
    house.projector = Projector(house.journal, house.people, house.database)
    await house.projected()
    everything = await house.everything()
    assert [row[0] for row in everything["call_events"]] == [1, 2, 3]
    assert everything["projected"] == [(1, 3, 3)]


async def test_what_is_written_while_the_projector_starts_is_taken_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    person = house.caller("3331234567")
    house.tell(arrival("c1", person))
    house.start()
    await asyncio.sleep(0)  # it listens now, and has not read the file yet
    assert house.journal.on_append
    house.tell(StepEntered(call="c1", step="main"), end("c1"))
    await house.projected()
    house.tell(arrival("c2", person))
    await house.projected()
    assert [row[0] for row in (await house.everything())["call_events"]] == [1, 2, 3, 4]
    assert "cannot be projected" not in caplog.text
    assert [each.why for each in await cases(house.database)] == ["no open case", "first contact"]


async def test_an_overflowing_buffer_falls_back_to_the_file(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.projected()
    monkeypatch.setattr(projectors, "BUFFER_MAX", 3)
    house.tell(arrival("c1", house.caller("3331234567")))
    house.tell(*(StepEntered(call="c1", step=str(number)) for number in range(50)))
    await house.projected()
    assert len(await events_of(house.database, "c1")) == 51


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("nobody listens there"),
        TimeoutError(),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        DBAPIError("UPDATE", {}, Exception("terminating connection"), connection_invalidated=True),
    ],
    ids=["refused", "silent", "starting", "shutting down"],
)
async def test_a_database_that_is_away_is_caught_up_with_and_told_once(
    house: House, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = asyncio.Semaphore(0)
    real = store.move_on

    async def away(*args: Any, **kwargs: Any) -> None:
        tried.release()
        raise error

    await house.projected()
    monkeypatch.setattr(store, "move_on", away)
    monkeypatch.setattr(projectors, "PAUSE_FIRST_S", 0.01)
    house.tell(arrival("c1", house.caller("3331234567")))
    async with asyncio.timeout(DEADLINE_S):
        for _ in range(3):
            await tried.acquire()
    house.tell(end("c1", Outcome.ENDED_IN_MENU))
    monkeypatch.setattr(store, "move_on", real)
    await house.projected()
    assert len(await events_of(house.database, "c1")) == 2
    assert caplog.text.count("the database cannot be filled") == 1
    assert caplog.text.count("the database is filled again") == 1
    assert "left out" not in caplog.text


async def test_a_commit_taken_for_lost_is_not_applied_twice(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = Projector._put_in
    lost: list[int] = []

    async def loses_the_answer(self: Projector, batch: Any, skip_to_n: int = 0) -> None:
        before = self._n, self._cases_n
        await real(self, batch, skip_to_n)
        if not lost:
            lost.append(1)
            self._n, self._cases_n = before  # committed, but we never heard
            raise DatabaseAway("gone after the commit")

    monkeypatch.setattr(Projector, "_put_in", loses_the_answer)
    house.tell(arrival("c1", house.caller("3331234567")), end("c1"))
    await house.projected()
    everything = await house.everything()
    assert [row[0] for row in everything["call_events"]] == [1, 2]
    assert len(everything["contacts"]) == 1
    assert lost == [1]
    assert "cannot be projected" not in caplog.text


async def test_one_entry_that_cannot_be_projected_is_left_out_loudly_and_the_rest_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = calls_view.after

    def bad(row: Any, at_s: float, event: Any) -> Any:
        if isinstance(event, StepEntered):
            raise KeyError("a bug of ours")
        return real(row, at_s, event)

    monkeypatch.setattr(projectors, "after", bad)
    monkeypatch.setattr(projectors, "LEFT_OUT_PAUSE_S", 0.01)
    house.tell(arrival("c1", house.caller("3331234567")), StepEntered(call="c1", step="main"), end("c1"))
    await house.projected()
    assert "entry 2 cannot be projected" in caplog.text
    found = await call(house.database, "c1")
    assert found
    assert found.state is CallState.ENDED


async def test_a_rebuild_gives_the_same_rows_and_keeps_what_people_wrote_on_cases(house: House) -> None:
    person = house.caller("3331234567", "Ana")
    for number in range(3):
        answered_call(house, f"c{number}", person)
    house.journal.start_segment({"day": 2})
    house.tell(arrival("c9", person), AgentPaused(agent="a1", reason="coffee", by="a1"))
    await house.projected()
    async with house.database.engine.begin() as connection:  # the desk opens the first case again
        reopened = cases_table.update().where(cases_table.c.opened_by_call == "c0")
        await connection.execute(reopened.values(state="open", closed_at=None, closed_why=None))
    before = await house.everything()
    await house.projector.rebuild()
    assert await house.everything() == before
    house.tell(end("c9"))
    await house.projected()
    assert (await recent_calls(house.database, 1))[0].state is CallState.ENDED


async def test_when_the_whole_database_is_lost_the_replayed_cases_have_their_old_numbers(house: House) -> None:
    for number in range(3):
        answered_call(house, f"c{number}", house.caller(f"333123456{number}"))
    await house.projected()
    before = await house.everything()
    await house.stop()
    async with house.database.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table is not store.projected:
                await connection.execute(table.delete())
        await connection.execute(store.projected.update().values(calls_n=0, cases_n=0))
    house.projector = Projector(house.journal, house.people, house.database)
    await house.projected()
    after = await house.everything()
    assert after[cases_table.name] == before[cases_table.name]
    assert after["calls"] == before["calls"]
    assert [row[1:] for row in after[contacts.name]] == [row[1:] for row in before[contacts.name]]
    assert after[people.name] == before[people.name]


async def test_a_rebuild_refuses_when_the_beginning_of_the_journal_is_gone(house: House) -> None:
    house.tell(arrival("c1", house.caller("3331234567")))
    house.journal.start_segment(None)
    (house.folder / "journal" / "000000000001.jsonl").unlink()
    with pytest.raises(HistoryMissing):
        await house.projector.rebuild()


async def test_what_overflows_the_buffer_while_the_file_is_read_is_not_left_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Projector._put_in
    more = [StepEntered(call="c1", step=str(number)) for number in range(10)]

    async def meanwhile(self: Projector, batch: Any, skip_to_n: int = 0) -> None:
        while more:
            house.tell(more.pop())
        await self._until_synced(house.journal.last_n)
        await real(self, batch, skip_to_n)

    monkeypatch.setattr(projectors, "BUFFER_MAX", 3)
    monkeypatch.setattr(projectors, "BATCH_MAX", 5)
    house.tell(arrival("c1", house.caller("3331234567")))
    house.tell(*(StepEntered(call="c1", step=str(number)) for number in range(11)))
    monkeypatch.setattr(Projector, "_put_in", meanwhile)
    await house.projected()
    house.tell(end("c1"))
    await house.projected()
    assert [row[0] for row in (await house.everything())["call_events"]] == list(range(1, 24))


async def test_a_database_of_another_journal_is_left_alone(house: House, caplog: pytest.LogCaptureFixture) -> None:
    await house.database.upgrade()
    async with house.database.engine.begin() as connection:
        await connection.execute(store.projected.update().values(calls_n=1000))
    house.tell(arrival("c1", house.caller("3331234567")))
    house.start()
    with pytest.raises(TimeoutError):
        await house.projector.caught_up(0.5)
    assert "the database is at entry 1000, the journal at 1" in caplog.text
    assert (await house.everything())["calls"] == []


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "starting"])
async def test_nothing_is_projected_before_it_stands_on_the_disk(
    house: House, is_running: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_running:
        await house.projected()
    monkeypatch.setattr(Journal, "_sync_once", lambda self: None)  # a disk that does not answer
    house.tell(arrival("c1", house.caller("3331234567")))
    if not is_running:
        house.start()
    with pytest.raises(TimeoutError):
        await house.projector.caught_up(0.5)
    monkeypatch.undo()
    house.tell(end("c1"))
    await house.projector.caught_up(DEADLINE_S)


async def test_what_is_said_of_a_call_stands_with_the_call_and_its_case_also_after_a_rebuild(house: House) -> None:
    answered_call(house, "c1", house.caller("3331234567"))
    said = CallDisposed(call="c1", agent="a2", kind="complaint", topic="tari", by="phone p2")
    house.tell(said, msgspec.structs.replace(said, kind="report", level="handed on"), after_s=30)
    house.tell(CallDisposed(call="never", kind="report", by="test"))
    await house.projected()
    for _ in range(2):
        call, [case] = await store.call(house.database, "c1"), await store.cases(house.database)
        assert call
        assert (call.kind, call.topic, call.level) == ("report", "tari", "handed on")
        assert (case.kind, case.topic, case.level, case.state) == ("report", "tari", "handed on", "open")
        trail = await store.events_of(house.database, "c1")
        kinds = [event.body["kind"] for event in trail if event.kind == "CallDisposed"]
        assert kinds == ["complaint", "report"]
        await house.projector.rebuild()


async def test_a_migration_that_is_cut_off_leaves_the_database_as_it_was_and_is_made_at_the_next_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_column = Operations.add_column

    def is_cut_off(*arguments: Any) -> None:
        add_column(*arguments)
        raise OSError("the disk is full")

    monkeypatch.setattr(Operations, "add_column", is_cut_off)
    with pytest.raises(DatabaseAway, match="the disk is full"):
        await house.database.upgrade()
    async with house.database.engine.connect() as connection:
        assert await connection.run_sync(lambda there: inspect(there).get_table_names()) == []
    monkeypatch.undo()
    house.tell(arrival("c1", house.caller("3331234567")))
    await house.projected()
    assert await store.call(house.database, "c1")


def compared(connection: Connection) -> MigrationContext:
    """All but the tables of words, of which each database has its own kind, and which no code names as tables."""

    def is_ours(_: Any, name: str | None, kind: str, *_more: Any) -> bool:
        return kind != "table" or not str(name).startswith("sheet_words")

    assert all(table.metadata is metadata for table in (sheets_table, outbox))
    return MigrationContext.configure(connection, opts={"include_object": is_ours})


async def test_each_migration_can_be_taken_back_and_made_again(house: House) -> None:
    await house.database.upgrade()

    def down_and_up(connection: Connection) -> tuple[set[str], Any]:
        config = Config()
        config.set_main_option("script_location", str(Path(database_module.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        left = {column["name"] for column in inspect(connection).get_columns("cases")}
        command.upgrade(config, "head")
        return left, compare_metadata(compared(connection), metadata)

    async with house.database.engine.begin() as connection:
        left, differences = await connection.run_sync(down_and_up)
    assert not left & {"kind", "level"}
    assert differences == []


async def test_own_calls_of_before_placed_ones_keep_their_rows_and_those_that_ring_go_on(house: House) -> None:
    house.tell(OwnCallBegun(call="m-1", node="main", phone="p1", to="p2", to_phone="p2", by="sara", entity="city"))
    house.tell(OwnCallRefused(call="m-2", phone="p1", why="premium"))
    await house.projected()

    def down_and_up(connection: Connection) -> tuple[list[Any], list[Any]]:
        config = Config()
        config.set_main_option("script_location", str(Path(database_module.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.downgrade(config, "0006")
        before = list(connection.execute(text("SELECT * FROM own_calls ORDER BY id")))
        command.upgrade(config, "head")
        return before, list(connection.execute(text("SELECT * FROM own_calls ORDER BY id")))

    async with house.database.engine.begin() as connection:
        before, after = await connection.run_sync(down_and_up)
    assert [row[0] for row in before] == ["m-1", "m-2"]
    assert [tuple(row)[:-3] for row in after] == [tuple(row) for row in before]
    assert [(row.by, row.entity, row.rung_at) for row in after] == [
        (None, None, before[0].begun_at),
        (None, None, None),
    ]
    house.tell(OwnCallAnswered(call="m-1"), after_s=8)
    await house.projector.caught_up(DEADLINE_S)
    found = await own_call(house.database, "m-1")
    assert found
    assert (found.state, found.ring_s) == ("talking", 8.0)
    await house.projector.rebuild()
    found = await own_call(house.database, "m-1")
    assert found
    assert (found.by, found.entity, found.ring_s) == ("sara", "city", None)


async def test_the_migrations_make_exactly_the_tables_of_the_code(house: House) -> None:
    await house.database.upgrade()
    await house.database.upgrade()  # a second time changes nothing

    def differences(connection: Connection) -> Any:
        return compare_metadata(compared(connection), metadata)

    async with house.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_database_that_is_removed_while_it_is_used_is_made_anew_from_the_journal(house: House) -> None:
    """Whoever deletes the file must not have us write on, unseen, into the deleted one."""
    if house.database.file is None:
        pytest.skip("only a file can be removed")
    house.tell(arrival("c1", house.caller("3331234567")))
    house.start()
    await house.projector.caught_up(5)
    for left in house.database.file.parent.glob(f"{house.database.file.name}*"):
        left.unlink()
    house.tell(arrival("c2", house.caller("3331234567")))
    await house.projector.caught_up(5)
    assert {call.id for call in await store.recent_calls(house.database)} == {"c1", "c2"}
