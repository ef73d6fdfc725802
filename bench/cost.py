"""What a centre spends while it is measured, and how late our own phones' loop is."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass

import psutil

TICK_S = 0.01


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU time (user and system) in seconds, and what went over ARI. The engine's are 0 where none runs."""

    asterisk_s: float = 0.0
    engine_s: float = 0.0
    requests: float = 0.0
    events: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: "Spent") -> "Spent":
        return self + other * -1

    def __mul__(self, factor: float) -> "Spent":
        return Spent(*(mine * factor for mine in astuple(self)))


def cpu_s(process: psutil.Process) -> float:
    """CPU time of `process` so far. Raises psutil.NoSuchProcess."""
    times = process.cpu_times()
    return times.user + times.system


@asynccontextmanager
async def measured_lag() -> AsyncIterator[list[float]]:
    """Meanwhile, how late each tick of this loop comes, in seconds. Up to 1 ms of it is the timer's own coarseness."""
    lags_s: list[float] = []
    ticking = asyncio.create_task(_tick(lags_s))
    try:
        yield lags_s
    finally:
        ticking.cancel()


async def _tick(lags_s: list[float]) -> None:
    while True:
        due_s = time.monotonic() + TICK_S
        await asyncio.sleep(TICK_S)
        lags_s.append(max(0.0, time.monotonic() - due_s))
