"""How long somebody in a queue is expected to wait, from what happened there in the last hour."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

HANDLED_LEAST = 5  # calls that must have been handled before anybody can tell
BUCKET_S = 300.0
BUCKETS = 12  # an hour


def expected_wait_s(ahead: float, agents: int, pace: "Pace") -> float:
    """Seconds until a call that has `ahead` others before it is offered, while all `agents` (1 or more) are busy.

    Each who is ahead leaves the line when one of the agents is done (each AHT/N), or by giving up (each after the mean
    patience): the sum of 1/(N/AHT + i·θ) for i from 0 to `ahead`, as in Erlang A (Garnett, Mandelbaum, Reiman 2002).
    `ahead` is no whole number where some who are ahead may as well go to other agents.
    """
    done, gives_up = agents / pace.handling_s, 1 / pace.patience_s if pace.patience_s else 0.0
    if not gives_up:
        return (ahead + 1) / done
    whole = int(ahead)
    steps = sum(1 / (done + n * gives_up) for n in range(whole + 1))
    return steps + (ahead - whole) / (done + (whole + 1) * gives_up)


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

    def sums(self, now_s: float) -> "Sums":
        buckets = list(self._young(now_s))
        return Sums(
            handled=sum(bucket.handled for bucket in buckets),
            handled_s=sum(bucket.handled_s for bucket in buckets),
            waited_s=sum(bucket.waited_s for bucket in buckets),
            abandoned=sum(bucket.abandoned for bucket in buckets),
        )

    def _bucket(self, now_s: float) -> _Bucket:
        number = int(now_s // BUCKET_S)
        if not self._buckets or self._buckets[-1].number != number:
            self._buckets = [*self._young(now_s), _Bucket(number)]
        return self._buckets[-1]

    def _young(self, now_s: float) -> Iterator[_Bucket]:
        oldest = int(now_s // BUCKET_S) - BUCKETS
        return (bucket for bucket in self._buckets if bucket.number > oldest)


@dataclass(frozen=True, slots=True)
class Sums:
    """Of some time: calls that were handled, how long they kept agents busy, how long was waited, who gave up."""

    handled: float = 0.0
    handled_s: float = 0.0
    waited_s: float = 0.0
    abandoned: float = 0.0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.handled + other.handled,
            self.handled_s + other.handled_s,
            self.waited_s + other.waited_s,
            self.abandoned + other.abandoned,
        )

    def __mul__(self, share: float) -> "Sums":
        return Sums(self.handled * share, self.handled_s * share, self.waited_s * share, self.abandoned * share)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a call keeps an agent busy, wrap-up included, and after how long callers give up (None: nobody does)."""

    handling_s: float
    patience_s: float | None


def pace(parts: Iterable[Sums]) -> Pace | None:
    """The mean of what was done lately; None: too little to tell.

    Patience is all that was waited, for each who gave up: callers who were answered might have waited longer, and that
    is what makes it a fair estimate.
    """
    whole = sum(parts, Sums())
    if whole.handled < HANDLED_LEAST:
        return None
    return Pace(whole.handled_s / whole.handled, whole.waited_s / whole.abandoned if whole.abandoned else None)
