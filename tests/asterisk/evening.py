"""What a random day must have seen, and its evening: a quiet hour in which happens what chance did not bring about.

So a day is sure to hold each thing that agents do, without a number of attempts in which it is merely likely.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from agents.codes import Code
from centralino import events
from centralino.events import CallerParked, CallHandedOn, CallTransferred, ColleagueTalks, Entry
from tests.asterisk.staff import Seat

if TYPE_CHECKING:
    from tests.asterisk.test_random_day import Day

LASTS_S = 40.0
TRIES = 3
ANSWERED_WITHIN_S = 12.0  # the recorded queue tells its callers so first
HAPPENS_WITHIN_S = 8.0
LOOK_AGAIN_S = 0.1
PREMIUM = "899123456"
ON_DUTY = {"a1001": "p101", "a1002": "p102", "a1003": "p103", "a1004": "p104"}  # p105 is the supervisor's


def happened(journal: Iterable[Entry]) -> Counter[str]:
    """How often each kind of event is told: by its name alone, and with what tells such events apart."""
    told: Counter[str] = Counter()
    went_on: dict[str, str] = {}
    for entry in journal:
        event = entry.event
        name = type(event).__name__
        told[name] += 1
        if by := getattr(event, "by", ""):
            told[f"{name} by {by.split()[0]}"] += 1
        if isinstance(event, CallTransferred):
            told[f"{name} {'with a second line' if event.own_call else 'by keys'}"] += 1
        if isinstance(event, CallHandedOn | CallTransferred | CallerParked):
            went_on[event.call] = name
        elif isinstance(event, ColleagueTalks):
            told[f"{name} after {went_on.get(event.call)}"] += 1
    return told


class Evening:
    """One caller at a time; whose phone rings answers, and takes their time. The supervisor's phone is free.

    `must`: what the journal must tell of the day, and what an agent does so that it comes about; None: by itself.
    """

    def __init__(self, day: "Day", told: Callable[[], Counter[str]]) -> None:
        self.day, self.house, self.told = day, day.house, told
        self.callers = 0
        self.must: dict[str, Callable[[], Any] | None] = {
            "TalkRecordingStarted": None,
            "TalkRecordingPaused": None,
            "TalkRecordingResumed": None,
            "TalkRecordingEnded": None,
            "AgentSignedIn by phone": partial(self._dials, "*45", after="agents.out"),
            "AgentSignedOut by phone": partial(self._dials, "*45", after="agents.in"),
            "AgentPaused by phone": partial(self._dials, "*46", after="agents.ready"),
            "AgentReady by phone": partial(self._dials, "*46", after="agents.pause"),
            "AgentReset by supervisor": day.reset_by_code,
            "AgentReset by test": day.reset_by_command,
            "CallDisposed by test": day.somebody_says_what_it_was,
            "CallHandedOn by phone": day.an_agent_hands_on_by_keys,
            "CallHandedOn by test": partial(day.hand_on, "anagrafe"),
            "CallHeld": day.an_agent_holds,
            "CallResumed": day.an_agent_holds,
            "CallTakenBack": partial(day.ask_by_keys, "*"),
            "CallTakenOver": partial(day.supervise, Code.TAKE_OVER, ""),
            "CallTransferred by keys": partial(day.ask_by_keys, ""),
            "CallTransferred with a second line": day.an_agent_transfers_after_asking,
            "CallerParked": day.an_agent_parks,
            "CallerSetAside": day.an_agent_asks_by_keys,
            "ColleagueTalks after CallHandedOn": day.an_agent_hands_on_by_keys,
            "ColleagueTalks after CallerParked": self._parks_and_another_fetches,
            "ConferenceBegun": partial(day.ask_by_keys, "3"),
            "ConsultAnswered": day.an_agent_asks_by_keys,
            "ConsultRung": day.an_agent_asks_by_keys,
            "HelpAsked": day.an_agent_calls_for_help,
            "HelpOver": day.an_agent_calls_for_help,
            "ListeningBegun": partial(day.supervise, Code.LISTEN, ""),
            "ListeningChanged": partial(day.supervise, Code.LISTEN, "5"),
            "ListeningEnded": partial(day.supervise, Code.LISTEN, ""),
            "OwnCallAnswered": self._calls_a_colleague,
            "OwnCallBegun": self._calls_a_colleague,
            "OwnCallBegun by test": self._has_a_colleague_called,
            "OwnCallEnded": self._calls_a_colleague,
            "OwnCallRefused": partial(self._dials, PREMIUM),
            "OwnCallTakenUp": self._has_a_colleague_called,
            "PhoneReachable": day.a_phone_leaves_and_comes_back,
            "PhoneUnreachable": day.a_phone_leaves_and_comes_back,
            "SupervisorLeft": partial(day.supervise, Code.TAKE_OVER, ""),
            "SupervisorRung by test": day.a_supervisor_is_rung,
            "TransferRefused": partial(day.transfer, PREMIUM),
            "WrapUpExtended": self._takes_longer,
        }
        for name in self.must:
            assert hasattr(events, name.split()[0]), f"there is no event {name}: was it renamed?"

    @property
    def missing(self) -> list[str]:
        told = self.told()
        return [name for name in self.must if not told[name]]

    async def pass_by(self) -> None:
        """Until all has happened that must, or it is too late."""
        for one in (self.day, *self.day.seats):
            one.is_quiet_hour = True
        with suppress(TimeoutError):
            async with asyncio.timeout(LASTS_S):
                for name, act in self.must.items():
                    for _ in range(TRIES):
                        if not self.told()[name]:
                            await self._with_a_caller(name, act)

    async def _with_a_caller(self, name: str, act: Callable[[], Any] | None) -> None:
        self.day.done[f"in the evening, for {name}"] += 1
        self.callers += 1
        await self._all_are_free()
        async with self.house.citizen(f"+390558200{self.callers:02d}") as citizen:
            call = await citizen.call("055444" if act is None else "055055")
            if act:
                call.press("1")
            await _until(lambda: self.day.who_talks() and self.day.a_talk(), ANSWERED_WITHIN_S)
            if act and (doing := act()):
                await doing
            await _until(lambda: self.told()[name], HAPPENS_WITHIN_S)
            await call.hang_up()
        for seat in self.day.seats:
            await seat.hang_up()
        await self.house.until(lambda now: not now["calls"] and not any(a["own_call"] for a in now["agents"].values()))

    async def _all_are_free(self) -> None:
        for agent in self.house.configuration.roster.agents:
            await self.day.command("agents.out", agent=agent)
        for agent, phone in ON_DUTY.items():
            await self.day.command("agents.in", agent=agent, phone=phone)
            await self.day.command("agents.ready", agent=agent)
        await self.house.until(lambda now: len(list(self.day.free_numbers())) == len(ON_DUTY))

    # --- what no agent of the day does in this very way

    async def _dials(self, number: str, *, after: str = "") -> None:
        seat, agent = self._at_rest()
        if after:
            await self.day.command(after, agent=agent, phone=seat.name, reason="")
        seat.dial(number)

    def _calls_a_colleague(self) -> None:
        seat, agent = self._at_rest()
        seat.dial(next(number for number in self.day.free_numbers() if number != agent[1:]))

    async def _has_a_colleague_called(self) -> None:
        _, agent = self._at_rest()
        number = next(number for number in self.day.free_numbers() if number != agent[1:])
        await self.day.command("agents.call", agent=agent, number=number)

    async def _parks_and_another_fetches(self) -> None:
        self.day.transfer("70")
        calls = await self.house.until(lambda now: [c for c in now["calls"].values() if c["state"] == "parked"])
        await self._dials(calls[0]["step"])

    async def _takes_longer(self) -> None:
        if seat := self.day.who_talks():
            await seat.talk.hang_up()
            await self.house.until(lambda now: any(one["doing"] == "wrapping up" for one in now["agents"].values()))
            await self.day.an_agent_takes_longer()

    def _at_rest(self) -> tuple[Seat, str]:
        """A phone where nobody talks, and who sits there."""
        agent = f"a{next(self.day.free_numbers())}"
        return next(seat for seat in self.day.seats if seat.name == ON_DUTY[agent]), agent


async def _until(is_so: Callable[[], Any], within_s: float) -> None:
    """Or until it is too late: then the day says what did not happen."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while True:
                if is_so():
                    return
                await asyncio.sleep(LOOK_AGAIN_S)
