"""The steps by which an agent hands a caller on to the second level, and by which they come back. Pure."""

from dataclasses import replace

from ivr.menu import Dialplan, Queue, Transfer
from ivr.steps_of_ours import FIRST_LEVEL, HANDED_ON


def with_hand_over(plan: Dialplan, to: Transfer | None, back_to: str) -> Dialplan:
    """What `plan` means to a call that an agent of queue `back_to` hands on. `to` None: there is nobody to go to."""
    there = replace(to, name=HANDED_ON, otherwise=FIRST_LEVEL) if to else Queue(HANDED_ON, back_to)
    return replace(plan, steps={**plan.steps, HANDED_ON: there, FIRST_LEVEL: Queue(FIRST_LEVEL, back_to)})
