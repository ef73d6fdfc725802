"""The floor: which call rings at whose phone, when, and why.

Pure: events go in as method calls with their instant, decisions come out as data, and nothing is asked of the outside.
The caller of this class saves each decision, then acts on it, and calls `due` at `next_deadline()`.

One floor serves all queues. Two events meet here: a call that finds a free agent, and an agent who finds a waiting
call. The call is always the first in the one order of all lines that the agent serves; the agent is the one whom the
call's queue picks, at the first of its open sites that has one; ties are settled by the id, so that the same floor
always gives the same answer.
"""

from collections.abc import Iterable, Mapping, Sequence
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
from acd.expected import expected_wait_s, pace
from acd.goto import Back, Goto
from acd.groups import Group
from acd.hall import RING_ALL, Hall
from acd.rules import Pick, QueueRules
from acd.sites import Held, QueueFloor, SiteNow, look_at, next_look_s
from acd.state import Cause, Doing
from acd.telling import FIRST_TOLD_S, tell
from acd.waiting import LAST, Place, WaitingCall
from acd.why import Why

REST_S = 5.0  # after an unanswered ring: long enough for another agent to be found, short enough for a lone one
TALK_LOOK_S = 3600.0  # longer than nearly all talks; from then on it is asked as often whether a talk is one still
RINGS = frozenset({Doing.RESERVED, Doing.RINGING})
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
        self._suspended = False

    # --- the phone system

    def suspend(self) -> None:
        """Offer nothing: there is no way to ring a phone."""
        self._suspended = True

    def resume(self, now_s: float) -> list[Decision]:
        """Offers are possible again: match whoever waits with whoever is free."""
        # sites open and close while nothing is offered yet: then all lines are matched in one order
        sites = [d for queue in self._hall.queues.values() for d in self._look_at_sites(queue, now_s)]
        self._suspended = False
        return [*sites, *self._match(self._hall.groups.values(), now_s)]

    def change_rules(self, rules: Mapping[str, QueueRules], now_s: float) -> list[Decision]:
        """Go by other rules from now on; every queue in which a call waits must be among them."""
        for call in self.calls.values():
            call.stage, call.over = rules[call.queue].stage_at(call.since_s, now_s), False
        self._hall.change_rules(rules)
        self.rules = rules
        for call in self.calls.values():
            self._watch_the_wait(call, over_earliest_s=now_s)
        looks = [d for queue in self._hall.queues.values() for d in self._look_at_sites(queue, now_s)]
        return [*looks, *self._match(self._hall.groups.values(), now_s)]

    # --- agents

    def agent_available(self, profile: AgentProfile, now_s: float) -> list[Decision]:
        """The agent may be offered calls from now on (was not here, was paused, or the phone was out of reach)."""
        agent = self.agents.get(profile.id)
        if agent is None:
            agent = self.agents[profile.id] = AgentOnFloor(profile, False, now_s, since_s=now_s)
        before: list[Group] = []
        if not agent.available or agent.profile != profile:
            before = self._hall.go(agent)
            agent.profile, agent.idle_since_s, agent.unanswered = profile, now_s, 0
            if agent.doing is Doing.RESTING:
                self._hall.move(agent, Cause.REST_OVER, now_s)  # who says that they are ready need not rest
            self._hall.come(agent)
        # who spoke a language until now may have kept others from its callers; and their site may lend one more
        others = self._match(self._hall.groups.values(), now_s) if before else []
        mine = [*self._match_agent(agent, now_s), *self._match_lent(profile.site, now_s)]
        return [*others, *mine, *self._look_at_all(self._hall.groups.values(), now_s)]

    def agent_unavailable(self, agent_id: str, why: Why, now_s: float) -> list[Decision]:
        """The agent is offered nothing more. A phone that rings stops; a talk or a wrap-up goes on."""
        agent = self.agents.get(agent_id)
        if agent is None or not agent.available:
            return []
        groups = self._hall.go(agent)
        rings = agent.doing in RINGS
        call = self.calls.get(agent.call) if rings else None
        ended = self._ring_ends_with(agent, why, now_s) if rings else []
        # where nobody else here speaks a language, its callers may be taken by whoever is free; all in their order
        matched = self._match_moved([call] if call else [], groups, now_s)
        lent = self._match_lent(agent.profile.site, now_s)
        return [*ended, *matched, *lent, *self._look_at_all(self._hall.groups.values(), now_s)]

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
        self._begin_to_wait(call, over_earliest_s=now_s + self.rules[call.queue].ring_s if comes_back else now_s)
        return [*self._match_call(call, now_s), *self._look_at_sites(self._hall.queues[call.queue], now_s)]

    def leave(self, call_id: str, now_s: float) -> list[Decision]:
        """The caller gave up. Phones that ring for the call stop ringing."""
        return self._leave(call_id, now_s, gave_up=True)

    def _leave(self, call_id: str, now_s: float, *, gave_up: bool) -> list[Decision]:
        call = self.calls.get(call_id)
        if call is None:
            return []
        self._hall.forget(call)
        ended = self._release(call.legs, Why.CALLER_LEFT, now_s)
        queue = self._hall.queues[call.queue]
        self._note_wait(call, now_s, gave_up=gave_up)
        return [*ended, *self._look_at_sites(queue, now_s)]

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
        self._hall.forget(call)
        self._hall.move(agent, Cause.ANSWERED, now_s)
        agent.talk_since_s, agent.unanswered = now_s, 0
        self._deadlines.add(now_s + TALK_LOOK_S, "talk", leg)
        self._note_wait(call, now_s, gave_up=False)
        if self._hall.queues[call.queue].further_sites:
            self._deadlines.add(now_s, "look", call.queue)  # one waits less: a further site may have no reason now
        others = [other for other in call.legs if other != leg]
        return Answered(call.id, self._release(others, Why.ANSWERED_ELSEWHERE, now_s))

    def not_answered(self, leg: str, why: Why, now_s: float) -> list[Decision]:
        """The phone was rung in vain. The agent rests a little; the call keeps its place and goes to the next."""
        agent = self._ringing(leg)
        return [] if agent is None else self._end_offer(agent, Cause.UNANSWERED, why, now_s)

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
            return self._become_free(agent, Cause.WRAP_UP_OVER, now_s)
        self._deadlines.add(agent.until_s, "wrap-up", agent.profile.id)
        return [StartWrapUp(agent.profile.id, call, agent.queue, agent.until_s)]

    def wrap_up_done(self, agent_id: str, why: Why, now_s: float) -> list[Decision]:
        """The agent is ready for the next call before the wrap-up's time is over, or because it is."""
        agent = self.agents.get(agent_id)
        if agent is None or agent.doing is not Doing.WRAPPING_UP:
            return []
        ended = EndWrapUp(agent_id, agent.call, why)
        agent.busy_s += now_s - agent.since_s
        return [ended, *self._become_free(agent, Cause.WRAP_UP_OVER, now_s)]

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
        there = self._hall.queues[queue]
        there.sites[site].held = held
        return self._look_at_sites(there, now_s)

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

        What is due at one instant comes in the order of the alphabet: calls are back in the line, and their needs
        relaxed, before an agent becomes free for the first of them.
        """
        decisions: list[Decision] = []
        relaxed: list[WaitingCall] = []
        while entry := self._deadlines.take_due(now_s):
            at_s, kind, subject, detail = entry
            match kind:
                case "offer":
                    decisions += self._ring_is_over(subject, now_s)
                case "talk":
                    decisions += self._talk_is_long(subject, now_s)
                case "wait":
                    decisions += self._wait_is_over(subject, now_s)
                case "relax":
                    relaxed += self._relax(subject, now_s)
                case "overdue":
                    decisions += self._has_waited(subject, detail, now_s)
                case "tell":
                    decisions += self._tell(subject, at_s, now_s)
                case "look":
                    decisions += self._look_at_sites(self._hall.queues[subject], now_s) if subject in self.rules else []
                case _:
                    decisions += self._pause_is_over(subject, kind, at_s, now_s)
        return [*decisions, *self._match_moved(relaxed, [], now_s)] if relaxed else decisions

    # --- going on after a restart: what was true before, put back without deciding anything

    def put_back_call(self, call: WaitingCall, now_s: float) -> None:
        """A call stands in its place in the line."""
        call.stage = self.rules[call.queue].stage_at(call.since_s, now_s)
        self._begin_to_wait(call, over_earliest_s=now_s)

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

    def expected_wait_s(self, queue: str, language: str, now_s: float, call: WaitingCall | None = None) -> float | None:
        """How long `call` (None: one that enters now) is expected to wait; None: nobody can tell.

        Calls of other queues count as well, in so far as the same agents take them.
        """
        hall = self._hall
        group = hall.group_of(call) if call else hall.group(queue, language, 0)
        shares, by_queue = hall.shares(group), dict[str, float]()
        for other, share in shares.items():
            by_queue[other.rules.name] = max(share, by_queue.get(other.rules.name, 0.0))
        lately = pace(hall.queues[name].last_hour.sums(now_s) * share for name, share in by_queue.items())
        if lately is None:
            return None
        if call is None and hall.pick(group):
            return 0.0
        place = call.place if call else LAST
        ahead = sum(share * other.line.ahead_of(place) for other, share in shares.items())
        return expected_wait_s(ahead, group.able(hall.queues[queue].open_sites), lately)

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

    def _begin_to_wait(self, call: WaitingCall, over_earliest_s: float) -> None:
        self.calls[call.id] = call
        self._hall.stand_in_line(call)
        self._watch_the_wait(call, over_earliest_s)

    def _watch_the_wait(self, call: WaitingCall, over_earliest_s: float) -> None:
        """Note when the wait will come to a rule."""
        rules, since_s = self.rules[call.queue], call.since_s
        if not call.is_call_back:
            if over := self._over(call):
                earliest_s = over_earliest_s if call.back_at_s is None else 0.0
                self._deadlines.add(max(over[0], earliest_s), "wait", call.id)
            self._plan_to_tell(call, over_earliest_s + FIRST_TOLD_S)
        for step in rules.relax[call.stage :]:
            self._deadlines.add(since_s + step.after_s, "relax", call.id)
        for site in rules.sites:
            if site.opening and site.opening.after_s is not None:
                self._deadlines.add(since_s + site.opening.after_s, "overdue", call.id, site.name)

    def _note_wait(self, call: WaitingCall, now_s: float, *, gave_up: bool) -> None:
        """A call-back says nothing of how long callers have the patience to wait."""
        if not call.is_call_back:
            self._hall.queues[call.queue].last_hour.waited(now_s - call.since_s, now_s, gave_up=gave_up)

    def _ringing(self, leg: str) -> AgentOnFloor | None:
        agent = self.agent_at(leg)
        return agent if agent and agent.doing in RINGS else None

    # --- within: matching

    def _match_call(self, call: WaitingCall, now_s: float) -> list[Decision]:
        group = self._hall.group_of(call)
        agent = None if self._suspended else self._hall.pick(group)
        return self._reason(call, group) if agent is None else self._offer(call, agent, now_s)

    def _match_agent(self, agent: AgentOnFloor, now_s: float) -> list[Decision]:
        """Offers, until the agent has one, or none of the calls that wait may be offered to them."""
        decisions: list[Decision] = []
        while not self._suspended and agent.can_take_a_call and (found := self._hall.first_call_for(agent)):
            decisions += self._offer(*found, now_s)
        if not self._suspended and agent.can_take_a_call and (call := self._hall.call_to_join(agent)):
            decisions.append(self._ring(call, agent, now_s))
        return decisions

    def _match(self, groups: Iterable[Group], now_s: float) -> list[Decision]:
        """Offer what can be offered of these groups' calls, in order; tell the others why they wait."""
        decisions: list[Decision] = []
        groups = [group for group in groups if len(group.line)]
        left = {} if self._suspended else dict(enumerate(groups))
        while left:
            call, nth = min(((first, nth) for nth, group in left.items() if (first := group.line.first())), key=_place)
            agent = self._hall.pick(left[nth])
            if agent is not None:
                decisions += self._offer(call, agent, now_s)
            if agent is None or not len(left[nth].line):
                del left[nth]
        return [*decisions, *(d for group in groups for d in self._reasons(group))]

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
        """The phone rings no more. The call goes to the next agent, unless others ring; the agent rests, or takes the
        next call.
        """
        call, rules = self.calls.get(agent.call), self.rules[agent.queue]
        ended = self._stop(agent, cause, why, now_s)
        decisions: list[Decision] = [ended]
        if call is not None:
            self._hall.ring_no_more(call, ended.leg)
        if call is not None and not call.legs:
            decisions += self._wait_is_over(call.id, now_s) if call.over else self._match_call(call, now_s)
        if cause is Cause.UNANSWERED and agent.unanswered >= rules.unanswered_most:
            until_s = now_s + rules.unanswered_pause_s
            decisions.append(PauseAgent(agent.profile.id, ended.call, agent.unanswered, why, until_s))
            decisions += self._take_away(agent, now_s)
        return [*decisions, *self._match_freed([agent], now_s)]

    def _ring_ends_with(self, agent: AgentOnFloor, why: Why, now_s: float) -> list[Decision]:
        """The agent is not here any more, and their phone rings no more; nothing is matched yet."""
        call = self.calls.get(agent.call)
        ended = self._stop(agent, Cause.RELEASED, why, now_s)
        if call is not None:
            self._hall.ring_no_more(call, ended.leg)
        return [ended, *(self._wait_is_over(call.id, now_s) if call and call.over else [])]

    def _release(self, legs: Sequence[str], why: Why, now_s: float) -> list[Decision]:
        """These phones ring for a call that is gone from the line: they stop, and it is nobody's fault."""
        agents = [agent for leg in legs if (agent := self._ringing(leg))]
        ended = [self._stop(agent, Cause.RELEASED, why, now_s) for agent in agents]
        return [*ended, *self._match_freed(agents, now_s)]

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

    def _match_freed(self, agents: Sequence[AgentOnFloor], now_s: float) -> list[Decision]:
        """These have no call any more. Of several, each call takes whom its queue picks."""
        decisions = self._match(self._hall.groups.values(), now_s) if len(agents) > 1 else []
        for agent in agents:
            decisions += self._match_agent(agent, now_s)
        for site in {agent.profile.site: None for agent in agents}:
            decisions += self._match_lent(site, now_s)
        return decisions

    def _take_away(self, agent: AgentOnFloor, now_s: float) -> list[Decision]:
        """The agent is not available any more."""
        groups = self._hall.go(agent)
        # where nobody else here speaks a language, its callers may be taken by whoever is free
        return [*self._match(groups, now_s), *self._look_at_all(self._hall.groups.values(), now_s)]

    def _become_free(self, agent: AgentOnFloor, cause: Cause, now_s: float) -> list[Decision]:
        if cause is not Cause.REST_OVER:  # after a rest they are idle since the offer that they did not take
            agent.idle_since_s = now_s
        if cause is Cause.WRAP_UP_OVER and agent.queue in self.rules and agent.talk_since_s:
            self._hall.queues[agent.queue].last_hour.handled(now_s - agent.talk_since_s, now_s)
        self._let_go(agent, cause, now_s)
        return self._match_freed([agent], now_s)

    def _let_go(self, agent: AgentOnFloor, cause: Cause, now_s: float) -> None:
        """The agent has no call any more."""
        if agent.queue in self.rules and self._hall.queues[agent.queue].further_sites:
            self._deadlines.add(now_s, "look", agent.queue)  # a shorter wait is expected; their site may not be needed
        self._hall.move(agent, cause, now_s)
        agent.call, agent.queue, agent.leg = "", "", ""
        self._hall.queue_up(agent)

    def _match_lent(self, site: str, now_s: float) -> list[Decision]:
        """An agent of the site has no call any more: another one there may be lent now."""
        groups = self._hall.lent_by(site)
        return self._match(groups, now_s) if groups else []

    # --- within: what waits for time

    def _ring_is_over(self, leg: str, now_s: float) -> list[Decision]:
        agent = self._ringing(leg)
        if agent is None:
            return []
        return self.not_answered(leg, Why.NEVER_RANG if agent.doing is Doing.RESERVED else Why.NO_ANSWER, now_s)

    def _talk_is_long(self, leg: str, now_s: float) -> list[Decision]:
        agent = self.agent_at(leg)
        if agent is None or agent.doing is not Doing.TALKING:
            return []
        self._deadlines.add(now_s + TALK_LOOK_S, "talk", leg)
        return [LookAtTalk(agent.call, agent.profile.id, leg)]

    def _pause_is_over(self, agent_id: str, kind: str, at_s: float, now_s: float) -> list[Decision]:
        agent = self.agents.get(agent_id)
        if agent is None or agent.until_s != at_s:
            return []
        if kind == "wrap-up":
            return self.wrap_up_done(agent_id, Why.TIME_OVER, now_s)
        return self._become_free(agent, Cause.REST_OVER, now_s) if agent.doing is Doing.RESTING else []

    def _wait_is_over(self, call_id: str, now_s: float) -> list[Decision]:
        call = self.calls.get(call_id)
        over = self._over(call) if call else None
        if call is None or over is None or now_s < over[0]:
            return []  # other rules than when this was noted
        _, then, why = over
        call.over = True
        if call.legs:
            return []  # a phone rings for it: let it ring
        self._hall.forget(call)
        left = LeaveQueue(call_id, call.queue, then, why)
        return [left, *self._look_at_sites(self._hall.queues[call.queue], now_s)]

    def _over(self, call: WaitingCall) -> tuple[float, Goto, Why] | None:
        """When the call's wait is over, where it goes then, and why; None: it may wait for ever."""
        rules = self.rules[call.queue]
        if call.back_at_s is not None:
            return call.back_at_s, Back(), Why.NOBODY_CAME
        if rules.longest_wait_s is None or rules.longest_wait_then is None:
            return None
        return call.since_s + rules.longest_wait_s, rules.longest_wait_then, Why.WAITED_TOO_LONG

    def _relax(self, call_id: str, now_s: float) -> list[WaitingCall]:
        """The call has waited long enough for less to be needed; it is given back where it stands elsewhere now."""
        call = self.calls.get(call_id)
        if call is None:
            return []
        stage = self.rules[call.queue].stage_at(call.since_s, now_s)
        if call.legs or stage == call.stage:
            call.stage = stage
            return []
        self._hall.group_of(call).line.remove(call)
        call.stage = stage
        self._hall.group_of(call).line.add(call)
        return [call]

    def _match_moved(self, calls: Iterable[WaitingCall], groups: Iterable[Group], now_s: float) -> list[Decision]:
        """These calls stand in the line again, or elsewhere in it: match their groups and `groups`, in one order."""
        waiting = [call for call in calls if call.id in self.calls and not call.legs]
        matched = self._match(dict.fromkeys([*groups, *map(self._hall.group_of, waiting)]), now_s)
        told = [d for call in waiting if not call.legs for d in self._reason(call, self._hall.group_of(call))]
        return [*matched, *told]

    def _tell(self, call_id: str, at_s: float, now_s: float) -> list[Decision]:
        """Time to tell a caller where they stand, unless a phone rings for them."""
        call = self.calls.get(call_id)
        if call is None or call.tell_at_s != at_s:
            return []
        rules = self.rules[call.queue].while_waiting
        call.tell_at_s = None
        self._plan_to_tell(call, now_s + (rules.tell_every_s or 0.0))
        if rules.tell_every_s is None or call.legs:
            return []
        position = self._hall.queues[call.queue].line.position(call)
        expected_s = self.expected_wait_s(call.queue, call.language, now_s, call) if rules.tells_wait else None
        return [tell(call, position, expected_s, now_s)]

    def _plan_to_tell(self, call: WaitingCall, at_s: float) -> None:
        if call.tell_at_s is None and self.rules[call.queue].while_waiting.tell_every_s is not None:
            call.tell_at_s = at_s
            self._deadlines.add(at_s, "tell", call.id)

    # --- within: sites

    def _has_waited(self, call_id: str, site: str, now_s: float) -> list[Decision]:
        """A call has waited as long as the rule of a further site says."""
        call = self.calls.get(call_id)
        queue = self._hall.queues[call.queue] if call else None
        if queue is None or site not in queue.sites:
            return []
        opening = queue.sites[site].rules.opening
        if call is None or opening is None or opening.after_s is None:
            return []
        if now_s >= call.since_s + opening.after_s:
            queue.sites[site].overdue.add(call_id)
        return self._look_at_sites(queue, now_s)

    def _look_at_all(self, groups: Iterable[Group], now_s: float) -> list[Decision]:
        """Who is here has changed: sites may open, and reasons for waiting be others."""
        looks = [d for queue in self._hall.queues.values() for d in self._look_at_sites(queue, now_s)]
        return [*looks, *(d for group in groups for d in self._reasons(group))]

    def _look_at_sites(self, queue: QueueFloor, now_s: float) -> list[Decision]:
        """Open and close what is to be, and match who may be matched then."""
        if not queue.further_sites:
            return []
        expected_s = self.expected_wait_s(queue.rules.name, "", now_s) if queue.opens_by_wait else None
        decisions: list[Decision] = [*look_at(queue, expected_s, now_s)]
        next_s = next_look_s(queue)
        if next_s is not None and next_s != queue.planned_look_s:
            self._deadlines.add(next_s, "look", queue.rules.name)
        queue.planned_look_s = next_s
        return [*decisions, *self._match(self._hall.groups_of(queue), now_s)] if decisions else []

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


def _place(first: tuple[WaitingCall, int]) -> Place:
    return first[0].place
