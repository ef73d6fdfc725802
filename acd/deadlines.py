"""What must be looked at, and when."""

import heapq
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["offer", "talk", "wait", "relax", "overdue", "tell", "look", "wrap-up", "rest"]
Deadline = tuple[float, Kind, str, str]  # instant, kind, subject, detail


@dataclass(slots=True)
class Deadlines:
    """Entries whose matter is over are not taken out: who looks at them finds nothing to do."""

    _heap: list[Deadline] = field(default_factory=list)

    def add(self, at_s: float, kind: Kind, subject: str, detail: str = "") -> None:
        heapq.heappush(self._heap, (at_s, kind, subject, detail))

    def next(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def take_due(self, now_s: float) -> Deadline | None:
        """The first of those of `now_s` and before; None: there is none."""
        return heapq.heappop(self._heap) if self._heap and self._heap[0][0] <= now_s else None
