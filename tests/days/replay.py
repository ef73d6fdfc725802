"""The journal's file read back: the house that comes of it, and the floor that the next engine would begin with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from acd.floor import Floor
from acd.state import Doing
from asterisk.fake import FakeTelephony, Truth
from centralino import recovery
from centralino.attendant import Voice
from centralino.book import Book
from centralino.events import AnyEvent, Entry
from centralino.journal import Journal
from centralino.state import House
from centralino.switchboard import Surroundings, Switchboard
from tests.contact_centre import NODE, ContactCentre, sentences

AS_PUT_BACK = {Doing.RESERVED: Doing.RINGING, Doing.RESTING: Doing.FREE}  # a rest of some seconds is not on record


class Replay:
    """A journal's file beside a centre, written as its entries come."""

    def __init__(self, centre: ContactCentre, folder: Path) -> None:
        self._centre, self._folder = centre, folder
        self._journal = Journal.open(folder, centre.clock)
        self._journal.last_n = len(centre.entries)  # the checkpoint is about them
        self.new_segment()

    def append(self, entry: Entry) -> None:
        written = self._journal.append(entry.event)
        assert written == entry, f"{written} != {entry}"

    def new_segment(self) -> None:
        """As at each start of the engine, and each day."""
        self._journal.start_segment(recovery.checkpoint_of(self._centre.house))

    def check(self) -> None:
        """What is read back is what is so."""
        house = recovery.read_back(self._journal)
        assert msgspec.to_builtins(house) == msgspec.to_builtins(self._centre.house)
        codes = self._centre.switchboard.codes
        floor, put_back_floor = self._centre.switchboard.floor, self._put_back(house)
        live, put_back = picture(floor, codes.speaks_at), picture(put_back_floor, codes.speaks_at)
        for what, is_so in live.items():
            assert put_back.get(what) == is_so, f"{what}: {put_back.get(what)} from the journal, in truth {is_so}"

    def close(self) -> None:
        self._journal.close()

    def _put_back(self, house: House) -> Floor:
        """The floor of an engine that has read the journal, and is not connected yet."""
        centre = self._centre
        line = FakeTelephony(centre.clock.now_s, lambda event: None, NODE, Truth())
        voice = Voice(sentences(), lambda prompt: prompt.text or prompt.file, lambda prompts, then: then())
        looks = lambda person, service: False, lambda number, proof, found: None, lambda recording: 0.0, lambda: True
        around = Surroundings(line, centre.clock, centre.people, voice, *looks, lambda hashed, pin, told: None)
        return Switchboard(centre.configuration, Book(house, _writes), around).floor


def _writes(event: AnyEvent) -> Entry:
    raise AssertionError(f"going on from the journal decides anew: {event}")


def picture(floor: Floor, speaks_at: Callable[[str], bool]) -> dict[str, Any]:
    """What a floor decides from: who waits in which order, who rings for whom, who is free since when, open sites.

    At a phone that `speaks_at`, a code is being answered: that keeps calls away, and is forgotten with the engine.
    Since when they are idle who have a call of their own is looked at anew when that is over.
    """
    seen: dict[str, Any] = {}
    for queue in floor.rules:
        seen[f"line of {queue}"] = floor.line_of(queue)
        seen[f"sites of {queue}"] = {name: (site.is_open, site.held) for name, site in floor.sites_of(queue).items()}
    for call in floor.calls.values():
        waits = (call.queue, call.language, call.place, call.stage, floor.able_for(call.id))
        seen[call.id] = waits, call.offers, sorted(call.legs), call.told_position, call.told_until_s
    for name, agent in floor.agents.items():
        doing = AS_PUT_BACK.get(agent.doing, agent.doing)
        is_free, in_words = doing is Doing.FREE, speaks_at(agent.profile.phone)
        is_idle = is_free and agent.available and not (in_words or agent.own_call)
        seen[name] = {
            "available": agent.available,
            "doing": doing,
            "has": () if is_free else (agent.call, agent.queue, agent.leg),
            "until": agent.until_s if doing is Doing.WRAPPING_UP else 0.0,
            "idle since": agent.idle_since_s if is_idle else 0.0,
            "own call": agent.own_call and agent.available and not in_words,
            "busy": round(agent.busy_s, 6),
            "profile": agent.profile if agent.available or agent.leg else None,
        }
    return seen
