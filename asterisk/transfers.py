"""Transfers that phones ask for themselves (SIP's REFER), spoken in ARI.

Every channel of a phone is `ari-only` (pjsip.conf): Asterisk transfers nothing by itself, and tells us what the phone
wants by `ChannelTransfer`. What we say of it, the phone hears as a NOTIFY, and Asterisk tells that in the same words
with a `state`. A hang-up waits for this: a BYE could overtake the NOTIFY, and Asterisk still looks at both channels
while it sends it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from asterisk.ari import Message, Reply
from asterisk.port import JoinAsked, TransferAsked, TransferEnd

TOLD_WITHIN_S = 0.5
STATES = {
    TransferEnd.DONE: "channel_answered",  # 200 OK, in the phone's NOTIFY
    TransferEnd.DECLINED: "channel_declined",  # 603 Declined
    TransferEnd.UNAVAILABLE: "channel_unavailable",  # 503 Service Unavailable
}


class Asker(Protocol):
    def tell_phone(self, leg: str, state: str, then: Callable[[Reply], None]) -> None: ...

    def hang_up(self, leg: str) -> None: ...


@dataclass(slots=True)
class Transfer:
    """One that a phone has asked for: `legs` are its own, the one at which it asked first; `then` are hung up."""

    legs: tuple[str, ...]
    timer: asyncio.TimerHandle
    then: list[str]


class Transfers:
    """Those that phones have asked for, and of which they have not been told yet."""

    def __init__(self, asker: Asker, leg_of: Callable[[str], str]) -> None:
        """`leg_of` gives the leg that a channel is."""
        self._asker, self._leg_of = asker, leg_of
        self._open: dict[str, Transfer] = {}  # by each leg

    def told(self, message: Message) -> TransferAsked | JoinAsked | None:
        """What a phone asks for; None: it has only heard what we told it."""
        source, wanted = message.referred_by.source_channel, message.refer_to
        if source is None:
            return None
        leg = self._leg_of(source.id)
        if message.state:
            if leg in self._open and self._open[leg].legs[0] == leg:  # else the phone has asked anew, by its other call
                self.let_go(leg)
            return None
        named = self._leg_of(wanted.destination_channel.id) if wanted.destination_channel else ""
        legs = (leg, named) if named not in ("", leg) else (leg,)
        then = [one for each in legs for one in self._forget(each)]
        timer = asyncio.get_running_loop().call_later(TOLD_WITHIN_S, self.let_go, leg)
        self._open |= dict.fromkeys(legs, Transfer(legs, timer, then))
        if wanted.requested_destination.protocol_id:
            return JoinAsked(leg, named)
        return TransferAsked(leg, wanted.requested_destination.destination)

    def end(self, leg: str, how: TransferEnd) -> None:
        self._asker.tell_phone(leg, STATES[how], lambda reply: None if reply.ok else self.let_go(leg))

    def keeps(self, leg: str) -> bool:
        """Whether the leg, which is to be hung up, stays until its phone has been told; then it is."""
        asked = self._open.get(leg)
        if asked is not None and leg not in asked.then:
            asked.then.append(leg)
        return asked is not None

    def clear(self) -> None:
        """The line is lost, and with it whatever was asked."""
        for asked in self._open.values():
            asked.timer.cancel()
        self._open.clear()

    def let_go(self, leg: str) -> None:
        """The phone has been told, or will not be: what has waited for it waits no longer."""
        for one in self._forget(leg):
            self._asker.hang_up(one)

    def _forget(self, leg: str) -> list[str]:
        """The transfer that the leg is in, if any; the legs that wait to be hung up."""
        asked = self._open.get(leg)
        if asked is None:
            return []
        asked.timer.cancel()
        for one in asked.legs:
            del self._open[one]
        return asked.then
