"""Our own SIP phone (asyncio, UDP, G.711, RFC 4733 digits): citizens and agents in the demo, the tests and the bench.

async with Phone(("127.0.0.1", 5060), "citizen") as phone, await phone.call("055055") as call:
    call.press("1")
    await call.wait_ended(within_s=60)
"""

import asyncio
import logging
import random
import socket
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from demo.calls import ALLOW, Attempt, Call, IncomingCall
from demo.lamp import Lamp
from demo.line import CallGone, CallRefused, Line, Outgoing
from demo.rtp import PeerTakesNoDigits
from demo.sip import Address, Dialog, MalformedMessage, Response, checked, fresh_call_id, party, sip_uri, with_tag
from demo.sounds import frames_of, voice
from demo.transactions import ServerTransaction, Timing, Wire

__all__ = [
    "Attempt",
    "Call",
    "CallGone",
    "CallRefused",
    "IncomingCall",
    "PeerTakesNoDigits",
    "Phone",
    "PhoneBusy",
    "RegistrationRefused",
    "Timing",
    "chat",
]

log = logging.getLogger(__name__)

KEEP_S = 120.0
RETRY_S = 5.0
GOODBYE_S = 2.0  # how long `close` waits for BYE and unregistering to be answered
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024  # a burst of calls must not be lost in the socket


class RegistrationRefused(Exception):
    """The registrar said no (`status`), or nothing (408)."""

    def __init__(self, status: int) -> None:
        super().__init__(f"registration refused with {status}")
        self.status = status


class PhoneBusy(RuntimeError):
    """The phone has `max_calls` calls already."""


class Phone:
    """One UDP socket; at most `max_calls` calls at once, further callers hear 486."""

    def __init__(  # noqa: PLR0913, PLR0917 - what stands on a phone's label
        self,
        server: tuple[str, int],
        user: str,
        secret: str = "",
        display_name: str = "",
        local_host: str = "127.0.0.1",
        max_calls: int = 1,
        *,
        local_port: int = 0,
        keep_audio: bool = True,
        keep_s: float = KEEP_S,
        timing: Timing | None = None,
    ) -> None:
        """`local_port` 0: any. `keep_s`: how many seconds each call remembers of what it hears; none without
        `keep_audio`.
        """
        self.on_incoming: Callable[[IncomingCall], None] | None = None
        self.is_registered = False
        self.refuses_with = 0  # a SIP status with which each call is refused before it rings, as carriers do; 0: none
        wire = Wire(self._asked, timing or Timing())
        kept_s = keep_s if keep_audio else 0.0
        self._line = Line(wire, server, user, secret, display_name, local_host, kept_s)
        self.max_calls, self._local_port = max_calls, local_port
        self._rings: deque[IncomingCall] = deque(maxlen=max(max_calls, 100))
        self._rang = asyncio.Event()
        self._lamps: list[Lamp] = []
        self._registration: Dialog | None = None
        self._refresher: asyncio.Task[None] | None = None

    @property
    def address(self) -> Address:
        """Where this phone listens, once open."""
        return self._line.wire.address

    @property
    def live_calls(self) -> list[Call]:
        return list(self._line.calls.values())

    async def open(self) -> None:
        """Raises OSError where no port is free."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self._line.wire, (self._line.host, self._local_port))
        opened: socket.socket = transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # -- registering

    async def register(self, expires_s: int = 300) -> None:
        """Register, and again before it runs out, until `close`. Raises RegistrationRefused."""
        if self._refresher:
            self._refresher.cancel()
        granted_s = await self._register(expires_s)
        self._refresher = asyncio.create_task(self._stay_registered(expires_s, granted_s))

    async def leave(self) -> None:
        """Be registered no more; calls go on. `register` brings the phone back."""
        if self._refresher:
            self._refresher.cancel()
        if self.is_registered:
            await self._unregister()

    async def _stay_registered(self, expires_s: int, granted_s: int) -> None:
        pause_s = granted_s * 0.8
        while True:
            await asyncio.sleep(pause_s)
            try:
                pause_s = await self._register(expires_s) * 0.8
            except RegistrationRefused as refused:
                log.warning("phone %s: %s; next try in %g s", self._line.user, refused, RETRY_S)
                pause_s = RETRY_S

    async def _register(self, expires_s: int) -> int:
        """Ask once, twice when challenged; return the seconds that were granted."""
        response = await self._ask_registrar(expires_s)
        if response.status == 423:  # too brief for this registrar, which says what is not
            response = await self._ask_registrar(int(response.get("min-expires") or 3600))
        self.is_registered = response.status == 200 and expires_s > 0
        if response.status != 200:
            raise RegistrationRefused(response.status)
        return _granted_s(response, party(self._line.contact()[1]).uri, expires_s)

    async def _ask_registrar(self, expires_s: int) -> Response:
        line = self._line
        if not self._registration:
            here = sip_uri(line.user, line.server)
            ours, target = with_tag(f"<{here}>", fresh_call_id()), f"sip:{line.server[0]}:{line.server[1]}"
            self._registration = Dialog(fresh_call_id(), ours, f"<{here}>", target, line.server)
        headers = [line.contact(), ("Expires", str(expires_s))]
        request = self._registration.request("REGISTER", headers)
        response = await line.wire.answer(request, line.server)
        if response.status not in {401, 407} or not line.secret:
            return response
        try:
            headers.append(line.credentials(response, request))
        except MalformedMessage as error:
            log.warning("phone %s: %s", line.user, error)
            return response
        return await line.wire.answer(self._registration.request("REGISTER", headers), line.server)

    # -- calling

    async def call(
        self,
        number: str,
        *,
        from_user: str | None = None,
        display_name: str | None = None,
        answer_within_s: float = 10,
        extra_headers: Sequence[tuple[str, str]] = (),
    ) -> Call:
        """Call and wait for the answer. Raises CallRefused (408 after `answer_within_s`), PhoneBusy."""
        attempt = self.start_call(number, from_user=from_user, display_name=display_name, extra_headers=extra_headers)
        try:
            return await attempt.answered(answer_within_s)
        except TimeoutError:
            await asyncio.wait({attempt.cancel()}, timeout=GOODBYE_S)
            raise CallRefused(408, f"no answer within {answer_within_s:g} s") from None
        except asyncio.CancelledError:
            attempt.cancel()
            raise

    def start_call(
        self,
        number: str,
        *,
        from_user: str | None = None,
        display_name: str | None = None,
        extra_headers: Sequence[tuple[str, str]] = (),
    ) -> Attempt:
        """Send the INVITE and return at once.

        `from_user` and `display_name` may hold anything; they are escaped. A `From` among `extra_headers` goes out as
        it is, in place of ours. Raises PhoneBusy, ValueError (header names).
        """
        self._make_room()
        line = self._line
        caller = line.user if from_user is None else from_user
        shown = line.display_name if display_name is None else display_name
        return Attempt(line, Outgoing(number, caller, shown, checked(extra_headers)))

    def _make_room(self) -> None:
        line = self._line
        if len(line.attempts) + len(line.ringing) + len(line.calls) >= self.max_calls:
            raise PhoneBusy(f"{line.user} has {self.max_calls} calls already")

    # -- being called

    async def ring(self, within_s: float = 10) -> IncomingCall:
        """The next call that rings here and is not taken by `on_incoming`. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while True:
                while self._rings:
                    incoming = self._rings.popleft()
                    if not incoming.ended.is_set():
                        return incoming
                self._rang.clear()
                await self._rang.wait()

    def _asked(self, served: ServerTransaction) -> None:
        request = served.request
        if lamp := next((lamp for lamp in self._lamps if lamp.is_told_by(request)), None):
            lamp.told(served)
        elif tag := party(request.get("to")).tag:
            self._asked_in_call(served, tag)
        elif request.method == "INVITE":
            self._invited(served)
        elif request.method == "CANCEL":
            self._cancelled(served)
        elif request.method in {"OPTIONS", "NOTIFY", "INFO", "MESSAGE"}:
            served.respond(200, [ALLOW])
        else:
            served.respond(501, [ALLOW])

    def _asked_in_call(self, served: ServerTransaction, tag: str) -> None:
        call = self._line.calls.get((served.request.get("call-id"), tag))
        if call:
            call.asked(served)
        else:
            served.respond(481)

    def _invited(self, served: ServerTransaction) -> None:
        try:
            self._make_room()
        except PhoneBusy:
            served.respond(486)
            return
        if self.refuses_with:
            served.respond(self.refuses_with)
            return
        incoming = IncomingCall(self._line, served)
        if self.on_incoming:
            self.on_incoming(incoming)
        else:
            self._rings.append(incoming)
            self._rang.set()

    def _cancelled(self, served: ServerTransaction) -> None:
        invited = self._line.wire.invitation(served.request)
        served.respond(200 if invited else 481)
        if invited and invited in self._line.ringing:
            self._line.ringing[invited].cancelled(served.request.all("reason"))

    # -- lamps

    async def watch(self, lamp: str) -> Lamp:
        """A lamp that shows what the server says of this name, for an hour. Raises LampRefused."""
        watched = Lamp(self._line, lamp)
        self._lamps.append(watched)
        await watched.watch()
        return watched

    # -- the end

    async def close(self) -> None:
        """Turn away what rings, give up what we call, hang up, unregister, close. Takes at most about 2 s."""
        if self._refresher:
            self._refresher.cancel()
        for incoming in list(self._line.ringing.values()):
            incoming.reject(480)
        ends = [attempt.cancel() for attempt in self._line.attempts]
        goodbyes = [call.hang_up() for call in self.live_calls]
        leave = [self._unregister()] if self.is_registered else []
        try:
            await asyncio.wait_for(asyncio.gather(*ends, *goodbyes, *leave), GOODBYE_S)
        except TimeoutError:
            log.warning("phone %s: not everybody answered our goodbye", self._line.user)
        self._line.wire.close()

    async def _unregister(self) -> None:
        try:
            await self._register(0)
        except RegistrationRefused as refused:
            log.warning("phone %s: unregistering: %s", self._line.user, refused)


def _granted_s(response: Response, contact: str, expires_s: int) -> int:
    """What the registrar granted for our contact, or for all, or what we asked for."""
    for value in response.all("contact"):
        granted = value.partition("expires=")[2].split(";")[0].split(",")[0].strip()
        if contact in value and granted.isdigit():
            return int(granted)
    overall = response.get("expires")
    return int(overall) if overall.isdigit() else expires_s


async def chat(call: Call, seed: int, *, for_s: float = 3600.0) -> None:
    """Speak as people do, with pauses, until the call ends or `for_s` seconds are over. Each `seed` sounds its own."""
    chance = random.Random(seed)
    # In a thread, once: a voice takes 50 ms to make. Why 32: they are kept, so that a hundred calls need no more.
    sentence = await asyncio.to_thread(voice, seed % 32, 2.0)
    await asyncio.to_thread(frames_of, sentence)
    until_s = asyncio.get_running_loop().time() + for_s
    while call.is_up and asyncio.get_running_loop().time() < until_s:
        call.play(sentence)
        try:
            await call.wait_ended(min(2.0 + chance.uniform(0.3, 2.0), for_s))
        except TimeoutError:  # it is still up: the next sentence
            continue
