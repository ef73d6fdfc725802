"""`python -m demo`: a working contact centre on this machine, with six agents and a town that calls it.

DEMO_SECONDS ends it by itself; DEMO_PORT_OFFSET is added to every port; DEMO_SEED makes another town.
"""

import asyncio
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from centralino.settings import BrokenConfiguration
from demo.board import Board
from demo.callers import Callers
from demo.engine_view import EngineView, Snapshot
from demo.hall import AGENTS, Hall, HallClosed, Seat
from demo.installation import SHIPPED, DemoFailed, Installation
from demo.summary import Heard, Summary, read_back
from demo.town import citizens

log = logging.getLogger(__name__)

STATE = SHIPPED / "var" / "demo"
LAST_CALLS_S = 12.0  # why: nobody new calls for so long before the end, so that most calls end by themselves
LAST_CALLS_SHARE_MAX = 0.25
SETTLED_WITHIN_S = 5.0


class WrongSetting(Exception):
    """An environment variable is not a number that we can use; the text says which."""


class Stopped(Exception):
    """Somebody has pressed Ctrl-C."""


def _number(name: str, highest: float) -> float | None:
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= highest:
        raise WrongSetting(f"{name} must be a number from 0 to {highest:g}, not {text!r}")
    return number


class Demo:
    """One demo, from its start to its summary."""

    def __init__(self, console: Console, seconds: float | None, port_offset: int, seed: int) -> None:
        self._console, self._seconds, self._seed = console, seconds, seed
        self._installation = Installation(STATE, port_offset)
        self._stop = asyncio.Event()
        self._lasted_s = 0.0

    async def run(self) -> int:
        """The exit code: 0 where all was well. Raises DemoFailed, HallClosed, BrokenConfiguration."""
        loop = asyncio.get_running_loop()
        for told in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(told, self._stop.set)
        self._installation.prepare()
        clock = self._installation.opening_day()
        self._say(f"The clock of this demo starts on {clock:%A %d %B %Y at %H:%M}, when every number is open.")
        self._say("Starting Asterisk, engine and desk…")
        try:
            snapshot, callers, hall = await self._live()
        except Stopped:
            self._say("Stopped before anybody called.")
            return 0
        heard = Heard(hall.talks, hall.heard_a_caller, callers.heard_an_agent, callers.refused)
        return self._conclude(Summary(snapshot, heard, await read_back(self._installation), self._lasted_s))

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=not self._console.is_terminal)

    async def _live(self) -> tuple[Snapshot, Callers, Hall]:
        """Start everything, let the town call, stop everything; the engine's last word, and who took part."""
        stack = AsyncExitStack()
        try:
            return await self._within(stack)
        finally:
            await stack.aclose()

    async def _within(self, stack: AsyncExitStack) -> tuple[Snapshot, Callers, Hall]:
        """Whatever is started here is stopped by `stack`, the last first."""
        installation, engine = self._installation, EngineView(STATE)
        stack.push_async_callback(installation.stop)
        await installation.start(installation.opening_day())
        stack.push_async_callback(engine.close)
        engine.open()
        await self._unless_over(installation.answering(engine))
        callers = await stack.enter_async_context(Callers(self._server(), citizens(self._seed)))
        hall = Hall(self._server(), self._seats(), engine, callers.talks_with, self._seed)
        stack.push_async_callback(hall.close)
        await self._unless_over(hall.open())
        await self._day(engine, callers)
        await callers.hang_up()
        await _settled(engine)
        return dict(engine.snapshot), callers, hall

    async def _day(self, engine: EngineView, callers: Callers) -> None:
        """Citizens call until the time is over or somebody stops it."""
        ends = "Ctrl-C ends it" if self._seconds is None else f"ends after {self._seconds:g} s"
        self._say(f"Six agents are ready. The page: {self._installation.page} ({ends})")
        board = asyncio.create_task(Board(self._console, engine, self._installation.page, ends).show())
        began_s = time.monotonic()
        try:
            await self._unless_over(self._calls(callers))
        except Stopped:
            await _cancelled(board)
            self._say("Everybody hangs up; Asterisk, engine and desk stop…")
        finally:
            self._lasted_s = time.monotonic() - began_s
            await _cancelled(board)

    async def _calls(self, callers: Callers) -> None:
        calling = asyncio.create_task(callers.keep_calling())
        try:
            if self._seconds is None:
                await calling
                return
            last_s = min(LAST_CALLS_S, self._seconds * LAST_CALLS_SHARE_MAX)
            await asyncio.wait({calling}, timeout=self._seconds - last_s)
            await _cancelled(calling)
            await callers.wait_all_ended(last_s)
        finally:
            await _cancelled(calling)

    async def _unless_over(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` to its end. Raises Stopped when told to stop, DemoFailed when `centralino run` ends."""
        working = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stop.wait())
        dying = asyncio.create_task(self._installation.died())
        try:
            await asyncio.wait({working, stopping, dying}, return_when=asyncio.FIRST_COMPLETED)
            if dying.done():
                dying.result()
            if working.done():
                return working.result()
            raise Stopped
        finally:
            await _cancelled(working, stopping, dying)

    def _server(self) -> tuple[str, int]:
        node = self._installation.instance.node(self._installation.configuration)
        return node.sip_host, node.sip_port

    def _seats(self) -> tuple[Seat, ...]:
        installation = self._installation
        agents = installation.configuration.roster.agents
        secrets_of = installation.instance.secrets(frozenset(installation.configuration.roster.phones)).phones
        phones = {name: agents[name].phone or "" for name in AGENTS}
        return tuple(Seat(name, phone, secrets_of[phone]) for name, phone in phones.items())

    def _conclude(self, summary: Summary) -> int:
        self._say(f"\nThe town called for {summary.lasted_s:.0f} s.")
        for line in summary.lines:
            self._say(line)
        if summary.complaints:
            raise self._installation.failure("\n".join(summary.complaints))
        self._say(f"It is kept in {_short(STATE)} until the next demo. DEMO_SEED={self._seed} calls the same town.")
        return 0


async def _settled(engine: EngineView) -> None:
    """Wait until the engine has seen the last call end."""
    try:
        await engine.until(lambda snapshot: not snapshot["calls"], SETTLED_WITHIN_S)
    except TimeoutError:
        log.error("calls have not ended: %s", ", ".join(engine.snapshot["calls"]))


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def main() -> int:
    console = Console()
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    try:
        seconds, offset = _number("DEMO_SECONDS", 7 * 86_400), int(_number("DEMO_PORT_OFFSET", 40_000) or 0)
        seed = int(_number("DEMO_SEED", 1e9) or secrets.randbelow(10_000))
        return asyncio.run(Demo(console, seconds, offset, seed).run())
    except (DemoFailed, HallClosed, WrongSetting, BrokenConfiguration) as reason:
        console.print(f"The demo failed: {reason}", markup=False, highlight=False, style="bold red", soft_wrap=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
