"""The time from an agent's hang-up (our phone sends BYE) to the next INVITE at that same agent's phone.

Callers keep the line at one length: whoever was served calls again. Agents answer at once and talk for a random while,
so that nothing locks to app_queue's poll of once a second.
"""

import asyncio
import time
from dataclasses import dataclass
from random import Random

from bench.centres import BenchFailed, Centre, until_empty
from bench.cost import Spent, measured_lag
from bench.deployment import SERVICE
from demo.phone import Call, CallGone, CallRefused, IncomingCall, Phone

TALK_S = (0.3, 1.3)
CALLS_AGAIN_AFTER_S = (0.05, 0.25)  # under the shortest talk: mostly the line is whole again before the next hang-up
CALLERS_APART_S = 0.02  # the first calls come one after the other, not as a burst
ANSWERED_WITHIN_S = 10.0
STAYS_S_MAX = 600.0
RINGS_WITHIN_S = 30.0
FULL_WITHIN_S = 30.0
EACH_WITHIN_S = 6.0  # of a block's deadline, for each hand-over that is wanted


@dataclass(frozen=True, slots=True)
class HandOver:
    """Instants are those of `time.monotonic()`. `waiting`: how many callers waited at the hang-up."""

    phone: str
    hung_up_s: float
    invited_s: float
    waiting: int

    @property
    def took_s(self) -> float:
        return self.invited_s - self.hung_up_s


@dataclass(frozen=True, slots=True)
class Block:
    """One centre at work for a while. `talks`: how many an agent ended; `lags_s`: of the loop our phones run on."""

    hand_overs: tuple[HandOver, ...]
    talks: int
    elapsed_s: float
    spent: Spent
    lags_s: tuple[float, ...]


class Callers:
    """`size` callers who wait, talk, and call again. `all_here` is set once all of them are on the line."""

    def __init__(self, phone: Phone, size: int, chance: Random) -> None:
        self.all_here = asyncio.Event()
        self.on_line = 0
        self.go_on = True  # why not cancelling alone: `asyncio.wait_for` may swallow that, before Python 3.12
        self._phone, self._size, self._chance, self._refused = phone, size, chance, 0

    async def keep_calling(self) -> None:
        """Until cancelled, with `go_on` off; then all hang up. Raises BenchFailed where ever more calls are refused."""
        async with asyncio.TaskGroup() as everybody:
            for number in range(self._size):
                everybody.create_task(self._caller(f"055{number:07d}"))
                await asyncio.sleep(CALLERS_APART_S)

    async def _caller(self, number: str) -> None:
        while self.go_on:
            try:
                call = await self._phone.call(SERVICE, from_user=number, answer_within_s=ANSWERED_WITHIN_S)
            except CallRefused as refused:
                self._count(refused)
            else:
                await self._stay(call)
            await asyncio.sleep(self._chance.uniform(*CALLS_AGAIN_AFTER_S))

    async def _stay(self, call: Call) -> None:
        self.on_line += 1
        if self.on_line == self._size:
            self.all_here.set()
        try:
            async with call:
                await call.wait_ended(STAYS_S_MAX)
        finally:
            self.on_line -= 1

    def _count(self, refused: CallRefused) -> None:
        self._refused += 1
        if self._refused > self._size:
            raise BenchFailed(f"{self._refused} calls were refused, the last with: {refused}")


class Agents:
    """They answer at once, talk, hang up, and note how long the next call took to come. `enough` is set at `wanted`."""

    def __init__(self, phones: dict[str, Phone], callers: Callers, chance: Random, wanted: int) -> None:
        self.enough = asyncio.Event()
        self.go_on = True
        self.hand_overs: list[HandOver] = []
        self.talks = 0
        self._phones, self._callers, self._chance, self._wanted = phones, callers, chance, wanted
        self._talking, self._begun_s = 0, 0.0

    def begin_anew(self) -> None:
        """What was noted while the line filled does not count, nor a hand-over that began then."""
        self._begun_s = time.monotonic()
        self.hand_overs.clear()
        self.talks = 0
        self.enough.clear()

    async def work(self) -> None:
        """Until cancelled, with `go_on` off. Raises BenchFailed where a phone does not ring for RINGS_WITHIN_S."""
        async with asyncio.TaskGroup() as everybody:
            for name, phone in self._phones.items():
                everybody.create_task(self._agent(name, phone))

    async def _agent(self, name: str, phone: Phone) -> None:
        hung_up: tuple[float, int] | None = None
        while self.go_on:
            try:
                incoming = await phone.ring(RINGS_WITHIN_S)
            except TimeoutError:
                raise BenchFailed(f"phone {name} has not rung for {RINGS_WITHIN_S:g} s") from None
            if hung_up:
                self._note(HandOver(name, hung_up[0], incoming.invited_at, hung_up[1]))
            hung_up = await self._talk(incoming)

    async def _talk(self, incoming: IncomingCall) -> tuple[float, int] | None:
        """When we hung up and how many waited then; None where the caller was gone first."""
        try:
            call = await incoming.answer()
        except CallGone:
            return None
        self._talking += 1
        try:
            await call.wait_ended(self._chance.uniform(*TALK_S))
            return None
        except TimeoutError:
            self.talks += 1
            hung_up = time.monotonic(), self._callers.on_line - self._talking
            return hung_up
        finally:
            self._talking -= 1
            await call.hang_up()

    def _note(self, hand_over: HandOver) -> None:
        if hand_over.hung_up_s < self._begun_s:
            return
        self.hand_overs.append(hand_over)
        if len(self.hand_overs) >= self._wanted:
            self.enough.set()


class Shift:
    """Our phones at one centre: those of its agents, registered, and one with many lines for all callers."""

    def __init__(self, centre: Centre, agents: dict[str, Phone], callers: Phone) -> None:
        self.centre, self._agents, self._callers = centre, agents, callers

    async def block(self, waiting: int, wanted: int, chance: Random) -> Block:
        """At least `wanted` hand-overs with `waiting` callers in line; nobody is on a line before or after.

        Raises BenchFailed.
        """
        callers = Callers(self._callers, waiting + len(self._agents), chance)
        agents = Agents(self._agents, callers, chance, wanted)
        try:
            async with asyncio.TaskGroup() as everybody:
                working = everybody.create_task(agents.work())
                calling = everybody.create_task(callers.keep_calling())
                try:
                    await _within(FULL_WITHIN_S, callers.all_here, f"{self.centre.name}: not all callers were answered")
                    block = await self._measured(agents, EACH_WITHIN_S * wanted)
                finally:
                    callers.go_on = agents.go_on = False
                await _end(calling)  # first: who rings for nobody is told so by the centre
                await _end(working)
        except BaseExceptionGroup as several:
            raise _first(several) from several
        await until_empty(self.centre)
        return block

    async def _measured(self, agents: Agents, within_s: float) -> Block:
        before = await self.centre.spent()
        began_s = time.monotonic()
        agents.begin_anew()
        async with measured_lag() as lags_s:
            await _within(within_s, agents.enough, f"{self.centre.name}: too few hand-overs")
        hand_overs, talks, elapsed_s = tuple(agents.hand_overs), agents.talks, time.monotonic() - began_s
        return Block(hand_overs, talks, elapsed_s, await self.centre.spent() - before, tuple(lags_s))


async def _within(seconds: float, event: asyncio.Event, lack: str) -> None:
    """Raises BenchFailed, saying `lack`, where `event` is not set in time."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        raise BenchFailed(f"{lack} within {seconds:g} s") from None


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first, of all that went wrong at once."""
    first = several.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
