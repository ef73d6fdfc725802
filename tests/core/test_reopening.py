"""Who is in touch again soon after their case was closed has it opened again, where entities.yaml says so."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cases.history import Work, histories, work_on
from cases.joining import Closed, ClosedCase, Join, JoinWhy, OpenCase, OpenNew, Reopen, case_for
from cases.state import Act, Role, State, Worker
from cases.store import cases
from centralino.clock import as_utc
from centralino.settings import load
from tests.core.test_intake import ANAS, LETTER
from tests.records import House, answered_call, arrival, desk_of, end, opened_house

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
DAY_S = 86_400.0
BOSS = Worker("capo", Role.SUPERVISOR)


@pytest.fixture
async def week(url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Cases are opened again within seven days."""
    async with opened_house(tmp_path, url, 7 * DAY_S) as opened:
        yield opened


def closed(*days_ago: float, service: str = "055055", since_days: float = 7) -> Closed:
    found = [ClosedCase(str(n), service, NOON - timedelta(days=days)) for n, days in enumerate(days_ago)]
    return Closed(found, NOON - timedelta(days=since_days))


@pytest.mark.parametrize(
    ("there", "decision"),
    [
        (closed(1, 3), Reopen("0", JoinWhy.CLOSED_LATELY)),
        (closed(7), Reopen("0", JoinWhy.CLOSED_LATELY)),
        (closed(8), OpenNew(JoinWhy.NO_OPEN_CASE)),
        (closed(1, service="020202"), OpenNew(JoinWhy.NO_OPEN_CASE)),
        (None, OpenNew(JoinWhy.NO_OPEN_CASE)),
    ],
)
def test_the_case_that_closed_last_is_opened_again_within_its_time(there: Closed | None, decision: object) -> None:
    assert case_for("055055", withheld=False, is_known=True, open_cases=[], closed=there) == decision
    assert case_for("055055", withheld=True, is_known=True, open_cases=[], closed=there) == OpenNew(JoinWhy.WITHHELD)
    open_one = [OpenCase("9", "055055", NOON)]
    joined = case_for("055055", withheld=False, is_known=True, open_cases=open_one, closed=there)
    assert joined == Join("9", JoinWhy.SAME_CALLER)


async def test_a_call_opens_the_case_of_the_last_one_again_and_closes_it_as_it_did(week: House) -> None:
    answered_call(week, "c1", week.caller("3331234567"))
    week.clock.advance(6 * DAY_S)
    week.tell(arrival("c2", week.caller("3331234567")))
    await week.projected()
    [case] = await cases(week.database)
    assert (case.state, case.closed_at, [contact.call for contact in case.contacts]) == (State.OPEN, None, ["c1", "c2"])
    [event] = (await histories(week.database, [case.id]))[case.id]
    assert (event.act, event.by, event.role, event.about) == ("reopen", "engine", "rule", "c2")
    week.tell(end("c2"))
    await week.projected()
    [case] = await cases(week.database)
    assert (case.state, case.closed_at) == (State.CLOSED, as_utc(week.clock.now_s()))
    week.clock.advance(8 * DAY_S)
    week.tell(arrival("c3", week.caller("3331234567")))
    await week.projected()
    assert len(await cases(week.database)) == 2


async def test_two_calls_in_one_batch_share_the_case_too(week: House) -> None:
    answered_call(week, "c1", week.caller("3331234567"))
    answered_call(week, "c2", week.caller("3331234567"))
    await week.projected()
    assert len(await cases(week.database)) == 1


async def test_what_a_person_closed_stays_open_when_its_citizen_calls_again(week: House) -> None:
    answered_call(week, "c1", week.caller("3331234567"))
    await week.projected()
    [case] = await cases(week.database)
    for act in (Act.REOPEN, Act.CLOSE):
        await work_on(week.database, Work(case.id, act, BOSS, as_utc(week.clock.now_s()), "why"), ())
    answered_call(week, "c2", week.caller("3331234567"))
    await week.projected()
    [case] = await cases(week.database)
    assert (case.state, case.closed_by) == (State.OPEN, None)


async def test_without_the_rule_a_second_call_has_a_new_case(house: House) -> None:
    for call in ("c1", "c2"):
        answered_call(house, call, house.caller("3331234567"))
    await house.projected()
    assert len(await cases(house.database)) == 2


async def test_a_letter_opens_the_case_of_a_call_again(house: House) -> None:
    answered_call(house, "c1", house.caller("3331234567"))
    await house.projected()
    shipped = load(Path(__file__).parents[2])
    entity = replace(shipped.entities.entities["comune-scandicci"], reopen_within_s=DAY_S)
    entities = replace(shipped.entities, entities={**shipped.entities.entities, "comune-scandicci": entity})
    desk = desk_of(house, lambda: replace(shipped, entities=entities))
    taken, seen = await desk.take_in(replace(LETTER, phone=ANAS))
    assert taken.why is JoinWhy.CLOSED_LATELY
    assert (seen.case.state, seen.case.closed_at, seen.case.opened_by_call) == (State.OPEN, None, "c1")
    assert [event.act for event in seen.history] == ["reopen"]
