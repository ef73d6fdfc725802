"""SIP transactions over UDP (RFC 3261, 17): repeat what may have been lost, give a repeated request the same answer.

The layer above sees each request once and each final answer at least once (a repeated 200 to an INVITE is passed on:
its ACK was lost).
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import cast

from demo.sip import REASONS, Address, HeaderList, MalformedMessage, Request, Response, parse, party

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """RFC 3261's timers, in seconds: first repeat, longest pause between repeats, and when to give up."""

    t1_s: float = 0.5
    t2_s: float = 4.0
    give_up_s: float = 32.0


class Repeater:
    """Sends a datagram at once, and again after growing pauses, until stopped or given up."""

    def __init__(self, send: Callable[[], None], timing: Timing, longest_pause_s: float) -> None:
        self._send, self._timing, self.pause_s = send, timing, timing.t1_s
        self._longest_pause_s = longest_pause_s
        self._timer: asyncio.TimerHandle | None = None
        send()
        self._schedule()

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.pause_s, self._again)

    def _again(self) -> None:
        self._send()
        self.pause_s = min(self.pause_s * 2, self._longest_pause_s)
        self._schedule()

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()


class ClientTransaction:
    """A request of ours and its answers. Where nobody answers, a 408 is made up after `give_up_s`."""

    def __init__(self, wire: "Wire", request: Request, to: Address, on_response: Callable[[Response], None]) -> None:
        self.request, self._wire, self._to, self._on_response = request, wire, to, on_response
        self._final = 0
        invite = request.method == "INVITE"
        timing = wire.timing
        self._repeater = Repeater(self._send, timing, timing.give_up_s if invite else timing.t2_s)
        self._deadline = asyncio.get_running_loop().call_later(timing.give_up_s, self._give_up)

    def _send(self) -> None:
        self._wire.send(self.request.encode(), self._to)

    def heard(self, response: Response) -> None:
        invite = self.request.method == "INVITE"
        if response.status < 200 and not self._final:
            if invite:
                self.stop()
            else:
                self._repeater.pause_s = self._wire.timing.t2_s
        elif response.status >= 300 and invite:
            self._wire.send(self._ack(response).encode(), self._to)
        if self._final and not (invite and 200 <= response.status < 300):
            return
        if response.status >= 200 and not self._final:
            self._finish(response.status)
        self._on_response(response)

    def _finish(self, status: int) -> None:
        self._final = status
        self.stop()
        asyncio.get_running_loop().call_later(self._wire.timing.give_up_s, self._wire.forget, self)

    def _give_up(self) -> None:
        self._finish(408)
        self._on_response(Response(status=408, reason="no answer at all", headers=list(self.request.headers)))

    def _ack(self, response: Response) -> Request:
        same = {"via", "from", "call-id", "route", "max-forwards"}
        headers = [(n, v) for n, v in self.request.headers if n.lower() in same]
        headers += [("To", response.get("to")), ("CSeq", f"{self.request.cseq[0]} ACK")]
        return Request(method="ACK", uri=self.request.uri, headers=headers)

    def cancel(self) -> None:
        """Ask for an end of this INVITE. Its own final answer (487) follows by itself."""
        same = {"via", "from", "to", "call-id", "route", "max-forwards"}
        headers = [(n, v) for n, v in self.request.headers if n.lower() in same]
        headers.append(("CSeq", f"{self.request.cseq[0]} CANCEL"))
        request = Request(method="CANCEL", uri=self.request.uri, headers=headers)
        self._wire.ask(request, self._to, lambda answer: log.debug("CANCEL: %d", answer.status))

    def stop(self) -> None:
        self._repeater.stop()
        self._deadline.cancel()


class ServerTransaction:
    """A request of theirs and our answer, repeated to an INVITE until its ACK comes."""

    def __init__(self, wire: "Wire", request: Request, source: Address) -> None:
        self.request, self.source, self._wire = request, source, wire
        self.received_at = time.monotonic()  # loop.time()'s clock, but fine under uvloop too, which counts whole ms
        self.tag = party(request.get("to")).tag or secrets.token_hex(6)
        self.on_ack: Callable[[Request | None], None] | None = None  # None: no ACK came in time
        self.status = 0
        self._last = b""
        self._repeater: Repeater | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def respond(self, status: int, headers: HeaderList | None = None, body: str = "") -> None:
        """Answer. A final answer is the last word: what follows it is dropped."""
        if self.status >= 200:
            return
        self.status = status
        same = {"via", "from", "call-id", "cseq", "record-route"}
        copied = [(n, v) for n, v in self.request.headers if n.lower() in same]
        to = self.request.get("to")
        copied.append(("To", to if party(to).tag else f"{to};tag={self.tag}"))
        answer = Response(status=status, reason=REASONS.get(status, ""), headers=[*copied, *(headers or [])], body=body)
        self._last = answer.encode()
        if status >= 200:
            self._finish()
        else:
            self.repeat()

    def _finish(self) -> None:
        timing = self._wire.timing
        if self.request.method == "INVITE":
            self._repeater = Repeater(self.repeat, timing, timing.t2_s)
        else:
            self.repeat()
        self._deadline = asyncio.get_running_loop().call_later(timing.give_up_s, self._over)

    def repeat(self) -> None:
        if self._last:
            self._wire.send(self._last, self.source)

    def heard_ack(self, ack: Request | None) -> None:
        self._stop_repeating()
        if self.on_ack:
            self.on_ack(ack)
        self.on_ack = None

    def _over(self) -> None:
        self.heard_ack(None)
        self._wire.forget(self)

    def _stop_repeating(self) -> None:
        if self._repeater:
            self._repeater.stop()

    def stop(self) -> None:
        self._stop_repeating()
        if self._deadline:
            self._deadline.cancel()


ServerKey = tuple[str, str, int, str]


def _server_key(request: Request, method: str) -> ServerKey:
    return request.get("call-id"), party(request.get("from")).tag, request.cseq[0], method


class Wire(asyncio.DatagramProtocol):
    """One UDP socket and the transactions on it. Open it with `create_datagram_endpoint`."""

    def __init__(self, on_request: Callable[[ServerTransaction], None], timing: Timing) -> None:
        self.timing, self._on_request = timing, on_request
        self.address: Address = ("", 0)
        self._transport: asyncio.DatagramTransport | None = None
        self._asked: dict[tuple[str, str], ClientTransaction] = {}
        self._served: dict[ServerKey, ServerTransaction] = {}
        self._background: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # which it is, but not by type, before 3.12
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if not data.strip(b"\r\n\0"):  # a keep-alive
            return
        try:
            message = parse(data)
            self._received(message, addr)
        except MalformedMessage as error:
            log.warning("dropped what %s:%d sent: %s", *addr[:2], error)

    def _received(self, message: Request | Response, source: Address) -> None:
        if isinstance(message, Response):
            if asked := self._asked.get((message.branch, message.cseq[1])):
                asked.heard(message)
        elif message.method == "ACK":
            if invited := self._served.get(_server_key(message, "INVITE")):
                invited.heard_ack(message)
        elif served := self._served.get(_server_key(message, message.method)):
            served.repeat()
        else:
            served = ServerTransaction(self, message, source)
            self._served[_server_key(message, message.method)] = served
            self._on_request(served)

    def error_received(self, exc: Exception) -> None:
        log.debug("nobody listens there: %s", exc)  # the transaction's own deadline tells whoever waits

    def send(self, datagram: bytes, to: Address) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.sendto(datagram, to)

    def via(self) -> tuple[str, str]:
        branch = "z9hG4bK" + secrets.token_hex(8)
        return "Via", f"SIP/2.0/UDP {self.address[0]}:{self.address[1]};branch={branch};rport"

    def ask(self, request: Request, to: Address, on_response: Callable[[Response], None]) -> ClientTransaction:
        """Send `request`, repeat it as need be, and hand its answers on. A Via is added where none stands."""
        if not request.get("via"):
            request.headers[:0] = [self.via(), ("Max-Forwards", "70")]
        asked = ClientTransaction(self, request, to, on_response)
        self._asked[request.branch, request.method] = asked
        return asked

    async def answer(self, request: Request, to: Address) -> Response:
        """The final answer to `request` (no INVITE); a made-up 408 after `give_up_s` without one."""
        final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def heard(response: Response) -> None:
            if response.status >= 200 and not final.done():
                final.set_result(response)

        self.ask(request, to, heard)
        return await final

    def in_background(self, work: Coroutine[None, None, None]) -> None:
        """Run `work`, which ends by itself, and keep hold of it until it does (asyncio would let it go)."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def invitation(self, cancel: Request) -> ServerTransaction | None:
        """The INVITE that a CANCEL is about."""
        return self._served.get(_server_key(cancel, "INVITE"))

    def forget(self, over: ClientTransaction | ServerTransaction) -> None:
        over.stop()
        if isinstance(over, ClientTransaction):
            self._asked.pop((over.request.branch, over.request.method), None)
        else:
            self._served.pop(_server_key(over.request, over.request.method), None)

    def close(self) -> None:
        for asked in list(self._asked.values()):
            self.forget(asked)
        for served in list(self._served.values()):
            self.forget(served)
        if self._transport:
            self._transport.close()
