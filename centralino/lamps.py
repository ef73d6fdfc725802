"""Lights the lamps at phones, and puts them out: whether agents are signed in, or paused, and whether callers wait.

What changed is told a moment later, all of that moment at once: a burst of changes of one lamp is told as its last. The
phone system shows a lamp to each phone that watches it.
"""

from collections.abc import Iterable

from agents import lamps
from agents.codes import Code
from agents.state import Chosen
from centralino import events as ev
from centralino.attendant import Desk
from centralino.events import Entry
from centralino.settings import Configuration
from centralino.state import House

ALARM = "lamps"
SOON_S = 0.1
TOLD_AT_ONCE_MAX = 100  # why: requests are carried out one by one, and calls come first
CHANGES = (
    ev.AgentSignedIn,
    ev.AgentSignedOut,
    ev.AgentReady,
    ev.AgentPaused,
    ev.QueueEntered,
    ev.QueueLeft,
    ev.TalkStarted,
    ev.CallEnded,
)


def names(configuration: Configuration) -> tuple[str, ...]:
    """Every lamp that there is."""
    return lamps.names(configuration.roster, (rules.dialled for rules in configuration.rules.queues.values()))


def lit(configuration: Configuration, house: House) -> frozenset[str]:
    """The lamps that are lit now."""
    return frozenset((*_of_agents(configuration, house), *_of_queues(configuration, house)))


def _of_agents(configuration: Configuration, house: House) -> Iterable[str]:
    for agent in house.agents.values():
        listed = configuration.roster.agents.get(agent.id)
        if listed is None or agent.chosen is Chosen.SIGNED_OUT:
            continue
        for who in (listed.number, agent.phone):
            yield f"{Code.SIGN}{who}"
            if agent.chosen is Chosen.PAUSED:
                yield f"{Code.PAUSE}{who}"


def _of_queues(configuration: Configuration, house: House) -> Iterable[str]:
    waited_in = {call.queue for call in house.calls.values() if call.waits}
    for name in waited_in & configuration.rules.queues.keys():
        yield f"{Code.WAITING}{configuration.rules.queues[name].dialled}"


class Lamps:
    """Remembers what each lamp was told to show, so that only changes are told."""

    def __init__(self, desk: Desk) -> None:
        self._house, self._telephony = desk.book.house, desk.telephony
        self._clock, self._alarms = desk.clock, desk.alarms
        self._shows: dict[str, bool] = {}
        self._is_planned = False
        self.configuration: Configuration
        desk.book.watchers.append(self._entry)

    def soon(self) -> None:
        """Tell what has changed, in a moment."""
        if not self._is_planned:
            self._is_planned = True
            self._alarms.set(ALARM, "", self._clock.now_s() + SOON_S)

    def tell_anew(self) -> None:
        """The phone system may have forgotten what any of them shows."""
        self._shows.clear()
        self.soon()

    def alarm(self) -> None:
        self._is_planned = False
        now_lit, told = lit(self.configuration, self._house), 0
        for name in names(self.configuration):
            is_lit = name in now_lit
            if self._shows.get(name) is is_lit:
                continue
            if told == TOLD_AT_ONCE_MAX:
                self.soon()
                return
            told += 1
            self._shows[name] = is_lit
            (self._telephony.light if is_lit else self._telephony.put_out)(name)

    def _entry(self, entry: Entry) -> None:
        if isinstance(entry.event, CHANGES):
            self.soon()
