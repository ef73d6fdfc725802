"""Numbers outside, rung through one carrier after the other until one takes the call.

Asterisk knows by itself which carriers answer nothing at all, and refuses to ring through these: they are asked last,
and then anyhow, since some never answer such questions. What is remembered here is lost with the engine: its next life
takes a leg as it finds it, and asks no further carrier for it.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from asterisk.carrier import EMERGENCY_NUMBERS, Allowed, Carrier
from asterisk.configuration import CARRIER
from asterisk.port import CallerId, EndCause

log = logging.getLogger(__name__)

SILENT_S = 10.0  # without ringing, nor any sound. Why 10: mobiles and numbers abroad take up to 8
RING_S_LEAST = 1.0
# What SIP says of the number itself; all else that refuses a call is the carrier's own trouble.
SAID_OF_THE_NUMBER = frozenset((404, 410, 480, 484, 485, 486, 487, 600, 603, 604, 607, 608))
CAUSES_OF_THE_NUMBER = frozenset((1, 16, 17, 19, 22, 28))  # Q.850, where there was no SIP status
CHANNEL_OF = re.compile(rf"PJSIP/{CARRIER}([A-Za-z0-9_]+)-[0-9a-f]+")
FURTHER = re.compile(r"-way\d+$")  # a further channel has a name of its own: the one before may not be gone yet


@dataclass(frozen=True, slots=True)
class RingOutside:
    """Who is rung outside, for which call, and who they see."""

    to: Allowed
    call: str
    shown: CallerId


@dataclass(frozen=True, slots=True)
class Way:
    """Through `carrier`; `anyhow`: also if Asterisk believes it to be out of reach."""

    carrier: str
    anyhow: bool = False


@dataclass(slots=True)
class _Ringing:
    """A number that has not begun to ring, and the ways that are left."""

    wanted: RingOutside
    until_s: float
    ways: deque[Way]
    way: Way
    channel: str
    tried: int = 0
    silence: asyncio.TimerHandle | None = None


class Asker(Protocol):
    """Who speaks to Asterisk for us."""

    def originate(self, leg: str, endpoint: str, wanted: RingOutside, timeout_s: float) -> None: ...

    def cut(self, channel: str) -> None:
        """End a channel that nobody waits for any more."""

    def hears_something(self, channel: str, told: Callable[[bool], None]) -> None:
        """Whether there is sound already, which is as good as ringing."""

    def nobody_takes_it(self, leg: str, cause: EndCause) -> None: ...


def carrier_of(channel_name: str) -> str:
    """The carrier that a channel leads to; empty: none."""
    found = CHANNEL_OF.fullmatch(channel_name)
    return found[1] if found else ""


def is_carriers_trouble(status: int, cause: int) -> bool:
    """Whether another carrier could do better than the one that ended a call so: SIP's status or 0, Q.850's cause."""
    return status not in SAID_OF_THE_NUMBER if status else cause not in CAUSES_OF_THE_NUMBER


class CallsOutside:
    """Of the calls of all carriers, also of those that come in, it keeps how many there are."""

    def __init__(self, carriers: Iterable[Carrier], ask: Asker) -> None:
        self._carriers: dict[str, Carrier] = {}
        self._ask = ask
        self._ringing: dict[str, _Ringing] = {}
        self._at: dict[str, str] = {}  # leg → carrier
        self._further: dict[str, str] = {}  # leg → its channel, where that is not the first
        self.adopt(carriers)

    def adopt(self, carriers: Iterable[Carrier]) -> None:
        self._carriers = {carrier.name: carrier for carrier in carriers}

    def ring(self, leg: str, channel: str, wanted: RingOutside, timeout_s: float) -> None:
        """`channel`: the name of the first one that is tried."""
        ways = deque(Way(name) for name in wanted.to.carriers if name in self._carriers)
        until_s = asyncio.get_running_loop().time() + timeout_s
        self._ringing[leg] = _Ringing(wanted, until_s, ways, Way(""), channel)
        self._next(leg, EndCause.UNREACHABLE)

    def channel(self, leg: str) -> str:
        """The leg's further channel; empty: it has none."""
        return self._further.get(leg, "")

    def is_stale(self, leg: str, channel: str) -> bool:
        """Whether the channel was given up for another one."""
        return self._further.get(leg, FURTHER.sub("", channel)) != channel

    # --- what is told

    def arrived(self, leg: str, channel_name: str) -> None:
        if carrier := carrier_of(channel_name):
            self._at[leg] = carrier

    def rings(self, leg: str) -> None:
        """It rings, or was answered: no other carrier is asked any more."""
        if ringing := self._ringing.pop(leg, None):
            _stop(ringing)

    def refused(self, leg: str) -> bool:
        """Asterisk did not even try. Whether it goes on by another way."""
        ringing = self._ringing.get(leg)
        if ringing is None:
            return False
        if not ringing.way.anyhow:
            ringing.ways.append(Way(ringing.way.carrier, anyhow=True))
        self._next(leg, EndCause.UNREACHABLE)
        return True

    def ended(self, leg: str, status: int, cause: int) -> bool:
        """The channel ended before it rang. Whether it goes on by another way."""
        if leg not in self._ringing or not is_carriers_trouble(status, cause):
            return False
        log.warning("carrier %s did not take a call", self._at.get(leg), extra={"leg": leg, "sip": status})
        self._next(leg, EndCause.UNREACHABLE)
        return True

    def forget(self, leg: str) -> None:
        """The leg is over."""
        self.rings(leg)
        self._at.pop(leg, None)
        self._further.pop(leg, None)

    def only_these_live(self, channels: Mapping[str, tuple[str, str]]) -> None:
        """What is true at a connection: by leg, the id and the name of its channel."""
        for leg in self._ringing.keys() - channels.keys():
            self.rings(leg)
        self._at = {leg: carrier for leg, (_, name) in channels.items() if (carrier := carrier_of(name))}
        self._further = {leg: channel for leg, (channel, _) in channels.items() if FURTHER.search(channel)}

    # --- within

    def _next(self, leg: str, cause: EndCause) -> None:
        ringing = self._ringing[leg]
        _stop(ringing)
        self._at.pop(leg, None)
        while ringing.ways:
            way = ringing.ways.popleft()
            left_s = ringing.until_s - asyncio.get_running_loop().time()
            if left_s < RING_S_LEAST:
                cause = EndCause.NO_ANSWER
                break
            if self._has_room(way.carrier, ringing.wanted.to.number):
                self._try(leg, ringing, way, left_s)
                return
            log.warning("carrier %s is full", way.carrier, extra={"leg": leg})
        del self._ringing[leg]
        self._ask.nobody_takes_it(leg, cause)

    def _has_room(self, carrier: str, number: str) -> bool:
        used = sum(at == carrier for at in self._at.values())
        return used < self._carriers[carrier].channels or number in EMERGENCY_NUMBERS

    def _try(self, leg: str, ringing: _Ringing, way: Way, left_s: float) -> None:
        ringing.way, ringing.tried = way, ringing.tried + 1
        if ringing.tried > 1:
            self._further[leg] = f"{ringing.channel}-way{ringing.tried}"
        self._at[leg] = way.carrier
        if ringing.ways:
            ringing.silence = asyncio.get_running_loop().call_later(SILENT_S, self._silent, leg)
        self._ask.originate(leg, self._endpoint(way, ringing.wanted.to.number), ringing.wanted, left_s)

    def _endpoint(self, way: Way, number: str) -> str:
        carrier = self._carriers[way.carrier]
        if not way.anyhow:
            return f"PJSIP/{number}@{CARRIER}{carrier.name}"
        by = "" if carrier.transport == "udp" else f";transport={carrier.transport}"
        return f"PJSIP/{CARRIER}{carrier.name}/sip:{number}@{carrier.send_to}{by}"

    def _silent(self, leg: str) -> None:
        """Nothing was heard of it for a while."""
        channel = self._further.get(leg) or self._ringing[leg].channel
        self._ask.hears_something(channel, lambda hears: self._looked(leg, channel, hears))

    def _looked(self, leg: str, channel: str, hears: bool) -> None:
        ringing = self._ringing.get(leg)
        if ringing is None or channel != (self._further.get(leg) or ringing.channel):
            return
        if hears:
            self.rings(leg)
            return
        log.warning("carrier %s said nothing for %g s", ringing.way.carrier, SILENT_S, extra={"leg": leg})
        self._next(leg, EndCause.UNREACHABLE)
        self._ask.cut(channel)


def _stop(ringing: _Ringing) -> None:
    if ringing.silence:
        ringing.silence.cancel()
        ringing.silence = None
