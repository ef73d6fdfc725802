"""Carriers, in our words: who brings calls from outside and takes those that go there."""

from dataclasses import dataclass
from pathlib import Path

# Answered by the State for everybody; our phones reach them whatever else is wrong.
EMERGENCY_NUMBERS = ("112", "113", "114", "115", "117", "118", "1515", "1522", "1530", "116000")


@dataclass(frozen=True, slots=True)
class Registration:
    """The account that we register at `server` (host or host:port). `secret` names its password, it is not it."""

    server: str
    user: str
    secret: str


@dataclass(frozen=True, slots=True)
class Carrier:
    """`peers`: the addresses (address:port, network) of which calls come. `send_to` (host or host:port): where calls
    outside go; empty: it takes none. `channels`: how many calls at once, in both directions.

    `transport`: udp, tcp or tls. `codecs`: those offered, the best first; none: all that we have. `caller_id`: the
    header that says who calls (pai, rpid or from). `dialled_in`: where the number dialled stands, in the request or to.
    """

    name: str
    peers: tuple[str, ...] = ()
    send_to: str = ""
    channels: int = 180
    transport: str = "udp"
    registration: Registration | None = None
    codecs: tuple[str, ...] = ()
    caller_id: str = "pai"
    dialled_in: str = "request"


@dataclass(frozen=True, slots=True)
class Tls:
    """Where we listen for SIP over TLS, with which certificate (PEM; None: only we connect), and whom we believe."""

    port: int
    authorities: Path
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """A call outside that may be made (centralino/outgoing.py alone says so): `number` (E.164, or an emergency number)
    through the first of `carriers` that takes it.
    """

    number: str
    carriers: tuple[str, ...]
