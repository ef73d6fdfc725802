"""What may be done to a case, by whom, and what comes of it. Pure: decided here, kept by cases/history.py."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OPEN = "open"  # the first level has it
    AT_OFFICE = "at office"  # the second level has it
    CLOSED = "closed"
    MERGED = "merged"  # its contacts stand with another case; nothing is done to it any more


class Act(StrEnum):
    """What people do to a case."""

    NOTE = "note"
    SHEET = "sheet"  # of the knowledge base: what was said to the citizen stands in it
    CLASSIFY = "classify"  # kind, topic, title, whether it is complex, and who asks from where
    HAND_OVER = "hand over"  # to an office
    ANSWER = "answer"  # by the office, to the citizen
    SEND_BACK = "send back"  # to the first level
    CALL_BACK = "call back"  # promised: the people of a queue call the citizen
    STOP = "stop"  # its clock: another administration, or the citizen, must answer first
    GO_ON = "go on"
    CLOSE = "close"
    REOPEN = "reopen"
    MERGE = "merge"  # into another case
    SPLIT = "split"  # some of its contacts, into a new case


class Role(StrEnum):
    """As what somebody works on a case."""

    AGENT = "agent"
    OFFICE = "office"
    SUPERVISOR = "supervisor"


ANYBODY = frozenset(Role)
FIRST_LEVEL = frozenset({Role.AGENT, Role.SUPERVISOR})
SECOND_LEVEL = frozenset({Role.OFFICE, Role.SUPERVISOR})


@dataclass(frozen=True, slots=True)
class Move:
    to: State
    may: frozenset[Role] = ANYBODY


S, A = State, Act
MOVES: Mapping[tuple[State, Act], Move] = {
    (S.OPEN, A.NOTE): Move(S.OPEN),
    (S.OPEN, A.SHEET): Move(S.OPEN),
    (S.OPEN, A.CLASSIFY): Move(S.OPEN, FIRST_LEVEL),
    (S.OPEN, A.HAND_OVER): Move(S.AT_OFFICE, FIRST_LEVEL),
    (S.OPEN, A.CALL_BACK): Move(S.OPEN, FIRST_LEVEL),
    (S.OPEN, A.STOP): Move(S.OPEN, FIRST_LEVEL),
    (S.OPEN, A.GO_ON): Move(S.OPEN, FIRST_LEVEL),
    (S.OPEN, A.CLOSE): Move(S.CLOSED, FIRST_LEVEL),
    (S.OPEN, A.MERGE): Move(S.MERGED, FIRST_LEVEL),
    (S.OPEN, A.SPLIT): Move(S.OPEN, FIRST_LEVEL),
    (S.AT_OFFICE, A.NOTE): Move(S.AT_OFFICE),
    (S.AT_OFFICE, A.SHEET): Move(S.AT_OFFICE),
    (S.AT_OFFICE, A.CLASSIFY): Move(S.AT_OFFICE),
    (S.AT_OFFICE, A.HAND_OVER): Move(S.AT_OFFICE, SECOND_LEVEL),  # to the office that it is for
    (S.AT_OFFICE, A.ANSWER): Move(S.CLOSED, SECOND_LEVEL),
    (S.AT_OFFICE, A.SEND_BACK): Move(S.OPEN, SECOND_LEVEL),
    (S.AT_OFFICE, A.CALL_BACK): Move(S.AT_OFFICE),
    (S.AT_OFFICE, A.STOP): Move(S.AT_OFFICE, SECOND_LEVEL),
    (S.AT_OFFICE, A.GO_ON): Move(S.AT_OFFICE, SECOND_LEVEL),
    (S.AT_OFFICE, A.CLOSE): Move(S.CLOSED, SECOND_LEVEL),
    (S.AT_OFFICE, A.MERGE): Move(S.MERGED, FIRST_LEVEL),
    (S.AT_OFFICE, A.SPLIT): Move(S.AT_OFFICE, FIRST_LEVEL),
    (S.CLOSED, A.NOTE): Move(S.CLOSED),
    (S.CLOSED, A.SHEET): Move(S.CLOSED),
    (S.CLOSED, A.CLASSIFY): Move(S.CLOSED, FIRST_LEVEL),
    (S.CLOSED, A.REOPEN): Move(S.OPEN, FIRST_LEVEL),
    (S.CLOSED, A.MERGE): Move(S.MERGED, FIRST_LEVEL),
    (S.CLOSED, A.SPLIT): Move(S.CLOSED, FIRST_LEVEL),
}
NEEDS_WORDS = frozenset(
    {A.NOTE, A.ANSWER, A.SEND_BACK, A.STOP, A.CLOSE, A.REOPEN, A.SPLIT}
)  # why, or what was answered
ENDS_A_STOP = frozenset({A.GO_ON, A.ANSWER, A.CLOSE, A.MERGE})
WORDS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Standing:
    """A case as it is. `office`: whose it is, `ENTITY/OFFICE`; `stopped`: its clock stands still."""

    id: str
    state: State
    office: str = ""
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Worker:
    """Who does something, and as what. `office`: for which an OFFICE speaks."""

    by: str
    role: Role
    office: str = ""


@dataclass(frozen=True, slots=True)
class Doing:
    """What is done, with the words for it. `to`: the office that it is handed over to."""

    act: Act
    words: str = ""
    to: str = ""
    into: Standing | None = None  # the case that it is merged into


@dataclass(frozen=True, slots=True)
class Change:
    """What comes of it."""

    state: State
    office: str
    stopped: bool


class CaseRefused(Exception):
    """It cannot be done, and why; nothing was changed."""


def change(case: Standing, doing: Doing, worker: Worker, offices: Collection[str]) -> Change:
    """What comes of `doing`. `offices`: all there are. Raises CaseRefused."""
    move = _move(case, doing.act)
    if worker.role not in move.may:
        raise CaseRefused(f"`{doing.act}` is not for the role `{worker.role}` while case {case.id} is {case.state}")
    if worker.role is Role.OFFICE and case.office != worker.office:
        raise CaseRefused(f"case {case.id} is not with {worker.office or 'an office'}")
    if doing.act in NEEDS_WORDS and not doing.words.strip():
        raise CaseRefused(f"`{doing.act}` needs words: say why, or what")
    if len(doing.words) > WORDS_MAX:
        raise CaseRefused(f"{len(doing.words)} characters are too many; {WORDS_MAX} can be kept")
    _look_at_clock(case, doing.act)
    if doing.act is Act.MERGE:
        _look_at_merging(case, doing.into)
    stopped = (case.stopped or doing.act is Act.STOP) and doing.act not in ENDS_A_STOP
    return Change(move.to, _office(case, doing, move.to, offices), stopped)


def _move(case: Standing, act: Act) -> Move:
    if case.state is State.MERGED:
        raise CaseRefused(f"case {case.id} was merged into another: work on that one")
    move = MOVES.get((case.state, act))
    if move is None:
        legal = ", ".join(each for state, each in MOVES if state is case.state)
        raise CaseRefused(f"there is no `{act}` while case {case.id} is {case.state}; there is: {legal}")
    return move


def _look_at_clock(case: Standing, act: Act) -> None:
    if act is Act.STOP and case.stopped:
        raise CaseRefused(f"the clock of case {case.id} stands still already")
    if act is Act.GO_ON and not case.stopped:
        raise CaseRefused(f"the clock of case {case.id} does not stand still")


def _look_at_merging(case: Standing, into: Standing | None) -> None:
    if into is None:
        raise CaseRefused(f"into which case is {case.id} to be merged?")
    if into.id == case.id:
        raise CaseRefused(f"case {case.id} cannot be merged into itself")
    if into.state is State.MERGED:
        raise CaseRefused(f"case {into.id} was merged into another itself")


def _office(case: Standing, doing: Doing, to: State, offices: Collection[str]) -> str:
    if doing.act is Act.HAND_OVER:
        if doing.to not in offices:
            raise CaseRefused(f"there is no office `{doing.to}` in entities.yaml")
        if doing.to == case.office:
            raise CaseRefused(f"case {case.id} is with {doing.to} already")
        return doing.to
    return case.office if to in (State.AT_OFFICE, State.CLOSED) else ""
