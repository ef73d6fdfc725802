"""Replications in parallel processes, with a bar; and what one configuration changes against another."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from acd.simulation import Result
from centralino import outcomes
from centralino.outcomes import Estimate, Key, Row
from centralino.simulating import Plan, World, joined, parts, simulate

LOOK_EVERY_S = 0.2
FORK = multiprocessing.get_context("fork")  # at once; no thread runs here that a fork could leave half-way
_days_done: "Synchronized[int]"  # in a process of the pool: shared by all of them


@dataclass(frozen=True, slots=True)
class Compared:
    """`rows`: what the configuration comes to; `before`: the other; `sentences`: what changes, for people."""

    rows: Mapping[Key, Row]
    within_s: Mapping[str, float]
    before: Mapping[Key, Row] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()


def run(worlds: Sequence[World], plan: Plan, console: Console) -> list[list[Result]]:
    """All replications of each world, in order."""
    done: Synchronized[int] = FORK.Value("L", 0)
    born = (done, os.getpid())
    pieces, each = parts(plan), range(plan.replications)
    with ProcessPoolExecutor(os.cpu_count(), FORK, initializer=_begin, initargs=born) as pool, _ended_at_once(pool):
        runs = [[[pool.submit(_one, world, piece, n) for piece in pieces] for n in each] for world in worlds]
        futures = [future for of_world in runs for whole in of_world for future in whole]
        _watch(futures, done, len(worlds) * plan.replications * plan.days, console)
        return [[joined([future.result() for future in whole]) for whole in of_world] for of_world in runs]


def _watch(futures: Sequence[Future[Result]], done: "Synchronized[int]", days: int, console: Console) -> None:
    """Show how many of `days` are done, until all are. Raises what goes wrong in one of them."""
    columns = TextColumn("simulating"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
        task = bar.add_task("", total=days)
        while wait(futures, LOOK_EVERY_S).not_done:
            bar.update(task, completed=done.value, refresh=True)
            for future in futures:
                if future.done():
                    future.result()


@contextmanager
def _ended_at_once(pool: ProcessPoolExecutor) -> Iterator[None]:
    """Whatever goes wrong, Ctrl-C among it: nobody waits for what is being simulated, or would be next."""
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.kill()  # it keeps nothing, and may not have come to where it would heed a gentler word
        raise


def _begin(done: "Synchronized[int]", parent: int) -> None:
    """In a process of the pool: Ctrl-C is for who started it, without whom there is nobody to work for."""
    global _days_done  # noqa: PLW0603 - the pool hands a shared value over at its birth only
    _days_done = done
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_S)
    os._exit(1)


def _one(world: World, plan: Plan, replication: int) -> Result:
    return simulate(world, plan, replication, _day_is_over)


def _day_is_over() -> None:
    with _days_done.get_lock():
        _days_done.value += 1


# --- comparing


def compared(worlds: Sequence[World], results: Sequence[Sequence[Result]]) -> Compared:
    """What `run` came to: of one world, or of the one before and the one that it was changed into."""
    rules = worlds[-1].rules
    after = outcomes.rows(results[-1], rules)
    within_s = {name: one.target_within_s for name, one in rules.items()}
    if len(worlds) == 1:
        return Compared(after, within_s)
    before = outcomes.rows(results[0], worlds[0].rules)
    told = []
    for key in sorted(key for key in after if key[0] == "queue" and key in before):
        queue = key[1]
        by = outcomes.differences(results[0], results[-1], queue)
        told.append(_sentence(queue, before[key]["of_all"], after[key]["of_all"], by, within_s[queue]))
    return Compared(after, within_s, before, tuple(told))


def _sentence(queue: str, before: Estimate | None, after: Estimate | None, by: Estimate | None, within_s: float) -> str:
    if before is None or after is None or by is None:
        return f"nobody calls {queue} in some of these days"
    from_to = f"from {100 * before.mean:.1f} % to {100 * after.mean:.1f} %"
    if by.give_or_take is None:
        return f"this change takes {queue} {from_to} within {within_s:g} s (one replication: nobody knows how sure)"
    sure = f"a change of {100 * by.mean:+.1f} ± {100 * by.give_or_take:.1f} points"
    if abs(by.mean) <= by.give_or_take:
        return f"this change leaves {queue} as it is, as far as this tells: {from_to} within {within_s:g} s ({sure})"
    return f"this change takes {queue} {from_to} within {within_s:g} s ({sure})"


def as_data(plan: Plan, told: Compared) -> dict[str, Any]:
    """For machines."""
    data: dict[str, Any] = {
        "profiles": [profile.number for profile in plan.profiles],
        "from": str(plan.begin),
        "days": plan.days,
        "seed": plan.seed,
        "replications": plan.replications,
        "rows": _rows(told.rows),
    }
    return {**data, "against": _rows(told.before), "sentences": list(told.sentences)} if told.before else data


def _rows(rows: Mapping[Key, Row]) -> list[dict[str, Any]]:
    return [
        {"of": scope, "name": name, **{key: asdict(value) if value else None for key, value in row.items()}}
        for (scope, name), row in rows.items()
    ]
