"""Calls of our phone, from both ends: `Attempt` (we call), `IncomingCall` (we are called), `Call` (both talk)."""

import asyncio
import logging
import re
import secrets
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from demo import in_call, sdp
from demo.in_call import SDP_TYPE, Referral
from demo.line import CallGone, CallRefused, Line, Outgoing
from demo.rtp import MediaSession
from demo.sdp import NoCommonCodec
from demo.sip import (
    Dialog,
    HeaderList,
    MalformedMessage,
    Request,
    Response,
    fresh_call_id,
    party,
    record_routes,
    sip_uri,
    with_tag,
)
from demo.sounds import Sound
from demo.transactions import ServerTransaction

log = logging.getLogger(__name__)

ALLOW = ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, INFO, MESSAGE")
RING_S_MAX = 180.0  # why 180: RFC 3261 lets a proxy give up after three minutes
ELSEWHERE = re.compile(r"SIP\s*;\s*cause=200\b|Q\.850\s*;\s*cause=26\b", re.IGNORECASE)


class Call:
    """An answered call. `status` is that of its INVITE; `ended_by` is "us", "them", or empty while it is up."""

    def __init__(self, line: Line, dialog: Dialog, media: MediaSession) -> None:
        self.dialog, self.media, self.status, self.ended_by = dialog, media, 200, ""
        self.line, self._ended, self._sdp_version = line, asyncio.Event(), 1
        self.referral: Referral | None = None
        self.requests: list[str] = []  # the methods of what they asked within the call
        line.calls[dialog.call_id, party(dialog.ours).tag] = self

    @property
    def is_up(self) -> bool:
        return not self._ended.is_set()

    @property
    def digits_heard(self) -> str:
        """Digits that came as RFC 4733 events, each once; the last 1,000."""
        return self.media.digits_heard

    @property
    def packets_received(self) -> int:
        return self.media.packets_received

    @property
    def last_packet_at(self) -> float | None:
        """`loop.time()` of the last RTP packet; None before the first."""
        return self.media.last_packet_at

    def play(self, sound: Sound, loop: bool = False) -> None:
        """Say `sound` (PCM, or the path of an 8 kHz WAV file) now, once or in a loop. Raises ValueError, OSError."""
        self.media.play(sound, loop=loop)

    def be_silent(self) -> None:
        self.media.be_silent()

    def press(self, digits: str, ms: int = 100, gap_ms: int = 80) -> None:
        """Line up `digits`, each `ms` long. Raises ValueError for no digits or over 100 in line, PeerTakesNoDigits."""
        self.media.press(digits, length_s=ms / 1000, gap_s=gap_ms / 1000)

    def heard(self) -> bytes:
        """PCM (16 bit, 8 kHz) of what was heard, placed by RTP timestamp; the last `keep_s` seconds of it."""
        return self.media.heard()

    def forget_heard(self) -> None:
        """Sound and gaps from before now no longer count."""
        self.media.forget_heard()

    async def wait_said(self, within_s: float) -> None:
        """Wait until all that was lined up is said and pressed. Raises TimeoutError; EOFError if the call ends."""
        await self.media.wait_until(self.media.has_said_all, within_s)

    async def wait_digits(self, digits: str, within_s: float) -> None:
        """Wait until `digits_heard` ends with `digits`. Raises TimeoutError; EOFError if the call ends."""
        await self.media.wait_until(lambda: self.digits_heard.endswith(digits), within_s)

    async def wait_packets(self, count: int, within_s: float) -> None:
        """Wait for `count` more RTP packets (50 a second). Raises TimeoutError; EOFError if the call ends."""
        enough = self.packets_received + count
        await self.media.wait_until(lambda: self.packets_received >= enough, within_s)

    async def wait_ended(self, within_s: float) -> None:
        """Raises TimeoutError."""
        async with asyncio.timeout(within_s):  # why not wait_for: on Python 3.11 it may swallow a cancellation
            await self._ended.wait()

    async def hold(self, direction: str = "sendonly") -> None:
        """Put the other one on hold: they hear music. Raises CallRefused."""
        await in_call.renegotiate(self, direction)

    async def resume(self) -> None:
        """Raises CallRefused."""
        await in_call.renegotiate(self, "sendrecv")

    async def transfer(self, number: str, headers: HeaderList | None = None) -> Referral:
        """Ask that whoever talks with us goes to `number`; `headers` come on top of the usual ones."""
        return await in_call.refer(self, f"<{sip_uri(number, self.line.server)}>", headers or [])

    async def transfer_to(self, other: "Call | Attempt") -> Referral:
        """Ask that whoever talks with us, and whom we call or talk with in `other`, talk with each other."""
        target = f"{party(f'<{other.dialog.target}>').uri}?{in_call.replacing(other.dialog)}"
        return await in_call.refer(self, f"<{target}>", [])

    async def hang_up(self) -> None:
        """End the call; returns once the other phone has heard it, or has been given up. Idempotent."""
        if not self.is_up:
            return
        self._end("us")
        answer = await self.line.wire.answer(self.dialog.request("BYE", []), self.dialog.address())
        if answer.status != 200:
            log.info("BYE of %s was answered %d", self.dialog.call_id, answer.status)

    def _end(self, by: str) -> None:
        self.ended_by = by
        self.media.close()
        self.line.calls.pop((self.dialog.call_id, party(self.dialog.ours).tag), None)
        self._ended.set()

    def acknowledge(self, headers: HeaderList) -> None:
        """Send the ACK of a 200 to our INVITE; again for each time that the 200 comes again."""
        request = self.dialog.request("ACK", [self.line.wire.via(), ("Max-Forwards", "70"), *headers])
        self.line.wire.send(request.encode(), self.dialog.address())

    def asked(self, served: ServerTransaction) -> None:
        """A request of theirs within this call."""
        method = served.request.method
        self.requests.append(method)
        if method == "BYE":
            served.respond(200)
            self._end("them")
        elif method == "INVITE":
            self._renegotiate(served)
        elif method in {"OPTIONS", "NOTIFY", "INFO", "MESSAGE"}:
            served.respond(200, [ALLOW])
            if method == "NOTIFY" and self.referral:
                self.referral.notified(served.request)
        else:
            served.respond(501, [ALLOW])

    def next_sdp_version(self) -> int:
        self._sdp_version += 1
        return self._sdp_version

    def _renegotiate(self, served: ServerTransaction) -> None:
        self.dialog.follow(served.request)
        try:
            said = agree(self.media, served, self.next_sdp_version())
        except NoCommonCodec:
            served.respond(488)
        else:
            served.respond(200, [self.line.contact(), ALLOW, SDP_TYPE], said)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hang_up()


def hear_answer(media: MediaSession, body: str) -> bool:
    """Begin to talk as the answer to our offer says. False where it holds nothing that we know."""
    try:
        media.talk_to(sdp.read_answer(body))
    except NoCommonCodec as error:
        log.warning("%s: %.200r", error, body)
        return False
    return True


def agree(media: MediaSession, invited: ServerTransaction, version: int) -> str:
    """Our SDP to their INVITE: an answer, or an offer where they leave that to us. Raises NoCommonCodec."""
    if invited.request.body:
        said, agreed = sdp.answer(invited.request.body, media.address, version)
        media.talk_to(agreed)
        return said

    def heard_ack(ack: Request | None) -> None:
        if ack and ack.body:
            hear_answer(media, ack.body)

    invited.on_ack = heard_ack
    return sdp.offer(media.address, version)


class IncomingCall:
    """A phone that rings. `ended` is set once it no longer does, whatever came of it; `status` says what.

    `is_answered_elsewhere`: the caller's side says that somebody else took the call, so that it counts as none missed.
    `invited_at` is the instant of its INVITE, by `loop.time()`'s clock.
    """

    def __init__(self, line: Line, served: ServerTransaction) -> None:
        request = served.request
        caller = party(request.get("from"))
        self.from_user, self.from_name, self.invited_at = caller.user, caller.name, served.received_at
        self.headers, self.ended, self.status = request.headers, asyncio.Event(), 180
        self.is_answered_elsewhere = False
        self._line, self._served = line, served
        line.ringing[served] = self
        served.respond(180, [line.contact()])
        self._limit = asyncio.get_running_loop().call_later(RING_S_MAX, self.reject, 480)

    def get(self, name: str) -> str:
        """The first value of the INVITE's header `name`, or an empty string."""
        return self._served.request.get(name)

    def reject(self, status: int = 486) -> None:
        """Turn the call away with `status` (300 to 699). Does nothing if it no longer rings."""
        if not self.ended.is_set():
            self._over(status)
            self._served.respond(status)

    def cancelled(self, reasons: Sequence[str] = ()) -> None:
        """`reasons` as the CANCEL gives them (RFC 3326)."""
        self.is_answered_elsewhere = any(ELSEWHERE.match(reason) for reason in reasons)
        self.reject(487)

    def _over(self, status: int) -> None:
        self.status = status
        self._limit.cancel()
        self._line.ringing.pop(self._served, None)
        self.ended.set()

    async def answer(self) -> Call:
        """Pick up; returns once the caller has acknowledged. Raises CallGone, NoCommonCodec, OSError (no port)."""
        if self.ended.is_set():
            raise CallGone(f"ended with {self.status}")
        media = self._line.media()
        try:
            said = agree(media, self._served, 1)
        except NoCommonCodec:
            media.close()
            self.reject(488)
            raise
        call = Call(self._line, self._dialog(), media)
        return await self._acknowledged(call, said)

    def _dialog(self) -> Dialog:
        request = self._served.request
        ours, theirs = with_tag(request.get("to"), self._served.tag), request.get("from")
        hop = self._served.source
        dialog = Dialog(request.get("call-id"), ours, theirs, sip_uri("", hop), hop, record_routes(request))
        dialog.follow(request)
        return dialog

    async def _acknowledged(self, call: Call, said: str) -> Call:
        came: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        then = self._served.on_ack

        def heard_ack(ack: Request | None) -> None:
            if then:
                then(ack)
            if not came.done():
                came.set_result(ack is not None)

        self._served.on_ack = heard_ack
        self._over(200)
        self._served.respond(200, [self._line.contact(), ALLOW, SDP_TYPE], said)
        if not await came:
            await call.hang_up()
            raise CallGone("the caller never acknowledged our answer")
        return call


class Attempt:
    """A call of ours that is not answered yet. `ringing` is set once the other phone rings."""

    def __init__(self, line: Line, outgoing: Outgoing) -> None:
        self.ringing = asyncio.Event()
        self.media = line.media()  # it hears before the answer too: announcements come as early media
        self._line, self._cancelled, self._credentials = line, False, HeaderList()
        self._call: Call | None = None
        self._extra = [(name, value) for name, value in outgoing.extra_headers if name.lower() != "from"]
        self._outcome: asyncio.Future[Call | CallRefused] = asyncio.get_running_loop().create_future()
        ours = with_tag(outgoing.caller(line.wire.address), secrets.token_hex(6))
        target = sip_uri(outgoing.number, line.server)
        self.dialog = Dialog(fresh_call_id(), ours, f"<{target}>", target, line.server)
        line.attempts.add(self)
        self._invite()

    def _invite(self) -> None:
        headers = [self._line.contact(), ALLOW, *self._extra, *self._credentials, SDP_TYPE]
        request = self.dialog.request("INVITE", headers, sdp.offer(self.media.address))
        self._provisional = False
        self._asked = self._line.wire.ask(request, self._line.server, self._heard)

    def _heard(self, response: Response) -> None:
        if response.status < 200:
            self._progress(response)
        elif response.status < 300:
            self._accepted(response)
        elif response.status in {401, 407} and not self._credentials and self._line.secret and not self._cancelled:
            self._authenticate(response)
        else:
            self._over(CallRefused(response.status, response.reason))

    def _progress(self, response: Response) -> None:
        if self._cancelled and not self._provisional:
            self._asked.cancel()  # only now: RFC 3261 lets nobody cancel what was not heard yet
        self._provisional = True
        self.dialog.theirs = response.get("to")  # of an early dialogue, which a transfer may name
        if response.status in {180, 183}:
            self.ringing.set()
        if response.body and not self.media.media:
            hear_answer(self.media, response.body)

    def _authenticate(self, response: Response) -> None:
        try:
            self._credentials = [self._line.credentials(response, self._asked.request)]
        except MalformedMessage as error:
            self._over(CallRefused(response.status, str(error)))
        else:
            self._invite()

    def _accepted(self, response: Response) -> None:
        if self._call:  # the 200 came again: our ACK was lost
            self._call.acknowledge(self._credentials)
            return
        self.dialog.theirs = response.get("to")
        self.dialog.routes = record_routes(response)[::-1]
        self.dialog.follow(response)
        self._call = call = Call(self._line, self.dialog, self.media)
        call.acknowledge(self._credentials)
        refusal = self._unusable(response)
        self._over(refusal or call)
        if refusal:
            self._line.wire.in_background(call.hang_up())

    def _unusable(self, response: Response) -> CallRefused | None:
        if self._cancelled:
            return CallRefused(487, "answered while we gave up")
        if not hear_answer(self.media, response.body):
            return CallRefused(488, "the answer holds no audio that we know")
        return None

    def _over(self, outcome: Call | CallRefused) -> None:
        if self._outcome.done():
            return
        self._line.attempts.discard(self)
        if isinstance(outcome, CallRefused):
            self.media.close()
        self._outcome.set_result(outcome)

    def heard(self) -> bytes:
        """PCM of early media, and of the call after it."""
        return self.media.heard()

    def cancel(self) -> "asyncio.Future[Call | CallRefused]":
        """Give up. Awaiting the result is optional: it comes when the attempt is over. Never hangs up a call.

        Where nobody was heard yet, it is over after `t1_s`; whoever is heard later is still told to stop ringing.
        """
        if not self._cancelled and not self._outcome.done():
            self._cancelled = True
            if self._provisional:
                self._asked.cancel()
            timing = self._line.wire.timing
            patience_s = timing.give_up_s if self._provisional else timing.t1_s
            gone = CallRefused(487, "given up; nobody confirmed it")
            asyncio.get_running_loop().call_later(patience_s, self._over, gone)
        return asyncio.shield(self._outcome)

    async def answered(self, within_s: float = 30.0) -> Call:
        """Wait for the answer. Raises CallRefused, and TimeoutError while the attempt lives on."""
        async with asyncio.timeout(within_s):
            outcome = await asyncio.shield(self._outcome)
        if isinstance(outcome, CallRefused):
            raise outcome
        return outcome
