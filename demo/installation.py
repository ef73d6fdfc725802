"""The demo's own Centralino: the shipped deployment in a state folder of its own, started as anybody would start it."""

import asyncio
import fcntl
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil

from asterisk.configuration import Folders
from centralino import settings
from centralino.instance import Instance
from centralino.settings import Configuration
from demo.engine_view import EngineView
from ivr.hours import Hours

SHIPPED = Path(__file__).resolve().parent.parent
DEPLOYMENT = ("centralino.yaml", "agents.yaml", "queues.yaml", "entities.yaml", "dialplans", "knowledge")
KEPT = "prompts"  # why: they are named by their text, so a new demo need not speak them again
OPENS_AT = time(10)
ANSWERS_WITHIN_S = 180.0  # the first start of all makes an Asterisk
STOPS_WITHIN_S = 30.0
LEFTOVERS_END_WITHIN_S = 8.0
LAST_LINES = 6


class DemoFailed(Exception):
    """The demo cannot go on; the text says why, and where to look."""


class Installation:
    """One Centralino, from fresh files to a clean stop. `state` is emptied at the beginning."""

    def __init__(self, state: Path, port_offset: int) -> None:
        self.state, self.config, self.log = state, state / "config", state / "log" / "run.log"
        self._port_offset = port_offset
        self._process: asyncio.subprocess.Process | None = None

    def prepare(self) -> Configuration:
        """Make the folders and copy the shipped deployment. Raises DemoFailed where another demo uses them."""
        _empty(self.state)
        self._end_leftovers()
        self.config.mkdir(parents=True)
        self.log.parent.mkdir()
        for name in DEPLOYMENT:
            copy = shutil.copytree if (SHIPPED / name).is_dir() else shutil.copy
            copy(SHIPPED / name, self.config / name)
        with (self.config / "centralino.yaml").open("a") as file:
            file.write("testing: true    # the demo sets the clock\n")
        self.configuration = settings.load(self.config)
        self.instance = Instance(self.config, self.state, self._port_offset)
        return self.configuration

    @property
    def page(self) -> str:
        """The address of the web page."""
        return f"http://{self.configuration.settings.web_host}:{self.instance.web_port(self.configuration)}/"

    def opening_day(self) -> datetime:
        """The next Monday, 10:00, on which every number is open."""
        zone = self.configuration.settings.time_zone
        hours = [plan.hours for plan in self.configuration.dialplans.values() if plan.hours]
        return next_open_monday(datetime.now(UTC), zone, hours)

    async def start(self, clock: datetime) -> None:
        """Start `centralino run`. What it says goes to `log`."""
        words = ("--config", str(self.config), "--state", str(self.state), "--port-offset", str(self._port_offset))
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "centralino", "run", *words, "--clock", clock.isoformat()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=SHIPPED,
                start_new_session=True,  # Ctrl-C is ours: we stop it in order
            )

    async def answering(self, engine: EngineView) -> None:
        """Wait until a call can be answered, as the engine tells. Raises DemoFailed after ANSWERS_WITHIN_S."""
        try:
            await engine.until(lambda snapshot: bool(snapshot.get("can_answer")), ANSWERS_WITHIN_S)
        except TimeoutError:
            raise self.failure(f"no call can be answered after {ANSWERS_WITHIN_S:g} s") from None

    async def died(self) -> None:
        """Wait for its end, which is a failure. Raises DemoFailed."""
        assert self._process is not None
        code = await self._process.wait()
        raise self.failure(f"`centralino run` ended by itself (exit code {code})")

    async def stop(self) -> None:
        """End it in order. Raises DemoFailed where it does not end well; nothing of it is left behind in any case."""
        try:
            if self._process is not None and self._process.returncode is None:
                await self._end(self._process)
        finally:
            await asyncio.to_thread(self._end_leftovers)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        process.terminate()
        try:
            code = await asyncio.wait_for(process.wait(), STOPS_WITHIN_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise self.failure(f"`centralino run` did not stop within {STOPS_WITHIN_S:g} s") from None
        if code:
            raise self.failure(f"`centralino run` stopped with exit code {code}")

    def _end_leftovers(self) -> None:
        """End what a `centralino run` has left that was killed: its engine, desk and Asterisk, told by their words."""
        ours = {str(self.state), str(Folders(self.state / "asterisk").main_file)}
        left = [one for one in psutil.process_iter(["cmdline"]) if ours & set(one.info["cmdline"] or ())]
        for one in left:
            with suppress(psutil.NoSuchProcess):
                one.terminate()
        for one in psutil.wait_procs(left, LEFTOVERS_END_WITHIN_S)[1]:
            with suppress(psutil.NoSuchProcess):
                one.kill()

    def failure(self, what: str) -> DemoFailed:
        """`what` went wrong, with the last lines of the log and where the logs are."""
        said = self.log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:] if self.log.exists() else []
        return DemoFailed("\n".join([what, *(f"  {line}" for line in said), f"The logs are in {self.log.parent}."]))


def _empty(state: Path) -> None:
    """Remove what an earlier demo left, but not under one that still runs."""
    lock = state / "run" / "lock"
    if lock.exists():
        with lock.open("r+") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = held.read().strip() or "unknown"
                raise DemoFailed(f"A demo runs already in {state}. To stop it: kill {pid}") from None
    for path in state.iterdir() if state.exists() else ():
        if path.name == KEPT:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def next_open_monday(after: datetime, zone: ZoneInfo, hours: Iterable[Hours]) -> datetime:
    """10:00 in `zone` on the first Monday after today on which all `hours` are open then. Raises DemoFailed."""
    all_hours, today = tuple(hours), after.astimezone(zone).date()
    for week in range(1, 54):
        day = today + timedelta(days=7 * week - today.weekday())
        monday = datetime.combine(day, OPENS_AT, tzinfo=zone)
        if all(each.is_open(monday, zone) for each in all_hours):
            return monday
    raise DemoFailed("On no Monday of the next year are all numbers open at 10:00.")
