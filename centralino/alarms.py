"""Deadlines by name: at most one of a kind for a subject; the latest setting counts."""

import heapq


class Alarms:
    """Alarms of one engine. Setting, cancelling and taking cost O(log n)."""

    def __init__(self) -> None:
        self._at_s: dict[tuple[str, str], float] = {}
        self._heap: list[tuple[float, str, str]] = []

    def set(self, kind: str, subject: str, at_s: float) -> None:
        self._at_s[kind, subject] = at_s
        heapq.heappush(self._heap, (at_s, kind, subject))

    def cancel(self, kind: str, subject: str) -> None:
        self._at_s.pop((kind, subject), None)

    def next(self) -> float | None:
        """The instant of the next alarm, if any."""
        while self._heap and not self._is_set(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now_s: float) -> tuple[str, str] | None:
        """The next alarm that is due, as (kind, subject); it is set no more. None: nothing is due."""
        at_s = self.next()
        if at_s is None or at_s > now_s:
            return None
        _, kind, subject = heapq.heappop(self._heap)
        del self._at_s[kind, subject]
        return kind, subject

    def _is_set(self, entry: tuple[float, str, str]) -> bool:
        at_s, kind, subject = entry
        return self._at_s.get((kind, subject)) == at_s
