"""ARI, thin: Asterisk dials us, and one websocket carries its events and our requests.

Asking is plain and never waits: a request is put on a bounded line and sent in order; its answer, or the lack of one,
comes back to the callback it was given. Asterisk serves the requests of one socket one at a time, in order.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from socket import IPPROTO_TCP, TCP_QUICKACK
from typing import Any, Protocol

import msgspec
from websockets.asyncio.server import Server, ServerConnection, basic_auth, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 5.0
GREETED_WITHIN_S = 1.0
UNSENT_MAX = 20_000
MESSAGE_BYTES_MAX = 2**24  # a list of some thousand channels
PING_EVERY_S = 5.0
NO_ANSWER = 0  # the status of a request that was never answered


class Caller(msgspec.Struct, frozen=True):
    name: str = ""
    number: str = ""


class DialplanPlace(msgspec.Struct, frozen=True):
    context: str = ""
    exten: str = ""
    app_name: str = ""
    app_data: str = ""


class Channel(msgspec.Struct, frozen=True):
    """A channel, as far as we look at it."""

    id: str
    state: str = ""
    name: str = ""
    caller: Caller = Caller()
    dialplan: DialplanPlace = DialplanPlace()
    channelvars: dict[str, str] = {}


class Playback(msgspec.Struct, frozen=True):
    id: str
    target_uri: str = ""
    state: str = ""


class LiveRecording(msgspec.Struct, frozen=True):
    name: str
    target_uri: str = ""
    duration: int = 0
    cause: str = ""


class Bridge(msgspec.Struct, frozen=True):
    id: str
    name: str = ""
    channels: list[str] = []


class Requested(msgspec.Struct, frozen=True):
    """Where a phone wants to refer somebody to. `protocol_id` is the Call-ID of the dialogue that it names, if any."""

    destination: str = ""
    protocol_id: str = ""


class ReferTo(msgspec.Struct, frozen=True):
    """`destination_channel`: that of the dialogue which is named, where it is here."""

    requested_destination: Requested = Requested()
    destination_channel: Channel | None = None


class ReferredBy(msgspec.Struct, frozen=True):
    source_channel: Channel | None = None


class Value(msgspec.Struct, frozen=True):
    """What a variable of a channel holds."""

    value: str = ""


class Received(msgspec.Struct, frozen=True):
    """How many packets of sound a channel has received."""

    rxcount: int = 0


class Message(msgspec.Struct, frozen=True):
    """Any message of Asterisk's: an event of one of the types we use, or the answer to a request."""

    type: str
    channel: Channel | None = None
    args: list[str] = []
    digit: str = ""
    cause: int = 0
    tech_cause: int = 0  # the SIP status that ended it, where there was one
    playback: Playback | None = None
    recording: LiveRecording | None = None
    refer_to: ReferTo = ReferTo()
    referred_by: ReferredBy = ReferredBy()
    state: str = ""  # of a transfer that we have been told of: what we said, and the phone has heard
    request_id: str = ""
    status_code: int = NO_ANSWER
    reason_phrase: str = ""
    message_body: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a request. `status` is HTTP's, or NO_ANSWER: the line was lost, or Asterisk said nothing."""

    status: int
    body: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


OnReply = Callable[[Reply], None]


class Listener(Protocol):
    """Who is told. All three are plain functions, called on the event loop."""

    def connected(self) -> None:
        """Asterisk is there; requests are possible."""

    def told(self, message: Message) -> None:
        """An event."""

    def lost(self, why: str) -> None:
        """Asterisk is away; requests are dropped until it is back. All open ones were answered with NO_ANSWER."""


@dataclass(slots=True)
class Counts:
    """For the metrics and the bench."""

    requests: int = 0
    refused: int = 0
    events: int = 0


_decode = msgspec.json.Decoder(Message).decode
_encode = msgspec.json.Encoder().encode


class AriLine:
    """Listens for Asterisk, and is the line to it while it is connected."""

    def __init__(self, listener: Listener, user: str, password: str) -> None:
        self.counts = Counts()
        self._listener, self._user, self._password = listener, user, password
        self._server: Server | None = None
        self._socket: ServerConnection | None = None
        self._unsent: asyncio.Queue[str] = asyncio.Queue(UNSENT_MAX)
        self._open: dict[str, OnReply | None] = {}
        self._asked: deque[tuple[float, str]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._greeting: asyncio.TimerHandle | None = None
        self._last_id = 0

    async def listen(self, host: str, port: int) -> None:
        """Wait for Asterisk to connect, now and after each loss. Raises OSError where the port is taken."""
        self._server = await serve(
            self._serve,
            host,
            port,
            subprotocols=[Subprotocol("ari")],
            compression=None,
            max_size=MESSAGE_BYTES_MAX,
            ping_interval=PING_EVERY_S,
            ping_timeout=PING_EVERY_S,
            process_request=basic_auth(realm="centralino", credentials=(self._user, self._password)),
        )

    async def close(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    @property
    def is_connected(self) -> bool:
        return self._socket is not None

    def ask(
        self, method: str, uri: str, body: dict[str, Any] | None = None, then: OnReply | None = None, **query: str
    ) -> None:
        """Send a request; `then` is called once with its reply. Dropped (NO_ANSWER) while Asterisk is away."""
        if self._socket is None:
            if then:
                asyncio.get_running_loop().call_soon(then, Reply(NO_ANSWER, "Asterisk is not connected"))
            return
        self._last_id += 1
        self.counts.requests += 1
        request_id = str(self._last_id)
        self._open[request_id] = then
        self._asked.append((asyncio.get_running_loop().time() + ANSWER_WITHIN_S, request_id))
        self._send(_request(request_id, method, uri, query, body))
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(ANSWER_WITHIN_S, self._sweep_unanswered)

    def cut(self, why: str) -> None:
        """End this line; Asterisk makes a new one within a second."""
        log.error("the line to Asterisk is cut: %s", why)
        if self._socket:
            self._socket.transport.abort()

    # --- within

    def _send(self, text: str) -> None:
        try:
            self._unsent.put_nowait(text)
        except asyncio.QueueFull:
            self.cut(f"{UNSENT_MAX} requests are unsent")

    async def _serve(self, socket: ServerConnection) -> None:
        if self._socket is not None:
            log.warning("Asterisk connected anew; the older line is closed")
            self._socket.transport.abort()
            self._lost("Asterisk connected anew")
        self._socket, self._unsent = socket, asyncio.Queue(UNSENT_MAX)
        sender = asyncio.create_task(self._send_all(socket, self._unsent))
        # A request sent before Asterisk's first word may lie unread for seconds.
        self._greeting = asyncio.get_running_loop().call_later(GREETED_WITHIN_S, self._greeted)
        raw = socket.transport.get_extra_info("socket")
        why = "Asterisk closed the line"
        try:
            async for text in socket:
                if self._socket is not socket:
                    break  # what an older line still held
                # Asterisk sends small pieces and waits for our acknowledgement (Nagle): give it at once, each time anew
                raw.setsockopt(IPPROTO_TCP, TCP_QUICKACK, 1)
                self._greeted()
                self._take(text)
        except ConnectionClosed as closed:
            why = str(closed)
        finally:
            sender.cancel()
            if self._socket is socket:
                self._lost(why)

    def _greeted(self) -> None:
        """Asterisk has said its first word, or has had the time to: it may be asked."""
        if self._greeting:
            self._greeting.cancel()
            self._greeting = None
            self._listener.connected()

    async def _send_all(self, socket: ServerConnection, unsent: asyncio.Queue[str]) -> None:
        try:
            while True:
                await socket.send(await unsent.get())
        except ConnectionClosed:
            log.info("the line closed with %d requests unsent", unsent.qsize())

    def _take(self, text: str | bytes) -> None:
        try:
            message = _decode(text)
        except msgspec.MsgspecError:
            log.exception("a message of Asterisk's cannot be read: %.500r", text)
            return
        if message.type == "RESTResponse":
            self._answered(message.request_id, Reply(message.status_code, message.message_body))
        else:
            self.counts.events += 1
            self._listener.told(message)

    def _answered(self, request_id: str, reply: Reply) -> None:
        then = self._open.pop(request_id, None)
        if not reply.ok:
            self.counts.refused += 1
        if then:
            then(reply)

    def _lost(self, why: str) -> None:
        self._socket = None
        if self._greeting:
            self._greeting.cancel()
            self._greeting = None
        self._asked.clear()
        unanswered, self._open = self._open, {}
        for then in unanswered.values():
            if then:
                then(Reply(NO_ANSWER, why))
        self._listener.lost(why)

    def _sweep_unanswered(self) -> None:
        """Requests are asked in order and each may take as long: only the oldest need a look."""
        self._sweep = None
        loop = asyncio.get_running_loop()
        while self._asked and (self._asked[0][0] <= loop.time() or self._asked[0][1] not in self._open):
            _, request_id = self._asked.popleft()
            if request_id in self._open:
                self.cut(f"it has not answered request {request_id} within {ANSWER_WITHIN_S:g} s")
                self._answered(request_id, Reply(NO_ANSWER, "no answer in time"))
        if self._asked:
            self._sweep = loop.call_at(self._asked[0][0], self._sweep_unanswered)


def _request(request_id: str, method: str, uri: str, query: dict[str, str], body: dict[str, Any] | None) -> str:
    request: dict[str, Any] = {
        "type": "RESTRequest",
        "request_id": request_id,
        "method": method,
        "uri": uri,
        "query_strings": [{"name": name, "value": value} for name, value in query.items()],
    }
    if body is not None:
        request |= {"content_type": "application/json", "message_body": _encode(body).decode()}
    return _encode(request).decode()
