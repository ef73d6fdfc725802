"""A channel of an SSH connection: one conversation, or one command (`ssh … status`), on the wire.

What a client may ask of it are the `request_…` methods, and nothing else: no files (SFTP), no agents, no displays, no
environment.
"""

import asyncio
import logging
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.conch.ssh.channel import SSHChannel
from twisted.conch.ssh.session import parseRequest_pty_req, parseRequest_window_change

from console.child import Commands
from console.talk import ByLines, InTerminal, OneCommand, Person, Talk

log = logging.getLogger("centralino.console")

STDERR = 1  # the kind of extended data
MISTAKE_OF_OURS = 70  # the exit code, as sysexits.h has it


class Session(SSHChannel):
    """It is the wire of its talk."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._columns: int | None = None  # None: no terminal
        self._talk: Talk | None = None
        self._task: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self._room.set()

    # what the client asks for; whatever is not here is refused

    def request_pty_req(self, data: bytes) -> bool:
        if self._talk:
            return False
        _, (_, columns, _, _), _ = parseRequest_pty_req(data)
        self._columns = min(columns or 80, 500)
        return True

    def request_window_change(self, data: bytes) -> bool:
        _, columns, _, _ = parseRequest_window_change(data)
        if isinstance(self._talk, InTerminal):
            self._talk.resize(columns)
        return True

    def request_shell(self, data: bytes) -> bool:
        if self._columns is None:
            return self._begin(ByLines)
        columns = self._columns
        return self._begin(lambda person, wire, commands: InTerminal(person, wire, commands, columns))

    def request_exec(self, data: bytes) -> bool:
        (length,) = struct.unpack(">L", data[:4])
        line = data[4 : 4 + length]
        return self._begin(lambda person, wire, commands: OneCommand(person, wire, commands, line))

    def request_signal(self, data: bytes) -> bool:
        if self._talk:
            self._talk.interrupt()
        return True

    def _begin(self, talk: Callable[[Person, "Session", Commands], Talk]) -> bool:
        if self._talk:
            return False
        transport = self.conn.transport
        self._talk = talk(Person(self.avatar.name, transport.address), self, transport.factory.commands)
        if self._columns:
            self._talk.width = self._columns
        self._task = asyncio.get_running_loop().create_task(self._hold(self._talk))
        transport.factory.talks.add(self._task)
        self._task.add_done_callback(transport.factory.talks.discard)
        return True

    async def _hold(self, talk: Talk) -> None:
        code = MISTAKE_OF_OURS
        try:
            code = await talk.run()
        except ConnectionError:
            return  # they left
        except Exception:
            log.exception("a conversation ended by a mistake of ours")
            with suppress(ConnectionError):
                await self.err("this is a mistake of ours; the desk's log says more\n")
        if not self.localClosed:
            self.conn.sendRequest(self, b"exit-status", struct.pack(">L", code & 0xFF))
            self.conn.sendEOF(self)
            self.loseConnection()

    # what comes

    def dataReceived(self, data: bytes) -> None:
        if self._talk:
            self._talk.typed(data)

    def eofReceived(self) -> None:
        if self._talk:
            self._talk.end_of_input()

    def closed(self) -> None:
        self._room.set()
        if self._task:
            self._task.cancel()

    # what goes

    async def out(self, text: str) -> None:
        await self._send(text, None)

    async def err(self, text: str) -> None:
        await self._send(text, None if self._columns else STDERR)

    async def _send(self, text: str, kind: int | None) -> None:
        await self._room.wait()
        if self.localClosed or self.remoteClosed:
            raise ConnectionError("nobody reads any more")
        data = (text.replace("\n", "\r\n") if self._columns else text).encode("utf-8", "replace")
        if kind is None:
            self.write(data)
        else:
            self.writeExtended(kind, data)

    def stopWriting(self) -> None:
        self._room.clear()

    def startWriting(self) -> None:
        self._room.set()
