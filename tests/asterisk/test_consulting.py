"""Keys pressed by agents in a talk, on the real Asterisk: handed on, asked first, all three; heard by sound."""

from collections.abc import Mapping

import pytest

from agents.spoken import Spoken
from demo.calls import Call
from demo.listening import hear
from demo.sounds import voice
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all visit one house

Said = Mapping[str, bytes]


async def hear_each_other(one: Call, other: Call, nth: int) -> None:
    """By two voices that nobody has heard yet."""
    for speaker, hearer, sound in ((one, other, voice(nth)), (other, one, voice(nth + 1))):
        speaker.play(sound, loop=True)
        assert (await hear(hearer, sound, 10)).is_same
        speaker.be_silent()


async def test_a_colleague_is_asked_and_then_has_the_caller(house: House, said: Said) -> None:
    async with (
        house.agent("a1001", "p101") as first,
        house.agent("a1003", "p103") as second,
        house.citizen("+39055200071") as citizen,
    ):
        await house.door.command("agents.pause", agent="a1003", by="test")
        call = await citizen.call("055055")
        call.press("2")
        talk = await (await first.ring(within_s=10)).answer()
        await hear_each_other(call, talk, 1)
        talk.press("*2")
        assert (await hear(talk, said[Spoken.TO_WHOM.prompt("it").text], 10)).is_same
        talk.press("1003#")
        ring = await second.ring(within_s=10)
        assert ring.from_user == "1001"
        asked = await ring.answer()
        await hear_each_other(talk, asked, 3)
        talk.press("3")
        await hear_each_other(call, asked, 5)
        await hear_each_other(call, talk, 7)
        await talk.hang_up()
        await hear_each_other(call, asked, 9)
        await house.until(lambda now: now["agents"]["a1001"]["doing"] == "wrapping up")
        await house.until(lambda now: now["agents"]["a1003"]["doing"] == "talking")
        asked.press("#1")  # it is their talk now
        assert (await hear(asked, said[Spoken.TO_WHOM.prompt("it").text], 10)).is_same
        asked.press("#")
        await hear_each_other(call, asked, 11)
        await asked.hang_up()
        await call.wait_ended(5)
        await house.until(lambda now: now["agents"]["a1003"]["doing"] == "wrapping up")
        for agent in ("a1001", "a1003"):
            await house.door.command("agents.ready", agent=agent, by="test")
    row = await house.row("calls", lambda c: c["number"] == "+39055200071" and c["state"] == "ended")
    assert (row["outcome"], row["agent"], row["phone"]) == ("answered", "a1003", "p103")
    _, trail = await house.cli("why", row["id"])
    assert "a1001 asks a1003" in trail
    assert "leaves the caller with a1003" in trail
    await house.no_leftovers()


async def test_a_call_is_handed_on_by_keys_and_comes_back_when_nobody_answers(house: House, said: Said) -> None:
    async with house.agent("a1001", "p101") as first, house.citizen("+39055200072") as citizen:
        call = await citizen.call("055055")
        call.press("2")
        talk = await (await first.ring(within_s=10)).answer()
        await hear_each_other(call, talk, 1)
        talk.press("#1")
        assert (await hear(talk, said[Spoken.TO_WHOM.prompt("it").text], 10)).is_same
        talk.press("1002#")  # who is not there
        await talk.wait_ended(10)
        await house.until(lambda now: now["agents"]["a1001"]["doing"] == "wrapping up")
        await house.door.command("agents.ready", agent="a1001", by="test")
        talk = await (await first.ring(within_s=10)).answer()
        await hear_each_other(call, talk, 3)
        await talk.hang_up()
        await call.wait_ended(5)
        await house.door.command("agents.ready", agent="a1001", by="test")
    await house.no_leftovers()
