"""The guardian keeps the parts running: Asterisk, the engine, the desk.

It does nothing else, so that there is little in it that could fail: start, watch, start again. A part that dies within
10 s of being ready waits a little longer each time; any other death is followed at once by a new life. An engine whose
heartbeat stops for 2 s is killed; where that happens soon after its start, the next may be silent for longer: on a
machine with more to do than it can, it would never come to work.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

SILENT_AFTER_S, SILENT_AFTER_MAX_S = 2.0, 16.0
LATE_S = 0.5  # who wakes so late cannot say of others that they are
FIRST_BEAT_WITHIN_S = 15.0  # starting takes longer than a beat: prompts and a long journal are read
YOUNG_S = 10.0
SETTLED_S = 60.0
CALLS, OTHERS = -10, 0  # nice values
PAUSE_FIRST_S, PAUSE_MAX_S = 0.5, 30.0
STOP_WITHIN_S = 8.0
LAST_WORDS_MAX = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Part:
    """A process of ours: the words after `python -m centralino`, and whether it sends heartbeats."""

    name: str
    words: tuple[str, ...]
    beats: bool = False


class Heart:
    """What the guardian hears of a part."""

    def __init__(self) -> None:
        self._beat = asyncio.Event()

    def beat(self) -> None:
        self._beat.set()

    async def beats(self, within_s: float) -> bool:
        """Whether there is a heartbeat within that time; where we slept through it ourselves, nobody can tell."""
        self._beat.clear()
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_s
        try:
            await asyncio.wait_for(self._beat.wait(), within_s)
        except TimeoutError:
            return self._beat.is_set() or loop.time() > until_s + LATE_S
        return True


class Keeper:
    """Keeps one part running until `stop`. `last_words`: a file for what a life of it prints outside its log."""

    def __init__(self, part: Part, last_words: Path) -> None:
        self.part = part
        self._last_words = last_words
        self._stopping = self._was_frozen = False
        self._process: asyncio.subprocess.Process | None = None
        self._heart = Heart()
        self._silent_after_s = SILENT_AFTER_S
        self.silent = asyncio.Event()  # set from the end of a life until the first heartbeat of the next

    async def run(self) -> None:
        """Start the part, again and again; returns after `stop`."""
        pause_s = 0.0
        while not self._stopping:
            began_s = asyncio.get_running_loop().time()
            try:
                await self._live()
            except OSError as error:  # no process, no pipe, no room: that passes
                log.error("%s could not be started: %s", self.part.name, error)
            self.silent.set()
            if self._stopping:
                return
            lived_s = asyncio.get_running_loop().time() - began_s
            pause_s = next_pause_s(pause_s, lived_s)
            self._silent_after_s = next_silence_s(self._silent_after_s, lived_s, was_frozen=self._was_frozen)
            code = self._process.returncode if self._process else None
            said = self._last_words.read_text(errors="replace")[-LAST_WORDS_MAX:].strip()
            facts = {"exit_code": code, "next_in_s": pause_s} | ({"said": said} if said else {})
            log.error("%s ended by itself", self.part.name, extra=facts)
            await asyncio.sleep(pause_s)

    async def stop(self) -> None:
        """End the part: politely, and after STOP_WITHIN_S by force."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
        except TimeoutError:
            log.error("%s did not stop within %g s: killing it", self.part.name, STOP_WITHIN_S)
            process.kill()
            await process.wait()

    async def _live(self) -> None:
        """One life of the part, from its start to its end."""
        read_fd, write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        beats: Sequence[str] = ("--heartbeat-fd", str(write_fd)) if self.part.beats else ()
        held_fd, guard_fd = os.pipe2(os.O_CLOEXEC)  # the part reads one end: it breaks when we are gone
        with self._last_words.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "centralino", *self.part.words, "--guarded", *beats),
                stdin=held_fd,
                stderr=output,
                pass_fds=(write_fd,) if beats else (),
                start_new_session=True,  # Ctrl-C in our terminal is ours to pass on
            )
        os.close(write_fd)
        os.close(held_fd)
        loop = asyncio.get_running_loop()
        loop.add_reader(read_fd, self._drain, read_fd)
        watching = asyncio.create_task(self._watch(self._process)) if self.part.beats else None
        try:
            await self._process.wait()
        finally:
            loop.remove_reader(read_fd)
            os.close(read_fd)
            os.close(guard_fd)
            if watching:
                watching.cancel()

    def _drain(self, read_fd: int) -> None:
        try:
            if os.read(read_fd, 4096):
                self._heart.beat()
                self.silent.clear()
            else:
                asyncio.get_running_loop().remove_reader(read_fd)  # its end is closed: it has ended
        except BlockingIOError:
            return

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Kill a part whose heart stands still."""
        self._was_frozen = False
        within_s = FIRST_BEAT_WITHIN_S
        while await self._heart.beats(within_s):
            within_s = self._silent_after_s
        log.error("%s is frozen: no heartbeat for %g s, killing it", self.part.name, within_s)
        self._was_frozen = True
        process.kill()


def next_pause_s(last_pause_s: float, lived_s: float) -> float:
    """How long to wait before the next life: nothing after a long one, ever longer after short ones."""
    if lived_s > YOUNG_S:
        return 0.0
    return min(PAUSE_MAX_S, max(PAUSE_FIRST_S, 2 * last_pause_s))


def next_silence_s(last_s: float, lived_s: float, *, was_frozen: bool) -> float:
    """How long the next life may be silent: longer, where the last was killed for it before it had settled."""
    return min(SILENT_AFTER_MAX_S, 2 * last_s) if was_frozen and lived_s <= SETTLED_S else SILENT_AFTER_S


def calls_first() -> None:
    """We, and what we start, come before others on a busy machine, where we may say so (root may)."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, CALLS)


def pages_after_calls() -> None:
    os.setpriority(os.PRIO_PROCESS, 0, OTHERS)


def on_stop_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT set `stop`."""
    loop = asyncio.get_running_loop()
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, stop.set)


def on_guardians_death(stop: asyncio.Event) -> None:
    """Set `stop` when the guardian is gone: its successor finds the ports free, and Asterisk with its calls."""
    loop = asyncio.get_running_loop()
    stdin = 0

    def gone() -> None:
        loop.remove_reader(stdin)
        log.warning("the guardian is gone: stopping, calls go on in Asterisk")
        stop.set()

    loop.add_reader(stdin, gone)
