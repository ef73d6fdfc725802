"""The hall: agents at real SIP phones, who sign in through the engine's door, answer, talk and wrap up."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from centralino.door import CommandRefused, EngineAway
from demo.calls import IncomingCall
from demo.engine_view import EngineView, Snapshot
from demo.phone import CallGone, Phone, RegistrationRefused, chat
from demo.sdp import NoCommonCodec
from demo.sip import Address

log = logging.getLogger(__name__)

AGENTS = ("a1001", "a1002", "a1003", "a1004", "a1005", "a1006")
SHIFT_S = 86_400.0
SEEN_WITHIN_S = 10.0
TALK_S_MAX = 60.0
MISSES_CHANCE = 0.05


class HallClosed(Exception):
    """The agents cannot work; the text says why."""


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent and the phone in front of them."""

    agent: str
    phone: str
    secret: str


@dataclass(frozen=True, slots=True)
class Manner:
    """How an agent takes one call. `answers_after_s`: None where they let it ring; after `talk_s` they hang up."""

    answers_after_s: float | None
    talk_s: float
    wrap_up_s: float


def manner(chance: random.Random) -> Manner:
    """Half of the agents leave it to the caller to hang up first."""
    missed = chance.random() < MISSES_CHANCE
    ends_it = chance.random() < 0.5
    return Manner(
        answers_after_s=None if missed else chance.uniform(1, 6),
        talk_s=chance.uniform(5, 20) if ends_it else TALK_S_MAX,
        wrap_up_s=chance.uniform(2, 5),
    )


class Hall:
    """Agents at work from `open` to `close`. `on_talk` is told the caller's number when an agent has picked up."""

    def __init__(
        self, server: Address, seats: tuple[Seat, ...], engine: EngineView, on_talk: Callable[[str], None], seed: int
    ) -> None:
        self.talks = self.missed = self.heard_a_caller = 0
        self._seats, self._engine, self._on_talk = seats, engine, on_talk
        self._phones = {seat.agent: Phone(server, seat.phone, seat.secret, keep_audio=False) for seat in seats}
        self._chances = {seat.agent: random.Random(f"{seed} {seat.agent}") for seat in seats}
        self._working: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Register the phones, sign everybody in, begin to answer. Raises HallClosed."""
        try:
            await asyncio.gather(*(self._take_seat(seat) for seat in self._seats))
            await self._engine.until(self._sees_everybody, SEEN_WITHIN_S)
        except RegistrationRefused as refused:
            raise HallClosed(f"a phone could not register: {refused}") from refused
        except (CommandRefused, EngineAway) as told:
            raise HallClosed(f"an agent could not sign in: {told}") from told
        except TimeoutError:
            raise HallClosed(f"the engine has not seen all phones within {SEEN_WITHIN_S:g} s") from None
        self._working = [asyncio.create_task(self._work(seat.agent)) for seat in self._seats]

    async def _take_seat(self, seat: Seat) -> None:
        phone = self._phones[seat.agent]
        await phone.open()
        await phone.register()
        await self._engine.command("agents.in", agent=seat.agent, phone=seat.phone, by="demo")

    def _sees_everybody(self, snapshot: Snapshot) -> bool:
        return all(snapshot["agents"][seat.agent]["reachable"] for seat in self._seats)

    async def close(self) -> None:
        """Sign everybody out, hang up, unregister."""
        for working in self._working:
            working.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        await asyncio.gather(*(self._leave_seat(seat) for seat in self._seats))

    async def _leave_seat(self, seat: Seat) -> None:
        if self._row(seat.agent).get("chosen") not in {None, "signed out"}:
            await self._tell("agents.out", seat.agent)
        await self._phones[seat.agent].close()

    # --- one agent

    async def _work(self, agent: str) -> None:
        chance = self._chances[agent]
        while True:
            incoming = await self._phones[agent].ring(SHIFT_S)
            how = manner(chance)
            try:
                if await self._takes(incoming, how):
                    await self._talk(agent, incoming, how, chance.randrange(1000))
            except (CallGone, NoCommonCodec) as gone:
                log.info("%s picked up too late: %s", agent, gone)
            await asyncio.sleep(how.wrap_up_s)
            await self._be_ready(agent)

    async def _takes(self, incoming: IncomingCall, how: Manner) -> bool:
        """Let it ring for a while; whether it still rings then and is to be answered."""
        try:
            await asyncio.wait_for(incoming.ended.wait(), how.answers_after_s or TALK_S_MAX)
        except TimeoutError:
            return True
        self.missed += how.answers_after_s is None
        return False

    async def _talk(self, agent: str, incoming: IncomingCall, how: Manner, seed: int) -> None:
        async with await incoming.answer() as call:
            self.talks += 1
            self._on_talk(incoming.from_user)
            try:
                await chat(call, seed, for_s=how.talk_s)
            finally:
                self.heard_a_caller += call.packets_received > 0

    async def _be_ready(self, agent: str) -> None:
        """End the wrap-up, or a pause that an unanswered call has led to."""
        row = self._row(agent)
        if row.get("chosen") == "paused" or row.get("doing") == "wrapping up":
            await self._tell("agents.ready", agent)

    async def _tell(self, command: str, agent: str) -> None:
        try:
            await self._engine.command(command, agent=agent, by="demo")
        except (CommandRefused, EngineAway) as told:
            log.warning("%s %s: %s", command, agent, told)

    def _row(self, agent: str) -> Mapping[str, Any]:
        row: Mapping[str, Any] = self._engine.snapshot.get("agents", {}).get(agent, {})
        return row
