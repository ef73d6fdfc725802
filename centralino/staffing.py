"""How many agents a load of calls needs, three times over: Erlang C, Erlang A, and the floor in simulated time."""

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from random import Random
from typing import Any

from acd.agent import AgentProfile
from acd.arrivals import Caller, Chance, Exponential, Hour, Kind, Patience, callers
from acd.erlang import Expected, Load, agents_needed, expected
from acd.rules import QueueRules, SiteRules
from acd.service_level import Tally, Variant, total
from acd.simulation import Change, Result, Simulation
from centralino.durations import NotADuration, seconds
from centralino.outcomes import Estimate, estimate

CALLS_LEAST = 10_000  # of each simulation
CALLS_AN_ERLANG = 100  # so that it is about a hundred handling times long
WARM_UP = 10  # handling times before anything is counted: a hall begins empty, and its line settles after it has filled
PARTS = 10  # from how they differ comes the ±
ERLANGS_MAX = 500.0
QUEUE = "hall"  # the only one


@dataclass(frozen=True, slots=True)
class Question:
    """`target` of all calls are to be answered within `within_s`."""

    load: Load
    target: float
    within_s: float

    @property
    def endless(self) -> Load:
        """The same calls, of whom nobody ever gives up."""
        return replace(self.load, patience_s=None)

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
    of_all: Estimate | None  # the share in time, as the parts of the simulation tell it


@dataclass(frozen=True, slots=True)
class Answer:
    """The fewest agents by each way (None: more than anybody has), and what some numbers of agents come to."""

    by_erlang_c: int | None
    by_erlang_a: int | None
    by_simulation: int | None
    rows: tuple[Row, ...]


def read_question(calls: str, aht: str, target: str, patience: str) -> Question:
    """Of `100/h`, `123s`, `80%/20s` and `3m`. Raises ValueError with a sentence for who typed it."""
    rate = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)/([smhd])", calls.strip())
    aim = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*%?/(\S+)", target.strip())
    if not rate or not float(rate[1]):
        raise ValueError(f"`{calls}` is no rate of calls; write `100/h`")
    if not aim or not 0 < float(aim[1]) < 100:
        raise ValueError(f"`{target}` is no target; write `80%/20s`")
    load = Load(float(rate[1]) / seconds(f"1{rate[2]}"), _seconds(aht, "4h"), _seconds(patience, "1h"))
    if load.erlangs > ERLANGS_MAX:
        raise ValueError(f"{load.erlangs:,.0f} calls at a time are more than we reckon with, {ERLANGS_MAX:g}")
    return Question(load, float(aim[1]) / 100, _seconds(aim[2], "1h"))


def _seconds(text: str, longest: str) -> float:
    try:
        duration_s = seconds(text)
    except NotADuration as wrong:
        raise ValueError(f"{wrong.what}; {wrong.hint}") from wrong
    if not 1 <= duration_s <= seconds(longest):
        raise ValueError(f"`{text}` is too {'short' if duration_s < 1 else 'long'}; from 1s to {longest}")
    return duration_s


def answer(question: Question, seed: int) -> Answer:
    """With a row for as many agents as each formula wants, for one fewer and one more.

    The simulation looks by halves for its own number, from the fewest to the most of these: there may be rows between.
    """
    target, within_s = question.target, question.within_s
    by_c, by_a = agents_needed(question.endless, target, within_s), agents_needed(question.load, target, within_s)
    if by_a is None:
        return Answer(by_c, by_a, None, ())
    near = {n + one for n in (by_a, by_c or by_a) for one in (-1, 0, 1)} - {0}
    rows = {n: row_of(question, n, seed) for n in near}

    def is_reached(agents: int) -> bool:
        if agents not in rows:
            rows[agents] = row_of(question, agents, seed)
        return (rows[agents].simulated.service_level(Variant.OF_ALL) or 0) >= target

    numbers = range(min(near), max(near) + 1)
    n = bisect_left(numbers, True, key=is_reached)
    by_simulation = numbers[n] if n < len(numbers) else None
    return Answer(by_c, by_a, by_simulation, tuple(rows[agents] for agents in sorted(rows)))


def row_of(question: Question, agents: int, seed: int) -> Row:
    by_c, by_a = (expected(load, agents, question.within_s) for load in (question.endless, question.load))
    parts = simulated(question, agents, seed)
    return Row(agents, by_c, by_a, total(parts), estimate([part.service_level(Variant.OF_ALL) for part in parts]))


def simulated(question: Question, agents: int, seed: int) -> list[Tally]:
    """What the floor makes of some `question.calls` callers, part by part, counted once it is as busy as it will be."""
    load, chance = question.load, Random(seed)  # noqa: S311 - a simulation
    calls, warm_s = question.calls / PARTS, WARM_UP * load.handling_s
    begins = [warm_s + n * calls / load.calls_per_s for n in range(PARTS + 1)]
    parts = [Hour(*span, calls, n) for n, span in enumerate(pairwise(begins), 1)]
    hours = [Hour(0.0, warm_s, warm_s * load.calls_per_s, 0), *parts]
    who = callers(hours, [Kind(QUEUE, Exponential(load.handling_s))], Patience(load.patience_s), chance)
    result = on_the_floor(who, agents, question.within_s, chance)
    return [tally for of, tally in result.calls.items() if of.hour]


def on_the_floor(who: Iterable[Caller], agents: int, within_s: float, chance: Chance) -> Result:
    """What becomes of `who`, callers of QUEUE, where `agents` are always here, pick up at once and wrap nothing up."""
    rules = QueueRules(QUEUE, sites=(SiteRules("hall"),), wrap_up_s=0.0, target_within_s=within_s)
    here = [Change(0.0, AgentProfile(f"a{n}", f"p{n}", "hall", {}, frozenset({"it"}))) for n in range(agents)]
    simulation = Simulation({QUEUE: rules}, here, who, chance)
    simulation.run_until(math.inf)
    return simulation.result(0.0)


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


def sentences(question: Question, answer: Answer) -> Iterator[str]:
    aim = f"{100 * question.target:g} % within {question.within_s:g} s"
    if answer.by_erlang_a is None:
        yield f"{aim}: no number of agents that we know reaches it"
        return
    yield (
        f"{aim} needs {answer.by_erlang_c or 'too many'} agents by Erlang C (nobody gives up),"
        f" {answer.by_erlang_a} by Erlang A (callers give up after {question.load.patience_s:g} s on average)"
        f" and {answer.by_simulation or 'more'} by simulation ({question.calls:,} calls{_sure(answer)})."
    )


def _sure(answer: Answer) -> str:
    """How far chance may be from the truth where the simulation reaches the target."""
    there = next((row.of_all for row in answer.rows if row.agents == answer.by_simulation), None)
    return f"; ± {100 * there.give_or_take:.1f} points" if there and there.give_or_take is not None else ""


def as_data(question: Question, answer: Answer) -> dict[str, Any]:
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
        for row in answer.rows
    ]
    needed = {"erlang_c": answer.by_erlang_c, "erlang_a": answer.by_erlang_a, "simulation": answer.by_simulation}
    return {"erlangs": question.load.erlangs, "agents_needed": needed, "rows": rows}


def _finite(figures: dict[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}
