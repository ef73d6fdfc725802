"""The town of the demo: the same seed plans the same calls, and every kind of caller is among them."""

from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from centralino.settings import load
from demo.installation import DemoFailed, next_open_monday
from demo.town import (
    CALLS_PER_MINUTE,
    CIVIL_PROTECTION,
    DECK,
    NUMBERS_LEFT_ALONE,
    SERVICE,
    UNKNOWN,
    Citizen,
    Kind,
    citizens,
)
from ivr.hours import read_hours
from ivr.menu import Menu
from ivr.rehearsal import Script, rehearse
from tests.contact_centre import sentences

ROME = ZoneInfo("Europe/Rome")
SHIPPED = Path(__file__).resolve().parent.parent.parent
seeds = st.integers(0, 10_000)


def town(seed: int, calls: int = 200) -> list[Citizen]:
    return list(islice(citizens(seed), calls))


def of_kind(kind: Kind, seed: int = 1) -> list[Citizen]:
    return [citizen for citizen in town(seed) if citizen.kind is kind]


def test_the_same_seed_plans_the_same_town() -> None:
    assert town(7) == town(7)
    assert town(7) != town(8)


def test_the_first_citizen_calls_at_once() -> None:
    assert town(1)[0].after_s == 0


@given(seeds)
@settings(max_examples=25)
def test_each_deck_of_callers_has_every_kind_in_it(seed: int) -> None:
    calls = town(seed, 3 * len(DECK))
    for first in range(0, len(calls), len(DECK)):
        kinds = Counter(citizen.kind for citizen in calls[first : first + len(DECK)])
        assert kinds == Counter(DECK)
        assert set(kinds) == set(Kind)


@given(seeds)
@settings(max_examples=25)
def test_about_as_many_call_as_was_asked_for(seed: int) -> None:
    calls = town(seed)
    per_minute = 60 * len(calls) / sum(citizen.after_s for citizen in calls)
    assert per_minute == pytest.approx(CALLS_PER_MINUTE, rel=0.15)


@given(seeds)
@settings(max_examples=25)
def test_numbers_are_nobodys_and_some_call_again_but_not_while_they_may_still_be_on_the_phone(seed: int) -> None:
    numbers = [citizen.number for citizen in town(seed)]
    assert all(number.startswith("+390550") and len(number) == 13 for number in numbers)
    assert len(set(numbers)) < len(numbers)
    for place, number in enumerate(numbers):
        assert number not in numbers[max(0, place - NUMBERS_LEFT_ALONE) : place]


@given(seeds)
@settings(max_examples=25)
def test_nobody_hangs_up_before_their_last_key(seed: int) -> None:
    for citizen in town(seed, 60):
        assert citizen.patience_s > sum(press.after_s for press in citizen.presses)
        assert all(press.after_s > 0 for press in citizen.presses)


def test_the_impatient_give_up_within_seconds_of_reaching_a_queue() -> None:
    for citizen in of_kind(Kind.IMPATIENT):
        assert citizen.patience_s - citizen.presses[-1].after_s < 3


def test_who_leaves_a_message_speaks_before_they_hang_up() -> None:
    for citizen in of_kind(Kind.LEAVES_MESSAGE):
        assert citizen.speaks_after_s is not None
        assert citizen.speaks_after_s + 3 < citizen.patience_s


def test_all_others_speak_only_to_a_person() -> None:
    assert all(citizen.speaks_after_s is None for citizen in town(1) if citizen.kind is not Kind.LEAVES_MESSAGE)


@pytest.fixture(scope="module")
def shipped():
    return load(SHIPPED)


def test_only_the_unknown_number_is_no_service_of_the_shipped_deployment(shipped) -> None:
    for citizen in town(1):
        expected = None if citizen.kind is Kind.UNKNOWN_NUMBER else citizen.dials
        found = shipped.service_of(citizen.dials)
        assert (found.number if found else None) == expected
    assert {citizen.dials for citizen in town(1)} == {SERVICE, CIVIL_PROTECTION, UNKNOWN}


def test_right_keys_lead_to_a_queue_and_wrong_ones_nowhere(shipped) -> None:
    plan = shipped.dialplans[SERVICE]
    menu = next(step for step in plan.steps.values() if isinstance(step, Menu))
    for citizen in town(1):
        if citizen.dials != SERVICE or not citizen.presses:
            continue
        *before, last = citizen.presses
        script = Script(datetime(2026, 11, 23, 10, tzinfo=plan.time_zone), (last.key,))
        assert rehearse(plan, sentences(), script).ends.startswith("queue ")
        assert all((press.key in menu.keys) is (citizen.kind is Kind.ENGLISH) for press in before)


def test_the_clock_starts_on_a_monday_on_which_all_numbers_are_open(shipped) -> None:
    hours = [plan.hours for plan in shipped.dialplans.values() if plan.hours]
    monday = next_open_monday(datetime(2026, 11, 22, 21, tzinfo=UTC), ROME, hours)
    assert monday == datetime(2026, 11, 23, 10, tzinfo=ROME)


def test_a_monday_that_is_a_holiday_is_passed_over(shipped) -> None:
    hours = [plan.hours for plan in shipped.dialplans.values() if plan.hours]
    before_easter = datetime(2027, 3, 27, 12, tzinfo=UTC)
    assert next_open_monday(before_easter, ROME, hours) == datetime(2027, 4, 5, 10, tzinfo=ROME)


def test_a_deployment_that_is_never_open_on_mondays_is_told_so() -> None:
    sundays_only, _ = read_hours({"sun": "08:00-20:00"})
    with pytest.raises(DemoFailed, match="Monday"):
        next_open_monday(datetime(2026, 11, 22, tzinfo=UTC), ROME, [sundays_only])


def test_a_new_number_is_never_by_chance_that_of_somebody_who_is_still_on_the_phone() -> None:
    numbers = [citizen.number for citizen in town(4370)]  # once, two callers in reach of each other had the same
    for place, number in enumerate(numbers):
        assert number not in numbers[max(0, place - NUMBERS_LEFT_ALONE) : place]
