"""What agents do with a talk by the keys of their phone: hand the caller on, ask somebody first, let all three talk.

`#1` hands on to the number that is keyed in; `*2` rings that number while the caller hears music. Then `*` takes the
caller back, `3` lets all talk, and who hangs up leaves the caller with whoever was asked. Where nobody is reached,
agent and caller have each other again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from agents.places import PARK
from agents.spoken import Spoken
from asterisk.carrier import Allowed
from asterisk.port import CallerId, EndCause, LegNow
from centralino import events as ev
from centralino.attendant import Desk
from centralino.call_states import CallState
from centralino.dispatch import Dispatcher
from centralino.handed_to import COLLEAGUE, OUTSIDE
from centralino.outgoing import NotCalled, may_call
from centralino.outgoing import Refused as NotAllowed
from centralino.own_calls import RINGS_FOR_S, RINGS_OUTSIDE_FOR_S, SPOKEN_OF
from centralino.people import People
from centralino.phone_codes import PhoneCodes
from centralino.settings import Configuration
from centralino.signing import Refused
from centralino.state import CallNow

log = logging.getLogger(__name__)

HAND_ON, ASK = "#1", "*2"  # as features.conf of Asterisk has them
ASK_FOR_HELP = "*0"
PAUSE_RECORDING = "*1"  # as users of FreePBX know it
DISCARD_RECORDING = "*3"
TAKE_BACK, ALL_TALK = "*", "3"
KEYS_WITHIN_S = 2.0  # between the two of a code
BY = "phone {}"
WHY_NOT = {  # as the trail has it; the number itself may be somebody's
    Spoken.NOT_HERE: "whoever has that number is out of reach",
    Spoken.BUSY: "whoever has that number is in a call",
    Spoken.NO_PLACE: "no place to park a caller is free",
}


@dataclass(frozen=True, slots=True)
class Destination:
    """`to`: an office, a queue, `@AGENT` or `tel:PERSON`. `phone`: one of ours; `number`: outside. Neither: a queue."""

    to: str
    phone: str = ""
    number: str = ""


class Consulting:
    """`hand_on` belongs to the second level, `stay_with` to the offices, `park` to the parking, `ask_for_help` to
    the help, `pause_recording` and `apply_recording_pause` to the recording pauses, `discard_recording` to their
    stops.
    """

    def __init__(self, desk: Desk, dispatcher: Dispatcher, codes: PhoneCodes, people: People) -> None:
        self._book, self._telephony, self._clock = desk.book, desk.telephony, desk.clock
        self._dispatcher, self._codes, self._people = dispatcher, codes, people
        self._pressed: dict[str, tuple[str, float]] = {}  # by leg: the first key of a code, and when
        self.hand_on: Callable[[str, str, str], None]
        self.pause_recording: Callable[[CallNow], None]
        self.discard_recording: Callable[[CallNow], None]
        self.ask_for_help: Callable[[CallNow], None]
        self.apply_recording_pause: Callable[[CallNow], None]
        self.stay_with: Callable[[CallNow], None]
        self.park: Callable[..., bool]
        self.configuration: Configuration
        dispatcher.leave_to, dispatcher.go_on_consulting = self.leave_to, self.go_on

    # --- what happens

    def talk_at(self, leg: str) -> CallNow | None:
        """The call whose agent talks as `leg`."""
        call = self._book.house.call_with(leg)
        return call if call and call.state is CallState.TALKING and call.leg == leg else None

    def consult_at(self, leg: str) -> CallNow | None:
        """The call whose agent asks somebody who is rung, or there, as `leg`."""
        call = self._book.call(leg.rpartition("-leg")[0])
        return call if call and call.consult and call.consult.leg == leg else None

    def pressed(self, call: CallNow, key: str) -> None:
        """The agent pressed a key in the talk. Keys of no code are for the caller's ears."""
        if call.consult:
            self._pressed_while_asking(call, key)
            return
        now_s = self._clock.now_s()
        first, at_s = self._pressed.pop(call.leg, ("", 0.0))
        code = first + key if now_s - at_s <= KEYS_WITHIN_S else key
        if code == PAUSE_RECORDING:
            self.pause_recording(call)
        elif code == DISCARD_RECORDING:
            self.discard_recording(call)
        elif code == ASK_FOR_HELP:
            self.ask_for_help(call)
        elif code in (HAND_ON, ASK):
            self._set_aside(call, self._hand_on if code == HAND_ON else self._ask)
        elif key in (HAND_ON[0], ASK[0]):
            self._pressed[call.leg] = key, now_s

    def answered(self, call: CallNow) -> None:
        """Whom the agent asks is there."""
        consult = call.consult
        if consult and not consult.answered:
            self._book.write(ev.ConsultAnswered(call=call.id, agent=call.agent, leg=consult.leg))
            self._telephony.join(call.id, call.leg, consult.leg)

    def leg_ended(self, call: CallNow, cause: EndCause) -> None:
        """Whom the agent asks is not there, or has left."""
        consult = call.consult
        if consult is None:
            return
        if consult.answered:
            self._end_consult(call, "who was asked hung up")
            self._take_back(call, "who was asked hung up")
        else:
            self._end_consult(call, cause)
            why = SPOKEN_OF.get(cause, Spoken.NOT_HERE)
            self._codes.say(call.leg, self.phone_of(call), why, partial(self._take_back, call, "nobody was reached"))

    def leave_to(self, call: CallNow) -> bool:
        """The agent hung up: the caller stays with whom they asked. False: there is nobody."""
        consult, leg = call.consult, call.leg
        self.forget(leg)
        if consult is None:
            return False
        transferred = ev.CallTransferred(
            call=call.id,
            agent=call.agent,
            leg=leg,
            queue=call.queue,
            to=consult.to,
            to_leg=consult.leg,
            answered=consult.answered,
        )
        was_there = consult.answered
        self._dispatcher.transferred(transferred)
        if was_there:
            self.stay_with(call)
        return True

    def caller_left(self, call: CallNow, why: str = "the caller hung up") -> None:
        """Whom the agent asks is let go; the agent too, by whoever ends the talk."""
        self.forget(call.leg)
        if call.consult:
            self._end_consult(call, why)

    def join_failed(self, call: CallNow) -> bool:
        """Agent and whom they asked could not be joined: the agent has the caller again. False: it was another talk."""
        if call.consult is None or not call.consult.answered:
            return False
        self._end_consult(call, "the two could not be joined")
        self._take_back(call, "the two could not be joined")
        return True

    def go_on(self, call: CallNow, legs: dict[str, LegNow]) -> None:
        """After a time in which we were not: hold what was so with what is so now."""
        consult = call.consult
        if not legs[call.id].holding and not (consult and consult.all_talk):
            self._telephony.hold(call.id)
        if consult is None:
            self._take_back(call, "there was an interruption")
        elif consult.leg not in legs:
            self._end_consult(call, EndCause.GONE)
            self._take_back(call, "nobody was reached")
        elif consult.answered and legs[call.leg].talks_in != call.id:
            self._telephony.join(call.id, call.leg, consult.leg)
        elif legs[consult.leg].up:
            self.answered(call)

    # --- for whatever else the agent's phone does

    def destination(self, number: str) -> Destination | NotAllowed:
        """Whom the agent means: an office or a queue by the number in the YAML, a colleague, or somebody outside."""
        if not number:  # which is what offices and queues that have none have
            return NotAllowed("", NotCalled.NO_NUMBER)
        configuration = self.configuration
        office = next((name for name, one in configuration.entities.offices().items() if one.dialled == number), None)
        queue = next((name for name, rules in configuration.rules.queues.items() if rules.dialled == number), None)
        if office:
            return Destination(office, number=configuration.entities.offices()[office].phone)
        if queue:
            return Destination(queue)
        if agent := configuration.roster.agent_numbered(number):
            phone = self._book.house.agent(agent.id).phone or agent.phone or ""
            return Destination(f"{COLLEAGUE}{agent.id}", phone) if phone else NotAllowed("", NotCalled.NO_NUMBER)
        outside = self._may_call(number)
        if isinstance(outside, NotAllowed):
            return outside
        person = self._people.key_for(outside.number, "", self._clock.now_s())
        return Destination(f"{OUTSIDE}{person}", number=outside.number)

    def phone_of(self, call: CallNow) -> str:
        """Of the agent who talks."""
        return self._book.house.agent(call.agent).call_phone

    def forget(self, leg: str) -> None:
        """Nothing is asked of the agent any more, and no key is waited for."""
        self._pressed.pop(leg, None)
        self._codes.forget(leg)

    # --- within

    def _set_aside(self, call: CallNow, then: Callable[[CallNow, str], None]) -> None:
        """The caller hears music, and the agent is asked where to."""
        self._book.write(ev.CallerSetAside(call=call.id, agent=call.agent, leg=call.leg))
        self.apply_recording_pause(call)
        self._telephony.part(call.leg)
        self._telephony.hold(call.id)
        at_end = partial(self._take_back, call, "the agent keyed in nothing")
        self._codes.ask(call.leg, self.phone_of(call), Spoken.TO_WHOM, partial(then, call), at_end)

    def _hand_on(self, call: CallNow, number: str) -> None:
        if number == PARK:
            self._codes.forget(call.leg)
            if not self.park(call, self.phone_of(call), is_told=True):
                self._say_why_not(call, Spoken.NO_PLACE)
            return
        there = self.destination(number)
        if isinstance(there, NotAllowed) or there.phone == self.phone_of(call):
            why = there.why if isinstance(there, NotAllowed) else "that number is the agent's own"
            self._say_why_not(call, Spoken.UNKNOWN_NUMBER, why)
            return
        self._codes.forget(call.leg)
        try:
            self.hand_on(call.id, there.to, BY.format(self.phone_of(call)))
        except Refused as refused:
            self._say_why_not(call, Spoken.NOT_NOW, str(refused))

    def _ask(self, call: CallNow, number: str) -> None:
        there = self.destination(number)
        if isinstance(there, NotAllowed) or not (there.phone or there.number):
            why = there.why if isinstance(there, NotAllowed) else "a queue cannot be asked, only handed on to"
            self._say_why_not(call, Spoken.UNKNOWN_NUMBER, why)
        elif there.phone and not self._book.house.reachable.get(there.phone):
            self._say_why_not(call, Spoken.NOT_HERE)
        elif there.phone and self._is_busy(there.phone):
            self._say_why_not(call, Spoken.BUSY)
        else:
            self._codes.forget(call.leg)
            self._ring(call, there)

    def _ring(self, call: CallNow, there: Destination) -> None:
        outside = self._may_call(there.number) if there.number and not there.phone else None
        if isinstance(outside, NotAllowed):
            self._say_why_not(call, Spoken.NOT_ALLOWED, outside.why)
            return
        leg = f"{call.id}-leg00{call.consults + 1}"  # two noughts first: offices have one, agents none
        self._book.write(ev.ConsultRung(call=call.id, agent=call.agent, to=there.to, leg=leg, to_phone=there.phone))
        shown = self._shown(call)
        if outside:
            number_shown = self.configuration.settings.outgoing.shown_for(call.entity, call.service)
            shown = CallerId(number_shown, shown.name)
            self._telephony.ring_outside(leg, outside, call.id, shown, RINGS_OUTSIDE_FOR_S)
        else:
            self._dispatcher.other_call(there.phone, True)
            self._telephony.ring(leg, there.phone, call.id, shown, RINGS_FOR_S)

    def _pressed_while_asking(self, call: CallNow, key: str) -> None:
        consult = call.consult
        if consult and key == TAKE_BACK:
            self._end_consult(call, "the agent took the caller back")
            self._take_back(call, "the agent wanted it so")
        elif consult and key == ALL_TALK and consult.answered and not consult.all_talk:
            self._book.write(ev.ConferenceBegun(call=call.id, agent=call.agent, leg=consult.leg))
            self._telephony.join(call.id, call.id, consult.leg)
            self.apply_recording_pause(call)

    def _take_back(self, call: CallNow, why: str) -> None:
        """Agent and caller have each other again."""
        if self._book.call(call.id) is call and call.state is CallState.TALKING:
            self._codes.forget(call.leg)
            self._book.write(ev.CallTakenBack(call=call.id, agent=call.agent, leg=call.leg, why=why))
            self._telephony.join(call.id, call.id, call.leg)
            self.apply_recording_pause(call)

    def _end_consult(self, call: CallNow, why: str) -> None:
        consult = call.consult
        if consult:
            self._book.write(ev.ConsultEnded(call=call.id, agent=call.agent, leg=consult.leg, why=why))
            self._telephony.hang_up(consult.leg)
            self._dispatcher.other_call(consult.to_phone, False)

    def _say_why_not(self, call: CallNow, said: Spoken, why: str = "") -> None:
        """The agent hears it, and has the caller again; the trail says `why`, or what the agent heard."""
        why = why or WHY_NOT[said]
        self._codes.say(call.leg, self.phone_of(call), said, partial(self._take_back, call, why))

    def _may_call(self, number: str) -> Allowed | NotAllowed:
        decided = may_call(number, self.configuration.settings.outgoing)
        if isinstance(decided, NotAllowed):
            person = self._people.key_for(decided.number, "", self._clock.now_s())
            log.warning("an agent may not call person %s: %s", person, decided.why)
        return decided

    def _is_busy(self, phone: str) -> bool:
        return bool(self._dispatcher.who_has_a_call_at(phone) or self._dispatcher.has_other_call(phone))

    def _shown(self, call: CallNow) -> CallerId:
        """Who asks, and for which caller."""
        agent = self.configuration.roster.agents.get(call.agent)
        return CallerId(agent.number if agent else "", f"{agent.name if agent else call.agent}: {call.queue}")
