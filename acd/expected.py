"""How long somebody who enters a queue now is expected to wait."""

HANDLED_LEAST = 5  # calls that must have been handled today before anybody can tell


def expected_wait_s(ahead: int, agents: int, handled: int, handling_s: float) -> float | None:
    """Seconds until an agent is free for a call with `ahead` others before it; None: nobody can tell.

    k·AHT/N for the k-th in line, with all `agents` busy: each AHT/N seconds one of them is done. `handling_s`: the mean
    of talk and wrap-up over the `handled` calls.
    """
    if agents == 0 or handled < HANDLED_LEAST:
        return None
    return (ahead + 1) * handling_s / agents
