"""Phones that do what phones should not: nobody is lost by it, nothing is stuck, and it is seen what came of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from demo.calls import Call, IncomingCall
from demo.listening import hear
from demo.phone import Phone
from demo.sounds import voice
from tests.asterisk.staff import StubbornPhone
from tests.asterisk.test_first_call import into_the_queue
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all visit one house


@asynccontextmanager
async def two_agents(house: House) -> AsyncIterator[tuple[Phone, Phone]]:
    """The first of whom is asked first."""
    async with house.agent("a1001", "p101") as first, house.agent("a1002", "p102") as second:
        yield first, second
    await house.no_leftovers()


async def ends_well(house: House, call: Call, ring: IncomingCall, number: str) -> str:
    """The second agent answers, both hear each other, and the call is on record: its trail."""
    talk = await ring.answer()
    call.play(voice(1), loop=True)
    talk.play(voice(2), loop=True)
    assert (await hear(talk, voice(1), 10)).is_same
    assert (await hear(call, voice(2), 10)).is_same
    await talk.hang_up()
    await call.wait_ended(5)
    await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == number and c["state"] == "ended")
    assert (row["outcome"], row["agent"]) == ("answered", "a1002")
    _, trail = await house.cli("why", row["id"])
    return " ".join(trail.split())


@pytest.mark.parametrize(
    ("status", "why"),
    [(486, "the phone was busy"), (600, "the phone was busy"), (603, "the agent rejected the call"), (480, "")],
)
async def test_whatever_a_phone_rejects_with_the_next_one_rings_at_once(house: House, status: int, why: str) -> None:
    number = f"+39055210{status}"
    async with two_agents(house) as (first, second), house.citizen(number) as citizen:
        call = await into_the_queue(house, citizen)
        (await first.ring(within_s=5)).reject(status)
        trail = await ends_well(house, call, await second.ring(within_s=2), number)
        assert why in trail, trail
        assert "the offer to a1001 ended" in trail, trail
        await house.until(lambda now: now["agents"]["a1001"]["doing"] == "free")


async def test_who_answers_and_hangs_up_at_once_loses_no_caller(house: House) -> None:
    """Either they had each other, and the call is over; or they had not, and somebody else is asked."""
    async with two_agents(house) as (first, second), house.citizen("+390552100001") as citizen:
        call = await into_the_queue(house, citizen)
        await (await (await first.ring(within_s=5)).answer()).hang_up()
        over, asked = asyncio.create_task(call.wait_ended(10)), asyncio.create_task(second.ring(10))
        await asyncio.wait({over, asked}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        if call.is_up:
            await ends_well(house, call, await asked, "+390552100001")
        asked.cancel()
        await house.until_ended()
        row = await house.row("calls", lambda c: c["number"] == "+390552100001" and c["state"] == "ended")
        assert (row["outcome"], bool(row["case_id"])) == ("answered", True)
        await house.until(lambda now: {now["agents"][one]["doing"] for one in ("a1001", "a1002")} == {"free"})


@pytest.mark.parametrize("tag", ["same", "other"])
async def test_a_phone_that_answers_twice_has_one_talk(house: House, tag: str) -> None:
    """It says 200 again: the same, or as another one that picked up too (RFC 3261, 13.2.2.4)."""
    number = f"+39055210001{len(tag)}"
    async with house.agent("a1001", "p101") as seat, house.citizen(number) as citizen:
        call = await into_the_queue(house, citizen)
        ring = await seat.ring(within_s=5)
        talk = await ring.answer()
        said = ring._served
        if tag == "other":
            said._last = said._last.replace(said.tag.encode(), b"another" + said.tag.encode())
        said.repeat()
        call.play(voice(1), loop=True)
        talk.play(voice(2), loop=True)
        assert (await hear(talk, voice(1), 10)).is_same
        assert (await hear(call, voice(2), 10)).is_same
        await talk.hang_up()
        await call.wait_ended(5)
        await house.until_ended()
    await house.row("calls", lambda c: c["number"] == number and c["outcome"] == "answered" and c["talk_s"])
    await house.no_leftovers()


async def test_a_phone_that_never_stops_ringing_holds_up_nobody(house: House) -> None:
    """It is told to stop after five seconds, and does not listen."""
    secret = house.instance.secrets(frozenset(house.configuration.roster.phones)).phones["p101"]
    async with (
        house.agent("a1002", "p102") as second,
        StubbornPhone(house.sip, "p101", secret) as first,
        house.citizen("+390552100003") as citizen,
    ):
        await first.register()
        first.rings_on = True
        await house.door.command("agents.in", agent="a1001", phone="p101", by="test")
        await house.door.command("agents.pause", agent="a1002", by="test")
        await house.until(lambda now: now["agents"]["a1001"]["reachable"])
        call = await into_the_queue(house, citizen)
        rings = await first.ring(within_s=5)
        await house.door.command("agents.ready", agent="a1002", by="test")
        trail = await ends_well(house, call, await second.ring(within_s=8), "+390552100003")
        assert "the phone was not answered" in trail, trail
        assert not rings.ended.is_set(), "it does ring on"
        await house.until(lambda now: now["agents"]["a1001"]["doing"] == "free")
        rings.reject(480)
        await house.door.command("agents.out", agent="a1001", by="test")
    await house.no_leftovers()


async def test_a_phone_that_leaves_while_it_rings_hands_on_at_once(house: House) -> None:
    async with two_agents(house) as (first, second), house.citizen("+390552100004") as citizen:
        call = await into_the_queue(house, citizen)
        ring = await first.ring(within_s=5)
        await first.leave()
        taken = await second.ring(within_s=2)
        await asyncio.wait_for(ring.ended.wait(), 2)
        trail = await ends_well(house, call, taken, "+390552100004")
        assert "the offer to a1001 ended" in trail, trail
        _, shown = await house.cli("agents")
        assert "p101 (away)" in shown, shown
        await first.register()
        await house.until(lambda now: now["agents"]["a1001"]["reachable"])


async def test_a_phone_that_leaves_while_it_talks_talks_on_and_is_rung_again_when_it_is_back(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+390552100005") as citizen:
        call = await into_the_queue(house, citizen)
        talk = await (await seat.ring(within_s=5)).answer()
        await house.until(lambda now: now["agents"]["a1001"]["doing"] == "talking")
        await seat.leave()
        await house.until(lambda now: not now["agents"]["a1001"]["reachable"])
        call.play(voice(1), loop=True)
        talk.play(voice(2), loop=True)
        assert (await hear(talk, voice(1), 10)).is_same
        assert (await hear(call, voice(2), 10)).is_same
        await talk.hang_up()
        await call.wait_ended(5)
        call = await into_the_queue(house, citizen)
        await house.until(lambda now: now["agents"]["a1001"]["doing"] == "free")
        assert [one["state"] for one in house.now["calls"].values()] == ["queued"]
        await seat.register()
        talk = await (await seat.ring(within_s=5)).answer()
        await talk.wait_packets(10, 5)
        await talk.hang_up()
        await call.wait_ended(5)
        await house.until_ended()
    await house.no_leftovers()
