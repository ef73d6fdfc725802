"""An agent hears who calls, then the caller; the caller hears music, then the agent: on the real Asterisk."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pytest

from demo.calls import Call
from demo.listening import SILENT_BELOW, hear, heard_at
from demo.sounds import RATE_HZ, voice
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all visit one house

Said = Mapping[str, bytes]
WHISPERED = "Sussurro."
CALLER, AGENT = voice(1), voice(2)
LONGEST_WHISPER_S = 3.0  # of one word
AT_ONCE_S = 0.5
PACKETS = 25  # half a second


async def joined(house: House) -> None:
    await house.until(lambda now: [c["state"] for c in now["calls"].values()] == ["talking"])


async def said_for_s(house: House, call: str) -> float:
    """How long the caller waited for the whisper, as it stands on record."""
    events = await house.json("why", call)
    [start, end] = [event["at"] for event in events if event["kind"] in ("WhisperStarted", "TalkStarted")]
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def loudness(heard: bytes) -> float:
    samples = np.frombuffer(heard, "<i2").astype(np.float64)
    return float(np.sqrt(np.mean(samples * samples)))


async def hear_each_other(call: Call, talk: Call) -> None:
    assert (await hear(talk, CALLER, 10)).is_same
    assert (await hear(call, AGENT, 10)).is_same


async def hear_music(call: Call) -> None:
    """Until it is loud: it begins softly."""
    async with asyncio.timeout(30):
        await call.wait_packets(PACKETS, 5)
        while loudness(call.heard()) < SILENT_BELOW:
            call.forget_heard()
            await call.wait_packets(PACKETS, 5)


async def test_the_agent_hears_the_whisper_before_the_caller_who_hears_music(house: House, said: Said) -> None:
    async with house.citizen("+39055200061") as citizen:
        call = await citizen.call("055666")
        call.play(CALLER, loop=True)
        await hear_music(call)
        async with house.agent("a1001", "p101") as seat:
            ring = await seat.ring(within_s=10)
            assert ring.from_name == "sussurro: +39055200061"
            call.forget_heard()
            talk = await ring.answer()
            talk.play(AGENT, loop=True)
            await joined(house)
            meanwhile = call.heard()
            await hear_each_other(call, talk)
            waited_s = await said_for_s(house, next(iter(house.now["calls"])))
            assert loudness(meanwhile) > SILENT_BELOW, "the caller hears music"
            assert not heard_at(meanwhile[: -RATE_HZ // 2], AGENT).is_same, "and not the agent yet"
            whisper = heard_at(talk.heard(), said[WHISPERED])
            assert whisper.is_same
            assert whisper.at_s < AT_ONCE_S
            assert len(said[WHISPERED]) / 2 / RATE_HZ <= waited_s < LONGEST_WHISPER_S
            until_joined = talk.heard()[: int(waited_s * RATE_HZ) * 2]
            assert not heard_at(until_joined, CALLER).is_same, "the agent hears the caller afterwards"
            await talk.hang_up()
            await call.wait_ended(5)
    await house.no_leftovers()


async def test_a_key_cuts_it_short_and_an_agent_who_hangs_up_loses_no_caller(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055200062") as citizen:
        call = await citizen.call("055666")
        call.play(CALLER, loop=True)
        talk = await (await seat.ring(within_s=10)).answer()
        await house.until(lambda now: [c["state"] for c in now["calls"].values()] == ["whispering"])
        await talk.hang_up()
        await house.until(lambda now: now["agents"]["a1001"]["doing"] == "wrapping up")
        talk = await (await seat.ring(within_s=10)).answer()
        talk.press("1")
        talk.play(AGENT, loop=True)
        await joined(house)
        await hear_each_other(call, talk)
        await talk.hang_up()
        await call.wait_ended(5)
    row = await house.row("calls", lambda c: c["number"] == "+39055200062" and c["state"] == "ended")
    assert (row["outcome"], row["agent"]) == ("answered", "a1001")
    await house.no_leftovers()
