"""What people do to cases stands with them, beside what calls do to them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cases.channels import Channel
from cases.clocks import InDays, Promise, Standing
from cases.deadlines import Rule, Seen, due, see
from cases.entities import Entities, Entity
from cases.history import CaseEvent, Classified, Work, histories, work_on
from cases.requester import Region, Requester
from cases.sheets import Sheet
from cases.sheets_store import keep_sheets
from cases.state import Act, CaseRefused, Role, State, Worker
from cases.store import Case, case, cases
from centralino.attachment_desk import AttachmentDesk
from centralino.case_desk import Asked, Wanted, Written
from centralino.clock import as_utc
from centralino.desk import DatabaseCases
from centralino.events import CallDisposed, VoicemailEnded, VoicemailStarted
from centralino.settings import load
from tests.records import House, answered_call, arrival, desk_of, end
from web.configuration import ChangeRefused

ANA, RITA = Worker("a1001", Role.AGENT), Worker("rita", Role.OFFICE, "city/registry")
SHIPPED = Path(__file__).parents[2]
OFFICES = ("city/registry", "city/taxes")
ROME = ZoneInfo("Europe/Rome")
CITY = Entities({"city": Entity("city", "City", ("055055",), promises=(Promise(InDays(7)),))})


async def with_case(house: House, call: str = "c1", number: str = "3331234567") -> str:
    """A case that stays open, since the second level is to have it; its number."""
    house.tell(arrival(call, house.caller(number)), CallDisposed(call=call, kind="report", level="handed on", by="a1"))
    house.tell(end(call))
    await house.projected()
    [found] = [each for each in await cases(house.database) if each.opened_by_call == call]
    return found.id


async def history_of(house: House, number: str) -> tuple[CaseEvent, ...]:
    return (await histories(house.database, [number]))[number]


def rule(house: House) -> Rule:
    return Rule(CITY, ROME, as_utc(house.clock.now_s()))


async def seen(house: House) -> tuple[Seen, ...]:
    """All cases, as they stand now."""
    return await see(house.database, await cases(house.database), rule(house))


async def do(house: House, number: str, act: Act, worker: Worker = ANA, **more: object) -> Case:
    at = as_utc(house.clock.now_s())
    work = replace(Work(number, act, worker, at, words="because"), **more)  # type: ignore[arg-type]
    await work_on(house.database, work, OFFICES)
    found = await case(house.database, number)
    assert found
    return found


async def test_a_case_goes_through_both_levels_and_each_step_stands_in_its_history(house: House) -> None:
    number = await with_case(house)
    opened = house.clock.now_s()
    there = await do(house, number, Act.HAND_OVER, to="city/registry", words="the certificate is missing")
    assert (there.state, there.office) == (State.AT_OFFICE, "city/registry")
    house.clock.advance(3600)
    answered = await do(house, number, Act.ANSWER, RITA, words="it was sent")
    assert (answered.state, answered.closed_why, answered.closed_by) == (State.CLOSED, "it was sent", "rita")
    assert answered.closed_at == as_utc(house.clock.now_s())
    assert await history_of(house, number) == (
        CaseEvent(as_utc(opened), "hand over", "a1001", "agent", "the certificate is missing", "city/registry"),
        CaseEvent(as_utc(opened + 3600), "answer", "rita", "office", "it was sent", ""),
    )
    again = await do(house, number, Act.REOPEN, words="it never came")
    assert (again.state, again.closed_at, again.closed_why, again.closed_by) == (State.OPEN, None, None, None)


async def test_what_is_refused_leaves_no_trace(house: House) -> None:
    number = await with_case(house)
    before = await case(house.database, number)
    with pytest.raises(CaseRefused, match="no `answer`"):
        await do(house, number, Act.ANSWER)
    with pytest.raises(CaseRefused, match="there is no case 9999 9999"):
        await do(house, "9999 9999", Act.NOTE)
    assert await case(house.database, number) == before
    assert await history_of(house, number) == ()


async def test_a_call_joins_a_case_that_is_with_an_office_and_its_end_does_not_close_it(house: House) -> None:
    number = await with_case(house)
    await do(house, number, Act.HAND_OVER, to="city/registry")
    answered_call(house, "c2", house.caller("3331234567"))
    house.tell(CallDisposed(call="c2", kind="report", level="solved", by="a1"))
    await house.projected()
    found = await case(house.database, number)
    assert found
    assert [contact.call for contact in found.contacts] == ["c1", "c2"]
    assert (found.state, found.office) == (State.AT_OFFICE, "city/registry")


async def test_a_case_that_somebody_works_on_does_not_close_with_its_call(house: House) -> None:
    house.tell(arrival("c1", house.caller("3331234567")))
    await house.projected()
    [found] = await cases(house.database)
    await do(house, found.id, Act.NOTE, words="she will write")
    house.tell(end("c1"))
    await house.projected()
    assert (await cases(house.database))[0].state == State.OPEN


async def test_which_sheet_was_used_stands_in_the_history_and_keeps_no_case_open(house: House) -> None:
    house.tell(arrival("c1", house.caller("3331234567")))
    await house.projected()
    [found] = await cases(house.database)
    sheets = {"tari": Sheet("tari", "Tassa sui rifiuti", "service", "Ufficio Tributi", "La tassa.")}
    await keep_sheets(house.database, sheets.values())
    desk = desk_of(house, lambda: load(SHIPPED))
    with pytest.raises(CaseRefused, match="there is no sheet `tary`"):
        await desk.work(found.id, Asked("sheet", "rita", "tary"))
    done = await desk.work(found.id, Asked("sheet", "rita", "tari", agent="a1001"))
    [event] = done.history
    assert (event.act, event.about, event.words, event.by) == ("sheet", "tari", "Tassa sui rifiuti", "a1001")
    house.tell(end("c1"))
    await house.projected()
    assert (await cases(house.database))[0].state == State.CLOSED
    assert (await desk.work(found.id, Asked("sheet", "rita", "tari"))).case.state == State.CLOSED


async def test_a_merged_case_gives_its_contacts_to_the_other_and_later_calls_join_that_one(house: House) -> None:
    first, second = await with_case(house), await with_case(house, "c2", "3337654321")
    house.tell(arrival("c3", house.caller("3337654321")))
    await house.projected()
    merged = await do(house, second, Act.MERGE, into=first)
    assert (merged.state, merged.merged_into, merged.contacts) == (State.MERGED, first, ())
    house.tell(VoicemailStarted(call="c3", box="tributi", recording="vm-c3"))
    house.tell(VoicemailEnded(call="c3", recording="vm-c3", kept=True, duration_s=8.5, why="hash"), end("c3"))
    await house.projected()
    kept = await case(house.database, first)
    assert kept
    assert [contact.call for contact in kept.contacts] == ["c1", "c2", "c3", "c3"]
    assert kept.state == State.OPEN
    assert [event.act for event in await history_of(house, first)] == ["takes in"]
    with pytest.raises(CaseRefused, match="was merged into another"):
        await do(house, second, Act.NOTE)


async def test_what_a_case_is_about_may_be_said_anew_in_part(house: House) -> None:
    number = await with_case(house)
    said = await do(house, number, Act.CLASSIFY, classified=Classified(topic="tari", is_complex=True))
    assert (said.kind, said.topic, said.title, said.is_complex) == ("report", "tari", None, True)
    said = await do(house, number, Act.CLASSIFY, classified=Classified(title="Lamp", is_complex=False))
    assert (said.kind, said.topic, said.title, said.is_complex) == ("report", "tari", "Lamp", False)


async def test_work_on_cases_survives_that_the_calls_are_projected_anew(house: House) -> None:
    number = await with_case(house)
    await do(house, number, Act.HAND_OVER, to="city/taxes")
    before = await house.everything()
    await house.projector.rebuild()
    assert await house.everything() == before


async def test_the_clock_of_a_case_is_counted_from_its_history(house: House) -> None:
    number = await with_case(house)

    async def standing() -> tuple[Standing, str]:
        [one] = await seen(house)
        assert one.clock
        return one.clock.standing, f"{one.clock.due_at.astimezone(ROME):%m-%d}" if one.clock.due_at else ""

    assert await standing() == (Standing.RUNNING, "12-01")  # opened on 23 November
    await do(house, number, Act.STOP, words="the region must answer")
    house.clock.advance(timedelta(days=10).total_seconds())
    assert await standing() == (Standing.STOPPED, "")
    await do(house, number, Act.GO_ON)
    assert await standing() == (Standing.RUNNING, "12-11")
    house.clock.advance(timedelta(days=9).total_seconds())
    assert await standing() == (Standing.OVERDUE, "12-11")
    await do(house, number, Act.CLOSE)
    assert await standing() == (Standing.LATE, "12-11")
    await do(house, number, Act.REOPEN)
    assert (await standing())[0] is Standing.RUNNING


async def test_a_case_that_closed_with_its_call_was_in_time(house: House) -> None:
    answered_call(house, "c1", house.caller("3331234567"))
    await house.projected()
    [found] = await seen(house)
    assert found.clock
    assert found.clock.standing is Standing.IN_TIME


async def test_what_is_due_is_listed_by_its_end(house: House) -> None:
    later = await with_case(house)
    house.clock.advance(timedelta(days=1).total_seconds())
    await with_case(house, "c2", "3337654321")
    await do(house, later, Act.STOP)
    house.clock.advance(timedelta(days=3).total_seconds())
    await do(house, later, Act.GO_ON)
    assert await due(house.database, rule(house), 10) == ()
    house.clock.advance(timedelta(days=6).total_seconds())
    assert [one.case.opened_by_call for one in await due(house.database, rule(house), 10)] == ["c2", "c1"]
    assert [one.case.opened_by_call for one in await due(house.database, rule(house), 1)] == ["c2"]
    assert await due(house.database, rule(house), 10, "comune-firenze/tributi") == ()
    assert await due(house.database, rule(house), 10) == tuple(
        sorted(await seen(house), key=lambda one: one.case.opened_by_call or "", reverse=True)
    ), "with all that stands beside them"


async def test_a_citizens_history_is_found_by_telephone_and_by_mail_whatever_came_first(house: House) -> None:
    number = await with_case(house, "c1", "3331234567")
    await with_case(house, "c2", "3337654321")
    desk = desk_of(house, lambda: load(SHIPPED))
    by_phone = Written(Channel.LETTER, "a letter", "ana", number="020202", phone="333 1234567")
    by_mail = Written(Channel.MAIL, "a mail", "ana", number="020202", mail="Ana@Example.org")
    _, letter = await desk.take_in(by_phone)
    _, mail = await desk.take_in(by_mail)

    async def of(who: str) -> set[str]:
        return {one.case.id for one in await desk.cases(Wanted(of=who))}

    assert await of("333 123 45 67") == {number, letter.case.id}
    assert await of("ana@example.ORG") == {mail.case.id}
    assert await of("+39 06 1234") == await of("%") == set()


async def test_what_the_api_asks_for_is_done_or_refused_in_a_sentence(house: House) -> None:
    number = await with_case(house)
    desk = desk_of(house, lambda: load(SHIPPED))
    now = as_utc(house.clock.now_s())
    asked = DatabaseCases(desk, AttachmentDesk(house.database, lambda: load(SHIPPED), lambda: now, house.folder))
    said = {"kind": None, "topic": "tari", "title": None, "is_complex": True, "words": "", "to": "", "into": ""}
    said |= {"requester": "business", "region": None, "contacts": frozenset()}
    done = await asked.work(number, "classify", {**said, "agent": "a1001", "office": "", "by": "api"})
    assert (done.case.topic, done.case.is_complex, done.history[-1].words) == ("tari", True, "tari, complex, business")
    assert (done.history[-1].by, done.history[-1].role) == ("a1001", "agent")
    with pytest.raises(ChangeRefused, match="there is no agent `a9`"):
        await asked.work(number, "classify", {**said, "agent": "a9", "office": "", "by": "api"})
    assert [one.case.id for one in await desk.cases(Wanted(state=State.OPEN))] == [number]
    assert await desk.case("7") is None


async def test_many_who_work_on_a_case_at_once_all_stand_in_its_history(house: House) -> None:
    number = await with_case(house)
    for n in range(3):
        house.tell(arrival(f"x{n}", house.caller("3331234567")), end(f"x{n}"))
    await asyncio.gather(*(do(house, number, Act.NOTE, words=f"note {n}") for n in range(20)), house.projected())
    assert {event.words for event in await history_of(house, number)} == {f"note {n}" for n in range(20)}
    found = await case(house.database, number)
    assert found
    assert len(found.contacts) == 4


async def test_who_asks_and_from_where_is_classified_and_stands_in_the_history(house: House) -> None:
    number = await with_case(house)
    of = Classified(requester=Requester.INSTITUTION, region=Region.ABRUZZO)
    said = await do(house, number, Act.CLASSIFY, words="", classified=of)
    assert (said.requester, said.region, said.kind) == ("institution", "Abruzzo", "report")
    assert [event.words for event in await history_of(house, number)] == ["institution, Abruzzo"]
