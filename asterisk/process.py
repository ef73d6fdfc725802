"""Runs one Asterisk of ours: starts it, waits until it is up, takes over one that is still running, ends it.

It outlives us on purpose: where our guardian dies, calls go on, and the next start adopts the Asterisk that has them.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import BinaryIO

import psutil

from asterisk.account import Account, own_account
from asterisk.configuration import APP, BEAT_VARIABLE, TALK, Folders, Node
from asterisk.installer import Installation
from asterisk.ports import Transport, Wanted, check_free

BOOT_TIMEOUT_S = 30.0
ADOPT_TIMEOUT_S = 5.0  # one that does not answer for so long carries no call
COMMAND_TIMEOUT_S = 10.0
LOOK_AGAIN_S = 0.05  # while it boots
LOOK_AFTER_IT_S = 10.0
UNHEARD_MAX = 2  # looks in a row without an answer, each COMMAND_TIMEOUT_S long: it is frozen
LOG_BYTES_MAX = 20_000_000  # each; its three elder ones are kept
LOGS_KEPT = 3
OPEN_FILES_MAX = 65_536  # why so many: about six for each leg
CONCISE_FIELDS = 14
CHANNEL_NAME = re.compile(r"[A-Za-z0-9/_-]+")
EXIT_UNKNOWN = -255  # of an adopted Asterisk: only a parent is told

log = logging.getLogger(__name__)


class CannotStart(Exception):
    """Asterisk did not come up; the text holds the end of what it said."""


class NotRunning(Exception):
    """Asterisk did not take the command: it is not there, or does not answer."""


class Started(Enum):
    FRESH = "started"
    ADOPTED = "was running already"


class AsteriskProcess:
    """One Asterisk, whose files `configuration.write` has put into `folder`."""

    def __init__(self, installation: Installation, node: Node, folder: Path) -> None:
        self._installation = installation
        self._node = node
        self._folders = Folders(folder.absolute())
        self._child: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None

    @property
    def pid(self) -> int | None:
        """Of the Asterisk that `start` started or adopted, until it is seen to have ended."""
        return self._pid

    async def start(self) -> Started:
        """Have it fully up. One that runs already with the same files is adopted; one with other files is ended first.

        Raises PortBusy, or CannotStart after at most BOOT_TIMEOUT_S.
        """
        running = self.running_pid()
        if running:
            if self._started_with() == self._fingerprint() and await self._adopt(running):
                return Started.ADOPTED
            log.warning("an Asterisk of an earlier start is dead or has other files: ending it", extra={"pid": running})
            self._pid = running
            await self.stop()
        check_free(self._ports())
        await self._launch()
        return Started.FRESH

    async def stop(self, grace_s: float = 5.0) -> None:
        """End it: politely, and after `grace_s` (0 or more) by force. It is gone when this returns."""
        pid = self._pid or self.running_pid()
        if pid is None:
            return
        with _pidfd(pid) as alive:
            if alive is not None:
                signal.pidfd_send_signal(alive, signal.SIGTERM)
                if not await _ends(alive, grace_s):
                    log.warning("Asterisk did not end by itself: killing it", extra={"pid": pid, "grace_s": grace_s})
                    signal.pidfd_send_signal(alive, signal.SIGKILL)
                    await _ends(alive, COMMAND_TIMEOUT_S)
        self._ended()

    async def wait(self) -> int:
        """Wait until it has ended; its exit code, negative for a signal, EXIT_UNKNOWN for an adopted one.

        Meanwhile its log files are kept bounded, and it is killed when it no longer answers. Raises NotRunning where
        `start` has not been called.
        """
        if self._pid is None:
            raise NotRunning("Asterisk has not been started")
        with _pidfd(self._pid) as alive:
            unheard = 0
            while alive is not None and not await _ends(alive, LOOK_AFTER_IT_S):
                unheard = 0 if await self._answers() else unheard + 1
                if unheard >= UNHEARD_MAX:
                    log.error("Asterisk does not answer any more: killing it", extra={"pid": self._pid})
                    signal.pidfd_send_signal(alive, signal.SIGKILL)
                await self._bound_logs()
        return self._ended()

    async def command(self, line: str) -> str:
        """What Asterisk's console answers to `line`. Raises NotRunning."""
        try:
            return await asyncio.wait_for(self._ask(line), COMMAND_TIMEOUT_S)
        except TimeoutError as error:
            raise NotRunning(f"Asterisk has not answered for {COMMAND_TIMEOUT_S:g} s") from error

    async def reload(self) -> None:
        """Have it read its files again; calls go on. Ports, folders and modules stay. Raises NotRunning."""
        await self.command("core reload")
        self._note_start(self._pid or self.running_pid() or 0)

    async def arm(self) -> None:
        """From now on, callers are sent to the fallback whenever the engine's heart has not beaten for BEAT_AGE_S_MAX.

        Before, while no beat was ever seen, they wait for an engine to come: Asterisk keeps its place in line open.
        Raises NotRunning.
        """
        await self.command(f"dialplan set global {BEAT_VARIABLE} {int(time.time())}")

    async def send_to_fallback(self) -> int:
        """Send the callers with whom nobody talks to the fallback; how many there were. Raises NotRunning."""
        waiting = _with_nobody(await self.command("core show channels concise"))
        for channel in waiting:
            await self.command(f"channel redirect {channel} fallback,s,1")
        return len(waiting)

    def running_pid(self) -> int | None:
        """The living Asterisk of this instance, whoever started it."""
        try:
            pid = int((self._folders.run / "asterisk.pid").read_text())
            words = psutil.Process(pid).cmdline()
            ended = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except (OSError, ValueError, psutil.Error):
            return None
        return pid if str(self._folders.main_file) in words and not ended else None  # else the number was used again

    async def _adopt(self, pid: int) -> bool:
        try:
            await self._until_booted(pid, ADOPT_TIMEOUT_S)
        except CannotStart:
            return False
        self._pid, self._child = pid, None
        log.info("adopted Asterisk of an earlier start", extra={"pid": pid})
        return True

    async def _launch(self) -> None:
        account = self._account()
        self._hand_over(account)
        note = self._folders.home / "output.log"
        _keep_small(note)
        with note.open("ab") as output:
            said_from = output.tell()
            with _many_files():
                self._child = self._spawn(account, output)
        self._pid = self._child.pid
        self._note_start(self._pid)
        try:
            await self._until_booted(self._pid, BOOT_TIMEOUT_S)
        except CannotStart as error:
            await self.stop(grace_s=0)
            raise CannotStart(f"{error}: {_tail(note, said_from)}") from error
        log.info("Asterisk is up", extra={"pid": self._pid, "version": self._installation.version})

    def _spawn(self, account: Account | None, output: BinaryIO) -> subprocess.Popen[bytes]:
        command = self._command("-f")
        return subprocess.Popen(  # noqa: S603 - a session of its own: Ctrl-C in our terminal is ours to handle
            ["asterisk", *command[1:]],  # noqa: S607 - a name to be shown; `executable` is what is run
            executable=command[0],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=self._folders.home,
            env={name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ},
            start_new_session=True,
            umask=0o027,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )

    def _command(self, *words: str) -> tuple[str, ...]:
        return (*self._installation.command, "-C", str(self._folders.main_file), *words)

    async def _until_booted(self, pid: int, timeout_s: float) -> None:
        """Raises CannotStart when it ends first, or takes longer than `timeout_s`."""
        until_s = time.monotonic() + timeout_s
        with _pidfd(pid) as alive:
            while alive is not None and time.monotonic() < until_s:
                if await self._is_booted(until_s - time.monotonic()):
                    return
                if await _ends(alive, LOOK_AGAIN_S):
                    raise CannotStart(f"Asterisk ended while it started (exit code {self._ended()})")
        raise CannotStart(f"Asterisk is not up after {timeout_s:g} s")

    async def _is_booted(self, timeout_s: float) -> bool:
        if not (self._folders.run / "asterisk.ctl").exists():
            return False
        try:
            return "fully booted" in await asyncio.wait_for(self._ask("core waitfullybooted"), timeout_s)
        except (NotRunning, TimeoutError):
            return False

    async def _ask(self, line: str) -> str:
        asked = await asyncio.create_subprocess_exec(
            *self._command("-rx", line),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            answer, complaint = await asked.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                asked.kill()
            raise
        if asked.returncode:
            raise NotRunning(f"Asterisk does not answer: {complaint.decode(errors='replace').strip()}")
        return answer.decode(errors="replace")

    def _ports(self) -> tuple[Wanted, ...]:
        node = self._node
        return (
            Wanted("SIP", Transport.UDP, node.sip_host, node.sip_port),
            Wanted("SIP", Transport.TCP, node.sip_host, node.sip_port),
            Wanted("ARI", Transport.TCP, node.http_host, node.http_port),
            Wanted("AMI", Transport.TCP, node.ami_host, node.ami_port),
        )

    def _account(self) -> Account | None:
        """A user of its own for Asterisk, when we are root; None: it runs as we do."""
        if os.geteuid() != 0:
            return None
        account = own_account()
        handed_over = (self._folders.run, self._node.recordings)
        places = (*(folder.parent for folder in handed_over), self._node.prompts, self._installation.modules)
        blocked = next(filter(None, map(account.first_barrier, places)), None)
        if blocked is None:
            return account
        log.warning(
            "Asterisk runs as root, since user %s may not enter %s; give --state (or CENTRALINO_CACHE) a folder outside"
            " of it, or allow entry: chmod o+x %s",
            *(account.name, blocked, blocked),
        )
        return None

    def _hand_over(self, account: Account | None) -> None:
        """Give Asterisk's user the folders it writes to; let it read, not write, its own files."""
        private = _first_private(self._folders.run)
        if private:
            raise CannotStart(private)
        if account is None:
            return
        for folder in (*self._folders.written_by_asterisk(), self._node.recordings):
            for path in (folder, *folder.rglob("*")):
                os.chown(path, account.uid, account.gid, follow_symlinks=False)
        os.chown(self._folders.keys, account.uid, account.gid)
        for path in (self._folders.conf, *self._folders.conf.iterdir()):
            os.chown(path, 0, account.gid)
        self._folders.conf.chmod(0o2750)  # files written later belong to the same group

    def _ended(self) -> int:
        """Note that it is gone; its exit code."""
        self._pid = None
        return self._child.wait(COMMAND_TIMEOUT_S) if self._child else EXIT_UNKNOWN

    def _started_note(self) -> Path:
        return self._folders.home / "started.json"

    def _note_start(self, pid: int) -> None:
        self._started_note().write_text(json.dumps({"pid": pid, "fingerprint": self._fingerprint()}))

    def _started_with(self) -> str:
        try:
            return str(json.loads(self._started_note().read_text())["fingerprint"])
        except (OSError, ValueError, KeyError):
            return ""

    def _fingerprint(self) -> str:
        """Changes with each file that Asterisk reads, and with the Asterisk."""
        facts = [self._installation.version, *self._installation.command]
        for file in sorted(self._folders.conf.glob("*.conf")):
            facts += [file.name, hashlib.sha256(file.read_bytes()).hexdigest()]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    async def _answers(self) -> bool:
        try:
            return bool(await self.command("core show uptime"))
        except NotRunning:
            return False

    async def _bound_logs(self) -> None:
        logs = [self._folders.log / name for name in ("messages", "security")]
        if not any(path.exists() and path.stat().st_size > LOG_BYTES_MAX for path in logs):
            return
        try:
            await self.command("logger rotate")
        except NotRunning as error:
            log.warning("Asterisk's logs could not be rotated: %s", error)
        for path in logs:
            for old in self._folders.log.glob(f"{path.name}.*"):
                if old.suffix[1:].isdigit() and int(old.suffix[1:]) >= LOGS_KEPT:
                    old.unlink()


def _with_nobody(channels: str) -> list[str]:
    """The callers' channels that are in no talk, of `core show channels concise`: fields parted by `!`."""
    rows = [line.split("!") for line in channels.splitlines() if line.count("!") >= CONCISE_FIELDS - 1]
    callers = [row for row in rows if row[5] == "Stasis" and row[6].startswith(f"{APP},arrived,")]
    return [row[0] for row in callers if CHANNEL_NAME.fullmatch(row[0]) and not row[-2].startswith(TALK)]


def _first_private(run: Path) -> str | None:
    """Why the control socket's folder is not to be trusted, or None: in a shared temporary folder it could be faked."""
    facts = run.lstat()
    if run.is_symlink() or facts.st_mode & 0o002:
        return f"{run} is not ours alone: remove it"
    trusted = {0, os.geteuid(), *([own_account().uid] if os.geteuid() == 0 else [])}
    return None if facts.st_uid in trusted else f"{run} belongs to another user: remove it"


@contextlib.contextmanager
def _many_files() -> Iterator[None]:
    """Who is started within may open as many files as the machine lets us; the usual 1,024 do for about 150 legs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES_MAX)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _keep_small(file: Path) -> None:
    if file.exists() and file.stat().st_size > LOG_BYTES_MAX:
        file.replace(file.with_name(f"{file.name}.1"))


def _tail(file: Path, start: int) -> str:
    with file.open("rb") as said:
        said.seek(start)
        return " | ".join(said.read().decode(errors="replace").strip().splitlines()[-6:])[:1000]


@contextlib.contextmanager
def _pidfd(pid: int) -> Iterator[int | None]:
    """A handle on the process that cannot come to mean another one; None where it is gone already."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


async def _ends(alive: int, timeout_s: float) -> bool:
    """Whether the process ends within `timeout_s`."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(alive, ended.set)
    try:
        await asyncio.wait_for(ended.wait(), timeout_s)
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(alive)
    return True
