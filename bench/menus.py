"""`python -m bench.menus`: how soon a large deployment is checked, and a call is walked a step. See bench/README.md."""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import yaml
from rich.console import Console
from rich.table import Table

from bench.report import Figures
from centralino import settings
from centralino.events import Entry, KeyPressed
from centralino.speaking import system_sentences
from ivr.actions import Place
from ivr.menu import Dialplan
from ivr.situation import QueueNow
from ivr.walk import Walker

NUMBERS, STEPS = 200, 50  # steps of each number: ten blocks of a greeting, a menu, digits, a choice and a queue
BLOCKS = STEPS // 5
CHECK_S_MAX = 5.0
STEP_US_MAX = 50.0
MONDAY_NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)


# --- the deployment that is checked


def write(folder: Path, numbers: int) -> int:
    """Write a deployment of so many numbers, each with a queue and two agents of its own; how many bytes it has."""
    names = [f"{55000 + number:06}" for number in range(numbers)]
    files: dict[str, Any] = {
        "centralino.yaml": {
            "nodes": {"bench": {"manage": True, "sip": "127.0.0.1:5060"}},
            "carrier": {"peers": ["127.0.0.1"]},
        },
        "queues.yaml": {"queues": {f"q{name}": _queue(name) for name in names}},
        "agents.yaml": {
            "sites": {"here": {"name": "Here", "node": "bench", "seats": 500}},
            "phones": {},
            "agents": {f"a{n}-{name}": _agent(name) for name in names for n in (1, 2)},
        },
        "entities.yaml": {"entities": {f"e{name}": {"name": f"Comune {name}", "numbers": [name]} for name in names}},
        **{f"dialplans/{name}.yaml": _dialplan(name) for name in names},
    }
    (folder / "dialplans").mkdir()
    for file, content in files.items():
        (folder / file).write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True))
    return sum(path.stat().st_size for path in folder.glob("**/*.yaml"))


def _queue(name: str) -> dict[str, Any]:
    return {
        "needs": {f"s{name}": 2},
        "ring": "20s",
        "wrap_up": "30s",
        "longest_wait": {"after": "15m", "then": "voicemail"},
    }


def _agent(name: str) -> dict[str, Any]:
    return {"name": f"Agent {name}", "site": "here", "skills": {f"s{name}": 3}, "languages": {"it": 5, "en": 3}}


def _dialplan(name: str) -> dict[str, Any]:
    steps: dict[str, Any] = {}
    for block in range(BLOCKS):
        steps |= _block(name, block, f"welcome{block + 1}" if block + 1 < BLOCKS else f"line{block}")
    return {
        "number": name,
        "name": f"Linea {name}",
        "entity": f"e{name}",
        "languages": ["it", "en"],
        "hours": {"mon-sat": "08:00-20:00", "holidays": ["IT", "06-24"]},
        "closed": "line0",
        "start": "welcome0",
        "steps": steps,
        "tests": [{"at": "2026-11-23 10:00", "press": "1", "ends": f"queue q{name}"}],
    }


def _block(name: str, block: int, after: str) -> dict[str, Any]:
    def said(text: str) -> dict[str, str]:
        return {"it": f"{text} numero {block}, perché è così.", "en": f"{text} number {block}, because it is so."}

    return {
        f"welcome{block}": {"say": said("Benvenuti"), "then": f"main{block}"},
        f"main{block}": {
            "menu": {
                "say": said("Premi 1"),
                "keys": {
                    "1": f"line{block}",
                    "2": f"digits{block}",
                    "3": f"choice{block}",
                    "4": after,
                    "9": {"language": "en", "entity": f"e{name}", "go": f"main{block}"},
                },
                "wait": "5s",
                "tries": 3,
                "otherwise": f"line{block}",
            }
        },
        f"digits{block}": {
            "ask": {"say": said("Digiti"), "note": "pratica", "digits": "4-16", "otherwise": f"line{block}"},
            "then": f"line{block}",
        },
        f"choice{block}": {
            "choose": [
                {"language": "en", "caller": "+49", "go": f"digits{block}"},
                {"queue": f"q{name}", "waiting_over": 20, "go": after},
                {"go": f"line{block}"},
            ]
        },
        f"line{block}": {"queue": f"q{name}"},
    }


# --- what is timed


class Around:
    """A call on a Monday at noon, with nobody waiting."""

    caller = "+39055123456"

    def now(self) -> datetime:
        return MONDAY_NOON

    def queue(self, name: str, language: str) -> QueueNow:
        return QueueNow(waiting=3, signed_in=2, expected_wait_s=40.0)


@dataclass(frozen=True, slots=True)
class Pair:
    """What we do, what it is compared with, and what both must be repeated to be seen."""

    name: str
    ours: Callable[[], object]
    peer: Callable[[], object]
    times: int
    goal_s: float | None = None


def pairs(folder: Path, plan: Dialplan) -> Iterator[Pair]:
    files = sorted(folder.glob("**/*.yaml"))
    yield Pair("check", lambda: settings.examine(folder), lambda: _composed(files), 1, CHECK_S_MAX)
    walker = Walker(plan, system_sentences(), Around())
    in_menu = Place("main0", "it", listening=True)
    in_digits = walker.pressed(in_menu, "2")[0]
    for name, step in (
        ("press a key", lambda: walker.pressed(in_menu, "1")),
        ("press a wrong key", lambda: walker.pressed(in_menu, "7")),
        ("key in a digit", lambda: walker.pressed(in_digits, "5")),
        ("press and choose", lambda: walker.pressed(in_menu, "3")),
    ):
        yield Pair(name, step, _journalled, 2_000, STEP_US_MAX / 1e6)
    yield Pair("arrive: is it open?", walker.arrive, _journalled, 2_000)


def _composed(files: Sequence[Path]) -> None:
    """The floor of a check: the same files, read by the same parser into nodes, and nothing looked at."""
    for file in files:
        yaml.compose(file.read_text(), Loader=yaml.CSafeLoader)


_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(Entry).decode
_ENTRY = Entry(n=1, at_s=1.0, event=KeyPressed(call="1764000000.17", step="main0", key="1", why="the key was pressed"))


def _journalled() -> Entry:
    """What any step costs beside the walking: one line of the journal, written as JSON and read again."""
    return _decode(_encode(_ENTRY))


def timed(pair: Pair, rounds: int) -> Figures:
    """Ours and the peer in turn, so that what disturbs this machine disturbs both."""
    ours_s, peer_s = [], []
    for _ in range(rounds):
        ours_s.append(_took_s(pair.ours, pair.times))
        peer_s.append(_took_s(pair.peer, pair.times))
    ratios = [mine / theirs for mine, theirs in zip(ours_s, peer_s, strict=True)]
    return {
        "name": pair.name,
        "rounds": rounds,
        "ours_us": _spread([1e6 * took_s for took_s in ours_s]),
        "peer_us": _spread([1e6 * took_s for took_s in peer_s]),
        "ratio": _spread(ratios),
        "goal_us": pair.goal_s and 1e6 * pair.goal_s,
        "goal_met": median(ours_s) < pair.goal_s if pair.goal_s else None,
    }


def _took_s(do: Callable[[], object], times: int) -> float:
    began_s = time.process_time()
    for _ in range(times):
        do()
    return (time.process_time() - began_s) / times


def _spread(values: Sequence[float]) -> Figures:
    return {"median": round(median(values), 2), "least": round(min(values), 2), "most": round(max(values), 2)}


def measure(numbers: int, rounds: int, say: Console) -> Figures:
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="centralino-bench-") as name:
        folder = Path(name)
        size_bytes = write(folder, numbers)
        loaded, problems = settings.examine(folder)  # the first time reads holidays and time zones; it does not count
        assert loaded, f"the bench's own deployment is wrong: {problems[:3]}"
        plan = next(iter(loaded.dialplans.values()))
        rows = []
        for pair in pairs(folder, plan):
            say.print(f"{pair.name}: {rounds} rounds")
            rows.append(timed(pair, rounds))
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "numbers": numbers,
        "steps": numbers * len(plan.steps),
        "mb": round(size_bytes / 1e6, 1),
        "warnings": len(problems),
        "cores": os.cpu_count(),
        "load": [round(load_before, 2), round(os.getloadavg()[0], 2)],
        "rows": rows,
    }


# --- for people


def show(figures: Figures, console: Console) -> None:
    title = f"{figures['numbers']} numbers, {figures['steps']:,} steps, {figures['mb']:g} MB of YAML"
    table = Table("", "centralino", "its peer", "ratio", "its spread", "goal: under", title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in figures["rows"]:
        ratio, goal = row["ratio"], ""
        if row["goal_us"]:
            goal = f"{_shown(row['goal_us'])}, {'met' if row['goal_met'] else 'MISSED'}"
        spread = f"{ratio['least']:.3g} to {ratio['most']:.3g}"
        ours, peer = _shown(row["ours_us"]["median"]), _shown(row["peer_us"]["median"])
        table.add_row(row["name"], ours, peer, f"{ratio['median']:.3g}", spread, goal)
    console.print(table)
    console.print(
        "The peer of a check: the same files as YAML nodes, and nothing looked at. The peer of a step: its line\n"
        f"in the journal, written and read again. CPU time, medians of {figures['rows'][0]['rounds']} rounds, in turn."
        f" {figures['cores']} cores,"
        f" load {figures['load'][0]:g} before and {figures['load'][1]:g} after.",
        highlight=False,
        soft_wrap=True,
    )


def _shown(time_us: float) -> str:
    for unit, unit_us in (("s", 1e6), ("ms", 1e3)):
        if time_us >= unit_us:
            return f"{time_us / unit_us:.2g} {unit}"
    return f"{time_us:.2g} µs"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.menus", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 numbers, 2 rounds: a look whether it works")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--numbers", type=int, default=NUMBERS, help=f"of {STEPS} steps each (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="of each, in turn (default: %(default)s)")
    words = parser.parse_args()
    numbers, rounds = (10, 2) if words.quick else (words.numbers, words.rounds)
    figures = measure(numbers, rounds, Console(stderr=True, highlight=False, soft_wrap=True))
    if words.json:
        print(json.dumps(figures, indent=2))
    else:
        show(figures, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
