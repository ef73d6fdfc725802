"""What may be done to a message that a caller left, by whom, and what comes of it. Pure: kept by cases/voicemails.py.

What people did is kept, not the state: a claim runs out by itself, and nobody need be there to see it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from cases.state import CaseRefused, Role, Worker

CLAIM_LASTS = timedelta(minutes=30)  # since its holder last did something: who went home holds no message


class State(StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"  # somebody works on it
    DONE = "done"


class Act(StrEnum):
    CLAIM = "claim"
    GIVE_BACK = "give back"
    LISTEN = "listen"
    DONE = "done"
    UNDO = "undo"  # it was not done


class How(StrEnum):
    """How a message is done."""

    CALLED_BACK = "called back"
    OTHERWISE = "answered otherwise"
    NOTHING = "nothing to do"


S, A = State, Act
MOVES: Mapping[tuple[State, Act], State] = {
    (S.WAITING, A.CLAIM): S.CLAIMED,
    (S.WAITING, A.LISTEN): S.WAITING,
    (S.WAITING, A.DONE): S.DONE,
    (S.CLAIMED, A.CLAIM): S.CLAIMED,  # again, by who has it: it begins anew
    (S.CLAIMED, A.GIVE_BACK): S.WAITING,
    (S.CLAIMED, A.LISTEN): S.CLAIMED,
    (S.CLAIMED, A.DONE): S.DONE,
    (S.DONE, A.LISTEN): S.DONE,
    (S.DONE, A.UNDO): S.WAITING,
}
BY_SUPERVISORS_TOO = frozenset({A.GIVE_BACK, A.DONE})  # of a message that somebody else has claimed


@dataclass(frozen=True, slots=True)
class Handling:
    """What was done to the message of `call`. `listened_…`: by whom, and when, last."""

    call: str
    claimed_by: str | None = None
    claimed_at: datetime | None = None
    listened_by: str | None = None
    listened_at: datetime | None = None
    done_by: str | None = None
    done_at: datetime | None = None
    done_how: str | None = None

    def state_at(self, now: datetime) -> State:
        if self.done_at:
            return State.DONE
        return State.CLAIMED if self.claimed_at and now < self.claimed_at + CLAIM_LASTS else State.WAITING


@dataclass(frozen=True, slots=True)
class Doing:
    """`how` goes with DONE."""

    act: Act
    at: datetime
    how: How | None = None


def handle(message: Handling, doing: Doing, worker: Worker, office: str) -> Handling:
    """What comes of `doing`. `office`: the one that its case is with, or empty. Raises CaseRefused."""
    state = message.state_at(doing.at)
    if worker.role is Role.OFFICE and worker.office != office:
        raise CaseRefused(f"the case of the message of {message.call} is not with {worker.office or 'an office'}")
    _look_at_move(message, state, doing.act)
    if state is State.CLAIMED and worker.by != message.claimed_by:
        _look_at_claim(message, doing, worker)
    if (doing.act is Act.DONE) is (doing.how is None):
        raise CaseRefused(f"`done`, and nothing else, says how: {', '.join(How)}")
    return _handled(message, doing, worker, state)


# --- within


def _look_at_move(message: Handling, state: State, act: Act) -> None:
    if (state, act) not in MOVES:
        legal = ", ".join(each for there, each in MOVES if there is state)
        by = f", by {message.done_by}" if state is State.DONE else ""
        raise CaseRefused(f"there is no `{act}` while the message of {message.call} is {state}{by}; there is: {legal}")


def _look_at_claim(message: Handling, doing: Doing, worker: Worker) -> None:
    """Somebody else has it."""
    if doing.act is Act.LISTEN or (worker.role is Role.SUPERVISOR and doing.act in BY_SUPERVISORS_TOO):
        return
    assert message.claimed_at, "it is claimed"
    minutes = (doing.at - message.claimed_at) // timedelta(minutes=1)
    raise CaseRefused(f"{message.claimed_by} has the message of {message.call}, since {minutes} minutes ago")


def _handled(message: Handling, doing: Doing, worker: Worker, state: State) -> Handling:
    given_back = replace(message, claimed_by=None, claimed_at=None)
    match doing.act:
        case Act.CLAIM:
            return replace(message, claimed_by=worker.by, claimed_at=doing.at)
        case Act.GIVE_BACK:
            return given_back
        case Act.LISTEN:
            heard = replace(message, listened_by=worker.by, listened_at=doing.at)
            holds = state is State.CLAIMED and worker.by == message.claimed_by
            return replace(heard, claimed_at=doing.at) if holds else heard
        case Act.DONE:
            return replace(given_back, done_by=worker.by, done_at=doing.at, done_how=doing.how)
        case Act.UNDO:
            return replace(given_back, done_by=None, done_at=None, done_how=None)
