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
from acd.service_level import Tally, Variant
from acd.simulation import Change, Simulation
from centralino.durations import NotADuration, seconds
from centralino.outcomes import Estimate, estimate

CALLS_LEAST = 10_000  # of each simulation
CALLS_AN_ERLANG = 100  # so that it is about a hundred handling times long
WARM_UP = 10  # handling times before anything is counted: it begins with an empty line
PARTS = 10  # from how they differ comes the ±
ERLANGS_MAX = 500.0
ROWS_MAX = 8  # about so many are simulated; between them lies at most what chance moves
UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Asked:
    """`target` of all calls are to be answered within `within_s`."""

    load: Load
    target: float
    within_s: float

    @property
    def calls(self) -> int:
        """How many are simulated."""
        return max(CALLS_LEAST, round(CALLS_AN_ERLANG * self.load.erlangs))


@dataclass(frozen=True, slots=True)
class Row:
    agents: int
    erlang_c: Expected
    erlang_a: Expected
    simulated: Tally
    of_all: Estimate | None


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
    load = Load(float(rate[1]) / UNIT_S[rate[2]], _seconds(aht, "4h"), _seconds(patience, "1h"))
    if load.erlangs > ERLANGS_MAX:
        raise ValueError(f"{load.erlangs:,.0f} calls at a time are more than we reckon with, {ERLANGS_MAX:g}")
    return Asked(load, float(aim[1]) / 100, _seconds(aim[2], "1h"))


def _seconds(text: str, longest: str) -> float:
    try:
        duration_s = seconds(text)
    except NotADuration as wrong:
        raise ValueError(f"{wrong.what}; {wrong.hint}") from wrong
    if not 1 <= duration_s <= seconds(longest):
        raise ValueError(f"`{text}` is too {'short' if duration_s < 1 else 'long'}; from 1s to {longest}")
    return duration_s


def answer(question: Asked, seed: int) -> Answer:
    load, target, within_s = question.load, question.target, question.within_s
    endless = Load(load.calls_per_s, load.handling_s)
    by_c, by_a = agents_needed(endless, target, within_s), agents_needed(load, target, within_s)
    if by_a is None:
        return Answer(by_c, by_a, None, ())
    first, last = max(1, by_a - 1), max(by_c or by_a, by_a) + 1
    numbers = {*range(first, last + 1, (last - first) // ROWS_MAX + 1), by_a, by_c or by_a, last}
    rows = tuple(
        Row(n, expected(endless, n, within_s), expected(load, n, within_s), *simulated(question, n, seed))
        for n in sorted(numbers)
    )
    reached = [row.agents for row in rows if (row.simulated.service_level(Variant.OF_ALL) or 0) >= target]
    return Answer(by_c, by_a, min(reached, default=None), rows)


def simulated(question: Asked, agents: int, seed: int) -> tuple[Tally, Estimate | None]:
    """The floor with one queue and `agents` who are always here and pick up at once; and the service level of all, as
    its parts tell it.
    """
    load = question.load
    rules = QueueRules("q", sites=(SiteRules("hall"),), wrap_up_s=0.0, target_within_s=question.within_s)
    changes = [Change(0.0, AgentProfile(f"a{n}", f"p{n}", "hall", {}, frozenset({"it"}), n)) for n in range(agents)]
    warm_s, part_s = WARM_UP * load.handling_s, question.calls / PARTS / load.calls_per_s
    begins = [warm_s + n * part_s for n in range(PARTS + 1)]
    parts = [Hour(begin, begin + part_s, question.calls / PARTS, n) for n, begin in enumerate(begins[:-1], 1)]
    hours = [Hour(0.0, warm_s, warm_s * load.calls_per_s, 0), *parts]
    chance = Random(seed)  # noqa: S311 - a simulation
    who = callers(hours, [Kind("q", Exponential(load.handling_s))], Patience(load.patience_s), chance)
    simulation = Simulation({"q": rules}, changes, who, chance)
    simulation.run_until(math.inf)
    found = {of.hour: tally for of, tally in simulation.result(begins[-1]).calls.items() if of.hour}
    whole = Tally()
    for tally in found.values():
        whole.add(tally)
    return whole, estimate([tally.service_level(Variant.OF_ALL) for tally in found.values()])


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
        f" and {found.by_simulation or 'more'} by simulation ({question.calls:,} calls{_sure(found)})."
    )


def _sure(found: Answer) -> str:
    """How far chance may be from the truth where the simulation reaches the target."""
    there = next((row.of_all for row in found.rows if row.agents == found.by_simulation), None)
    return f"; ± {100 * there.give_or_take:.1f} points" if there and there.give_or_take is not None else ""


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
                "of_all_give_or_take": row.of_all and row.of_all.give_or_take,
            },
        }
        for row in found.rows
    ]
    needed = {"erlang_c": found.by_erlang_c, "erlang_a": found.by_erlang_a, "simulation": found.by_simulation}
    return {"erlangs": question.load.erlangs, "agents_needed": needed, "rows": rows}


def _finite(figures: dict[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}
