"""Where the time of our hand-overs goes, by what the engine wrote into its journal on the way."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.deployment import agent_of
from bench.handover import HandOver
from centralino.events import CallOffered, Entry, TalkEnded

_entry = msgspec.json.Decoder(Entry).decode


@dataclass(frozen=True, slots=True)
class Parts:
    """One hand-over, in seconds: the phone's BYE until the engine has noted the talk's end; until it has chosen the
    next call; until the INVITE is at the phone."""

    heard_s: float
    decided_s: float
    rung_s: float


class Trail:
    """What the journal of one engine's life says of talks that ended and of calls that were offered."""

    def __init__(self, journal: Path) -> None:
        ahead_s = time.time() - time.monotonic()  # as the engine's clock counts
        self._ended: dict[str, list[float]] = {}
        self._offered: dict[str, list[float]] = {}
        for entry in _entries(journal):
            match entry.event:
                case TalkEnded(agent=agent):
                    self._ended.setdefault(agent, []).append(entry.at_s - ahead_s)
                case CallOffered(agent=agent):
                    self._offered.setdefault(agent, []).append(entry.at_s - ahead_s)

    def parts(self, hand_overs: Iterable[HandOver]) -> list[Parts]:
        """Of each hand-over that the journal shows whole."""
        return [parts for hand_over in hand_overs if (parts := self._parts(hand_over))]

    def _parts(self, hand_over: HandOver) -> Parts | None:
        agent = agent_of(hand_over.phone)
        ended_s = _last_within(self._ended.get(agent, []), hand_over)
        offered_s = _last_within(self._offered.get(agent, []), hand_over)
        if ended_s is None or offered_s is None:
            return None
        return Parts(ended_s - hand_over.hung_up_s, offered_s - ended_s, hand_over.invited_s - offered_s)


def _last_within(instants_s: list[float], hand_over: HandOver) -> float | None:
    return max((at_s for at_s in instants_s if hand_over.hung_up_s <= at_s <= hand_over.invited_s), default=None)


def _entries(journal: Path) -> Iterator[Entry]:
    for segment in sorted(journal.glob("[0-9]*.jsonl")):
        with segment.open("rb") as lines:
            next(lines)  # what was known when the segment began
            yield from map(_entry, lines)
