"""Days of a deployment in simulated time: its rules and its roster, the callers of profiles, chance from a seed.

The same seed gives the same callers to every configuration, so that two of them can be compared call by call.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from random import Random
from zoneinfo import ZoneInfo

from acd.agent import AgentProfile
from acd.arrivals import Caller, Hour, callers
from acd.goto import ToQueue
from acd.rules import QueueRules, WhileWaiting
from acd.service_level import Tally
from acd.simulation import Change, Hands, Of, Result, Simulation
from agents.roster import Agent
from centralino.profiles import Profile
from centralino.settings import Configuration
from ivr.hours import Hours

DRAIN_S, DRAIN_STEPS_MAX = 60.0, 24 * 60  # after the last day nobody calls any more, and those who wait are served
PART_DAYS = 14  # what one process simulates at a time


@dataclass(frozen=True, slots=True)
class World:
    """What of a configuration matters here. `open`: by number; None: always."""

    rules: Mapping[str, QueueRules]
    agents: Sequence[Agent]
    open: Mapping[str, Hours | None]
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate: `days` from local midnight of `begin` on, `replications` times with other chances."""

    profiles: tuple[Profile, ...]
    begin: date
    days: int
    seed: int
    replications: int = 1

    @property
    def queues(self) -> frozenset[str]:
        return frozenset(queue for profile in self.profiles for queue in profile.queues)


def world_of(configuration: Configuration, queues: frozenset[str]) -> World:
    """The configuration, with the agents only who may take calls that begin in `queues`."""
    rules = configuration.rules.queues
    reached = _reached(rules, queues)
    roster = configuration.roster.agents.values()
    agents = [one for one in roster if any(may_take(_profile(one), rules[name]) for name in reached)]
    is_open = {number: plan.hours for number, plan in configuration.dialplans.items()}
    return World(rules, agents, is_open, configuration.settings.time_zone)


def may_take(agent: AgentProfile, rules: QueueRules) -> bool:
    """Whether the agent may be offered calls of a queue, at least after a while."""
    is_there = any(site.name == agent.site for site in rules.sites)
    return is_there and any(agent.has(needs) for needs in (rules.needs, *(step.needs for step in rules.relax)))


def _reached(rules: Mapping[str, QueueRules], queues: frozenset[str]) -> set[str]:
    """`queues`, and those to which their calls may be sent on."""
    reached: set[str] = set()
    left = list(queues)
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            gotos = (rules[name].full_then, rules[name].longest_wait_then)
            left += [goto.queue for goto in gotos if isinstance(goto, ToQueue)]
    return reached


def parts(plan: Plan) -> list[Plan]:
    """The plan in parts that can be simulated at the same time: each begins at midnight with an empty line, and goes on
    until its last caller is served.
    """
    begins = range(0, plan.days, PART_DAYS)
    return [replace(plan, begin=plan.begin + timedelta(days=n), days=min(PART_DAYS, plan.days - n)) for n in begins]


def joined(results: Sequence[Result]) -> Result:
    """What came of all parts."""
    calls: dict[Of, Tally] = {}
    by_site: dict[tuple[str, str], Tally] = {}
    agents: dict[str, Hands] = {}
    for result in results:
        for of, tally in result.calls.items():
            calls.setdefault(of, Tally()).add(tally)
        for there, tally in result.by_site.items():
            by_site.setdefault(there, Tally()).add(tally)
        for name, hands in result.agents.items():
            agents.setdefault(name, Hands(hands.agent)).add(hands)
    return Result(calls, by_site, agents)


def simulate(world: World, plan: Plan, replication: int, day_is_over: Callable[[], None]) -> Result:
    """One replication, in this process. What callers would be told is left out, since nobody listens."""
    silent = {name: replace(rules, while_waiting=WhileWaiting()) for name, rules in world.rules.items()}
    world = replace(world, rules=silent)
    who = callers_of(world, plan, replication)
    return go_through(begun(world, plan, replication, who), world, plan, day_is_over)


def begun(world: World, plan: Plan, replication: int, who: Iterable[Caller]) -> Simulation:
    """A replication in which `who` will call, and nothing has happened yet."""
    chance = _chance(plan, replication, "agents")
    return Simulation(world.rules, _changes(world, plan, replication), who, chance, plan.profiles[0].manners)


def go_through(simulation: Simulation, world: World, plan: Plan, day_is_over: Callable[[], None]) -> Result:
    """All days of the plan, and on until the last caller is served, at most for a day more."""
    for day in range(plan.days):
        simulation.run_until(_instant_s(plan.begin + timedelta(days=day + 1), world.zone))
        simulation.new_day()
        day_is_over()
    now_s, steps = _end_s(world, plan), 0
    while simulation.calls_now and steps < DRAIN_STEPS_MAX:
        now_s, steps = now_s + DRAIN_S, steps + 1
        simulation.run_until(now_s)
    return simulation.result(now_s)


def _chance(plan: Plan, replication: int, what: str) -> Random:
    return Random(f"{plan.seed} {replication} {plan.begin} {what}")  # noqa: S311 - a simulation


# --- callers


def callers_of(world: World, plan: Plan, replication: int) -> Iterator[Caller]:
    """Who calls, in the order of their time."""
    streams = [
        callers(
            _hours(world, plan, profile),
            profile.kinds,
            profile.patience,
            _chance(plan, replication, f"callers of {profile.number}"),
        )
        for profile in plan.profiles
    ]
    return streams[0] if len(streams) == 1 else heapq.merge(*streams)


def _hours(world: World, plan: Plan, profile: Profile) -> Iterator[Hour]:
    """Those in which the number is open (at half past); who calls outside hears the dialplan and no queue."""
    hours = world.open.get(profile.number)
    for day in (plan.begin + timedelta(days=n) for n in range(plan.days)):
        calls = profile.days[day.weekday()]
        for hour, share in enumerate(profile.hours):
            begin = datetime.combine(day, time_of_day(hour), world.zone).astimezone(UTC)
            end = begin + timedelta(hours=1)
            if calls and share and (hours is None or hours.is_open(begin + timedelta(minutes=30), world.zone)):
                yield Hour(begin.timestamp(), end.timestamp(), calls * share, hour)


# --- agents


def _changes(world: World, plan: Plan, replication: int) -> list[Change]:
    """Who comes and goes, by their shifts; who has none is here while one of the numbers is open."""
    chance = _chance(plan, replication, "shifts")
    begin_s, end_s = _instant_s(plan.begin, world.zone), _end_s(world, plan)
    numbers = [world.open.get(profile.number) for profile in plan.profiles]
    shifts: dict[Hours | None, list[tuple[float, float]]] = {}
    changes: list[Change] = []
    for agent in world.agents:
        profile = _profile(agent)
        if agent.shift not in shifts:
            shifts[agent.shift] = list(_spans([agent.shift] if agent.shift else numbers, world.zone, plan))
        worked = [span for span in shifts[agent.shift] if chance.random() >= plan.profiles[0].no_show]
        for from_s, until_s in _without_gaps(worked):
            changes.append(Change(max(from_s, begin_s), profile))
            if until_s < end_s:
                changes.append(Change(until_s, profile, is_here=False))
    return sorted(changes, key=lambda change: (change.at_s, change.agent.rank, change.is_here))


def _spans(hours: Sequence[Hours | None], zone: ZoneInfo, plan: Plan) -> Iterator[tuple[float, float]]:
    """From when until when one of `hours` is open (None: always, as a span for each day)."""
    if None in hours:
        for n in range(plan.days):
            day = plan.begin + timedelta(days=n)
            yield _instant_s(day, zone), _instant_s(day + timedelta(days=1), zone)
        return
    each = [span for one in hours if one is not None for span in _open_spans(one, zone, plan)]
    yield from _without_gaps(sorted(each))


def _open_spans(hours: Hours, zone: ZoneInfo, plan: Plan) -> Iterator[tuple[float, float]]:
    at = datetime.combine(plan.begin, time_of_day(), zone).astimezone(UTC)
    end = datetime.combine(plan.begin + timedelta(days=plan.days), time_of_day(), zone).astimezone(UTC)
    while at < end:
        then = hours.changes_at(at, zone) or end
        if hours.is_open(at, zone):
            yield at.timestamp(), then.timestamp()
        at = then


def _without_gaps(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans, in order, that have no gap between them are one."""
    whole: list[tuple[float, float]] = []
    for begin_s, end_s in spans:
        if whole and begin_s <= whole[-1][1]:
            whole[-1] = whole[-1][0], max(end_s, whole[-1][1])
        else:
            whole.append((begin_s, end_s))
    return whole


def _profile(agent: Agent) -> AgentProfile:
    phone = agent.phone or f"phone of {agent.id}"
    return AgentProfile(agent.id, phone, agent.site, agent.skills, frozenset(agent.languages), agent.rank)


def _instant_s(day: date, zone: ZoneInfo) -> float:
    return datetime.combine(day, time_of_day(), zone).timestamp()


def _end_s(world: World, plan: Plan) -> float:
    return _instant_s(plan.begin + timedelta(days=plan.days), world.zone)
