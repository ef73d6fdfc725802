"""Hold and transfers by the phone's own keys (re-INVITE, REFER), on the real Asterisk; heard by sound."""

import asyncio
import os
import signal
from functools import lru_cache

import numpy as np
import pytest

from asterisk.installer import find_or_make
from demo.calls import Call
from demo.listening import SAME_SOUND, SILENT_BELOW, Samples
from demo.phone import Phone
from demo.sounds import read_wav
from tests.asterisk.test_consulting import hear_each_other
from tests.asterisk.test_whispers import loudness
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all visit one house

OK, DECLINED, UNAVAILABLE = 200, 603, 503
PACKETS = 100  # two seconds
PREMIUM = "899123456"


@lru_cache(maxsize=1)
def music() -> tuple[Samples, ...]:
    """The pieces that Asterisk plays, as sound of 2 kHz: that is enough to know them by."""
    return tuple(thinned(read_wav(path)) for path in sorted(find_or_make().music.glob("*.wav")))


def thinned(pcm: bytes) -> Samples:
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    return samples[: len(samples) // 4 * 4].reshape(-1, 4).mean(axis=1)


def likeness(piece: Samples, heard: Samples) -> float:
    """From 0 to 1: how alike `heard` and that part of `piece` are that is most like it."""
    size = 1 << (len(piece) + len(heard)).bit_length()
    product = np.fft.irfft(np.fft.rfft(piece, size) * np.conj(np.fft.rfft(heard, size)), size)
    sums = np.concatenate([[0.0], np.cumsum(piece * piece)])
    energy = sums[len(heard) :] - sums[: -len(heard)]
    scores = product[: len(energy)] / np.sqrt(np.maximum(energy, 1.0) * float(heard @ heard))
    return float(scores.max())


async def hear_music(call: Call) -> None:
    """Until what is heard is a part of Asterisk's music: it begins softly, and anywhere."""
    best = 0.0
    try:
        async with asyncio.timeout(30):
            while best < SAME_SOUND:
                call.forget_heard()
                await call.wait_packets(PACKETS, 5)
                heard = call.heard()
                if loudness(heard) >= SILENT_BELOW:
                    best = max([await asyncio.to_thread(likeness, piece, thinned(heard)) for piece in music()])
    except TimeoutError:
        raise AssertionError(f"no music: {best:.2f}") from None


async def talk_of(house: House, citizen: Phone, first: Phone) -> tuple[Call, Call]:
    """Both ends of a talk: the caller's, and the agent's."""
    call = await citizen.call("055055")
    call.press("2")
    talk = await (await first.ring(within_s=10)).answer()
    await hear_each_other(call, talk, 1)
    return call, talk


async def trail(house: House, number: str) -> str:
    row = await house.row("calls", lambda c: c["number"] == number)
    _, said = await house.cli("why", row["id"])
    return " ".join(said.split())


async def ready_again(house: House, agent: str) -> None:
    await house.until(lambda now: now["agents"][agent]["doing"] == "wrapping up")
    await house.door.command("agents.ready", agent=agent, by="test")


async def test_the_caller_hears_music_while_the_agents_phone_holds(house: House) -> None:
    async with house.agent("a1001", "p101") as first, house.citizen("+39055200081") as citizen:
        call, talk = await talk_of(house, citizen, first)
        await talk.hold("sendonly")
        await house.until(lambda now: [c["on_hold"] for c in now["calls"].values()] == [True])
        await hear_music(call)
        await talk.resume()
        await house.until(lambda now: [c["on_hold"] for c in now["calls"].values()] == [False])
        await hear_each_other(call, talk, 3)
        await talk.hold("inactive")
        await house.until(lambda now: [c["on_hold"] for c in now["calls"].values()] == [True])
        await hear_music(call)
        await call.hang_up()
        await talk.wait_ended(5)
        await ready_again(house, "a1001")
    said = await trail(house, "+39055200081")
    assert said.index("a1001 puts the caller on hold") < said.index("a1001 takes the caller off hold")
    await house.no_leftovers()


async def test_a_transfer_to_a_number_is_what_the_keys_do(house: House) -> None:
    async with (
        house.agent("a1001", "p101") as first,
        house.agent("a1003", "p103") as second,
        house.citizen("+39055200082") as citizen,
    ):
        await house.door.command("agents.pause", agent="a1003", by="test")
        call, talk = await talk_of(house, citizen, first)
        await talk.hold()
        referral = await talk.transfer("1003")
        assert referral.status == 202
        assert await referral.outcome(5) == OK
        await talk.wait_ended(5)
        asked = await (await second.ring(within_s=15)).answer()
        await hear_each_other(call, asked, 3)
        await ready_again(house, "a1001")
        await asked.hang_up()
        await call.wait_ended(5)
    assert "a1001 of anagrafe hands the caller on to a1003" in await trail(house, "+39055200082")
    await house.no_leftovers()


async def test_a_transfer_to_where_nobody_may_call_is_refused_and_both_keep_each_other(house: House) -> None:
    async with house.agent("a1001", "p101") as first, house.citizen("+39055200083") as citizen:
        call, talk = await talk_of(house, citizen, first)
        for number in (PREMIUM, "1001", "77", "s", "from-phones", "0088213123456"):
            referral = await talk.transfer(number)
            assert await referral.outcome(5) == DECLINED, number
        await hear_each_other(call, talk, 3)
        await talk.hang_up()
        await call.wait_ended(5)
        await ready_again(house, "a1001")
    said = await trail(house, "+39055200083")
    assert "the phone p101 of a1001 may not transfer the caller" in said
    assert "premium" in said
    assert PREMIUM not in await house.asterisk("core show channels verbose")
    await house.no_leftovers()


async def test_a_phone_may_say_that_it_wants_to_hear_nothing_and_asterisk_lives(house: House) -> None:
    """With `Refer-Sub: false`, Asterisk 22.10 dies where its module is loaded as it is."""
    async with house.agent("a1001", "p101") as first, house.citizen("+39055200084") as citizen:
        pid = house.asterisk_pid
        call, talk = await talk_of(house, citizen, first)
        for header in ("Supported", "Require"):
            referral = await talk.transfer(PREMIUM, [("Refer-Sub", "false"), (header, "norefersub")])
            assert referral.status == 202
            assert await referral.outcome(5) == DECLINED
        await hear_each_other(call, talk, 3)
        await talk.hang_up()
        await call.wait_ended(5)
        await ready_again(house, "a1001")
    assert house.asterisk_pid == pid
    await house.no_leftovers()


async def test_who_was_asked_on_the_second_line_has_the_caller(house: House) -> None:
    async with (
        house.agent("a1001", "p101", lines=2) as first,
        house.agent("a1003", "p103") as second,
        house.citizen("+39055200085") as citizen,
    ):
        await house.door.command("agents.pause", agent="a1003", by="test")
        call, talk = await talk_of(house, citizen, first)
        await talk.hold()
        attempt = first.start_call("1003")
        asked = await (await second.ring(within_s=10)).answer()
        asking = await attempt.answered(5)
        await hear_each_other(asking, asked, 3)
        assert house.now["agents"]["a1001"]["doing"] == "talking"
        referral = await talk.transfer_to(asking)
        assert await referral.outcome(5) == OK
        await talk.wait_ended(5)
        await asking.wait_ended(5)
        await hear_each_other(call, asked, 5)
        await ready_again(house, "a1001")
        await asked.hang_up()
        await call.wait_ended(5)
    row = await house.row("calls", lambda c: c["number"] == "+39055200085" and c["state"] == "ended")
    assert (row["outcome"], row["agent"]) == ("answered", "a1003")
    assert "a1001 of anagrafe leaves the caller with a1003" in await trail(house, "+39055200085")
    await house.no_leftovers()


async def test_who_is_still_rung_on_the_second_line_gets_the_caller_by_answering(house: House) -> None:
    async with (
        house.agent("a1001", "p101", lines=2) as first,
        house.agent("a1003", "p103") as second,
        house.citizen("+39055200086") as citizen,
    ):
        await house.door.command("agents.pause", agent="a1003", by="test")
        call, talk = await talk_of(house, citizen, first)
        await talk.hold()
        attempt = first.start_call("1003")
        ring = await second.ring(within_s=10)
        await asyncio.wait_for(attempt.ringing.wait(), 5)
        referral = await talk.transfer_to(attempt)
        assert await referral.outcome(5) == OK
        await talk.wait_ended(5)
        await ready_again(house, "a1001")
        asked = await ring.answer()
        await hear_each_other(call, asked, 3)
        await call.hang_up()
        await asked.wait_ended(5)
    await house.no_leftovers()


async def test_a_call_that_is_over_or_was_never_here_is_joined_with_nothing(house: House) -> None:
    async with (
        house.agent("a1001", "p101", lines=2) as first,
        house.agent("a1003", "p103") as second,
        house.citizen("+39055200087") as citizen,
    ):
        await house.door.command("agents.pause", agent="a1003", by="test")
        call, talk = await talk_of(house, citizen, first)
        attempt = first.start_call("1003")
        asked = await (await second.ring(within_s=10)).answer()
        asking = await attempt.answered(5)
        await asked.hang_up()
        await asking.wait_ended(5)
        assert await (await talk.transfer_to(asking)).outcome(5) == DECLINED
        assert await (await talk.transfer_to(talk)).outcome(5) == DECLINED
        asking.dialog.call_id = "nobody-has-this"
        assert await (await talk.transfer_to(asking)).outcome(5) == DECLINED
        await hear_each_other(call, talk, 3)
        await talk.hang_up()
        await call.wait_ended(5)
        await ready_again(house, "a1001")
    assert "which this phone" not in (said := await trail(house, "+39055200087"))
    assert said.count("may not transfer the caller because the other call is over") == 3
    await house.no_leftovers()


async def test_a_phone_in_a_call_of_its_own_transfers_nobody(house: House) -> None:
    async with house.agent("a1001", "p101") as first, house.agent("a1003", "p103") as second:
        attempt = first.start_call("1003")
        asked = await (await second.ring(within_s=10)).answer()
        asking = await attempt.answered(5)
        for call in (asking, asked):
            for number in (PREMIUM, "055055", "1002"):
                assert await (await call.transfer(number)).outcome(5) == DECLINED
            assert await (await call.transfer_to(asking)).outcome(5) == DECLINED
        await hear_each_other(asking, asked, 1)
        await asking.hang_up()
        await asked.wait_ended(5)
    await house.no_leftovers()


async def test_an_engine_that_is_killed_while_the_caller_is_on_hold_loses_nothing(house: House) -> None:
    async with house.agent("a1001", "p101") as first, house.citizen("+39055200088") as citizen:
        call, talk = await talk_of(house, citizen, first)
        await talk.hold()
        await house.until(lambda now: [c["on_hold"] for c in now["calls"].values()] == [True])
        before = house.now["instance"]
        os.kill(house.pid_of("engine"), signal.SIGKILL)
        await house.until(lambda now: now["instance"] != before and now["can_answer"], 20)
        await house.until(lambda now: [c["on_hold"] for c in now["calls"].values()] == [True])
        await hear_music(call)
        await talk.resume()
        await house.until(lambda now: [c["on_hold"] for c in now["calls"].values()] == [False])
        await hear_each_other(call, talk, 3)
        await talk.hang_up()
        await call.wait_ended(5)
        await ready_again(house, "a1001")
    await house.no_leftovers()
