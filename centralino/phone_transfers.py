"""What agents do by the keys of the phone itself: hold, and transfer (SIP's REFER). It means what `#1` and `*2` mean.

A phone that transfers to a number hands the caller on, as `#1` does. One that transfers to its other call has asked
somebody by a call of the agent's own (centralino/own_calls.py): the caller stays with them, as after `*2` and hanging
up, or goes to them as soon as they answer. What cannot be is refused, on record, and agent and caller keep each other.
"""

import logging

from agents.places import PARK
from asterisk.port import HoldBegan, HoldEnded, JoinAsked, OwnKey, TransferAsked, TransferEnd
from centralino import events as ev
from centralino.attendant import Desk
from centralino.call_states import CallState
from centralino.consulting import BY, Consulting, Destination
from centralino.dispatch import Dispatcher
from centralino.handed_to import AT_PHONE, COLLEAGUE, OUTSIDE, named
from centralino.outgoing import NotCalled
from centralino.outgoing import Refused as NotAllowed
from centralino.own_calls import OwnCalls
from centralino.people import People
from centralino.settings import Configuration
from centralino.signing import Refused
from centralino.state import CallNow, OwnCall

log = logging.getLogger(__name__)

OWN_NUMBER = "it is the number of the phone itself"
NOT_THEIRS = "the other call is over, or is none that this phone has made"
NO_PLACE = "every place where a caller can be parked is taken"
ASKS = "the agent asks {} just now"
NO_TALK = "the phone talks with no caller"


class PhoneTransfers:
    def __init__(
        self, desk: Desk, dispatcher: Dispatcher, consulting: Consulting, own_calls: OwnCalls, people: People
    ) -> None:
        self._book, self._telephony, self._clock = desk.book, desk.telephony, desk.clock
        self._dispatcher, self._consulting, self._own_calls, self._people = dispatcher, consulting, own_calls, people
        self.configuration: Configuration

    def told(self, event: OwnKey) -> None:
        match event:
            case HoldBegan(leg=leg):
                self._hold(leg)
            case HoldEnded(leg=leg):
                self._resume(leg)
            case TransferAsked(leg=leg, number=number):
                self._transfer(leg, number)
            case JoinAsked(leg=leg, other=other):
                self._join(leg, other)

    def go_on(self, call: CallNow) -> None:
        """The phone system is there again: the caller may have been put on hold, or taken off it, meanwhile."""
        if call.state is CallState.TALKING and not call.set_aside and call.consult is None:
            self._telephony.look_at_hold(call.id, call.leg)

    # --- hold

    def _hold(self, leg: str) -> None:
        call = self._consulting.talk_at(leg)
        if call and not call.held_since_s:
            self._book.write(ev.CallHeld(call=call.id, agent=call.agent, leg=leg))
            self._consulting.apply_recording_pause(call)

    def _resume(self, leg: str) -> None:
        call = self._consulting.talk_at(leg)
        if call and call.held_since_s:
            self._book.write(ev.CallResumed(call=call.id, agent=call.agent, leg=leg))
            self._consulting.apply_recording_pause(call)

    # --- to a number

    def _transfer(self, leg: str, number: str) -> None:
        call = self._consulting.talk_at(leg)
        if call and number == PARK:
            self._park(call)
            return
        there = self._consulting.destination(number)
        person = self._person(there)
        if call is None:
            self._refuse_elsewhere(leg, person)
            return
        phone = self._consulting.phone_of(call)
        if isinstance(there, NotAllowed):
            self._refuse(call, there.why, person)
        elif there.phone == phone:
            self._refuse(call, OWN_NUMBER)
        else:
            self._hand_on(call, there, BY.format(phone))

    def _park(self, call: CallNow) -> None:
        leg = call.leg
        if call.consult:
            self._refuse(call, ASKS.format(named(call.consult.to)))
        elif self._consulting.park(call, self._consulting.phone_of(call), is_told=False):
            self._consulting.forget(leg)
            self._telephony.end_transfer(leg, TransferEnd.DONE)
        else:
            self._refuse(call, NO_PLACE, how=TransferEnd.UNAVAILABLE)

    def _hand_on(self, call: CallNow, there: Destination, by: str) -> None:
        leg = call.leg
        try:
            self._consulting.hand_on(call.id, there.to, by)
        except Refused as refused:
            self._refuse(call, str(refused), how=TransferEnd.UNAVAILABLE)
        else:
            self._consulting.forget(leg)
            self._telephony.end_transfer(leg, TransferEnd.DONE)

    # --- to somebody in the phone's other call

    def _join(self, leg: str, other: str) -> None:
        """Phones name either of their two calls, and ask in the other one."""
        call = self._consulting.talk_at(leg) or self._consulting.talk_at(other)
        if call is None:
            self._refuse_elsewhere(leg, "")
            return
        own = self._book.house.own_calls.get(other if leg == call.leg else leg)
        if own is None or own.phone != self._consulting.phone_of(call):
            self._refuse(call, NOT_THEIRS, leg=leg)
        elif call.consult:
            self._refuse(call, ASKS.format(named(call.consult.to)), leg=leg)
        else:
            self._leave_with(call, own, leg)

    def _leave_with(self, call: CallNow, own: OwnCall, asked_at: str) -> None:
        """The agent leaves both calls; the caller stays with whom they called, or hears music until they answer."""
        answered = bool(own.answered_s)
        transferred = ev.CallTransferred(
            call=call.id,
            agent=call.agent,
            leg=call.leg,
            queue=call.queue,
            to=self._whom(own),
            to_leg=own.other_leg,
            answered=answered,
            own_call=own.id,
        )
        self._consulting.forget(call.leg)
        self._dispatcher.transferred(transferred)
        self._telephony.hang_up(own.id)
        self._telephony.end_transfer(asked_at, TransferEnd.DONE)
        self._dispatcher.other_call(own.phone, False)
        if answered:
            self._consulting.stay_with(call)
        else:
            self._telephony.hold(call.id)

    def _whom(self, own: OwnCall) -> str:
        """As `CallHandedOn` names them."""
        if own.person:
            return f"{OUTSIDE}{own.person}"
        if own.to in self.configuration.roster.agents:
            return f"{COLLEAGUE}{own.to}"
        there = self._book.house.agent_at(own.to_phone)
        return f"{COLLEAGUE}{there.id}" if there else f"{AT_PHONE}{own.to_phone}"

    # --- what cannot be

    def _refuse(
        self, call: CallNow, why: str, person: str = "", *, how: TransferEnd = TransferEnd.DECLINED, leg: str = ""
    ) -> None:
        phone = self._consulting.phone_of(call)
        log.warning("%s may not transfer %s: %s", phone, call.id, why)
        refused = ev.TransferRefused(call=call.id, agent=call.agent, phone=phone, person=person, why=why)
        self._book.write(refused)
        self._telephony.end_transfer(leg or call.leg, how)

    def _refuse_elsewhere(self, leg: str, person: str) -> None:
        """It comes from no talk with a caller: from a call of the agent's own, or one that somebody gave them."""
        phone = self._phone_at(leg)
        log.warning("%s may not transfer: %s", phone or leg, NO_TALK)
        agent = self._book.house.agent_at(phone)
        refused = ev.OwnCallRefused(phone=phone, agent=agent.id if agent else "", person=person, why=NO_TALK)
        self._book.write(refused)
        self._telephony.end_transfer(leg, TransferEnd.DECLINED)

    def _phone_at(self, leg: str) -> str:
        house = self._book.house
        if own := self._own_calls.call_at(leg):
            return own.phone if leg == own.id else own.to_phone
        if one := house.listenings.get(leg):
            return one.phone
        call = house.call_with(leg)
        return call.to_phone if call else ""

    def _person(self, there: Destination | NotAllowed) -> str:
        """Whoever has the number outside that was named; the journal holds no numbers."""
        number = there.number if isinstance(there, NotAllowed) and there.why != NotCalled.NO_NUMBER else ""
        return self._people.key_for(number, "", self._clock.now_s()) if number else ""
