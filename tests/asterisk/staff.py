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
TALKS_S = (0.5, 4.0)
CODE_LASTS_S = (0.1, 3.0)
PATIENCE_S = (0.1, 4.0)
REJECTIONS = (486, 603, 480)
ACTS_S = 5.0
GOODBYE_S = 1.0
BEFORE_MORE_S = (0.3, 1.0)  # keys
BOTH_S = (0.2, 1.5)  # with two calls, or on hold
WITHIN_S = 3.0
RECORDED = "registrata"
TOLD_AFTER_S = 6.0  # that it may be recorded: of whoever answers before, there is no recording
NO_END_S = 11.0  # longer than any queue of the deployment rings


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
        self._acts: set[asyncio.Task[None]] = set()  # those of them that happen in a talk
        self.is_quiet_hour = False  # all calls are answered, and everybody takes their time
        phone.on_incoming = self._rung

    @property
    def talk(self) -> Call:
        """Raises StopIteration where nobody talks."""
        return next(call for call in self.talks if call.is_up)

    @property
    def is_talking(self) -> bool:
        return any(call.is_up for call in self.talks)

    # --- it rings

    def _rung(self, ring: IncomingCall) -> None:
        hows = (self._talk, self._hang_up_at_once, self._reject, self._let_ring, self._ring_on, self._leave)
        how = self._talk if self.is_quiet_hour else self._chance.choices(hows, (60, 10, 12, 4, 3, 5))[0]
        self._spawn(how(ring))

    async def _talk(self, ring: IncomingCall) -> None:
        is_recorded = ring.from_name.startswith(RECORDED)
        longest_s = 0.1 if self.is_quiet_hour else 1.0
        if await _goes_on(ring, TOLD_AFTER_S if is_recorded else self._chance.uniform(0.05, longest_s)):
            self._note("answered")
            call = await ring.answer()
            if is_recorded:
                await self._pause_the_recording(call)
            await self._talk_on(call)

    async def _pause_the_recording(self, call: Call) -> None:
        self._note("paused a recording")
        with suppress(EOFError, TimeoutError):
            await self._press(call, "*1", "*1" if self.is_quiet_hour else self._chance.choice(("*1", "*1", "")))

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
            if not self.is_quiet_hour and self._chance.random() < 0.08:
                self._note("lost its registration while talking")
                await self.leave_and_come_back()
            await _until_ended(call, self._takes_s(*TALKS_S))
            hangs_up_in_the_middle_of_it = not self.is_quiet_hour and self._chance.random() < 0.3
            if self._acts and not hangs_up_in_the_middle_of_it:
                await asyncio.wait(self._acts, timeout=ACTS_S)
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
        call = await self.phone.call(number, answer_within_s=self._takes_s(*PATIENCE_S))
        try:
            if keys:
                call.press(keys)
                await call.wait_said(within_s=len(keys))
            await _until_ended(call, self._takes_s(*CODE_LASTS_S))
        finally:
            await call.hang_up()

    # --- in a talk (`talk`, which there must be)

    def press(self, what: str, keys: str, then: str = "") -> None:
        """`keys`, and a little later `then`."""
        self._note(what)
        self._act(self._press(self.talk, keys, then))

    def hold(self) -> None:
        self._note("held")
        self._act(self._hold(self.talk))

    def transfer(self, number: str) -> None:
        self._note("transferred")
        self._act(self._transfer(self.talk, number))

    def transfer_after_asking(self, number: str) -> None:
        """Or while it still rings there."""
        self._note("transferred after asking")
        self._act(self._transfer_after_asking(self.talk, number))

    async def _hold(self, call: Call) -> None:
        await call.hold(self._chance.choice(("sendonly", "inactive")))
        await _until_ended(call, self._takes_s(*BOTH_S))
        if call.is_up:
            await call.resume()

    async def _transfer(self, call: Call, number: str) -> None:
        referral = await call.transfer(number)
        self._note(f"transfer: {await referral.outcome(WITHIN_S)}")

    async def _transfer_after_asking(self, call: Call, number: str) -> None:
        await call.hold()
        attempt = self.phone.start_call(number)
        try:
            await _until_ended(call, self._takes_s(*BOTH_S))
            if call.is_up:
                referral = await call.transfer_to(attempt)
                self._note(f"transfer after asking: {await referral.outcome(WITHIN_S)}")
        finally:
            over, _ = await asyncio.wait({attempt.cancel()}, timeout=GOODBYE_S)
            for one in over:
                if isinstance(other := one.result(), Call):
                    await other.hang_up()
        if call.is_up:
            await call.resume()

    async def _press(self, call: Call, keys: str, then: str) -> None:
        call.press(keys)
        await call.wait_said(within_s=len(keys))
        await _until_ended(call, self._takes_s(*BEFORE_MORE_S))
        if then and call.is_up:
            call.press(then)
            await call.wait_said(within_s=len(then))

    # --- the end

    async def hang_up(self) -> None:
        for call in self.phone.live_calls:
            await call.hang_up()

    async def close(self) -> None:
        """All calls are given up; the phone rings no more, and is registered."""
        self.phone.on_incoming = lambda ring: ring.reject(480)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.hang_up()
        await self.phone.register()

    def _act(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._spawn(_within(work, ACTS_S))
        self._acts.add(task)
        task.add_done_callback(self._acts.discard)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(_as_it_comes(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _takes_s(self, least_s: float, most_s: float) -> float:
        return most_s if self.is_quiet_hour else self._chance.uniform(least_s, most_s)

    def _note(self, what: str) -> None:
        self._done[what] += 1


async def _as_it_comes(work: Coroutine[Any, Any, None]) -> None:
    """Whoever is gone, busy or away is so: that is what the day is made of."""
    with suppress(CallGone, CallRefused, PhoneBusy, RegistrationRefused, EOFError, TimeoutError):
        await work


async def _within(work: Coroutine[Any, Any, None], limit_s: float) -> None:
    async with asyncio.timeout(limit_s):
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
