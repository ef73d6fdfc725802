"""What agents choose: the table of states. What calls cause at them is another thing and stands in `acd/state.py`."""

from enum import StrEnum


class Chosen(StrEnum):
    SIGNED_OUT = "signed out"
    READY = "ready"
    PAUSED = "paused"


class Wish(StrEnum):
    SIGN_IN = "in"
    SIGN_OUT = "out"
    READY = "ready"
    PAUSE = "pause"


class AfterReset(StrEnum):
    """What an agent is after a reset; one who is signed out stays so."""

    READY = "ready"
    OUT = "out"


NEXT = {
    (Chosen.SIGNED_OUT, Wish.SIGN_IN): Chosen.READY,
    (Chosen.READY, Wish.PAUSE): Chosen.PAUSED,
    (Chosen.READY, Wish.SIGN_OUT): Chosen.SIGNED_OUT,
    (Chosen.PAUSED, Wish.READY): Chosen.READY,
    (Chosen.PAUSED, Wish.PAUSE): Chosen.PAUSED,  # another reason
    (Chosen.PAUSED, Wish.SIGN_OUT): Chosen.SIGNED_OUT,
    (Chosen.READY, Wish.READY): Chosen.READY,  # ends a wrap-up early
}


class NotNow(Exception):
    """The agent's state does not allow this wish; the text is for the person who asked."""


def after(agent: str, chosen: Chosen, wish: Wish) -> Chosen:
    """The state that `wish` leads to. Raises NotNow, whose text says what is possible instead."""
    if (chosen, wish) not in NEXT:
        possible = ", ".join(f"`{w}`" for c, w in NEXT if c is chosen)
        raise NotNow(f"{agent} is {chosen}: `{wish}` is not possible now; possible: {possible}")
    return NEXT[chosen, wish]
