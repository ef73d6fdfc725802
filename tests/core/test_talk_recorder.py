"""What becomes of a talk's file where Asterisk, its AMI or the disk will not: never an exception, always told."""

import asyncio
import os
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from asterisk import talk_recording
from asterisk.port import PhoneEvent, TalkRecorded
from asterisk.talk_recording import BYTES_PER_S, NEARLY_FULL, ROOM_AT_START_BYTES, ROOM_LEFT_BYTES, TalkRecorder

LEG, NAME = "c1-leg1", "talks/hall/2026-11-23/c1-talk1"
TOLD_WITHIN_S = 5.0


class Ami:
    """Asterisk as its AMI: MixMonitor holds the file open and has written two seconds to it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuses = ""
        self.is_away = False
        self.writing: dict[str, int] = {}  # leg → file
        self.has_begun = asyncio.Event()

    async def act(self, action: str, **headers: str) -> dict[str, str]:
        self.asked.append(action)
        if self.is_away:
            raise ConnectionError("AMI is not connected")
        if self.refuses:
            return {"Response": "Error", "Message": self.refuses}
        if action == "MixMonitor":
            file = self.writing[headers["Channel"]] = os.open(headers["File"], os.O_WRONLY | os.O_APPEND)
            os.write(file, bytes(2 * BYTES_PER_S + 3))
            self.has_begun.set()
        else:
            self.close(headers["Channel"])
        return {"Response": "Success"}

    def close(self, leg: str) -> None:
        os.close(self.writing.pop(leg))


class Studio:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.ami, self.free_bytes = folder, Ami(), ROOM_AT_START_BYTES
        self._told: asyncio.Queue[PhoneEvent] = asyncio.Queue()
        self.looked, loop, look = asyncio.Event(), asyncio.get_running_loop(), talk_recording.is_written

        def is_written(raw: Path) -> bool:
            loop.call_soon_threadsafe(self.looked.set)
            return look(raw)

        monkeypatch.setattr(talk_recording, "is_written", is_written)
        monkeypatch.setattr(talk_recording, "_free_bytes", lambda folder: self.free_bytes)
        monkeypatch.setattr(talk_recording, "ROOM_EVERY_S", 0.01)
        self.recorder = self.another_life()

    def another_life(self) -> TalkRecorder:
        return TalkRecorder(self.ami, self.folder, self._told.put_nowait)  # type: ignore[arg-type]

    async def told(self) -> PhoneEvent:
        return await asyncio.wait_for(self._told.get(), TOLD_WITHIN_S)

    async def until_written(self) -> None:
        await asyncio.wait_for(self.ami.has_begun.wait(), TOLD_WITHIN_S)

    async def until_looked_at(self) -> None:
        """Until the recorder has looked, once more, whether Asterisk still writes."""
        self.looked.clear()
        await asyncio.wait_for(self.looked.wait(), TOLD_WITHIN_S)

    def files(self) -> list[str]:
        return [file.name for file in self.folder.rglob("*") if file.is_file()]


@pytest_asyncio.fixture
async def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Studio]:
    opened = Studio(tmp_path, monkeypatch)
    yield opened
    for leg in list(opened.ami.writing):
        opened.ami.close(leg)


async def test_the_file_gets_its_name_when_asterisk_has_closed_it(studio: Studio) -> None:
    studio.recorder.begin(LEG, NAME)
    await studio.until_written()
    studio.recorder.leg_over(LEG)
    await studio.until_looked_at()
    await studio.until_looked_at()
    assert studio.files() == ["c1-talk1.raw"], "Asterisk still writes"
    studio.ami.close(LEG)
    assert await studio.told() == TalkRecorded(LEG, NAME, 2.0)
    with wave.open(str(studio.folder / f"{NAME}.wav")) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (2, 8000, 16000)


async def test_asked_for_while_it_is_being_closed_it_is_told_as_the_same(studio: Studio) -> None:
    studio.recorder.begin(LEG, NAME)
    await studio.until_written()
    studio.ami.close(LEG)
    life = studio.another_life()
    for _ in range(30):
        life.finish(LEG, NAME)
    told = [await studio.told() for _ in range(30)]
    assert {(one.duration_s, one.why) for one in told if isinstance(one, TalkRecorded)} == {(2.0, "")}


async def test_another_life_goes_on_with_what_is_being_written(studio: Studio) -> None:
    studio.recorder.begin(LEG, NAME)
    await studio.until_written()
    life = studio.another_life()
    life.begin(LEG, NAME)
    await studio.until_looked_at()
    life.leg_over(LEG)
    await studio.until_looked_at()
    studio.ami.close(LEG)
    assert await studio.told() == TalkRecorded(LEG, NAME, 2.0)
    assert studio.ami.asked == ["MixMonitor"]


async def test_without_room_nothing_is_begun(studio: Studio) -> None:
    studio.free_bytes = ROOM_AT_START_BYTES - 1
    studio.recorder.begin(LEG, NAME)
    told = await studio.told()
    assert isinstance(told, TalkRecorded)
    assert (told.duration_s, NEARLY_FULL in told.why) == (0.0, True)
    assert (studio.files(), studio.ami.asked) == ([], [])


async def test_before_the_disk_is_full_recordings_end_and_what_there_is_is_kept(studio: Studio) -> None:
    studio.recorder.begin(LEG, NAME)
    await studio.until_written()
    studio.free_bytes = ROOM_LEFT_BYTES - 1
    assert await studio.told() == TalkRecorded(LEG, NAME, 2.0, NEARLY_FULL)
    assert studio.ami.asked == ["MixMonitor", "StopMixMonitor"]


async def test_a_refusal_of_asterisks_is_told_and_leaves_no_file(studio: Studio) -> None:
    studio.ami.refuses = "No such channel"
    studio.recorder.begin(LEG, NAME)
    assert await studio.told() == TalkRecorded(LEG, NAME, 0.0, "No such channel")
    assert studio.files() == []


async def test_without_ami_it_is_told(studio: Studio) -> None:
    studio.ami.is_away = True
    studio.recorder.begin(LEG, NAME)
    assert await studio.told() == TalkRecorded(LEG, NAME, 0.0, "AMI is not connected")


async def test_a_folder_that_cannot_be_made_is_told(studio: Studio) -> None:
    (studio.folder / "talks").touch()
    studio.recorder.begin(LEG, NAME)
    told = await studio.told()
    assert isinstance(told, TalkRecorded)
    assert told.why


async def test_what_stands_already_is_never_written_over(studio: Studio) -> None:
    studio.recorder.begin(LEG, NAME)
    await studio.until_written()
    studio.recorder.leg_over(LEG)
    studio.ami.close(LEG)
    await studio.told()
    studio.recorder.begin(LEG, NAME)
    told = await studio.told()
    assert isinstance(told, TalkRecorded)
    assert told.duration_s == 2.0
    assert studio.ami.asked == ["MixMonitor"]
