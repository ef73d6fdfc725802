"""Who has an open case: read from the database again and again beside the calls, so that none ever waits for it.

Whoever closes a case, the journal's projection or the desk, closes it there; so that is what is read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from acd.rules import QueueRules

if TYPE_CHECKING:
    from centralino.database import Database

EVERY_S = 10.0


class OpenCases:
    """What was known at the last look. `rules` gives those of the queues in force: it is read where one asks for it."""

    def __init__(self, rules: Callable[[], Iterable[QueueRules]]) -> None:
        self._rules = rules
        self._known: frozenset[tuple[str, str]] = frozenset()

    def has(self, person: str, service: str) -> bool:
        return (person, service) in self._known

    async def run(self, database: Awaitable["Database"]) -> None:
        """Until cancelled."""
        opened = await database
        while True:
            await self.look(opened)
            await asyncio.sleep(EVERY_S)

    async def look(self, database: "Database") -> None:
        """While the database is away, what was known remains."""
        from cases import store  # late, as the database's library is: calls do not wait for it
        from centralino.database import DatabaseAway

        if not any(start.open_case for queue in self._rules() for start in queue.head_starts):
            self._known = frozenset()
            return
        try:
            self._known = await store.open_cases(database)
        except DatabaseAway:
            return  # the projector says so already
