"""Was it this prompt? Recognition by sound."""

import asyncio
import random
import struct

import pytest

from demo.listening import SAME_SOUND, hear, heard_at
from demo.phone import Phone, chat
from demo.rtp import Heard
from demo.sounds import PCMA, PCMU, alaw, decoded, voice

SECOND = 2 * 8000  # bytes


def over_the_line(pcm: bytes) -> bytes:
    return decoded(alaw(pcm), PCMA)


def test_a_prompt_is_found_where_it_begins() -> None:
    match = heard_at(bytes(SECOND // 2) + over_the_line(voice(1, 4.0)) + bytes(SECOND), voice(1, 4.0))
    assert match.score > 0.95
    assert match.at_s == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("seed", range(2, 6))
def test_another_prompt_is_not_found(seed: int) -> None:
    match = heard_at(over_the_line(voice(1, 8.0)), voice(seed, 4.0))
    assert match.score < SAME_SOUND / 2
    assert not match.is_same


def test_a_skip_in_the_middle_does_not_hide_a_prompt() -> None:
    pcm = voice(1, 6.0)
    skipped = pcm[: SECOND * 5 // 2] + bytes(2 * 832) + pcm[SECOND * 5 // 2 :]
    assert heard_at(skipped, pcm).score > 0.9


def test_half_a_prompt_is_not_that_prompt() -> None:
    pcm = voice(1, 4.0)
    assert not heard_at(pcm[: 2 * SECOND] + over_the_line(voice(2, 4.0)), pcm).is_same
    assert heard_at(pcm[: 3 * SECOND] + over_the_line(voice(2, 4.0)), pcm).is_same


def test_silence_and_noise_are_no_prompt() -> None:
    chance = random.Random(1)
    noise = struct.pack("<24000h", *(chance.randrange(-3000, 3000) for _ in range(24000)))
    assert not heard_at(bytes(5 * SECOND), voice(1)).is_same
    assert not heard_at(noise, voice(1)).is_same
    assert not heard_at(b"", voice(1)).is_same


def test_a_silent_reference_is_an_error() -> None:
    with pytest.raises(ValueError, match="silent"):
        heard_at(voice(1), bytes(SECOND))


def test_pauses_of_the_reference_do_not_count() -> None:
    paused = voice(1, 2.0) + bytes(5 * SECOND) + voice(2, 1.0)
    assert heard_at(over_the_line(paused), paused).score > 0.9


def test_what_comes_late_or_out_of_order_stands_in_its_place() -> None:
    heard = Heard(keep_s=10)
    frames = [bytes([0x20 + n]) * 160 for n in range(4)]
    for n in (0, 2, 1, 3):
        heard.add(1, n * 160, PCMA, frames[n], 1.0 + n / 50)
    assert heard.pcm() == decoded(b"".join(frames), PCMA)


def test_timestamps_run_over_their_end() -> None:
    heard = Heard(keep_s=10)
    for n in range(3):  # all at one instant, as after a pause of ours: only the timestamps tell where they belong
        heard.add(1, (0xFFFFFFFF - 319 + n * 320) & 0xFFFFFFFF, PCMA, b"\x55" * 160, 1.0)
    assert len(heard.pcm()) == 2 * 640 + 320


def test_a_new_source_is_placed_by_the_clock() -> None:
    heard = Heard(keep_s=10)
    heard.add(1, 1000, PCMA, b"\x55" * 160, 1.0)
    heard.add(2, 77777777, PCMA, b"\x55" * 160, 2.0)
    assert len(heard.pcm()) == SECOND + 320


@pytest.mark.parametrize("codec", [PCMA, PCMU])
def test_every_code_has_its_level(codec: int) -> None:
    levels = struct.unpack("<256h", decoded(bytes(range(256)), codec))
    assert len(set(levels)) >= 255
    assert (min(levels), max(levels)) == ((-32256, 32256) if codec == PCMA else (-32124, 32124))


def test_alaw_there_and_back_is_the_same() -> None:
    codes = bytes(range(256))
    assert alaw(decoded(codes, PCMA)) == codes


async def test_two_people_hear_each_other() -> None:
    async with Phone(("127.0.0.1", 9), "bob") as bob, Phone(bob.address, "alice") as alice:
        attempt = alice.start_call("bob")
        theirs = await (await bob.ring(within_s=5)).answer()
        ours = await attempt.answered(within_s=5)
        theirs.play(voice(2), loop=True)
        talking = asyncio.ensure_future(chat(ours, 1, for_s=30))
        assert (await hear(theirs, voice(1), within_s=15)).is_same
        assert (await hear(ours, voice(2), within_s=15)).is_same
        assert not heard_at(ours.heard(), voice(3)).is_same
        await ours.hang_up()
        await asyncio.wait_for(talking, 5)
