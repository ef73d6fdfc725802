"""Days in simulated time: how long a month of 055055 and a year of 020202 take. `python -m bench.days`

Beside each, in the same process and in turns, a peer: a bare waiting room (one heap of agents, nothing else) with as
many calls. Seconds depend on the machine and on what else it does; the ratio hardly does.
"""

import argparse
import heapq
import json
import multiprocessing
import os
import resource
import sys
import time
from dataclasses import asdict, dataclass, replace
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from acd.service_level import Variant, total
from agents.roster import Agent
from centralino.profiles import load_profile
from centralino.replications import run
from centralino.settings import load
from centralino.simulating import Plan, World, world_of
from ivr.hours import read_hours

ROOT = Path(__file__).parents[1]
MEMORY_MB_MAX = 500


@dataclass(frozen=True, slots=True)
class Case:
    """What is simulated, and in how many seconds it should be."""

    number: str
    days: int
    begin: date
    goal_s: float


MONTH = Case("055055", 31, date(2014, 7, 1), 3.0)
YEAR = Case("020202", 365, date(2026, 1, 1), 180.0)
SHIFTS = (  # of 020202: 30 to 100 agents
    ("06:00-14:00", 26),
    ("08:00-16:00", 30),
    ("10:00-18:00", 30),
    ("14:00-22:00", 20),
    ("22:00-06:00", 10),
)


@dataclass(frozen=True, slots=True)
class Figures:
    case: str
    calls: int
    answered_in_time: float
    seconds: float
    cpu_s: float
    peer_cpu_s: float
    ratio: float
    memory_mb: float
    goal_s: float


def main() -> int:
    words = _words()
    cases = [MONTH, replace(YEAR, days=28, goal_s=YEAR.goal_s * 28 / 365) if words.quick else YEAR]
    told = [measured_apart(case, words.seed) for case in cases]
    if words.json:
        print(json.dumps([asdict(one) for one in told], indent=2))
    else:
        _show(told, Console())
    return 0


def measured_apart(case: Case, seed: int) -> Figures:
    """In a process of its own, so that its memory is its own."""
    mine, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_measure, args=(theirs, case, seed))
    process.start()
    theirs.close()
    figures: Figures = mine.recv()
    process.join()
    return figures


def _measure(told: Connection, case: Case, seed: int) -> None:
    configuration = load(ROOT)
    profile = load_profile(ROOT / "profiles" / f"{case.number}.yaml", configuration)
    plan = Plan((profile,), case.begin, case.days, seed)
    here = world_of(configuration, plan.queues)
    if case.number == YEAR.number:
        here = replace(here, agents=_milan(here))
    calm_s = peer(20_000, seed)
    began_s = time.perf_counter()
    ((result,),) = run([here], plan, Console(quiet=True))
    took_s = time.perf_counter() - began_s
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = children.ru_utime + children.ru_stime
    workers = os.cpu_count() or 1
    memory_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + workers * children.ru_maxrss) / 1024
    whole = total(result.calls.values())
    peer_s = (calm_s + peer(20_000, seed)) / 40_000 * whole.came
    in_time = whole.service_level(Variant.OF_ALL) or 0.0
    name = f"{case.number}, {case.days} days"
    told.send(Figures(name, whole.came, in_time, took_s, cpu_s, peer_s, cpu_s / peer_s, memory_mb, case.goal_s))


def _milan(here: World) -> list[Agent]:
    """Some 115 agents in five shifts, made from those of the deployment that take these calls."""
    able, made = list(here.agents), list[Agent]()
    for times, count in SHIFTS:
        weekdays, _ = read_hours({"mon-fri": times})
        whole_week, _ = read_hours({"mon-sun": times})
        for n in range(count):
            one = able[len(made) % len(able)]
            shift = weekdays if n % 2 else whole_week
            made.append(replace(one, id=f"m{len(made)}", phone=None, shift=shift, rank=len(made)))
    return made


def peer(calls: int, seed: int) -> float:
    """CPU seconds for so many calls in a waiting room of one heap: drawn, begun, ended, counted; nothing decided."""
    chance, began_s = Random(seed), time.process_time()
    at_s, free_at, waited_s = 0.0, [0.0] * 6, 0.0
    for _ in range(calls):
        at_s += chance.expovariate(1 / 36)
        begins_s = max(at_s, free_at[0])
        waited_s += begins_s - at_s
        heapq.heapreplace(free_at, begins_s + chance.expovariate(1 / 123))
    return time.process_time() - began_s


def _show(told: list[Figures], console: Console) -> None:
    table = Table("simulated", "calls", "in time", "s", "goal, s", "CPU, µs a call", "× peer's CPU", "memory, MB")
    for one in told:
        table.add_row(
            one.case,
            f"{one.calls:,}",
            f"{100 * one.answered_in_time:.1f} %",
            f"{one.seconds:.1f}",
            f"{one.goal_s:.1f} {'met' if one.seconds < one.goal_s else 'MISSED'}",
            f"{1e6 * one.cpu_s / one.calls:.0f}",
            f"{one.ratio:.0f}",
            f"{one.memory_mb:.0f} {'' if one.memory_mb < MEMORY_MB_MAX else 'MISSED'}",
        )
    console.width = max(console.width, 100)
    console.print(table)


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.days", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="four weeks of 020202 instead of a year")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
