"""A caller is parked by one agent and fetched by another, on the real Asterisk; heard by sound."""

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


async def test_a_parked_caller_is_fetched_by_another_agent(house: House, said: Said) -> None:
    async with (
        house.agent("a1001", "p101") as first,
        house.agent("a1003", "p103") as second,
        house.citizen("+39055200095") as citizen,
    ):
        await house.door.command("agents.pause", agent="a1003", by="test")
        call = await citizen.call("055055")
        call.press("2")
        talk = await (await first.ring(within_s=10)).answer()
        await hear_each_other(call, talk, 1)
        talk.press("#1")
        assert (await hear(talk, said[Spoken.TO_WHOM.prompt("it").text], 10)).is_same
        talk.press("70#")
        assert (await hear(talk, said[Spoken.PARKED.prompt("it", place="71").text], 10)).is_same
        await talk.wait_ended(10)
        await house.until(lambda now: [row["step"] for row in now["calls"].values()] == ["71"])
        fetched = await second.call("71")
        await hear_each_other(call, fetched, 3)
        await house.until(lambda now: now["agents"]["a1003"]["doing"] == "talking")
        await fetched.hang_up()
        await call.wait_ended(5)
        await house.until(lambda now: now["agents"]["a1003"]["doing"] == "wrapping up")
        for agent in ("a1001", "a1003"):
            await house.door.command("agents.ready", agent=agent, by="test")
    row = await house.row("calls", lambda c: c["number"] == "+39055200095" and c["state"] == "ended")
    assert (row["outcome"], row["agent"], row["phone"]) == ("answered", "a1003", "p103")
    _, trail = await house.cli("why", row["id"])
    assert "parks the caller at 71" in trail
    assert "talks with a1003" in trail
    await house.no_leftovers()


async def test_the_phones_own_transfer_key_parks_too_and_an_empty_place_says_so(house: House, said: Said) -> None:
    async with house.agent("a1001", "p101") as first, house.citizen("+39055200096") as citizen:
        call = await citizen.call("055055")
        call.press("2")
        talk = await (await first.ring(within_s=10)).answer()
        await hear_each_other(call, talk, 1)
        referral = await talk.transfer("70")
        assert await referral.outcome(5) == 200
        await talk.wait_ended(5)
        await house.until(lambda now: now["agents"]["a1001"]["doing"] == "wrapping up")
        empty = await first.call("72")
        assert (await hear(empty, said[Spoken.NOBODY_PARKED.prompt("it").text], 10)).is_same
        await empty.wait_ended(10)
        fetched = await first.call("71")
        await hear_each_other(call, fetched, 3)
        await call.hang_up()
        await fetched.wait_ended(5)
        await house.door.command("agents.ready", agent="a1001", by="test")
    await house.no_leftovers()
