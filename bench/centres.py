"""The two contact centres that are compared: ours (`centralino run`), and app_queue on an Asterisk of its own.

Both run from the same installation with the same phones, carrier and music, each in its own folder, on its own ports.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any, Protocol

import psutil

from asterisk import configuration as asterisk_files
from asterisk.configuration import Node
from asterisk.installer import Installation
from asterisk.process import AsteriskProcess
from bench.cost import Spent, cpu_s
from bench.deployment import agent_of, write_app_queue
from centralino import settings
from centralino.door import DoorClient, EngineAway, door_path
from centralino.instance import Instance

PROJECT = Path(__file__).parent.parent
READY_WITHIN_S = 60.0
EMPTY_WITHIN_S = 15.0
STOPPED_WITHIN_S = 30.0
LOOK_AGAIN_S = 0.1


class BenchFailed(Exception):
    """Nothing can be said of the hand-overs; the text says why."""


class Centre(Protocol):
    """A contact centre that can be measured."""

    name: str
    node: Node

    async def start(self) -> None:
        """Raises BenchFailed. `stop` is called in any case."""

    async def channels(self) -> int:
        """How many calls are there now."""

    async def spent(self) -> Spent:
        """Since it was started. Raises BenchFailed where it no longer runs."""

    async def stop(self) -> None:
        """Nothing of it runs any more when this returns."""


class OurCentre:
    """`centralino run` as people run it."""

    name = "centralino"

    def __init__(self, config: Path, state: Path, port_offset: int) -> None:
        self.instance = Instance(config, state, port_offset)
        self.instance.make_folders()
        self.node = self.instance.node(settings.load(config))
        self._run: asyncio.subprocess.Process | None = None
        self._parts: list[psutil.Process] = []

    async def start(self) -> None:
        words = ("--config", self.instance.config, "--state", self.instance.state)
        offset = ("--port-offset", str(self.instance.port_offset))
        with self._log.open("ab") as output:
            self._run = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "centralino", "run", *words, *offset),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=PROJECT,
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
        await self._until_answering(self._run)
        self._parts = psutil.Process(self._run.pid).children()
        self._engine = next(part for part in self._parts if "engine" in part.cmdline())
        self._asterisk = next(part for part in self._parts if part.cmdline()[0] == "asterisk")
        await self._sign_agents_in()

    async def channels(self) -> int:
        return len((await self._snapshot())["calls"])

    async def spent(self) -> Spent:
        if self._run is None or self._run.returncode is not None:
            raise BenchFailed("centralino run has ended by itself")
        totals = (await self._snapshot())["totals"]
        return Spent(cpu_s(self._asterisk), cpu_s(self._engine), totals["requests"], totals["events"])

    async def stop(self) -> None:
        if self._run is None:
            return
        if self._run.returncode is None:
            self._run.terminate()
            try:
                await asyncio.wait_for(self._run.wait(), STOPPED_WITHIN_S)
            except TimeoutError:
                self._run.kill()
                await self._run.wait()
        for part in self._parts:
            if part.is_running():  # it was killed, and could not stop them
                part.kill()

    # --- within

    @property
    def _log(self) -> Path:
        return self.instance.state / "run.log"

    async def _until_answering(self, run: asyncio.subprocess.Process) -> None:
        until_s = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until_s:
            if run.returncode is not None:
                raise BenchFailed(f"centralino run ended with {run.returncode}: {self._log.read_text()[-2000:]}")
            try:
                if (await self._snapshot())["can_answer"]:
                    return
            except EngineAway:
                pass  # not yet; the deadline is above
            await asyncio.sleep(LOOK_AGAIN_S)
        raise BenchFailed(f"centralino run answers no calls after {READY_WITHIN_S:g} s; see {self._log}")

    async def _sign_agents_in(self) -> None:
        door = DoorClient(door_path(self.instance.state))
        await door.connect()
        try:
            for phone in self.node.phones:
                await door.command("agents.in", agent=agent_of(phone.id), phone=phone.id, by="bench")
        finally:
            await door.close()

    async def _snapshot(self) -> dict[str, Any]:
        door = DoorClient(door_path(self.instance.state))
        await door.connect()
        await door.close()
        return door.snapshot


class AppQueueCentre:
    """Asterisk's own queue, with all else as ours is."""

    name = "app_queue"

    def __init__(self, installation: Installation, node: Node, folder: Path) -> None:
        self.node, self._folder, self._installation = node, folder, installation
        self._process = AsteriskProcess(installation, node, folder)

    async def start(self) -> None:
        asterisk_files.write(self.node, self._installation, self._folder)
        write_app_queue(self._folder / "conf", [phone.id for phone in self.node.phones])
        await self._process.start()
        self._asterisk = psutil.Process(self._process.pid)

    async def channels(self) -> int:
        said = await self._process.command("core show channels count")
        return int(said.split()[0])

    async def spent(self) -> Spent:
        return Spent(cpu_s(self._asterisk))

    async def stop(self) -> None:
        await self._process.stop()


async def until_empty(centre: Centre) -> None:
    """Wait until no call is left there. Raises BenchFailed."""
    until_s = time.monotonic() + EMPTY_WITHIN_S
    while left := await centre.channels():
        if time.monotonic() > until_s:
            raise BenchFailed(f"{centre.name}: {left} calls are left {EMPTY_WITHIN_S:g} s after all callers hung up")
        await asyncio.sleep(LOOK_AGAIN_S)
