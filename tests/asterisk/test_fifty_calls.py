"""Fifty citizens, five agents, and everybody hangs up when they please: nothing is lost and nothing is left."""

import asyncio
import random
from contextlib import AsyncExitStack

import pytest

from demo.calls import Call, IncomingCall
from demo.phone import Phone
from demo.sounds import voice
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLS, AGENTS, AT_ONCE = 50, 5, 12
LONGEST_S = 20.0


class Seat:
    """An agent who answers after a moment and hangs up sometimes."""

    def __init__(self, phone: Phone, chance: random.Random) -> None:
        self._chance = chance
        self._tasks: set[asyncio.Task[None]] = set()
        phone.on_incoming = self._rung

    def _rung(self, ring: IncomingCall) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(ring))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, ring: IncomingCall) -> None:
        try:
            await asyncio.wait_for(ring.ended.wait(), self._chance.uniform(0.1, 1.5))
            return  # the caller gave up first
        except TimeoutError:
            if self._chance.random() < 0.1:
                ring.reject()
                return
        call = await ring.answer()
        call.play(voice(3), loop=True)
        await talk_until_somebody_hangs_up(call, self._chance)


async def talk_until_somebody_hangs_up(call: Call, chance: random.Random) -> None:
    try:
        await call.wait_ended(chance.uniform(0.2, 3.0))
    except TimeoutError:
        await call.hang_up()


async def citizen_calls(house: House, number: str, chance: random.Random, at_once: asyncio.Semaphore) -> None:
    async with at_once, house.citizen(number) as phone:
        call = await phone.call("055055")
        call.press(chance.choice("11117"))
        try:
            await call.wait_ended(chance.uniform(0.1, LONGEST_S))
        except TimeoutError:
            await call.hang_up()


async def test_fifty_calls_make_fifty_records_and_cases_and_leave_nothing(house: House) -> None:
    chance = random.Random(5)
    before = {row["id"] for row in await house.json("calls", "--limit", "1000")}
    async with AsyncExitStack() as hall, asyncio.TaskGroup() as town:
        for n in range(1, AGENTS + 1):
            Seat(await hall.enter_async_context(house.agent(f"a100{n}", f"p10{n}")), chance)
        at_once = asyncio.Semaphore(AT_ONCE)
        callers = [town.create_task(citizen_calls(house, f"+390554{n:05d}", chance, at_once)) for n in range(CALLS)]
        _, unfinished = await asyncio.wait(callers, timeout=110)
        assert not unfinished
        await house.until_ended(30)
        await house.until(lambda now: {a["doing"] for a in now["agents"].values()} == {"free"})
    await house.row("calls", lambda c: c["number"] == f"+390554{CALLS - 1:05d}" and c["state"] == "ended")
    await house.no_leftovers()
    calls = [row for row in await house.json("calls", "--limit", "1000") if row["id"] not in before]
    assert len(calls) == CALLS
    assert {row["state"] for row in calls} == {"ended"}
    assert len({row["case_id"] for row in calls}) == CALLS
    assert {row["outcome"] for row in calls} >= {"answered", "abandoned"}
    code, said = await house.cli("audit")
    assert code == 0, said
