"""The one way to change what is true: check the move, write it into the journal, apply it."""

from collections.abc import Callable

from centralino import effects
from centralino.events import AnyEvent, Entry
from centralino.state import CallNow, House


class Book:
    """The house's state and the pen. `append` journals an event before this returns."""

    def __init__(self, house: House, append: Callable[[AnyEvent], Entry]) -> None:
        self.house = house
        self._append = append
        self.watchers: list[Callable[[Entry], None]] = []

    def write(self, event: AnyEvent) -> Entry:
        """Raises IllegalMove, with nothing written, where the state of the call does not allow `event`."""
        effects.check(self.house, event)
        entry = self._append(event)
        effects.apply(self.house, entry)
        for watcher in self.watchers:
            watcher(entry)
        return entry

    def call(self, call_id: str) -> CallNow | None:
        """The call, while it has not ended."""
        return self.house.calls.get(call_id)
