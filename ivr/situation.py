"""What is true around a call when a step asks: the time, the caller, the queues. Handed in: `ivr` itself is pure."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from ivr.hours import DAYS
from ivr.menu import (
    CallsFrom,
    Condition,
    Dialplan,
    ExpectedWaitOver,
    IsOpen,
    NobodySignedIn,
    OnDay,
    Speaks,
    WaitingOver,
)


@dataclass(frozen=True, slots=True)
class QueueNow:
    """How a queue stands: `waiting` calls; `signed_in` agents who could ever take the caller; how long somebody who
    enters now is expected to wait (None: nobody can tell).
    """

    waiting: int
    signed_in: int
    expected_wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class CaseStanding:
    """How a case stands, for the citizen whose it is."""

    is_open: bool
    opened_on: date
    due_on: date | None = None


class Situation(Protocol):
    """Around one call."""

    @property
    def caller(self) -> str:
        """The caller's number in E.164; empty where it is withheld."""

    def now(self) -> datetime:
        """The instant, aware."""

    def queue(self, name: str, language: str) -> QueueNow:
        """How a queue stands for a caller who speaks `language`."""


def is_open(plan: Dialplan, situation: Situation) -> bool:
    """Whether the number is open now."""
    return plan.hours is None or plan.hours.is_open(situation.now(), plan.time_zone)


def holds(condition: Condition, plan: Dialplan, language: str, situation: Situation) -> bool:
    """Whether `condition` holds for a call that speaks `language`."""
    match condition:
        case IsOpen(hours=hours):
            return hours.is_open(situation.now(), plan.time_zone)
        case Speaks(languages=languages):
            return language in languages
        case CallsFrom(prefixes=prefixes, withheld=withheld):
            return situation.caller.startswith(prefixes) if situation.caller else withheld
        case OnDay():
            day = situation.now().astimezone(plan.time_zone).date()
            return (
                day.weekday() in condition.weekdays
                or (day.month, day.day) in condition.yearly
                or day in condition.dates
            )
        case WaitingOver(queue=queue, calls=calls):
            return situation.queue(queue, language).waiting > calls
        case NobodySignedIn(queue=queue):
            return situation.queue(queue, language).signed_in == 0
        case ExpectedWaitOver(queue=queue, wait_s=wait_s):
            expected_s = situation.queue(queue, language).expected_wait_s
            return expected_s is not None and expected_s > wait_s


def in_words(condition: Condition) -> str:
    """What held, for who asks why."""
    match condition:
        case IsOpen(name=name):
            return f"{name} is open"
        case Speaks(languages=languages):
            return f"the caller speaks {' or '.join(languages)}"
        case CallsFrom(prefixes=prefixes, withheld=withheld):
            numbers = [f"from {prefix}" for prefix in prefixes] + ["from a withheld number"] * withheld
            return f"the call comes {' or '.join(numbers)}"
        case OnDay(weekdays=weekdays, yearly=yearly, dates=dates):
            days = [DAYS[day] for day in sorted(weekdays)]
            days += [f"{month:02}-{day:02}" for month, day in sorted(yearly)] + [f"{day}" for day in sorted(dates)]
            return f"it is {' or '.join(days)}"
        case WaitingOver(queue=queue, calls=calls):
            return f"more than {calls} wait in {queue}"
        case NobodySignedIn(queue=queue):
            return f"nobody is signed in for {queue}"
        case ExpectedWaitOver(queue=queue, wait_s=wait_s):
            return f"the wait in {queue} is expected to be over {wait_s:g} s"
