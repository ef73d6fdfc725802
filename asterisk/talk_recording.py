"""Talks recorded by Asterisk's MixMonitor, asked over AMI: both sides in one stereo WAV file.

MixMonitor with `D` writes what comes from a channel and what goes to it as the two channels of raw sound, in step;
with `a` it goes on where a file ends, and we have put a WAV header at the beginning. So nothing is mixed or copied
afterwards: the header learns the length, and the file its name. On the agent's leg, so that the recording ends with
the talk even where nobody tells it to; with `b` only while the leg is joined. On disk NAME.raw until it is closed, then
NAME.wav: the agent is left, the caller right.
"""

import asyncio
import errno
import fcntl
import logging
import os
import shutil
import signal
import struct
from collections.abc import Coroutine
from pathlib import Path

from asterisk.ami import AmiLine
from asterisk.port import OnEvent, RecordingPaused, RecordingPauseFailed, RecordingResumed, TalkRecorded

log = logging.getLogger(__name__)

OPTIONS = "abD"
MUTED, HEARD = "1", "0"
RATE_HZ, CHANNELS, SAMPLE_BYTES = 8_000, 2, 2
FRAME_BYTES = CHANNELS * SAMPLE_BYTES
BYTES_PER_S = RATE_HZ * FRAME_BYTES
HEADER_BYTES = 44
CLOSED_WITHIN_S = 10.0
LOOK_AGAIN_S = 0.05
ROOM_AT_START_BYTES = 1_000_000_000  # less is free: no recording begins
ROOM_LEFT_BYTES = 500_000_000  # less is free: all recordings end; the journal, without which nobody talks, goes on
ROOM_EVERY_S = 5.0
NEARLY_FULL = "the disk is nearly full"


class TalkRecorder:
    """The recordings of one node. What became of each is told once as `TalkRecorded`."""

    def __init__(self, ami: AmiLine, recordings: Path, on_event: OnEvent) -> None:
        self._ami, self._recordings, self._on_event = ami, recordings, on_event
        self._over: dict[str, asyncio.Future[str]] = {}  # by leg; done, with why, when the recording is to be closed
        self._turns: dict[str, asyncio.Lock] = {}  # by leg: it is begun, paused and resumed in the order of asking
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None
        self._finishing = asyncio.Lock()  # a recording may be asked for while it is being closed

    def begin(self, leg: str, recording: str) -> None:
        """Record the talk of `leg`, or go on where it is being recorded already."""
        if leg in self._over:
            return
        self._over[leg] = asyncio.get_running_loop().create_future()
        self._turns[leg] = asyncio.Lock()
        self._spawn(self._record(leg, recording))
        if self._watch is None or self._watch.done():
            self._watch = self._spawn(self._watch_room())

    def finish(self, leg: str, recording: str) -> None:
        """Close the recording of a leg that is gone, and tell what there is of it."""
        if leg not in self._over:
            self._spawn(self._close(leg, recording, ""))

    def stop(self, leg: str, recording: str) -> None:
        """End it before the leg does, and tell what there is of it."""
        self._spawn(self._stop_early(leg, recording))

    def pause(self, leg: str) -> None:
        """Silence stands in its place, for as long; what came of it is told."""
        self._spawn(self._mute(leg, MUTED, RecordingPaused(leg)))

    def resume(self, leg: str) -> None:
        self._spawn(self._mute(leg, HEARD, RecordingResumed(leg)))

    def leg_over(self, leg: str) -> None:
        self._end(leg, "")

    def only_these_live(self, legs: set[str]) -> None:
        """Of all other legs the end was told to nobody."""
        for leg in self._over.keys() - legs:
            self._end(leg, "")

    # --- within

    def _end(self, leg: str, why: str) -> None:
        over = self._over.get(leg)
        if over and not over.done():
            over.set_result(why)

    async def _record(self, leg: str, recording: str) -> None:
        try:
            async with self._turns[leg]:
                why = await self._start(leg, recording)
            why = why or await self._over[leg]
        finally:
            del self._over[leg], self._turns[leg]
        await self._close(leg, recording, why)

    async def _mute(self, leg: str, state: str, is_so: RecordingPaused | RecordingResumed) -> None:
        turn = self._turns.get(leg)
        if turn is None:
            self._on_event(RecordingPauseFailed(leg, "it is not being recorded"))
            return
        async with turn:
            why = await self._asked("MixMonitorMute", Channel=leg, Direction="both", State=state)
        self._on_event(RecordingPauseFailed(leg, why) if why else is_so)

    async def _start(self, leg: str, recording: str) -> str:
        """Why it could not be started; empty: it runs."""
        raw = self._raw(recording)
        try:
            if await asyncio.to_thread(is_written, raw):
                return ""  # an engine before this one has started it
            await asyncio.to_thread(_make_ready, raw, self._recordings)
        except OSError as refused:
            return refused.strerror or str(refused)
        return await self._asked("MixMonitor", Channel=leg, File=str(raw), Options=OPTIONS)

    async def _asked(self, action: str, **headers: str) -> str:
        """Why AMI did not do it; empty: it did."""
        try:
            answer = await self._ami.act(action, **headers)
        except (OSError, ValueError) as refused:  # AMI's ConnectionError and TimeoutError among them
            return getattr(refused, "strerror", "") or str(refused) or type(refused).__name__
        return "" if answer.get("Response") == "Success" else str(answer.get("Message"))

    async def _close(self, leg: str, recording: str, why: str) -> None:
        raw, length_s = self._raw(recording), 0.0
        try:
            if await self._until_closed(raw):
                async with self._finishing:
                    length_s = await asyncio.to_thread(finish, raw)
            else:
                why = why or f"Asterisk has not closed it within {CLOSED_WITHIN_S:g} s"
        except OSError as refused:
            why = why or f"it cannot be closed: {refused.strerror}"
        self._on_event(TalkRecorded(leg, recording, length_s, why))

    async def _until_closed(self, raw: Path) -> bool:
        """False: it is still being written."""
        for _ in range(int(CLOSED_WITHIN_S / LOOK_AGAIN_S)):
            if not await asyncio.to_thread(is_written, raw):
                return True
            await asyncio.sleep(LOOK_AGAIN_S)
        return False

    async def _watch_room(self) -> None:
        """Full disks end the engine, which cannot put on record what happens: recordings end before that."""
        while self._over:
            await asyncio.sleep(ROOM_EVERY_S)
            if self._over and await asyncio.to_thread(_free_bytes, self._recordings) < ROOM_LEFT_BYTES:
                for leg in list(self._over):
                    await self._stop(leg)

    async def _stop_early(self, leg: str, recording: str) -> None:
        if why := await self._asked("StopMixMonitor", Channel=leg):
            log.warning("the recording of %s did not end before its talk: %s", leg, why)
        if leg in self._over:
            self._end(leg, "")
        else:  # an engine before this one had it recorded
            await self._close(leg, recording, "")

    async def _stop(self, leg: str) -> None:
        try:
            await self._ami.act("StopMixMonitor", Channel=leg)
        except OSError as away:
            log.error("the recording of %s could not be stopped: %s", leg, away)
            return  # tried again at the next look
        self._end(leg, NEARLY_FULL)

    def _raw(self, recording: str) -> Path:
        return self._recordings / f"{recording}.raw"

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()):
            log.error("a recording was not looked after", exc_info=fault)


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _make_ready(raw: Path, recordings: Path) -> None:
    """An empty WAV file under the name `raw`, which Asterisk's user may write to. Raises OSError."""
    if _free_bytes(recordings) < ROOM_AT_START_BYTES:
        raise OSError(errno.ENOSPC, NEARLY_FULL)
    if _wav(raw).exists() or (raw.exists() and raw.stat().st_size > HEADER_BYTES):
        raise FileExistsError(errno.EEXIST, "it was recorded before, and that had ended")
    owner = recordings.stat()
    for folder in reversed([parent for parent in raw.parents if parent.is_relative_to(recordings)]):
        if not folder.exists():
            folder.mkdir(mode=0o750, exist_ok=True)
            os.chown(folder, owner.st_uid, owner.st_gid)
    with raw.open("wb") as file:
        os.fchmod(file.fileno(), 0o640)
        os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write(_header(0))


def is_written(raw: Path) -> bool:
    """Whether somebody has `raw` open for writing: then the kernel gives nobody a lease to read it."""
    try:
        with raw.open("rb") as file:
            fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)  # a broken lease would end us by SIGIO; this is ignored
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as refused:
        return refused.errno == errno.EAGAIN
    return False


def finish(raw: Path) -> float:
    """Make NAME.wav of what was recorded in NAME.raw; how many seconds it holds. Where there is no sound, no file."""
    wav = _wav(raw)
    if not raw.exists():
        return _sound_bytes(wav) / BYTES_PER_S if wav.exists() else 0.0
    sound_bytes = _sound_bytes(raw)
    if sound_bytes <= 0:
        raw.unlink()
        return 0.0
    with raw.open("r+b") as file:
        file.write(_header(sound_bytes))
    raw.rename(wav)
    return sound_bytes / BYTES_PER_S


def _sound_bytes(file: Path) -> int:
    return (file.stat().st_size - HEADER_BYTES) // FRAME_BYTES * FRAME_BYTES


def _wav(raw: Path) -> Path:
    return raw.with_suffix(".wav")


def _header(sound_bytes: int) -> bytes:
    plain, bits = 1, 8 * SAMPLE_BYTES
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, plain, CHANNELS, RATE_HZ, BYTES_PER_S, FRAME_BYTES, bits)
    riff = struct.pack("<4sI4s", b"RIFF", HEADER_BYTES - 8 + sound_bytes, b"WAVE")
    return riff + form + struct.pack("<4sI", b"data", sound_bytes)
