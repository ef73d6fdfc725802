"""Codes and numbers dialled at agents' phones, on the real Asterisk: heard, done, and on record."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from agents.disposition import Kind, Level, confirmation
from agents.spoken import Spoken
from demo.calls import Call
from demo.listening import hear
from demo.phone import Phone
from demo.sounds import RATE_HZ, voice
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all visit one house

Said = Mapping[str, bytes]
CUT_OFF_BYTES = 2 * 4 * RATE_HZ // 10  # 0.4 s


@asynccontextmanager
async def at(house: House, phone: str, max_calls: int = 1) -> AsyncIterator[Phone]:
    """A registered phone, with nobody signed in."""
    secret = house.instance.secrets(frozenset(house.configuration.roster.phones)).phones[phone]
    async with Phone(house.sip, phone, secret, max_calls=max_calls) as seat:
        await seat.register()
        yield seat


async def hears(call: Call, said: Said, spoken: Spoken, within_s: float = 10) -> bool:
    """Without its last moments: where this machine is busy, the call's end may be read before the last packets."""
    return (await hear(call, said[spoken.prompt("it").text][:-CUT_OFF_BYTES], within_s)).is_same


async def test_a_number_and_a_pin_sign_in_at_a_phone_of_nobodys(house: House, said: Said) -> None:
    async with at(house, "p104") as seat:
        call = await seat.call("*451006")
        assert await hears(call, said, Spoken.KEY_IN_PIN)
        call.press("4711#")
        assert await hears(call, said, Spoken.SIGNED_IN)
        await call.wait_ended(10)
        now = (await house.until(lambda now: now["agents"]["a1006"]["chosen"] == "ready" and now))["agents"]["a1006"]
        assert (now["phone"], now["reachable"]) == ("p104", True)
        call = await seat.call("*461")
        await house.until(lambda now: now["agents"]["a1006"]["reason"] == "caffè")
        await call.wait_ended(10)
        call = await seat.call("*45")
        assert await hears(call, said, Spoken.SIGNED_OUT)
        await house.until(lambda now: now["agents"]["a1006"]["chosen"] == "signed out")
        await call.wait_ended(10)
    await house.no_leftovers()


async def test_a_wrong_pin_is_heard_to_be_wrong(house: House, said: Said) -> None:
    async with at(house, "p104") as seat:
        call = await seat.call("*451006")
        await call.wait_packets(10, 5)
        call.press("0000#")
        assert await hears(call, said, Spoken.WRONG_PIN)
        await call.wait_ended(10)
    assert house.now["agents"]["a1006"]["chosen"] == "signed out"


async def test_what_the_last_call_was_is_keyed_in_and_stands_with_its_case(house: House, said: Said) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055200071") as citizen:
        call = await citizen.call("055666")
        talk = await (await seat.ring(within_s=10)).answer()
        await house.until(lambda now: [c["state"] for c in now["calls"].values()] == ["talking"])
        await talk.hang_up()
        await call.wait_ended(5)
        code = await seat.call("*4942")
        noted = said[confirmation(Kind.COMPLAINT, Level.HANDED_ON, "it").text]
        assert (await hear(code, noted[: -RATE_HZ // 5], 10)).is_same
        await code.wait_ended(10)
    row = await house.row("calls", lambda c: c["number"] == "+39055200071" and c["level"])
    assert (row["kind"], row["level"], row["agent"]) == ("complaint", "handed on", "a1001")
    code, told = await house.cli("disposition", row["id"], "--kind", "report", "--topic", "tari", "--solved")
    assert (code, told.strip()) == (0, f"{row['id']}: report, tari, solved")
    case = await house.row("cases", lambda c: c["id"] == row["case_id"] and c["topic"])
    assert (case["kind"], case["topic"], case["level"], case["state"]) == ("report", "tari", "solved", "closed")
    _, trail = await house.cli("why", row["id"])
    assert "a1001 says: complaint, handed on" in trail
    code, refused = await house.cli("disposition", "never", "--kind", "report")
    assert (code, "there is no call never" in refused) == (1, True)


async def test_an_agent_calls_another_by_number_and_both_hear_each_other(house: House) -> None:
    async with house.agent("a1001", "p101") as first, house.agent("a1002", "p102") as second:
        calling = asyncio.create_task(first.call("1002"))
        ring = await second.ring(within_s=5)
        assert (ring.from_user, ring.from_name) == ("1001", "Operatore 1001")
        await house.until(lambda now: now["agents"]["a1001"]["own_call"])
        talk = await ring.answer()
        call = await calling
        call.play(voice(1), loop=True)
        talk.play(voice(2), loop=True)
        assert (await hear(talk, voice(1), 10)).is_same
        assert (await hear(call, voice(2), 10)).is_same
        await talk.hang_up()
        await call.wait_ended(5)
        await house.until(lambda now: not now["agents"]["a1001"]["own_call"])
    row = await house.row("own calls", lambda c: (c["agent"], c["to"], c["state"]) == ("a1001", "a1002", "ended"))
    assert (row["phone"], row["to_phone"], row["why"]) == ("p101", "p102", "the other one hung up")
    assert row["talk_s"] > 0
    _, listed = await house.cli("calls", "--own")
    assert row["id"] in listed, listed
    _, trail = await house.cli("why", row["id"])
    assert "a1001 at p101 calls a1002" in trail, trail
    await house.no_leftovers()


async def test_a_premium_number_is_refused_in_words(house: House, said: Said) -> None:
    async with house.agent("a1001", "p101") as seat:
        call = await seat.call("899123456")
        assert await hears(call, said, Spoken.NOT_ALLOWED)
        await call.wait_ended(10)
    row = await house.row("own calls", lambda c: c["number"] == "+39899123456")
    assert (row["state"], row["agent"], row["phone"]) == ("refused", "a1001", "p101")
    assert row["why"]


async def test_a_hundred_codes_in_a_second_leave_nothing_stuck(house: House) -> None:
    async with house.agent("a1001", "p101"), at(house, "p105", max_calls=100) as seat:
        calls = await asyncio.gather(*(seat.call("*47") for _ in range(100)), return_exceptions=True)
        answered = [call for call in calls if isinstance(call, Call)]
        assert len(answered) == 100, calls
        for call in answered:
            await call.wait_ended(30)
    await house.no_leftovers()
