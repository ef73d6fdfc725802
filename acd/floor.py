"""The floor: which call rings at whose phone, when, and why.

Pure: events go in as method calls with their instant, decisions come out as data, and nothing is asked of the outside.
The caller of this class saves each decision, then acts on it, and calls `due` at `next_deadline()`.

One floor serves all queues. Two events meet here: a call that finds a free agent, and an agent who finds a waiting
call; both pick by one rule (the longest idle able agent; the call that entered first), and ties are settled by the id,
so that the same floor always gives the same answer.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from acd.decisions import Decision, EndOffer, EndWrapUp, Facts, LeaveQueue, Offer, StartWrapUp, Wait
from acd.rules import QueueRules
from acd.state import Cause, Doing, after
from acd.waiting import Line, WaitingCall
from acd.why import Why

REST_S = 5.0  # after an unanswered ring: long enough for another agent to be found, short enough for a lone one
Group = tuple[str, str]  # queue, language


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """What the floor knows of an agent who may be offered calls at `phone`."""

    id: str
    phone: str
    site: str
    skills: Mapping[str, int]
    languages: frozenset[str]


@dataclass(slots=True)
class AgentOnFloor:
    """An agent and what calls cause at them. `available`: ready, and the phone within reach."""

    profile: AgentProfile
    available: bool
    idle_since_s: float
    doing: Doing = Doing.FREE
    since_s: float = 0.0
    call: str = ""
    queue: str = ""
    leg: str = ""
    until_s: float = 0.0

    @property
    def can_take_a_call(self) -> bool:
        return self.available and self.doing is Doing.FREE


@dataclass(slots=True)
class _Deadlines:
    """What must be looked at, and when. Entries whose matter is over are dropped when they come up."""

    heap: list[tuple[float, str, str]] = field(default_factory=list)

    def add(self, at_s: float, kind: str, subject: str) -> None:
        heapq.heappush(self.heap, (at_s, kind, subject))

    def next(self) -> float | None:
        return self.heap[0][0] if self.heap else None

    def take_due(self, now_s: float) -> Iterable[tuple[float, str, str]]:
        while self.heap and self.heap[0][0] <= now_s:
            yield heapq.heappop(self.heap)


class Floor:
    """All waiting calls and all agents of one installation."""

    def __init__(self, rules: Mapping[str, QueueRules]) -> None:
        self.rules = rules
        self.calls: dict[str, WaitingCall] = {}
        self.agents: dict[str, AgentOnFloor] = {}
        self._lines: dict[Group, Line] = {}
        self._able: dict[Group, frozenset[str]] = {}  # filled when asked; emptied when who is here changes
        self._agent_of_leg: dict[str, str] = {}
        self._deadlines = _Deadlines()
        self._suspended = False
        self.touched: set[str] = set()  # agents whose state changed since somebody last looked and cleared this

    # --- the phone system

    def suspend(self) -> None:
        """Offer nothing: there is no way to ring a phone."""
        self._suspended = True

    def resume(self, now_s: float) -> list[Decision]:
        """Offers are possible again: match whoever waits with whoever is free."""
        self._suspended = False
        return self._match_all(now_s)

    def change_rules(self, rules: Mapping[str, QueueRules], now_s: float) -> list[Decision]:
        """Go by other rules from now on; every queue in which a call waits must be among them."""
        self.rules = rules
        self._able.clear()
        return self._match_all(now_s)

    # --- agents

    def agent_available(self, profile: AgentProfile, now_s: float) -> list[Decision]:
        """The agent may be offered calls from now on (was not here, was paused, or the phone was out of reach)."""
        agent = self.agents.get(profile.id)
        if agent is None:
            agent = self.agents[profile.id] = AgentOnFloor(profile, True, now_s, since_s=now_s)
        elif not agent.available or agent.profile != profile:
            agent.profile, agent.available, agent.idle_since_s = profile, True, now_s
            if agent.doing is Doing.RESTING:
                self._move(agent, Cause.REST_OVER, now_s)  # who says that they are ready need not rest
        self._able.clear()
        return [*self._match_agent(agent, now_s), *self._reasons_of_all()]

    def agent_unavailable(self, agent_id: str, why: Why, now_s: float) -> list[Decision]:
        """The agent is offered nothing more. A phone that rings stops; a talk or a wrap-up goes on."""
        agent = self.agents.get(agent_id)
        if agent is None or not agent.available:
            return []
        agent.available = False
        self._able.clear()
        rings = agent.doing in (Doing.RESERVED, Doing.RINGING)
        ended = self._end_offer(agent, Cause.RELEASED, why, now_s) if rings else []
        # where nobody else here speaks a language, its callers may be taken by whoever is free
        return [*ended, *self._match_all(now_s)]

    # --- calls

    def enter(self, call: WaitingCall, now_s: float) -> list[Decision]:
        """A call enters its queue: it is offered, or waits, or is sent on where the queue is full."""
        rules = self.rules[call.queue]
        if rules.full_waiting is not None and rules.full_then and self.waiting_in(call.queue) >= rules.full_waiting:
            return [LeaveQueue(call.id, call.queue, rules.full_then, Why.QUEUE_FULL)]
        return self.enter_anyway(call, now_s)

    def enter_anyway(self, call: WaitingCall, now_s: float) -> list[Decision]:
        """A call that was in the line before, or that has nowhere else to go, enters also where the queue is full."""
        # why a pause for one that comes back: two queues' longest waits may lead to each other
        comes_back = call.first_entered_s < now_s
        self._stand_in_line(call, over_earliest_s=now_s + self.rules[call.queue].ring_s if comes_back else now_s)
        return self._match_call(call, now_s)

    def leave(self, call_id: str, now_s: float) -> list[Decision]:
        """The caller gave up. A phone that rings for the call stops ringing."""
        call = self.calls.pop(call_id, None)
        if call is None:
            return []
        agent = self._ringing(call.offered_leg)
        if agent is None:
            self._line(call.group).remove(call)
            return []
        return self._end_offer(agent, Cause.RELEASED, Why.CALLER_LEFT, now_s)

    # --- what became of an offer; a leg that is not ringing any more is late, and nothing is done

    def rang(self, leg: str, now_s: float) -> bool:
        """The phone rings. False: the offer is over, or it rang already."""
        agent = self._ringing(leg)
        if agent is None or agent.doing is not Doing.RESERVED:
            return False
        self._move(agent, Cause.RANG, now_s)
        return True

    def answered(self, leg: str, now_s: float) -> str | None:
        """The agent answered: the call leaves the line and its id is given back. None: too late, release the leg."""
        agent = self._ringing(leg)
        if agent is None:
            return None
        call = self.calls.pop(agent.call)
        self._move(agent, Cause.ANSWERED, now_s)
        return call.id

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
        self._move(agent, Cause.TALK_ENDED, now_s)
        agent.leg, agent.until_s = "", now_s + wrap_up_s
        if wrap_up_s == 0:
            return self._become_free(agent, Cause.WRAP_UP_OVER, now_s)
        self._deadlines.add(agent.until_s, "wrap-up", agent.profile.id)
        return [StartWrapUp(agent.profile.id, call, agent.until_s)]

    def wrap_up_done(self, agent_id: str, why: Why, now_s: float) -> list[Decision]:
        """The agent is ready for the next call before the wrap-up's time is over, or because it is."""
        agent = self.agents.get(agent_id)
        if agent is None or agent.doing is not Doing.WRAPPING_UP:
            return []
        ended = EndWrapUp(agent_id, agent.call, why)
        return [ended, *self._become_free(agent, Cause.WRAP_UP_OVER, now_s)]

    # --- time

    def next_deadline(self) -> float | None:
        """The instant at which `due` has something to look at; None while nothing is pending."""
        return self._deadlines.next()

    def due(self, now_s: float) -> list[Decision]:
        """Whatever is due at `now_s`: rings not answered, rests and wrap-ups over, longest waits over."""
        decisions: list[Decision] = []
        for at_s, kind, subject in self._deadlines.take_due(now_s):
            if kind == "ring":
                decisions += self.not_answered(subject, Why.NO_ANSWER, now_s)
            elif kind == "wait":
                decisions += self._wait_is_over(subject)
            else:
                decisions += self._pause_is_over(subject, kind, at_s, now_s)
        return decisions

    # --- going on after a restart: what was true before, put back without deciding anything

    def put_back_call(self, call: WaitingCall) -> None:
        """A call stands in its place in the line."""
        self._stand_in_line(call, over_earliest_s=call.first_entered_s)

    def put_back_offer(self, call_id: str, agent: AgentOnFloor, leg: str, now_s: float) -> None:
        """`agent` was being rung as `leg` for a call that is in the line again. The ring's time starts anew."""
        call = self.calls[call_id]
        self._line(call.group).remove(call)
        call.offered_leg = leg
        agent.doing, agent.call, agent.queue, agent.leg = Doing.RINGING, call_id, call.queue, leg
        self._put_back(agent)
        self._deadlines.add(now_s + self.rules[call.queue].ring_s, "ring", leg)

    def put_back_talk(self, agent: AgentOnFloor, call_id: str, queue: str, leg: str) -> None:
        """An agent who talks; `since_s` is when the talk began, as in the others when they began to be so."""
        agent.doing, agent.call, agent.queue, agent.leg = Doing.TALKING, call_id, queue, leg
        self._put_back(agent)

    def put_back_wrap_up(self, agent: AgentOnFloor, call_id: str, until_s: float) -> None:
        agent.doing, agent.call, agent.until_s = Doing.WRAPPING_UP, call_id, until_s
        self._put_back(agent)
        self._deadlines.add(until_s, "wrap-up", agent.profile.id)

    def put_back(self, agent: AgentOnFloor) -> None:
        """An agent who was free, or is not ready."""
        self._put_back(agent)

    # --- looks

    def agent_at(self, leg: str) -> AgentOnFloor | None:
        """The agent whose phone rings, or who talks, as `leg`."""
        return self.agents.get(self._agent_of_leg.get(leg, ""))

    def waiting_in(self, queue: str) -> int:
        """How many calls wait in `queue`, those included for which a phone rings."""
        return sum(1 for call in self.calls.values() if call.queue == queue)

    def line_of(self, queue: str) -> list[str]:
        """The calls of `queue` in their order, those included for which a phone rings."""
        return [c.id for c in sorted((c for c in self.calls.values() if c.queue == queue), key=lambda c: c.place)]

    def position(self, call_id: str) -> int | None:
        """The place in the queue's line, 1 for the next; None where the call waits in none."""
        call = self.calls.get(call_id)
        if call is None:
            return None
        return 1 + sum(1 for c in self.calls.values() if c.queue == call.queue and c.place < call.place)

    def able(self, queue: str, language: str) -> frozenset[str]:
        """The agents here who may take such a call; the language only counts while somebody here speaks it."""
        group = (queue, language)
        if group not in self._able:
            self._able[group] = self._find_able(group)
        return self._able[group]

    def suits(self, profile: AgentProfile, queue: str) -> bool:
        """Whether such an agent could take calls of `queue`, were they free."""
        return _works_for(profile, self.rules[queue]) and _has_skills(profile, self.rules[queue])

    # --- within

    def _find_able(self, group: Group) -> frozenset[str]:
        queue, language = group
        rules = self.rules[queue]
        here = [a.profile for a in self.agents.values() if a.available and _works_for(a.profile, rules)]
        skilled = [profile for profile in here if _has_skills(profile, rules)]
        fluent = frozenset(p.id for p in skilled if language in p.languages)
        return fluent or frozenset(p.id for p in skilled)

    def _stand_in_line(self, call: WaitingCall, over_earliest_s: float) -> None:
        self.calls[call.id] = call
        longest_wait_s = self.rules[call.queue].longest_wait_s
        if longest_wait_s is not None:
            self._deadlines.add(max(call.first_entered_s + longest_wait_s, over_earliest_s), "wait", call.id)
        self._line(call.group).add(call)

    def _line(self, group: Group) -> Line:
        return self._lines.setdefault(group, Line())

    def _ringing(self, leg: str) -> AgentOnFloor | None:
        agent = self.agent_at(leg)
        return agent if agent and agent.doing in (Doing.RESERVED, Doing.RINGING) else None

    def _move(self, agent: AgentOnFloor, cause: Cause, now_s: float) -> None:
        agent.doing, agent.since_s = after(agent.doing, cause), now_s
        self.touched.add(agent.profile.id)

    def _match_call(self, call: WaitingCall, now_s: float) -> list[Decision]:
        if self._suspended:
            return self._reason(call)
        able = self.able(*call.group)
        free = [a for a in (self.agents[i] for i in able) if a.can_take_a_call]
        if not free:
            return self._reason(call)
        agent = min(free, key=lambda a: (a.idle_since_s, a.profile.id))
        return [self._offer(call, agent, now_s, {"able": len(able), "free": len(free)})]

    def _match_agent(self, agent: AgentOnFloor, now_s: float) -> list[Decision]:
        if self._suspended or not agent.can_take_a_call:
            return []
        firsts = [
            call
            for group, line in self._lines.items()
            if (call := line.first()) and agent.profile.id in self.able(*group)
        ]
        if not firsts:
            return []
        call = min(firsts, key=lambda c: c.place)
        return [self._offer(call, agent, now_s, {"waiting": self.waiting_in(call.queue)})]

    def _match_all(self, now_s: float) -> list[Decision]:
        free = sorted(
            (a for a in self.agents.values() if a.can_take_a_call), key=lambda a: (a.idle_since_s, a.profile.id)
        )
        decisions = [d for agent in free for d in self._match_agent(agent, now_s)]
        return [*decisions, *self._reasons_of_all()]

    def _offer(self, call: WaitingCall, agent: AgentOnFloor, now_s: float, facts: Facts) -> Offer:
        ring_s = self.rules[call.queue].ring_s
        self._line(call.group).remove(call)
        call.offers += 1
        call.offered_leg, call.why = f"{call.id}-leg{call.offers}", ""
        self._move(agent, Cause.OFFERED, now_s)
        agent.call, agent.queue, agent.leg, agent.until_s = call.id, call.queue, call.offered_leg, now_s + ring_s
        self._agent_of_leg[agent.leg] = agent.profile.id
        self._deadlines.add(agent.until_s, "ring", agent.leg)
        facts |= {"idle_s": round(now_s - agent.idle_since_s, 1), "waited_s": round(now_s - call.first_entered_s, 1)}
        return Offer(
            call.id, call.queue, agent.profile.id, agent.profile.phone, agent.leg, ring_s, Why.LONGEST_IDLE, facts
        )

    def _end_offer(self, agent: AgentOnFloor, cause: Cause, why: Why, now_s: float) -> list[Decision]:
        """The phone rings no more. The call goes to the next agent; the agent rests, or takes the next call."""
        call = self.calls.get(agent.call)
        ended = EndOffer(agent.call, agent.profile.id, agent.leg, why)
        self._agent_of_leg.pop(agent.leg)
        self._move(agent, cause, now_s)
        agent.call, agent.queue, agent.leg = "", "", ""
        decisions: list[Decision] = [ended]
        if cause is Cause.UNANSWERED:
            agent.idle_since_s, agent.until_s = now_s, now_s + REST_S
            self._deadlines.add(agent.until_s, "rest", agent.profile.id)
        if call is not None:
            call.offered_leg = ""
            self._line(call.group).add(call)
            decisions += self._wait_is_over(call.id) if call.over else self._match_call(call, now_s)
        return [*decisions, *self._match_agent(agent, now_s)]

    def _become_free(self, agent: AgentOnFloor, cause: Cause, now_s: float) -> list[Decision]:
        self._move(agent, cause, now_s)
        agent.call, agent.queue, agent.leg, agent.idle_since_s = "", "", "", now_s
        return self._match_agent(agent, now_s)

    def _pause_is_over(self, agent_id: str, kind: str, at_s: float, now_s: float) -> list[Decision]:
        agent = self.agents.get(agent_id)
        if agent is None or agent.until_s != at_s:
            return []
        if kind == "wrap-up":
            return self.wrap_up_done(agent_id, Why.TIME_OVER, now_s)
        return self._become_free(agent, Cause.REST_OVER, now_s) if agent.doing is Doing.RESTING else []

    def _wait_is_over(self, call_id: str) -> list[Decision]:
        call = self.calls.get(call_id)
        then = self.rules[call.queue].longest_wait_then if call else None
        if call is None or then is None:
            return []
        call.over = True
        if call.offered_leg:
            return []  # a phone rings for it: let it ring
        self._line(call.group).remove(call)
        del self.calls[call_id]
        return [LeaveQueue(call_id, call.queue, then, Why.WAITED_TOO_LONG)]

    def _reasons_of_all(self) -> list[Decision]:
        return [d for line in self._lines.values() for call in line for d in self._reason(call)]

    def _reason(self, call: WaitingCall) -> list[Decision]:
        why = self._why_waiting(call)
        if why == call.why:
            return []
        call.why = why
        able = self.able(*call.group)
        return [Wait(call.id, call.queue, why, {"able": len(able), "position": self.position(call.id) or 0})]

    def _why_waiting(self, call: WaitingCall) -> Why:
        if self._suspended:
            return Why.NOT_CONNECTED
        if self.able(*call.group):
            return Why.ALL_BUSY
        return Why.NOBODY_ABLE if any(a.available for a in self.agents.values()) else Why.NOBODY_SIGNED_IN

    def _put_back(self, agent: AgentOnFloor) -> None:
        self.agents[agent.profile.id] = agent
        self._able.clear()
        if agent.leg:
            self._agent_of_leg[agent.leg] = agent.profile.id


def _has_skills(profile: AgentProfile, rules: QueueRules) -> bool:
    return all(profile.skills.get(skill, 0) >= level for skill, level in rules.needs.items())


def _works_for(profile: AgentProfile, rules: QueueRules) -> bool:
    return not rules.sites or profile.site in rules.sites
