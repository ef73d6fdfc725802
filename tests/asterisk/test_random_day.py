"""A random day on the real Asterisk: two hundred calls, and two hundred things that agents do meanwhile.

At its end every caller has ended somewhere, no agent is stuck, and nothing is left over anywhere. The same day in
memory, by more seeds and with more mishaps: tests/days.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from agents.codes import HOW_OF, Code
from agents.disposition import Kind, Level
from agents.state import AfterReset
from agents.supervisors import How
from centralino import recovery
from centralino.door import CommandRefused
from centralino.events import CallArrived, Entry, OwnCallBegun, OwnCallRefused
from centralino.state import House as HouseNow
from demo.calls import IncomingCall
from demo.phone import CallRefused, Phone
from tests.asterisk.evening import Evening, happened
from tests.asterisk.staff import LINES, Seat, StubbornPhone
from tests.days.seeds import seeds
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLS = 200
CALLS_A_S, ACTIONS_A_S = 5.0, 5.0  # what two slow cores take, with all the phones on them too
AT_ONCE = 20
RECORDED = "055444"
LONGEST_S = 10.0
RECORDED_S = 14.0  # as long do the first callers stay, so that there is a recording to pause
CLI_EVERY = 40  # actions: each is a process of its own
SEATS = {"a1001": "p101", "a1002": "p102", "a1003": "p103", "a1004": "p104", "a1005": "p105", "a2001": "p201"}
MENU = ("1", "1", "1", "2", "3", "4", "7", "91", "")
KEYS_AT = {  # no call-back is promised: it would come after the day
    "055055": MENU,
    RECORDED: ("", "", "3"),
    "0552768": MENU,
    "055666": ("", "5"),
    "055777": ("1", "3", "4", "5", "7", ""),
    "055888": ("2", "5", ""),
    "055999": ("",),
}
CODES = ("*45", "*45", "*46", "*46", "*461", "*47", "*48", "*485", "*49", "*4911", "*4942", "*4632", "*451006")
COLLEAGUES = ("1001", "1002", "1003", "1004", "104", "201", "1006", "79")
ANSWERED_OUTSIDE = "055998877"
OUTSIDE = ("+390552345678", ANSWERED_OUTSIDE, "899123456", "*99")
GIVEN_TO = ("1001#", "1002#", "1003#", "2001#", "1006#", "81#", "82#", "83#", "055998877#", "899123456#", "5#", "")
WISHES = ("in", "in", "in", "out", "pause", "ready", "ready", "ready")
THEN = ("*", "3", "3", "*", "")
TO = ("anagrafe", "esperti", "civile", "comune/esperti", "comune/anagrafe", "nowhere")
TRIED = (  # besides the codes
    "by command line",
    "chose",
    "dialled somebody",
    "handed on by command",
    "had a call placed",
    "let a supervisor listen",
    "lost its registration",
    "reset by command",
    "said what it was",
    "took longer",
)


class Day:
    """Who calls, and who does what, as the seed says."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.chance = house, Random(seed)
        self._first_n = len(entries(house.instance.journal))
        self.done: Counter[str] = Counter()
        self.seats: list[Seat] = []
        self.is_quiet_hour = False
        self.evening = Evening(self, self._told)
        self.thens = cycle(self.chance.sample(THEN, len(THEN)))
        self.listens = cycle(self.chance.sample(list(HOW_OF), len(HOW_OF)))
        self.codes = cycle(self.chance.sample(CODES, len(CODES)))
        self.resets = cycle((self.reset_by_code, self.reset_by_command))
        self.times: dict[Callable[[], Any], int] = {
            self.an_agent_dials_a_code: 20,
            self.somebody_dials_a_colleague: 8,
            self.somebody_dials_outside: 5,
            self.a_supervisor_dials: 14,
            self.a_supervisor_resets: 6,
            self.an_agent_hands_on_by_keys: 16,
            self.an_agent_asks_by_keys: 16,
            self.an_agent_calls_for_help: 6,
            self.an_agent_holds: 8,
            self.an_agent_transfers: 12,
            self.an_agent_transfers_after_asking: 10,
            self.an_agent_parks: 10,
            self.somebody_fetches: 10,
            self.an_agent_chooses: 20,
            self.somebody_has_a_call_placed: 6,
            self.an_agent_takes_longer: 8,
            self.somebody_says_what_it_was: 8,
            self.an_agent_hands_on: 6,
            self.a_supervisor_is_rung: 8,
            self.a_phone_leaves_and_comes_back: 5,
        }
        self.in_talks = {
            self.a_supervisor_dials,
            self.a_supervisor_resets,
            self.an_agent_hands_on_by_keys,
            self.an_agent_asks_by_keys,
            self.an_agent_calls_for_help,
            self.an_agent_holds,
            self.an_agent_transfers,
            self.an_agent_transfers_after_asking,
            self.an_agent_parks,
            self.somebody_says_what_it_was,
            self.an_agent_hands_on,
            self.a_supervisor_is_rung,
        }

    async def live(self) -> None:
        async with AsyncExitStack() as town, asyncio.timeout(120):
            for phone in SEATS.values():
                seat = await town.enter_async_context(self._phone(phone))
                self.seats.append(Seat(phone, seat, self.chance, self.done))
            outside = self.house.outside(max_calls=20, keep_audio=False)
            Seat("outside", await town.enter_async_context(outside), self.chance, self.done)  # type: ignore[arg-type]
            for agent, phone in SEATS.items():
                await self.command("agents.in", agent=agent, phone=phone)
            async with asyncio.TaskGroup() as everybody:
                everybody.create_task(self._citizens())
                everybody.create_task(self._staff())
            await self.house.until_ended(30)
            await self.evening.pass_by()
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
                calling = callers.create_task(self._citizen(phone, f"+390557{n:05d}", is_recorded=n < len(SEATS)))
                calling.add_done_callback(lambda _: at_once.release())
                await asyncio.sleep(self.chance.expovariate(CALLS_A_S))

    async def _citizen(self, phone: Phone, number: str, *, is_recorded: bool) -> None:
        dialled = self.chance.choice(("055055", "055055", *KEYS_AT))
        keys = self.chance.choice(KEYS_AT[dialled])
        stays_s = self.chance.choice((0.5, LONGEST_S, LONGEST_S)) * self.chance.random()
        if is_recorded:
            dialled, keys, stays_s = RECORDED, "", RECORDED_S
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
        actions = self.chance.sample(list(self.times), sum(self.times.values()), counts=list(self.times.values()))
        async with asyncio.TaskGroup() as doing:
            for n in range(len(actions)):
                action = next((one for one in actions if self._is_possible(one)), actions[0])
                actions.remove(action)
                if awaitable := action():
                    doing.create_task(awaitable)
                if n % 2 and (coming := self._who_comes_back()):
                    doing.create_task(coming)
                if n % CLI_EVERY == 0:
                    doing.create_task(self._by_command_line())
                await asyncio.sleep(self.chance.expovariate(ACTIONS_A_S))

    def _is_possible(self, action: Callable[[], Any]) -> bool:
        """Else it is put off while there is another to do."""
        if action in self.in_talks:
            return bool(self.who_talks() and self.a_talk())
        if action == self.somebody_has_a_call_placed:
            return any(self.free_numbers())
        return action != self.an_agent_takes_longer or bool(self._who_wraps_up())

    def an_agent_dials_a_code(self) -> None:
        code = next(self.codes)
        self._a_seat().dial(code, self.chance.choice(("4711#", "0000#")) if code == "*451006" else "")

    def somebody_dials_a_colleague(self) -> None:
        self._a_seat().dial(self.chance.choice(COLLEAGUES))

    def somebody_dials_outside(self) -> None:
        self._a_seat().dial(self.chance.choice(OUTSIDE))

    def a_supervisor_dials(self) -> None:
        self.supervise(next(self.listens), self.chance.choice(("", "5", "6", "564")))

    def supervise(self, code: Code, then: str) -> None:
        self._supervisor.dial(f"{code}{self._somebody()[1:]}", then)

    def a_supervisor_resets(self) -> Any:
        return next(self.resets)()

    def reset_by_code(self) -> None:
        self._supervisor.dial(f"{Code.RESET}{self._somebody()[1:]}")

    def reset_by_command(self) -> Any:
        self.done["reset by command"] += 1
        return self.command("agents.reset", agent=self._somebody(), then=self.chance.choice(list(AfterReset)))

    def an_agent_hands_on_by_keys(self) -> None:
        if seat := self.who_talks():
            seat.press("handed on by keys", f"#1{self._to_whom()}")

    def an_agent_asks_by_keys(self) -> None:
        self.ask_by_keys(next(self.thens))

    def ask_by_keys(self, then: str) -> None:
        if seat := self.who_talks():
            seat.press("asked by keys", f"*2{self._to_whom()}", then)

    def an_agent_calls_for_help(self) -> None:
        if seat := self.who_talks():
            seat.press("called for help", "*0")

    def an_agent_holds(self) -> None:
        if seat := self.who_talks():
            seat.hold()

    def an_agent_transfers(self) -> None:
        self.transfer(self._to_whom().removesuffix("#") or "s")

    def transfer(self, number: str) -> None:
        if seat := self.who_talks():
            seat.transfer(number)

    def an_agent_transfers_after_asking(self) -> None:
        if seat := self.who_talks():
            seat.transfer_after_asking(self._some(self.free_numbers()) or self.chance.choice(OUTSIDE))

    def an_agent_parks(self) -> None:
        if seat := self.who_talks():
            if self.chance.random() < 0.5:
                seat.press("parked by keys", "#170#")
            else:
                seat.transfer("70")

    def somebody_fetches(self) -> None:
        place = self._some(call["step"] for call in self.house.now["calls"].values() if call["state"] == "parked")
        self._a_seat().dial(place or "71")

    def an_agent_chooses(self) -> Any:
        self.done["chose"] += 1
        what, reason = self.chance.choice(WISHES), self.chance.choice(("", "1", "caffè"))
        return self.command(f"agents.{what}", agent=self.chance.choice(list(SEATS)), reason=reason)

    def somebody_has_a_call_placed(self) -> Any:
        self.done["had a call placed"] += 1
        number = self.chance.choice((*COLLEAGUES, ANSWERED_OUTSIDE, *OUTSIDE))
        agent = self._some(f"a{number}" for number in self.free_numbers()) or self.chance.choice(list(SEATS))
        return self.command("agents.call", agent=agent, number=number)

    def an_agent_takes_longer(self) -> Any:
        self.done["took longer"] += 1
        agent = self._who_wraps_up() or "a1001"
        return self.command("agents.extend", agent=agent, longer_s=self.chance.choice((1, 30)))

    def somebody_says_what_it_was(self) -> Any:
        self.done["said what it was"] += 1
        kind, level = self.chance.choice(list(Kind)), self.chance.choice([*Level, ""])
        return self.command("calls.dispose", call=self.a_talk(), agent="a1001", kind=kind, level=level)

    def an_agent_hands_on(self) -> Any:
        return self.hand_on(self.chance.choice(TO))

    def hand_on(self, to: str) -> Any:
        self.done["handed on by command"] += 1
        return self.command("calls.transfer", call=self.a_talk(), to=to, note="una nota")

    def a_supervisor_is_rung(self) -> Any:
        self.done["let a supervisor listen"] += 1
        how, phone = self.chance.choice(list(How)), self.chance.choice(("", "", "p104"))
        return self.command("calls.listen", **{"call": self.a_talk(), "as": "capo", "how": how, "phone": phone})

    def a_phone_leaves_and_comes_back(self) -> Any:
        self.done["lost its registration"] += 1
        return self._a_seat().leave_and_come_back()

    def _who_comes_back(self) -> Any:
        """Else most would soon be away, paused or in a wrap-up, and nobody would talk."""
        agents = [agent for agent in self.house.now["agents"].values() if agent["id"] in SEATS]
        away = [a for a in agents if a["chosen"] != "ready" or a["doing"] == "wrapping up"]
        if not away:
            return None
        agent = self.chance.choice(away)
        if agent["chosen"] != "ready" and self.chance.random() < 0.5:
            seat = next(one for one in self.seats if one.name == SEATS[agent["id"]])
            return seat.dial(Code.SIGN if agent["chosen"] == "signed out" else Code.PAUSE)
        what = "in" if agent["chosen"] == "signed out" else "ready"
        return self.command(f"agents.{what}", agent=agent["id"], phone=SEATS[agent["id"]])

    async def _by_command_line(self) -> None:
        self.done["by command line"] += 1
        agent = self.chance.choice(list(SEATS))
        await self.house.cli("agents", self.chance.choice(("in", "out", "ready", "pause")), agent)

    # --- the end

    async def _nobody_is_stuck(self) -> None:
        """Each agent alone signs in, is called, talks, and is free again."""
        house = self.house
        for agent in house.configuration.roster.agents:
            await self.command("agents.out", agent=agent)
        await house.until(lambda now: not any(agent["own_call"] for agent in now["agents"].values()))
        for agent, seat in zip(SEATS, self.seats, strict=True):
            rings: asyncio.Queue[IncomingCall] = asyncio.Queue()
            seat.phone.on_incoming = rings.put_nowait
            await house.door.command("agents.in", agent=agent, phone=seat.name, by="test")
            await self.command("agents.ready", agent=agent)  # a wrap-up of a minute is over
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

    def journal(self) -> list[Entry]:
        """Of today."""
        return entries(self.house.instance.journal)[self._first_n :]

    def _told(self) -> Counter[str]:
        return happened(self.journal())

    def _a_seat(self) -> Seat:
        return self.chance.choice(self.seats)

    @property
    def _supervisor(self) -> Seat:
        return next(seat for seat in self.seats if seat.name == "p105")

    def who_talks(self) -> Seat | None:
        talking = [seat for seat in self.seats if seat.is_talking]
        return self.chance.choice(talking) if talking else None

    def _somebody(self) -> str:
        """An agent, who talks if any does."""
        talking = (a["id"] for a in self.house.now["agents"].values() if a["doing"] == "talking")
        return self._some(talking) or self.chance.choice(list(SEATS))

    def _to_whom(self) -> str:
        """What is keyed in: somebody who can be reached now, or anything."""
        if self.is_quiet_hour or self.chance.random() < 0.6:
            return f"{self._some(self.free_numbers()) or ANSWERED_OUTSIDE}#"
        return self.chance.choice(GIVEN_TO)

    def free_numbers(self) -> Iterator[str]:
        """Of agents who are here and can be called."""
        here = (a for a in self.house.now["agents"].values() if a["reachable"] and a["chosen"] != "signed out")
        return (a["id"][1:] for a in here if a["doing"] == "free" and not a["own_call"])

    def _who_wraps_up(self) -> str:
        return self._some(a["id"] for a in self.house.now["agents"].values() if a["doing"] == "wrapping up")

    def a_talk(self) -> str:
        return self._some(c["id"] for c in self.house.now["calls"].values() if c["state"] == "talking")

    def _some(self, names: Iterator[str]) -> str:
        return self.chance.choice(sorted(names) or [""])

    async def command(self, name: str, **args: Any) -> None:
        with suppress(CommandRefused):
            await self.house.door.command(name, **args, by="test")


def entries(journal: Path) -> list[Entry]:
    """All that the journal holds, of all lives of the engine."""
    decode = msgspec.json.Decoder(Entry).decode
    lines = (line for file in sorted(journal.glob("[0-9]*.jsonl")) for line in file.read_bytes().splitlines()[1:])
    return [decode(line) for line in lines]


def faults(said: str) -> list[str]:
    return [line for line in said.splitlines() if " error " in line or " critical " in line or "Traceback" in line]


def not_tried(done: Counter[str]) -> set[str]:
    """What each day does, as often as `Day.times` says, and did not."""
    exactly = {*TRIED, *(f"dialled {code}" for code in CODES)}
    of_somebody = {f"dialled {code}" for code in (*HOW_OF, Code.RESET)}
    return (exactly - done.keys()) | {code for code in of_somebody if not any(what.startswith(code) for what in done)}


@pytest.mark.timeout(240)  # of which the day is a minute; the rest is for machines that are busy with more than this
@pytest.mark.parametrize("seed", seeds(range(1)))
async def test_a_random_day_leaves_no_agent_stuck_and_nothing_over(house: House, seed: int) -> None:
    """Each day holds what `not_tried` and `Evening.must` name. All else is only likely: that a phone rejects, rings on
    or loses its registration while it rings or talks, that callers refuse to be recorded, that offices answer.
    """
    said_before = len(house.output.read_text())
    day = Day(house, seed)
    await day.live()
    assert not (missing := not_tried(day.done)), f"nobody tried: {sorted(missing)}; done: {day.done}"
    assert not (missing := day.evening.missing), f"never happened: {missing}; done: {day.done}"
    await house.no_leftovers()
    today = day.journal()
    arrived = {entry.event.call for entry in today if isinstance(entry.event, CallArrived)}
    assert len(arrived) == CALLS + day.evening.callers + len(SEATS)
    calls = [row for row in await house.json("calls", "--limit", "10000") if row["id"] in arrived]
    assert len(calls) == len(arrived)
    assert {row["state"] for row in calls} == {"ended"}
    assert all(row["case_id"] and row["outcome"] for row in calls)
    begun = {e.event.call or f"refused-{e.n}" for e in today if isinstance(e.event, OwnCallBegun | OwnCallRefused)}
    own = [row for row in await house.json("calls", "--own", "--limit", "10000") if row["id"] in begun]
    assert len(own) == len(begun)
    assert {row["state"] for row in own} == {"ended", "refused"}
    at_the_end = recovery.fold(HouseNow(), entries(house.instance.journal))
    assert (at_the_end.calls, at_the_end.own_calls, at_the_end.listenings) == ({}, {}, {})
    assert faults(house.output.read_text()[said_before:]) == []
    code, said = await house.cli("audit")
    assert code == 0, said
