"""The order of the line: who waited longest, counted from the first entry, comes first."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class WaitingCall:
    """A call in a queue. It keeps its place while a phone is rung for it."""

    id: str
    queue: str
    language: str
    first_entered_s: float
    offers: int = 0  # phones rung so far; numbers the legs
    offered_leg: str = ""  # the leg that rings for it now
    why: str = ""  # the reason last given for waiting
    over: bool = False  # the longest wait is over; leaves as soon as no phone rings for it

    @property
    def place(self) -> tuple[float, str]:
        return (self.first_entered_s, self.id)

    @property
    def group(self) -> tuple[str, str]:
        """Calls of one group need the same of an agent."""
        return (self.queue, self.language)


class Line:
    """Waiting calls of one group, first come first. Entering and leaving cost O(log n) comparisons."""

    def __init__(self) -> None:
        self._calls: list[WaitingCall] = []

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[WaitingCall]:
        return iter(self._calls)

    def add(self, call: WaitingCall) -> None:
        insort(self._calls, call, key=_place)

    def remove(self, call: WaitingCall) -> None:
        del self._calls[bisect_left(self._calls, call.place, key=_place)]

    def first(self) -> WaitingCall | None:
        return self._calls[0] if self._calls else None


def _place(call: WaitingCall) -> tuple[float, str]:
    return call.place
