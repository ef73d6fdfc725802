"""A waiting room that anybody can check by eye, to hold the formulas and the simulated floor against.

First come, first served by agents alike: each caller is offered the agent who is free first, and goes if that is later
than their patience. Two ways of writing it: one stream of callers (to compare with the floor, which gets the same), and
thousands of independent days at once (to compare with formulas).
"""

import heapq
import math
from collections.abc import Iterable
from functools import cache

import numpy as np

from acd.arrivals import Caller
from acd.erlang import Expected, Load
from acd.service_level import Tally

DAYS = 10_000  # at once
WARM_UP = 300  # callers of each day who are not counted


def serve(callers: Iterable[Caller], free_at_s: list[float], within_s: float) -> Tally:
    """What becomes of `callers`. `free_at_s`: when each agent is free, as a heap; it is left as it is after them."""
    tally = Tally()
    for caller in callers:
        begins_s = max(caller.at_s, free_at_s[0])
        wait_s = begins_s - caller.at_s
        tally.came += 1
        if wait_s <= caller.patience_s:
            heapq.heapreplace(free_at_s, begins_s + caller.talk_s)
            tally.count_answer(wait_s, caller.talk_s, in_time=wait_s <= within_s)
        else:
            tally.abandoned += 1
            tally.abandoned_in_time += caller.patience_s <= within_s
    return tally


@cache
def long_run(load: Load, agents: int, within_s: float, calls: int, seed: int) -> Expected:
    """What becomes of some `calls` calls, from chance alone: no formula is used."""
    chance = np.random.default_rng(seed)
    sums = dict.fromkeys(("answered", "in_time", "gave_up", "waits", "wait_s"), 0.0)
    free_at, now, each = np.zeros((agents, DAYS)), np.zeros(DAYS), np.arange(DAYS)
    patience = np.full(DAYS, np.inf)
    rounds = math.ceil(calls / DAYS)
    for n in range(WARM_UP + rounds):
        now += chance.exponential(1 / load.calls_per_s, DAYS)
        first = free_at.argmin(axis=0)
        soonest = free_at[first, each]
        wait = np.maximum(soonest - now, 0.0)
        if load.patience_s:
            patience = chance.exponential(load.patience_s, DAYS)
        stays = wait <= patience
        free_at[first, each] = np.where(stays, now + wait + chance.exponential(load.handling_s, DAYS), soonest)
        if n >= WARM_UP:
            sums["answered"] += float(stays.sum())
            sums["in_time"] += float((stays & (wait <= within_s)).sum())
            sums["gave_up"] += float((~stays & (patience <= within_s)).sum())
            sums["waits"] += float((wait > 0).sum())
            sums["wait_s"] += float(wait[stays].sum())
    came = DAYS * rounds
    return Expected(
        answered_in_time=sums["in_time"] / came,
        abandoned_in_time=sums["gave_up"] / came,
        abandoned=1 - sums["answered"] / came,
        waits=sums["waits"] / came,
        asa_s=sums["wait_s"] / sums["answered"],
        occupancy=load.erlangs * sums["answered"] / came / agents,
    )
