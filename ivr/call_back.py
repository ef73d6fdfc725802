"""The steps by which a caller who waits in a queue is promised a call-back, or goes back into the line. Pure."""

from dataclasses import replace

from ivr.menu import CallBack, Dialplan, Queue

CALL_BACK = "*call-back"  # no step of a dialplan begins with a star
BACK_IN_LINE = "*back-in-line"


def with_call_back(plan: Dialplan, queue: str) -> Dialplan:
    """What `plan` means to a call that waits in `queue`, whose people call back."""
    steps = {
        **plan.steps,
        CALL_BACK: CallBack(CALL_BACK, queue, otherwise=BACK_IN_LINE),
        BACK_IN_LINE: Queue(BACK_IN_LINE, queue),
    }
    return replace(plan, steps=steps)
