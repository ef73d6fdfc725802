"""Promised call-backs, kept: each stands in its old place in the line; an agent is rung first, then the citizen.

One attempt at a time, and each is a call of its own: its id is that of the call in which it was promised, with `-back1`
behind it, `-back2` and so on; it is also the citizen's leg. Who talked with us is not called back any more.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from acd.rules import CallBackRules
from asterisk.carrier import Allowed
from asterisk.port import CallerId, EndCause, LegNow
from centralino import events as ev
from centralino import signing
from centralino.attendant import Desk
from centralino.call_states import CallState
from centralino.clock import as_utc
from centralino.dispatch import Dispatcher
from centralino.located import shown
from centralino.outgoing import Refused, may_call
from centralino.people import People
from centralino.settings import Configuration
from centralino.state import CallBackNow, CallNow
from ivr.call_back import when_to_call
from ivr.hours import Span

log = logging.getLogger(__name__)

PLACE, RING = "place a call-back", "ring for a call-back"  # alarms: of a promise, of an attempt
ALARMS = (PLACE, RING)
RING_BACKSTOP_S = 5.0  # after the phone system should have told that nobody answers


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom (a key) the people of `queue` are to call back, for the service number and the entity of the case."""

    person: str
    queue: str
    service: str
    entity: str = ""


class CallBacks:
    """`end` belongs to the switchboard."""

    def __init__(self, desk: Desk, dispatcher: Dispatcher, people: People) -> None:
        self._book, self._telephony, self._clock, self._alarms = desk.book, desk.telephony, desk.clock, desk.alarms
        self._dispatcher, self._people = dispatcher, people
        dispatcher.ring_back, dispatcher.not_reached, dispatcher.talks = self.ring_back, self.not_reached, self.talks
        self.configuration: Configuration
        self.release = 0
        self.end: Callable[[str, str], None]

    # --- promises

    def call_ended(self, call: CallNow) -> None:
        """A call has ended: what was promised in it is to be kept; what it was to keep was kept, or is tried again."""
        promise = self._book.house.call_backs.get(call.call_back_of or call.id)
        if promise is None:
            return
        if call.call_back_of and call.talks:
            self._over(promise, "they talked", kept=True)
        elif call.call_back_of:
            self._try_again(promise)
        elif self._is_promised_already(promise):
            self._over(promise, "it was promised already", kept=True)
        else:
            self._alarms.set(PLACE, promise.call, promise.due_s)

    def talks(self, call: CallNow) -> None:
        """A caller talks with an agent: nobody need call them back for this number any more."""
        for promise in list(self._book.house.call_backs.values()):
            if promise.person == call.person and promise.service == call.service and promise.attempt != call.id:
                self._take_back(promise, "they called again, and were answered")

    def drop(self, call_id: str, by: str) -> bool:
        """Somebody takes back what was promised in `call_id`. False: they are being called just now.

        Raises KeyError where nothing is promised there.
        """
        return self._take_back(self._book.house.call_backs[call_id], "it was taken back", by)

    def alarm(self, kind: str, subject: str) -> None:
        """A wait of a call-back is over."""
        if kind == PLACE:
            self._place(subject)
        elif (call := self._book.call(subject)) and call.state is CallState.CALLING_BACK:
            self.not_reached(call, "its end was not told")

    def ask(self, case: str, wanted: Wanted, by: str) -> CallBackNow:
        """Somebody of ours promises a call-back about a case. Raises signing.Refused with a sentence."""
        person, promised = self._people.who(wanted.person), self._book.house.call_backs.values()
        if wanted.queue not in self._dispatcher.floor.rules:
            raise signing.Refused(f"there is no queue {shown(wanted.queue)}")
        if wanted.service not in self.configuration.dialplans:
            raise signing.Refused(f"there is no number {shown(wanted.service)}")
        if not person.number:
            raise signing.Refused("nobody knows a telephone number of theirs")
        name = f"{self._node_of(wanted.queue)}-{case}-"
        if standing := next((one for one in promised if one.call.startswith(name)), None):
            return standing  # whoever asked was not told, and asks again
        if any((one.person, one.queue) == (wanted.person, wanted.queue) for one in promised):
            raise signing.Refused(f"that the people of {wanted.queue} call them back is promised already")
        if isinstance(decided := self._may_call(wanted.person), Refused):
            raise signing.Refused(f"their number is not called: {decided.why}")
        plan = self.configuration.dialplans[wanted.service]
        name += f"{round(self._clock.now_s() * 1000)}-asked"
        told = ev.CallBackAsked(
            call=name,
            case=case,
            node=self._node_of(wanted.queue),
            queue=wanted.queue,
            service=wanted.service,
            person=wanted.person,
            language=plan.languages[0],
            entity=wanted.entity,
            by=by,
        )
        self._book.write(told)
        promise = self._book.house.call_backs[name]
        self._alarms.set(PLACE, name, promise.due_s)
        return promise

    # --- attempts

    def ring_back(self, call: CallNow, leg: str) -> None:
        """An agent is there, as `leg`: ring the citizen; the agent hears music meanwhile."""
        self._book.write(ev.CallBackRung(call=call.id, agent=call.rings[leg], leg=leg))
        self._telephony.hold(leg)
        decided, ring_s = self._may_call(call.person), self._rules(call.queue).ring_s
        if isinstance(decided, Refused):
            self.not_reached(call, decided.why)
            return
        shown = CallerId(self.configuration.settings.outgoing.shown_for(call.entity, call.service), "")
        self._telephony.ring_outside(call.id, decided, call.id, shown, ring_s)
        self._alarms.set(RING, call.id, self._clock.now_s() + ring_s + RING_BACKSTOP_S)

    def answered(self, call: CallNow) -> None:
        """The citizen answered."""
        if call.state is CallState.CALLING_BACK:
            self._alarms.cancel(RING, call.id)
            self._dispatcher.talk(call, call.leg)

    def not_reached(self, call: CallNow, why: str) -> None:
        """The citizen did not answer, or the agent did not wait for it."""
        self.let_go(call, why)
        self.end(call.id, why)

    def let_go(self, call: CallNow, why: str) -> None:
        """The agent who waits for the citizen is let go."""
        leg = call.leg
        self._alarms.cancel(RING, call.id)
        self._book.write(ev.CallBackUnanswered(call=call.id, agent=call.agent, leg=leg, why=why))
        self._telephony.hang_up(leg)
        self._dispatcher.carry_out(self._dispatcher.floor.talk_ended(leg, self._clock.now_s()))

    # --- going on after a restart

    def go_on_from_the_journal(self) -> None:
        for promise in self._book.house.call_backs.values():
            if not promise.attempt:
                self._alarms.set(PLACE, promise.call, promise.due_s)

    def go_on(self, call: CallNow, legs: dict[str, LegNow]) -> None:
        """The phone system tells what is true of an attempt whose agent was there already."""
        citizen = legs.get(call.id)
        if call.leg not in legs or citizen is None:
            self.not_reached(call, EndCause.GONE)
        elif citizen.up:
            self.answered(call)
        else:
            self._alarms.set(RING, call.id, self._clock.now_s() + self._rules(call.queue).ring_s + RING_BACKSTOP_S)

    # --- within

    def _place(self, call_id: str) -> None:
        """Where it may be tried now, the attempt stands in the line."""
        promise = self._book.house.call_backs.get(call_id)
        if promise is None or promise.attempt:
            return
        plan = self.configuration.dialplans.get(promise.service)
        now_s = self._clock.now_s()
        rules = self._rules(promise.queue)
        by_day = Span(rules.begin_minute, rules.end_minute)
        at = when_to_call(plan, by_day, as_utc(now_s)) if plan else None
        if at is None or promise.queue not in self._dispatcher.floor.rules:
            self._over(promise, "its number or queue is not there any more", kept=False)
        elif not self._people.who(promise.person).number:
            self._over(promise, "nobody knows their number any more", kept=False)
        elif isinstance(decided := self._may_call(promise.person), Refused):
            self._over(promise, f"their number is not called: {decided.why}", kept=False)
        elif at.timestamp() > now_s:
            self._put_off(promise, at.timestamp(), "nobody is called outside hours")
        else:
            self._begin(promise)

    def _may_call(self, person: str) -> Allowed | Refused:
        """Who wants to be called back at a number that costs money, or abroad, is not: it may be a fraud."""
        decided = may_call(self._people.who(person).number, self.configuration.settings.outgoing)
        if isinstance(decided, Refused):
            log.warning("no call back to person %s: %s", person, decided.why)
        return decided

    def _begin(self, promise: CallBackNow) -> None:
        attempt = promise.attempts + 1
        begun = ev.CallBackBegun(
            call=f"{promise.call}-back{attempt}",
            of=promise.call,
            attempt=attempt,
            node=promise.node,
            service=promise.service,
            person=promise.person,
            language=promise.language,
            entity=promise.entity,
            release=self.release,
            queue=promise.queue,
            first_entered_s=promise.first_entered_s,
            head_start_s=promise.head_start_s,
        )
        self._book.write(begun)
        self._dispatcher.enter_call_back(self._book.house.calls[begun.call])

    def _try_again(self, promise: CallBackNow) -> None:
        again_after_s = self._rules(promise.queue).again_after_s
        if promise.attempts > len(again_after_s):
            self._over(promise, f"not reached in {promise.attempts} attempts", kept=False)
        else:
            due_s = self._clock.now_s() + again_after_s[promise.attempts - 1]
            self._put_off(promise, due_s, "not reached")

    def _put_off(self, promise: CallBackNow, due_s: float, why: str) -> None:
        self._book.write(ev.CallBackPutOff(call=promise.call, due_s=due_s, why=why))
        self._alarms.set(PLACE, promise.call, due_s)

    def _take_back(self, promise: CallBackNow, why: str, by: str = "") -> bool:
        attempt = self._book.call(promise.attempt)
        if attempt and not (attempt.is_to_be_called and attempt.is_in_line):
            return False
        if attempt:
            self._dispatcher.caller_left(attempt)
            self._book.write(ev.CallEnded(call=attempt.id, outcome=ev.Outcome.NOT_NEEDED, why=why))
        self._over(promise, why, kept=True, by=by)
        return True

    def _over(self, promise: CallBackNow, why: str, *, kept: bool, by: str = "") -> None:
        self._alarms.cancel(PLACE, promise.call)
        self._book.write(ev.CallBackOver(call=promise.call, kept=kept, why=why, by=by))

    def _is_promised_already(self, promise: CallBackNow) -> bool:
        others = (one for one in self._book.house.call_backs.values() if one is not promise)
        return any((one.person, one.queue) == (promise.person, promise.queue) for one in others)

    def _node_of(self, queue: str) -> str:
        """That of the first site of the queue."""
        [site, *_] = self._dispatcher.floor.rules[queue].sites
        return self.configuration.roster.sites[site.name].node

    def _rules(self, queue: str) -> CallBackRules:
        rules = self._dispatcher.floor.rules.get(queue)
        return rules.call_backs if rules else CallBackRules()
