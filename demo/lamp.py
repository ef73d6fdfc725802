"""A lamp at our phone: it subscribes to a name at its server (RFC 4235, `Event: dialog`) and is told what it shows."""

import asyncio
import re

from demo.line import Line
from demo.sip import Dialog, Request, fresh_call_id, sip_uri, with_tag
from demo.transactions import ServerTransaction

WATCHED_FOR_S = 3600
STATE = re.compile(r"<state>([a-z]+)</state>")
LIT_WHILE = "confirmed"


class LampRefused(Exception):
    """The server knows no such lamp, or does not let us watch it (`status`)."""

    def __init__(self, status: int) -> None:
        super().__init__(f"watching a lamp was refused with {status}")
        self.status = status


class Lamp:
    """`shown`: what it has shown, in order, True while it was lit."""

    def __init__(self, line: Line, name: str) -> None:
        self.name, self.shown = name, list[bool]()
        self._line, self._moved = line, asyncio.Event()
        here, there = sip_uri(line.user, line.server), sip_uri(name, line.server)
        ours = with_tag(f"<{here}>", fresh_call_id())
        self.dialog = Dialog(fresh_call_id(), ours, f"<{there}>", there, line.server)

    @property
    def is_lit(self) -> bool:
        """False also before it was told anything."""
        return bool(self.shown and self.shown[-1])

    async def watch(self) -> None:
        """Raises LampRefused, MalformedMessage."""
        line, hop = self._line, self.dialog.hop
        wants = [line.contact(), ("Event", "dialog"), ("Accept", "application/dialog-info+xml")]
        wants.append(("Expires", str(WATCHED_FOR_S)))
        request = self.dialog.request("SUBSCRIBE", wants)
        response = await line.wire.answer(request, hop)
        if response.status == 401 and line.secret:
            wants.append(line.credentials(response, request))
            response = await line.wire.answer(self.dialog.request("SUBSCRIBE", wants), hop)
        if response.status >= 300:
            raise LampRefused(response.status)

    async def wait_until(self, *, lit: bool, within_s: float = 5.0) -> None:
        """Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not self.shown or self.is_lit is not lit:
                self._moved.clear()
                await self._moved.wait()

    def told(self, served: ServerTransaction) -> None:
        """A NOTIFY came."""
        served.respond(200)
        if state := STATE.search(served.request.body):
            self.shown.append(state[1] == LIT_WHILE)
            self._moved.set()

    def is_told_by(self, request: Request) -> bool:
        return request.method == "NOTIFY" and request.get("call-id") == self.dialog.call_id
