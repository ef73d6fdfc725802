"""A command of the command line, run for somebody on the console: bounded in time and in what it says.

It is a process of its own, so that nothing it does can hold up the desk, and can be ended at any moment.
"""

import asyncio
import codecs
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

OUTPUT_BYTES_MAX = 8 * 2**20
AT_ONCE_MAX = 8
ENDS_WITHIN_S = 2.0  # after Ctrl-C; then it is killed
CHUNK_BYTES = 32 * 1024
# a program's output may hold what callers sent us: nothing of it may steer somebody's terminal
_STEERING = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
INTERRUPTED, TOO_LATE, TOO_MUCH, TOO_MANY = 130, 124, 125, 75


class Wire(Protocol):
    """Where to the output goes. Waits until there is room; raises ConnectionError where nobody reads any more."""

    async def out(self, text: str) -> None:
        """What the command says."""

    async def err(self, text: str) -> None:
        """What it complains about."""


@dataclass(frozen=True, slots=True)
class Commands:
    """How commands are run: the program (its first words), and what it finds in its environment."""

    deployment: Path
    state: Path
    program: tuple[str, ...] = (sys.executable, "-m", "centralino")

    def environment(self, by: str, width: int | None) -> Mapping[str, str]:
        """`width`: of the terminal, in columns; None: there is none."""
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        ours = {
            "CENTRALINO_CONFIG": str(self.deployment),
            "CENTRALINO_STATE": str(self.state),
            "CENTRALINO_BY": by,
            "NO_COLOR": "1",
            "PYTHONUTF8": "1",
            "PYTHONUNBUFFERED": "1",
            "TERM": "dumb",
        }
        return {**inherited, **ours, **({"COLUMNS": str(width)} if width else {})}


class Child:
    """One command. `run` it; `interrupt` ends it."""

    _running = 0  # on all connections

    def __init__(self, argv: tuple[str, ...], environment: Mapping[str, str], wire: Wire) -> None:
        self._argv, self._environment, self._wire = argv, environment, wire
        self._interrupted = asyncio.Event()
        self._left_bytes = OUTPUT_BYTES_MAX

    def interrupt(self) -> None:
        self._interrupted.set()

    async def run(self, within_s: float) -> int:
        """Run it to its end; its exit code. Cancelled, it leaves no process behind."""
        if Child._running >= AT_ONCE_MAX:
            await self._wire.err(f"{AT_ONCE_MAX} commands run already; try again in a moment\n")
            return TOO_MANY
        Child._running += 1
        try:
            code = await self._run(within_s)
        finally:
            Child._running -= 1
        if code == TOO_LATE:  # said only now: where nobody reads, saying waits, and nothing may run on meanwhile
            await self._wire.err(f"no end within {within_s:g} s: the command was ended\n")
        elif code == TOO_MUCH:
            await self._wire.err(f"\nmore than {OUTPUT_BYTES_MAX // 2**20} MiB: the command was ended\n")
        return code

    async def _run(self, within_s: float) -> int:
        nothing, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *self._argv, env=self._environment, stdin=nothing, stdout=pipe, stderr=pipe, start_new_session=True
        )
        ending = asyncio.create_task(self._until_ended(process))
        interrupted = asyncio.create_task(self._interrupted.wait())
        try:
            await asyncio.wait({ending, interrupted}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                return ending.result()
            if self._interrupted.is_set():
                await self._ask_to_end(process)
                return INTERRUPTED
            return TOO_LATE
        finally:
            if not ending.done() or process.returncode is None:
                _kill(process)
            ending.cancel()
            interrupted.cancel()
            await asyncio.gather(ending, interrupted, return_exceptions=True)
            await process.wait()

    async def _until_ended(self, process: asyncio.subprocess.Process) -> int:
        assert process.stdout is not None
        assert process.stderr is not None
        saying = [self._pump(process.stdout, self._wire.out), self._pump(process.stderr, self._wire.err)]
        pumps = [asyncio.create_task(one) for one in saying]
        try:
            await asyncio.gather(*pumps)
        except _TooMuch:
            return TOO_MUCH
        finally:
            for pump in pumps:
                pump.cancel()
        code = await process.wait()
        return code if code >= 0 else 128 - code  # as a shell counts a death by signal

    async def _pump(self, source: asyncio.StreamReader, say: "Saying") -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while chunk := await source.read(CHUNK_BYTES):
            self._left_bytes -= len(chunk)
            if self._left_bytes < 0:
                raise _TooMuch
            await say(decoder.decode(chunk).translate(_STEERING))

    async def _ask_to_end(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDS_WITHIN_S):
                await process.wait()


class Saying(Protocol):
    async def __call__(self, text: str) -> None: ...


class _TooMuch(Exception):
    """The command says more than anybody reads."""


def _kill(process: asyncio.subprocess.Process) -> None:
    """It, and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
