"""What the row of an agent's own call says after each event about it. Pure: a row and an event in, a row out.

They stand beside the citizens' calls, and no figure of a queue or an agent counts them.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from centralino.clock import as_utc
from centralino.events import (
    OwnCallAnswered,
    OwnCallBegun,
    OwnCallEnded,
    OwnCallEvent,
    OwnCallRefused,
    OwnCallTakenUp,
)


class OwnCallState(StrEnum):
    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCallRow:
    """One row of `own_calls`. Instants are aware UTC, durations seconds; None: it did not happen (yet)."""

    id: str
    phone: str
    agent: str | None  # who was signed in there
    to: str | None  # an agent or a phone; None: `person`, outside
    to_phone: str | None
    person: str | None
    begun_at: datetime
    state: OwnCallState = OwnCallState.RINGING
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ring_s: float | None = None  # of the other one
    talk_s: float | None = None
    why: str | None = None  # how it ended, or why it was refused
    by: str | None = None  # who asked for it by a command; None: they dialled
    entity: str | None = None  # whose number is shown
    rung_at: datetime | None = None  # since when the other one was rung: of a call that was placed, once they are there


def begun(at_s: float, event: OwnCallBegun) -> OwnCallRow:
    return OwnCallRow(
        id=event.call,
        phone=event.phone,
        agent=event.agent or None,
        to=event.to or None,
        to_phone=event.to_phone or None,
        person=event.person or None,
        begun_at=as_utc(at_s),
        by=event.by or None,
        entity=event.entity or None,
        rung_at=None if event.by else as_utc(at_s),
    )


def refused(n: int, at_s: float, event: OwnCallRefused) -> OwnCallRow:
    """`n` is the event's place in the journal: in old journals a call that was refused has no id."""
    return OwnCallRow(
        id=event.call or f"refused-{n}",
        phone=event.phone,
        agent=event.agent or None,
        to=event.to or None,
        to_phone=None,
        person=event.person or None,
        begun_at=as_utc(at_s),
        state=OwnCallState.REFUSED,
        why=event.why,
        by=event.by or None,
    )


def after(row: OwnCallRow, at_s: float, event: OwnCallEvent) -> OwnCallRow:
    """The row after `event`, which is about this call."""
    at = as_utc(at_s)
    match event:
        case OwnCallTakenUp():
            return replace(row, rung_at=at)
        case OwnCallAnswered():
            return replace(row, state=OwnCallState.TALKING, answered_at=at, ring_s=_since(row.rung_at, at))
        case OwnCallEnded(why=why):
            return _ended(row, at, why)
    return row


def _ended(row: OwnCallRow, at: datetime, why: str) -> OwnCallRow:
    row = replace(row, state=OwnCallState.ENDED, ended_at=at, why=why)
    if row.answered_at is None:
        return replace(row, ring_s=_since(row.rung_at, at))
    return replace(row, talk_s=_since(row.answered_at, at))


def _since(then: datetime | None, at: datetime) -> float | None:
    return (at - then).total_seconds() if then else None
