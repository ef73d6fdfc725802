"""Calls that need the same of an agent, and the agents who could take them.

A group is the calls of one queue, one language and one stage of relaxing. Its agents stand in pools, one for each site
and for speaking the language or not; each pool knows its free agents in the order in which the queue picks them. So
neither a call that comes nor an agent who becomes free has to be held against everybody.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence

from acd.agent import AgentOnFloor
from acd.rules import Pick, QueueRules
from acd.waiting import Line

Key = tuple[float, ...]
STALE_MOST = 16  # entries beyond two for each agent that a pool may hold before it is sorted out


class Pool:
    """The able agents of one site who all speak the language of `group`, or (`fluent` False) do not."""

    __slots__ = ("_order", "able", "fluent", "group", "idle", "site")

    def __init__(self, group: "Group", site: str, *, fluent: bool, order: Callable[[AgentOnFloor], Key]) -> None:
        self.group, self.site, self.fluent, self._order = group, site, fluent, order
        self.able: dict[str, AgentOnFloor] = {}
        self.idle: list[tuple[Key, str, int]] = []  # order, agent, turn; stale ones are dropped when they come up

    def queue_up(self, agent: AgentOnFloor) -> None:
        """The agent, who is able, is free."""
        if len(self.idle) > 2 * len(self.able) + STALE_MOST:
            self.idle = [entry for entry in self.idle if self._is_true(entry)]
            heapq.heapify(self.idle)
        heapq.heappush(self.idle, (self._order(agent), agent.profile.id, agent.turn))

    def first(self) -> tuple[Key, str, int] | None:
        """The free agent who is picked first, with their order."""
        while self.idle:
            if self._is_true(self.idle[0]):
                return self.idle[0]
            heapq.heappop(self.idle)
        return None

    def _is_true(self, entry: tuple[Key, str, int]) -> bool:
        agent = self.able.get(entry[1])
        return agent is not None and agent.turn == entry[2] and agent.can_take_a_call


class Group:
    """Calls alike in what they need. `line`: those for which no phone rings."""

    __slots__ = ("_base", "_pools", "language", "line", "needs", "rules", "why")

    def __init__(self, rules: QueueRules, language: str, stage: int, base: "Group | None") -> None:
        """`base`: the group of stage 0; None: this is it."""
        self._base = base or self
        self.rules, self.language, self.needs = rules, language, rules.needs_at(stage)
        self.line = Line()
        self.why = ""  # the reason last given to all of its calls
        order = _order_of(rules, self.needs)
        self._pools: dict[tuple[str, bool], Pool] = {
            (site.name, fluent): Pool(self, site.name, fluent=fluent, order=order)
            for site in rules.sites
            for fluent in (True, False)
        }

    def pool_for(self, agent: AgentOnFloor) -> Pool | None:
        """Where the agent belongs; None: not able."""
        profile = agent.profile
        pool = self._pools.get((profile.site, self.language in profile.languages))
        return pool if pool is not None and profile.has(self.needs) else None

    def pools(self, sites: Sequence[str]) -> list[Pool]:
        """Those that count at `sites`: of who speaks the language; of everybody where nobody there does."""
        return self.pools_of(sites, fluent_only=self.has_fluent(sites))

    def pools_of(self, sites: Iterable[str], *, fluent_only: bool) -> list[Pool]:
        if fluent_only:
            return [self._pools[site, True] for site in sites]
        return [self._pools[site, fluent] for site in sites for fluent in (True, False)]

    def has_fluent(self, sites: Iterable[str]) -> bool:
        """Whether somebody at `sites` who has all that is needed at first speaks the language.

        Why at first: a call that waits must not lose those who may take it because less is needed of others.
        """
        pools = self._base._pools
        for site in sites:  # noqa: SIM110 - asked several times a call: a generator takes twice as long
            if pools[site, True].able:
                return True
        return False

    def able(self, sites: Sequence[str]) -> int:
        """How many are here and able, free or not."""
        return sum([len(pool.able) for pool in self.pools(sites)])


def _order_of(rules: QueueRules, needs: Mapping[str, int]) -> Callable[[AgentOnFloor], Key]:
    """What tells who is picked first, the lowest first. It does not change while an agent is free."""
    name = rules.name
    match rules.pick:
        case Pick.LONGEST_IDLE | Pick.RING_ALL:
            return lambda agent: (agent.idle_since_s,)
        case Pick.BEST_SKILL if len(needs) == 1:
            (only,) = needs  # as most queues have it, and much quicker
            return lambda agent: (-agent.profile.skills[only], agent.idle_since_s)
        case Pick.BEST_SKILL:
            return lambda agent: (-sum(agent.profile.skills[skill] for skill in needs), agent.idle_since_s)
        case Pick.LEAST_BUSY:
            return lambda agent: (agent.busy_s, agent.idle_since_s)
        case Pick.ROUND_ROBIN:
            return lambda agent: (agent.last_call_s.get(name, 0.0), agent.idle_since_s)
        case Pick.FIXED_ORDER:
            return lambda agent: (agent.profile.rank,)
