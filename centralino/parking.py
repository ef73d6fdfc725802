"""Parked calls: an agent leaves a caller, who hears music, under a number; any agent dials it and has them.

`#1 70 #` in a talk parks, as users of Asterisk know it, and the agent is told the number: 71 to 79, one caller each.
Whom nobody fetches in time waits again in the queue that they came by, in their old place.
"""

from collections.abc import Callable

from acd.why import Why
from agents.places import PLACES
from agents.spoken import Spoken
from asterisk.port import Dialled, LegNow
from centralino import events as ev
from centralino.attendant import Desk
from centralino.call_states import CallState
from centralino.dispatch import Dispatcher
from centralino.state import CallNow

LONGEST_S = 120.0  # long enough to walk to another desk; longer, the caller is better off with whoever is free
ALARM = "parked"


class Parking:
    """`refuse` and `say_and_end` tell whoever dialled, or has left the talk, what became of it; `end` belongs to the
    switchboard.
    """

    def __init__(self, desk: Desk, dispatcher: Dispatcher) -> None:
        self._book, self._telephony, self._clock, self._alarms = desk.book, desk.telephony, desk.clock, desk.alarms
        self._dispatcher = dispatcher
        self.refuse: Callable[[Dialled, Spoken], None]
        self.say_and_end: Callable[..., None]
        self.end: Callable[[str, str], None]

    def park(self, call: CallNow, phone: str, *, is_told: bool) -> bool:
        """The agent's talk ends, and the caller is parked. False, with nothing changed: every place is taken.

        `is_told`: the agent is told where by their leg, which ends then; else it ends at once.
        """
        place, leg = self._free_place(), call.leg
        if not place:
            return False
        facts = {"call": call.id, "agent": call.agent, "leg": leg, "queue": call.queue, "by": f"phone {phone}"}
        if is_told:  # first, so that the next call does not ring beside it
            self.say_and_end(leg, phone, Spoken.PARKED, place=place)
        self._dispatcher.park(ev.CallerParked(**facts, place=place), hangs_up=not is_told)
        self._alarms.set(ALARM, call.id, self._clock.now_s() + LONGEST_S)
        return True

    def fetch(self, dialled: Dialled) -> None:
        """Whoever is signed in where a place was dialled has the caller who is parked there."""
        call = next((one for one in self._parked() if one.place == dialled.number), None)
        if call is None:
            self.refuse(dialled, Spoken.NOBODY_PARKED)
        elif self._book.house.agent_at(dialled.phone) is None:
            self.refuse(dialled, Spoken.NOBODY_HERE)
        else:
            self._give(call, dialled)

    def alarm(self, call_id: str) -> None:
        """Nobody has fetched the caller in time."""
        call = self._book.call(call_id)
        if call is None or call.state is not CallState.PARKED:
            return
        if call.back_to in self._dispatcher.floor.rules:
            self._dispatcher.wait_again(call, call.back_to)
        else:
            self.end(call.id, Why.QUEUE_GONE)

    # --- going on after a restart, or a lost line

    def go_on_from_the_journal(self) -> None:
        for call in self._parked():
            self._alarms.set(ALARM, call.id, call.since_s + LONGEST_S)

    def go_on_with(self, call: CallNow, legs: dict[str, LegNow]) -> None:
        if not legs[call.id].holding:
            self._telephony.hold(call.id)

    # --- within

    def _give(self, call: CallNow, dialled: Dialled) -> None:
        """Their phone is answered by joining it, or in words."""
        if self._dispatcher.give(call, dialled.phone, dialled.leg):
            self._alarms.cancel(ALARM, call.id)
        else:
            self.refuse(dialled, Spoken.HAS_A_CALL)

    def _parked(self) -> list[CallNow]:
        return [call for call in self._book.house.calls.values() if call.state is CallState.PARKED]

    def _free_place(self) -> str:
        taken = {call.place for call in self._parked()}
        return next((place for place in PLACES if place not in taken), "")
