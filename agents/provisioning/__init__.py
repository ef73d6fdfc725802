"""What a phone is told, as its make reads it: the file that it fetches by HTTP, and the QR that an app scans.

Pure, but for the templates beside it. How each make names its file, and what its settings mean, is in docs/phones.md.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import jinja2

from agents.codes import Code
from agents.roster import Make

OURS = "Written by Centralino"  # in each file of ours, near its top: what lacks it is somebody else's
TOKEN_DIGITS = 20
LAMPS = ((Code.SIGN, "Servizio"), (Code.PAUSE, "Pausa"))  # of whoever sits at the phone
TEMPLATES = {
    Make.YEALINK: "yealink.cfg.j2",
    Make.SNOM: "snom.xml.j2",
    Make.GRANDSTREAM: "grandstream.xml.j2",
    Make.LINPHONE: "linphone.xml.j2",
}


class CannotProvision(ValueError):
    """A phone cannot be told so; the text says why."""


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Server:
    """Where phones register. `host`: a name or an address; `port`: 1 to 65535."""

    host: str
    port: int
    transport: Transport = Transport.UDP

    @property
    def uri_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def __str__(self) -> str:
        return f"{self.uri_host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Account:
    """What a phone registers with (`user`, `secret`), the name that it shows, its MAC (twelve hex digits, or empty)."""

    user: str
    secret: str
    name: str
    server: Server
    mac: str = ""
    time_zone: str = "Europe/Rome"


@dataclass(frozen=True, slots=True)
class _Lamp:
    """A key with a lamp, which is named by what the key dials."""

    dials: str
    label: str


@dataclass(frozen=True, slots=True)
class _Zone:
    """One time zone, as three makes name it."""

    yealink: tuple[str, str]
    snom: str
    grandstream: str


_ROME = _Zone(("+1", "Italy(Rome)"), "ITA+1", "CET-1CEST-2,M3.5.0/02:00:00,M10.5.0/03:00:00")
ZONES = {"Europe/Rome": _ROME, "Europe/Vatican": _ROME, "Europe/San_Marino": _ROME}  # of others, phones are not told


def file_name(make: Make, account: Account) -> str:
    """The name by which a phone of this make asks for its file; without a MAC, one that it must be told."""
    match make:
        case Make.LINPHONE:  # why a token: whoever could guess the name could fetch the secret
            return f"{account.user}-{_token(account)}.xml"
        case Make.YEALINK:
            return f"{account.mac or account.user}.cfg"
        case Make.SNOM:
            return f"{account.mac.upper() or account.user}.xml"
        case Make.GRANDSTREAM:
            return f"cfg{account.mac}.xml" if account.mac else f"{account.user}.xml"


def file_text(make: Make, account: Account) -> str:
    """What stands in the file. Raises CannotProvision."""
    return _render(TEMPLATES[make], account)


def picture_name(account: Account) -> str:
    """The name of the file with the QR's picture; as little to be guessed as that of a softphone's file."""
    return f"{account.user}-{_token(account)}.svg"


def reads_qr(make: Make, account: Account) -> bool:
    """Whether it is an app that scans; a MAC is that of a desk phone."""
    return make is Make.LINPHONE or (make is Make.GRANDSTREAM and not account.mac)


def qr_text(make: Make, account: Account, url: str) -> str:
    """What the QR says: Linphone's leads to its file under `url`; Grandstream Wave's holds all itself.

    Raises CannotProvision.
    """
    if not reads_qr(make, account):
        raise CannotProvision(f"{account.user} is a desk phone by {make}, which scans no QR; Linphone and Wave do")
    if make is Make.LINPHONE:
        if not url:
            raise CannotProvision("Linphone's QR holds the address of its file: say by --url where --to DIR is served")
        return f"{url.rstrip('/')}/{file_name(make, account)}"
    if account.server.transport is not Transport.UDP:
        raise CannotProvision("Grandstream Wave's QR names no transport: it registers by UDP; leave --transport out")
    return _render("grandstream-wave.xml.j2", account)


def name_twice(names: Sequence[str]) -> str:
    """The first name that stands twice; empty: none."""
    return next((name for name in names if names.count(name) > 1), "")


def _token(account: Account) -> str:
    """The same at each run, and known to nobody who does not know the secret."""
    return hashlib.sha256(f"file of {account.user}: {account.secret}".encode()).hexdigest()[:TOKEN_DIGITS]


def _render(template: str, account: Account) -> str:
    shown = "".join(letter if letter.isprintable() else " " for letter in account.name).strip()
    facts = {"account": account, "name": shown, "server": account.server, "zone": ZONES.get(account.time_zone)}
    lamps = [_Lamp(f"{code}{account.user}", label) for code, label in LAMPS]
    return _templates().get_template(template).render(facts, ours=OURS, lamps=lamps)


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    shelf = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(["xml.j2"]),
        finalize=_of_one_line,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    shelf.filters["quoted"] = _quoted
    return shelf


def _of_one_line(value: object) -> object:
    """The gate for each value of each template: one that could end its line, or lose its edges, stays out."""
    text = str(value)
    if not text.isprintable() or text != text.strip():
        raise CannotProvision("a secret or name has signs in it that no phone's file can hold")
    return value


def _quoted(text: str) -> str:
    """A display name within a SIP address."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
