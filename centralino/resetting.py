"""A supervisor, or an admin, lets an agent go who is stuck: whatever holds them ends, and nobody is lost by it.

The caller of a talk, or of a phone that rings, waits again in their old place, also one whom a colleague had given to
this agent; an agent who asked this one has their caller back. Calls of their own end.
"""

from collections.abc import Callable, Iterator

from acd.state import Doing
from acd.why import Why
from agents.state import AfterReset, Chosen, Wish
from asterisk.port import EndCause, Telephony
from centralino import events as ev
from centralino.book import Book
from centralino.call_backs import CallBacks
from centralino.call_states import CallState
from centralino.consulting import Consulting
from centralino.dispatch import Dispatcher
from centralino.listening import Listening
from centralino.located import did_you_mean, shown
from centralino.offices import WITH_OFFICE, Offices
from centralino.own_calls import OwnCalls
from centralino.settings import Configuration
from centralino.signing import Refused, Signing
from centralino.state import AgentNow, CallNow, House

RESET = "the agent was reset"


class Resetting:
    """`end` belongs to the switchboard."""

    def __init__(self, book: Book, telephony: Telephony, dispatcher: Dispatcher, signing: Signing) -> None:
        self._book, self._telephony, self._dispatcher, self._signing = book, telephony, dispatcher, signing
        self.consulting: Consulting
        self.call_backs: CallBacks
        self.own_calls: OwnCalls
        self.listening: Listening
        self.offices: Offices
        self.end: Callable[[str, str], None]
        self.configuration: Configuration

    def reset(self, agent_id: str, then: AfterReset, *, by: str) -> list[str]:
        """Let the agent go; what had held them, in words. Raises signing.Refused."""
        roster = self.configuration.roster
        if agent_id not in roster.agents:
            hint = did_you_mean(agent_id, roster.agents)
            raise Refused(f"there is no agent {shown(agent_id)} in agents.yaml; {hint}")
        agent = self._book.house.agent(agent_id)
        on_floor = self._dispatcher.floor.agents.get(agent_id)
        held = list(_what_holds(self._book.house, agent))
        if on_floor and on_floor.doing in (Doing.RESERVED, Doing.RINGING, Doing.WRAPPING_UP, Doing.RESTING):
            held.append(f"{on_floor.doing} {on_floor.call}".rstrip())
        self._book.write(ev.AgentReset(agent=agent_id, by=by, then=then, held=held))
        self._dispatcher.make_unavailable(agent_id, Why.AGENT_RESET)  # first: what ends is not offered to them again
        self._end_talk(agent_id)
        self._end_other_calls(agent.phone)
        self._dispatcher.forget_what_they_do(agent_id)
        if then is AfterReset.OUT and agent.chosen is not Chosen.SIGNED_OUT:
            self._signing.choose(agent_id, Wish.SIGN_OUT, by=by)
        elif agent.chosen is Chosen.PAUSED:
            self._signing.choose(agent_id, Wish.READY, by=by)
        else:
            self._dispatcher.refresh(agent)
        return held

    # --- within

    def _end_talk(self, agent_id: str) -> None:
        for call in [call for call in self._book.house.calls.values() if call.agent == agent_id]:
            match call.state:
                case CallState.TALKING:
                    self.consulting.caller_left(call, RESET)
                    self._dispatcher.wait_for_another(call)
                case CallState.CALLING_BACK:
                    self.call_backs.not_reached(call, RESET)
                case CallState.WHISPERING:
                    self._dispatcher.leg_ended(call.leg, EndCause.GONE)

    def _end_other_calls(self, phone: str) -> None:
        house = self._book.house
        for own in [own for own in house.own_calls.values() if phone and phone in (own.phone, own.to_phone)]:
            self.own_calls.end(own, RESET)
        for one in [one for one in house.listenings.values() if one.phone == phone]:
            self.listening.leg_ended(one, EndCause.GONE)
            self._telephony.hang_up(one.leg)
        for call in [call for call in house.calls.values() if phone]:
            if call.consult and call.consult.to_phone == phone:
                self.consulting.leg_ended(call, EndCause.GONE)
            elif call.to_phone == phone and call.state in WITH_OFFICE:
                self._take_from_colleague(call)

    def _take_from_colleague(self, call: CallNow) -> None:
        if call.state is CallState.TRANSFERRING:
            self.offices.give_up(call, RESET)
            return
        self.offices.leave(call, "lost")
        if call.back_to in self._dispatcher.floor.rules:
            self._dispatcher.wait_again(call, call.back_to)
        else:
            self.end(call.id, RESET)


def _what_holds(house: House, agent: AgentNow) -> Iterator[str]:
    """The calls that do, in words."""
    phone = agent.phone
    for call in house.calls.values():
        if call.agent == agent.id and call.state in (CallState.TALKING, CallState.CALLING_BACK, CallState.WHISPERING):
            yield f"{call.state} in {call.id}"
        elif phone and phone == call.to_phone:
            yield f"{call.id}, which a colleague gave them"
        elif phone and call.consult and call.consult.to_phone == phone:
            yield f"asked by {call.agent}, in {call.id}"
    yield from (
        f"a call of their own, {own.id}"
        for own in house.own_calls.values()
        if phone and phone in (own.phone, own.to_phone)
    )
    yield from (f"listening to {one.agent}" for one in house.listenings.values() if phone and one.phone == phone)
