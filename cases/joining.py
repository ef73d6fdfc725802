"""Which case a call stands against, and when a case closes by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JoinWhy(StrEnum):
    """Why a contact stands against the case it stands against."""

    SAME_CALLER = "same caller, open case"
    WITHHELD = "withheld number"
    FIRST_CONTACT = "first contact"
    NO_OPEN_CASE = "no open case"
    CLOSED_LATELY = "same caller, closed lately"
    ANONYMOUS = "nobody can say who it is"
    UNPROVEN = "written on the public page"  # where anybody may name any telephone
    CAME_BEFORE = "it had come before"
    BY_HAND = "somebody said so"
    BY_NUMBER = "names the case, and its sender is on it"
    BY_THREAD = "answers a mail of ours, and its sender is on the case"
    NO_CASE_NAMED = "names no case"
    NOT_THEIRS = "names a case that its sender is not on"
    CLOSED_BEFORE = "names a case that was closed"


class CloseWhy(StrEnum):
    """Why a case closed, or stays open, when a call on it ended."""

    NOTHING_LEFT = "nothing left to do"
    CLOSED_BEFORE = "closed before"
    OTHER_CALL = "another call is on it"
    MESSAGE_WAITS = "a message waits to be heard"
    CALL_BACK_PROMISED = "a call-back is promised"
    IS_WORKED_ON = "somebody works on it"


@dataclass(frozen=True, slots=True)
class OpenCase:
    """An open case of the caller."""

    id: str
    service: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class ClosedCase:
    """A closed case of the caller."""

    id: str
    service: str
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class Closed:
    """The caller's closed cases. One that was closed at `since` or later is opened again."""

    cases: Sequence[ClosedCase]
    since: datetime


@dataclass(frozen=True, slots=True)
class Reopen:
    """The call stands against this case, which is open again."""

    case: str
    why: JoinWhy


@dataclass(frozen=True, slots=True)
class Join:
    """The call stands against this case, which was there before."""

    case: str
    why: JoinWhy


@dataclass(frozen=True, slots=True)
class OpenNew:
    """A new case is opened for the call."""

    why: JoinWhy


def case_for(
    service: str, *, withheld: bool, is_known: bool, open_cases: Sequence[OpenCase], closed: Closed | None = None
) -> Join | Reopen | OpenNew:
    """Join the caller's newest open case for `service`, or open the one again that closed last, or open a new one.

    `is_known` says whether the caller ever had a case. Nobody can tell two callers who withhold their number apart, so
    these never join. `closed` None: closed cases stay so.
    """
    if withheld:
        return OpenNew(JoinWhy.WITHHELD)
    fitting = [case for case in open_cases if case.service == service]
    if fitting:
        newest = max(fitting, key=lambda case: (case.opened_at, case.id))
        return Join(newest.id, JoinWhy.SAME_CALLER)
    lately = (
        [case for case in closed.cases if case.service == service and case.closed_at >= closed.since] if closed else []
    )
    if lately:
        last = max(lately, key=lambda case: (case.closed_at, case.id))
        return Reopen(last.id, JoinWhy.CLOSED_LATELY)
    return OpenNew(JoinWhy.NO_OPEN_CASE if is_known else JoinWhy.FIRST_CONTACT)


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What stands against a case when a call on it has ended."""

    is_open: bool
    is_worked_on: bool  # somebody gave it a title, the second level has it, or it was not opened by a call
    messages: int  # kept voicemails
    call_backs: int  # promised
    open_calls: int  # other calls on it that go on


@dataclass(frozen=True, slots=True)
class Close:
    why: CloseWhy


@dataclass(frozen=True, slots=True)
class LeaveAsIs:
    why: CloseWhy


def when_a_call_ends(facts: CaseFacts) -> Close | LeaveAsIs:
    """Close a case that only logged calls, with the last of them, when nothing is left to do."""
    if not facts.is_open:
        return LeaveAsIs(CloseWhy.CLOSED_BEFORE)
    if facts.open_calls:
        return LeaveAsIs(CloseWhy.OTHER_CALL)
    if facts.messages:
        return LeaveAsIs(CloseWhy.MESSAGE_WAITS)
    if facts.call_backs:
        return LeaveAsIs(CloseWhy.CALL_BACK_PROMISED)
    if facts.is_worked_on:
        return LeaveAsIs(CloseWhy.IS_WORKED_ON)
    return Close(CloseWhy.NOTHING_LEFT)
