"""The floor: which call rings at whose phone, when, and why.

Pure: events go in as method calls with their instant, decisions come out as data, and nothing is asked of the outside.
The caller of this class saves each decision, then acts on it, and calls `due` at `next_deadline()`.

One floor serves all queues. Two events meet here: a call that finds a free agent, and an agent who finds a waiting
call. The call is always the first in the one order of all lines that the agent serves; the agent is the one whom the
call's queue picks, at the first of its open sites that has one; ties are settled by the id, so that the same floor
always gives the same answer.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from acd.agent import AgentOnFloor, AgentProfile
from acd.deadlines import Deadlines
from acd.decisions import (
    Decision,
    EndOffer,
    EndWrapUp,
    ExtendWrapUp,
    Facts,
    LeaveQueue,
    LookAtTalk,
    Offer,
    PauseAgent,
    StartWrapUp,
    Wait,
)
from acd.goto import Back, Goto
from acd.groups import Group
from acd.hall import RING_ALL, Hall, Match
from acd.rules import Pick, QueueRules
from acd.sites import Held, QueueFloor, SiteNow, look_at, next_look_s
from acd.state import NEXT, Cause, Doing
from acd.waiting import LAST, Place, WaitingCall
from acd.waits import Waits
from acd.why import Why

REST_S = 5.0  # after an unanswered ring: long enough for another agent to be found, short enough for a lone one
TALK_LOOK_S = 3600.0  # longer than nearly all talks; from then on it is asked as often whether a talk is one still
RINGS = frozenset({Doing.RESERVED, Doing.RINGING})
MAY_TAKE = frozenset(doing for doing, cause in NEXT if cause is Cause.TOOK)
WHY_PICKED = {
    Pick.LONGEST_IDLE: Why.LONGEST_IDLE,
    Pick.BEST_SKILL: Why.BEST_SKILL,
    Pick.LEAST_BUSY: Why.LEAST_BUSY,
    Pick.ROUND_ROBIN: Why.ROUND_ROBIN,
    Pick.FIXED_ORDER: Why.FIXED_ORDER,
    RING_ALL: Why.RING_ALL,
}


class Answered(NamedTuple):
    """The agent who answered has `call`; `then`: phones that rang for it too stop."""

    call: str
    then: list[Decision]


class Floor:
    """All waiting calls and all agents of one installation."""

    def __init__(self, rules: Mapping[str, QueueRules]) -> None:
        self._hall = Hall(rules)
        self.calls, self.agents = self._hall.calls, self._hall.agents
        self.touched = self._hall.touched
        self.rules = rules
        self._agent_of_leg: dict[str, str] = {}
        self._deadlines = Deadlines()
        self._waits = Waits(self._hall, self._deadlines)
        self._suspended = False
        # what an event has changed, and is to be settled before it is over
        self._freed: list[AgentOnFloor] = []  # have no call any more, or are here now
        self._moved: list[WaitingCall] = []  # stand in the line again, or elsewhere in it
        self._shaken: dict[Group, None] = {}  # other agents may take their calls now
        self._to_look: dict[str, QueueFloor] = {}  # their sites may open or close

    # --- the phone system

    def suspend(self) -> None:
        """Offer nothing: there is no way to ring a phone."""
        self._suspended = True

    def resume(self, now_s: float) -> list[Decision]:
        """Offers are possible again: match whoever waits with whoever is free."""
        self._suspended = False
        self._shake_all()
        return self._settle(now_s)

    def change_rules(self, rules: Mapping[str, QueueRules], now_s: float) -> list[Decision]:
        """Go by other rules from now on; every queue in which a call waits must be among them."""
        for call in self.calls.values():
            call.stage, call.over = rules[call.queue].stage_at(call.since_s, now_s), False
        self._hall.change_rules(rules)
        self.rules = rules
        for call in self.calls.values():
            self._waits.watch(call, over_earliest_s=now_s)
        self._shake_all()
        return self._settle(now_s)

    # --- agents

    def agent_available(self, profile: AgentProfile, now_s: float, *, own_call: bool = False) -> list[Decision]:
        """The agent may be offered calls from now on (was not here, was paused, or the phone was out of reach); where
        they make an `own_call` just now, after it.
        """
        agent = self.agents.get(profile.id)
        if agent is None:
            agent = self.agents[profile.id] = AgentOnFloor(profile, False, now_s, since_s=now_s)
        if not agent.available or agent.profile != profile:
            self._hall.go(agent)
            agent.profile, agent.idle_since_s, agent.unanswered, agent.own_call = profile, now_s, 0, own_call
            if agent.doing is Doing.RESTING:
                self._hall.move(agent, Cause.REST_OVER, now_s)  # who says that they are ready need not rest
            self._hall.come(agent)
        self._freed.append(agent)
        self._shake_all()  # whom else they kept from a language's callers, and what their site lends
        return self._settle(now_s)

    def agent_unavailable(self, agent_id: str, why: Why, now_s: float) -> list[Decision]:
        """The agent is offered nothing more. A phone that rings stops; a talk or a wrap-up goes on."""
        agent = self.agents.get(agent_id)
        if agent is None or not agent.available:
            return []
        self._hall.go(agent)
        ended = self._end_offer(agent, Cause.RELEASED, why, now_s) if agent.doing in RINGS else []
        self._shake_all()  # where nobody else here speaks a language, whoever is free may take its callers
        return [*ended, *self._settle(now_s)]

    def own_call(self, agent_id: str, now_s: float, *, goes_on: bool, idle_since_s: float = 0.0) -> list[Decision]:
        """The agent's phone is in a call that is not the floor's: until that is over they are offered nothing.

        `idle_since_s`: when it is over, since when they count as idle.
        """
        agent = self.agents.get(agent_id)
        if agent is None or agent.own_call is goes_on:
            return []
        self._hall.set_own_call(agent, goes_on=goes_on)
        self.touched.add(agent_id)
        if not goes_on:
            agent.idle_since_s = max(agent.idle_since_s, idle_since_s)
            self._hall.queue_up(agent)
            self._freed.append(agent)
            self._shaken.update(dict.fromkeys(self._hall.lent_by(agent.profile.site)))
        return self._settle(now_s)

    def new_day(self) -> None:
        """Count anew what agents have to do."""
        for agent in self.agents.values():
            agent.busy_s = 0.0
            self._hall.queue_up(agent)

    # --- calls

    def enter(self, call: WaitingCall, now_s: float) -> list[Decision]:
        """A call enters its queue: it is offered, or waits, or is sent on where the queue is full."""
        rules = self.rules[call.queue]
        if rules.full_waiting is not None and rules.full_then and self.waiting_in(call.queue) >= rules.full_waiting:
            then = rules.full_then if call.back_at_s is None else Back()
            return [LeaveQueue(call.id, call.queue, then, Why.QUEUE_FULL)]
        return self.enter_anyway(call, now_s)

    def enter_anyway(self, call: WaitingCall, now_s: float) -> list[Decision]:
        """A call that was in the line before, or that has nowhere else to go, enters also where the queue is full."""
        # why a pause for one that comes back: two queues' longest waits may lead to each other
        comes_back = call.since_s < now_s
        call.stage = self.rules[call.queue].stage_at(call.since_s, now_s)
        self._waits.begin(call, over_earliest_s=now_s + self.rules[call.queue].ring_s if comes_back else now_s)
        self._moved.append(call)
        self._look_later(call.queue)
        return self._settle(now_s)

    def leave(self, call_id: str, now_s: float) -> list[Decision]:
        """The caller gave up. Phones that ring for the call stop ringing."""
        return self._leave(call_id, now_s, gave_up=True)

    def _leave(self, call_id: str, now_s: float, *, gave_up: bool) -> list[Decision]:
        call = self.calls.get(call_id)
        if call is None:
            return []
        self._forget(call)
        self._waits.count(call, now_s, gave_up=gave_up)
        return [*self._release(call.legs, Why.CALLER_LEFT, now_s), *self._settle(now_s)]

    def step_out(self, call_id: str, then: Goto, now_s: float) -> list[Decision]:
        """The caller pressed a key to go elsewhere. Phones that ring for the call stop ringing."""
        call = self.calls.get(call_id)
        left = self._leave(call_id, now_s, gave_up=False)
        return left if call is None else [*left, LeaveQueue(call_id, call.queue, then, Why.CALLER_CHOSE)]

    # --- what became of an offer; a leg that is not ringing any more is late, and nothing is done

    def rang(self, leg: str, now_s: float) -> bool:
        """The phone rings. False: the offer is over, or it rang already."""
        agent = self._ringing(leg)
        if agent is None or agent.doing is not Doing.RESERVED:
            return False
        self._hall.move(agent, Cause.RANG, now_s)
        return True

    def answered(self, leg: str, now_s: float) -> Answered | None:
        """The agent answered: the call leaves the line. None: too late, release the leg."""
        agent = self._ringing(leg)
        if agent is None:
            return None
        call = self.calls[agent.call]
        self._forget(call)
        self._hall.move(agent, Cause.ANSWERED, now_s)
        self._begin_talk(agent, now_s)
        self._waits.count(call, now_s, gave_up=False)
        others = [other for other in call.legs if other != leg]
        return Answered(call.id, [*self._release(others, Why.ANSWERED_ELSEWHERE, now_s), *self._settle(now_s)])

    def take(self, profile: AgentProfile, call: str, queue: str, leg: str, now_s: float) -> list[Decision] | None:
        """The agent talks, as `leg`, in a call that a colleague gave them; ready or not. None: they have another.

        `queue` is whose call it is: by its rules they wrap up.
        """
        agent = self.agents.get(profile.id)
        if agent is None:
            agent = self.agents[profile.id] = AgentOnFloor(profile, False, now_s, since_s=now_s)
        ended = [self._end_wrap_up(agent, Why.TOOK_A_CALL, now_s)] if agent.doing is Doing.WRAPPING_UP else []
        if agent.doing not in MAY_TAKE:
            return None
        agent.call, agent.queue, agent.leg = call, queue, leg
        self._hall.move(agent, Cause.TOOK, now_s)
        self._begin_talk(agent, now_s)
        self._agent_of_leg[leg] = profile.id
        return [*ended, *self._settle(now_s)]

    def not_answered(self, leg: str, why: Why, now_s: float) -> list[Decision]:
        """The phone was rung in vain. The agent rests a little; the call keeps its place and goes to the next."""
        agent = self._ringing(leg)
        return [] if agent is None else [*self._end_offer(agent, Cause.UNANSWERED, why, now_s), *self._settle(now_s)]

    def talk_ended(self, leg: str, now_s: float) -> list[Decision]:
        """The talk on this agent's leg is over: wrap-up begins, or, where the queue has none, the agent is free."""
        agent = self.agent_at(leg)
        if agent is None or agent.doing is not Doing.TALKING:
            return []
        call, wrap_up_s = agent.call, self.rules[agent.queue].wrap_up_s if agent.queue in self.rules else 0.0
        self._agent_of_leg.pop(leg)
        agent.busy_s += now_s - agent.since_s
        self._hall.move(agent, Cause.TALK_ENDED, now_s)
        agent.leg, agent.until_s = "", now_s + wrap_up_s
        if wrap_up_s == 0:
            self._become_free(agent, Cause.WRAP_UP_OVER, now_s)
            return self._settle(now_s)
        self._deadlines.add(agent.until_s, "wrap-up", agent.profile.id)
        return [StartWrapUp(agent.profile.id, call, agent.queue, agent.until_s)]

    def wrap_up_done(self, agent_id: str, why: Why, now_s: float) -> list[Decision]:
        """The agent is ready for the next call before the wrap-up's time is over, or because it is."""
        agent = self.agents.get(agent_id)
        if agent is None or agent.doing is not Doing.WRAPPING_UP:
            return []
        return [self._end_wrap_up(agent, why, now_s), *self._settle(now_s)]

    def _begin_talk(self, agent: AgentOnFloor, now_s: float) -> None:
        agent.talk_since_s, agent.unanswered = now_s, 0
        self._deadlines.add(now_s + TALK_LOOK_S, "talk", agent.leg)

    def _end_wrap_up(self, agent: AgentOnFloor, why: Why, now_s: float) -> EndWrapUp:
        ended = EndWrapUp(agent.profile.id, agent.call, why)
        agent.busy_s += now_s - agent.since_s
        self._become_free(agent, Cause.WRAP_UP_OVER, now_s)
        return ended

    def extend_wrap_up(self, agent_id: str, by_s: float, now_s: float) -> ExtendWrapUp | Why:
        """The wrap-up ends so much later, at most as late as its queue allows; or why it does not."""
        agent = self.agents.get(agent_id)
        if agent is None or agent.doing is not Doing.WRAPPING_UP:
            return Why.NO_WRAP_UP
        rules = self.rules.get(agent.queue)
        until_s = min(agent.until_s + by_s, agent.since_s + rules.longest_wrap_up_s if rules else agent.until_s)
        if until_s <= agent.until_s:
            return Why.WRAP_UP_AT_LONGEST
        agent.until_s = until_s
        self._deadlines.add(until_s, "wrap-up", agent_id)
        self.touched.add(agent_id)
        return ExtendWrapUp(agent_id, agent.call, until_s)

    # --- sites

    def hold_site(self, queue: str, site: str, held: Held, now_s: float) -> list[Decision]:
        """A supervisor or an emergency opens or closes a further site of a queue, or leaves it to its rule again."""
        self._hall.queues[queue].sites[site].held = held
        self._look_later(queue)
        return self._settle(now_s)

    def further_sites_of(self, queue: str) -> list[str]:
        """The sites that open and close for a queue; none where there is no such queue."""
        return [site.rules.name for site in self._hall.queues[queue].further_sites] if queue in self.rules else []

    def sites_of(self, queue: str) -> Mapping[str, SiteNow]:
        """The sites of a queue, in order."""
        return self._hall.queues[queue].sites

    # --- time

    def next_deadline(self) -> float | None:
        """The instant at which `due` has something to look at; None while nothing is pending."""
        return self._deadlines.next()

    def due(self, now_s: float) -> list[Decision]:
        """Whatever is due at `now_s`: rings not answered, rests and wrap-ups over, waits that come to a rule.

        A call whose longest wait is over is still offered where somebody becomes free in this instant.
        """
        decisions: list[Decision] = []
        over: list[str] = []
        while entry := self._deadlines.take_due(now_s):
            at_s, kind, subject, detail = entry
            match kind:
                case "offer":
                    decisions += self._ring_is_over(subject, now_s)
                case "talk":
                    decisions += self._talk_is_long(subject, now_s)
                case "wait":
                    over.append(subject)
                case "relax":
                    if moved := self._waits.relax(subject, now_s):
                        self._moved.append(moved)
                case "overdue":
                    self._look_later(self._waits.note_overdue(subject, detail, now_s))
                case "tell":
                    decisions += self._waits.tell(subject, at_s, now_s)
                case "look":
                    self._look_later(subject)
                case "wrap-up":
                    decisions += self._wrap_up_is_over(subject, at_s, now_s)
                case "rest":
                    self._rest_is_over(subject, at_s, now_s)
        decisions += self._settle(now_s)
        if over:
            decisions += [d for call in over for d in self._wait_is_over(call, now_s)]
            decisions += self._settle(now_s)
        return decisions

    # --- going on after a restart: what was true before, put back without deciding anything

    def put_back_call(self, call: WaitingCall, now_s: float) -> None:
        """A call stands in its place in the line."""
        call.stage = self.rules[call.queue].stage_at(call.since_s, now_s)
        self._waits.begin(call, over_earliest_s=now_s)

    def put_back_offer(self, call_id: str, agent: AgentOnFloor, leg: str, now_s: float) -> None:
        """`agent` was being rung as `leg` for a call that is in the line again. The ring's time starts anew."""
        call = self.calls[call_id]
        self._hall.ring(call, agent.profile.id, leg)
        agent.until_s = now_s + self.rules[call.queue].ring_s
        self._put_back_busy(agent, Doing.RINGING, call_id, call.queue, leg)
        self._deadlines.add(agent.until_s, "offer", leg)

    def put_back_talk(self, agent: AgentOnFloor, call_id: str, queue: str, leg: str) -> None:
        """An agent who talks; `since_s` is when the talk began, as in the others when they began to be so."""
        agent.talk_since_s = agent.since_s
        self._put_back_busy(agent, Doing.TALKING, call_id, queue, leg)
        self._deadlines.add(agent.since_s + TALK_LOOK_S, "talk", leg)

    def put_back_wrap_up(self, agent: AgentOnFloor, call_id: str, queue: str, until_s: float) -> None:
        agent.until_s = until_s
        self._put_back_busy(agent, Doing.WRAPPING_UP, call_id, queue, "")
        self._deadlines.add(until_s, "wrap-up", agent.profile.id)

    def put_back(self, agent: AgentOnFloor) -> None:
        """An agent as they were: free, or not ready."""
        is_here, agent.available = agent.available, False  # until they are counted
        self.agents[agent.profile.id] = agent
        if is_here:
            self._hall.come(agent)

    def _put_back_busy(self, agent: AgentOnFloor, doing: Doing, call: str, queue: str, leg: str) -> None:
        is_here = agent.available
        self._hall.go(agent)  # who is put back as free first must not count so
        agent.doing, agent.call, agent.queue, agent.leg, agent.available = doing, call, queue, leg, is_here
        self.put_back(agent)
        if leg:
            self._agent_of_leg[leg] = agent.profile.id
        if queue in self.rules:
            agent.lent_by = agent.profile.site
            self._hall.queues[queue].busy[agent.lent_by] += 1

    def put_back_handled(self, queue: str, calls: int, handling_s: float, now_s: float) -> None:
        """How many calls of a queue were handled before, and how long each kept its agent busy."""
        if calls and queue in self.rules:
            self._hall.queues[queue].last_hour.handled(handling_s, now_s, calls)

    def put_back_site(self, queue: str, site: str, *, is_open: bool) -> None:
        """A further site was open for a queue, or not. One that the rules no longer name is passed over."""
        there = self._hall.queues[queue].sites.get(site) if queue in self.rules else None
        if there is not None and there.rules.opening is not None:
            there.is_open = is_open

    # --- looks

    def agent_at(self, leg: str) -> AgentOnFloor | None:
        """The agent whose phone rings, or who talks, as `leg`."""
        agent = self._agent_of_leg.get(leg)
        return self.agents.get(agent) if agent else None

    def waiting_in(self, queue: str) -> int:
        """How many calls wait in `queue`, those included for which a phone rings."""
        return len(self._hall.queues[queue].line)

    def line_of(self, queue: str) -> list[str]:
        """The calls of `queue` in their order, those included for which a phone rings."""
        return self._hall.queues[queue].line.ids()

    def expected_wait_s(self, queue: str, language: str, now_s: float) -> float | None:
        """How long a call that enters now is expected to wait; None: nobody can tell."""
        group = self._hall.group(queue, language, 0)
        expected_s = self._waits.expected_s(group, LAST, now_s)
        return 0.0 if expected_s is not None and self._hall.pick(group) else expected_s

    def position(self, call_id: str) -> int | None:
        """The place in the queue's line, 1 for the next; None where the call waits in none."""
        call = self.calls.get(call_id)
        return None if call is None else self._hall.queues[call.queue].line.position(call)

    def able(self, queue: str, language: str) -> frozenset[str]:
        """The agents here who may take such a call; the language only counts while somebody here speaks it."""
        return self._hall.able(self._hall.group(queue, language, 0))

    def taker_of(self, call_id: str) -> AgentOnFloor | None:
        """The free agent who should have this call, were it not offered yet; None: there is none."""
        return self._hall.pick(self._hall.group_of(self.calls[call_id]))

    def able_for(self, call_id: str) -> frozenset[str]:
        """The agents here who may take this call as long as it has waited now."""
        return self._hall.able(self._hall.group_of(self.calls[call_id]))

    def suits(self, profile: AgentProfile, queue: str) -> bool:
        """Whether such an agent could take calls of `queue`, were they free."""
        return self._hall.suits(profile, queue)

    # --- within: waiting

    def _ringing(self, leg: str) -> AgentOnFloor | None:
        agent = self.agent_at(leg)
        return agent if agent and agent.doing in RINGS else None

    # --- within: what an event has changed is settled before it is over

    def _settle(self, now_s: float) -> list[Decision]:
        """Calls and agents are matched in one order, sites open and close and lend, the others are told why they wait.

        Matched first, so that sites are looked at when nobody waits who need not.
        """
        if not (self._moved or self._freed or self._shaken or self._to_look):
            return []
        decisions = self._match(now_s)
        if self._to_look and (changed := self._look_at_sites(now_s)):
            decisions += [*changed, *self._match(now_s)]
        for group in self._shaken:
            decisions += self._reasons(group)
        for call in self._moved:
            if self._is_to_be_offered(call):
                decisions += self._reason(call, self._hall.group_of(call))
        self._freed, self._moved, self._shaken, self._to_look = [], [], {}, {}
        return decisions

    def _shake_all(self) -> None:
        self._shaken = dict.fromkeys(self._hall.groups.values())
        for name in self.rules:
            self._look_later(name)

    def _look_later(self, queue: str) -> None:
        there = self._hall.queues.get(queue)
        if there is not None and there.further_sites:
            self._to_look[queue] = there

    def _match(self, now_s: float) -> list[Decision]:
        """Offer what can be offered, the first of all calls first.

        Meanwhile nobody becomes free and no call comes: a group that has found nobody need not be looked at again.
        """
        if self._suspended:
            return []
        hall, offers = self._hall, list[Decision]()
        groups = [*self._shaken, *(hall.group_of(call) for call in self._moved if self._is_to_be_offered(call))]
        agents = [agent for agent in self._freed if agent.can_take_a_call]
        while groups or agents:
            is_alone = not groups and len(agents) == 1  # who became free: then the call's agent is they
            in_groups = [found for group in groups if (found := hall.match_in(group))]
            for_agents = [found for agent in agents if (found := hall.match_for(agent, is_alone=is_alone))]
            if not in_groups and not for_agents:
                break
            call, agent = min(in_groups + for_agents, key=_place)
            offers += self._offer(call, agent, now_s)
            groups = [hall.group_of(call) for call, _ in in_groups]
            agents = [agent for agent in agents if agent.can_take_a_call]
        for agent in self._freed:
            if agent.can_take_a_call and (waiting := hall.call_to_join(agent)):
                offers.append(self._ring(waiting, agent, now_s))
        return offers

    def _is_to_be_offered(self, call: WaitingCall) -> bool:
        return call.id in self.calls and not call.legs

    def _offer(self, call: WaitingCall, agent: AgentOnFloor, now_s: float) -> list[Decision]:
        """Ring the agent; where the queue rings all, the others too who are free."""
        offers: list[Decision] = [self._ring(call, agent, now_s)]
        while self.rules[call.queue].pick is RING_ALL and (other := self._hall.pick_beside(agent, call)):
            offers.append(self._ring(call, other, now_s))
        return offers

    def _ring(self, call: WaitingCall, agent: AgentOnFloor, now_s: float) -> Offer:
        group, profile = self._hall.group_of(call), agent.profile
        rules = group.rules
        call.offers += 1
        leg, call.why = f"{call.id}-leg{call.offers}", ""
        self._hall.ring(call, profile.id, leg)
        agent.call, agent.queue, agent.leg, agent.until_s = call.id, call.queue, leg, now_s + rules.ring_s
        agent.last_call_s[call.queue] = now_s
        self._hall.move(agent, Cause.OFFERED, now_s)
        self._agent_of_leg[leg] = profile.id
        self._deadlines.add(agent.until_s, "offer", leg)
        queue = self._hall.queues[call.queue]
        facts: Facts = {
            "able": group.able(queue.open_sites),
            "waiting": len(queue.line),
            "site": profile.site,
            "idle_s": round(now_s - agent.idle_since_s, 1),
            "waited_s": round(now_s - call.since_s, 1),
        }
        return Offer(call.id, call.queue, profile.id, profile.phone, leg, rules.ring_s, WHY_PICKED[rules.pick], facts)

    def _end_offer(self, agent: AgentOnFloor, cause: Cause, why: Why, now_s: float) -> list[Decision]:
        """The phone rings no more: unless others ring, the call is back in the line, or its wait is over."""
        call, rules = self.calls[agent.call], self.rules[agent.queue]
        ended = self._stop(agent, cause, why, now_s)
        self._hall.ring_no_more(call, ended.leg)
        self._moved.append(call)
        decisions: list[Decision] = [ended, *(self._wait_is_over(call.id, now_s) if call.over else [])]
        if cause is Cause.UNANSWERED and agent.unanswered >= rules.unanswered_most:
            until_s = now_s + rules.unanswered_pause_s
            decisions.append(PauseAgent(agent.profile.id, ended.call, agent.unanswered, why, until_s))
            self._hall.go(agent)
            self._shake_all()
        return decisions

    def _release(self, legs: Sequence[str], why: Why, now_s: float) -> list[Decision]:
        """These phones ring for a call that is gone from the line: they stop, and it is nobody's fault."""
        return [self._stop(agent, Cause.RELEASED, why, now_s) for leg in legs if (agent := self._ringing(leg))]

    def _stop(self, agent: AgentOnFloor, cause: Cause, why: Why, now_s: float) -> EndOffer:
        """The phone rings no more; the agent rests, or is free."""
        ended = EndOffer(agent.call, agent.profile.id, agent.leg, why)
        self._agent_of_leg.pop(agent.leg)
        if cause is Cause.UNANSWERED:
            agent.unanswered += 1
            agent.idle_since_s, agent.until_s = now_s, now_s + REST_S
            self._deadlines.add(agent.until_s, "rest", agent.profile.id)
        self._let_go(agent, cause, now_s)
        return ended

    def _become_free(self, agent: AgentOnFloor, cause: Cause, now_s: float) -> None:
        if cause is not Cause.REST_OVER:  # after a rest they are idle since the offer that they did not take
            agent.idle_since_s = now_s
        if cause is Cause.WRAP_UP_OVER and agent.queue in self.rules and agent.talk_since_s:
            self._hall.queues[agent.queue].last_hour.handled(now_s - agent.talk_since_s, now_s)
        self._let_go(agent, cause, now_s)

    def _let_go(self, agent: AgentOnFloor, cause: Cause, now_s: float) -> None:
        """The agent has no call any more."""
        self._look_later(agent.queue)  # a shorter wait is expected; their site may not be needed
        sites = {agent.profile.site: None, agent.lent_by: None}  # they may have moved meanwhile
        self._hall.move(agent, cause, now_s)
        agent.call, agent.queue, agent.leg = "", "", ""
        self._hall.queue_up(agent)
        self._freed.append(agent)
        for site in sites:
            self._shaken.update(dict.fromkeys(self._hall.lent_by(site)))  # another one may be lent now

    def _forget(self, call: WaitingCall) -> None:
        """The call waits no more; a further site may have no reason now."""
        self._hall.forget(call)
        self._look_later(call.queue)

    # --- within: what waits for time

    def _ring_is_over(self, leg: str, now_s: float) -> list[Decision]:
        agent = self._ringing(leg)
        if agent is None:
            return []
        why = Why.NEVER_RANG if agent.doing is Doing.RESERVED else Why.NO_ANSWER
        return self._end_offer(agent, Cause.UNANSWERED, why, now_s)

    def _talk_is_long(self, leg: str, now_s: float) -> list[Decision]:
        agent = self.agent_at(leg)
        if agent is None or agent.doing is not Doing.TALKING:
            return []
        self._deadlines.add(now_s + TALK_LOOK_S, "talk", leg)
        return [LookAtTalk(agent.call, agent.profile.id, leg)]

    def _wrap_up_is_over(self, agent_id: str, at_s: float, now_s: float) -> list[Decision]:
        agent = self.agents.get(agent_id)
        if agent is None or agent.until_s != at_s or agent.doing is not Doing.WRAPPING_UP:
            return []
        return [self._end_wrap_up(agent, Why.TIME_OVER, now_s)]

    def _rest_is_over(self, agent_id: str, at_s: float, now_s: float) -> None:
        agent = self.agents.get(agent_id)
        if agent is not None and agent.until_s == at_s and agent.doing is Doing.RESTING:
            self._become_free(agent, Cause.REST_OVER, now_s)

    def _wait_is_over(self, call_id: str, now_s: float) -> list[Decision]:
        leaves = self._waits.over(call_id, now_s)
        if leaves is None:
            return []
        self._forget(self.calls[call_id])
        return [leaves]

    # --- within: sites

    def _look_at_sites(self, now_s: float) -> list[Decision]:
        """Open and close what is to be."""
        decisions: list[Decision] = []
        for queue in self._to_look.values():
            expected_s = self.expected_wait_s(queue.rules.name, "", now_s) if queue.opens_by_wait else None
            changed = look_at(queue, expected_s, now_s)
            next_s = next_look_s(queue)
            if next_s is not None and next_s != queue.planned_look_s:
                self._deadlines.add(next_s, "look", queue.rules.name)
            queue.planned_look_s = next_s
            if changed:
                decisions += changed
                self._shaken.update(dict.fromkeys(self._hall.groups_of(queue)))
        return decisions

    # --- within: why a call waits

    def _reasons(self, group: Group) -> list[Decision]:
        """Tell each call of the group why it waits, where that is another reason than before."""
        why = self._why_waiting(group)
        if not len(group.line) or why == group.why:
            return []
        told = [d for call in group.line for d in self._reason(call, group)]
        group.why = why
        return told

    def _reason(self, call: WaitingCall, group: Group) -> list[Decision]:
        why = self._why_waiting(group)
        if why != group.why:
            group.why = ""  # the others are told at the next look
        if why == call.why:
            return []
        call.why = why
        queue = self._hall.queues[call.queue]
        facts: Facts = {"able": group.able(queue.open_sites), "position": queue.line.position(call)}
        return [Wait(call.id, call.queue, why, facts)]

    def _why_waiting(self, group: Group) -> Why:
        if self._suspended:
            return Why.NOT_CONNECTED
        queue = self._hall.queues[group.rules.name]
        if group.able(queue.open_sites):
            lends = any(pool.first() for pool in group.pools(queue.open_sites))
            return Why.ALL_BORROWED if lends else Why.ALL_BUSY
        return Why.NOBODY_ABLE if self._hall.is_anybody_here else Why.NOBODY_SIGNED_IN


def _place(match: Match) -> Place:
    return match[0].place
