"""The order of the line: who waited longest, counted from the first entry, comes first."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

Place = tuple[float, str]
LAST: Place = (inf, "")  # of who would come now


@dataclass(slots=True)
class WaitingCall:
    """A call in a queue. It keeps its place while a phone is rung for it.

    `head_start_s`: it counts as if it had waited so much longer. Whoever waits ages at the same pace, so that a call
    can be overtaken only by those that come within their head start after it: nobody starves.
    """

    id: str
    queue: str
    language: str
    first_entered_s: float
    offers: int = 0  # phones rung so far; numbers the legs
    legs: tuple[str, ...] = ()  # those that ring for it now
    asked: tuple[str, ...] = ()  # the agents who were rung since it last stood in the line
    why: str = ""  # the reason last given for waiting
    over: bool = False  # the longest wait is over; leaves as soon as no phone rings for it
    stage: int = 0  # steps of `relax` that its wait has come to
    head_start_s: float = 0.0
    since_s: float = 0.0  # from when its wait counts, for rules and figures; 0: from the first entry
    back_at_s: float | None = None  # when it goes back to whoever led it here; None: it goes by the queue's rules
    tell_at_s: float | None = None  # when they are told next
    told_position: int | None = None  # what was last told to the caller
    told_until_s: float | None = None  # the latest instant at which the wait would be over, as it was told
    is_call_back: bool = False  # nobody listens: nothing is told, and no wait is too long
    place: Place = field(init=False)

    def __post_init__(self) -> None:
        self.since_s = self.since_s or self.first_entered_s
        self.place = (self.first_entered_s - self.head_start_s, self.id)


class Line:
    """Waiting calls, first come first. Entering, leaving and telling a position cost O(log n) comparisons."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._calls: dict[str, WaitingCall] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[WaitingCall]:
        """In order; the line may change meanwhile."""
        return iter([self._calls[call] for _, call in self._places])

    def add(self, call: WaitingCall) -> None:
        insort(self._places, call.place)
        self._calls[call.id] = call

    def remove(self, call: WaitingCall) -> None:
        del self._places[bisect_left(self._places, call.place)]
        del self._calls[call.id]

    def first(self) -> WaitingCall | None:
        return self._calls[self._places[0][1]] if self._places else None

    def position(self, call: WaitingCall) -> int:
        """1 for the first. The call must be in the line."""
        return self.ahead_of(call.place) + 1

    def ahead_of(self, place: Place) -> int:
        """How many come before `place`."""
        return bisect_left(self._places, place)

    def ids(self) -> list[str]:
        return [call for _, call in self._places]
