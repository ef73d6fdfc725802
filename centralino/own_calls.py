"""Calls that agents make by themselves: to each other, and outside. They are no citizen's calls, and on record.

As with offers, a leg's id is chosen and saved before the phone system is asked; and while such a call goes on, no
queue's call rings at its phones.
"""

import logging
from collections.abc import Callable

from agents.spoken import Spoken
from asterisk.port import CallerId, Dialled, EndCause, LegNow
from centralino import events as ev
from centralino.attendant import Desk
from centralino.dispatch import Dispatcher
from centralino.outgoing import Refused, may_call
from centralino.people import People
from centralino.settings import Configuration
from centralino.state import OwnCall

log = logging.getLogger(__name__)

RINGS_FOR_S = 30.0
RINGS_OUTSIDE_FOR_S = 60.0
SPOKEN_OF = {
    EndCause.NO_ANSWER: Spoken.NO_ANSWER,
    EndCause.BUSY: Spoken.BUSY,
    EndCause.REJECTED: Spoken.BUSY,
}


class OwnCalls:
    """`refuse` and `say_and_end` tell whoever dialled what became of it."""

    def __init__(self, desk: Desk, dispatcher: Dispatcher, people: People) -> None:
        self._book, self._telephony, self._clock = desk.book, desk.telephony, desk.clock
        self._dispatcher, self._people = dispatcher, people
        self.refuse: Callable[[Dialled, Spoken], None]
        self.say_and_end: Callable[[str, str, Spoken], None]
        self.configuration: Configuration

    def begin(self, dialled: Dialled) -> None:
        """Ring whom the phone dialled: an agent, a phone, or a number outside."""
        roster = self.configuration.roster
        agent, phone = roster.agent_numbered(dialled.number), roster.phone_numbered(dialled.number)
        if agent:
            self._ring_inside(dialled, agent.id, self._book.house.agent(agent.id).phone or agent.phone or "")
        elif phone:
            self._ring_inside(dialled, phone.id, phone.id)
        else:
            self._ring_outside(dialled)

    def call_at(self, leg: str) -> OwnCall | None:
        """The call of which `leg` is one of the two."""
        call = self._book.house.own_calls.get(leg) or self._book.house.own_calls.get(leg.rpartition("-leg")[0])
        return call if call and leg in (call.id, call.other_leg) else None

    def answered(self, call: OwnCall, leg: str) -> None:
        if leg == call.other_leg and not call.answered_s:
            self._telephony.answer(call.id)
            self._book.write(ev.OwnCallAnswered(call=call.id))
            self._telephony.join(call.id, call.id, leg)

    def leg_ended(self, call: OwnCall, leg: str, cause: EndCause) -> None:
        if leg == call.id:
            self.end(call, "the one who called hung up")
        elif call.answered_s:
            self.end(call, "the other one hung up")
        else:
            self._telephony.hang_up(call.other_leg)  # where it was not gone after all
            self._end_record(call, cause)
            self.say_and_end(call.id, call.phone, SPOKEN_OF.get(cause, Spoken.NOT_HERE))

    def end(self, call: OwnCall, why: str) -> None:
        """Whoever is left is let go."""
        self._telephony.hang_up(call.other_leg)
        self._telephony.hang_up(call.id)
        self._end_record(call, why)

    def go_on(self, call: OwnCall, legs: dict[str, LegNow]) -> None:
        """Hold what was so, before we were away, with what is so now."""
        other = legs.get(call.other_leg)
        if call.id not in legs:
            self.end(call, "the one who called is gone")
        elif other is None:
            self.leg_ended(call, call.other_leg, EndCause.GONE)
        elif call.answered_s and other.talks_in != call.id:
            self._telephony.join(call.id, call.id, call.other_leg)
        elif other.up:
            self.answered(call, call.other_leg)

    # --- within

    def _ring_inside(self, dialled: Dialled, to: str, phone: str) -> None:
        if not phone or not self._book.house.reachable.get(phone):
            self._refuse(dialled, Spoken.NOT_HERE, "the phone is not registered", to=to)
        elif phone == dialled.phone or self._is_busy(phone):
            self._refuse(dialled, Spoken.BUSY, "the phone is in a call", to=to)
        else:
            call = self._begin(dialled, to=to, to_phone=phone)
            self._telephony.ring(call.other_leg, phone, call.id, self._shown(call), RINGS_FOR_S)

    def _ring_outside(self, dialled: Dialled) -> None:
        decided = may_call(dialled.number, self.configuration.settings.outgoing)
        person = self._people.key_for(decided.number, "", self._clock.now_s())
        if isinstance(decided, Refused):
            log.warning("%s may not call %s: %s", dialled.phone, decided.number, decided.why)
            self._refuse(dialled, Spoken.NOT_ALLOWED, decided.why, person=person)
            return
        call = self._begin(dialled, person=person)
        number_shown = next(iter(self.configuration.dialplans))
        self._telephony.ring_outside(call.other_leg, decided, call.id, CallerId(number_shown, ""), RINGS_OUTSIDE_FOR_S)

    def _refuse(self, dialled: Dialled, spoken: Spoken, why: str, *, to: str = "", person: str = "") -> None:
        agent = self._book.house.agent_at(dialled.phone)
        self._book.write(
            ev.OwnCallRefused(
                call=dialled.leg,
                phone=dialled.phone,
                agent=agent.id if agent else "",
                to=to,
                person=person,
                why=why,
            )
        )
        self.refuse(dialled, spoken)

    def _begin(self, dialled: Dialled, *, to: str = "", to_phone: str = "", person: str = "") -> OwnCall:
        agent = self._book.house.agent_at(dialled.phone)
        self._book.write(
            ev.OwnCallBegun(
                call=dialled.leg,
                node=dialled.node,
                phone=dialled.phone,
                agent=agent.id if agent else "",
                to=to,
                to_phone=to_phone,
                person=person,
            )
        )
        self._telephony.let_hear_ringing(dialled.leg)
        call = self._book.house.own_calls[dialled.leg]
        self._tell_floor(call, goes_on=True)
        return call

    def _end_record(self, call: OwnCall, why: str) -> None:
        self._book.write(ev.OwnCallEnded(call=call.id, why=why))
        self._tell_floor(call, goes_on=False)

    def _tell_floor(self, call: OwnCall, *, goes_on: bool) -> None:
        for phone in (call.phone, call.to_phone):
            self._dispatcher.other_call(phone, goes_on)

    def _is_busy(self, phone: str) -> bool:
        return bool(self._dispatcher.who_has_a_call_at(phone) or self._book.house.has_other_call(phone))

    def _shown(self, call: OwnCall) -> CallerId:
        """Who calls: the agent, or the phone."""
        agent = self.configuration.roster.agents.get(call.agent)
        return CallerId(agent.number or call.phone, agent.name) if agent else CallerId(call.phone, call.phone)
