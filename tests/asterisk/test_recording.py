"""Talks that are recorded on the real Asterisk: who is where in the file, who is in none, and when it goes."""

import asyncio
import io
import os
import signal
import subprocess
import wave
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from agents.spoken import Spoken
from centralino.database import DatabaseAway, database_url, open_database
from centralino.speaking import speak, system_sentences
from demo.calls import Call
from demo.listening import hear, heard_at
from demo.sounds import PCMA, decoded, voice
from ivr.prompts import Prompt
from ivr.sentences import Pattern, Sentence
from supervision import store
from tests.house import SEEN_WITHIN_S, House, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

PORT_OFFSET = 2500
LOOK_AGAIN_S = 0.05
CALLER_SAYS, AGENT_SAYS, SECRET = voice(1), voice(2), voice(3)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with open_house(PORT_OFFSET) as opened:
        yield opened


async def spoken(house: House, prompt: Prompt) -> bytes:
    sound = (await speak([prompt], house.instance.prompts)).sounds[prompt]
    return decoded(sound.path.with_suffix(".alaw").read_bytes(), PCMA)


async def may_be_recorded(house: House) -> bytes:
    return await spoken(house, system_sentences().with_key(Pattern.MAY_BE_RECORDED, "3", "it"))


async def on_record(house: House, call: str, kind: str) -> dict[str, Any]:
    """The event of this kind in the call's trail; the database may be a moment behind."""
    database = open_database(database_url("sqlite", house.state))
    trail: Sequence[store.LoggedEvent] = ()
    try:
        async with asyncio.timeout(SEEN_WITHIN_S):
            while True:
                with suppress(DatabaseAway):  # it is made beside the first calls
                    trail = await store.events_of(database, call)
                for event in trail:
                    if event.kind == kind:
                        return dict(event.body) | {"why": event.why}
                await asyncio.sleep(LOOK_AGAIN_S)
    except TimeoutError:
        raise AssertionError(f"no {kind} among {trail}") from None
    finally:
        await database.close()


async def the_call(house: House, state: str) -> str:
    """The one call that there is, once it is in this state."""
    found = await house.until(lambda now: [c["id"] for c in now["calls"].values() if c["state"] == state])
    return str(found[0])


def files(house: House) -> list[Path]:
    return [path for path in (house.instance.recordings / "talks").rglob("*") if path.is_file()]


def channels(recorded: bytes) -> tuple[bytes, bytes]:
    """What stands left, and what right."""
    with wave.open(io.BytesIO(recorded)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (2, 2, 8000)
        both = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, 2)
    return both[:, 0].tobytes(), both[:, 1].tobytes()


async def talk(call: Call, agent: Call) -> None:
    """Both speak until each has heard the other, and once more: the recording may have missed the first syllable."""
    call.play(CALLER_SAYS, loop=True)
    agent.play(AGENT_SAYS, loop=True)
    for _ in range(2):
        assert (await hear(agent, CALLER_SAYS, 10)).is_same
        assert (await hear(call, AGENT_SAYS, 10)).is_same
        call.forget_heard()
        agent.forget_heard()


async def test_the_caller_stands_in_one_channel_and_the_agent_in_the_other(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055880001") as citizen:
        call = await citizen.call("055444")
        ring = await seat.ring(within_s=5)
        assert (await hear(call, await may_be_recorded(house), 15)).is_same, "also while the phone rings"
        id_ = await the_call(house, "offered")
        await on_record(house, id_, "RecordingTold")
        agent = await ring.answer()
        await talk(call, agent)
        await agent.hang_up()
        await call.wait_ended(5)
    ended = await on_record(house, id_, "TalkRecordingEnded")
    left, right = channels(await house.sound_of(ended["recording"]))
    assert heard_at(left, AGENT_SAYS).is_same
    assert heard_at(right, CALLER_SAYS).is_same
    assert not heard_at(left, CALLER_SAYS).is_same
    assert not heard_at(right, AGENT_SAYS).is_same
    assert len(left) / 2 / 8000 == pytest.approx(ended["duration_s"], abs=0.01)
    [file] = files(house)
    assert file.name.endswith(".wav.enc")
    assert file.stat().st_mode & 0o077 == 0, "nobody else may listen"


async def test_who_refuses_is_in_no_file(house: House) -> None:
    before = files(house)
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055880002") as citizen:
        call = await citizen.call("055444")
        ring = await seat.ring(within_s=5)
        call.press("3")
        not_recorded = await spoken(house, system_sentences().prompt(Sentence.NOT_RECORDED, "it"))
        assert (await hear(call, not_recorded, 10)).is_same
        id_ = await the_call(house, "offered")
        agent = await ring.answer()
        await talk(call, agent)
        await call.hang_up()
        await agent.wait_ended(5)
        await house.until_ended()
    assert (await on_record(house, id_, "TalkNotRecorded"))["why"] == "the caller does not want it"
    assert files(house) == before


async def test_a_talk_that_begins_within_the_sentence_is_in_no_file(house: House) -> None:
    before = files(house)
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055880003") as citizen:
        call = await citizen.call("055444")
        agent = await (await seat.ring(within_s=5)).answer()
        id_ = await the_call(house, "talking")
        await talk(call, agent)
        await call.hang_up()
        await house.until_ended()
    why = (await on_record(house, id_, "TalkNotRecorded"))["why"]
    assert why == "an agent answered before the caller had been told"
    assert files(house) == before


async def test_a_recording_goes_on_while_the_engine_is_killed(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055880004") as citizen:
        call = await citizen.call("055444")
        ring = await seat.ring(within_s=5)
        id_ = await the_call(house, "offered")
        await on_record(house, id_, "RecordingTold")
        agent = await ring.answer()
        await talk(call, agent)
        instance = house.now["instance"]
        os.kill(house.pid_of("engine"), signal.SIGKILL)
        await house.until(lambda now: now["instance"] != instance and now["can_answer"], 20)
        await talk(call, agent)
        await call.hang_up()
        await agent.wait_ended(5)
    ended = await on_record(house, id_, "TalkRecordingEnded")
    left, right = channels(await house.sound_of(ended["recording"]))
    for heard, says in ((left, AGENT_SAYS), (right, CALLER_SAYS)):
        third = len(heard) // 6 * 2
        assert heard_at(heard[:third], says[: 2 * 8000 * 2]).is_same
        assert heard_at(heard[-third:], says[: 2 * 8000 * 2]).is_same


async def test_what_is_said_while_the_agent_pauses_the_recording_is_in_no_file_not_even_with_a_new_engine(
    house: House,
) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055880005") as citizen:
        call = await citizen.call("055444")
        ring = await seat.ring(within_s=5)
        id_ = await the_call(house, "offered")
        await on_record(house, id_, "RecordingTold")
        agent = await ring.answer()
        await talk(call, agent)
        for speaker in (call, agent):
            speaker.be_silent()
        agent.press("*1")
        assert (await hear(agent, await spoken(house, Spoken.RECORDING_PAUSED.prompt("it")), 10)).is_same
        assert (await on_record(house, id_, "TalkRecordingPaused"))["agent"] == "a1001"
        call.play(SECRET, loop=True)
        assert (await hear(agent, SECRET, 10)).is_same, "the talk itself goes on"
        instance = house.now["instance"]
        os.kill(house.pid_of("engine"), signal.SIGKILL)
        await house.until(lambda now: now["instance"] != instance and now["can_answer"], 20)
        agent.forget_heard()
        assert (await hear(agent, SECRET, 10)).is_same
        call.be_silent()
        agent.press("*1")
        assert (await hear(agent, await spoken(house, Spoken.RECORDING_GOES_ON.prompt("it")), 10)).is_same
        await talk(call, agent)
        await agent.hang_up()
        await call.wait_ended(5)
    ended = await on_record(house, id_, "TalkRecordingEnded")
    left, right = channels(await house.sound_of(ended["recording"]))
    assert heard_at(right, CALLER_SAYS).is_same
    assert heard_at(left, AGENT_SAYS).is_same
    assert not heard_at(right, SECRET).is_same
    _, trail = await house.cli("why", id_)
    assert "the recording of the talk with a1001 pauses" in trail
    await house.no_leftovers()


async def test_a_recording_that_the_agent_ends_for_good_is_deleted_and_the_talk_goes_on(house: House) -> None:
    before = files(house)
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055880008") as citizen:
        call = await citizen.call("055444")
        ring = await seat.ring(within_s=5)
        id_ = await the_call(house, "offered")
        await on_record(house, id_, "RecordingTold")
        agent = await ring.answer()
        await talk(call, agent)
        for speaker in (call, agent):
            speaker.be_silent()
        assert len(files(house)) == len(before) + 1
        for asked in (Spoken.DELETE_RECORDING, Spoken.RECORDING_DELETED):
            agent.press("*3")
            assert (await hear(agent, await spoken(house, asked.prompt("it")), 10)).is_same
        assert (await on_record(house, id_, "RecordingDeleted"))["why"] == "the caller did not want it"
        assert files(house) == before
        await talk(call, agent)
        await agent.hang_up()
        await call.wait_ended(5)
        await house.until_ended()
    assert files(house) == before
    _, trail = await house.cli("why", id_)
    assert "a1001 ends the recording of the talk, and it is deleted" in trail
    assert "the agent pressed *3 twice: the caller does not want it" in trail


async def test_a_recording_whose_time_is_over_is_deleted_at_a_start(house: House) -> None:
    [kept, gone] = sorted(file for file in files(house) if file.name.endswith(".wav.enc"))[:2]
    old = gone.parent.parent / "2026-01-01" / gone.name
    old.parent.mkdir()
    gone.rename(old)
    instance = house.now["instance"]
    os.kill(house.pid_of("engine"), signal.SIGKILL)
    await house.until(lambda now: now["instance"] != instance and now["can_answer"], 20)
    deleted = await on_record(house, gone.name.rpartition("-talk")[0], "RecordingDeleted")
    assert deleted["why"] == "older than 30 days"
    assert not old.exists()
    assert kept.exists()


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """A real disk with too little room, where `folder` is."""
    before = folder.stat()
    asked = [
        "mount",
        "-t",
        "tmpfs",
        "-o",
        f"size=50m,uid={before.st_uid},gid={before.st_gid},mode=750",
        "x",
        str(folder),
    ]
    if os.geteuid() != 0 or subprocess.run(asked, check=False).returncode:
        pytest.skip("only root may mount a disk, and not everywhere")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_with_a_full_disk_nothing_is_recorded_which_is_told_and_calls_go_on(house: House) -> None:
    with full_disk(house.instance.recordings):
        await house.until(lambda now: not now["can_record"], 10)
        assert house.now["can_answer"]
        _, told = await house.cli("status")
        assert "no message and no talk is recorded; calls go on" in told
        async with house.citizen("+39055880006") as citizen:
            call = await citizen.call("055999")
            no_room = await spoken(house, system_sentences().prompt(Sentence.NO_ROOM_FOR_MESSAGES, "it"))
            assert (await hear(call, no_room, 20)).is_same
            await call.wait_ended(10)
            await house.until_ended()
        async with house.agent("a1001", "p101") as seat, house.citizen("+39055880007") as citizen:
            call = await citizen.call("055444")
            ring = await seat.ring(within_s=5)
            id_ = await the_call(house, "offered")
            await on_record(house, id_, "RecordingTold")
            agent = await ring.answer()
            await talk(call, agent)
            await agent.hang_up()
            await call.wait_ended(5)
        assert (await on_record(house, id_, "TalkRecordingEnded"))["why"] == "the disk is nearly full"
        assert files(house) == []
    await house.until(lambda now: now["can_record"], 10)
    assert files(house), "what was there before is there again"
