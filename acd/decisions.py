"""What the floor decides: data that the shell saves first and then does.

Named tuples: several are made for each call, and a frozen dataclass takes three times as long.
"""

from typing import NamedTuple

from acd.goto import Goto
from acd.why import Why

Facts = dict[str, str | int | float]


class Offer(NamedTuple):
    """Ring `agent` at `phone` as `leg` for `call`."""

    call: str
    queue: str
    agent: str
    phone: str
    leg: str
    ring_s: float
    why: Why
    facts: Facts


class EndOffer(NamedTuple):
    """Stop ringing; the call, if it is still there, is back in its place in the line."""

    call: str
    agent: str
    leg: str
    why: Why


class Wait(NamedTuple):
    """The call waits, for this reason. Decided when the reason changes."""

    call: str
    queue: str
    why: Why
    facts: Facts


class Tell(NamedTuple):
    """Tell the caller their place in the line (None: it would be a worse one than before), and between how many
    seconds the wait will be over (None: nobody can tell, or it would be longer than was said before).
    """

    call: str
    queue: str
    position: int | None
    wait_s: tuple[float, float] | None


class LeaveQueue(NamedTuple):
    """The call leaves the queue unanswered and goes on elsewhere."""

    call: str
    queue: str
    then: Goto
    why: Why


class PauseAgent(NamedTuple):
    """The agent did not take `unanswered` offers in a row, the last for this reason: pause them for a while."""

    agent: str
    call: str
    unanswered: int
    why: Why
    until_s: float


class LookAtTalk(NamedTuple):
    """The talk has gone on for long: ask whether both are still there, and end it only where they are not."""

    call: str
    agent: str
    leg: str


class StartWrapUp(NamedTuple):
    agent: str
    call: str
    queue: str
    until_s: float


class ExtendWrapUp(NamedTuple):
    """The agent asked for more time; the wrap-up ends at `until_s` now."""

    agent: str
    call: str
    until_s: float


class EndWrapUp(NamedTuple):
    agent: str
    call: str
    why: Why


class OpenSite(NamedTuple):
    """Agents of a further site are asked for the queue's calls from now on."""

    queue: str
    site: str
    why: Why
    facts: Facts


class CloseSite(NamedTuple):
    """A further site is offered no more calls of the queue; those that it has go on."""

    queue: str
    site: str
    why: Why


Decision = (
    Offer
    | EndOffer
    | Wait
    | Tell
    | LeaveQueue
    | PauseAgent
    | LookAtTalk
    | StartWrapUp
    | EndWrapUp
    | OpenSite
    | CloseSite
)
