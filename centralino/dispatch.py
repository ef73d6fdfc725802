"""The dispatcher: callers who wait and agents who answer. `acd` decides, this saves and does.

Saved first, then asked for: an offer stands in the journal with the leg's id before the phone system hears of it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from acd.agent import AgentOnFloor, AgentProfile
from acd.decisions import (
    CloseSite,
    Decision,
    EndOffer,
    EndWrapUp,
    LeaveQueue,
    LookAtTalk,
    Offer,
    OpenSite,
    PauseAgent,
    StartWrapUp,
    Tell,
    Wait,
)
from acd.floor import Floor
from acd.goto import Goto
from acd.rules import Caller, QueueRules, Recording
from acd.sites import Held
from acd.state import Doing
from acd.waiting import WaitingCall
from acd.why import Why
from agents.state import Chosen
from asterisk.port import EndCause, LegNow
from centralino import events as ev
from centralino.attendant import NO_OFFICE, AtOffice, Desk
from centralino.call_states import CallState
from centralino.people import People
from centralino.settings import Configuration
from centralino.state import AgentNow, CallNow
from centralino.talk_recordings import TalkRecordings
from centralino.waiting_room import WaitingRoom, way_out
from centralino.whispers import Whispers
from ivr.situation import QueueNow

log = logging.getLogger(__name__)

RING_BACKSTOP_S = 3.0  # the phone system's own limit is a little later than the floor's: it only matters if we die

WHY_OF_CAUSE = {
    EndCause.NO_ANSWER: Why.NO_ANSWER,
    EndCause.BUSY: Why.BUSY,
    EndCause.REJECTED: Why.REJECTED,
    EndCause.UNREACHABLE: Why.UNREACHABLE,
    EndCause.HUNG_UP: Why.REJECTED,
    EndCause.FAILED: Why.FAILED,
    EndCause.GONE: Why.FAILED,
}


WITH_AN_AGENT = (CallState.TALKING, CallState.CALLING_BACK, CallState.WHISPERING)
HAVE_A_CALL = (Doing.RESERVED, Doing.RINGING, Doing.TALKING)


class Dispatcher:
    """`send_on`, `end` and `give_up` belong to the switchboard, `pause` to the signing, `ring_back`, `not_reached` and
    `talks` to the call-backs, `speaks_at` to the phone codes, the last two to the consulting.
    """

    def __init__(self, desk: Desk, people: People, floor: Floor, room: WaitingRoom) -> None:
        self._book, self._telephony, self._clock, self._people = desk.book, desk.telephony, desk.clock, people
        self.floor, self._room = floor, room
        self.recordings = TalkRecordings(desk, room, self._recording_rules)
        self.whispers = Whispers(desk, room.voice, people, floor)
        self.whispers.talk = self.talk
        self._entering: list[str] = []  # queues that sent the call on which is entering the last of them
        self.configuration: Configuration
        self.send_on: Callable[[str, Goto], None]
        self.end: Callable[[str, str], None]
        self.give_up: Callable[[str], None]
        self.pause: Callable[[PauseAgent], None]
        self.ring_back: Callable[[CallNow, str], None]
        self.not_reached: Callable[[CallNow, str], None]
        self.talks: Callable[[CallNow], None]
        self.speaks_at: Callable[[str], bool]
        self.leave_to: Callable[[CallNow], bool]
        self.go_on_consulting: Callable[[CallNow, dict[str, LegNow]], None]

    # --- callers

    def enter(self, call: CallNow, queue: str, at_office: AtOffice = NO_OFFICE) -> None:
        """The caller waits in `queue`, or is sent on where it is full. Whom full queues, or the second level, lead back
        here, waits.
        """
        if queue in self._entering or queue == call.back_to:
            self._wait_in(call, queue, self.floor.enter_anyway, at_office)
            return
        self._entering.append(queue)
        try:
            self._wait_in(call, queue, self.floor.enter, at_office)
        finally:
            self._entering.pop()

    def enter_call_back(self, call: CallNow) -> None:
        """Somebody who is to be called back has a place in the line again: the one of their first entry."""
        self.carry_out(self.floor.enter_anyway(self._as_it_waits(call), self._clock.now_s()))

    def transferred(self, transferred: ev.CallTransferred) -> None:
        """The agent's talk ends; the caller stays with whom they asked."""
        self._book.write(transferred)
        self._telephony.hang_up(transferred.leg)
        self.carry_out(self.floor.talk_ended(transferred.leg, self._clock.now_s()))

    def hand_on(self, handed_on: ev.CallHandedOn) -> None:
        """The agent's talk ends; the caller hears music, and whoever asked for it leads them on."""
        self._book.write(handed_on)
        self._telephony.hold(handed_on.call)
        self._telephony.hang_up(handed_on.leg)
        self.carry_out(self.floor.talk_ended(handed_on.leg, self._clock.now_s()))

    def park(self, parked: ev.CallerParked, *, hangs_up: bool) -> None:
        """The agent's talk ends; the caller hears music."""
        self._book.write(parked)
        self._telephony.hold(parked.call)
        if hangs_up:
            self._telephony.hang_up(parked.leg)
        self.carry_out(self.floor.talk_ended(parked.leg, self._clock.now_s()))

    def take_over(self, taken: ev.CallTakenOver) -> None:
        """The agent's talk ends, and a supervisor talks on with the caller."""
        self._book.write(taken)
        self._telephony.join(taken.call, taken.call, taken.by_leg)
        self._telephony.hang_up(taken.leg)
        self.recordings.begin(self._book.house.calls[taken.call])
        self.carry_out(self.floor.talk_ended(taken.leg, self._clock.now_s()))

    def wait_again(self, call: CallNow, queue: str) -> None:
        """Whoever talked with the caller is lost: they wait for another, in their old place."""
        self._wait_in(call, queue, self.floor.enter_anyway)

    def caller_left(self, call: CallNow) -> None:
        """The caller hung up while waiting or talking."""
        now_s = self._clock.now_s()
        self._room.hush(call.id)
        if call.state is CallState.TALKING:
            self._talk_over(call, "caller")
        elif call.state is CallState.WHISPERING:
            agent = call.agent
            self._whisper_cut_off(call, "caller")
            self.carry_out(self.floor.wrap_up_done(agent, Why.CALLER_LEFT, now_s))  # of a talk that never was
        else:
            self.carry_out(self.floor.leave(call.id, now_s))

    def pressed(self, call: CallNow, key: str) -> None:
        """A caller who waits pressed a key: one that leads elsewhere (no more, once an agent is there), or none."""
        if self.recordings.refuse(call, key) or not call.is_in_line:
            return
        now_s = self._clock.now_s()
        then = way_out(call.queue, self.floor.rules[call.queue].while_waiting, key, now_s - call.waits_since_s)
        if then is not None:
            self._book.write(ev.KeyPressed(call=call.id, step=call.step, key=key, why=Why.CALLER_CHOSE))
            self.carry_out(self.floor.step_out(call.id, then, now_s))

    def playback_ended(self, call_id: str, playback: str, *, whole: bool) -> None:
        self._room.playback_ended(call_id, playback, whole=whole)
        self.whispers.playback_ended(call_id, playback, whole=whole)

    def queue_now(self, queue: str, language: str) -> QueueNow:
        """How `queue` stands for somebody who speaks `language` and would enter it now."""
        waiting, now_s = self.floor.waiting_in(queue), self._clock.now_s()
        profiles = [self.profile(a) for a in self._book.house.agents.values() if a.chosen is not Chosen.SIGNED_OUT]
        signed_in = sum(profile is not None and self.floor.suits(profile, queue) for profile in profiles)
        return QueueNow(waiting, signed_in, self.floor.expected_wait_s(queue, language, now_s))

    # --- agents' legs

    def rang(self, leg: str) -> None:
        self.floor.rang(leg, self._clock.now_s())

    def answered(self, leg: str) -> None:
        agent = self.floor.agent_at(leg)
        if agent is not None and agent.doing is Doing.TALKING:
            return  # told twice: once as it is, once as it came
        answered = self.floor.answered(leg, self._clock.now_s())
        if answered is None:
            self._telephony.hang_up(leg)  # late: the call went elsewhere, or is gone
            return
        call = self._book.house.calls[answered.call]
        if call.is_to_be_called:
            self.ring_back(call, leg)
        elif not self.whispers.begin(call, leg):
            self.talk(call, leg)
        self.carry_out(answered.then)

    def talk(self, call: CallNow, leg: str) -> None:
        """The agent is there, as `leg`, and so is who called, or was called back."""
        waited_s = self._clock.now_s() - call.waits_since_s
        in_time = not call.is_to_be_called and waited_s <= self.floor.rules[call.queue].target_within_s
        agent = self.floor.agent_at(leg)
        who, phone = (agent.profile.id, agent.profile.phone) if agent else (call.agent, "")
        self._room.hush(call.id)
        self._book.write(ev.TalkStarted(call=call.id, agent=who, leg=leg, in_time=in_time, phone=phone))
        self._telephony.join(call.id, call.id, leg)
        self.recordings.begin(call)
        self.talks(call)

    def give(self, call: CallNow, phone: str, leg: str) -> bool:
        """A colleague's caller is with whoever is signed in at `phone`, as `leg`: it is their talk now.

        False: nobody is signed in there, or whoever is has another call.
        """
        queue = call.back_to
        agent = self._book.house.agent_at(phone)
        profile = self.profile(agent) if agent else None
        then = self.floor.take(profile, call.id, queue, leg, self._clock.now_s()) if profile else None
        if profile is None or then is None:
            return False
        dialled = call.leg != leg  # to fetch the caller: their phone is to be answered; else it has answered
        self._book.write(ev.ColleagueTalks(call=call.id, agent=profile.id, leg=leg, queue=queue, phone=phone))
        if dialled:
            self._telephony.answer(leg)
        self._telephony.join(call.id, call.id, leg)
        self.recordings.begin(call)
        self.carry_out(then)
        self.other_call(phone, False)
        return True

    def leg_ended(self, leg: str, cause: EndCause) -> None:
        """An agent's leg ended: an offer in vain, or a talk's end. Anything else is late and over."""
        call = self._call_of(leg)
        if call is None:
            return
        if call.state is CallState.TALKING and leg == call.leg:
            if self.leave_to(call):
                return
            is_lost = cause is EndCause.GONE
            self._talk_over(call, "lost" if is_lost else "agent")
            self.end(call.id, "the agent's line was gone" if is_lost else "the agent hung up")
        elif call.state is CallState.CALLING_BACK and leg == call.leg:
            self.not_reached(call, "the agent hung up")
        elif call.state is CallState.WHISPERING and leg == call.leg:
            self._whisper_cut_off(call, "lost" if cause is EndCause.GONE else "agent")
            self.wait_again(call, call.queue)
        else:
            self.carry_out(self.floor.not_answered(leg, WHY_OF_CAUSE[cause], self._clock.now_s()))

    def join_failed(self, call_id: str) -> None:
        """The talk never came about."""
        call = self._book.call(call_id)
        if call is not None and call.state is CallState.TALKING:
            self.agent_is_lost(call)

    def agent_is_lost(self, call: CallNow) -> None:
        """Agent and caller never came together: the agent is let go. Whom they called back is called again."""
        if call.call_back_of and call.talks == 1:
            self.not_reached(call, "the two could not be joined")
        else:
            self.wait_for_another(call)

    def wait_for_another(self, call: CallNow) -> None:
        """The agent of a talk is let go, the caller waits again in their place, if still there."""
        queue = call.queue
        self._talk_over(call, "lost")
        self.wait_again(call, queue)
        self._telephony.look_at(call.id)

    # --- agents come, go, and are within reach or not

    def refresh(self, agent: AgentNow, why: Why = Why.AGENT_LEFT) -> None:
        """Tell the floor whether the agent may be offered calls."""
        profile = self.profile(agent)
        now_s = self._clock.now_s()
        if profile is not None and self._is_available(agent):
            own_call = self.has_other_call(agent.phone)
            self.carry_out(self.floor.agent_available(profile, now_s, own_call=own_call))
        else:
            self.carry_out(self.floor.agent_unavailable(agent.id, why, now_s))

    def make_unavailable(self, agent_id: str, why: Why) -> None:
        """They are offered nothing, and their phone rings no more, until `refresh`."""
        self.carry_out(self.floor.agent_unavailable(agent_id, why, self._clock.now_s()))

    def forget_what_they_do(self, agent_id: str) -> None:
        """No wrap-up is left, nor a talk that nobody else knows of."""
        now_s, on_floor = self._clock.now_s(), self.floor.agents.get(agent_id)
        if on_floor is not None and on_floor.doing is Doing.TALKING:
            log.error("%s talked in %s, which is over", agent_id, on_floor.call)
            self._telephony.hang_up(on_floor.leg)
            self.carry_out(self.floor.talk_ended(on_floor.leg, now_s))
        self.carry_out(self.floor.wrap_up_done(agent_id, Why.AGENT_RESET, now_s))

    def other_call(self, phone: str, goes_on: bool) -> None:
        """`phone` has a call that no queue brought; until that is over, no queue's call comes. Or has it no more, also
        for whoever has signed out there meanwhile.
        """
        if not goes_on and self.has_other_call(phone):
            return
        agent, on_floor = self._book.house.agent_at(phone), self.floor.agents.values()
        here = {agent.id} if agent else set()
        if not goes_on:
            here |= {one.profile.id for one in on_floor if one.own_call and one.profile.phone == phone}
        now_s = self._clock.now_s()
        for name in sorted(here):
            idle_since_s = self._book.house.agent(name).idle_since_s
            self.carry_out(self.floor.own_call(name, now_s, goes_on=goes_on, idle_since_s=idle_since_s))

    def has_other_call(self, phone: str) -> bool:
        """Whether a call that no queue brought is there, or something is being said to whoever dialled a code."""
        return self._book.house.has_other_call(phone) or self.speaks_at(phone)

    def wrap_up_done(self, agent_id: str) -> bool:
        """The agent is done with the wrap-up. False: there was none."""
        decisions = self.floor.wrap_up_done(agent_id, Why.AGENT_DONE, self._clock.now_s())
        self.carry_out(decisions)
        return bool(decisions)

    def extend_wrap_up(self, agent_id: str, by_s: float, by: str) -> Why | None:
        """The agent takes so much longer. Why not; None: they do."""
        extended = self.floor.extend_wrap_up(agent_id, by_s, self._clock.now_s())
        if isinstance(extended, Why):
            return extended
        until_s = extended.until_s
        self._book.write(ev.WrapUpExtended(agent=agent_id, call=extended.call, until_s=until_s, by=by))
        return None

    def adopt_rules(self, rules: Mapping[str, QueueRules]) -> None:
        """The floor goes by `rules`, and by what the roster says of the agents now."""
        self.carry_out(self.floor.change_rules(rules, self._clock.now_s()))
        for agent in list(self._book.house.agents.values()):
            self.refresh(agent)

    def hold_site(self, queue: str, site: str, held: Held) -> None:
        """Take a further site of a queue out of its rule, or leave it to it again."""
        self.carry_out(self.floor.hold_site(queue, site, held, self._clock.now_s()))

    def who_has_a_call_at(self, phone: str) -> str:
        """The agent whose call rings or talks at `phone`; empty: nobody's."""
        at_phone = (a for a in self.floor.agents.values() if a.profile.phone == phone)
        return next((a.profile.id for a in at_phone if a.doing in HAVE_A_CALL), "")

    def profile(self, agent: AgentNow) -> AgentProfile | None:
        """What the floor needs to know of an agent; None for one who is no longer in the roster."""
        listed = self.configuration.roster.agents.get(agent.id)
        if listed is None:
            return None
        languages = frozenset(listed.languages)
        return AgentProfile(listed.id, agent.phone, listed.site, listed.skills, languages, listed.rank)

    # --- time, and the line to the phone system

    def due(self) -> None:
        self.carry_out(self.floor.due(self._clock.now_s()))

    def suspend(self) -> None:
        self.floor.suspend()

    def resume(self) -> None:
        self.carry_out(self.floor.resume(self._clock.now_s()))

    # --- going on after a restart

    def put_back_floor(self) -> None:
        """The floor learns which sites are open, and who is here, from the house; calls are put back after them."""
        for name, site in self._book.house.sites.items():
            queue, _, of = name.partition("/")
            self.floor.put_back_site(queue, of, is_open=site.is_open)
        now_s, rules = self._clock.now_s(), self.floor.rules
        for queue, count in self._book.house.today.items():
            if count.talked and queue in rules:
                handling_s = count.talk_sum_s / count.talked + rules[queue].wrap_up_s
                self.floor.put_back_handled(queue, count.talked, handling_s, now_s)
        for agent in self._book.house.agents.values():
            profile = self.profile(agent)
            if profile is None:
                continue
            on_floor = AgentOnFloor(
                profile, self._is_available(agent), agent.idle_since_s, since_s=agent.since_s, busy_s=agent.busy_s
            )
            on_floor.own_call = self._book.house.has_other_call(agent.phone)
            if agent.wrap_up_call:
                on_floor.since_s = agent.wrap_up_since_s
                queue = agent.wrap_up_queue
                self.floor.put_back_wrap_up(on_floor, agent.wrap_up_call, queue, agent.wrap_up_until_s)
            else:
                self.floor.put_back(on_floor)

    def put_back_call(self, call: CallNow) -> None:
        """What no longer rings is on record first; its leg is swept."""
        now_s, knows_queue = self._clock.now_s(), call.queue in self.floor.rules
        for leg, who in list(call.rings.items()):
            if call.state is not CallState.OFFERED:  # we died before the others were told to stop
                self._write_stop(call, who, leg, Why.ANSWERED_ELSEWHERE)
            elif not knows_queue or who not in self.floor.agents:  # one left the YAML
                self._write_stop(call, who, leg, Why.AGENT_LEFT)
        for who in (*call.rings.values(), call.agent):
            if on_floor := self.floor.agents.get(who):  # their phone may be another by now, or none
                phone = self._book.house.agent(who).call_phone or on_floor.profile.phone
                on_floor.profile = replace(on_floor.profile, phone=phone)
        agent = self.floor.agents.get(call.agent)
        if call.state in WITH_AN_AGENT and agent is not None:
            agent.since_s = call.busy_since_s
            self.floor.put_back_talk(agent, call.id, call.queue, call.leg)
        elif call.is_in_line:
            if not knows_queue and call.is_to_be_called:
                self._book.write(ev.CallEnded(call=call.id, outcome=ev.Outcome.NOT_REACHED, why=Why.QUEUE_GONE))
                return
            if not knows_queue:  # the menu will know what became of it
                self._book.write(ev.QueueLeft(call=call.id, queue=call.queue, why=Why.QUEUE_GONE))
                return
            waiting = self._as_it_waits(call)
            self.floor.put_back_call(waiting, now_s)
            for leg, who in call.rings.items():
                self.floor.put_back_offer(call.id, self.floor.agents[who], leg, now_s)

    def go_on(self, call: CallNow, legs: dict[str, LegNow]) -> None:
        """The call is still there after a time in which we were not: hold what it was, with what is true now."""
        if call.state is CallState.TALKING:
            leg = legs.get(call.leg)
            if leg is None:
                self.leg_ended(call.leg, EndCause.GONE)
            elif call.set_aside or call.consult:
                self.go_on_consulting(call, legs)
            elif leg.talks_in != call.id:
                if not leg.up:
                    self._telephony.answer(call.leg)  # who dialled to fetch the caller, just before we were away
                self._telephony.join(call.id, call.id, call.leg)
            return
        if call.state is CallState.WHISPERING:
            if call.leg in legs:
                self.whispers.cut_short(call)
            else:
                self.leg_ended(call.leg, EndCause.GONE)
            return
        if not call.is_to_be_called:
            self._room.hush(call.id)
            if not legs[call.id].holding:
                self._telephony.hold(call.id)
            self.recordings.announce(call)
        for ringing in list(call.rings):  # first: the others then stop for that reason
            if ringing in legs and legs[ringing].up:
                self.answered(ringing)
        for ringing in list(call.rings):
            if ringing not in legs:
                self.leg_ended(ringing, EndCause.GONE)

    # --- within

    def _wait_in(
        self,
        call: CallNow,
        queue: str,
        enter: Callable[[WaitingCall, float], list[Decision]],
        at_office: AtOffice = NO_OFFICE,
    ) -> None:
        """A call that comes back keeps the place of its first entry."""
        now_s = self._clock.now_s()
        first_s = call.first_entered_s or now_s
        who = "" if call.withheld else self._people.who(call.person).number
        calls_today = 0 if call.withheld else self._book.house.callers_today.get(call.person, 0)
        caller = Caller(call.service, call.entity, call.step, who, calls_today, call.open_case)
        head_start_s = self.floor.rules[queue].head_start_s(caller)
        if queue == call.queue:  # it comes back to its old place
            head_start_s = max(head_start_s, call.head_start_s)
            if call.back_at_s and not at_office.back_at_s:
                at_office = AtOffice(call.office, call.back_at_s, call.back_to_step)
        elif queue == call.back_to:
            head_start_s = max(head_start_s, call.back_head_start_s)
        self._book.write(
            ev.QueueEntered(
                call=call.id,
                queue=queue,
                first_entered_s=first_s,
                head_start_s=head_start_s,
                office=at_office.office,
                back_at_s=at_office.back_at_s,
                step=at_office.step,
            )
        )
        waiting = self._as_it_waits(call)
        self.carry_out(enter(waiting, now_s))
        if call.is_in_line and not self._room.speaks_to(call.id):  # it does where a full queue has sent it on
            self._telephony.hold(call.id)
            self.recordings.announce(call)

    def _as_it_waits(self, call: CallNow) -> WaitingCall:
        """The call for the floor, with what its caller has been told."""
        waiting = WaitingCall(
            call.id,
            call.queue,
            call.language,
            call.first_entered_s,
            call.offers,
            head_start_s=call.head_start_s,
            since_s=call.waits_since_s,
            back_at_s=call.back_at_s or None,
        )
        waiting.is_call_back = call.is_to_be_called
        waiting.told_position, waiting.told_until_s = call.told_position or None, call.told_until_s or None
        return waiting

    def carry_out(self, decisions: Sequence[Decision]) -> None:
        """Save each decision, then do it, in order. One call's trouble ends that call, loudly, and no other."""
        for decision in decisions:
            try:
                self._carry_out(decision)
            except Exception:
                log.exception("%s could not be carried out", decision)
                if not isinstance(decision, OpenSite | CloseSite):
                    self.give_up(decision.call)

    def _carry_out(self, decision: Decision) -> None:
        """What is only said of a call that waits is passed over where a decision before it led the call elsewhere."""
        write = self._book.write
        if isinstance(decision, Wait | Tell) and not self._is_queued(decision.call):
            return
        match decision:
            case Offer():
                self._offer(decision)
            case EndOffer(call=call, agent=agent, leg=leg, why=why):
                self._write_stop(self._book.house.calls[call], agent, leg, why)
                stop = self._telephony.call_off if why is Why.ANSWERED_ELSEWHERE else self._telephony.hang_up
                stop(leg)
            case Wait(call=call, queue=queue, why=why, facts=facts):
                write(ev.CallWaits(call=call, queue=queue, why=why, facts=facts))
            case Tell():
                self._tell(decision)
            case LeaveQueue(call=call, queue=queue, then=then, why=why):
                self._room.hush(call)
                write(ev.QueueLeft(call=call, queue=queue, why=why))
                self.send_on(call, then)
            case PauseAgent():
                self.pause(decision)
            case LookAtTalk():
                self._look_at_talk(decision)
            case StartWrapUp(agent=agent, call=call, queue=queue, until_s=until_s):
                write(ev.WrapUpStarted(agent=agent, call=call, queue=queue, until_s=until_s))
            case EndWrapUp(agent=agent, call=call, why=why):
                write(ev.WrapUpEnded(agent=agent, call=call, why=why))
            case OpenSite(queue=queue, site=site, why=why, facts=facts):
                write(ev.SiteOpened(queue=queue, site=site, why=why, facts=facts))
            case CloseSite(queue=queue, site=site, why=why):
                write(ev.SiteClosed(queue=queue, site=site, why=why))

    def _write_stop(self, call: CallNow, agent: str, leg: str, why: Why) -> None:
        """A phone rings no more: the offer is over with the last of them."""
        is_last = call.state is CallState.OFFERED and call.rings.keys() <= {leg}
        kind = ev.OfferEnded if is_last else ev.RingEnded
        self._book.write(kind(call=call.id, agent=agent, leg=leg, why=why))

    def _recording_rules(self, queue: str) -> Recording | None:
        rules = self.floor.rules.get(queue)
        return rules.recording if rules else None

    def _is_queued(self, call_id: str) -> bool:
        call = self._book.call(call_id)
        return call is not None and call.state is CallState.QUEUED

    def _tell(self, tell: Tell) -> None:
        """Nothing is put on record where there is nothing to say."""
        call, rules = self._book.house.calls[tell.call], self.floor.rules[tell.queue].while_waiting
        words = self._room.words(call.language, tell, rules, self._clock.now_s() - call.waits_since_s)
        if not words:
            return
        from_s, to_s = tell.wait_s or (0.0, 0.0)
        told = ev.CallerTold(
            call=call.id, queue=tell.queue, position=tell.position or 0, from_s=round(from_s), to_s=round(to_s)
        )
        self._book.write(told)
        self._room.say(call, words)

    def _offer(self, offer: Offer) -> None:
        self._book.write(
            ev.CallOffered(
                call=offer.call,
                queue=offer.queue,
                agent=offer.agent,
                phone=offer.phone,
                leg=offer.leg,
                why=offer.why,
                facts=offer.facts,
            )
        )
        call = self._book.house.calls[offer.call]
        self.whispers.prepare(call, offer.agent)
        shown = self.whispers.shown(call)
        self._telephony.ring(offer.leg, offer.phone, offer.call, shown, offer.ring_s + RING_BACKSTOP_S)

    def _whisper_cut_off(self, call: CallNow, by: str) -> None:
        leg = call.leg
        self.whispers.forget(call)
        self._book.write(ev.WhisperCutOff(call=call.id, agent=call.agent, leg=leg, by=by))
        self._telephony.hang_up(leg)
        self.carry_out(self.floor.talk_ended(leg, self._clock.now_s()))

    def _talk_over(self, call: CallNow, by: str) -> None:
        leg, agent = call.leg, call.agent
        self._book.write(ev.TalkEnded(call=call.id, agent=agent, leg=leg, by=by))
        self._telephony.hang_up(leg)  # first: without a wrap-up, the next call rings at the same phone
        self.carry_out(self.floor.talk_ended(leg, self._clock.now_s()))

    def _look_at_talk(self, look: LookAtTalk) -> None:
        """What is gone is told as the end of any leg. A talk that nobody else knows of is a fault of ours, and over."""
        call = self._call_of(look.leg)
        if call is not None and call.state in WITH_AN_AGENT:
            self._telephony.look_at(call.id)
            self._telephony.look_at(look.leg)
            return
        log.error("%s talked in %s, which is over", look.agent, look.call)
        self._telephony.hang_up(look.leg)
        self.carry_out(self.floor.talk_ended(look.leg, self._clock.now_s()))

    def _call_of(self, leg: str) -> CallNow | None:
        """The call that rings or talks as `leg`; its agent may have left the roster."""
        call = self._book.house.call_with(leg)
        return call if call and (call.leg == leg or leg in call.rings) else None

    def _is_available(self, agent: AgentNow) -> bool:
        knows_phone = agent.phone in self.configuration.roster.phones  # else nobody tells us that it goes away
        return agent.chosen is Chosen.READY and knows_phone and self._book.house.reachable.get(agent.phone, False)
