"""Cases as people look at them: with their history, and how each stands against what its entity promised."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cases.attachments import Attachment
from cases.channels import Channel
from cases.clocks import Calendar, Clock, Matter, Standing, clock, promise_for
from cases.entities import Entities
from cases.history import CaseEvent, histories, marked
from cases.intake import Kept
from cases.store import Case
from centralino.database import Database

AT_ISSUE = (Standing.OVERDUE, Standing.NEAR_ITS_END)


@dataclass(frozen=True, slots=True)
class Rule:
    """By what is looked: the promises of `entities`, in the days of `zone`, at `now`."""

    entities: Entities
    zone: ZoneInfo
    now: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """`clock` None: nothing was promised. `wrote`: what came in otherwise than by a call, and `attachments` the files
    that came with it; only of one case alone.
    """

    case: Case
    history: tuple[CaseEvent, ...]
    clock: Clock | None
    wrote: tuple[Kept, ...] = ()
    attachments: tuple[Attachment, ...] = ()


async def see(database: Database, cases: Sequence[Case], rule: Rule) -> tuple[Seen, ...]:
    """The cases with all that stands beside them. Raises DatabaseAway."""
    found = await histories(database, [case.id for case in cases])
    return tuple(Seen(case, found[case.id], clock_of(case, found[case.id], rule)) for case in cases)


def clock_of(case: Case, history: Sequence[CaseEvent], rule: Rule) -> Clock | None:
    """None: nothing was promised."""
    entity = rule.entities.of_case(case.entity, case.service)
    if entity is None:
        return None
    channel = case.contacts[0].kind if case.contacts else Channel.CALL
    matter = Matter(case.kind or "", case.topic or "", channel, case.is_complex)
    promise = promise_for(entity.promises, matter)
    if promise is None:
        return None
    return clock(promise, marked(case, history), Calendar(rule.zone, entity.working_days), rule.now)


def due(cases: Iterable[Seen]) -> list[Seen]:
    """Those that are overdue or near their end, the first due first."""
    at_issue = [(seen.clock.due_at, seen) for seen in cases if seen.clock and seen.clock.standing in AT_ISSUE]
    at_issue.sort(key=lambda one: (one[0] is None, one[0], one[1].case.id))
    return [seen for _, seen in at_issue]
