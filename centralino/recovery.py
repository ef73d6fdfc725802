"""What was true before: the house, read back from the journal after any end of the engine, a clean one or not."""

import logging
from collections.abc import Iterable
from typing import Any

import msgspec

from centralino import effects
from centralino.call_states import IllegalMove
from centralino.events import Entry
from centralino.journal import Journal
from centralino.state import House

log = logging.getLogger(__name__)


def read_back(journal: Journal) -> House:
    """The newest checkpoint with all that came after it."""
    checkpoint, entries = journal.read_back()
    return fold(msgspec.convert(checkpoint, House) if checkpoint else House(), entries)


def fold(house: House, entries: Iterable[Entry]) -> House:
    """`house` after `entries`. One that fits no state is said and left out."""
    for entry in entries:
        try:
            effects.check(house, entry.event)
            effects.apply(house, entry)
        except (IllegalMove, KeyError):
            log.exception("entry %d fits no state; it is left out", entry.n)
    return house


def checkpoint_of(house: House) -> Any:
    """The house as JSON can hold it."""
    return msgspec.to_builtins(house)
