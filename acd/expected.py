"""How long somebody in a queue is expected to wait, from what happened there in the last hour."""

from collections.abc import Iterator
from dataclasses import dataclass, field

HANDLED_LEAST = 5  # calls that must have been handled before anybody can tell
BUCKET_S = 300.0
BUCKETS = 12  # an hour


def expected_wait_s(position: int, agents: int, handling_s: float, patience_s: float | None) -> float:
    """Seconds until a call at `position` (1: the next) is offered, while all `agents` (1 or more) are busy.

    Each who is ahead leaves the line when one of the agents is done (each `handling_s` / `agents`), or by giving up
    (each after `patience_s` on average; None: nobody does): the sum of 1/(N/AHT + i·θ) for i from 0 to position - 1,
    as in Erlang A (Garnett, Mandelbaum, Reiman 2002).
    """
    gives_up = 1 / patience_s if patience_s else 0.0
    return sum(1 / (agents / handling_s + ahead * gives_up) for ahead in range(position))


@dataclass(slots=True)
class _Bucket:
    """Five minutes of a queue."""

    number: int
    handled: int = 0
    handled_s: float = 0.0
    waited_s: float = 0.0
    abandoned: int = 0


@dataclass(slots=True)
class LastHour:
    """What a queue did in about the last hour: how long calls kept agents busy, and after how long callers gave up."""

    _buckets: list[_Bucket] = field(default_factory=list)

    def handled(self, handling_s: float, now_s: float, calls: int = 1) -> None:
        """`calls` kept their agents busy for `handling_s` each, wrap-up included."""
        bucket = self._bucket(now_s)
        bucket.handled += calls
        bucket.handled_s += calls * handling_s

    def waited(self, wait_s: float, now_s: float, *, gave_up: bool) -> None:
        """A call's wait ended: with an agent, or `gave_up`."""
        bucket = self._bucket(now_s)
        bucket.waited_s += wait_s
        bucket.abandoned += gave_up

    def handling_s(self, now_s: float) -> float | None:
        """The mean time for which a call keeps an agent busy; None: too few to tell."""
        buckets = list(self._young(now_s))
        handled = sum(bucket.handled for bucket in buckets)
        return sum(bucket.handled_s for bucket in buckets) / handled if handled >= HANDLED_LEAST else None

    def patience_s(self, now_s: float) -> float | None:
        """The mean patience: all that was waited, for each who gave up (callers who were answered might have waited
        longer; that is what makes it a fair estimate). None: nobody gave up.
        """
        buckets = list(self._young(now_s))
        abandoned = sum(bucket.abandoned for bucket in buckets)
        return sum(bucket.waited_s for bucket in buckets) / abandoned if abandoned else None

    def _bucket(self, now_s: float) -> _Bucket:
        number = int(now_s // BUCKET_S)
        if not self._buckets or self._buckets[-1].number != number:
            self._buckets = [*self._young(now_s), _Bucket(number)]
        return self._buckets[-1]

    def _young(self, now_s: float) -> Iterator[_Bucket]:
        oldest = int(now_s // BUCKET_S) - BUCKETS
        return (bucket for bucket in self._buckets if bucket.number > oldest)
