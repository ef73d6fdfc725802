"""A relay for mail and a gateway for SMS, as real servers on loopback, that do what a test wants of them."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

HANG, DROP, TAKE = "hang", "drop", "250 OK"


@dataclass
class Taken:
    sender: str
    to: list[str]
    mail: EmailMessage
    raw: bytes


@dataclass
class Relay:
    """`to_rcpt`, `to_data`: its answers, HANG or DROP; `users`: who may send, anybody where empty."""

    to_rcpt: str = TAKE
    to_data: str = TAKE
    users: dict[str, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    tried: int = 0
    has_taken: asyncio.Event = field(default_factory=asyncio.Event)
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.tried += 1
        self.is_asked.set()
        answer = await self._act(self.to_rcpt, server)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await self._act(self.to_data, server)
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, _class=EmailMessage, policy=SMTP_POLICY)  # type: ignore[call-overload]
            self.taken.append(Taken(envelope.mail_from or "", envelope.rcpt_tos, mail, envelope.content))
            self.has_taken.set()
        return answer

    async def _act(self, what: str, server: SMTP) -> str:
        if what == HANG:
            await asyncio.Event().wait()
        if what == DROP:
            assert server.transport
            server.transport.abort()
        return what

    def knows(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        user, password = data.login.decode(), data.password.decode()
        return AuthResult(success=self.users.get(user) == password, handled=False)


@asynccontextmanager
async def open_relay(
    relay: Relay, context: ssl.SSLContext | None = None, port: int = 0, *, is_safe_from_the_start: bool = False
) -> AsyncIterator[Relay]:
    """With a `context` it takes mail over TLS only: after STARTTLS, or from the start."""
    connections: list[SMTP] = []

    def served() -> SMTP:
        starts_plain = context and not is_safe_from_the_start
        how: dict[str, Any] = {"require_starttls": True, "tls_context": context} if starts_plain else {}
        if is_safe_from_the_start:
            how["auth_require_tls"] = False  # it is there already, below what this server looks at
        who = {"authenticator": relay.knows, "auth_required": True} if relay.users else {}
        connections.append(SMTP(relay, hostname="relay.test", enable_SMTPUTF8=False, **how, **who))
        return connections[-1]

    server = await asyncio.get_running_loop().create_server(
        served, "127.0.0.1", port, ssl=context if is_safe_from_the_start else None
    )
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for connection in connections:
            if connection.transport:
                connection.transport.abort()


@dataclass
class Gateway:
    """`answer`: its status, HANG or DROP."""

    answer: int | str = 202
    asked: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)  # headers, what was said
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        said = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.asked.append((headers, said))
        if self.answer == HANG:
            await asyncio.Event().wait()
        if self.answer != DROP:
            writer.write(f"HTTP/1.1 {self.answer} So\r\nContent-Length: 3\r\nConnection: close\r\n\r\nwhy".encode())
            await writer.drain()
        writer.close()


@asynccontextmanager
async def open_gateway(gateway: Gateway) -> AsyncIterator[Gateway]:
    served: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        served.append(task)
        await gateway.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    gateway.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/sms"
    try:
        yield gateway
    finally:
        server.close()
        for task in served:
            task.cancel()
