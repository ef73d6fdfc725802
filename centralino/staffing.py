"""How many agents a load of calls needs, three times over: Erlang C, Erlang A, and the floor in simulated time."""

import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from acd.agent import AgentProfile
from acd.arrivals import Exponential, Hour, Kind, Patience, callers
from acd.erlang import Expected, Load, agents_needed, expected
from acd.rules import QueueRules, SiteRules
from acd.service_level import Tally, Variant, total
from acd.simulation import Change, Simulation
from centralino.durations import NotADuration, seconds

CALLS = 10_000  # of each simulation
UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Asked:
    """`target` of all calls are to be answered within `within_s`."""

    load: Load
    target: float
    within_s: float


@dataclass(frozen=True, slots=True)
class Row:
    agents: int
    erlang_c: Expected
    erlang_a: Expected
    simulated: Tally


@dataclass(frozen=True, slots=True)
class Answer:
    """The fewest agents by each way (None: more than anybody has), and what some numbers of agents come to."""

    by_erlang_c: int | None
    by_erlang_a: int | None
    by_simulation: int | None
    rows: tuple[Row, ...]


def asked(calls: str, aht: str, target: str, patience: str) -> Asked:
    """Raises ValueError with a sentence for who typed it."""
    rate = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)/([smhd])", calls.strip())
    aim = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*%?/(\S+)", target.strip())
    if not rate or not float(rate[1]):
        raise ValueError(f"`{calls}` is no rate of calls; write `100/h`")
    if not aim or not 0 < float(aim[1]) < 100:
        raise ValueError(f"`{target}` is no target; write `80%/20s`")
    load = Load(float(rate[1]) / UNIT_S[rate[2]], _seconds(aht), _seconds(patience))
    return Asked(load, float(aim[1]) / 100, _seconds(aim[2]))


def _seconds(text: str) -> float:
    try:
        duration_s = seconds(text)
    except NotADuration as wrong:
        raise ValueError(f"{wrong.what}; {wrong.hint}") from wrong
    if not duration_s:
        raise ValueError(f"`{text}` is too short")
    return duration_s


def answer(question: Asked, seed: int) -> Answer:
    load, target, within_s = question.load, question.target, question.within_s
    endless = Load(load.calls_per_s, load.handling_s)
    by_c, by_a = agents_needed(endless, target, within_s), agents_needed(load, target, within_s)
    if by_a is None:
        return Answer(by_c, by_a, None, ())
    last = max(by_c or by_a, by_a) + 1
    rows = tuple(
        Row(n, expected(endless, n, within_s), expected(load, n, within_s), simulated(question, n, seed))
        for n in range(max(1, by_a - 1), last + 1)
    )
    reached = [row.agents for row in rows if (row.simulated.service_level(Variant.OF_ALL) or 0) >= target]
    return Answer(by_c, by_a, min(reached, default=None), rows)


def simulated(question: Asked, agents: int, seed: int) -> Tally:
    """The floor with one queue and `agents` who are always here and pick up at once."""
    load = question.load
    rules = QueueRules("q", sites=(SiteRules("hall"),), wrap_up_s=0.0, target_within_s=question.within_s)
    changes = [Change(0.0, AgentProfile(f"a{n}", f"p{n}", "hall", {}, frozenset({"it"}), n)) for n in range(agents)]
    hours = [Hour(0.0, CALLS / load.calls_per_s, CALLS)]
    chance = Random(seed)  # noqa: S311 - a simulation
    who = callers(hours, [Kind("q", Exponential(load.handling_s))], Patience(load.patience_s), chance)
    simulation = Simulation({"q": rules}, changes, who, chance)
    simulation.run_until(math.inf)
    return total(simulation.result(hours[0].end_s).calls.values())


# --- for people and machines


def cells(row: Row) -> Iterator[str]:
    c, a, run = row.erlang_c, row.erlang_a, row.simulated
    yield f"{100 * c.answered_in_time:.1f} %"
    yield f"{c.asa_s:.1f}" if c.asa_s < math.inf else "∞"
    yield f"{100 * a.answered_in_time:.1f} %"
    yield f"{a.asa_s:.1f}"
    yield f"{100 * a.abandoned:.1f} %"
    yield f"{100 * a.occupancy:.0f} %"
    yield f"{100 * (run.service_level(Variant.OF_ALL) or 0):.1f} %"
    yield f"{run.asa_s or 0:.1f}"
    yield f"{100 * (run.abandonment or 0):.1f} %"


def sentences(question: Asked, found: Answer) -> Iterator[str]:
    aim = f"{100 * question.target:g} % within {question.within_s:g} s"
    if found.by_erlang_a is None:
        yield f"{aim}: no number of agents that we know reaches it"
        return
    yield (
        f"{aim} needs {found.by_erlang_c or 'too many'} agents by Erlang C (nobody gives up),"
        f" {found.by_erlang_a} by Erlang A (callers give up after {question.load.patience_s:g} s on average)"
        f" and {found.by_simulation or 'more'} by simulation ({CALLS:,} calls)."
    )


def as_data(question: Asked, found: Answer) -> dict[str, Any]:
    rows = [
        {
            "agents": row.agents,
            "erlang_c": _finite(asdict(row.erlang_c)),
            "erlang_a": _finite(asdict(row.erlang_a)),
            "simulated": {
                **{variant.name.lower(): row.simulated.service_level(variant) for variant in Variant},
                "asa_s": row.simulated.asa_s,
                "abandoned": row.simulated.abandonment,
            },
        }
        for row in found.rows
    ]
    needed = {"erlang_c": found.by_erlang_c, "erlang_a": found.by_erlang_a, "simulation": found.by_simulation}
    return {"erlangs": question.load.erlangs, "agents_needed": needed, "rows": rows}


def _finite(figures: dict[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}
