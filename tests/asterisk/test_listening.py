"""A supervisor listens, whispers, barges in and takes over, on the real Asterisk: who hears whom, by sound."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from agents.spoken import Spoken
from demo.calls import Call
from demo.listening import hear, heard_at
from demo.phone import Phone
from demo.sounds import voice
from tests.asterisk.test_phone_codes import at, hears
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all visit one house

Said = Mapping[str, bytes]


@dataclass
class Talk:
    """A citizen and an agent who talk, each by a voice of their own."""

    citizen: Call
    agent: Call
    agents_phone: Phone
    id: str


@asynccontextmanager
async def a_talk(house: House, number: str) -> AsyncIterator[Talk]:
    async with house.agent("a1001", "p101") as seat, house.citizen(number) as citizen:
        call = await citizen.call("055055")
        call.press("1")
        answered = await (await seat.ring(within_s=10)).answer()
        name = await house.until(lambda now: next((c["id"] for c in now["calls"].values() if c["agent"]), None))
        call.play(voice(1), loop=True)
        answered.play(voice(2), loop=True)
        assert (await hear(answered, voice(1), 10)).is_same
        assert (await hear(call, voice(2), 10)).is_same
        yield Talk(call, answered, seat, name)


async def is_heard_by(speaker: Call, sound: bytes, hearer: Call, *, deaf: Call | None = None) -> None:
    """What is said at `speaker` comes to `hearer`, and by then nothing of it to `deaf`."""
    for call in (hearer, deaf):
        if call:
            call.forget_heard()
    speaker.play(sound, loop=True)
    assert (await hear(hearer, sound, 10)).is_same
    if deaf:
        assert not (await asyncio.to_thread(heard_at, deaf.heard(), sound)).is_same


async def test_a_supervisor_hears_both_whispers_barges_in_and_takes_over(house: House, said: Said) -> None:
    async with a_talk(house, "+39055200081") as talk, at(house, "p105", 2) as desk:
        listener = await desk.call("*901001")
        assert (await hear(listener, voice(1), 10)).is_same
        assert (await hear(listener, voice(2), 10)).is_same
        await house.until(lambda now: [one["how"] for one in now["calls"][talk.id]["listeners"]] == ["listen"])
        assert house.now["agents"]["a1001"]["doing"] == "talking"
        talk.citizen.be_silent()
        talk.agent.be_silent()
        listener.press("5")
        await house.until(lambda now: [one["how"] for one in now["calls"][talk.id]["listeners"]] == ["whisper"])
        await is_heard_by(listener, voice(3), talk.agent, deaf=talk.citizen)
        listener.press("6")
        await house.until(lambda now: [one["how"] for one in now["calls"][talk.id]["listeners"]] == ["barge"])
        await is_heard_by(listener, voice(4), talk.agent)
        await is_heard_by(listener, voice(5), talk.citizen)
        await listener.hang_up()
        await is_heard_by(talk.citizen, voice(6), talk.agent)
        taker = await desk.call("*931001")
        await talk.agent.wait_ended(5)
        await house.until(lambda now: now["calls"][talk.id]["state"] == "taken over")
        await is_heard_by(taker, voice(7), talk.citizen)
        await is_heard_by(talk.citizen, voice(8), taker)
        await taker.hang_up()
        await talk.citizen.wait_ended(5)
    row = await house.row("calls", lambda c: c["id"] == talk.id and c["state"] == "ended")
    assert (row["outcome"], row["agent"]) == ("answered", "a1001")
    _, trail = await house.cli("why", talk.id)
    for sentence in ("begins to listen to a1001", "goes on to whisper to a1001", "talks on with the caller"):
        assert sentence in trail, trail
    await house.no_leftovers()


async def test_by_command_the_phone_rings_and_at_the_end_of_the_talk_it_is_said(house: House, said: Said) -> None:
    async with a_talk(house, "+39055200082") as talk, at(house, "p105") as desk:
        code, told = await house.cli("listen", talk.id, "--as", "capa")
        assert (code, "did you mean `capo`" in told) == (1, True), told
        code, told = await house.cli("listen", talk.id, "--as", "capo")
        assert (code, "p105 rings" in told) == (0, True), told
        listener = await (await desk.ring(within_s=10)).answer()
        assert (await hear(listener, voice(1), 10)).is_same
        listener.forget_heard()
        await talk.agent.hang_up()
        assert await hears(listener, said, Spoken.TALK_IS_OVER)
        await listener.wait_ended(10)
        await talk.citizen.wait_ended(5)
    await house.no_leftovers()


async def test_a_killed_engine_leaves_the_talk_alone_and_who_listens_hears_on(house: House) -> None:
    async with a_talk(house, "+39055200083") as talk, at(house, "p105") as desk:
        listener = await desk.call("*901001")
        assert (await hear(listener, voice(1), 10)).is_same
        instance = house.now["instance"]
        os.kill(house.pid_of("engine"), signal.SIGKILL)
        await house.until(lambda now: now["instance"] != instance and now["can_answer"], 30)
        assert listener.is_up
        await house.until(lambda now: [one["how"] for one in now["calls"][talk.id]["listeners"]] == ["listen"])
        talk.citizen.play(voice(9), loop=True)
        assert (await hear(listener, voice(9), 10)).is_same
        assert (await hear(talk.agent, voice(9), 10)).is_same
        listener.press("5")
        await is_heard_by(listener, voice(3), talk.agent, deaf=talk.citizen)
        await listener.hang_up()
        await talk.agent.hang_up()
        await talk.citizen.wait_ended(5)
    await house.no_leftovers()


async def test_an_agent_asks_for_help_and_the_supervisor_who_answers_hears_the_talk(house: House, said: Said) -> None:
    async with a_talk(house, "+39055200089") as talk, at(house, "p105", 2) as desk:
        talk.citizen.be_silent()
        talk.agent.be_silent()
        talk.citizen.forget_heard()
        talk.agent.press("*0")
        ring = await desk.ring(within_s=10)
        await house.until(lambda now: now["agents"]["a1001"]["asks_for_help"])
        told = said[Spoken.HELP_IS_CALLED.prompt("it").text]
        assert (await hear(talk.agent, told, 10)).is_same
        assert not (await asyncio.to_thread(heard_at, talk.citizen.heard(), told)).is_same
        listener = await ring.answer()
        await house.until(lambda now: not now["agents"]["a1001"]["asks_for_help"])
        await is_heard_by(talk.citizen, voice(6), listener)
        await listener.hang_up()
        await talk.agent.hang_up()
        await talk.citizen.wait_ended(5)
        await house.door.command("agents.ready", agent="a1001", by="test")
    _, trail = await house.cli("why", talk.id)
    assert "a1001 asks for a supervisor" in trail
    assert "because capo came" in trail
    await house.no_leftovers()
