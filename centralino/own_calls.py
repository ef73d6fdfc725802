"""Calls that agents make by themselves: to each other, and outside. They are no citizen's calls, and on record.

As with offers, a leg's id is chosen and saved before the phone system is asked; and while such a call goes on, no
queue's call rings at its phones.
"""

import logging
from collections.abc import Callable, Mapping

from agents.roster import PhoneSeat
from agents.spoken import Spoken
from agents.state import Chosen
from asterisk.carrier import EMERGENCY_NUMBERS
from asterisk.port import CallerId, Dialled, EndCause, LegNow
from centralino import events as ev
from centralino.attendant import Desk
from centralino.dispatch import HAVE_A_CALL, Dispatcher
from centralino.located import shown
from centralino.outgoing import Refused as NotAllowed
from centralino.outgoing import may_call
from centralino.people import People
from centralino.settings import Configuration
from centralino.signing import Refused
from centralino.state import AgentNow, OwnCall

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
        self.connected: Mapping[str, bool]
        self.configuration: Configuration

    def begin(self, dialled: Dialled) -> None:
        """Ring whom the phone dialled: an agent, a phone, or a number outside."""
        roster = self.configuration.roster
        agent, phone = roster.agent_numbered(dialled.number), self._seat(dialled.number)
        if agent:
            self._ring_inside(dialled, agent.id, self._book.house.agent(agent.id).phone or agent.phone or "")
        elif phone:
            self._ring_inside(dialled, phone.id, phone.id)
        else:
            self._ring_outside(dialled)

    def place(self, agent_id: str, number: str, *, by: str, entity: str = "") -> OwnCall:
        """Ring the agent's phone, and, once they are there, whom `number` reaches. Raises signing.Refused."""
        agent, to, to_phone = self._who_calls(agent_id), "", ""
        roster = self.configuration.roster
        if colleague := roster.agent_numbered(number):
            to, to_phone = colleague.id, self._book.house.agent(colleague.id).phone or colleague.phone or ""
        elif seat := self._seat(number):
            to = to_phone = seat.id
        if to:
            self._look_whether_it_can_ring(agent.phone, to, to_phone)
        person = "" if to else self._person_outside(agent, number, by)
        if entity and entity not in self.configuration.entities.entities:
            raise Refused(f"there is no entity {shown(entity)} in entities.yaml")
        node = roster.node_of(agent.phone)
        call_id = f"{node}-{agent.id}-{round(self._clock.now_s() * 1000)}-click1"
        self._book.write(
            ev.OwnCallBegun(
                call=call_id,
                node=node,
                phone=agent.phone,
                agent=agent.id,
                to=to,
                to_phone=to_phone,
                person=person,
                by=by,
                entity=entity,
            )
        )
        call = self._book.house.own_calls[call_id]
        self._tell_floor(call, goes_on=True)
        self._telephony.ring(call.id, call.phone, call.id, CallerId(number, to or number), RINGS_FOR_S)
        return call

    def call_at(self, leg: str) -> OwnCall | None:
        """The call of which `leg` is one of the two."""
        call = self._book.house.own_calls.get(leg) or self._book.house.own_calls.get(leg.rpartition("-leg")[0])
        return call if call and leg in (call.id, call.other_leg) else None

    def answered(self, call: OwnCall, leg: str) -> None:
        if leg == call.id and not call.is_taken_up:
            self._book.write(ev.OwnCallTakenUp(call=call.id))
            self._ring_other(call)
        elif leg == call.other_leg and not call.answered_s:
            self._telephony.answer(call.id)
            self._book.write(ev.OwnCallAnswered(call=call.id))
            self._telephony.join(call.id, call.id, leg)

    def leg_ended(self, call: OwnCall, leg: str, cause: EndCause) -> None:
        if leg == call.id:
            self.end(call, "the one who called hung up" if call.is_taken_up else cause)
        elif call.answered_s:
            self.end(call, "the other one hung up")
        else:
            self._telephony.hang_up(call.other_leg)  # where it was not gone after all
            self.say_and_end(call.id, call.phone, SPOKEN_OF.get(cause, Spoken.NOT_HERE))
            self._end_record(call, cause)

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
        elif not call.is_taken_up:
            if legs[call.id].up:
                self.answered(call, call.id)
        elif other is None:
            self.leg_ended(call, call.other_leg, EndCause.GONE)
        elif call.answered_s and other.talks_in != call.id:
            self._telephony.join(call.id, call.id, call.other_leg)
        elif other.up:
            self.answered(call, call.other_leg)

    # --- within

    def _seat(self, number: str) -> PhoneSeat | None:
        """The phone that is dialled so; 112 is never the phone `p112`."""
        return None if number in EMERGENCY_NUMBERS else self.configuration.roster.phone_numbered(number)

    def _ring_inside(self, dialled: Dialled, to: str, phone: str) -> None:
        if not phone or not self._book.house.reachable.get(phone):
            self._refuse(dialled, Spoken.NOT_HERE, "the phone is not registered", to=to)
        elif phone == dialled.phone or self._is_busy(phone):
            self._refuse(dialled, Spoken.BUSY, "the phone is in a call", to=to)
        else:
            self._ring_other(self._begin(dialled, to=to, to_phone=phone))

    def _ring_outside(self, dialled: Dialled) -> None:
        decided = may_call(dialled.number, self.configuration.settings.outgoing)
        person = self._people.key_for(decided.number, "", self._clock.now_s())
        if isinstance(decided, NotAllowed):
            log.warning("%s may not call person %s: %s", dialled.phone, person, decided.why)
            self._refuse(dialled, Spoken.NOT_ALLOWED, decided.why, person=person)
            return
        self._ring_other(self._begin(dialled, person=person))

    def _ring_other(self, call: OwnCall) -> None:
        """Who calls hears that it rings. What may be called is looked at anew: it may have changed meanwhile."""
        self._telephony.let_hear_ringing(call.id)
        if call.to_phone:
            self._telephony.ring(call.other_leg, call.to_phone, call.id, self._shown(call), RINGS_FOR_S)
            return
        outgoing = self.configuration.settings.outgoing
        decided = may_call(self._people.who(call.person).number, outgoing)
        if isinstance(decided, NotAllowed):
            self.say_and_end(call.id, call.phone, Spoken.NOT_ALLOWED)
            self._end_record(call, decided.why)
            return
        shows = CallerId(outgoing.shown_for(call.entity, next(iter(self.configuration.dialplans))), "")
        self._telephony.ring_outside(call.other_leg, decided, call.id, shows, RINGS_OUTSIDE_FOR_S)

    def _who_calls(self, agent_id: str) -> AgentNow:
        """Raises signing.Refused where no call can be placed for them now."""
        if agent_id not in self.configuration.roster.agents:
            raise Refused(f"there is no agent {shown(agent_id)} in agents.yaml")
        agent, on_floor = self._book.house.agent(agent_id), self._dispatcher.floor.agents.get(agent_id)
        if agent.chosen is Chosen.SIGNED_OUT:
            raise Refused(f"{agent_id} is not signed in: sign in first, so that a phone can be rung")
        if (on_floor and on_floor.doing in HAVE_A_CALL) or self._is_busy(agent.phone):
            raise Refused(f"{agent_id} has a call")
        if agent.phone not in self.configuration.roster.phones or not self._book.house.reachable.get(agent.phone):
            raise Refused(f"the phone of {agent_id}, {agent.phone}, is not registered")
        if not self.connected[self.configuration.roster.node_of(agent.phone)]:
            raise Refused("there is no connection to the phone system: nobody can be called now")
        return agent

    def _look_whether_it_can_ring(self, phone: str, to: str, to_phone: str) -> None:
        if not to_phone or not self._book.house.reachable.get(to_phone):
            raise Refused(f"{to} cannot be reached now")
        if to_phone == phone or self._is_busy(to_phone):
            raise Refused(f"{to} has a call" if to_phone != phone else "that is their own phone")

    def _person_outside(self, agent: AgentNow, number: str, by: str) -> str:
        """The key of whom the number is; a number that may not be called is on record as refused."""
        decided = may_call(number, self.configuration.settings.outgoing)
        person = self._people.key_for(decided.number, "", self._clock.now_s())
        if isinstance(decided, NotAllowed):
            refused = ev.OwnCallRefused(phone=agent.phone, agent=agent.id, person=person, why=decided.why, by=by)
            self._book.write(refused)
            raise Refused(f"this number may not be called: {decided.why}")
        return person

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
        return bool(self._dispatcher.who_has_a_call_at(phone) or self._dispatcher.has_other_call(phone))

    def _shown(self, call: OwnCall) -> CallerId:
        """Who calls: the agent, or the phone."""
        agent = self.configuration.roster.agents.get(call.agent)
        return CallerId(agent.number or call.phone, agent.name) if agent else CallerId(call.phone, call.phone)
