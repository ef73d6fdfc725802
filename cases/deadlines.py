"""Cases as people look at them: with their history, and how each stands against what its entity promised."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cases.attachments import Attachment
from cases.clocks import Calendar, Clock, Matter, Standing, clock, promise_for
from cases.entities import Entities
from cases.history import CaseEvent, clock_events, histories, marked
from cases.intake import Kept
from cases.store import Case, Unfinished, cases_by_number, unfinished
from centralino.database import Database

LOOKED_AT_MAX = 50_000
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


def clock_of(case: Case | Unfinished, history: Sequence[CaseEvent], rule: Rule) -> Clock | None:
    """None: nothing was promised."""
    entity = rule.entities.of_case(case.entity, case.service)
    if entity is None:
        return None
    matter = Matter(case.kind or "", case.topic or "", case.channel, case.is_complex)
    promise = promise_for(entity.promises, matter)
    if promise is None:
        return None
    return clock(promise, marked(case, history), Calendar(rule.zone, entity.working_days), rule.now)


async def due(database: Database, rule: Rule, limit: int, office: str | None = None) -> tuple[Seen, ...]:
    """The first `limit` that are overdue or near their end, the first due first, of the oldest `LOOKED_AT_MAX` that
    are not over; all of them, or those with `office`. Raises DatabaseAway.
    """
    going_on = await unfinished(database, LOOKED_AT_MAX, office)
    found = await clock_events(database)
    clocks = [(case.id, clock_of(case, found.get(case.id, ()), rule)) for case in going_on]
    at_issue = [(clock.due_at, id) for id, clock in clocks if clock and clock.standing in AT_ISSUE]
    at_issue.sort(key=lambda one: (one[0] is None, *one))
    return await see(database, await cases_by_number(database, [id for _, id in at_issue[:limit]]), rule)
