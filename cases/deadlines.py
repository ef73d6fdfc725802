"""How a case stands against what its entity promised."""

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from cases.channels import Channel
from cases.clocks import Calendar, Clock, Matter, clock, promise_for
from cases.entities import Entities
from cases.history import CaseEvent, marked
from cases.store import Case


def clock_of(
    case: Case, history: Collection[CaseEvent], entities: Entities, zone: ZoneInfo, now: datetime
) -> Clock | None:
    """The clock of a case with this `history`; None: nothing was promised. `zone`: by whose days it is counted."""
    entity = entities.of_case(case.entity, case.service)
    if entity is None:
        return None
    channel = case.contacts[0].kind if case.contacts else Channel.CALL
    matter = Matter(case.kind or "", case.topic or "", channel, case.is_complex)
    promise = promise_for(entity.promises, matter)
    if promise is None:
        return None
    return clock(promise, marked(case, history), Calendar(zone, entity.working_days), now)
