"""The door between the engine and everybody else: a unix socket, one JSON message a line.

The server (the engine) says `{"snapshot": …}` to each visitor, then `{"changes": …}` batches; a visitor asks with
`{"id": …, "command": …, "args": {…}}` and is answered with `{"id": …, "ok": true, "result": {…}}` or
`{"id": …, "ok": false, "error": "a sentence"}`. A row that is `null` in a batch is gone; a snapshot that is too long
for one line goes on in batches. Whoever does not read is dropped: the engine never waits for a visitor.
"""

import asyncio
import logging
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec

Message = dict[str, Any]
Snapshot = Callable[[], Message]
Command = Callable[[str, Message], Message | Awaitable[Message]]

LINE_BYTES_MAX = 4 * 2**20
UNREAD_BYTES_MAX = 4 * LINE_BYTES_MAX  # a snapshot of several lines must fit
BATCH_EVERY_S = 0.05
ANSWER_WITHIN_S = 5.0
RECONNECT_PAUSE_S = 0.5  # why: a new engine is back within about a second; a page should not lag behind it
VISITORS_MAX = 64
ASKED_AT_ONCE_MAX = 256
TABLES = ("queues", "agents", "calls", "nodes")

log = logging.getLogger("centralino.door")


class CommandRefused(Exception):
    """The engine understood the command and said no; the text is the sentence that people see."""


class EngineAway(ConnectionError):
    """The engine is not running, or does not answer; the text says what was tried."""


class DoorTaken(RuntimeError):
    """Another engine answers at this door, or something that is not a door stands there."""


class Request(msgspec.Struct, frozen=True):
    """What a visitor may ask."""

    id: str | int
    command: str
    args: dict[str, Any] = {}


def door_path(state: Path) -> Path:
    """Where the engine with this STATE folder listens."""
    return state / "run" / "engine.sock"


def gather(pending: Message, changes: Message) -> None:
    """Add `changes` to a batch that still waits: later rows win, and a row that is gone stays in it as None."""
    for name, value in changes.items():
        if name in TABLES:
            pending.setdefault(name, {}).update(value)
        else:
            pending[name] = value


def apply(snapshot: Message, changes: Message) -> None:
    """Bring `snapshot` up to date: rows that are None go."""
    gather(snapshot, changes)
    for table in TABLES:
        for gone in [name for name, row in changes.get(table, {}).items() if row is None]:
            del snapshot[table][gone]


def lines(kind: str, message: Message) -> list[bytes]:
    """The message as lines, each of at most `LINE_BYTES_MAX`: rows that do not fit follow as changes.

    Raises ValueError where one row alone is too long.
    """
    line = msgspec.json.encode({kind: message}) + b"\n"
    if len(line) <= LINE_BYTES_MAX:
        return [line]
    table = max(TABLES, key=lambda name: len(message.get(name, ())))
    rows = list(message.get(table, {}).items())
    if len(rows) < 2:
        raise ValueError(f"a message of {len(line)} bytes cannot be split")
    half = len(rows) // 2
    rest = {table: dict(rows[half:])}
    return lines(kind, {**message, table: dict(rows[:half])}) + lines("changes", rest)


class DoorServer:
    """The engine's side. `snapshot()` gives the state as it is now; `command(name, args)` obeys or refuses.

    Both are called on the event loop; a command that takes its time returns an awaitable. The door itself answers
    `door.snapshot`.
    """

    def __init__(self, path: Path, snapshot: Snapshot, command: Command) -> None:
        self._path = path
        self._snapshot = snapshot
        self._command = command
        self._visitors: set[_Visitor] = set()
        self._pending: Message = {}
        self._timer: asyncio.TimerHandle | None = None
        self._sent_at_s = 0.0
        self._server: asyncio.Server | None = None
        self._inode = 0

    async def start(self) -> None:
        """Open the door. Raises DoorTaken; a socket that a killed engine left behind is replaced."""
        listener = self._bind()
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: _Visitor(self), sock=listener)

    def _bind(self) -> socket.socket:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        clear_stale_socket(self._path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        listener.bind(str(self._path))
        os.chmod(self._path, 0o600)  # nobody can have come in: it does not listen yet
        self._inode = self._path.stat().st_ino
        return listener

    async def close(self) -> None:
        """Send everybody away and take the socket off, unless a new engine has put its own there."""
        if self._timer:
            self._timer.cancel()
        if self._server:
            self._server.close()
        for visitor in list(self._visitors):
            visitor.leave()
        if self._path.exists() and self._path.stat().st_ino == self._inode:
            self._path.unlink()

    def publish(self, changes: Message) -> None:
        """Tell the visitors what changed, in the shape of a snapshot with changed rows only. Never waits.

        Batches leave at most every `BATCH_EVERY_S`; the door reads the rows when a batch leaves.
        """
        if not self._visitors:
            return  # the next visitor begins with a snapshot
        gather(self._pending, changes)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, self._sent_at_s + BATCH_EVERY_S - loop.time()), self._send_pending)

    def _send_pending(self) -> None:
        self._timer, pending, self._pending = None, self._pending, {}
        self._sent_at_s = asyncio.get_running_loop().time()
        try:
            batch = lines("changes", pending)
        except (TypeError, ValueError):
            log.exception("changes that cannot be sent were dropped")
            return
        for visitor in list(self._visitors):
            visitor.send(batch)

    def welcome(self, visitor: "_Visitor") -> None:
        """Let a visitor in and say what is true now."""
        if len(self._visitors) >= VISITORS_MAX:
            log.warning("a visitor was sent away: %d are here", VISITORS_MAX)
            visitor.send([_answer({"id": "", "ok": False, "error": f"{VISITORS_MAX} others are at the door already"})])
            visitor.leave()
            return
        self._visitors.add(visitor)
        visitor.send(lines("snapshot", self._snapshot()))

    def forget(self, visitor: "_Visitor") -> None:
        self._visitors.discard(visitor)

    def answer(self, line: bytes) -> bytes | Awaitable[bytes]:
        """The answer to one line, whatever stands in it; awaitable where the command takes its time."""
        try:
            request = msgspec.json.decode(line, type=Request)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return _answer({"id": "", "ok": False, "error": f"this is no request: {error}"})
        try:
            result = self._obey(request)
        except Exception as error:  # ours: a bug in one command must not end the engine; it is loud in the log
            return _refusal(request, error)
        if isinstance(result, Awaitable):
            return self._answer_later(request, result)
        return _answer({"id": request.id, "ok": True, "result": result})

    async def _answer_later(self, request: Request, result: Awaitable[Message]) -> bytes:
        try:
            return _answer({"id": request.id, "ok": True, "result": await result})
        except Exception as error:
            return _refusal(request, error)

    def _obey(self, request: Request) -> Message | Awaitable[Message]:
        if request.command == "door.snapshot":
            return self._snapshot()
        return self._command(request.command, request.args)


def _refusal(request: Request, error: Exception) -> bytes:
    if isinstance(error, CommandRefused):
        return _answer({"id": request.id, "ok": False, "error": str(error)})
    log.error("the command %r failed", request.command, exc_info=error)
    sentence = f"the engine failed at `{request.command}`; its log says why"
    return _answer({"id": request.id, "ok": False, "error": sentence})


def _answer(message: Message) -> bytes:
    line = msgspec.json.encode(message) + b"\n"
    if len(line) > LINE_BYTES_MAX:
        return _answer({"id": message["id"], "ok": False, "error": f"the answer is too long ({len(line)} bytes)"})
    return line


def clear_stale_socket(path: Path) -> None:
    """Remove the socket of an engine that is gone. Raises DoorTaken where somebody answers at it."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise DoorTaken(f"{path} is in the way: it is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as knock:
        try:
            knock.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:  # many already wait there: somebody lives behind it
            pass
    raise DoorTaken(f"another engine is running: it answers at {path}")


class _Visitor(asyncio.Protocol):
    """One connection, seen from the engine."""

    def __init__(self, door: DoorServer) -> None:
        self._door = door
        self._unread = bytearray()
        self._later: set[asyncio.Future[bytes]] = set()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._door.welcome(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.forget(self)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if b"\n" in data:
            *whole, rest = bytes(self._unread).split(b"\n")
            self._unread = bytearray(rest)
            for line in whole:
                answer = self._door.answer(line)
                if isinstance(answer, bytes):
                    self.send([answer])
                else:
                    self._answer_later(answer)
        if len(self._unread) > LINE_BYTES_MAX:
            self.send([_answer({"id": "", "ok": False, "error": f"a line is longer than {LINE_BYTES_MAX} bytes"})])
            self.leave()

    def _answer_later(self, answer: Awaitable[bytes]) -> None:
        task = asyncio.ensure_future(answer)
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        task.add_done_callback(lambda done: None if done.cancelled() else self.send([done.result()]))

    def send(self, batch: list[bytes]) -> None:
        """Hand over `batch`, or drop a visitor who has left too much unread."""
        if self._transport.is_closing():
            return
        self._transport.writelines(batch)
        unread_bytes = self._transport.get_write_buffer_size()
        if unread_bytes > UNREAD_BYTES_MAX:
            log.warning("a visitor was dropped: %d bytes unread", unread_bytes)
            self._transport.abort()

    def leave(self) -> None:
        self._unread.clear()
        self._transport.close()


class Follower(Protocol):
    """Who is told what a followed door says. The snapshot is the client's own, kept up to date by it."""

    def arrived(self, snapshot: Message) -> None:
        """The engine is there, and this is true."""

    def changed(self, changes: Message) -> None:
        """These rows changed; the snapshot has them already."""

    def away(self, why: str) -> None:
        """The engine went away or is not there; said at each failed attempt."""


class DoorClient:
    """A visitor's side: `snapshot` is kept up to date while connected; every request has a deadline."""

    def __init__(self, path: Path, follower: Follower | None = None) -> None:
        self.snapshot: Message = {}
        self.connected = False
        self._path = path
        self._follower = follower
        self._ids = count(1)
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[str] | None = None

    async def connect(self) -> None:
        """Come in and read the snapshot, within `ANSWER_WITHIN_S`. Raises EngineAway."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                reader, self._writer = await asyncio.open_unix_connection(self._path, limit=LINE_BYTES_MAX)
                first = await reader.readline()
            said = msgspec.json.decode(first)
            if "error" in said:
                raise OSError(said["error"])
            self.snapshot = said["snapshot"]
        except (FileNotFoundError, ConnectionRefusedError):
            raise EngineAway(f"the engine is not running (nobody answers at {self._path})") from None
        except TimeoutError:
            self._hang_up()
            raise EngineAway(f"the engine does not answer within {ANSWER_WITHIN_S:g} s at {self._path}") from None
        except (OSError, KeyError, ValueError, msgspec.MsgspecError) as error:
            self._hang_up()
            raise EngineAway(f"the engine cannot be asked at {self._path}: {error or 'it hung up'}") from error
        self.connected = True
        self._reading = asyncio.create_task(self._read(reader))

    async def command(self, name: str, /, **args: Any) -> Message:
        """Ask for `name`; its result, within `ANSWER_WITHIN_S`. Raises CommandRefused or EngineAway."""
        return await self.slow_command(name, ANSWER_WITHIN_S, args)

    async def slow_command(self, name: str, within_s: float, args: Message) -> Message:
        """Ask for `name`, which may take up to `within_s`. Raises CommandRefused or EngineAway."""
        if not self.connected or self._writer is None:
            raise EngineAway(f"the engine is not running (no connection to {self._path})")
        if len(self._waiting) >= ASKED_AT_ONCE_MAX:
            raise EngineAway(f"{ASKED_AT_ONCE_MAX} requests already wait for the engine")
        number = str(next(self._ids))
        line = msgspec.json.encode({"id": number, "command": name, "args": args}) + b"\n"
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._writer.write(line)
        try:
            message = await asyncio.wait_for(answer, within_s)
        except TimeoutError:
            raise EngineAway(f"the engine has not answered `{name}` within {within_s:g} s") from None
        finally:
            del self._waiting[number]
        if not message["ok"]:
            raise CommandRefused(message["error"])
        result: Message = message["result"]
        return result

    async def follow(self) -> None:
        """Stay connected until cancelled, telling the follower; pause `RECONNECT_PAUSE_S` between attempts."""
        try:
            while True:
                why = await self._visit()
                if self._follower:
                    self._follower.away(why)
                await asyncio.sleep(RECONNECT_PAUSE_S)
        finally:
            await self.close()

    async def _visit(self) -> str:
        """One stay, until it ends; why it ended."""
        try:
            await self.connect()
        except EngineAway as away:
            return str(away)
        if self._follower:
            self._follower.arrived(self.snapshot)
        assert self._reading is not None
        return await self._reading

    async def close(self) -> None:
        """Leave. Requests that wait end with EngineAway."""
        if self._reading:
            self._reading.cancel()
            await asyncio.wait([self._reading], timeout=ANSWER_WITHIN_S)
        self._hang_up()

    def _hang_up(self) -> None:
        self.connected = False
        if self._writer:
            self._writer.close()
            self._writer = None

    async def _read(self, reader: asyncio.StreamReader) -> str:
        why = "the engine closed the door"
        try:
            while line := await reader.readline():
                self._take(msgspec.json.decode(line))
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            why = f"the line to the engine broke: {error}"
        finally:
            self._hang_up()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(EngineAway(why))
        return why

    def _take(self, message: Message) -> None:
        if "changes" in message:
            apply(self.snapshot, message["changes"])
            if self._follower:
                self._follower.changed(message["changes"])
        elif (answer := self._waiting.get(str(message["id"]))) and not answer.done():
            answer.set_result(message)
