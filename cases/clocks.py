"""When a case is to be answered, and whether it was in time: counted from its history, never stored. Pure.

Days count as in Italian law (Codice civile, art. 2963): the first does not count, and a term whose last day is a day
off ends with the next working day. While another administration must answer, the clock stands still: each midnight that
passes meanwhile puts the end off by a day, and a term in hours or minutes is put off by as long as it stood.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ivr.hours import Hours


@dataclass(frozen=True, slots=True)
class InDays:
    """By the end of the `count`-th day (0 to 3650) after the first; 0: the same day. `working`: without days off."""

    count: int
    working: bool = False


@dataclass(frozen=True, slots=True)
class InTime:
    """Within so many seconds (over 0), day and night."""

    length_s: float


Term = InDays | InTime
DAYS_MAX = 3650
_DAYS = re.compile(r"([0-9]{1,4})( working)? days?|([0-9]{1,4})d")
_TIME = re.compile(r"(?:([0-9]{1,4})h)?(?:([0-9]{1,4})m)?")


def read_term(text: str) -> Term | None:
    """`same day`, `7 days` (or `7d`), `5 working days`, `4h`, `1h30m`; None: it is none of these."""
    if text == "same day":
        return InDays(0)
    if found := _DAYS.fullmatch(text):
        count = int(found[1] or found[3])
        return InDays(count, bool(found[2])) if count <= DAYS_MAX else None
    found = _TIME.fullmatch(text)
    length_s = int(found[1] or 0) * 3_600.0 + int(found[2] or 0) * 60.0 if found else 0.0
    return InTime(length_s) if length_s else None


@dataclass(frozen=True, slots=True)
class Promise:
    """That cases of these `kinds`, `topics`, and first `channels` (empty: all) are answered within `term`.

    `complex_only`: only those that were found to be complex. Who is responsible is warned `warn_s` before the end, but
    not in the first half of the time.
    """

    term: Term
    kinds: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    complex_only: bool = False
    warn_s: float = 86_400.0


@dataclass(frozen=True, slots=True)
class Matter:
    """What a promise depends on. `channel`: how the citizen came first."""

    kind: str = ""
    topic: str = ""
    channel: str = ""
    is_complex: bool = False


class Mark(StrEnum):
    """What of a case's history its clock heeds."""

    BEGAN = "began"  # was opened, or opened again: it counts anew
    STOPPED = "stopped"  # another administration, or the citizen, must answer first
    WENT_ON = "went on"
    ENDED = "ended"  # was closed


@dataclass(frozen=True, slots=True)
class Marked:
    at: datetime
    mark: Mark


class Standing(StrEnum):
    """How a case stands against what was promised."""

    RUNNING = "running"
    NEAR_ITS_END = "near its end"
    OVERDUE = "overdue"
    STOPPED = "stopped"
    IN_TIME = "in time"  # closed before the end
    LATE = "late"  # closed after it


@dataclass(frozen=True, slots=True)
class Clock:
    """`due_at` None: nobody can say, while it stands still."""

    standing: Standing
    due_at: datetime | None
    warns_at: datetime | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """`working`: the days of its week that have hours are working days, but for its holidays. At least one has."""

    zone: ZoneInfo
    working: Hours

    def __post_init__(self) -> None:
        if not any(self.working.week):
            raise ValueError("a calendar without a working day: no term would ever end")

    def is_working(self, day: date) -> bool:
        return bool(self.working.week[day.weekday()]) and not self.working.is_holiday(day)

    def midnight_after(self, day: date) -> datetime:
        """The end of a local day."""
        return datetime.combine(day + timedelta(days=1), time(), tzinfo=self.zone).astimezone(UTC)


def promise_for(promises: Sequence[Promise], matter: Matter) -> Promise | None:
    """The first of `promises` that fits; None: nothing was promised."""
    return next((promise for promise in promises if _fits(promise, matter)), None)


def clock(promise: Promise, history: Sequence[Marked], calendar: Calendar, now: datetime) -> Clock:
    """How a case with this `history`, in order and beginning with BEGAN, stands at `now`."""
    began = max(i for i, marked in enumerate(history) if marked.mark is Mark.BEGAN)
    began_at, since = history[began].at, history[began:]
    stops = list(_stops(since))
    due_at = _due(promise.term, began_at, stops, calendar)
    ended_at = next((marked.at for marked in since if marked.mark is Mark.ENDED), None)
    if ended_at is not None:
        is_in_time = due_at is None or ended_at <= due_at
        return Clock(Standing.IN_TIME if is_in_time else Standing.LATE, due_at, None)
    if due_at is None:
        return Clock(Standing.STOPPED, None, None)
    warns_at = due_at - min(timedelta(seconds=promise.warn_s), (due_at - began_at) / 2)
    if now > due_at:
        return Clock(Standing.OVERDUE, due_at, warns_at)
    return Clock(Standing.NEAR_ITS_END if now >= warns_at else Standing.RUNNING, due_at, warns_at)


def _fits(promise: Promise, matter: Matter) -> bool:
    return (
        (not promise.kinds or matter.kind in promise.kinds)
        and (not promise.topics or matter.topic in promise.topics)
        and (not promise.channels or matter.channel in promise.channels)
        and (matter.is_complex or not promise.complex_only)
    )


@dataclass(frozen=True, slots=True)
class _Stop:
    begin: datetime
    end: datetime | None  # None: it lasts

    def covers(self, at: datetime) -> bool:
        return self.begin <= at and (self.end is None or at < self.end)


def _stops(history: Iterable[Marked]) -> Iterator[_Stop]:
    begin: datetime | None = None
    for marked in history:
        if marked.mark is Mark.STOPPED and begin is None:
            begin = marked.at
        elif marked.mark in (Mark.WENT_ON, Mark.ENDED) and begin is not None:
            yield _Stop(begin, marked.at)
            begin = None
    if begin is not None:
        yield _Stop(begin, None)


def _due(term: Term, began_at: datetime, stops: Sequence[_Stop], calendar: Calendar) -> datetime | None:
    if isinstance(term, InTime):
        return _due_in_time(began_at + timedelta(seconds=term.length_s), stops)
    return _due_in_days(term, began_at, stops, calendar)


def _due_in_time(due_at: datetime, stops: Sequence[_Stop]) -> datetime | None:
    for stop in stops:
        if stop.begin < due_at:
            if stop.end is None:
                return None
            due_at += stop.end - stop.begin
    return due_at


def _due_in_days(term: InDays, began_at: datetime, stops: Sequence[_Stop], calendar: Calendar) -> datetime | None:
    day, counted = began_at.astimezone(calendar.zone).date(), -1  # the first day's own end makes it 0
    first = day
    while True:
        midnight = calendar.midnight_after(day)
        stop = next((stop for stop in stops if stop.covers(midnight)), None)
        if stop and stop.end is None:
            return None
        if stop is None:
            counted += day == first or not term.working or calendar.is_working(day)
            if counted >= term.count and calendar.is_working(day):
                return midnight
        day += timedelta(days=1)
