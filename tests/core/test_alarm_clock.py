"""What is due comes at its instant: without anybody looking from time to time, and however much else happens."""

import asyncio

import pytest

from centralino.alarm_clock import AlarmClock

WITHIN_S = 5.0
SOON_S = 0.02


class LoopClock:
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()


class Rung:
    def __init__(self) -> None:
        self.at_s: list[float] = []
        self.once = asyncio.Event()

    def __call__(self) -> None:
        self.at_s.append(LoopClock().now_s())
        self.once.set()


async def test_what_is_due_comes_at_its_instant_though_nothing_happens() -> None:
    rung = Rung()
    alarm_clock, at_s = AlarmClock(LoopClock(), rung), LoopClock().now_s() + SOON_S
    alarm_clock.set(at_s)
    await asyncio.wait_for(rung.once.wait(), WITHIN_S)
    assert len(rung.at_s) == 1
    assert rung.at_s[0] >= at_s - 0.001  # the loop's own timers are as exact


@pytest.mark.parametrize("moves", [False, True], ids=["the same instant", "ever earlier ones"])
async def test_a_flood_of_events_does_not_put_off_what_is_due(moves: bool) -> None:
    rung = Rung()
    alarm_clock, at_s = AlarmClock(LoopClock(), rung), LoopClock().now_s() + SOON_S
    until_s = at_s + 20 * SOON_S
    events = 0
    while not rung.at_s and LoopClock().now_s() < until_s:
        events += 1
        alarm_clock.set(at_s - 1e-9 * events if moves else at_s)  # as after each event
        await asyncio.sleep(0)  # the next event is there already
    assert rung.at_s, f"put off by {events} events"
    alarm_clock.stop()


async def test_another_instant_takes_the_place_of_the_first_and_none_of_both() -> None:
    rung = Rung()
    alarm_clock, now_s = AlarmClock(LoopClock(), rung), LoopClock().now_s()
    alarm_clock.set(now_s + 3600)
    alarm_clock.set(now_s + SOON_S)
    await asyncio.wait_for(rung.once.wait(), WITHIN_S)
    alarm_clock.set(LoopClock().now_s() + SOON_S)
    alarm_clock.set(None)
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(2 * SOON_S, later.set)
    await later.wait()
    assert len(rung.at_s) == 1
