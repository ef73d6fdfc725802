"""The SSH server, on Twisted's conch: who comes in, how many, for how long; what they say is talk.py's.

Nothing but a line of commands: no files (SFTP), no forwarding of ports, agents or displays, no passwords. A connection
that does not log in, or says nothing for long, is ended; so is one that does not speak SSH. Import this only after the
reactor has been chosen (centralino.desk).
"""

import asyncio
import logging
import socket
import struct
from pathlib import Path
from typing import Any, ClassVar

from twisted.conch.avatar import ConchUser
from twisted.conch.error import ValidPublicKey
from twisted.conch.interfaces import IConchUser
from twisted.conch.ssh.common import NS, getNS
from twisted.conch.ssh.connection import (
    MSG_CHANNEL_OPEN_FAILURE,
    OPEN_ADMINISTRATIVELY_PROHIBITED,
    OPEN_RESOURCE_SHORTAGE,
    SSHConnection,
)
from twisted.conch.ssh.factory import SSHFactory
from twisted.conch.ssh.keys import FingerprintFormats, Key
from twisted.conch.ssh.transport import DISCONNECT_BY_APPLICATION, SSHServerTransport
from twisted.conch.ssh.userauth import SSHUserAuthServer
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import ISSHPrivateKey
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet import defer, protocol
from twisted.internet import reactor as _reactor
from zope.interface import implementer

from console.channel import Session
from console.child import Commands
from console.keys import BadHostKey, PeoplesKeys, host_key
from console.talk import name_of

log = logging.getLogger("centralino.console")
reactor: Any = _reactor

CONNECTIONS_MAX = 24
CHANNELS_MAX = 4  # of one connection
LOGIN_WITHIN_S = 20.0
ATTEMPTS_MAX = 6
IDLE_MAX_S = 1800.0
LOOK_EVERY_S = 15.0
GOODBYE_WITHIN_S = 1.0
SIGNATURES = b"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"


class CannotServe(Exception):
    """There can be no console; the text says why."""


class Console:
    """The server. `open` it, `close` it."""

    def __init__(self, factory: "Factory", port: Any) -> None:
        self._factory, self._port = factory, port

    @classmethod
    def open(
        cls, state: Path, deployment: Path, listener: socket.socket, commands: Commands | None = None
    ) -> "Console":
        """Serve at `listener`, which is bound. Raises CannotServe.

        `state` holds the keys; commands are about the YAML in `deployment`.
        """
        peoples_keys = PeoplesKeys(state)
        with listener:  # Twisted takes a copy
            try:
                key = host_key(state)
                listener.listen(CONNECTIONS_MAX)
                factory = Factory(key, peoples_keys, commands or Commands(deployment, state))
                port = reactor.adoptStreamPort(listener.fileno(), listener.family, factory)
            except (BadHostKey, OSError) as error:
                raise CannotServe(str(error)) from error
            host, at = listener.getsockname()[:2]
        fingerprint = key.fingerprint(FingerprintFormats.SHA256_BASE64).rstrip("=")  # as `ssh` shows it
        log.info("the console listens at %s:%d; its key: SHA256:%s", host, at, fingerprint)
        peoples_keys.refresh()  # so that the log says at the start whether anybody can come
        return cls(factory, port)

    async def close(self) -> None:
        """Say goodbye to everybody; commands that run are ended."""
        self._port.stopListening()
        await self._factory.say_goodbye()


# --- who comes in


@implementer(ICredentialsChecker)
class KeyChecker:
    """Lets in whoever proves that they hold a key of the file."""

    credentialInterfaces = (ISSHPrivateKey,)

    def __init__(self, keys: PeoplesKeys) -> None:
        self._keys = keys

    def requestAvatarId(self, credentials: Any) -> Any:
        return defer.execute(self._name, credentials)

    def _name(self, credentials: Any) -> str:
        key = Key.fromString(credentials.blob)
        owner = self._keys.owner_of(key)
        if owner is None:
            raise UnauthorizedLogin("this key is not in the file")
        if not credentials.signature:
            raise ValidPublicKey  # so far: now prove it
        if getNS(credentials.signature)[0] == b"ssh-rsa":
            raise UnauthorizedLogin("a signature with SHA-1 proves nothing any more")
        if not key.verify(credentials.signature, credentials.sigData):
            raise UnauthorizedLogin("the signature is wrong")
        return name_of(owner.comment, credentials.username.decode("utf-8", "replace"))


@implementer(IRealm)
class Realm:
    def requestAvatar(self, name: str, mind: Any, *interfaces: Any) -> Any:
        return IConchUser, Visitor(name), lambda: None


class Visitor(ConchUser):
    """Somebody who has logged in, on one connection."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.channelLookup = {b"session": Session}


class UserAuth(SSHUserAuthServer):
    """Few attempts, and each refusal on record."""

    attemptsBeforeDisconnect = ATTEMPTS_MAX
    loginTimeout = LOGIN_WITHIN_S

    def tryAuth(self, kind: bytes, user: bytes, data: bytes) -> Any:
        return super().tryAuth(kind, user, data).addErrback(self._note, user)

    def _note(self, reason: Any, user: bytes) -> Any:
        if reason.check(UnauthorizedLogin):
            facts = {"user": user[:64].decode("utf-8", "replace"), "address": self.transport.address}
            log.warning("login refused: %s", reason.getErrorMessage(), extra=facts)
        return reason


class Connection(SSHConnection):
    """After the login. No global request is granted: there is no forwarding of ports."""

    def serviceStarted(self) -> None:
        super().serviceStarted()
        self.transport.logged_in()

    def ssh_CHANNEL_OPEN(self, packet: bytes) -> None:
        kind, rest = getNS(packet)
        if kind != b"session":
            self._refuse(rest, OPEN_ADMINISTRATIVELY_PROHIBITED, "only commands: nothing is forwarded")
        elif len(self.channels) >= CHANNELS_MAX:
            self._refuse(rest, OPEN_RESOURCE_SHORTAGE, f"at most {CHANNELS_MAX} sessions on a connection")
        else:
            super().ssh_CHANNEL_OPEN(packet)

    def _refuse(self, rest: bytes, reason: int, why: str) -> None:
        """As conch does it, but without a traceback in the log for what a client asks."""
        visitor = self.transport.avatar.name
        log.info("refused: %s", why, extra={"user": visitor, "address": self.transport.address})
        answer = rest[:4] + struct.pack(">L", reason) + NS(why.encode()) + NS(b"")
        self.transport.sendPacket(MSG_CHANNEL_OPEN_FAILURE, answer)


class Transport(SSHServerTransport):
    """A connection: bounded in time, and never more than a line in the log where it does not speak SSH."""

    version = b"Centralino"
    comment = b""
    ourVersionString = b"SSH-2.0-Centralino"
    supportedCiphers = (b"aes256-ctr", b"aes192-ctr", b"aes128-ctr")
    supportedMACs = (b"hmac-sha2-512", b"hmac-sha2-256")
    supportedCompressions = (b"none",)  # why: a few bytes could become very many before anybody has logged in

    def connectionMade(self) -> None:
        self.address = self.transport.getPeer().host
        loop = asyncio.get_running_loop()
        self._heard_s = loop.time()
        self._timer = loop.call_later(LOGIN_WITHIN_S, self._too_slow)
        self.factory.connections.add(self)
        self.transport.setTcpKeepAlive(1)
        super().connectionMade()

    def connectionLost(self, reason: Any = None) -> None:
        self._timer.cancel()
        self.factory.connections.discard(self)
        super().connectionLost(reason)
        if hasattr(self, "avatar"):
            log.info("left", extra={"user": self.avatar.name, "address": self.address})

    def dataReceived(self, data: bytes) -> None:
        self._heard_s = asyncio.get_running_loop().time()
        try:
            super().dataReceived(data)
        except Exception as error:  # the library raises what its parser stumbles over, of many types
            log.warning("this is no SSH: %r", error, extra={"address": self.address})
            self.transport.abortConnection()

    def sendExtInfo(self, extensions: Any) -> None:
        """Name the signatures that people may log in with; conch names those of the host key only, so no RSA."""
        super().sendExtInfo([(b"server-sig-algs", SIGNATURES)])

    def receiveError(self, code: int, description: bytes) -> None:
        """They say why they leave; that they left is said anyway."""

    def logged_in(self) -> None:
        log.info("logged in", extra={"user": self.avatar.name, "address": self.address})
        self._timer.cancel()
        self._look()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        idle_s = loop.time() - self._heard_s
        if idle_s > IDLE_MAX_S + LOOK_EVERY_S:
            self.transport.abortConnection()  # the goodbye did not reach them
        elif idle_s > IDLE_MAX_S:
            self.end(f"nothing was said for {IDLE_MAX_S / 60:g} minutes")
        self._timer = loop.call_later(LOOK_EVERY_S, self._look)

    def _too_slow(self) -> None:
        log.warning("no login within %g s", LOGIN_WITHIN_S, extra={"address": self.address})
        self.transport.abortConnection()

    def end(self, why: str) -> None:
        self.sendDisconnect(DISCONNECT_BY_APPLICATION, why.encode())


class Full(protocol.Protocol):
    """One too many: a sentence that SSH clients show, then the end."""

    def connectionMade(self) -> None:
        self.transport.write(b"The console is full: %d are connected. Try again in a moment.\r\n" % CONNECTIONS_MAX)
        self.transport.loseConnection()


class Factory(SSHFactory):
    protocol = Transport
    services: ClassVar = {b"ssh-userauth": UserAuth, b"ssh-connection": Connection}
    noisy = False

    def __init__(self, key: Key, peoples_keys: PeoplesKeys, commands: Commands) -> None:
        self.publicKeys = {b"ssh-ed25519": key.public()}
        self.privateKeys = {b"ssh-ed25519": key}
        self.portal = Portal(Realm(), [KeyChecker(peoples_keys)])
        self.commands = commands
        self.connections: set[Transport] = set()
        self.talks: set[asyncio.Task[None]] = set()

    def buildProtocol(self, address: Any) -> Any:
        if len(self.connections) >= CONNECTIONS_MAX:
            log.warning("full: %d are connected", CONNECTIONS_MAX, extra={"address": address.host})
            return Full()
        return super().buildProtocol(address)

    async def say_goodbye(self) -> None:
        talks = list(self.talks)
        for connection in list(self.connections):
            connection.end("the desk stops")
        for talk in talks:
            talk.cancel()
        if talks:
            await asyncio.wait(talks, timeout=GOODBYE_WITHIN_S)
