"""Open or closed, and until when."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.hours import read_hours

ROME = ZoneInfo("Europe/Rome")
WEEK = {"mon-sat": "08:00-20:00", "holidays": ["IT", "06-24"]}


def hours(written):
    read, mistakes = read_hours(written)
    assert mistakes == ()
    return read


def at(text):
    """A local time of Rome, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ROME).astimezone(UTC)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (WEEK, ("mon-sat 08:00-20:00", "not on holidays IT, 06-24")),
        ({"mon": "closed", "tue": "00:00-24:00", "fri-sun": "22:00-06:00"}, ("tue 00:00-24:00", "fri-sun 22:00-06:00")),
        (
            {"mon": "08:00-13:00, 14:00-18:00", "wed": "09:00-10:00"},
            ("mon 08:00-13:00, 14:00-18:00", "wed 09:00-10:00"),
        ),
        ({"mon": "closed", "holidays": ["2026-12-24"]}, ("never", "not on 2026-12-24")),
    ],
)
def test_hours_are_told_in_a_line_for_each_run_of_days(written, words):
    assert hours(written).in_words() == words


@pytest.mark.parametrize(
    ("written", "local", "is_open"),
    [
        (WEEK, "2026-11-23 08:00", True),
        (WEEK, "2026-11-23 07:59:59", False),
        (WEEK, "2026-11-23 19:59:59", True),
        (WEEK, "2026-11-23 20:00", False),
        (WEEK, "2026-11-22 10:00", False),  # a Sunday
        (WEEK, "2026-12-08 10:00", False),  # Immacolata, from the country
        (WEEK, "2027-03-29 10:00", False),  # Easter Monday, which moves
        (WEEK, "2027-06-24 10:00", False),  # the city's own day, each year
        ({"mon": "08:00-13:00, 14:00-18:00"}, "2026-11-23 13:30", False),
        ({"mon": "08:00-13:00, 14:00-18:00"}, "2026-11-23 14:30", True),
        ({"mon-fri": "09:00-18:00", "wed": "closed"}, "2026-11-23 10:00", None),  # wed is given twice
        ({"mon,wed-fri": "09:00-18:00"}, "2026-11-24 10:00", False),
        ({"fri-mon": "09:00-18:00"}, "2026-11-22 10:00", True),
        ({"fri": "22:00-06:00"}, "2026-11-28 05:59", True),
        ({"fri": "22:00-06:00"}, "2026-11-28 06:00", False),
        ({"sun": "22:00-06:00"}, "2026-11-23 05:00", True),
        ({"mon-sun": "00:00-24:00"}, "2026-11-23 00:00", True),
        ({"mon-sun": "00:00-24:00", "holidays": ["2026-12-24"]}, "2026-12-24 12:00", False),
        ({"mon-sun": "00:00-24:00", "holidays": ["2026-12-24"]}, "2027-12-24 12:00", True),
        ({"thu": "22:00-06:00", "holidays": ["IT"]}, "2026-12-25 05:00", True),  # Thursday's night ends on Christmas
    ],
)
def test_a_number_is_open_in_its_hours_and_closed_outside(written, local, is_open):
    if is_open is None:
        assert read_hours(written)[1]
    else:
        assert hours(written).is_open(at(local), ROME) is is_open


@pytest.mark.parametrize(
    ("written", "local", "change"),
    [
        (WEEK, "2026-11-23 10:00", "2026-11-23 20:00"),
        (WEEK, "2026-11-23 20:00", "2026-11-24 08:00"),
        (WEEK, "2026-11-21 21:00", "2026-11-23 08:00"),  # over Sunday
        (WEEK, "2026-12-24 21:00", "2026-12-28 08:00"),  # over Christmas, a Friday, and the Sunday after
        ({"mon-sun": "00:00-24:00", "holidays": ["12-25"]}, "2026-01-01 00:00", "2026-12-25 00:00"),
        ({"sun": "22:00-24:00", "mon": "00:00-06:00"}, "2026-11-22 23:00", "2026-11-23 06:00"),  # no gap at midnight
        ({"sat": "22:00-06:00"}, "2026-10-24 23:00", "2026-10-25 06:00"),  # the night has nine hours
    ],
)
def test_the_next_change_is_known(written, local, change):
    assert hours(written).changes_at(at(local), ROME) == at(change)


@pytest.mark.parametrize("written", [{"mon-sun": "00:00-24:00"}, {"mon": "closed"}])
def test_hours_that_never_change_say_so(written):
    assert hours(written).changes_at(at("2026-11-23 10:00"), ROME) is None


def test_a_day_opens_by_the_local_clock_before_and_after_summer_time():
    assert hours(WEEK).changes_at(at("2026-03-28 21:00"), ROME) == datetime(2026, 3, 30, 6, tzinfo=UTC)
    assert hours(WEEK).changes_at(at("2026-10-24 21:00"), ROME) == datetime(2026, 10, 26, 7, tzinfo=UTC)


def test_an_hour_that_comes_twice_counts_at_its_first_coming():
    early = hours({"sun": "00:00-02:30"})
    assert early.changes_at(at("2026-10-25 00:30"), ROME) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert not early.is_open(datetime(2026, 10, 25, 1, 15, tzinfo=UTC), ROME)  # 02:15 for the second time


spans = st.sampled_from(["08:00-20:00", "00:00-24:00", "08:00-13:00, 14:00-18:00", "01:30-02:30", "closed"])
weeks = st.dictionaries(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), spans, min_size=1)
instants = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minute: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)


@given(weeks, instants)
@settings(max_examples=150, deadline=None)
def test_nothing_changes_before_the_next_change_and_something_at_it(week, instant):
    read = hours(week)
    change = read.changes_at(instant, ROME)
    now = read.is_open(instant, ROME)
    if change is None:
        return
    assert change > instant
    assert read.is_open(change, ROME) is not now
    for part in range(1, 20):
        assert read.is_open(instant + (change - instant) * part / 20, ROME) is now
    assert read.is_open(change - timedelta(microseconds=1), ROME) is now


@pytest.mark.parametrize(
    ("written", "path", "what", "hint"),
    [
        ({"mno": "08:00-20:00"}, ("mno",), "unknown day `mno`", "did you mean `mon`?"),
        ({"mon-fry": "08:00-20:00"}, ("mon-fry",), "unknown day `fry`", "did you mean `fri`?"),
        ({"holiday": ["IT"]}, ("holiday",), "unknown day `holiday`", "did you mean `holidays`?"),
        ({"mon": "8-20"}, ("mon",), "`8-20` are no hours", 'write `"08:00-20:00"` or `closed`'),
        ({"mon": "08:00-25:00"}, ("mon",), "`08:00-25:00` are no hours of a day", "times go from 00:00 to 24:00"),
        (
            {"mon": "08:00-08:00"},
            ("mon",),
            "`08:00-08:00` is over as it begins",
            'write `"00:00-24:00"` for the whole day',
        ),
        ({"mon": 8}, ("mon",), "these are no hours", 'write `"08:00-20:00"` or `closed`'),
        ({"mon-tue": "08:00-20:00", "tue": "closed"}, ("tue",), "tue is given twice", "give each day one entry"),
        ({"mon": "08:00-20:00", "holidays": ["XX"]}, ("holidays", 0), "`XX` is no holiday", None),
        ({"mon": "08:00-20:00", "holidays": ["it"]}, ("holidays", 0), "unknown country `it`", "did you mean `IT`?"),
        (
            {"mon": "08:00-20:00", "holidays": ["IT", "02-30"]},
            ("holidays", 1),
            "`02-30` is no day of the calendar",
            None,
        ),
        ({"mon": "08:00-20:00", "holidays": "IT"}, ("holidays",), "holidays are a list", "write `[IT, 06-24]`"),
        ({"holidays": ["IT"]}, (), "no day is given", 'write `mon-fri: "09:00-18:00"`'),
        ({"mon": "08:00-20:00, 19:00-21:00"}, (), "mon overlaps", None),
        ({"sun": "22:00-06:00", "mon": "05:00-08:00"}, (), "hours of sun and mon overlap", None),
    ],
)
def test_a_mistake_in_the_hours_names_its_place_and_its_cure(written, path, what, hint):
    mistakes = read_hours(written)[1]
    assert len(mistakes) == 1
    assert (mistakes[0].path, mistakes[0].what) == (path, what)
    assert mistakes[0].hint == hint if hint else mistakes[0].hint
