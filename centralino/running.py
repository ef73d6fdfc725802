"""`centralino run`: everything of one installation, from a quick look at the configuration to a clean stop."""

import asyncio
import fcntl
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console

from asterisk import configuration as asterisk_files
from asterisk.installer import Installation, find_or_make
from asterisk.ports import PortBusy, Transport, Wanted, check_free
from asterisk.process import AsteriskProcess, CannotStart, NotRunning, Started
from centralino import voices
from centralino.asking import RELOADED_WITHIN_S, load
from centralino.door import CommandRefused, DoorClient, EngineAway, door_path
from centralino.guardian import Keeper, Part, calls_first, next_pause_s, on_stop_signals
from centralino.instance import Instance
from centralino.releases import Releases
from centralino.settings import Configuration

log = logging.getLogger(__name__)

ASTERISK_PAUSE_S = 1.0
ANSWERING_WITHIN_S = 30.0
RESCUE_AFTER_S = 5.0  # as long as new callers wait for an engine (asterisk.configuration.BEAT_AGE_S_MAX)


class AlreadyRunning(Exception):
    """Another `centralino run` uses this state folder."""


class Runner:
    """Starts the parts of one installation, keeps them running and stops them in order."""

    def __init__(
        self, configuration: Configuration, instance: Instance, folder: Path, clock_offset_s: float = 0.0
    ) -> None:
        """`folder`: where `configuration` stands."""
        self.configuration, self.instance = configuration, instance
        self._node = instance.node(configuration)
        Releases(instance.configurations).put_in_force(folder, "run")
        self._in_force = instance.configurations / "current"
        places = ("--config", str(self._in_force), "--state", str(instance.state))
        words = (*places, "--port-offset", str(instance.port_offset))
        clock = ("--clock-offset", str(clock_offset_s))
        folder = instance.state / "log"
        folder.mkdir(exist_ok=True)
        self._keepers = [
            Keeper(Part("engine", ("engine", *words, *clock), beats=True), folder / "engine.err"),
            Keeper(Part("desk", ("desk", *words, "--deployment", str(instance.config))), folder / "desk.err"),
        ]
        self._asterisk: AsteriskProcess | None = None
        self._reload: asyncio.Task[None] | None = None
        self._stopping = False

    async def run(self, console: Console) -> None:
        """Run until SIGTERM or SIGINT. Raises PortBusy, CannotStart, CannotInstall before anything is left running."""
        stop = asyncio.Event()
        calls_first()
        with locked(self.instance.state / "run" / "lock"):
            check_free(self._own_ports())
            installation = await asyncio.to_thread(find_or_make, None, console.print)
            await self._speak(console)
            if not any(carrier.send_to for carrier in self.configuration.settings.carriers):
                console.print(
                    "No carrier takes calls (`send_to`): phones cannot call 112, nor any other number outside."
                )
            console.print("Starting Asterisk, engine and desk…")
            on_stop_signals(stop)  # until here Ctrl-C ends us as it ends any program: nothing runs yet
            keeping: list[asyncio.Task[None]] = []
            try:
                asterisk = await self._start_asterisk(installation)
                keeping = [asyncio.create_task(keeper.run()) for keeper in self._keepers]
                keeping.append(asyncio.create_task(self._keep_asterisk(asterisk)))
                keeping.append(asyncio.create_task(self._rescue_callers(asterisk)))
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload_soon)
                await self._until_answering(stop, console)
                speaking = asyncio.create_task(self._speak_for_agents())
                await asyncio.wait({asyncio.create_task(stop.wait()), *keeping}, return_when=asyncio.FIRST_COMPLETED)
                for ended in (task for task in keeping if task.done()):
                    ended.result()  # nobody keeps a part running any more: end loudly, so that systemd starts us again
                speaking.cancel()
            finally:
                await self._stop(keeping)

    # --- beginning

    def _own_ports(self) -> list[Wanted]:
        engine, web = self.instance.engine_port(self.configuration), self.instance.web_port(self.configuration)
        console = self.instance.console_port(self.configuration)
        mail = self.instance.mail_port(self.configuration)
        return [
            Wanted("the engine", Transport.TCP, "127.0.0.1", engine),
            Wanted("the web pages", Transport.TCP, self.configuration.settings.web_host, web),
            Wanted("the console", Transport.TCP, self.configuration.settings.console_host, console),
            Wanted("mail", Transport.TCP, self.configuration.settings.mail_host, mail),
        ]

    async def _speak(self, console: Console) -> None:
        spoken = await voices.speak_with_a_bar(self.configuration, self._in_force, self.instance.prompts, console)
        for problem in spoken.problems:
            console.print(f"prompt: {problem}", markup=False)

    async def _speak_for_agents(self) -> None:
        """Once callers are answered; and not in the engine, which stands still while it starts a program."""
        try:
            await voices.prepare_for_agents(self.configuration, self._in_force, self.instance.prompts)
        except OSError as error:
            log.error("what agents hear could not be made: %s", error)

    async def _start_asterisk(self, installation: Installation) -> AsteriskProcess:
        asterisk_files.write(self._node, installation, self.instance.asterisk)
        asterisk = self._asterisk = AsteriskProcess(installation, self._node, self.instance.asterisk)
        started = await asterisk.start()
        await asterisk.arm()
        if started is Started.ADOPTED:
            log.warning("Asterisk was running already, with its calls; it goes on", extra={"pid": asterisk.pid})
        return asterisk

    async def _until_answering(self, stop: asyncio.Event, console: Console) -> None:
        """Say when calls are answered; or after a while that they are not, and go on trying."""
        answering = asyncio.create_task(self._answering())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({answering, stopping}, timeout=ANSWERING_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not answering.done() and not stop.is_set():
            console.print(f"Calls are not answered yet; see {self.instance.state / 'log'}. Trying on.")
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({answering, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
        if not answering.done():
            answering.cancel()
            return
        numbers = ", ".join(self.configuration.dialplans)
        page = f"http://{self.configuration.settings.web_host}:{self.instance.web_port(self.configuration)}/"
        sip = f"{self._node.sip_host}:{self._node.sip_port}"
        console.print(f"Centralino answers {numbers} at sip:{sip}. Page: {page}", soft_wrap=True, highlight=False)

    async def _answering(self) -> None:
        """Returns once the engine says that a call can be answered."""
        said = _SaysCanAnswer()
        client = DoorClient(door_path(self.instance.state), said)
        following = asyncio.create_task(client.follow())
        try:
            await said.can_answer.wait()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    # --- while it runs, and its end

    async def _keep_asterisk(self, asterisk: AsteriskProcess) -> None:
        """Start Asterisk again whenever it ends by itself, with a pause that grows while it does not live long."""
        loop = asyncio.get_running_loop()
        pause_s = 0.0
        while True:
            began_s = loop.time()
            code = await asterisk.wait() if asterisk.pid else None
            if self._stopping:
                return
            pause_s = max(ASTERISK_PAUSE_S, next_pause_s(pause_s, loop.time() - began_s))
            log.error("Asterisk is not running", extra={"exit_code": code, "next_in_s": pause_s})
            await asyncio.sleep(pause_s)
            try:
                await asterisk.start()
                await asterisk.arm()
            except (PortBusy, CannotStart, NotRunning, OSError) as error:
                log.error("Asterisk could not be started: %s", error)

    def _reload_soon(self) -> None:
        """SIGHUP: load what stands in the folder now. What came of it stands in our output."""
        self._reload = asyncio.create_task(self._load_again())

    async def _load_again(self) -> None:
        try:
            async with asyncio.timeout(RELOADED_WITHIN_S):
                client = DoorClient(door_path(self.instance.state))
                await client.connect()
                loaded = await load(client, self.instance.config, "SIGHUP")
                await client.close()
        except (EngineAway, CommandRefused, TimeoutError) as error:
            log.error("not reloaded: %s", error or "it took too long")
        else:
            log.info("reloaded", extra={"release": loaded["release"]})

    async def _rescue_callers(self, asterisk: AsteriskProcess) -> None:
        """Whoever nobody talks with hears silence while no engine comes back: let Asterisk tell them to call later."""
        engine = self._keepers[0]
        while True:
            await engine.silent.wait()
            await asyncio.sleep(RESCUE_AFTER_S)
            if not engine.silent.is_set():
                continue
            try:
                if rescued := await asterisk.send_to_fallback():
                    log.error("no engine for %g s: callers sent to the fallback: %d", RESCUE_AFTER_S, rescued)
            except NotRunning as error:
                log.error("callers could not be sent to the fallback: %s", error)

    async def _stop(self, keeping: list[asyncio.Task[None]]) -> None:
        """People's part ends first; then calls end on record, and at once with them the engine and Asterisk."""
        self._stopping = True
        engine, desk = self._keepers
        await desk.stop()
        await self._end_calls()
        await engine.stop()
        if self._asterisk:
            await self._asterisk.stop()
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)

    async def _end_calls(self) -> None:
        client = DoorClient(door_path(self.instance.state))
        try:
            await client.connect()
            ended = await client.command("calls.end_all")
            if ended["ended"]:
                log.warning("stopping: calls were ended", extra={"calls": ended["ended"]})
        except (EngineAway, CommandRefused) as away:
            log.warning("calls could not be ended in order: %s", away)
        finally:
            await client.close()


class _SaysCanAnswer:
    """Follows the door until calls can be answered."""

    def __init__(self) -> None:
        self.can_answer = asyncio.Event()

    def arrived(self, snapshot: dict[str, object]) -> None:
        self.changed(snapshot)

    def changed(self, changes: dict[str, object]) -> None:
        if changes.get("can_answer"):
            self.can_answer.set()

    def away(self, why: str) -> None:
        log.debug("not yet: %s", why)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one `run` for a state folder. Raises AlreadyRunning, which names the other's pid."""
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(
                f"centralino runs already with {path.parent.parent} (process {lock.read().strip() or 'unknown'});"
                " stop it, or give another --state"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            with suppress(OSError):
                lock.truncate(0)
