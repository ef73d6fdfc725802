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
Entry = tuple[Key, str, int, AgentOnFloor]  # order, id, turn; stale where the agent has another turn by now
STALE_MOST = 16  # entries beyond two for each agent that a pool may hold before it is sorted out


class Pool:
    """The able agents of one site who all speak the language of `group`, or (`fluent` False) do not.

    `freed`: who has become free since somebody last asked for the first. Most are busy again when that is, and then
    they need not be sorted in.
    """

    __slots__ = ("_idle", "_order", "able", "fluent", "freed", "group", "site")

    def __init__(self, group: "Group", site: str, *, fluent: bool, order: Callable[[AgentOnFloor], Key]) -> None:
        self.group, self.site, self.fluent, self._order = group, site, fluent, order
        self.able: dict[str, AgentOnFloor] = {}
        self.freed: dict[str, AgentOnFloor] = {}
        self._idle: list[Entry] = []  # a heap; stale entries are dropped when they come up

    def first(self) -> Entry | None:
        """The free agent who is picked first, with their order."""
        if self.freed:
            self._sort_in()
        idle = self._idle
        while idle:
            if idle[0][3].turn == idle[0][2]:
                return idle[0]
            heapq.heappop(idle)
        return None

    def _sort_in(self) -> None:
        if len(self._idle) > 2 * len(self.able) + STALE_MOST:
            self._idle = [entry for entry in self._idle if entry[3].turn == entry[2]]
            heapq.heapify(self._idle)
        for name, agent in self.freed.items():
            if agent.can_take_a_call and name in self.able:
                heapq.heappush(self._idle, (self._order(agent), name, agent.turn, agent))
        self.freed.clear()


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
