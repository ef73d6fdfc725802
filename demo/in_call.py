"""What a phone does within a call by its own keys: hold and resume (re-INVITE), transfer (REFER, RFC 3515, 3891)."""

import asyncio
import re
from typing import TYPE_CHECKING

from demo import sdp
from demo.line import CallRefused
from demo.sip import Dialog, HeaderList, Request, Response, party

if TYPE_CHECKING:
    from demo.calls import Call

SDP_TYPE = ("Content-Type", "application/sdp")
FRAGMENT = re.compile(r"SIP/2\.0 (\d{3})")


class Referral:
    """A transfer that we asked for. `status`: the answer to our REFER; `told`: what the NOTIFYs said, in order."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.told: list[int] = []
        self._more = asyncio.Event()

    def notified(self, request: Request) -> None:
        if found := FRAGMENT.match(request.body.strip()):
            self.told.append(int(found[1]))
            self._more.set()

    async def outcome(self, within_s: float) -> int:
        """The final status that a NOTIFY tells. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not self.told or self.told[-1] < 200:
                self._more.clear()
                await self._more.wait()
        return self.told[-1]


async def renegotiate(call: "Call", direction: str) -> None:
    """Offer our sound anew, `sendonly` or `inactive` for hold, `sendrecv` for its end. Raises CallRefused."""
    headers: HeaderList = [call.line.contact(), SDP_TYPE]
    body = sdp.offer(call.media.address, call.next_sdp_version(), direction)
    answer = await ask(call, "INVITE", headers, body)
    if answer.status >= 300:
        raise CallRefused(answer.status, answer.reason)
    call.media.talk_to(sdp.read_answer(answer.body))


async def refer(call: "Call", to: str, headers: HeaderList) -> Referral:
    """Ask that whoever talks with us goes to `to`, a Refer-To header's value."""
    if call.referral:  # Asterisk passes over a REFER that overtakes our answer to its last NOTIFY
        await ask(call, "OPTIONS", [])
    call.referral = referral = Referral(0)  # a NOTIFY may come before the answer
    more = [call.line.contact(), ("Refer-To", to), ("Referred-By", f"<sip:{call.line.user}@here>"), *headers]
    referral.status = (await ask(call, "REFER", more)).status
    return referral


def replacing(dialog: Dialog) -> str:
    """The parameter of a Refer-To by which that dialogue, of the same phone, is named (RFC 3891)."""
    theirs, ours = party(dialog.theirs).tag, party(dialog.ours).tag
    return f"Replaces={dialog.call_id}%3Bto-tag%3D{theirs}%3Bfrom-tag%3D{ours}"


async def ask(call: "Call", method: str, headers: HeaderList, body: str = "") -> Response:
    """A request within the call, again with our password where it is asked for; the final answer."""
    request = call.dialog.request(method, list(headers), body)
    answer = await _answered(call, request)
    if answer.status in {401, 407} and call.line.secret:
        request = call.dialog.request(method, [*headers, call.line.credentials(answer, request)], body)
        answer = await _answered(call, request)
    return answer


async def _answered(call: "Call", request: Request) -> Response:
    final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    def heard(response: Response) -> None:
        if 200 <= response.status < 300 and request.method == "INVITE":
            call.acknowledge([header for header in request.headers if "uthorization" in header[0]])
        if response.status >= 200 and not final.done():
            final.set_result(response)

    call.line.wire.ask(request, call.dialog.address(), heard)
    return await final
