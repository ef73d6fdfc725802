"""The steps by which a caller who waits in a queue is promised a call-back, or goes back into the line. Pure."""

from dataclasses import replace
from datetime import datetime

from ivr.hours import DAYS, Hours, Span
from ivr.menu import CallBack, Dialplan, Queue
from ivr.steps_of_ours import BACK_IN_LINE, CALL_BACK

LOOKS_MAX = 100


def with_call_back(plan: Dialplan, queue: str) -> Dialplan:
    """What `plan` means to a call that waits in `queue`, whose people call back."""
    steps = {
        **plan.steps,
        CALL_BACK: CallBack(CALL_BACK, queue, otherwise=BACK_IN_LINE),
        BACK_IN_LINE: Queue(BACK_IN_LINE, queue),
    }
    return replace(plan, steps=steps)


def when_to_call(plan: Dialplan, between: Span, at: datetime) -> datetime | None:
    """The first instant from the aware `at` on at which a citizen of `plan` may be called: while the service is open,
    and within `between` of a day. None: there is none within the next hundred openings.
    """
    by_day = Hours(((between,),) * len(DAYS))
    for _ in range(LOOKS_MAX):
        shut = next((hours for hours in (plan.hours, by_day) if hours and not hours.is_open(at, plan.time_zone)), None)
        if shut is None:
            return at
        opens = shut.changes_at(at, plan.time_zone)
        if opens is None:
            return None
        at = opens
    return None
