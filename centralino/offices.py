"""Offices: a caller is led to a telephone outside, the second level of an entity, and comes back if nobody answers.

As with agents, the leg's id is chosen and saved before the phone system is asked.
"""

import logging
from collections.abc import Callable

from asterisk.port import CallerId, EndCause, LegNow, Telephony
from centralino import events as ev
from centralino.book import Book
from centralino.call_states import CallState
from centralino.outgoing import Refused, may_call
from centralino.people import People
from centralino.settings import Configuration
from centralino.state import CallNow

log = logging.getLogger(__name__)

WITH_OFFICE = (CallState.TRANSFERRING, CallState.TRANSFERRED)


class Offices:
    """`taken` and `away` tell the attendant that somebody answered, or nobody; `end` belongs to the switchboard;
    `other_call` tells the dispatcher that a phone of ours has a call that no queue brought, or has it no more;
    `give` makes it the talk of the agent who answered there.
    """

    def __init__(self, book: Book, telephony: Telephony, people: People) -> None:
        self._book, self._telephony, self._people = book, telephony, people
        self.configuration: Configuration
        self.taken: Callable[[str], None]
        self.away: Callable[[CallNow], None]
        self.end: Callable[[str, str], None]
        self.give: Callable[[CallNow, str, str], bool]
        self.other_call: Callable[[str, bool], None]

    def ring(self, call: CallNow, office: str, phone: str, ring_s: float) -> None:
        """Ring the office, or a colleague's phone; the caller hears music meanwhile."""
        leg = f"{call.id}-leg0{call.entry}"  # a nought first: legs to agents are counted from 1
        to_phone = phone if phone in self.configuration.roster.phones else ""
        self._book.write(ev.OfficeRung(call=call.id, office=office, leg=leg, to_phone=to_phone))
        if to_phone:
            self._telephony.hold(call.id)
            self.other_call(to_phone, True)
            self._telephony.ring(leg, phone, call.id, self._shown_inside(call), ring_s)
        else:
            self._ring_outside(call, office, phone, ring_s)

    def _ring_outside(self, call: CallNow, office: str, phone: str, ring_s: float) -> None:
        rules = self.configuration.settings.outgoing
        decided = may_call(phone, rules)
        if isinstance(decided, Refused):
            log.warning("call %s: %s is not called: %s", call.id, decided.number, decided.why)
            self.give_up(call, decided.why)
            return
        shown = self._shown(call, rules.shown_for(office.partition("/")[0], call.service))
        self._telephony.hold(call.id)
        self._telephony.ring_outside(call.leg, decided, call.id, shown, ring_s)

    def call_at(self, leg: str) -> CallNow | None:
        """The call that an office is rung for, or talks in, as `leg`."""
        call = self._book.house.call_with(leg)
        return call if call and call.state in WITH_OFFICE and call.leg == leg else None

    def answered(self, call: CallNow) -> None:
        if call.state is CallState.TRANSFERRING:
            self.taken(call.id)
            if self.give(call, call.to_phone, call.leg):
                return
            self._book.write(ev.OfficeAnswered(call=call.id, office=call.office, leg=call.leg))
            self._telephony.join(call.id, call.id, call.leg)

    def leg_ended(self, call: CallNow, cause: EndCause) -> None:
        """The office did not answer, or the talk is over."""
        if call.state is CallState.TRANSFERRING:
            self.give_up(call, cause)
        else:
            self.leave(call, "lost" if cause is EndCause.GONE else "office")
            self.end(call.id, "the office hung up")

    def join_failed(self, call: CallNow) -> None:
        """One of the two was gone as the other came; whoever is left is let go."""
        self.leave(call, "lost")
        self.end(call.id, "the office and the caller could not be joined")

    def give_up(self, call: CallNow, why: str) -> None:
        """Ring no longer; the caller goes on in the menu."""
        self._stop_ringing(call, why)
        self.away(call)

    def caller_left(self, call: CallNow) -> None:
        if call.state is CallState.TRANSFERRING:
            self._stop_ringing(call, "the caller hung up")
        elif call.state is CallState.TRANSFERRED:
            self.leave(call, "caller")

    def go_on(self, call: CallNow, legs: dict[str, LegNow]) -> None:
        """Hold what was so, before we were away, with what is so now."""
        leg = legs.get(call.leg)
        if leg is None:
            self.leg_ended(call, EndCause.GONE)
        elif call.state is CallState.TRANSFERRED and leg.talks_in != call.id:
            self._telephony.join(call.id, call.id, call.leg)
        elif leg.up:
            self.answered(call)

    def _stop_ringing(self, call: CallNow, why: str) -> None:
        leg, phone = call.leg, call.to_phone
        self._book.write(ev.OfficeAway(call=call.id, office=call.office, leg=leg, why=why))
        self._telephony.hang_up(leg)
        self.other_call(phone, False)

    def leave(self, call: CallNow, by: str) -> None:
        """The talk is over; the caller's way on is somebody else's."""
        leg, phone = call.leg, call.to_phone
        self._book.write(ev.OfficeLeft(call=call.id, office=call.office, leg=leg, by=by))
        self._telephony.hang_up(leg)
        self.other_call(phone, False)

    def _shown_inside(self, call: CallNow) -> CallerId:
        """What a colleague's phone shows: who calls, by way of which number."""
        if call.withheld:
            return CallerId("anonymous", call.service)
        who = self._people.who(call.person)
        return CallerId(who.number, f"{call.service}: {who.name or who.number}")

    def _shown(self, call: CallNow, number: str) -> CallerId:
        """What the office's telephone shows: a number of ours, as carriers want it; by its name, who calls us."""
        who = self._people.who(call.person)
        caller = "" if call.withheld else f": {who.number} {who.name}".rstrip()
        return CallerId(number, f"{call.service}{caller}")
