"""The story of 800840840 on the rules that ship: a hundred calls an hour, five agents in L'Aquila, Rome helps out."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

import pytest

from acd.agent import AgentProfile
from acd.arrivals import Exponential, Hour, Kind, Patience, callers
from acd.service_level import Tally, Variant
from acd.simulation import Change, Manners, Simulation
from acd.sites import Held
from centralino.settings import load

QUEUE = "protezione-civile"
HOUR_S, STEP_S = 3600.0, 10.0
AGENTS = 5  # in each hall
TALK_S = 123.0
TARGET = 0.80
HOURS = (20, 100, 100, 20, 20)  # calls expected in each
RUSH = (1, 2)
SEEDS = range(8)


@dataclass
class Day:
    """What came of it. `open_s`: from when until when Rome was open, seen every ten seconds."""

    rush: Tally = field(default_factory=Tally)
    whole: Tally = field(default_factory=Tally)
    open_s: list[tuple[float, float]] = field(default_factory=list)
    able_most: int = 0
    able_at_first: int = 0
    by_rule_only: bool = True


@cache
def day(seed: int, *, with_rome: bool) -> Day:
    rules = load(Path(__file__).parents[2]).rules.queues[QUEUE]
    who = callers(
        [Hour(nth * HOUR_S, (nth + 1) * HOUR_S, calls, nth) for nth, calls in enumerate(HOURS)],
        [Kind(QUEUE, Exponential(TALK_S))],
        Patience(180.0, short_share=0.02),
        Random(seed),
    )
    halls = ("laquila", "roma") if with_rome else ("laquila",)
    here = [
        AgentProfile(f"{hall}{nth}", f"p-{hall}{nth}", hall, {QUEUE: 3}, frozenset({"it"}))
        for hall in halls
        for nth in range(AGENTS)
    ]
    rules_here = {QUEUE: rules}
    simulation = Simulation(rules_here, [Change(0.0, one) for one in here], who, Random(seed), Manners(pick_up_s=3.0))
    told = Day()
    _go_through(simulation, told)
    for of, tally in simulation.result(len(HOURS) * HOUR_S).calls.items():
        told.whole.add(tally)
        if of.hour in RUSH:
            told.rush.add(tally)
    return told


def _go_through(simulation: Simulation, told: Day) -> None:
    floor, opened_s = simulation.floor, None
    for now_s in (nth * STEP_S for nth in range(1, int((len(HOURS) + 1) * HOUR_S / STEP_S))):
        simulation.run_until(now_s)
        rome = floor.sites_of(QUEUE)["roma"]
        able = len(floor.able(QUEUE, "it"))
        told.able_at_first = told.able_at_first or able
        told.able_most = max(told.able_most, able)
        told.by_rule_only &= rome.held is Held.BY_RULE
        if rome.is_open and opened_s is None:
            opened_s = now_s
        if not rome.is_open and opened_s is not None:
            told.open_s.append((opened_s, now_s))
            opened_s = None
    assert opened_s is None, "Rome is closed again in the evening"


def in_time(tally: Tally) -> float:
    return tally.service_level(Variant.OF_ALL) or 0.0


@pytest.mark.parametrize("seed", SEEDS)
def test_five_agents_alone_miss_the_target_in_the_rush(seed: int) -> None:
    alone = day(seed, with_rome=False).rush
    assert in_time(alone) < TARGET
    assert (alone.abandonment or 0.0) > 0.10


@pytest.mark.parametrize("seed", SEEDS)
def test_rome_opens_by_rule_and_the_service_level_comes_back(seed: int) -> None:
    told = day(seed, with_rome=True)
    assert told.by_rule_only
    assert any(HOUR_S < from_s < 2 * HOUR_S for from_s, _ in told.open_s)
    assert (told.able_at_first, told.able_most) == (AGENTS, 2 * AGENTS), "capacity doubles"
    assert in_time(told.rush) > 0.90 > TARGET
    assert (told.rush.abandonment or 0.0) < 0.06


@pytest.mark.parametrize("seed", SEEDS)
def test_rome_closes_again_after_the_rush_and_does_not_flap(seed: int) -> None:
    told = day(seed, with_rome=True)
    _, closed_s = told.open_s[-1]
    assert closed_s < 3.5 * HOUR_S, "half an hour after the rush"
    assert all(until_s - from_s >= 15 * 60 for from_s, until_s in told.open_s)
    in_rush = [from_s for from_s, _ in told.open_s if from_s > HOUR_S]
    assert len(in_rush) <= 2, "in two hours of rush"


@pytest.mark.parametrize("with_rome", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_caller_ends_somewhere(seed: int, *, with_rome: bool) -> None:
    whole = day(seed, with_rome=with_rome).whole
    assert whole.came == whole.answered + whole.abandoned + whole.voicemail > 200
