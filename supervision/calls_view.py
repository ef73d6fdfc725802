"""What the row of a call says after each event about it. Pure: a row and an event in, a row out."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from centralino.clock import as_utc
from centralino.events import (
    AnswerKept,
    CallArrived,
    CallEnded,
    CallEvent,
    CallOffered,
    EntityChosen,
    LanguageChosen,
    OfferEnded,
    OfficeAnswered,
    OfficeAway,
    OfficeRung,
    QueueEntered,
    QueueLeft,
    RingEnded,
    StepEntered,
    TalkEnded,
    TalkStarted,
    VoicemailEnded,
    VoicemailStarted,
)
from centralino.people import NUMBER_LENGTH_MAX, cleaned


class CallState(StrEnum):
    """Where a call is, as the pages show it."""

    ARRIVED = "arrived"
    IN_MENU = "in menu"
    QUEUED = "queued"
    OFFERED = "offered"
    TALKING = "talking"
    TRANSFERRING = "transferring"
    TRANSFERRED = "transferred"
    VOICEMAIL = "voicemail"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One row of `calls`. Instants are aware UTC, durations seconds; None: it did not happen (yet)."""

    id: str
    node: str
    dialled: str
    service: str  # empty: the number dialled is no service of ours
    entity: str | None = None
    person: str
    withheld: bool
    language: str
    arrived_at: datetime
    state: CallState = CallState.ARRIVED
    step: str | None = None
    queue: str | None = None  # the one it is or was last in
    queued_at: datetime | None = None  # when it first entered a queue
    answered_at: datetime | None = None  # when the first talk began
    in_time: bool | None = None  # whether that was within the queue's target
    agent: str | None = None  # who is offered the call, or talks or talked last
    phone: str | None = None
    talk_started_at: datetime | None = None  # of the latest talk
    talk_ended_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    why: str | None = None
    wait_s: float | None = None  # in queues, until answered, left or ended
    talk_s: float | None = None  # all talks together
    office: str | None = None  # the one that was rung last
    answers: dict[str, str] | None = None  # what the caller keyed in, by its note
    case_id: str | None = None
    voicemail: str | None = None  # the recording, where a message was kept
    voicemail_s: float | None = None


def arrived(at_s: float, event: CallArrived, case_id: str | None) -> CallRow:
    """The row of a call that has just come in."""
    return CallRow(
        id=event.call,
        node=event.node,
        dialled=cleaned(event.dialled, NUMBER_LENGTH_MAX),
        service=event.service,
        entity=event.entity or None,
        person=event.person,
        withheld=event.withheld,
        language=event.language,
        arrived_at=as_utc(at_s),
        case_id=case_id,
    )


def after(row: CallRow, at_s: float, event: CallEvent) -> CallRow:
    """The row after `event`, which is about this call. What a row does not show leaves it as it is."""
    if isinstance(event, VoicemailEnded):  # may come after the end: the caller hangs up, then the file is closed
        return replace(row, voicemail=event.recording, voicemail_s=event.duration_s) if event.kept else row
    if row.state is CallState.ENDED:
        return row  # late news of a call that is over changes nothing
    match event:
        case StepEntered(step=step):
            return replace(row, state=CallState.IN_MENU, step=step)
        case LanguageChosen(language=language):
            return replace(row, language=language)
        case EntityChosen(entity=entity):
            return replace(row, entity=entity)
        case AnswerKept(note=note, answer=answer):
            return replace(row, answers={**(row.answers or {}), note: answer})
        case OfficeRung(office=office):
            return replace(row, state=CallState.TRANSFERRING, office=office)
        case OfficeAway():
            return replace(row, state=CallState.IN_MENU)
        case OfficeAnswered():
            return replace(row, state=CallState.TRANSFERRED)
        case QueueEntered() | QueueLeft() | CallOffered() | RingEnded() | OfferEnded():
            return _in_queue(row, at_s, event)
        case TalkStarted():
            return _talking(row, as_utc(at_s), event)
        case TalkEnded():
            return _talk_over(row, as_utc(at_s))
        case VoicemailStarted():
            return replace(row, state=CallState.VOICEMAIL)
        case CallEnded():
            return _ended(row, as_utc(at_s), event)
    return row


def _in_queue(
    row: CallRow, at_s: float, event: QueueEntered | QueueLeft | CallOffered | RingEnded | OfferEnded
) -> CallRow:
    match event:
        case QueueEntered(queue=queue, first_entered_s=first_entered_s):
            return replace(row, state=CallState.QUEUED, queue=queue, queued_at=as_utc(first_entered_s))
        case QueueLeft():
            return _waited_until(replace(row, state=CallState.IN_MENU, agent=None, phone=None), as_utc(at_s))
        case CallOffered(agent=agent, phone=phone):
            return replace(row, state=CallState.OFFERED, agent=agent, phone=phone)
        case RingEnded(agent=agent) if agent == row.agent and row.state is CallState.OFFERED:
            return replace(row, agent=None, phone=None)
        case OfferEnded() if row.state is CallState.OFFERED:
            return replace(row, state=CallState.QUEUED, agent=None, phone=None)
    return row


def _talking(row: CallRow, at: datetime, event: TalkStarted) -> CallRow:
    if row.answered_at is None:
        row = replace(_waited_until(row, at), answered_at=at, in_time=event.in_time)
    phone = event.phone or (row.phone if row.agent == event.agent else None)
    talk = replace(row, agent=event.agent, phone=phone, talk_started_at=at, talk_ended_at=None)
    return replace(talk, state=CallState.TALKING)


def _talk_over(row: CallRow, at: datetime) -> CallRow:
    if row.talk_started_at is None or row.talk_ended_at is not None:
        return row
    talked_s = (row.talk_s or 0.0) + _seconds(row.talk_started_at, at)
    return replace(row, talk_ended_at=at, talk_s=talked_s)


def _waited_until(row: CallRow, at: datetime) -> CallRow:
    return replace(row, wait_s=_seconds(row.queued_at, at)) if row.queued_at else row


def _ended(row: CallRow, at: datetime, event: CallEnded) -> CallRow:
    row = _talk_over(row, at)
    if row.answered_at is None:  # nobody talked: a phone that rang until the end names nobody
        row = replace(row, agent=None, phone=None)
        row = row if row.wait_s is not None else _waited_until(row, at)
    return replace(row, state=CallState.ENDED, ended_at=at, outcome=event.outcome.value, why=event.why)


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, round((end - start).total_seconds(), 3))
