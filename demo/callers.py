"""The citizens at their phones: they carry out what the town has planned, on one real SIP line."""

import asyncio
import logging
from collections.abc import Iterator

from demo.phone import Call, CallRefused, PeerTakesNoDigits, Phone, chat
from demo.sip import Address
from demo.town import Citizen

log = logging.getLogger(__name__)

CALLS_AT_ONCE_MAX = 60
CALL_S_MAX = 900.0  # nobody stays longer, whatever happens


class Callers:
    """Makes the town's calls. A talk begins when `talks_with` is told: a person knows a voice, our phone does not."""

    def __init__(self, server: Address, town: Iterator[Citizen]) -> None:
        self._phone = Phone(server, "citizen", max_calls=CALLS_AT_ONCE_MAX, keep_audio=False)
        self._town = town
        self._talking: dict[str, asyncio.Event] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self.made = self.refused = self.heard_an_agent = 0

    async def __aenter__(self) -> "Callers":
        await self._phone.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hang_up()
        await self._phone.close()

    def talks_with(self, number: str) -> None:
        """An agent has picked up and talks with whoever calls from `number`."""
        if number in self._talking:
            self._talking[number].set()

    async def keep_calling(self) -> None:
        """Make one call after the other until cancelled; those that were made go on."""
        for seed, citizen in enumerate(self._town):
            await asyncio.sleep(citizen.after_s)
            if citizen.number in self._talking or len(self._calls) >= CALLS_AT_ONCE_MAX:
                continue  # their phone, or the town's line, is busy
            calling = asyncio.create_task(self._call(citizen, seed), name=f"{citizen.number} {citizen.kind}")
            self._calls.add(calling)
            calling.add_done_callback(self._over)

    def _over(self, calling: asyncio.Task[None]) -> None:
        self._calls.discard(calling)
        if not calling.cancelled() and (error := calling.exception()):
            log.error("the call of %s broke", calling.get_name(), exc_info=error)

    async def wait_all_ended(self, within_s: float) -> bool:
        """Whether all calls have ended by themselves within `within_s`."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=within_s)
        return not self._calls

    async def hang_up(self) -> None:
        """Everybody puts their phone down now."""
        for calling in self._calls:
            calling.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    # --- one call

    async def _call(self, citizen: Citizen, seed: int) -> None:
        talking = self._talking[citizen.number] = asyncio.Event()
        self.made += 1
        try:
            async with await self._phone.call(citizen.dials, from_user=citizen.number) as call:
                await self._go_through(call, citizen, talking, seed)
        except CallRefused as refused:
            self.refused += 1
            log.warning("%s was refused: %s", citizen.number, refused)
        finally:
            del self._talking[citizen.number]

    async def _go_through(self, call: Call, citizen: Citizen, talking: asyncio.Event, seed: int) -> None:
        pressing = asyncio.create_task(_press(call, citizen))
        speaking = asyncio.create_task(_leave_message(call, citizen, seed))
        try:
            await _until_person(call, talking, citizen.patience_s)
        finally:
            pressing.cancel()
            speaking.cancel()
            await asyncio.gather(pressing, speaking, return_exceptions=True)
        if talking.is_set() and call.is_up:
            before = call.packets_received
            try:
                await chat(call, seed, for_s=citizen.talk_s)
            finally:
                self.heard_an_agent += call.packets_received > before


async def _until_person(call: Call, talking: asyncio.Event, patience_s: float) -> None:
    """Until a person answers, the call ends, or patience does."""
    waits = [asyncio.create_task(talking.wait()), asyncio.create_task(call.wait_ended(CALL_S_MAX))]
    try:
        await asyncio.wait(waits, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _press(call: Call, citizen: Citizen) -> None:
    for press in citizen.presses:
        await asyncio.sleep(press.after_s)
        if not call.is_up:
            return
        try:
            call.press(press.key)
        except PeerTakesNoDigits:
            log.warning("%s cannot press keys in this call", citizen.number)
            return


async def _leave_message(call: Call, citizen: Citizen, seed: int) -> None:
    if citizen.speaks_after_s is not None:
        await asyncio.sleep(citizen.speaks_after_s)
        await chat(call, seed)
