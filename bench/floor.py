"""Decisions of the floor: events a second of CPU time, with few and with many who wait. `python -m bench.floor`

5,000 agents, each with some 5 of 50 skills; 50 queues that need one each; 100, 1,000 and 10,000 calls that wait. All
agents are busy as in a real rush; each round is four events, handled whole with all that they decide: an agent becomes
free and is offered a call (a talk ends, or its wrap-up is over, in turns), their phone rings and answers, another call
comes for it, and a deadline falls due. So the line keeps its length.
"""

import argparse
import json
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from random import Random

from rich.console import Console
from rich.table import Table

from acd.agent import AgentProfile
from acd.decisions import Decision, Offer
from acd.floor import Floor
from acd.goto import HangUp
from acd.rules import QueueRules, SiteRules
from acd.waiting import WaitingCall

AGENTS, SKILLS, SKILLS_EACH = 5_000, 50, 5
SIZES = (100, 1_000, 10_000)
GOAL_PER_S, GOAL_RATIO = 20_000, 2.0
STEP_S = 0.01


@dataclass(frozen=True, slots=True)
class Figures:
    waiting: int
    events: int
    events_per_s: float
    us_by_kind: dict[str, float]


class Rush:
    """A floor on which everybody talks and `waiting` calls wait."""

    def __init__(self, waiting: int, seed: int) -> None:
        self.chance, self.now_s, self.calls = Random(seed), 0.0, 0
        sites = (SiteRules("hall"),)
        self.queues = [f"q{n}" for n in range(SKILLS)]
        self.floor = Floor(
            {
                name: QueueRules(
                    name,
                    needs={name: 1},
                    sites=sites,
                    wrap_up_s=5.0 if n % 2 else 0.0,  # half of the talks leave the agent free at once
                    longest_wait_s=36_000.0,
                    longest_wait_then=HangUp(),
                )
                for n, name in enumerate(self.queues)
            }
        )
        self.talks: deque[str] = deque()
        self.spent: dict[str, list[float]] = {}
        for n in range(AGENTS):
            skills = {name: self.chance.randrange(1, 6) for name in self.chance.sample(self.queues, SKILLS_EACH)}
            self.floor.agent_available(AgentProfile(f"a{n}", f"p{n}", "hall", skills, frozenset({"it"}), n), 0.0)
        while len(self.talks) < AGENTS and self.calls < 40 * AGENTS:
            self.arrive()
        while sum(self.floor.waiting_in(name) for name in self.queues) < waiting:
            self.arrive()
        excess = sum(self.floor.waiting_in(name) for name in self.queues) - waiting
        for call in list(self.floor.calls)[:excess]:
            self.floor.leave(call, self.now_s)
        self.spent.clear()

    def arrive(self) -> None:
        self.calls += 1
        call = WaitingCall(f"c{self.calls}", self.queues[self.calls % SKILLS], "it", self.now_s)
        began_s = time.process_time()
        decisions = self.floor.enter(call, self.now_s)
        self._took("arrival", began_s)
        self.answer(decisions)

    def answer(self, decisions: list[Decision]) -> None:
        for offer in decisions:
            if isinstance(offer, Offer):
                began_s = time.process_time()
                self.floor.rang(offer.leg, self.now_s)
                self.floor.answered(offer.leg, self.now_s)
                self._took("answer", began_s)
                self.talks.append(offer.leg)

    def free_one(self) -> None:
        leg = self.talks.popleft()
        began_s = time.process_time()
        decisions = self.floor.talk_ended(leg, self.now_s)
        self._took("talk ends", began_s)
        self.answer(decisions)

    def let_time_pass(self) -> None:
        self.now_s += STEP_S
        while (at_s := self.floor.next_deadline()) is not None and at_s <= self.now_s:
            began_s = time.process_time()
            decisions = self.floor.due(at_s)
            self._took("timer", began_s)
            self.answer(decisions)

    def round(self) -> None:
        self.let_time_pass()
        self.free_one()
        self.arrive()

    def _took(self, kind: str, began_s: float) -> None:
        self.spent.setdefault(kind, []).append(time.process_time() - began_s)


def measure(waiting: int, rounds: int, seed: int) -> Figures:
    rush = Rush(waiting, seed)
    for _ in range(rounds // 5):  # the wrap-ups of a while: as many as there will be
        rush.round()
    rush.spent.clear()
    for _ in range(rounds):
        rush.round()
    events = sum(len(spent) for spent in rush.spent.values())
    seconds = sum(sum(spent) for spent in rush.spent.values())
    each = {kind: round(1e6 * sum(spent) / len(spent), 1) for kind, spent in rush.spent.items()}
    return Figures(waiting, events, events / seconds, each)


def main() -> int:
    words = _words()
    told = [measure(waiting, words.rounds, words.seed) for waiting in SIZES]
    ratio = told[0].events_per_s / told[-1].events_per_s
    if words.json:
        print(json.dumps({"sizes": [asdict(one) for one in told], "ratio": ratio}, indent=2))
        return 0
    table = Table("waiting", "events", "events a second", "µs an event, by kind")
    for one in told:
        kinds = ", ".join(f"{kind} {us:g}" for kind, us in one.us_by_kind.items())
        table.add_row(f"{one.waiting:,}", f"{one.events:,}", f"{one.events_per_s:,.0f}", kinds)
    console = Console()
    console.width = max(console.width, 100)
    console.print(table)
    fast = "met" if told[-1].events_per_s >= GOAL_PER_S else "MISSED"
    flat = "met" if ratio <= GOAL_RATIO else "MISSED"
    console.print(
        f"The goal of {GOAL_PER_S:,} a second with {SIZES[-1]:,} waiting is {fast}."
        f" An event costs {ratio:.2f} times as much as with {SIZES[0]}; the goal of {GOAL_RATIO:g} is {flat}.",
        highlight=False,
    )
    return 0


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.floor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--rounds", type=int, default=20_000, help="of some four events (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
