"""How a case stands, for the citizen whose it is: nothing of what it is about, nor of who works on it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cases.deadlines import Seen
from cases.state import Act, State


class Stage(StrEnum):
    """What citizens are told of."""

    WORKED_ON = "worked on"
    AT_OFFICE = "at office"
    WAITING = "waiting"  # for another administration, or for the citizen
    OVER = "over"


@dataclass(frozen=True, slots=True)
class CitizensView:
    """`due_at` None: nothing is promised, or no more."""

    stage: Stage
    since: datetime
    due_at: datetime | None


BEGINS = {Stage.WORKED_ON: (Act.SEND_BACK, Act.REOPEN), Stage.AT_OFFICE: (Act.HAND_OVER,)}


def citizens_view(seen: Seen) -> CitizensView:
    case = seen.case
    if case.closed_at:
        return CitizensView(Stage.OVER, case.closed_at, None)
    if case.stopped_at:
        return CitizensView(Stage.WAITING, case.stopped_at, None)
    stage = Stage.AT_OFFICE if case.state == State.AT_OFFICE else Stage.WORKED_ON
    since = max((event.at for event in seen.history if event.act in BEGINS[stage]), default=case.opened_at)
    return CitizensView(stage, since, seen.clock.due_at if seen.clock else None)
