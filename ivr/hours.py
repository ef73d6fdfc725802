"""Opening hours: open or closed, and until when. Pure: the instant is handed in.

A span of hours belongs to the day on which it begins: `fri: "22:00-06:00"` ends on Saturday morning, also where that
Saturday is a holiday. Where the clock is changed, a time that comes twice counts at its first coming, and a time that
is skipped counts by the clock before the change (02:30 is then 03:30).
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

import holidays as public_holidays

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ITALIAN_DAYS = ("lun", "mar", "mer", "gio", "ven", "sab", "dom")  # as admins write them by habit
DAY_MINUTES = 24 * 60
LOOK_AHEAD_DAYS = 400  # over a year: the next Christmas is in it
_SPAN = re.compile(r"([0-9]{2}):([0-9]{2})\s*-\s*([0-9]{2}):([0-9]{2})")
_YEARLY = re.compile(r"([0-9]{2})-([0-9]{2})")
_ONCE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes after local midnight of the day it belongs to; `end_minute` is up to 2880: over 1440 is the next day."""

    begin_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True)
class Hours:
    """When a number is open. `week`: the spans of each day, Monday first. Closed on the holidays of `countries`, on
    `yearly` days (month, day) and on `dates`.
    """

    week: tuple[tuple[Span, ...], ...]
    countries: tuple[str, ...] = ()
    yearly: frozenset[tuple[int, int]] = frozenset()
    dates: frozenset[date] = frozenset()

    def is_open(self, at: datetime, zone: ZoneInfo) -> bool:
        """Open at the aware instant `at`, by the local time of `zone`?"""
        today = at.astimezone(zone).date()
        return any(begin <= at < end for begin, end in self._spans(today - timedelta(days=2), 4, zone))

    def changes_at(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """The next UTC instant after `at` at which open becomes closed or back; None: not within 400 days."""
        today = at.astimezone(zone).date()
        until: datetime | None = None  # open without a gap until here
        for begin, end in self._spans(today - timedelta(days=2), LOOK_AHEAD_DAYS, zone):
            if until is None and begin > at:
                return begin
            if until is not None and begin > until:
                return until
            if end > at:
                until = max(end, until or end)
        last = at + timedelta(days=LOOK_AHEAD_DAYS - 3)
        return until if until is not None and until < last else None

    def is_holiday(self, day: date) -> bool:
        """Closed all day, whatever the week says."""
        if day in self.dates or (day.month, day.day) in self.yearly:
            return True
        return any(day in _public_holidays(country, day.year) for country in self.countries)

    def in_words(self) -> tuple[str, ...]:
        """A line for each run of days with the same hours, `mon-sat 08:00-20:00`; then the days off."""
        lines = [f"{_run(days)} {_times(self.week[days[0]])}" for days in self._runs() if self.week[days[0]]]
        days_off = [f"holidays {country}" for country in self.countries]
        days_off += [f"{month:02}-{day:02}" for month, day in sorted(self.yearly)]
        days_off += [f"{day}" for day in sorted(self.dates)]
        return (*(lines or ["never"]), *([f"not on {', '.join(days_off)}"] if days_off else []))

    def _runs(self) -> list[list[int]]:
        return [list(days) for _, days in groupby(range(7), key=lambda day: self.week[day])]

    def _spans(self, first: date, days: int, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """The open spans that begin on `first` or in the days after, in order, as UTC instants."""
        for offset in range(days):
            day = first + timedelta(days=offset)
            if self.is_holiday(day):
                continue
            instants = [
                (_instant(day, span.begin_minute, zone), _instant(day, span.end_minute, zone))
                for span in self.week[day.weekday()]
            ]
            yield from sorted((begin, end) for begin, end in instants if begin < end)  # skipped hours may be empty


@lru_cache(maxsize=256)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    return frozenset(public_holidays.country_holidays(country, years=year))


def _run(days: list[int]) -> str:
    return DAYS[days[0]] if len(days) == 1 else f"{DAYS[days[0]]}-{DAYS[days[-1]]}"


def _times(spans: Iterable[Span]) -> str:
    return ", ".join(f"{_time(span.begin_minute)}-{_time(span.end_minute)}" for span in spans)


def _time(minute: int) -> str:
    """24:00 ends a day; what is later is a time of the next."""
    hour, rest = divmod(minute if minute <= DAY_MINUTES else minute - DAY_MINUTES, 60)
    return f"{hour:02}:{rest:02}"


def _instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    days, rest = divmod(minute, DAY_MINUTES)
    local = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), tzinfo=zone)
    return local.astimezone(UTC)


# --- reading what an admin wrote


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at `path` within the hours, and its cure."""

    path: tuple[str | int, ...]
    what: str
    hint: str


def read_hours(written: Mapping[str, object]) -> tuple[Hours, tuple[Mistake, ...]]:
    """`{mon-sat: "08:00-20:00", holidays: [IT, 06-24]}` → hours, and all mistakes in it (none: the hours are right)."""
    mistakes: list[Mistake] = []
    week: dict[int, tuple[Span, ...]] = {}
    for key, value in written.items():
        if key == "holidays":
            continue
        days = _read_days(key, mistakes)
        spans = _read_spans(key, value, mistakes) if days else ()
        for day in days:
            if day in week:
                mistakes.append(Mistake((key,), f"{DAYS[day]} is given twice", "give each day one entry"))
            week[day] = spans
    if not week and not mistakes:
        mistakes.append(Mistake((), "no day is given", 'write `mon-fri: "09:00-18:00"`'))
    _find_overlaps(week, mistakes)
    countries, yearly, dates = _read_holidays(written.get("holidays", []), mistakes)
    ordered = tuple(week.get(day, ()) for day in range(7))
    return Hours(ordered, countries, yearly, dates), tuple(mistakes)


def _read_days(key: str, mistakes: list[Mistake]) -> list[int]:
    """`mon`, `mon-sat`, `fri-mon`, `mon,wed-fri` → numbers of days, Monday 0."""
    days: list[int] = []
    for part in key.split(","):
        first, _, last = part.strip().partition("-")
        if unknown := [name for name in (first, last or first) if name not in DAYS]:
            in_italian = [DAYS[ITALIAN_DAYS.index(unknown[0][:3])]] if unknown[0][:3] in ITALIAN_DAYS else []
            close = in_italian or difflib.get_close_matches(unknown[0], (*DAYS, "holidays"), n=1)
            hint = f"did you mean `{close[0]}`?" if close else "write mon, tue, wed, thu, fri, sat, sun or mon-fri"
            mistakes.append(Mistake((key,), f"unknown day `{unknown[0][:40]}`", hint))
            continue
        begin, end = DAYS.index(first), DAYS.index(last or first)
        days += [day % 7 for day in range(begin, (end if end >= begin else end + 7) + 1)]
    return days


def _read_spans(key: str, value: object, mistakes: list[Mistake]) -> tuple[Span, ...]:
    if value == "closed":
        return ()
    if not isinstance(value, str):
        mistakes.append(Mistake((key,), "these are no hours", 'write `"08:00-20:00"` or `closed`'))
        return ()
    spans = [span for part in value.split(",") if (span := _read_span(key, part.strip(), mistakes))]
    return tuple(sorted(spans, key=lambda span: span.begin_minute))


def _read_span(key: str, part: str, mistakes: list[Mistake]) -> Span | None:
    found = _SPAN.fullmatch(part)
    if not found:
        mistakes.append(Mistake((key,), f"`{part[:40]}` are no hours", 'write `"08:00-20:00"` or `closed`'))
        return None
    hour, minute, end_hour, end_minute = (int(number) for number in found.groups())
    begin, end = hour * 60 + minute, end_hour * 60 + end_minute
    if minute > 59 or end_minute > 59 or begin >= DAY_MINUTES or end > DAY_MINUTES:
        mistakes.append(Mistake((key,), f"`{part}` are no hours of a day", "times go from 00:00 to 24:00"))
        return None
    if begin == end:
        mistakes.append(Mistake((key,), f"`{part}` is over as it begins", 'write `"00:00-24:00"` for the whole day'))
        return None
    return Span(begin, end if end > begin else end + DAY_MINUTES)


def _find_overlaps(week: Mapping[int, tuple[Span, ...]], mistakes: list[Mistake]) -> None:
    """Also of a night with the day after it."""
    spans = sorted(
        (day * DAY_MINUTES + span.begin_minute, day * DAY_MINUTES + span.end_minute, day % 7)
        for day in range(8)  # Monday again: after Sunday's night
        for span in week.get(day % 7, ())
    )
    for (_, end, day), (begin, _, next_day) in pairwise(spans):
        if begin < end:
            what = f"hours of {DAYS[day]} and {DAYS[next_day]} overlap" if day != next_day else f"{DAYS[day]} overlaps"
            mistakes.append(Mistake((), what, "let each span begin when the one before it is over"))
            return


def _read_holidays(
    value: object, mistakes: list[Mistake]
) -> tuple[tuple[str, ...], frozenset[tuple[int, int]], frozenset[date]]:
    if not isinstance(value, list):
        mistakes.append(Mistake(("holidays",), "holidays are a list", "write `[IT, 06-24]`"))
        return (), frozenset(), frozenset()
    countries: list[str] = []
    yearly: set[tuple[int, int]] = set()
    dates: set[date] = set()
    for index, entry in enumerate(value):
        text = str(entry)
        if text in _supported_countries():
            countries.append(text)
        elif _is_date(f"2024-{text}") and _YEARLY.fullmatch(text):  # 2024: a leap year, so that 02-29 is a day
            yearly.add((int(text[:2]), int(text[3:])))
        elif _is_date(text):
            dates.add(date.fromisoformat(text))
        else:
            mistakes.append(_no_holiday(index, text))
    return tuple(countries), frozenset(yearly), frozenset(dates)


def _no_holiday(index: int, text: str) -> Mistake:
    if _YEARLY.fullmatch(text) or _ONCE.fullmatch(text):
        return Mistake(("holidays", index), f"`{text}` is no day of the calendar", "write month-day: `06-24`")
    if text.upper() in _supported_countries():
        return Mistake(("holidays", index), f"unknown country `{text}`", f"did you mean `{text.upper()}`?")
    hint = "write a country (`IT`), a day of each year (`06-24`) or a date (`2026-12-24`)"
    return Mistake(("holidays", index), f"`{text[:40]}` is no holiday", hint)


def is_day(text: str) -> bool:
    """`06-24` or `2026-06-24`."""
    return _is_date(text) or (_is_date(f"2024-{text}") and _YEARLY.fullmatch(text) is not None)


def _is_date(text: str) -> bool:
    if not _ONCE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1)
def _supported_countries() -> frozenset[str]:
    return frozenset(public_holidays.list_supported_countries())
