"""An emergency: a notice before the menu of a number, and the number open around the clock. Pure."""

from dataclasses import dataclass, replace

from ivr.menu import Dialplan, Say
from ivr.prompts import Words
from ivr.steps_of_ours import NOTICE


@dataclass(frozen=True, slots=True)
class Emergency:
    """What callers hear first; `opens`: they are then led as if the number were open."""

    words: Words
    opens: bool


def during(plan: Dialplan, emergency: Emergency, *, is_open: bool) -> Dialplan:
    """What `plan` means to a call that comes in while the emergency lasts; `is_open`: by its own hours."""
    follows = plan.start if is_open or emergency.opens or plan.closed is None else plan.closed
    steps = {**plan.steps, NOTICE: Say(NOTICE, emergency.words, follows)}
    return replace(plan, start=NOTICE, steps=steps, hours=None, closed=None)
