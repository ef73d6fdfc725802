"""A random day on the real Asterisk: two hundred calls, and two hundred things that agents do meanwhile.

At its end every caller has ended somewhere, no agent is stuck, and nothing is left over anywhere. The same day in
memory, by more seeds and with more mishaps: tests/days.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from agents.codes import HOW_OF
from agents.disposition import Kind, Level
from agents.supervisors import How
from centralino import recovery
from centralino.door import CommandRefused
from centralino.events import CallArrived, Entry
from centralino.state import House as HouseNow
from demo.calls import IncomingCall
from demo.phone import CallRefused, Phone
from tests.asterisk.staff import LINES, Seat, StubbornPhone
from tests.days.seeds import seeds
from tests.house import House

log = logging.getLogger(__name__)
pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLS = ACTIONS = 200
CALLS_A_S, ACTIONS_A_S = 4.0, 4.0  # what two slow cores take, with all the phones on them too
AT_ONCE = 16
LONGEST_S = 10.0
BY_CLI = 8  # of the actions: each is a process of its own
SEATS = {"a1001": "p101", "a1002": "p102", "a1003": "p103", "a1004": "p104", "a1005": "p105", "a2001": "p201"}
MENU = ("1", "1", "1", "2", "3", "4", "7", "91", "")
KEYS_AT = {  # no call-back is promised: it would come after the day
    "055055": MENU,
    "0552768": MENU,
    "055666": ("", "5"),
    "055777": ("1", "3", "4", "5", "7", ""),
    "055888": ("2", "5", ""),
    "055999": ("",),
}
CODES = ("*45", "*45", "*46", "*46", "*461", "*47", "*48", "*485", "*49", "*4911", "*4942", "*4632", "*451006")
COLLEAGUES = ("1001", "1002", "1003", "1004", "104", "201", "1006")
OUTSIDE = ("+390552345678", "055998877", "899123456", "*99")
PLACES = ("1001#", "1002#", "1003#", "2001#", "1006#", "81#", "82#", "83#", "055998877#", "899123456#", "5#", "")
WISHES = ("in", "in", "in", "out", "pause", "ready", "ready", "ready")
THEN = ("*", "3", "3", "*", "")
TO = ("anagrafe", "esperti", "civile", "comune/esperti", "comune/anagrafe", "nowhere")


class Day:
    """Who calls, and who does what, as the seed says."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.chance = house, Random(seed)
        self.done: Counter[str] = Counter()
        self.seats: list[Seat] = []
        self._by_cli = 0
        self.actions: list[tuple[int, Callable[[], Any]]] = [
            (6, self.an_agent_dials_a_code),
            (3, self.somebody_dials_a_colleague),
            (2, self.somebody_dials_outside),
            (6, self.a_supervisor_dials),
            (8, self.an_agent_hands_on_by_keys),
            (8, self.an_agent_asks_by_keys),
            (7, self.an_agent_chooses),
            (3, self.an_agent_takes_longer),
            (3, self.somebody_says_what_it_was),
            (3, self.an_agent_hands_on),
            (3, self.a_supervisor_is_rung),
            (2, self.a_phone_leaves_and_comes_back),
        ]

    async def live(self) -> None:
        async with AsyncExitStack() as town, asyncio.timeout(150):
            for phone in SEATS.values():
                seat = await town.enter_async_context(self._phone(phone))
                self.seats.append(Seat(phone, seat, self.chance, self.done))
            outside = self.house.outside(max_calls=20, keep_audio=False)
            Seat("outside", await town.enter_async_context(outside), self.chance, self.done)  # type: ignore[arg-type]
            for agent, phone in SEATS.items():
                await self._command("agents.in", agent=agent, phone=phone)
            async with asyncio.TaskGroup() as everybody:
                everybody.create_task(self._citizens())
                everybody.create_task(self._staff())
            for seat in self.seats:
                await seat.close()
            await self.house.until_ended(30)
            await self._nobody_is_stuck()

    # --- citizens

    async def _citizens(self) -> None:
        at_once = asyncio.Semaphore(AT_ONCE)
        citizens = Phone(self.house.sip, "citizens", max_calls=CALLS, keep_audio=False)
        async with citizens as phone, asyncio.TaskGroup() as callers:
            for n in range(CALLS):
                await at_once.acquire()
                calling = callers.create_task(self._citizen(phone, f"+390557{n:05d}"))
                calling.add_done_callback(lambda _: at_once.release())
                await asyncio.sleep(self.chance.expovariate(CALLS_A_S))

    async def _citizen(self, phone: Phone, number: str) -> None:
        stays_s = self.chance.choice((0.3, 2.0, LONGEST_S)) * self.chance.random()
        dialled = self.chance.choice(("055055", "055055", *KEYS_AT))
        keys = self.chance.choice(KEYS_AT[dialled])
        try:
            call = await phone.call(dialled, from_user=number, answer_within_s=10)
        except CallRefused as refused:
            raise AssertionError(f"{number} was refused with {refused}") from None
        try:
            if keys:
                call.press(keys)
            await call.wait_ended(stays_s)
        except TimeoutError:
            await call.hang_up()

    # --- staff

    async def _staff(self) -> None:
        weights, actions = zip(*self.actions, strict=True)
        async with asyncio.TaskGroup() as doing:
            for n in range(ACTIONS):
                action = self.chance.choices(actions, weights)[0]
                if awaitable := action():
                    doing.create_task(awaitable)
                if n % (ACTIONS // BY_CLI) == 0:
                    doing.create_task(self._by_command_line())
                await asyncio.sleep(self.chance.expovariate(ACTIONS_A_S))

    def an_agent_dials_a_code(self) -> None:
        code = self.chance.choice(CODES)
        self._a_seat().dial(code, self.chance.choice(("4711#", "0000#")) if code == "*451006" else "")

    def somebody_dials_a_colleague(self) -> None:
        self._a_seat().dial(self.chance.choice(COLLEAGUES))

    def somebody_dials_outside(self) -> None:
        self._a_seat().dial(self.chance.choice(OUTSIDE))

    def a_supervisor_dials(self) -> None:
        seat = next(seat for seat in self.seats if seat.name == "p105")
        agent = self._who_talks() or self.chance.choice(list(SEATS))
        code, then = self.chance.choice(list(HOW_OF)), self.chance.choice(("", "5", "6", "564"))
        seat.dial(f"{code}{agent[1:]}", then)

    def an_agent_hands_on_by_keys(self) -> None:
        self._press("#1" + self.chance.choice(PLACES), "")

    def an_agent_asks_by_keys(self) -> None:
        self._press("*2" + self.chance.choice(PLACES), self.chance.choice(THEN))

    def an_agent_chooses(self) -> Any:
        self.done["chose"] += 1
        what, reason = self.chance.choice(WISHES), self.chance.choice(("", "1", "caffè"))
        return self._command(f"agents.{what}", agent=self.chance.choice(list(SEATS)), reason=reason)

    def an_agent_takes_longer(self) -> Any:
        self.done["took longer"] += 1
        agent = self._who_wraps_up() or "a1001"
        return self._command("agents.extend", agent=agent, longer_s=self.chance.choice((1, 30)))

    def somebody_says_what_it_was(self) -> Any:
        self.done["said what it was"] += 1
        kind, level = self.chance.choice(list(Kind)), self.chance.choice([*Level, ""])
        return self._command("calls.dispose", call=self._a_talk(), agent="a1001", kind=kind, level=level)

    def an_agent_hands_on(self) -> Any:
        self.done["handed on by command"] += 1
        return self._command("calls.transfer", call=self._a_talk(), to=self.chance.choice(TO), note="una nota")

    def a_supervisor_is_rung(self) -> Any:
        self.done["let a supervisor listen"] += 1
        how, phone = self.chance.choice(list(How)), self.chance.choice(("", "", "p104"))
        return self._command("calls.listen", **{"call": self._a_talk(), "as": "capo", "how": how, "phone": phone})

    def a_phone_leaves_and_comes_back(self) -> Any:
        self.done["lost its registration"] += 1
        return self._a_seat().leave_and_come_back()

    async def _by_command_line(self) -> None:
        self.done["by command line"] += 1
        agent = self.chance.choice(list(SEATS))
        await self.house.cli("agents", self.chance.choice(("in", "out", "ready", "pause")), agent)

    # --- the end

    async def _nobody_is_stuck(self) -> None:
        """Each agent alone signs in, is called, talks, and is free again."""
        house = self.house
        for agent in house.configuration.roster.agents:
            await self._command("agents.out", agent=agent)
        await house.until(lambda now: not any(agent["own_call"] for agent in now["agents"].values()))
        for agent, seat in zip(SEATS, self.seats, strict=True):
            rings: asyncio.Queue[IncomingCall] = asyncio.Queue()
            seat.phone.on_incoming = rings.put_nowait
            await house.door.command("agents.in", agent=agent, phone=seat.name, by="test")
            await self._command("agents.ready", agent=agent)  # a wrap-up of a minute is over
            await house.until(lambda now, agent=agent: now["agents"][agent]["reachable"])
            async with house.citizen("+39055810000") as citizen:
                call = await citizen.call("055888" if agent == "a2001" else "055055")
                if agent != "a2001":
                    call.press("1")
                ring = await asyncio.wait_for(rings.get(), 10)
                talk = await ring.answer()
                await talk.wait_packets(10, 5)  # whoever hangs up before has not talked, and the caller waits again
                await talk.hang_up()
                await call.wait_ended(5)
            await house.until(lambda now, agent=agent: now["agents"][agent]["doing"] in ("wrapping up", "free"))
            await house.door.command("agents.out", agent=agent, by="test")
        await house.until_ended()

    # --- within

    @asynccontextmanager
    async def _phone(self, phone: str) -> AsyncIterator[StubbornPhone]:
        secret = self.house.instance.secrets(frozenset(self.house.configuration.roster.phones)).phones[phone]
        async with StubbornPhone(self.house.sip, phone, secret, max_calls=LINES, keep_audio=False) as seat:
            await seat.register()
            yield seat

    def _press(self, keys: str, then: str) -> None:
        talking = [seat for seat in self.seats if seat.talks]
        if not talking or not self.chance.choice(talking).press_in_a_talk(keys, then):
            self.done["pressed nothing: nobody talked"] += 1

    def _a_seat(self) -> Seat:
        return self.chance.choice(self.seats)

    def _who_talks(self) -> str:
        return self._some(a["id"] for a in self.house.now["agents"].values() if a["doing"] == "talking")

    def _who_wraps_up(self) -> str:
        return self._some(a["id"] for a in self.house.now["agents"].values() if a["doing"] == "wrapping up")

    def _a_talk(self) -> str:
        return self._some(c["id"] for c in self.house.now["calls"].values() if c["state"] == "talking") or "none"

    def _some(self, names: Iterator[str]) -> str:
        return self.chance.choice(sorted(names) or [""])

    async def _command(self, name: str, **args: Any) -> None:
        with suppress(CommandRefused):
            await self.house.door.command(name, **args, by="test")


def entries(journal: Path) -> list[Entry]:
    """All that the journal holds, of all lives of the engine."""
    decode = msgspec.json.Decoder(Entry).decode
    lines = (line for file in sorted(journal.glob("[0-9]*.jsonl")) for line in file.read_bytes().splitlines()[1:])
    return [decode(line) for line in lines]


def faults(said: str) -> list[str]:
    return [line for line in said.splitlines() if " error " in line or " critical " in line or "Traceback" in line]


@pytest.mark.parametrize("seed", seeds(range(1)))
async def test_a_random_day_leaves_no_agent_stuck_and_nothing_over(house: House, seed: int) -> None:
    first_n, said_before = len(entries(house.instance.journal)), len(house.output.read_text())
    day = Day(house, seed)
    await day.live()
    log.info("done: %s", dict(sorted(day.done.items())))
    await house.no_leftovers()
    written = entries(house.instance.journal)
    arrived = {entry.event.call for entry in written[first_n:] if isinstance(entry.event, CallArrived)}
    assert len(arrived) == CALLS + len(SEATS)
    calls = [row for row in await house.json("calls", "--limit", "10000") if row["id"] in arrived]
    assert len(calls) == len(arrived)
    assert {row["state"] for row in calls} == {"ended"}
    assert all(row["case_id"] and row["outcome"] for row in calls)
    own = await house.json("calls", "--own", "--limit", "10000")
    assert {row["state"] for row in own} == {"ended", "refused"}
    at_the_end = recovery.fold(HouseNow(), written)
    assert (at_the_end.calls, at_the_end.own_calls, at_the_end.listenings) == ({}, {}, {})
    assert faults(house.output.read_text()[said_before:]) == []
    code, said = await house.cli("audit")
    assert code == 0, said
