"""People of a random day: agents whose phones ring and who dial, press keys and pull the plug, as their chance says."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from random import Random
from typing import Any

from demo.calls import Call, IncomingCall
from demo.phone import CallGone, CallRefused, Phone, PhoneBusy, RegistrationRefused
from demo.sounds import voice
from demo.transactions import ServerTransaction

LINES = 2
TALKS_S = (0.2, 3.0)
CODE_LASTS_S = (0.1, 3.0)
PATIENCE_S = (0.1, 4.0)
REJECTIONS = (486, 603, 480)
NO_END_S = 9.0  # longer than any queue of the deployment rings


class StubbornPhone(Phone):
    """It does not listen to a CANCEL while `rings_on`."""

    rings_on = False

    def _cancelled(self, served: ServerTransaction) -> None:
        if not self.rings_on:
            super()._cancelled(served)


class Seat:
    """One phone and whoever sits there. What was done stands in `done`, by what it was."""

    def __init__(self, name: str, phone: StubbornPhone, chance: Random, done: Counter[str]) -> None:
        self.name, self.phone, self.talks = name, phone, list[Call]()
        self._chance, self._done = chance, done
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False
        phone.on_incoming = self._rung

    # --- it rings

    def _rung(self, ring: IncomingCall) -> None:
        hows = (self._talk, self._hang_up_at_once, self._reject, self._let_ring, self._ring_on, self._leave)
        self._spawn(self._chance.choices(hows, (60, 10, 12, 4, 3, 5))[0](ring))

    async def _talk(self, ring: IncomingCall) -> None:
        if await _goes_on(ring, self._chance.uniform(0.05, 1.0)):
            self._note("answered")
            await self._talk_on(await ring.answer())

    async def _hang_up_at_once(self, ring: IncomingCall) -> None:
        self._note("answered, and hung up at once")
        await (await ring.answer()).hang_up()

    async def _reject(self, ring: IncomingCall) -> None:
        if await _goes_on(ring, self._chance.choice((0.0, 0.3))):
            status = self._chance.choice(REJECTIONS)
            self._note(f"rejected with {status}")
            ring.reject(status)

    async def _let_ring(self, ring: IncomingCall) -> None:
        self._note("let ring")
        await _goes_on(ring, NO_END_S)

    async def _ring_on(self, ring: IncomingCall) -> None:
        """Whoever calls can give up as they please: this phone rings on."""
        self._note("rang on, whatever it was told")
        self.phone.rings_on = True
        await _goes_on(ring, NO_END_S)
        self.phone.rings_on = False
        ring.reject(480)

    async def _leave(self, ring: IncomingCall) -> None:
        self._note("lost its registration while ringing")
        await self.leave_and_come_back()
        if await _goes_on(ring, 0.5):
            ring.reject(480)

    async def _talk_on(self, call: Call) -> None:
        self.talks.append(call)
        call.play(voice(3), loop=True)
        try:
            if self._chance.random() < 0.08:
                self._note("lost its registration while talking")
                await self.leave_and_come_back()
            await _until_ended(call, self._chance.uniform(*TALKS_S))
        finally:
            self.talks.remove(call)
            await call.hang_up()

    async def leave_and_come_back(self) -> None:
        await self.phone.leave()
        await asyncio.sleep(self._chance.uniform(0.2, 1.0))
        await self.phone.register()

    # --- it dials, and presses keys

    def dial(self, number: str, keys: str = "") -> None:
        """And press `keys` once answered; hang up when it pleases, before or after."""
        self._note(f"dialled {number}" if number.startswith("*") else "dialled somebody")
        self._spawn(self._dial(number, keys))

    async def _dial(self, number: str, keys: str) -> None:
        call = await self.phone.call(number, answer_within_s=self._chance.uniform(*PATIENCE_S))
        try:
            if keys:
                call.press(keys)
                await call.wait_said(within_s=len(keys))
            await _until_ended(call, self._chance.uniform(*CODE_LASTS_S))
        finally:
            await call.hang_up()

    def press_in_a_talk(self, keys: str, then: str) -> bool:
        """`keys`, and a little later `then`; False: nobody talks here."""
        if self.talks:
            self._note("pressed keys in a talk")
            self._spawn(self._press(self.talks[0], keys, then))
        return bool(self.talks)

    async def _press(self, call: Call, keys: str, then: str) -> None:
        call.press(keys)
        await call.wait_said(within_s=len(keys))
        await _until_ended(call, self._chance.uniform(0.3, 1.5))
        if then and call.is_up:
            call.press(then)
            await call.wait_said(within_s=len(then))

    # --- the end

    async def close(self) -> None:
        """All calls are given up; the phone rings no more, and is registered."""
        self.phone.on_incoming = lambda ring: ring.reject(480)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for call in self.phone.live_calls:
            await call.hang_up()
        await self.phone.register()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(_as_it_comes(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note(self, what: str) -> None:
        self._done[what] += 1


async def _as_it_comes(work: Coroutine[Any, Any, None]) -> None:
    """Whoever is gone, busy or away is so: that is what the day is made of."""
    with suppress(CallGone, CallRefused, PhoneBusy, RegistrationRefused, EOFError, TimeoutError):
        await work


async def _goes_on(ring: IncomingCall, for_s: float) -> bool:
    try:
        async with asyncio.timeout(for_s):
            await ring.ended.wait()
    except TimeoutError:
        return True
    return False


async def _until_ended(call: Call, within_s: float) -> None:
    with suppress(TimeoutError):
        await call.wait_ended(within_s)
