"""Supervisors listen to talks, whisper to the agent, barge in, and take over; each of it is on record with the call.

As with own calls, a leg's id is saved before anything is asked for it, and no queue's call rings at its phone while it
is there. Nothing of it changes what the agent, the floor or the figures know, but for a talk that is taken over.
"""

from collections.abc import Callable, Mapping

from agents.spoken import Spoken
from agents.supervisors import KEYS, How, Supervisor
from asterisk.port import CallerId, EndCause, LegNow, Overhear
from centralino import events as ev
from centralino.attendant import Desk
from centralino.call_states import CallState
from centralino.dispatch import Dispatcher
from centralino.located import did_you_mean, shown
from centralino.settings import Configuration
from centralino.signing import Refused
from centralino.state import CallNow, ListeningNow

RINGS_FOR_S = 30.0


class Listening:
    """`say_and_end` tells a leg why it ends; `end_call` belongs to the switchboard."""

    def __init__(self, desk: Desk, dispatcher: Dispatcher) -> None:
        self._book, self._telephony, self._dispatcher = desk.book, desk.telephony, dispatcher
        self.connected: Mapping[str, bool]
        self.say_and_end: Callable[[str, str, Spoken], None]
        self.end_call: Callable[[str, str], None]
        self.configuration: Configuration

    # --- how it begins

    def begin(self, leg: str, phone: str, supervisor: Supervisor, agent: str, how: How) -> Spoken | None:
        """`leg`, at `phone`, is answered: let the supervisor hear the talk of `agent`. Why not; None: they hear it."""
        call = self._talk_of(agent)
        if call is None:
            return Spoken.NOBODY_TALKS
        if phone == self._book.house.agent(agent).call_phone:
            return Spoken.NOT_NOW  # the talk is their own
        if why := self._why_not(supervisor, call):
            self._refuse(supervisor, call, phone, how, why)
            return why
        if how is How.TAKE_OVER and _is_elsewhere(call):
            return Spoken.NOT_NOW
        self._book.write(ev.ListeningBegun(**self._facts(call, leg, phone, supervisor, how)))
        one = self._book.house.listenings[leg]
        self._dispatcher.other_call(phone, True)
        self._let_hear(one)
        return None

    def ring(self, call_id: str, supervisor_id: str, how: How, *, by: str, phone: str = "") -> str:
        """Ring the supervisor's phone (or `phone`), and let them hear the talk; the phone. Raises signing.Refused."""
        roster = self.configuration.roster
        supervisor, call = roster.supervisors.get(supervisor_id), self._book.call(call_id)
        if supervisor is None:
            hint = did_you_mean(supervisor_id, roster.supervisors)
            raise Refused(f"there is no supervisor {shown(supervisor_id)} in agents.yaml; {hint}")
        if call is None:
            raise Refused(f"there is no call {shown(call_id)} now; `centralino calls` lists them")
        if call.state is not CallState.TALKING:
            raise Refused(f"{call.id} is {call.state}: only a call that talks with an agent can be listened to")
        phone = phone or supervisor.phone or ""
        self._look_whether_it_can_ring(call, phone, supervisor)
        if why := self._why_not(supervisor, call):
            self._refuse(supervisor, call, phone, how, why)
            raise Refused(f"{supervisor.id} may not listen to {call.agent} in queue {call.queue} (agents.yaml)")
        self._ring(call, phone, supervisor, how, by=by)
        return phone

    def ring_for_help(self, call: CallNow, supervisor: Supervisor) -> bool:
        """The same for an agent who asks for help; False: they may not hear the talk, or cannot be rung."""
        try:
            self._look_whether_it_can_ring(call, supervisor.phone or "", supervisor)
        except Refused:
            return False
        if self._why_not(supervisor, call):
            return False
        self._ring(call, supervisor.phone or "", supervisor, How.LISTEN, by="")
        return True

    def answered(self, one: ListeningNow) -> None:
        """The supervisor's phone, which was rung, was answered."""
        if one.answered_s or not self._is_there(one):
            return
        call, supervisor = self._book.house.calls[one.call], self.configuration.roster.supervisors.get(one.supervisor)
        if supervisor is None:
            self._end_and_say(one, "the supervisor is no longer in agents.yaml", Spoken.NOT_NOW)
            return
        if one.how == How.TAKE_OVER and _is_elsewhere(call):
            self._end_and_say(one, "the agent was asking somebody", Spoken.NOT_NOW)
            return
        self._book.write(ev.ListeningBegun(**self._facts(call, one.leg, one.phone, supervisor, How(one.how))))
        self._let_hear(one)

    # --- while it goes on

    def at(self, leg: str) -> ListeningNow | None:
        return self._book.house.listenings.get(leg)

    def digit(self, one: ListeningNow, key: str) -> None:
        """4, 5 and 6: listen, whisper, barge in."""
        how = KEYS.get(key)
        if how is None or not one.answered_s or one.how in (how, How.TAKE_OVER):
            return
        self._book.write(
            ev.ListeningChanged(call=one.call, leg=one.leg, supervisor=one.supervisor, agent=one.agent, how=how)
        )
        self._let_hear(one)

    def look(self) -> None:
        """End those whose talk is over, by whatever it ended."""
        for one in list(self._book.house.listenings.values()):
            if not self._is_there(one):
                self._end_and_say(one, "the talk is over", Spoken.TALK_IS_OVER)

    def failed(self, leg: str) -> None:
        """The phone system cannot let them hear it; where the talk is just over, that will be told too."""
        if one := self.at(leg):
            self._end_and_say(one, "the phone system could not let them hear the talk", Spoken.NOT_NOW)

    # --- how it ends

    def leg_ended(self, one: ListeningNow, cause: EndCause) -> None:
        """The supervisor has hung up, did not answer, or is gone. A talk that they had taken over ends with it; where
        nobody saw them go, the caller waits again in their old place.
        """
        call = self._taken_over_by(one)
        self._end(one, "the supervisor hung up" if one.answered_s and cause is EndCause.HUNG_UP else cause)
        if call is None:
            return
        if cause is EndCause.GONE:
            self._wait_again(call)
        else:
            self._leave(call, "supervisor")
            self.end_call(call.id, "the supervisor hung up")

    def caller_left(self, call: CallNow) -> None:
        """The caller of a talk that was taken over has hung up, or the call is to end."""
        leg = call.leg
        self._leave(call, "caller")
        if one := self.at(leg):
            self._end(one, "the talk is over")
        self._telephony.hang_up(leg)

    def join_failed(self, call: CallNow) -> None:
        """Supervisor and caller never came together: whoever is left is not lost."""
        leg = call.leg
        self._telephony.part(leg)  # they may have talked before, and were to be joined again
        if one := self.at(leg):
            self._end_and_say(one, "the two could not be joined", Spoken.NOT_NOW)
        self._wait_again(call)
        self._telephony.look_at(call.id)
        self._telephony.look_at(leg)

    def end(self, one: ListeningNow, why: str) -> None:
        """Let the supervisor go, and nobody else."""
        self._end(one, why)
        self._telephony.hang_up(one.leg)

    # --- going on after a restart, or a lost line

    def go_on(self, one: ListeningNow, legs: dict[str, LegNow]) -> None:
        """Hold what was so with what is so now; what is over meanwhile is ended by `look`."""
        leg = legs.get(one.leg)
        if leg is None:
            self.leg_ended(one, EndCause.GONE)
        elif one.answered_s and self._is_there(one) and not self._taken_over_by(one):
            self._let_hear(one)
        elif leg.up:
            self.answered(one)

    def go_on_with(self, call: CallNow, legs: dict[str, LegNow]) -> None:
        """The same for a call that was taken over."""
        leg, one = legs.get(call.leg), self.at(call.leg)
        if leg is None and one:
            self.leg_ended(one, EndCause.GONE)
        elif leg is None:
            self._wait_again(call)
        elif leg.talks_in != call.id:
            self._telephony.join(call.id, call.id, call.leg)

    # --- within

    def _ring(self, call: CallNow, phone: str, supervisor: Supervisor, how: How, *, by: str) -> None:
        """`by`: who wants it; empty: the agent, who needs help."""
        leg = f"{call.id}-ear{call.supervisors_rung + 1}-leg1"
        self._book.write(
            ev.SupervisorRung(**self._facts(call, leg, phone, supervisor, how), by=by or call.agent, is_help=not by)
        )
        self._dispatcher.other_call(phone, True)
        listed = self.configuration.roster.agents.get(call.agent)
        shows = CallerId(listed.number if listed else "", f"{how}: {listed.name if listed else call.agent}")
        self._telephony.ring(leg, phone, call.id, shows, RINGS_FOR_S)

    def _talk_of(self, agent: str) -> CallNow | None:
        talks = (call for call in self._book.house.calls.values() if call.state is CallState.TALKING)
        return next((call for call in talks if call.agent == agent), None)

    def _why_not(self, supervisor: Supervisor, call: CallNow) -> Spoken | None:
        listed = self.configuration.roster.agents.get(call.agent)
        return supervisor.why_not(listed.site if listed else "", call.queue)

    def _look_whether_it_can_ring(self, call: CallNow, phone: str, supervisor: Supervisor) -> None:
        if not self.connected[call.node]:
            raise Refused("there is no connection to the phone system: nothing can be done to the talk now")
        if not phone:
            raise Refused(f"{supervisor.id} has no phone of their own: name one with --phone")
        if phone not in self.configuration.roster.phones:
            raise Refused(f"there is no phone {shown(phone)} in agents.yaml")
        if not self._book.house.reachable.get(phone):
            raise Refused(f"{phone} is not registered")
        if self._dispatcher.who_has_a_call_at(phone) or self._dispatcher.has_other_call(phone):
            raise Refused(f"{phone} is in a call")

    def _refuse(self, supervisor: Supervisor, call: CallNow, phone: str, how: How, why: Spoken) -> None:
        self._book.write(
            ev.ListeningRefused(
                call=call.id, supervisor=supervisor.id, agent=call.agent, phone=phone, how=how, why=why.value[1]
            )
        )

    def _facts(self, call: CallNow, leg: str, phone: str, supervisor: Supervisor, how: How) -> dict[str, str]:
        return {
            "call": call.id,
            "leg": leg,
            "node": call.node,
            "supervisor": supervisor.id,
            "phone": phone,
            "agent": call.agent,
            "agent_leg": call.leg,
            "how": how,
        }

    def _let_hear(self, one: ListeningNow) -> None:
        if one.how != How.TAKE_OVER:
            self._telephony.overhear(one.leg, one.agent_leg, Overhear(one.how))
            return
        call = self._book.house.calls[one.call]
        self._dispatcher.take_over(
            ev.CallTakenOver(
                call=call.id,
                agent=call.agent,
                leg=call.leg,
                queue=call.queue,
                supervisor=one.supervisor,
                by_leg=one.leg,
            )
        )

    def _is_there(self, one: ListeningNow) -> bool:
        """Whether the talk that they listen to, or have taken over, goes on."""
        call = self._book.call(one.call)
        talks = call is not None and call.state is CallState.TALKING and call.leg == one.agent_leg
        return talks or self._taken_over_by(one) is not None

    def _taken_over_by(self, one: ListeningNow) -> CallNow | None:
        call = self._book.call(one.call)
        return call if call and call.state is CallState.TAKEN_OVER and call.leg == one.leg else None

    def _leave(self, call: CallNow, by: str) -> None:
        self._book.write(ev.SupervisorLeft(call=call.id, supervisor=call.taken_over_by, leg=call.leg, by=by))

    def _wait_again(self, call: CallNow) -> None:
        queue = call.queue
        self._leave(call, "lost")
        self._dispatcher.wait_again(call, queue)

    def _end_and_say(self, one: ListeningNow, why: str, spoken: Spoken) -> None:
        if one.answered_s:
            self.say_and_end(one.leg, one.phone, spoken)
        else:
            self._telephony.hang_up(one.leg)
        self._end(one, why)

    def _end(self, one: ListeningNow, why: str) -> None:
        self._book.write(
            ev.ListeningEnded(
                call=one.call, leg=one.leg, supervisor=one.supervisor, agent=one.agent, how=one.how, why=why
            )
        )
        self._dispatcher.other_call(one.phone, False)


def _is_elsewhere(call: CallNow) -> bool:
    """Whether the agent asks somebody, or keys in whom: the caller, with music, is not there to be taken over."""
    return call.set_aside or call.consult is not None
