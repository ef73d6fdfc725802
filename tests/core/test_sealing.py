"""Recordings are encrypted once they are closed, and not before; what fails is told, and tried again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from centralino import events as ev
from centralino import sealing as module
from centralino.instance import CannotKeep
from centralino.sealing import Closing, OnRecord, Sealing
from recordings.files import Shelf, sound_of
from recordings.sealed import Keys

KEYS = Keys("k1", {"k1": bytes(32)})
SOUND = b"RIFF" + bytes(100)
WITHIN_S = 5.0


class Studio:
    def __init__(self, folder: Path) -> None:
        self.folder, self.in_use, self.written = folder, set[str](), set[str]()
        self.shelf = Shelf(folder, self.keys)
        self.has_keys = True
        self.discarded: dict[str, str] = {}
        self.events: list[ev.AnyEvent] = []
        on_record = OnRecord(lambda: self.in_use, lambda: self.discarded, self.events.append)
        self.tasks: list[asyncio.Task[None]] = []
        self.sealing = Sealing(self.shelf, on_record, Closing(self.is_written, self.finish))

    def start(self) -> None:
        self.tasks.append(asyncio.create_task(self.sealing.run()))

    def keys(self) -> Keys:
        if not self.has_keys:
            raise CannotKeep("secrets.yaml: there is no key")
        return KEYS

    def is_written(self, file: Path) -> bool:
        return file.name in self.written

    def finish(self, raw: Path) -> None:
        raw.rename(raw.with_suffix(".wav"))

    def put(self, name: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(SOUND)

    def files(self) -> list[str]:
        return sorted(str(file.relative_to(self.folder)) for file in self.folder.rglob("*") if file.is_file())

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while True:
                if is_so():
                    return
                await asyncio.sleep(0.01)

    async def until_there_are(self, *names: str) -> None:
        await self.until(lambda: self.files() == sorted(names))

    def closed(self, name: str) -> None:
        self.in_use.discard(name)
        told = ev.VoicemailEnded(call="c1", recording=name, kept=True, duration_s=1, why="hash")
        self.sealing.entry(ev.Entry(n=1, at_s=0.0, event=told))


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    opened = Studio(tmp_path / "recordings")
    yield opened
    for task in opened.tasks:
        task.cancel()
    await asyncio.gather(*opened.tasks, return_exceptions=True)


async def test_what_is_left_plain_is_sealed_at_the_start_but_not_what_is_being_recorded(studio: Studio) -> None:
    for name in ("d/c1.wav", "talks/q/d/c2-talk1.wav", "talks/q/d/c3-talk1.raw", "d/c4.wav", "d/c5.wav.enc.new"):
        studio.put(name)
    studio.in_use = {"d/c4"}
    studio.start()
    sealed = ("d/c1.wav.enc", "talks/q/d/c2-talk1.wav.enc", "talks/q/d/c3-talk1.wav.enc")
    await studio.until_there_are(*sealed, "d/c4.wav")
    studio.closed("d/c4")
    await studio.until_there_are(*sealed, "d/c4.wav.enc")
    assert sound_of(studio.shelf, "d/c4") == SOUND


async def test_a_recording_that_asterisk_still_writes_and_one_without_a_key_are_tried_again(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.01)
    caplog.set_level(logging.ERROR)
    studio.start()
    studio.put("d/c1.wav")
    studio.written = {"c1.wav"}
    studio.has_keys = False
    studio.closed("d/c1")
    await studio.until(lambda: "Asterisk still writes it" in caplog.text)
    studio.written.clear()
    await studio.until(lambda: "there is no key" in caplog.text)
    assert studio.files() == ["d/c1.wav"]
    studio.has_keys = True
    await studio.until_there_are("d/c1.wav.enc")


async def test_what_the_caller_did_not_want_is_deleted_on_record_also_after_a_crash(studio: Studio) -> None:
    name = "talks/q/d/c2-talk1"
    studio.discarded = {name: "c2", "talks/q/d/c3-talk1": "c3"}
    studio.in_use = {"talks/q/d/c3-talk1"}
    for kept in (f"{name}.wav", "talks/q/d/c3-talk1.raw"):
        studio.put(kept)
    studio.start()
    await studio.until_there_are("talks/q/d/c3-talk1.raw")
    studio.closed("talks/q/d/c3-talk1")
    await studio.until_there_are()
    why = "the caller did not want it"
    assert studio.events == [
        ev.RecordingDeleted(call="c2", recording=name, why=why),
        ev.RecordingDeleted(call="c3", recording="talks/q/d/c3-talk1", why=why),
    ]
