"""What the row of a call says after each event about it. Pure: a row and an event in, a row out."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from centralino.clock import as_utc
from centralino.events import (
    AnswerKept,
    CallArrived,
    CallBackBegun,
    CallBackRung,
    CallBackUnanswered,
    CallDisposed,
    CallEnded,
    CallerParked,
    CallEvent,
    CallHandedOn,
    CallOffered,
    CallTakenOver,
    CallTransferred,
    ColleagueTalks,
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
    SupervisorLeft,
    TalkEnded,
    TalkStarted,
    VoicemailEnded,
    VoicemailStarted,
    WhisperCutOff,
    WhisperStarted,
)
from centralino.people import NUMBER_LENGTH_MAX, cleaned

InQueue = QueueEntered | QueueLeft | CallOffered | RingEnded | OfferEnded | WhisperStarted | WhisperCutOff


class CallState(StrEnum):
    """Where a call is, as the pages show it."""

    ARRIVED = "arrived"
    IN_MENU = "in menu"
    QUEUED = "queued"
    OFFERED = "offered"
    CALLING_BACK = "calling back"
    WHISPERING = "whispering"
    TALKING = "talking"
    TAKEN_OVER = "taken over"
    TRANSFERRING = "transferring"
    TRANSFERRED = "transferred"
    PARKED = "parked"
    VOICEMAIL = "voicemail"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One row of `calls`. Instants are aware UTC, durations seconds; None: it did not happen (yet)."""

    id: str
    node: str
    dialled: str  # empty: we called
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
    in_time: bool | None = None  # whether that was within the queue's target; None also: a call-back
    agent: str | None = None  # who talks or talked last; before any talk, who is offered the call
    phone: str | None = None
    talk_started_at: datetime | None = None  # of the latest talk
    talk_ended_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    why: str | None = None
    wait_s: float | None = None  # in queues, until answered, left or ended
    talk_s: float | None = None  # all talks together
    office: str | None = None  # the one that was rung last
    answers: dict[str, str] | None = None  # what the caller keyed in, by its note; what agents wrote, by who it was
    case_id: str | None = None
    voicemail: str | None = None  # the recording, where a message was kept
    voicemail_s: float | None = None
    kind: str | None = None  # what was said of it last: an `agents.disposition` Kind, a topic, a Level
    topic: str | None = None
    level: str | None = None
    call_back_of: str | None = None  # the call in which was promised what this one, a call-back, is to keep


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


def begun(at_s: float, event: CallBackBegun, case_id: str | None) -> CallRow:
    """The row of a call-back that stands in the line."""
    return CallRow(
        id=event.call,
        node=event.node,
        dialled="",
        service=event.service,
        entity=event.entity or None,
        person=event.person,
        withheld=False,
        language=event.language,
        arrived_at=as_utc(at_s),
        state=CallState.QUEUED,
        queue=event.queue,
        queued_at=as_utc(event.first_entered_s),
        case_id=case_id,
        call_back_of=event.of,
    )


def after(row: CallRow, at_s: float, event: CallEvent) -> CallRow:
    """The row after `event`, which is about this call. What a row does not show leaves it as it is."""
    if isinstance(event, VoicemailEnded | CallDisposed):
        return _told_late(row, event)
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
        case CallHandedOn() | CallerParked() | CallTransferred():
            return _handed_on(row, as_utc(at_s), event)
        case OfficeRung(office=office):
            return replace(row, state=CallState.TRANSFERRING, office=office)
        case OfficeAway():
            return replace(row, state=CallState.IN_MENU)
        case OfficeAnswered():
            return replace(row, state=CallState.TRANSFERRED)
        case _ if isinstance(event, InQueue):
            return _in_queue(row, at_s, event)
        case CallBackRung() | CallBackUnanswered():
            return _called_back(row, event)
        case TalkStarted() | ColleagueTalks():
            return _talking(row, as_utc(at_s), event)
        case TalkEnded() | SupervisorLeft() | CallTakenOver():
            return _talked(row, as_utc(at_s), event)
        case VoicemailStarted():
            return replace(row, state=CallState.VOICEMAIL)
        case CallEnded():
            return _ended(row, as_utc(at_s), event)
    return row


def _told_late(row: CallRow, event: VoicemailEnded | CallDisposed) -> CallRow:
    """What may come after the end: the caller hangs up, then the file is closed, then the agent says what it was."""
    if isinstance(event, CallDisposed):
        return replace(row, kind=event.kind, topic=event.topic or None, level=event.level or None)
    return replace(row, voicemail=event.recording, voicemail_s=event.duration_s) if event.kept else row


def _in_queue(row: CallRow, at_s: float, event: InQueue) -> CallRow:
    match event:
        case QueueEntered(queue=queue, first_entered_s=first_entered_s, office=office):
            row = replace(row, state=CallState.QUEUED, queue=queue, queued_at=as_utc(first_entered_s))
            return replace(row, office=office) if office else row
        case QueueLeft():
            return _waited_until(_with(row, CallState.IN_MENU), as_utc(at_s))
        case CallOffered(agent=agent, phone=phone):
            return _with(row, CallState.OFFERED, agent, phone)
        case RingEnded(agent=agent) if agent == row.agent and row.state is CallState.OFFERED:
            return _with(row, CallState.OFFERED)
        case OfferEnded() if row.state is CallState.OFFERED:
            return _with(row, CallState.QUEUED)
        case WhisperStarted(agent=agent):
            return _with(row, CallState.WHISPERING, agent, row.phone if row.agent == agent else None)
        case WhisperCutOff():
            return _with(row, CallState.QUEUED)
    return row


def _with(row: CallRow, state: CallState, agent: str | None = None, phone: str | None = None) -> CallRow:
    """Who is offered a call is not shown any more, once somebody has talked."""
    row = replace(row, state=state)
    return row if row.answered_at else replace(row, agent=agent, phone=phone)


def _called_back(row: CallRow, event: CallBackRung | CallBackUnanswered) -> CallRow:
    if isinstance(event, CallBackRung):
        return replace(row, state=CallState.CALLING_BACK)
    return replace(row, talk_started_at=None, answered_at=None)


def _talking(row: CallRow, at: datetime, event: TalkStarted | ColleagueTalks) -> CallRow:
    if row.answered_at is None and isinstance(event, TalkStarted):
        in_time = None if row.call_back_of else event.in_time
        row = replace(_waited_until(row, at), answered_at=at, in_time=in_time)
    phone = event.phone or (row.phone if row.agent == event.agent else None)
    office = row.office if isinstance(event, TalkStarted) else None
    talk = replace(row, agent=event.agent, phone=phone, office=office, talk_started_at=at, talk_ended_at=None)
    return replace(talk, state=CallState.TALKING)


def _talked(row: CallRow, at: datetime, event: TalkEnded | SupervisorLeft | CallTakenOver) -> CallRow:
    row = _talk_over(row, at)
    if isinstance(event, CallTakenOver):
        return replace(row, state=CallState.TAKEN_OVER, talk_started_at=at, talk_ended_at=None)
    return row


def _talk_over(row: CallRow, at: datetime) -> CallRow:
    if row.talk_started_at is None or row.talk_ended_at is not None:
        return row
    talked_s = (row.talk_s or 0.0) + _seconds(row.talk_started_at, at)
    return replace(row, talk_ended_at=at, talk_s=talked_s)


def _handed_on(row: CallRow, at: datetime, event: CallHandedOn | CallerParked | CallTransferred) -> CallRow:
    if isinstance(event, CallTransferred):
        return replace(_talk_over(row, at), state=CallState.TRANSFERRING, office=event.to)
    if isinstance(event, CallerParked):
        return replace(_talk_over(row, at), state=CallState.PARKED)
    row = replace(_talk_over(row, at), state=CallState.IN_MENU)
    if not event.note:
        return row
    before = (row.answers or {}).get(event.agent)
    note = f"{before} / {event.note}" if before else event.note
    return replace(row, answers={**(row.answers or {}), event.agent: note})


def _waited_until(row: CallRow, at: datetime) -> CallRow:
    """The wait that counts is that before the first talk."""
    if row.queued_at is None or row.answered_at is not None:
        return row
    return replace(row, wait_s=_seconds(row.queued_at, at))


def _ended(row: CallRow, at: datetime, event: CallEnded) -> CallRow:
    row = _talk_over(row, at)
    if row.answered_at is None:  # nobody talked: a phone that rang until the end names nobody
        row = replace(row, agent=None, phone=None)
        row = row if row.wait_s is not None else _waited_until(row, at)
    return replace(row, state=CallState.ENDED, ended_at=at, outcome=event.outcome.value, why=event.why)


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, round((end - start).total_seconds(), 3))
