"""What a caller who waits is told of their place and of the time that is left: never worse news than before.

A place can grow worse when somebody with a head start comes, and a wait when agents leave or talks grow longer. Then
nothing is said of it: a caller who hears a longer wait each time believes nothing more.
"""

from acd.decisions import Tell
from acd.waiting import WaitingCall

FIRST_TOLD_S = 3.0  # after entering: an agent may be free at once
WAIT_FROM, WAIT_TO = 0.5, 1.5  # why: the middle is what is expected; two thirds of waits are within (bench/waits.py)


def tell(call: WaitingCall, position: int, expected_s: float | None, now_s: float) -> Tell:
    """What to tell now; remembered with the call. `expected_s`: None: nobody can tell, or it is not to be told."""
    worse = call.told_position is not None and position > call.told_position
    if not worse:
        call.told_position = position
    return Tell(call.id, call.queue, None if worse else position, _wait(call, expected_s, now_s))


def _wait(call: WaitingCall, expected_s: float | None, now_s: float) -> tuple[float, float] | None:
    """Between how many seconds from now the wait will be over."""
    if expected_s is None:
        return None
    until_s = now_s + expected_s * WAIT_TO
    if call.told_until_s is not None and until_s > call.told_until_s:
        return None
    call.told_until_s = until_s
    return expected_s * WAIT_FROM, expected_s * WAIT_TO
