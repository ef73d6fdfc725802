"""The SMTP server, on Twisted: who brings a mail, for whom, how large; what becomes of it is mail_desk.py's.

It takes mail for our addresses only, and says `250` once the mail is on record and on the disk. Import this only after
the reactor has been chosen (centralino.desk). It stands behind the administration's mail server, on loopback or its
network: TLS, the checks of senders and the filters against spam are that one's.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import protocol
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.mail.smtp import COMMAND, ESMTP, IMessage, IMessageDelivery, SMTPBadRcpt, SMTPServerError
from zope.interface import implementer

from centralino.database import DatabaseAway
from centralino.mail_addresses import MailAddress
from centralino.mail_desk import Envelope, MailDesk
from centralino.mail_files import make_folders, new_mail

log = logging.getLogger("centralino.mail")
reactor: Any = _reactor

CONNECTIONS_MAX = 50
RECIPIENTS_MAX = 20  # of one mail
ERRORS_MAX = 20  # of one connection
COMMAND_BYTES_MAX = 2_000
PIECE_BYTES_MAX = 100_000  # of a line of a mail that is in memory; servers send lines of at most 1,000
IDLE_MAX_S = 300.0  # as RFC 5321 asks for at least
KEEP_WITHIN_S = 120.0  # why less: so that the answer is ours
LAST_ONES_WITHIN_S = 2.0  # a desk that stops waits so long for mails that came in whole
LATER = b"4.3.0 It cannot be kept now: bring it again later"
TOO_LARGE = b"5.3.4 The mail is larger than we take"


class CannotServe(Exception):
    """No mail can be taken in; the text says why."""


class MailIntake:
    """The server. `open` it, `close` it."""

    def __init__(self, port: Any, factory: "Factory") -> None:
        self._port, self._factory = port, factory

    @classmethod
    def open(cls, desk: MailDesk, state: Path, listener: socket.socket, host: str) -> "MailIntake":
        """Serve at `listener`, which is bound. `host`: as what we greet. Raises CannotServe."""
        with listener:  # Twisted takes a copy
            try:
                make_folders(state)
                listener.listen(CONNECTIONS_MAX)
                factory = Factory(desk, state, host)
                port = reactor.adoptStreamPort(listener.fileno(), listener.family, factory)
            except OSError as error:
                raise CannotServe(str(error)) from error
            log.info("mail is taken in at %s:%d", *listener.getsockname()[:2])
        return cls(port, factory)

    async def close(self) -> None:
        """Whoever has not heard `250` yet brings it again."""
        self._port.stopListening()
        for connection in list(self._factory.connections):
            connection.transport.abortConnection()
        if self._factory.keeping:
            _, late = await asyncio.wait(self._factory.keeping, timeout=LAST_ONES_WITHIN_S)
            for one in late:
                one.cancel()
            await asyncio.gather(*late, return_exceptions=True)


@implementer(IMessage)
class Incoming:
    """A mail that is coming in, for one recipient."""

    def __init__(self, factory: "Factory", envelope: Envelope, size_bytes_max: int) -> None:
        self._factory, self._envelope, self._left_bytes = factory, envelope, size_bytes_max
        try:
            self._path = new_mail(factory.state)
            self._file = self._path.open("wb")
        except OSError as error:
            log.error("a mail cannot be kept: %s", error)
            raise SMTPServerError(451, LATER) from error

    def lineReceived(self, line: bytes) -> None:
        self.take(line + b"\r\n")

    def take(self, piece: bytes) -> None:
        """Raises SMTPServerError."""
        self._left_bytes -= len(piece)
        if self._left_bytes < 0:
            raise SMTPServerError(552, TOO_LARGE)
        try:
            self._file.write(piece)
        except OSError as error:
            log.error("a mail cannot be kept: %s", error)
            raise SMTPServerError(451, LATER) from error

    def eomReceived(self) -> Any:
        return Deferred.fromFuture(self._factory.keep(self._keep()))

    def connectionLost(self) -> None:
        """It is not to be kept after all."""
        try:
            self._file.close()
        except OSError as error:
            log.error("a file cannot be closed: %s", error)
        self._path.unlink(missing_ok=True)

    async def _keep(self) -> None:
        try:
            self._file.close()
            async with asyncio.timeout(KEEP_WITHIN_S):
                await self._factory.desk.accept(self._path, self._envelope)
        except (DatabaseAway, OSError) as away:  # a TimeoutError is one
            log.warning("a mail is put off: %s", away or "it took too long")
            raise SMTPServerError(451, LATER) from away
        except Exception as fault:
            log.exception("a mail is put off, by a fault of ours")
            raise SMTPServerError(451, LATER) from fault
        finally:
            self._path.unlink(missing_ok=True)


@implementer(IMessageDelivery)
class Delivery:
    """For whom a mail may be, on one connection."""

    def __init__(self, factory: "Factory") -> None:
        self._factory, self._recipients = factory, 0
        self.incoming: list[Incoming] = []  # the mail that comes in now, for each recipient

    def validateFrom(self, helo: Any, origin: Any) -> Any:
        self._recipients = 0
        self.incoming.clear()
        return origin

    def validateTo(self, user: Any) -> Callable[[], Incoming]:
        recipient = str(user.dest).lower()
        mail_in = self._factory.desk.mail_in
        address: MailAddress | None = mail_in.addresses.get(recipient)
        if address is None:
            raise SMTPBadRcpt(user, resp="5.1.1 This is no address of ours")
        self._recipients += 1
        if self._recipients > RECIPIENTS_MAX:
            raise SMTPServerError(452, "4.5.3 Too many recipients")
        envelope = Envelope(str(user.orig), recipient, address)
        return lambda: self._begun(envelope, mail_in.size_bytes_max)

    def _begun(self, envelope: Envelope, size_bytes_max: int) -> Incoming:
        self.incoming.append(Incoming(self._factory, envelope, size_bytes_max))
        return self.incoming[-1]

    def receivedHeader(self, helo: Any, origin: Any, recipients: Any) -> bytes:
        return b""  # the mail is kept as it came


class Connection(ESMTP):
    """One that brings mail: bounded in time, in what it may do wrong, and to one mail after the other."""

    MAX_LENGTH = sys.maxsize  # why: the library would take what follows a long line of a mail for commands
    timeout = IDLE_MAX_S
    _buffer: bytes  # the library's: what has come of a line
    datafailed: SMTPServerError | None  # the library's: why the mail that comes in is not taken
    noisy = False

    def connectionMade(self) -> None:
        self._errors, self._is_keeping, self._is_within_a_line = 0, False, False
        self.delivery = Delivery(self.factory)
        self.factory.connections.add(self)
        self.transport.setTcpKeepAlive(1)
        super().connectionMade()

    def connectionLost(self, reason: Any = None) -> None:
        self.factory.connections.discard(self)
        super().connectionLost(reason)

    def greeting(self) -> bytes:
        return bytes(self.host) + b" Centralino ESMTP"

    def extensions(self) -> dict[bytes, list[bytes] | None]:
        return {b"SIZE": [b"%d" % self.factory.desk.mail_in.size_bytes_max], b"8BITMIME": None}

    def dataReceived(self, data: bytes) -> None:
        try:
            super().dataReceived(data)
            if len(self._buffer) > PIECE_BYTES_MAX:
                self._take_piece()
        except Exception as error:  # the library raises what its parser stumbles over, of many types
            log.warning("this is no SMTP: %r", error, extra={"address": self.transport.getPeer().host})
            self.transport.abortConnection()

    def lineReceived(self, line: bytes) -> None:
        if self._is_keeping:  # whoever does not wait for our answer would have us keep many mails at once
            self._end(421, b"4.5.0 Wait for the answer to a mail")
        elif self.mode == COMMAND and len(line) > COMMAND_BYTES_MAX:
            self.sendCode(500, b"5.5.2 Line too long")
        else:
            super().lineReceived(line)

    def _take_piece(self) -> None:
        """Of a line that does not end, what has come so far."""
        if self.mode == COMMAND:
            return self._end(500, b"5.5.2 Line too long")
        self.resetTimeout()
        piece, self._buffer = self._buffer[:-1], self._buffer[-1:]  # the last may be half of the line's end
        self._take(piece if self._is_within_a_line else piece.removeprefix(b"."))
        self._is_within_a_line = True

    def _take(self, piece: bytes) -> None:
        """As the library does it with a line."""
        if self.datafailed:
            return
        try:
            for incoming in self.delivery.incoming:
                incoming.take(piece)
        except SMTPServerError as error:
            self.datafailed = error
            for incoming in self.delivery.incoming:
                incoming.connectionLost()

    def sendCode(self, code: int, message: bytes = b"") -> None:
        super().sendCode(code, message)
        self._errors += code >= 500
        if self._errors > ERRORS_MAX:
            self.transport.loseConnection()

    def do_MAIL(self, rest: bytes) -> None:
        sizes = [word[5:] for word in rest.upper().split() if word.startswith(b"SIZE=")]
        if any(size.isdigit() and int(size[:12]) > self.factory.desk.mail_in.size_bytes_max for size in sizes):
            self.sendCode(552, TOO_LARGE)
        else:
            super().do_MAIL(rest)

    def ext_AUTH(self, rest: bytes) -> None:
        self.sendCode(502, b"5.5.1 Nobody logs in here")

    def dataLineReceived(self, line: bytes) -> None:
        if self._is_within_a_line:  # a dot in it is a dot
            self._is_within_a_line = False
            return self._take(line + b"\r\n")
        self._is_keeping = line == b"." and not self.datafailed
        super().dataLineReceived(line)

    state_DATA = dataLineReceived

    def _messageHandled(self, results: list[tuple[bool, Any]]) -> None:
        """As the library does it, but with an answer that tells `later` from `never`."""
        self._is_keeping = False
        failed = [failure.value for is_done, failure in results if not is_done]
        if failed:
            code = max(getattr(error, "code", 451) for error in failed)
            self.sendCode(code, LATER)
        else:
            self.sendCode(250, b"2.0.0 It is on record")

    def timeoutConnection(self) -> None:
        self._end(421, b"4.4.2 Nothing was said for long")

    def _end(self, code: int, why: bytes) -> None:
        self.sendCode(code, why)
        self.transport.loseConnection()


class Full(protocol.Protocol):
    """One too many."""

    def connectionMade(self) -> None:
        self.transport.write(b"421 4.3.2 Too many connections: come again in a moment\r\n")
        self.transport.loseConnection()


class Factory(protocol.ServerFactory):
    noisy = False

    def __init__(self, desk: MailDesk, state: Path, host: str) -> None:
        self.desk, self.state, self.host = desk, state, host.encode()
        self.connections: set[Connection] = set()
        self.keeping: set[asyncio.Task[None]] = set()

    def buildProtocol(self, addr: Any) -> Any:
        if len(self.connections) >= CONNECTIONS_MAX:
            return Full()
        connection = Connection()
        connection.factory, connection.host = self, self.host
        return connection

    def keep(self, keeping: Any) -> "asyncio.Task[None]":
        """It goes on where the connection is lost: then the mail comes again, and is on record already."""
        task = asyncio.get_running_loop().create_task(keeping)
        self.keeping.add(task)
        task.add_done_callback(self.keeping.discard)
        return task
