"""A phone's line: what all its calls share, whom it can be asked to call, and how a call can come to nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from demo.rtp import MediaSession
from demo.sip import Address, Request, Response, authorization, quoted_name, sip_uri
from demo.transactions import ServerTransaction, Wire

if TYPE_CHECKING:
    from demo.calls import Attempt, Call, IncomingCall


class CallRefused(Exception):
    """The call came to nothing. `status` is the SIP status; 408 also where nobody answered in time."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status, self.reason = status, reason


class CallGone(Exception):
    """The caller gave up before the call could be answered."""


@dataclass(slots=True)
class Line:
    """What all calls of one phone share."""

    wire: Wire
    server: Address
    user: str
    secret: str
    display_name: str
    host: str
    keep_s: float
    attempts: "set[Attempt]" = field(default_factory=set)
    ringing: "dict[ServerTransaction, IncomingCall]" = field(default_factory=dict)
    calls: "dict[tuple[str, str], Call]" = field(default_factory=dict)  # by Call-ID and our tag

    def contact(self) -> tuple[str, str]:
        return "Contact", f"<{sip_uri(self.user, self.wire.address)}>"

    def media(self) -> MediaSession:
        return MediaSession(self.host, keep_s=self.keep_s)

    def credentials(self, response: Response, request: Request) -> tuple[str, str]:
        """The header that answers a 401 or 407. Raises MalformedMessage for a challenge that we do not know."""
        asked, answers = "www-authenticate", "Authorization"
        if response.status == 407:
            asked, answers = "proxy-authenticate", "Proxy-Authorization"
        return answers, authorization(response.get(asked), request, self.user, self.secret)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Whom we call, and as whom. An extra header `From` takes the place of ours, raw, as hostile as it may be."""

    number: str
    from_user: str
    display_name: str
    extra_headers: Sequence[tuple[str, str]] = ()

    def caller(self, here: Address) -> str:
        raw = next((value for name, value in self.extra_headers if name.lower() == "from"), None)
        name = quoted_name(self.display_name) + " " if self.display_name else ""
        return raw if raw is not None else f"{name}<{sip_uri(self.from_user, here)}>"
