"""When a case must be answered: what was promised, the days off, and the times at which the clock stood still."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from cases.clocks import (
    Calendar,
    InDays,
    InTime,
    Mark,
    Marked,
    Matter,
    Promise,
    Standing,
    Term,
    clock,
    promise_for,
    read_term,
)
from ivr.hours import read_hours

ROME = ZoneInfo("Europe/Rome")
HOURS, MISTAKES = read_hours({"mon-fri": "08:30-17:30", "holidays": ["IT", "06-24"]})
CALENDAR = Calendar(ROME, HOURS)
SAME_DAY, WEEK, FORTY, FIVE_WORKING = InDays(0), InDays(7), InDays(40), InDays(5, working=True)
DAY_S = 86_400.0
BEGAN = ("2026-11-25 10:00", Mark.BEGAN)
STOPPED, WENT_ON = ("2026-11-26 10:00", Mark.STOPPED), ("2026-11-28 09:00", Mark.WENT_ON)


def at(text: str) -> datetime:
    """`2026-11-25 10:00`, in Rome."""
    return datetime.fromisoformat(text).replace(tzinfo=ROME).astimezone(UTC)


def history(*marks: tuple[str, Mark]) -> list[Marked]:
    return [Marked(at(when), mark) for when, mark in marks]


def due(term: Term, *marks: tuple[str, Mark]) -> str:
    """The end, in Rome's time; empty: nobody can say."""
    found = clock(Promise(term), history(*marks), CALENDAR, at("2026-01-01 00:00")).due_at
    return f"{found.astimezone(ROME):%Y-%m-%d %H:%M}" if found else ""


@pytest.mark.parametrize(
    ("term", "began", "ends"),
    [
        (SAME_DAY, "2026-11-25 10:00", "2026-11-26 00:00"),  # a Wednesday
        (SAME_DAY, "2026-11-22 10:00", "2026-11-24 00:00"),  # a Sunday: by the end of Monday
        (SAME_DAY, "2026-11-25 23:59", "2026-11-26 00:00"),
        (WEEK, "2026-11-25 10:00", "2026-12-03 00:00"),  # the first day does not count
        (WEEK, "2026-11-22 10:00", "2026-12-01 00:00"),  # the seventh is a Sunday
        (WEEK, "2026-12-01 10:00", "2026-12-10 00:00"),  # the seventh is 8 December, a holiday
        (FORTY, "2026-11-25 10:00", "2027-01-05 00:00"),
        (FIVE_WORKING, "2026-11-25 10:00", "2026-12-03 00:00"),
        (FIVE_WORKING, "2026-12-03 10:00", "2026-12-12 00:00"),  # over a week-end, and 8 December
        (FIVE_WORKING, "2026-06-22 10:00", "2026-07-01 00:00"),  # 24 June is the patron's day
        (SAME_DAY, "2026-03-28 23:30", "2026-03-31 00:00"),  # a Saturday; the clock is put forward on the Sunday
        (InTime(900), "2026-11-25 10:00", "2026-11-25 10:15"),
        (InTime(900), "2026-11-22 23:50", "2026-11-23 00:05"),  # minutes know no Sundays
    ],
)
def test_a_term_ends(term: Term, began: str, ends: str) -> None:
    assert due(term, (began, Mark.BEGAN)) == ends


@pytest.mark.parametrize(
    ("term", "stopped", "went_on", "ends"),
    [
        (WEEK, "2026-11-26 10:00", "2026-11-26 16:00", "2026-12-03 00:00"),  # no midnight passed
        (WEEK, "2026-11-26 10:00", "2026-11-28 09:00", "2026-12-05 00:00"),  # two did
        (WEEK, "2026-11-25 11:00", "2026-12-25 11:00", "2027-01-05 00:00"),  # 30 did, and 1 January is a Friday
        (FIVE_WORKING, "2026-11-27 18:00", "2026-11-30 08:00", "2026-12-04 00:00"),  # the week-end counts for nobody
        (FIVE_WORKING, "2026-11-26 10:00", "2026-11-27 09:00", "2026-12-04 00:00"),
        (InTime(7200), "2026-11-25 11:00", "2026-11-25 15:30", "2026-11-25 16:30"),
        (InTime(7200), "2026-11-25 12:30", "2026-11-25 15:30", "2026-11-25 12:00"),  # it was over before
        (WEEK, "2026-12-04 10:00", "2026-12-06 10:00", "2026-12-03 00:00"),
    ],
)
def test_the_clock_stands_still_while_another_must_answer(term: Term, stopped: str, went_on: str, ends: str) -> None:
    assert due(term, BEGAN, (stopped, Mark.STOPPED), (went_on, Mark.WENT_ON)) == ends


def test_what_stops_twice_is_put_off_by_both_and_a_second_stop_within_one_by_nothing() -> None:
    again = ("2026-12-01 10:00", Mark.STOPPED), ("2026-12-02 10:00", Mark.WENT_ON)
    assert due(WEEK, BEGAN, STOPPED, WENT_ON, *again) == "2026-12-08 00:00"  # 3 midnights: Saturday, so Monday
    assert due(WEEK, BEGAN, STOPPED, ("2026-11-27 09:00", Mark.STOPPED), WENT_ON) == "2026-12-05 00:00"


def test_nobody_can_say_when_it_ends_while_it_stands_still() -> None:
    assert due(WEEK, BEGAN, STOPPED) == due(InTime(DAY_S * 7), BEGAN, STOPPED) == ""
    stopped = clock(Promise(WEEK), history(BEGAN, STOPPED), CALENDAR, at("2027-12-01 00:00"))
    assert stopped.standing is Standing.STOPPED


def test_a_case_that_is_opened_again_counts_anew() -> None:
    closed, again = ("2026-11-27 10:00", Mark.ENDED), ("2026-12-10 10:00", Mark.BEGAN)
    assert due(WEEK, BEGAN, STOPPED, closed, again) == "2026-12-18 00:00"


@pytest.mark.parametrize(
    ("now", "is_so"),
    [
        ("2026-11-25 10:00", Standing.RUNNING),
        ("2026-12-01 23:59", Standing.RUNNING),
        ("2026-12-02 00:00", Standing.NEAR_ITS_END),
        ("2026-12-03 00:00", Standing.NEAR_ITS_END),
        ("2026-12-03 00:01", Standing.OVERDUE),
    ],
)
def test_who_is_responsible_is_warned_before_the_end(now: str, is_so: Standing) -> None:
    assert clock(Promise(WEEK, warn_s=DAY_S), history(BEGAN), CALENDAR, at(now)).standing is is_so


def test_nobody_is_warned_in_the_first_half_of_the_time() -> None:
    warned = clock(Promise(SAME_DAY, warn_s=DAY_S), history(BEGAN), CALENDAR, at("2026-11-25 16:59"))
    assert (warned.standing, warned.warns_at) == (Standing.RUNNING, at("2026-11-25 17:00"))


@pytest.mark.parametrize(
    ("closed", "is_so"),
    [
        ("2026-12-02 23:59", Standing.IN_TIME),
        ("2026-12-03 00:00", Standing.IN_TIME),
        ("2026-12-04 00:00", Standing.LATE),
    ],
)
def test_a_closed_case_was_in_time_or_late_for_ever(closed: str, is_so: Standing) -> None:
    found = clock(Promise(WEEK), history(BEGAN, (closed, Mark.ENDED)), CALENDAR, at("2027-12-01 00:00"))
    assert found.standing is is_so


def test_a_case_that_closes_while_its_clock_stands_still_is_in_time() -> None:
    closed = clock(
        Promise(SAME_DAY),
        history(BEGAN, ("2026-11-25 11:00", Mark.STOPPED), ("2026-12-20 11:00", Mark.ENDED)),
        CALENDAR,
        at("2027-12-01 00:00"),
    )
    assert closed.standing is Standing.IN_TIME


def test_the_first_promise_that_fits_is_the_one() -> None:
    letters = Promise(FORTY, channels=frozenset({"letter", "fax"}))
    hard = Promise(FORTY, complex_only=True)
    complaints = Promise(InDays(30), kinds=frozenset({"complaint"}), topics=frozenset({"tari"}))
    promises = (letters, hard, complaints, Promise(SAME_DAY, channels=frozenset({"call"})))
    assert promise_for(promises, Matter(channel="fax", kind="complaint")) is letters
    assert promise_for(promises, Matter(channel="call", is_complex=True)) is hard
    assert promise_for(promises, Matter(kind="complaint", topic="tari", channel="call")) is complaints
    assert promise_for(promises, Matter(kind="complaint", topic="imu", channel="call")) is promises[-1]
    assert promise_for(promises, Matter(kind="complaint", channel="mail")) is None


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("same day", SAME_DAY),
        ("7 days", WEEK),
        ("1 day", InDays(1)),
        ("7d", WEEK),
        ("5 working days", FIVE_WORKING),
        ("4h", InTime(4 * 3_600)),
        ("1h30m", InTime(5_400)),
        ("", None),
        ("0m", None),
        ("7", None),
        ("4000 days", None),
        ("-1d", None),
        ("a week", None),
    ],
)
def test_a_term_is_read(text: str, term: Term | None) -> None:
    assert read_term(text) == term


def test_a_calendar_without_a_working_day_is_none() -> None:
    with pytest.raises(ValueError, match="working day"):
        Calendar(ROME, replace(HOURS, week=((),) * 7))
