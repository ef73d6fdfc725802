"""What calls cause at an agent: the table of states, the truth on one screen.

What the agent chose (ready, paused, signed out) is another thing and stands in `agents/state.py`.
"""

from enum import StrEnum


class Doing(StrEnum):
    FREE = "free"
    RESERVED = "reserved"  # chosen for a call; the phone is about to ring
    RINGING = "ringing"
    TALKING = "talking"
    WRAPPING_UP = "wrapping up"
    RESTING = "resting"  # did not take the last offer; the next one comes after a short pause


class Cause(StrEnum):
    OFFERED = "offered"
    RANG = "rang"
    ANSWERED = "answered"
    TOOK = "took a call"  # that a colleague gave them, or left for them
    UNANSWERED = "unanswered"  # by no answer, a rejection, a phone out of reach
    RELEASED = "released"  # the caller left, or the agent did: nobody's fault
    TALK_ENDED = "talk ended"
    WRAP_UP_OVER = "wrap-up over"
    REST_OVER = "rest over"


NEXT = {
    (Doing.FREE, Cause.OFFERED): Doing.RESERVED,
    (Doing.FREE, Cause.TOOK): Doing.TALKING,
    (Doing.RESTING, Cause.TOOK): Doing.TALKING,
    (Doing.RESERVED, Cause.RANG): Doing.RINGING,
    (Doing.RESERVED, Cause.ANSWERED): Doing.TALKING,
    (Doing.RINGING, Cause.ANSWERED): Doing.TALKING,
    (Doing.RESERVED, Cause.RELEASED): Doing.FREE,
    (Doing.RINGING, Cause.RELEASED): Doing.FREE,
    (Doing.RESERVED, Cause.UNANSWERED): Doing.RESTING,
    (Doing.RINGING, Cause.UNANSWERED): Doing.RESTING,
    (Doing.RESTING, Cause.REST_OVER): Doing.FREE,
    (Doing.TALKING, Cause.TALK_ENDED): Doing.WRAPPING_UP,
    (Doing.WRAPPING_UP, Cause.WRAP_UP_OVER): Doing.FREE,
}


class IllegalMove(Exception):
    """An agent's state does not allow this cause: a fault of ours."""


def after(doing: Doing, cause: Cause) -> Doing:
    """The state that `cause` leads to. Raises IllegalMove, which names the legal moves."""
    then = NEXT.get((doing, cause))
    if then is None:
        legal = ", ".join(c for d, c in NEXT if d is doing)
        raise IllegalMove(f"{cause} while {doing}; legal: {legal}")
    return then
