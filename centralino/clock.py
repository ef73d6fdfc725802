"""Time: the real one, which may start elsewhere (`--clock`), and a simulated one for tests and simulations."""

import time
from datetime import UTC, datetime
from typing import Protocol

FIRST_YEAR, LAST_YEAR = 2000, 2199


class Clock(Protocol):
    """Where every instant in Centralino comes from."""

    def now_s(self) -> float:
        """The instant, in seconds since 1970-01-01 UTC. Never steps back within one process."""


class RunningClock:
    """The machine's time; or, for tests, one that runs `offset_s` seconds ahead of it (behind, where negative).

    Seconds are counted on the monotonic clock, so that an adjustment of the machine's time never makes a wait negative.
    """

    def __init__(self, offset_s: float = 0.0) -> None:
        self._offset_s = time.time() + offset_s - time.monotonic()

    def now_s(self) -> float:
        return time.monotonic() + self._offset_s


class SimClock:
    """Time that moves only when told to."""

    def __init__(self, starts_at: datetime) -> None:
        self._now_s = starts_at.timestamp()

    def now_s(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Move on by `seconds` (0 or more)."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._now_s += seconds


def is_in_our_time(instant: datetime) -> bool:
    """What lies further off was hardly meant, and at the ends of the calendar nothing can be reckoned."""
    return FIRST_YEAR <= instant.year <= LAST_YEAR


def as_utc(instant_s: float) -> datetime:
    """The aware UTC instant of `instant_s` seconds since 1970."""
    return datetime.fromtimestamp(instant_s, UTC)
