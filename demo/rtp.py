"""The sound of a call: G.711 over RTP, digits by RFC 4733, and one clock that paces every call of the process.

Instants are those of `time.monotonic()`, which asyncio's `loop.time()` shows too.
"""

import asyncio
import logging
import secrets
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import ClassVar

from demo.sdp import Media
from demo.sip import Address
from demo.sounds import ALAW_TO_ULAW, FRAME_SAMPLES, PCMA, PCMU, RATE_HZ, Sound, decoded, frames_of

log = logging.getLogger(__name__)

FRAME_S = FRAME_SAMPLES / RATE_HZ
FRAMES_CAUGHT_UP_MAX = 5  # why 5: a jitter buffer takes 100 ms late; what is older is dropped, not sent in a burst
DIGITS = "0123456789*#ABCD"
DIGITS_WAITING_MAX = 100
SILENCE = b"\xd5" * FRAME_SAMPLES
HEADER = struct.Struct("!BBHII")
EVENT = struct.Struct("!BBH")


class PeerTakesNoDigits(RuntimeError):
    """The other phone has not agreed to telephone-event."""


class Pace:
    """Calls `tick` of each session every 20 ms: one timer for all of them, and none while there is no session."""

    _by_loop: ClassVar[dict[asyncio.AbstractEventLoop, "Pace"]] = {}

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sessions: dict[MediaSession, None] = {}
        self._next_s = loop.time()
        self._timer: asyncio.Handle = loop.call_soon(self._tick)

    @classmethod
    def join(cls, session: "MediaSession", loop: asyncio.AbstractEventLoop) -> None:
        if loop not in cls._by_loop:
            cls._by_loop[loop] = cls(loop)
        cls._by_loop[loop]._sessions[session] = None

    @classmethod
    def leave(cls, session: "MediaSession", loop: asyncio.AbstractEventLoop) -> None:
        pace = cls._by_loop.get(loop)
        if pace is None:
            return
        pace._sessions.pop(session, None)
        if not pace._sessions:
            pace._timer.cancel()
            del cls._by_loop[loop]

    def _tick(self) -> None:
        late = int((self._loop.time() - self._next_s) / FRAME_S)
        dropped = late if late > FRAMES_CAUGHT_UP_MAX else 0
        self._next_s += FRAME_S * (1 + dropped)
        self._timer = self._loop.call_at(self._next_s, self._tick)
        for session in tuple(self._sessions):
            session.tick(dropped)


class Heard:
    """What came in, placed by RTP timestamp; the last `keep_s` seconds of it at most."""

    def __init__(self, keep_s: float) -> None:
        self._keep_samples = round(keep_s * RATE_HZ)
        self._packets: deque[tuple[int, int, bytes]] = deque()
        self._source = self._timestamp = self._position = 0
        self._last_at_s = 0.0

    def add(self, source: int, timestamp: int, codec: int, payload: bytes, at_s: float) -> None:
        if self._last_at_s:
            self._position += self._step(source, timestamp, at_s)
        self._source, self._timestamp, self._last_at_s = source, timestamp, at_s
        self._packets.append((self._position, codec, payload))
        oldest = self._position - self._keep_samples
        # The count is bounded too: packets may come with one timestamp again and again.
        while self._packets[0][0] < oldest or len(self._packets) * 80 > self._keep_samples + 80:
            self._packets.popleft()

    def _step(self, source: int, timestamp: int, at_s: float) -> int:
        """Samples from the last packet to this one: by timestamp, or by the clock where the sender starts anew."""
        step = ((timestamp - self._timestamp + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        elapsed = round((at_s - self._last_at_s) * RATE_HZ)
        jumped = abs(step) > RATE_HZ and abs(step - elapsed) > RATE_HZ
        return max(FRAME_SAMPLES, elapsed) if jumped or source != self._source else step

    def pcm(self) -> bytes:
        if not self._packets:
            return b""
        first = min(position for position, _, _ in self._packets)
        end = max(position + len(payload) for position, _, payload in self._packets)
        pcm = bytearray(2 * (end - first))
        for position, codec, payload in self._packets:
            at = 2 * (position - first)
            pcm[at : at + 2 * len(payload)] = decoded(payload, codec)
        return bytes(pcm)

    def clear(self) -> None:
        self._packets.clear()


class MediaSession:
    """One RTP port: hears from the start, sends from `talk_to` on (silence where there is nothing to say)."""

    def __init__(self, host: str, *, keep_s: float) -> None:
        """Keep the last `keep_s` seconds that are heard (0: none). Raises OSError where no port is free."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        self.address: Address = self._socket.getsockname()[:2]
        self.media: Media | None = None
        self.packets_received = 0
        self.last_packet_at: float | None = None
        self.longest_gap_s = 0.0
        self.digits_heard = ""
        self._heard = Heard(keep_s) if keep_s else None
        self._listening_since_s = time.monotonic()
        self._closed_at_s: float | None = None
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._last_event: tuple[int, int] | None = None
        self._source, self._sequence, self._timestamp = secrets.randbits(32), secrets.randbits(15), secrets.randbits(31)
        self._frames: deque[bytes] = deque()
        self._loop_frames: tuple[bytes, ...] = ()
        self._presses: deque[tuple[int | None, int]] = deque()  # event code, or None for a pause; samples
        self._pressed_samples = 0
        self._press_began = 0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)

    # -- what we say

    def talk_to(self, media: Media) -> None:
        """Send to where `media` says from the next tick on."""
        self.media = media
        if self._closed_at_s is None:
            Pace.join(self, self._loop)

    def play(self, sound: Sound, *, loop: bool) -> None:
        """Say `sound` now, in place of what is being said; `loop`: again and again."""
        frames = frames_of(sound)
        self._frames, self._loop_frames = deque(frames), frames if loop else ()

    def be_silent(self) -> None:
        self._frames, self._loop_frames = deque(), ()

    def press(self, digits: str, *, length_s: float, gap_s: float) -> None:
        """Line up `digits`; each is followed by a pause.

        Raises ValueError for what is no digit or for too many of them, PeerTakesNoDigits.
        """
        if self.media and self.media.event is None:
            raise PeerTakesNoDigits("no telephone-event in the other phone's SDP")
        codes = [DIGITS.find(digit) for digit in digits.upper()]
        if -1 in codes:
            raise ValueError(f"{digits!r}: a phone has the keys {DIGITS}")
        if len(self._presses) + 2 * len(codes) > 2 * DIGITS_WAITING_MAX:
            raise ValueError(f"over {DIGITS_WAITING_MAX} digits wait already")
        for code in codes:
            self._presses += [(code, round(length_s * RATE_HZ)), (None, round(gap_s * RATE_HZ))]

    def has_said_all(self) -> bool:
        return not self._frames and not self._presses

    def tick(self, dropped: int) -> None:
        """Send the next 20 ms. `dropped`: frames that were too late to be sent."""
        self._timestamp = (self._timestamp + dropped * FRAME_SAMPLES) & 0xFFFFFFFF
        if self._presses:
            self._send_press()
        else:
            self._send_audio(self._next_frame())
        self._timestamp = (self._timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
        if self._waiting:
            self._wake()

    def _next_frame(self) -> bytes:
        if not self._frames:
            self._frames.extend(self._loop_frames)
        return self._frames.popleft() if self._frames else SILENCE

    def _send_audio(self, frame: bytes) -> None:
        if self.media and self.media.codec == PCMU:
            frame = frame.translate(ALAW_TO_ULAW)
        self._send(self.media.codec if self.media else PCMA, self._timestamp, frame)

    def _send_press(self) -> None:
        code, length = self._presses[0]
        begins = self._pressed_samples == 0
        if begins:
            self._press_began = self._timestamp
        self._pressed_samples += FRAME_SAMPLES
        ends = self._pressed_samples >= length
        if code is None:
            self._send_audio(SILENCE)
        elif self.media and self.media.event is not None:
            self._send_event(self.media.event, code, min(self._pressed_samples, length), begins, ends)
        if ends:
            self._presses.popleft()
            self._pressed_samples = 0

    def _send_event(self, payload_type: int, code: int, samples: int, begins: bool, ends: bool) -> None:
        payload = EVENT.pack(code, (0x80 if ends else 0) | 10, samples & 0xFFFF)
        for _ in range(3 if ends else 1):  # RFC 4733: the end is said three times, lest it be lost
            self._send(payload_type | (0x80 if begins else 0), self._press_began, payload)

    def _send(self, type_and_mark: int, timestamp: int, payload: bytes) -> None:
        if not self.media or not self.media.address:
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        packet = HEADER.pack(0x80, type_and_mark, self._sequence, timestamp, self._source) + payload
        try:
            self._socket.sendto(packet, self.media.address)
        except OSError as error:  # a full buffer or no route: a lost packet, as on any network
            log.debug("packet to %s lost: %s", self.media.address, error)

    # -- what we hear

    def _readable(self) -> None:
        try:
            packet = self._socket.recv(2048)
        except OSError as error:  # nothing there after all, or the other side's port is closed
            log.debug("nothing heard: %s", error)
            return
        if len(packet) > 12 and packet[0] >> 6 == 2:
            self._packet(packet, time.monotonic())

    def _packet(self, packet: bytes, at_s: float) -> None:
        self.longest_gap_s = max(self.longest_gap_s, self.silent_for_s(at_s))
        self.packets_received += 1
        self.last_packet_at = at_s
        flags, kind, _sequence, timestamp, source = HEADER.unpack_from(packet)
        payload_type, start = kind & 0x7F, 12 + 4 * (flags & 15)
        if flags & 0x10 and len(packet) >= start + 4:
            start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
        if self.media and payload_type == self.media.event_heard:
            self._event(packet[start:], timestamp)
        elif payload_type in {PCMA, PCMU} and self._heard:
            self._heard.add(source, timestamp, payload_type, packet[start:], at_s)
        if self._waiting:
            self._wake()

    def _event(self, payload: bytes, timestamp: int) -> None:
        event = (timestamp, payload[0] if payload else 255)
        if event == self._last_event or event[1] >= len(DIGITS):
            return
        self._last_event = event
        self.digits_heard = (self.digits_heard + DIGITS[event[1]])[-1000:]

    def silent_for_s(self, now_s: float | None = None) -> float:
        """Seconds since the last packet (or since listening began); it stops growing at the end of the call."""
        until_s = self._closed_at_s or now_s or time.monotonic()
        return max(0.0, until_s - max(self.last_packet_at or 0.0, self._listening_since_s))

    def heard(self) -> bytes:
        return self._heard.pcm() if self._heard else b""

    def forget_heard(self) -> None:
        """Listen afresh: sound and gaps from before no longer count."""
        self._listening_since_s, self.longest_gap_s = time.monotonic(), 0.0
        if self._heard:
            self._heard.clear()

    async def wait_until(self, is_so: Callable[[], bool], within_s: float) -> None:
        """Wait until a packet, a tick or the end makes `is_so()` true. Raises TimeoutError, EOFError at the end."""
        if is_so():
            return
        if self._closed_at_s is not None:
            raise EOFError("the call is over")
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((is_so, woken))
        async with asyncio.timeout(within_s):
            await woken

    def _wake(self) -> None:
        still = []
        for is_so, woken in self._waiting:
            if woken.done():
                continue
            if is_so():
                woken.set_result(None)
            elif self._closed_at_s is not None:
                woken.set_exception(EOFError("the call is over"))
            else:
                still.append((is_so, woken))
        self._waiting = still

    def close(self) -> None:
        """Be silent and deaf from now on; what was heard stays. Idempotent."""
        if self._closed_at_s is not None:
            return
        self._closed_at_s = time.monotonic()
        Pace.leave(self, self._loop)
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._wake()
