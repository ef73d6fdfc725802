"""The figures of a run: for machines as one JSON object, for people as a table."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.cost import Spent
from bench.handover import Block, HandOver
from bench.parts import Parts

GOALS = {5: 50, 50: 30}  # callers waiting → how many times sooner than app_queue, at the median
HAND_OVERS_LEAST = 100
Figures = dict[str, Any]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` (over 0, up to 100) of all values do not exceed; NaN of none."""
    if not values:
        return math.nan
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def of_centre(blocks: Sequence[Block], idle: Spent) -> Figures:
    """What one centre did with one length of line. `idle`: what it spends in a second without calls."""
    hand_overs = [one for block in blocks for one in block.hand_overs]
    talks, elapsed_s = sum(block.talks for block in blocks), sum(block.elapsed_s for block in blocks)
    spent = sum((block.spent for block in blocks), Spent()) - idle * elapsed_s
    return {
        **_times(hand_overs),
        "calls": talks,
        "calls_per_s": round(talks / elapsed_s, 2),
        "asterisk_cpu_ms_per_call": round(1000 * spent.asterisk_s / talks, 1),
        "engine_cpu_ms_per_call": round(1000 * spent.engine_s / talks, 2),
        "ari_requests_per_call": round(spent.requests / talks, 1),
        "ari_events_per_call": round(spent.events / talks, 1),
    }


def _times(hand_overs: Sequence[HandOver]) -> Figures:
    took_s = [one.took_s for one in hand_overs]
    return {
        "hand_overs": len(took_s),
        "median_ms": _ms(median(took_s)),
        "p95_ms": _ms(percentile(took_s, 95)),
        "longest_ms": _ms(max(took_s)),
        "waiting_median": median(one.waiting for one in hand_overs),
        "waiting_least": min(one.waiting for one in hand_overs),
    }


def of_parts(parts: Sequence[Parts]) -> Figures:
    """Where the time of ours goes: medians, and the 95th percentile of each part."""
    return {
        name: {"median_ms": _ms(median(values)), "p95_ms": _ms(percentile(values, 95))}
        for name, values in (
            ("heard", [one.heard_s for one in parts]),
            ("decided", [one.decided_s for one in parts]),
            ("rung", [one.rung_s for one in parts]),
        )
        if values
    }


def compared(waiting: int, ours: Figures, theirs: Figures) -> Figures:
    """`times_sooner`: app_queue's time over ours. Of too few hand-overs, nothing is said about the goal."""
    sooner = {key: round(theirs[f"{key}_ms"] / ours[f"{key}_ms"], 1) for key in ("median", "p95")}
    goal = GOALS.get(waiting) if ours["hand_overs"] >= HAND_OVERS_LEAST else None
    met = sooner["median"] >= goal if goal else None
    return {"times_sooner": sooner, "goal": goal, "goal_met": met}


def of_lag(blocks: Sequence[Block]) -> Figures:
    lags_s = [lag_s for block in blocks for lag_s in block.lags_s]
    return {"median_ms": _ms(percentile(lags_s, 50)), "p99_ms": _ms(percentile(lags_s, 99))}


def of_idle(idle: Spent) -> Figures:
    return {
        "asterisk_cpu_ms_per_s": round(1000 * idle.asterisk_s, 1),
        "engine_cpu_ms_per_s": round(1000 * idle.engine_s, 1),
        "ari_requests_per_s": round(idle.requests, 1),
    }


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 2)


# --- for people

ROWS = (
    ("hand-overs", "hand_overs"),
    ("callers waiting at the hang-up, median", "waiting_median"),
    ("… least", "waiting_least"),
    ("BYE → next INVITE, median, ms", "median_ms"),
    ("… 95th percentile, ms", "p95_ms"),
    ("… longest, ms", "longest_ms"),
    ("calls a second", "calls_per_s"),
    ("Asterisk's CPU, ms a call", "asterisk_cpu_ms_per_call"),
    ("the engine's CPU, ms a call", "engine_cpu_ms_per_call"),
    ("ARI requests a call", "ari_requests_per_call"),
    ("ARI events a call", "ari_events_per_call"),
)


def show(figures: Figures, console: Console) -> None:
    for level in figures["levels"]:
        console.print(_table(level))
        console.print(_verdict(level), highlight=False)
    _show_conditions(figures, console)


def _table(level: Figures) -> Table:
    table = Table("", "centralino", "app_queue", title=f"{level['waiting']} callers waiting", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for title, key in ROWS:
        table.add_row(title, str(level["centralino"][key]), str(level["app_queue"][key]))
    return table


def _verdict(level: Figures) -> str:
    sooner, goal = level["times_sooner"], level["goal"]
    words = f"{sooner['median']:g} times sooner at the median, {sooner['p95']:g} at the 95th percentile"
    if goal:
        words += f"; the goal of {goal} is {'met' if level['goal_met'] else 'MISSED'}"
    parts = ", ".join(f"{name} {part['median_ms']:g} / {part['p95_ms']:g}" for name, part in level["parts"].items())
    return f"{words}.\nOurs, median / p95 in ms: {parts}.\n"


def _show_conditions(figures: Figures, console: Console) -> None:
    lag, ours, theirs = figures["phones_loop_lag"], *(figures["idle"][name] for name in ("centralino", "app_queue"))
    console.print(
        f"Without calls, in ms of CPU a second (taken off above): our engine {ours['engine_cpu_ms_per_s']:g}, our"
        f" Asterisk {ours['asterisk_cpu_ms_per_s']:g}, app_queue's {theirs['asterisk_cpu_ms_per_s']:g}.\n"
        f"Our phones' loop was late by {lag['median_ms']:g} ms (median) and {lag['p99_ms']:g} ms (p99).\n"
        f"Asterisk {figures['asterisk']}, {figures['cores']} cores, load {figures['load'][0]:g} before"
        f" and {figures['load'][1]:g} after, {figures['agents']} agents, {figures['took_s']:g} s.",
        highlight=False,
        soft_wrap=True,
    )
