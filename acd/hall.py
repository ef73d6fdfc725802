"""Who is here and who waits, sorted so that whom to ring is found at once. What follows is decided in floor.py."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from acd.agent import AgentOnFloor, AgentProfile
from acd.groups import Group, Pool
from acd.rules import Pick, QueueRules
from acd.sites import QueueFloor, queue_floor
from acd.state import NEXT, Cause, Doing, after
from acd.waiting import WaitingCall

Match = tuple[WaitingCall, AgentOnFloor]
RING_ALL = Pick.RING_ALL  # named once: it is asked for often
RUNG_AT_ONCE_MOST = 20  # for one call: more would only keep them from others
BUSY = frozenset({Doing.RESERVED, Doing.RINGING, Doing.TALKING, Doing.WRAPPING_UP})
CHANGES = {  # how many more are free, and how many more have a call, when an agent moves from one to the other
    (before, doing): ((doing is Doing.FREE) - (before is Doing.FREE), (doing in BUSY) - (before in BUSY))
    for (before, _), doing in NEXT.items()
}


class Hall:
    """All agents and all waiting calls, by queue, group and pool."""

    def __init__(self, rules: Mapping[str, QueueRules]) -> None:
        self.calls: dict[str, WaitingCall] = {}
        self.agents: dict[str, AgentOnFloor] = {}
        self.queues: dict[str, QueueFloor] = {name: queue_floor(one) for name, one in rules.items()}
        self.groups: dict[tuple[str, str, int], Group] = {}
        self._pools: dict[str, list[Pool]] = {}  # of each agent who is here
        self._free_at: Counter[str] = Counter()  # by site
        self._lenders = _lenders(rules)
        self._rung_together: dict[str, WaitingCall] = {}  # calls for which phones ring, where the queue rings all
        self.touched: set[str] = set()  # agents whose state changed since somebody last looked and cleared this

    def change_rules(self, rules: Mapping[str, QueueRules]) -> None:
        """Sort everybody anew by other rules; every queue in which a call waits must be among them."""
        before, self._lenders = self.queues, _lenders(rules)
        self.queues, self.groups = {name: queue_floor(one) for name, one in rules.items()}, {}
        self._pools = {agent: [] for agent in self._pools}
        for name, queue in before.items():
            if name in rules:
                self._take_over(queue)
        self._rung_together = {}
        for call in self.calls.values():
            self.stand_in_line(call)
            if call.legs and rules[call.queue].pick is RING_ALL:
                self._rung_together[call.id] = call
        for agent in self.agents.values():
            if agent.available:
                self._count_here(agent.profile, 1)
            if agent.doing in BUSY and agent.queue in rules:
                self.queues[agent.queue].busy[agent.lent_by] += 1

    # --- agents

    @property
    def is_anybody_here(self) -> bool:
        return bool(self._pools)

    def suits(self, profile: AgentProfile, queue: str) -> bool:
        """Whether such an agent could take calls of `queue`, were they free."""
        there = self.queues[queue]
        return profile.site in there.sites and profile.has(there.rules.needs)

    def come(self, agent: AgentOnFloor) -> None:
        """The agent is here: they stand in the pools of every group that they are able for."""
        name, site = agent.profile.id, agent.profile.site
        self._count_here(agent.profile, 1)
        agent.available = True
        self._pools[name] = [pool for group in self.groups.values() if (pool := group.pool_for(agent))]
        for pool in self._pools[name]:
            pool.able[name] = agent
        self._free_at[site] += agent.can_take_a_call
        self.queue_up(agent)

    def go(self, agent: AgentOnFloor) -> None:
        """The agent is not here any more."""
        name, site = agent.profile.id, agent.profile.site
        if name not in self._pools:
            return
        self._count_here(agent.profile, -1)
        self._free_at[site] -= agent.can_take_a_call
        agent.available = False
        agent.turn += 1
        for pool in self._pools.pop(name):
            pool.able.pop(name, None)

    def queue_up(self, agent: AgentOnFloor) -> None:
        """Where the agent is free, let each of their pools know."""
        agent.turn += 1
        if agent.can_take_a_call:
            name = agent.profile.id
            for pool in self._pools[name]:
                pool.freed[name] = agent

    def set_own_call(self, agent: AgentOnFloor, *, goes_on: bool) -> None:
        """The agent's phone is, or is no more, in a call that is not the floor's."""
        was_free = agent.can_take_a_call
        agent.own_call = goes_on
        self._free_at[agent.profile.site] += agent.can_take_a_call - was_free
        self.queue_up(agent)

    def move(self, agent: AgentOnFloor, cause: Cause, now_s: float) -> None:
        """What calls cause at an agent. Raises IllegalMove before anything is changed."""
        doing = after(agent.doing, cause)
        free, busy = CHANGES[agent.doing, doing]
        agent.doing, agent.since_s = doing, now_s
        self.touched.add(agent.profile.id)
        if free and agent.available and not agent.own_call:
            self._free_at[agent.profile.site] += free
            agent.turn += 1
        if busy:
            agent.lent_by = agent.lent_by or agent.profile.site
            if agent.queue in self.queues:
                self.queues[agent.queue].busy[agent.lent_by] += busy
            if busy < 0:
                agent.lent_by = ""

    # --- calls

    def group(self, queue: str, language: str, stage: int) -> Group:
        group = self.groups.get((queue, language, stage))
        if group is None:
            base = self.group(queue, language, 0) if stage else None
            group = self.groups[queue, language, stage] = Group(self.queues[queue].rules, language, stage, base)
            for name, pools in self._pools.items():
                if pool := group.pool_for(self.agents[name]):
                    pool.able[name] = self.agents[name]
                    pools.append(pool)
                    pool.freed[name] = self.agents[name]
        return group

    def group_of(self, call: WaitingCall) -> Group:
        of = call.queue, call.language, call.stage
        return self.groups.get(of) or self.group(*of)

    def groups_of(self, queue: QueueFloor) -> list[Group]:
        return [group for group in self.groups.values() if group.rules is queue.rules]

    def stand_in_line(self, call: WaitingCall) -> None:
        queue = self.queues[call.queue]
        queue.line.add(call)
        if not call.legs:
            self.group_of(call).line.add(call)

    def ring(self, call: WaitingCall, agent: str, leg: str) -> None:
        """The agent's phone rings for the call, perhaps beside others."""
        if not call.legs:
            group = self.group_of(call)
            group.line.remove(call)
            call.asked = ()
            if group.rules.pick is RING_ALL:
                self._rung_together[call.id] = call
        call.legs += (leg,)
        call.asked += (agent,)

    def ring_no_more(self, call: WaitingCall, leg: str) -> None:
        """The call is back in its place, unless other phones ring for it."""
        call.legs = tuple(other for other in call.legs if other != leg)
        if not call.legs:
            self._rung_together.pop(call.id, None)
            self.group_of(call).line.add(call)

    def forget(self, call: WaitingCall) -> None:
        """The call waits no more."""
        queue = self.queues[call.queue]
        queue.line.remove(call)
        for site in queue.further_sites:
            site.overdue.discard(call.id)
        if not call.legs:
            self.group_of(call).line.remove(call)
        self._rung_together.pop(call.id, None)
        del self.calls[call.id]

    # --- who for whom

    def able(self, group: Group) -> frozenset[str]:
        """The agents here who may take the group's calls, free or not."""
        sites = self.queues[group.rules.name].open_sites
        return frozenset(agent for pool in group.pools(sites) for agent in pool.able)

    def shares(self, group: Group) -> dict[Group, float]:
        """Of each group that has agents in common with this one, the part of its agents who are this one's too.

        So many of its calls are expected to come to them. In the group itself it is 1.
        """
        counts = Counter(pool.group for name in self.able(group) for pool in self._pools[name] if self._is_asked(pool))
        return {other: count / other.able(self.queues[other.rules.name].open_sites) for other, count in counts.items()}

    def pick(self, group: Group) -> AgentOnFloor | None:
        """The free agent whom the queue picks, at the first of its open sites that has one."""
        queue = self.queues[group.rules.name]
        return self._pick_at(queue.tiers, queue, group)

    def pick_beside(self, agent: AgentOnFloor, call: WaitingCall) -> AgentOnFloor | None:
        """One more free agent for a call for which `agent` is rung, as near as they are."""
        if len(call.legs) >= RUNG_AT_ONCE_MOST:
            return None
        queue = self.queues[call.queue]
        return self._pick_at([queue.tier_of(agent.profile.site)], queue, self.group_of(call))

    def call_to_join(self, agent: AgentOnFloor) -> WaitingCall | None:
        """The first of the calls that ring for all where the agent, who has become free, is rung too."""
        if not self._rung_together:
            return None
        calls = [call for call in self._rung_together.values() if self._may_join(agent, call)]
        return min(calls, key=lambda call: call.place, default=None)

    def _may_join(self, agent: AgentOnFloor, call: WaitingCall) -> bool:
        """Each agent is rung once, until the call stands in the line again: so its phones do not ring for ever."""
        if call.over or len(call.legs) >= RUNG_AT_ONCE_MOST or agent.profile.id in call.asked:
            return False
        near = self.queues[call.queue].tier_of(self.agents[call.asked[0]].profile.site)
        pool = self.group_of(call).pool_for(agent)
        return pool is not None and pool.site in near and self._counts(pool)

    def _pick_at(self, tiers: Iterable[Sequence[str]], queue: QueueFloor, group: Group) -> AgentOnFloor | None:
        fluent_only = group.has_fluent(queue.open_sites)
        for tier in tiers:
            pools = group.pools_of([site for site in tier if self._may_lend(queue, site)], fluent_only=fluent_only)
            firsts = [(not pool.fluent, first) for pool in pools if (first := pool.first())]
            if firsts:
                return min(firsts)[1][3]
        return None

    def match_in(self, group: Group) -> Match | None:
        """The first call of the group, and who is to take it."""
        call = group.line.first()
        agent = self.pick(group) if call else None
        return (call, agent) if call and agent else None

    def match_for(self, agent: AgentOnFloor, *, is_alone: bool) -> Match | None:
        """The first of all calls that wait for somebody like the agent, who is free; and who is to take it.

        That is the agent, where nobody else is free for it: `is_alone`, unless their site lends only some.
        """
        if not self.calls:
            return None
        best: tuple[WaitingCall, Pool] | None = None
        for pool in self._pools[agent.profile.id]:
            first = pool.group.line.first()
            if first is not None and (best is None or first.place < best[0].place) and self._counts(pool):
                best = first, pool
        if best is None:
            return None
        call, pool = best
        if is_alone and not self.queues[call.queue].sites[pool.site].rules.is_limited:
            return call, agent
        return self.match_in(pool.group)

    def lent_by(self, site: str) -> list[Group]:
        """The groups to whose calls the site lends only some of its agents."""
        return [group for name in self._lenders.get(site, ()) for group in self.groups_of(self.queues[name])]

    # --- within

    def _count_here(self, profile: AgentProfile, by: int) -> None:
        for name, queue in self.queues.items():
            if self.suits(profile, name):
                queue.here[profile.site] += by

    def _counts(self, pool: Pool) -> bool:
        """Whether the pool's agents are asked now, and one more of them may take a call."""
        return self._is_asked(pool) and self._may_lend(self.queues[pool.group.rules.name], pool.site)

    def _is_asked(self, pool: Pool) -> bool:
        """Whether the pool's site is open, and nobody is asked before who speaks the language."""
        queue = self.queues[pool.group.rules.name]
        return queue.sites[pool.site].is_open and (pool.fluent or not pool.group.has_fluent(queue.open_sites))

    def _may_lend(self, queue: QueueFloor, site: str) -> bool:
        """Whether one more agent of the site may take a call of the queue."""
        rules = queue.sites[site].rules
        if not rules.is_limited:
            return True
        if rules.keep_free and self._free_at[site] <= rules.keep_free:
            return False
        return rules.agents_at_most is None or queue.busy[site] < rules.agents_at_most

    def _take_over(self, before: QueueFloor) -> None:
        """What was opened stays open, and what was held stays held, under other rules."""
        queue = self.queues[before.rules.name]
        queue.last_hour = before.last_hour
        for name, site in before.sites.items():
            after_it = queue.sites.get(name)
            if after_it and site.rules.opening and after_it.rules.opening:
                after_it.is_open, after_it.held = site.is_open, site.held
                after_it.calm_since_s = site.calm_since_s


def _lenders(rules: Mapping[str, QueueRules]) -> dict[str, list[str]]:
    """Sites that lend only some of their agents, and to which queues."""
    lenders: dict[str, list[str]] = {}
    for queue in rules.values():
        for site in queue.sites:
            if site.is_limited:
                lenders.setdefault(site.name, []).append(queue.name)
    return lenders
