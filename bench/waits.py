"""What callers are told of their wait, against what they waited. `python -m bench.waits`

The month of 055055 in simulated time, and a week of 060606, where most wait. Two moments: what somebody who enters now
is expected to wait, and what those who wait are told on the way (the middle of the range). Beside it, for the same
calls at the same moments, the two figures of app_queue: its hold time, (3·old + new)/4 after each answer, less what was
waited already; and what it speaks, |hold + 30 - waited|, before it is cut to minutes.

How long somebody would have waited who gave up, nobody knows; and who was answered has waited less than most. So a
second run gives each tenth caller endless patience, and looks at these only.
"""

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from statistics import mean

from rich import box
from rich.console import Console
from rich.table import Table

from acd.arrivals import Caller
from acd.decisions import Decision, LeaveQueue, Tell
from acd.floor import Answered, Floor
from acd.rules import QueueRules
from acd.waiting import WaitingCall
from centralino.profiles import load_profile
from centralino.settings import load
from centralino.simulating import Plan, begun, callers_of, go_through, world_of

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Case:
    number: str
    days: int
    begin: date


CASES = (Case("055055", 31, date(2014, 7, 1)), Case("060606", 7, date(2026, 1, 7)))


@dataclass(frozen=True, slots=True)
class Estimate:
    """What was expected at `at_s` of the time from then on. `range_s`: as it was told."""

    at_s: float
    ours_s: float
    hold_s: float
    spoken_s: float
    range_s: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Error:
    mean_s: float
    bias_s: float


@dataclass(frozen=True, slots=True)
class Row:
    case: str
    moment: str
    whose: str
    calls: int
    waited_s: float
    ours: Error
    hold: Error
    spoken: Error
    in_range: float | None


class Overheard(Floor):
    """The floor, and somebody who notes what it expects and what comes of it."""

    def __init__(self, rules: Mapping[str, QueueRules], is_looked_at: Callable[[str], bool]) -> None:
        super().__init__(rules)
        self.entering: list[tuple[Estimate, float]] = []  # with what was waited from then on
        self.told: list[tuple[Estimate, float]] = []
        self._is_looked_at = is_looked_at
        self._entered_s: dict[str, float] = {}
        self._hold_s: dict[str, int] = defaultdict(int)  # by queue
        self._of: dict[str, list[Estimate]] = {}

    def enter_anyway(self, call: WaitingCall, now_s: float) -> list[Decision]:
        self._entered_s[call.id], self._of[call.id] = now_s, []
        expected_s = self.expected_wait_s(call.queue, call.language, now_s)
        if expected_s is not None:
            self._of[call.id].append(self._estimate(call.id, call.queue, expected_s, now_s))
        return self._heard(super().enter_anyway(call, now_s), now_s)

    def due(self, now_s: float) -> list[Decision]:
        return self._heard(super().due(now_s), now_s)

    def leave(self, call_id: str, now_s: float) -> list[Decision]:
        self._take_estimates(call_id)
        return super().leave(call_id, now_s)

    def answered(self, leg: str, now_s: float) -> Answered | None:
        agent = self.agent_at(leg)
        queue = agent.queue if agent else ""
        answered = super().answered(leg, now_s)
        if answered is not None:
            call_id = answered.call
            self._hold_s[queue] = (3 * self._hold_s[queue] + int(now_s - self._entered_s[call_id])) >> 2
            estimates = self._take_estimates(call_id)
            for estimate in estimates if self._is_looked_at(call_id) else ():
                moment = self.told if estimate.range_s else self.entering
                moment.append((estimate, now_s - estimate.at_s))
        return answered

    def _heard(self, decisions: list[Decision], now_s: float) -> list[Decision]:
        for decision in decisions:
            if isinstance(decision, Tell) and decision.wait_s:
                told = self._estimate(decision.call, decision.queue, sum(decision.wait_s) / 2, now_s)
                self._of[decision.call].append(replace(told, range_s=decision.wait_s))
            elif isinstance(decision, LeaveQueue):
                self._take_estimates(decision.call)
        return decisions

    def _estimate(self, call_id: str, queue: str, ours_s: float, now_s: float) -> Estimate:
        left_s = self._hold_s[queue] - (now_s - self._entered_s[call_id])
        return Estimate(now_s, ours_s, abs(left_s), abs(left_s + 30))

    def _take_estimates(self, call_id: str) -> list[Estimate]:
        self._entered_s.pop(call_id, None)
        return self._of.pop(call_id, [])


def is_tenth(call_id: str) -> bool:
    return int(call_id[1:]) % 10 == 0


def each_tenth_is_patient(who: Iterable[Caller]) -> Iterator[Caller]:
    for n, caller in enumerate(who, start=1):
        yield caller._replace(patience_s=math.inf) if is_tenth(f"c{n}") else caller


def measure(case: Case, seed: int, *, patient: bool) -> list[Row]:
    configuration = load(ROOT)
    profile = load_profile(ROOT / "profiles" / f"{case.number}.yaml", configuration)
    plan = Plan((profile,), case.begin, case.days, seed)
    here = world_of(configuration, plan.queues)
    who = callers_of(here, plan, 0)
    simulation = begun(here, plan, 0, each_tenth_is_patient(who) if patient else who)
    floor = simulation.floor = Overheard(here.rules, is_tenth if patient else lambda call: True)
    go_through(simulation, here, plan, lambda: None)
    whose = "never give up" if patient else "were answered"
    name = f"{case.number}, {case.days} days"
    return [_row(name, moment, whose, seen) for moment, seen in (("enter", floor.entering), ("are told", floor.told))]


def _row(case: str, moment: str, whose: str, seen: list[tuple[Estimate, float]]) -> Row:
    ranges = [(one.range_s, waited_s) for one, waited_s in seen if one.range_s]
    return Row(
        case,
        moment,
        whose,
        len(seen),
        mean(waited_s for _, waited_s in seen),
        _error([one.ours_s - waited_s for one, waited_s in seen]),
        _error([one.hold_s - waited_s for one, waited_s in seen]),
        _error([one.spoken_s - waited_s for one, waited_s in seen]),
        mean(least_s <= waited_s <= most_s for (least_s, most_s), waited_s in ranges) if ranges else None,
    )


def _error(errors_s: list[float]) -> Error:
    return Error(mean(abs(error_s) for error_s in errors_s), mean(errors_s))


def main() -> int:
    words = _words()
    jobs = [(case, patient) for case in CASES for patient in (False, True)]
    with ProcessPoolExecutor() as workers:
        futures = [workers.submit(measure, case, words.seed, patient=patient) for case, patient in jobs]
        rows = [row for future in futures for row in future.result()]
    if words.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        _show(rows, Console())
    return 0


def _show(rows: list[Row], console: Console) -> None:
    table = Table(title="seconds: mean error, and (bias)", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("simulated", "when they", "who"):
        table.add_column(column, no_wrap=True)
    for column in ("times", "waited", "ours", "in the\nrange", "app_queue's\nhold time", "app_queue\nspeaks"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.case,
            row.moment,
            row.whose,
            f"{row.calls:,}",
            f"{row.waited_s:.1f}",
            _cell(row.ours),
            "" if row.in_range is None else f"{100 * row.in_range:.0f} %",
            _cell(row.hold),
            _cell(row.spoken),
        )
    console.width = max(console.width, 116)
    console.print(table)


def _cell(error: Error) -> str:
    return f"{error.mean_s:.1f} ({error.bias_s:+.1f})"


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.waits", description=__doc__)
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
