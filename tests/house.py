"""A whole installation for tests: `centralino run` in a process of its own, asked as people and machines ask it."""

import asyncio
import dataclasses
import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from asterisk.configuration import Folders
from asterisk.installer import cache_folder, find_or_make
from asterisk.process import AsteriskProcess
from cases import store as case_store
from centralino.database import DatabaseAway, database_url, open_database
from centralino.door import DoorClient, door_path
from centralino.instance import Instance
from centralino.settings import load
from demo.phone import Phone
from recordings.files import Shelf, path_of, sound_of
from recordings.sealed import sealed_path
from supervision import store
from tests.ports import MOVED_BY

STARTED_WITHIN_S = 60.0
STOPPED_WITHIN_S = 30.0
CLI_WITHIN_S = 60.0  # where engine, Asterisk and phones are busy, they go before it
SEEN_WITHIN_S = 10.0
SPOKEN = cache_folder() / "test-prompts"  # named by what they say, how, and in which voice: they never grow old
DEPLOYMENT = Path(__file__).parent / "asterisk" / "deployment"
CARRIER_PORT = 5399  # in DEPLOYMENT; a house moves it by its offset, as `--port-offset` moves all others


class _Changes:
    """Wakes whoever waits for something to become true behind the door."""

    def __init__(self) -> None:
        self.moved = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def arrived(self, snapshot: dict[str, Any]) -> None:
        self._wake()

    def changed(self, changes: dict[str, Any]) -> None:
        self._wake()

    def away(self, why: str) -> None:
        self._wake()

    def _wake(self) -> None:
        task = asyncio.get_running_loop().create_task(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self.moved:
            self.moved.notify_all()


@dataclass
class House:
    """A running installation. Ports are the usual ones plus `offset`."""

    config: Path
    state: Path
    offset: int
    process: asyncio.subprocess.Process
    output: Path
    changes: _Changes = field(default_factory=_Changes)

    def __post_init__(self) -> None:
        self.instance = Instance(self.config, self.state, self.offset)
        self.configuration = load(self.config)
        self.door = DoorClient(door_path(self.state), self.changes)
        self.following = asyncio.create_task(self.door.follow())

    @property
    def sip(self) -> tuple[str, int]:
        return "127.0.0.1", 5060 + self.offset

    def outside(self, name: str = "outside", max_calls: int = 1, *, keep_audio: bool = True) -> Phone:
        """The carrier's side of calls outside: not open yet."""
        port = CARRIER_PORT + self.offset
        return Phone(self.sip, name, local_port=port, max_calls=max_calls, keep_audio=keep_audio)

    @property
    def now(self) -> dict[str, Any]:
        """The engine's own picture, as the door tells it."""
        return self.door.snapshot

    async def until(self, is_so: Callable[[dict[str, Any]], Any], within_s: float = SEEN_WITHIN_S) -> Any:
        """Wait until the picture is such; its value. An AssertionError shows the picture where it never is."""

        def so() -> Any:
            return self.door.connected and self.now.get("calls") is not None and is_so(self.now)

        try:
            async with asyncio.timeout(within_s), self.changes.moved:
                return await self.changes.moved.wait_for(so)
        except TimeoutError:
            picture = {name: self.now.get(name) for name in ("calls", "agents", "can_answer")}
            raise AssertionError(f"never came true: {json.dumps(picture, indent=1)}") from None

    async def until_ended(self, within_s: float = SEEN_WITHIN_S) -> None:
        """Wait until no call is left."""
        await self.until(lambda now: not now["calls"], within_s)

    async def cli(self, *words: str) -> tuple[int, str]:
        """Run a command as an admin does: its exit code, and what it printed."""
        asked = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "centralino", *words),
            env={**os.environ, "CENTRALINO_CONFIG": str(self.config), "CENTRALINO_STATE": str(self.state)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(asked.communicate(), CLI_WITHIN_S)
        return asked.returncode or 0, said.decode()

    async def json(self, *words: str) -> Any:
        code, said = await self.cli(*words, "--json")
        assert code == 0, said
        return json.loads(said)

    async def row(self, table: str, is_it: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The first row of `calls` or `cases` that fits; the database may be a moment behind."""
        database = open_database(database_url("sqlite", self.state))
        read = {"calls": store.recent_calls, "own calls": store.recent_own_calls, "cases": case_store.cases}[table]
        try:
            async with asyncio.timeout(SEEN_WITHIN_S):
                while True:
                    with suppress(DatabaseAway):  # on a busy machine its tables may be made after the first call
                        for row in await read(database, 200):
                            if is_it(fields := dataclasses.asdict(row)):
                                return fields
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"no such row among {await read(database, 200)}") from None
        finally:
            await database.close()

    @asynccontextmanager
    async def agent(self, agent: str, phone: str, lines: int = 1) -> AsyncIterator[Phone]:
        """A registered phone of so many lines with `agent` signed in and ready; both leave at the end."""
        user, secret = phone, self.instance.secrets(frozenset(self.configuration.roster.phones)).phones[phone]
        async with Phone(self.sip, user, secret, max_calls=lines) as seat:
            await seat.register()
            await self.until(lambda now: now["agents"])
            await self.door.command("agents.in", agent=agent, phone=phone, by="test")
            await self.until(lambda now: now["agents"][agent]["reachable"])
            try:
                yield seat
            finally:
                if self.door.connected:  # else a test has stopped the house
                    await self.until(lambda now: now["agents"][agent]["doing"] in ("free", "wrapping up", "resting"))
                    await self.door.command("agents.out", agent=agent, by="test")

    @asynccontextmanager
    async def citizen(self, number: str, name: str = "") -> AsyncIterator[Phone]:
        async with Phone(self.sip, number, display_name=name) as phone:
            yield phone

    def recordings_now(self) -> list[Path]:
        """The files of messages that are being left."""
        files = self.instance.recordings.rglob("*.wav")
        return [file for file in files if file.stem in self.now["calls"]]

    async def sound_of(self, recording: str) -> bytes:
        """The WAV file of a recording that is over, once it is encrypted."""
        sealed = sealed_path(path_of(self.instance.recordings, recording))
        async with asyncio.timeout(SEEN_WITHIN_S):
            while True:
                if sealed.exists() and not sealed.with_suffix("").exists():
                    return sound_of(Shelf(self.instance.recordings, self.instance.recording_keys), recording)
                await asyncio.sleep(0.05)

    def pid_of(self, part: str) -> int:
        """The process of `engine` or `desk`."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            words = child.cmdline()
            if part in words and "centralino" in words:
                return child.pid
        raise AssertionError(f"no {part} is running")

    async def asterisk(self, command: str) -> str:
        """What Asterisk's console answers."""
        node = self.instance.node(self.configuration)
        return await AsteriskProcess(find_or_make(), node, self.instance.asterisk).command(command)

    @property
    def asterisk_pid(self) -> int:
        return int((Folders(self.instance.asterisk).run / "asterisk.pid").read_text())

    async def no_leftovers(self) -> None:
        """No channel, and no bridge but the one for waiting, is left in Asterisk."""
        deadline = asyncio.get_running_loop().time() + SEEN_WITHIN_S
        while True:
            channels = await self.asterisk("core show channels count")
            bridges = [line for line in (await self.asterisk("bridge show all")).splitlines() if "talk-" in line]
            if re.match(r"0 active channels\b", channels) and not bridges:
                return
            assert asyncio.get_running_loop().time() < deadline, (channels, bridges)

    async def stop(self) -> int:
        """SIGTERM, as systemd says it; the exit code."""
        self.following.cancel()
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), STOPPED_WITHIN_S)


async def _run(config: Path, state: Path, offset: int, output: Path, *more: str) -> asyncio.subprocess.Process:
    with output.open("ab") as written:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "centralino", "run", "--config", str(config), "--state", str(state)),
            *("--port-offset", str(offset), *more),
            stdout=written,
            stderr=written,
        )


@asynccontextmanager
async def again(house: House) -> AsyncIterator[House]:
    """A new `run` for the same installation, after the first one's end."""
    process = await _run(house.config, house.state, house.offset, house.output)
    try:
        yield House(house.config, house.state, house.offset, process, house.output)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _keep_prompts(spoken: Path) -> None:
    """For the next house, which may be reading this very moment."""
    for sound in spoken.glob("[a-z]*/*.*"):
        kept = SPOKEN / sound.relative_to(spoken)
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=SPOKEN.parent, delete=False) as half:
                half.write(sound.read_bytes())
            Path(half.name).chmod(0o644)
            Path(half.name).rename(kept)


@asynccontextmanager
async def open_house(offset: int, *more: str, deployment: Path = DEPLOYMENT) -> AsyncIterator[House]:
    """A house of its own, with a state folder of its own, until the end of the block."""
    offset += MOVED_BY
    folder = Path(tempfile.mkdtemp(prefix="centralino-"))
    folder.chmod(0o755)  # Asterisk runs as a user of its own
    config = Path(shutil.copytree(deployment, folder / "config"))
    settings = config / "centralino.yaml"
    settings.write_text(settings.read_text().replace(f":{CARRIER_PORT}", f":{CARRIER_PORT + offset}"))
    state, output = folder / "state", folder / "output"
    if SPOKEN.is_dir():  # the prompts of houses before this one
        shutil.copytree(SPOKEN, state / "prompts")
    house = House(config, state, offset, await _run(config, state, offset, output, *more), output)
    try:
        async with asyncio.timeout(STARTED_WITHIN_S):
            answering = asyncio.create_task(house.until(lambda now: now["can_answer"], STARTED_WITHIN_S))
            ended = asyncio.create_task(house.process.wait())
            await asyncio.wait({answering, ended}, return_when=asyncio.FIRST_COMPLETED)
            assert not ended.done(), output.read_text()
            ended.cancel()
            await answering
        yield house
    finally:
        await house.stop()
        _keep_prompts(state / "prompts")
        shutil.rmtree(folder, ignore_errors=True)
