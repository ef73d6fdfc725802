"""The form of centralino.yaml. What its words mean is in centralino/settings.py."""

import ipaddress
import re
from contextlib import suppress
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Annotated, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
)

from centralino.forms.fields import (
    PORT_MAX,
    RTP_PORTS_LEAST,
    AsteriskName,
    Form,
    Language,
    Name,
    Names,
    Number,
    NumberStart,
    known_zone,
    matching,
    refuse,
)
from centralino.located import shown

MEGABYTES_MAX = 100  # of a mail, which is in memory while it is read


def _port(value: object) -> int:
    if isinstance(value, bool) or not re.fullmatch("[0-9]{1,9}", str(value)):
        refuse(f"{shown(value)} is not a port", f"a number from 1 to {PORT_MAX}")
    if not 1 <= int(str(value)) <= PORT_MAX:
        refuse(f"port {shown(value)} is out of range", f"from 1 to {PORT_MAX}")
    return int(str(value))


def split_address(text: str) -> tuple[str, int | None]:
    """`192.0.2.1:5060`, `192.0.2.1`, `[::1]:5060` or `::1` → address and port. Raises a pydantic error."""
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]:")
        host = host.removesuffix("]")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        refuse(f"{shown(text)} is not an address", "write an IP address, such as `127.0.0.1`")
    return host, _port(port) if port or text.endswith(":") else None


def _address(text: str) -> str:
    split_address(text)
    return text


def read_megabytes(text: str) -> int:
    """`25MB` → bytes. Raises a pydantic error."""
    if not re.fullmatch("[1-9][0-9]{0,2}MB", text) or int(text[:-2]) > MEGABYTES_MAX:
        refuse(f"{shown(text)} is no size of a mail", f"write `25MB`, at most `{MEGABYTES_MAX}MB`")
    return int(text[:-2]) * 1_000_000


def _size(text: str) -> str:
    read_megabytes(text)
    return text


def _listen(text: str) -> str:
    if split_address(text)[1] is None:
        refuse(f"{shown(text)} has no port", f"write `{text}:5060`, with the port that is meant")
    return text


def _range(text: str) -> str:
    found = re.fullmatch("([0-9]{1,9})-([0-9]{1,9})", text)
    if not found:
        refuse(f"{shown(text)} is not a range of ports", 'write `"10000-20000"`')
    first, last = (_port(port) for port in found.groups())
    if first + RTP_PORTS_LEAST > last:
        refuse(f"{shown(text)} is an empty range of ports", 'write `"10000-20000"`')
    return text


def _database(text: str) -> str:
    """Never shows what was written: a password may be in it."""
    if text == "sqlite" or re.fullmatch(r"postgresql://[^\s/]*/\S+", text):
        return text
    refuse("this is no database that we know", "write `sqlite`, or `postgresql://USER@HOST/NAME`")


Listen = Annotated[str, AfterValidator(_listen)]
Port = Annotated[int, BeforeValidator(_port, json_schema_input_type=int | str)]


def _ipv4(text: str) -> str:
    if ":" in split_address(text)[0]:
        refuse(f"{shown(text)} is an IPv6 address", "write an IPv4 address: Asterisk is set up for these")
    return text


class NodeForm(Form):
    manage: bool
    sip: Annotated[Listen, AfterValidator(_ipv4)]


def _peer(text: str) -> str:
    """An address, address:port, or network."""
    if "/" not in text:
        return _ipv4(_address(text))
    try:
        ipaddress.IPv4Network(text)
    except ValueError:
        refuse(f"{shown(text)} is not a network", "write its first address and its length, such as `192.0.2.0/28`")
    return text


def split_server(text: str) -> tuple[str, int | None]:
    """`sip.carrier.example`, `sip.carrier.example:5080`, `192.0.2.1:5060` → host and port. Raises a pydantic error."""
    host, colon, port = text.partition(":")
    if host in {"sip", "sips"} and colon:
        refuse(f"{shown(text)} begins with `{host}:`", f"write `{port}` alone; TLS is `transport: tls`")
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", host):
        refuse(f"{shown(text)} is no server", 'write its name or IPv4 address: `"sip.carrier.example:5060"`')
    if not re.search("[A-Za-z]", host):
        _listen(text)
    return host, _port(port) if colon else None


def _server(text: str) -> str:
    split_server(text)
    return text


Server = Annotated[str, AfterValidator(_server)]
SecretName = Annotated[
    str,
    matching(
        "[A-Za-z][A-Za-z0-9_]{0,39}",
        "is no name of a secret",
        "write the name under which STATE/secrets.yaml or the environment has it, never the secret itself",
    ),
]


class RegisterForm(Form):
    """An account at a carrier. Of its password only the name stands here."""

    server: Server
    user: Annotated[str, matching(r"[A-Za-z0-9+][A-Za-z0-9._+-]{0,63}", "is no SIP user", "the user alone, no address")]
    secret: SecretName


CarrierName = Annotated[
    str, matching("[A-Za-z][A-Za-z0-9_]{0,19}", "is no name of a carrier", "a letter, then letters, digits and `_`")
]
CARRIER = "carrier"  # the name of the one that stands under `carrier`


class CarrierForm(Form):
    """It has `peers`, `send_to` or `register`; trunkchecks.py looks at what goes with what."""

    peers: Annotated[list[Annotated[str, AfterValidator(_peer)]], Field(min_length=1)] | None = None
    send_to: Server | None = None
    account: RegisterForm | None = Field(None, alias="register")
    transport: Literal["udp", "tcp", "tls"] = "udp"
    codecs: Annotated[list[Literal["alaw", "ulaw", "g722", "opus"]], Field(min_length=1)] | None = None
    channels: Annotated[int, Field(ge=1, le=10_000)] = 180
    caller_id: Literal["pai", "rpid", "from"] = "pai"
    dialled_in: Literal["request", "to"] = "request"


PemFile = Annotated[
    str, matching(r"/[A-Za-z0-9_./-]{1,200}", "is no path of a file", "write where it lies: `/etc/ssl/…/NAME.pem`")
]


class TlsForm(Form):
    """`certificate` and `key` go together; trunkchecks.py looks at that, and into the files."""

    certificate: PemFile | None = None
    key: PemFile | None = None
    authorities: PemFile = "/etc/ssl/certs/ca-certificates.crt"
    port: Port = 5061


class OutgoingForm(Form):
    allow: list[NumberStart] = ["+39"]
    deny: list[NumberStart] = []
    through: dict[NumberStart, Names] = {}
    caller_id: dict[Name, Number] = {}


class WebForm(Form):
    listen: Listen = "127.0.0.1:8055"


class ConsoleForm(Form):
    listen: Listen = "127.0.0.1:5022"


def read_sender(text: str) -> Address:
    """`contatti@comune.example`, or `Comune <contatti@comune.example>`. Raises a pydantic error."""
    name, address = parseaddr(text)
    with suppress(EmailNotValidError, ValueError):
        spec = validate_email(address, check_deliverability=False).ascii_email
        if spec and text in (address, f"{name} <{address}>"):
            return Address(name, addr_spec=spec)
    refuse(f"{shown(text)} is no mail address", 'write `contatti@comune.example`, or `"Comune <contatti@…>"`')


def _sender(text: str) -> str:
    read_sender(text)
    return text


def _host_and_port(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", host):
        refuse(f"{shown(text)} is no server with its port", 'write `"relay.comune.example:587"`')
    _port(port)
    return text


def _our_address(text: str) -> str:
    with suppress(EmailNotValidError):
        if (validate_email(text, check_deliverability=False).ascii_email or "").lower() == text.lower():
            return text
    refuse(f"{shown(text)} is no mail address", 'write `"tributi@comune.example"`')


class MailAddressForm(Form):
    """Mail to this address is for `number` of ours, and for `entity` where it is one's alone."""

    number: Number
    entity: Name | None = None


class MailForm(Form):
    """mailchecks.py looks at what goes with what."""

    listen: Listen = "127.0.0.1:2525"
    addresses: dict[Annotated[str, AfterValidator(_our_address)], MailAddressForm] = {}
    largest: Annotated[str, AfterValidator(_size)] = "25MB"

    sender: Annotated[str, AfterValidator(_sender)] | None = Field(None, alias="from")
    relay: Annotated[str, AfterValidator(_host_and_port)] | None = None
    tls: Literal["starttls", "from_the_start", "none"] = "starttls"
    user: (
        Annotated[str, matching(r"[\x21-\x7e]{1,200}", "is no user of a relay", "as the relay's people gave it")] | None
    ) = None
    secret: SecretName | None = None


class SmsForm(Form):
    """The HTTP gateway that takes our SMS."""

    url: Annotated[
        str,
        matching(
            r"(https://|http://(127\.0\.0\.1|localhost)[:/])[^\s@]{1,500}",
            "is no address of a gateway",
            'write `"https://gateway.example/sms"`; its token is a `secret`, and plain http is for this machine only',
        ),
    ]
    secret: SecretName | None = None


def read_address(text: str) -> str:
    """The host name of `https://contatti.comune.example`. Raises a pydantic error."""
    found = re.fullmatch(r"https://([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)/?", text)
    if not found:
        refuse(f"{shown(text)} is no address of a site", 'write `"https://contatti.comune.example"`, without a path')
    return found[1].lower()


def _site(text: str) -> str:
    read_address(text)
    return text


class PublicForm(Form):
    """The pages for citizens. `entities`: for whom they can write there; none: for all of entities.yaml."""

    address: Annotated[str, AfterValidator(_site)]
    privacy_notice: Annotated[
        str,
        matching(
            r"https://[^\s\"'<>]{3,500}", "is no address of a page", 'write `"https://www.comune.example/privacy"`'
        ),
    ]
    entities: Names | None = None


class PortsForm(Form):
    http: Port = 8088
    ami: Port = 5038
    engine: Port = 8090


VOICE_FILE = r"prompts(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){1,5}\.onnx"
VoiceFile = Annotated[
    str,
    matching(
        VOICE_FILE,
        "names no voice of piper's",
        "write where it stands in this folder: `prompts/voices/NAME.onnx`",
    ),
]


class VoiceForm(Form):
    piper: VoiceFile


class SettingsForm(Form):
    nodes: Annotated[dict[AsteriskName, NodeForm], Field(min_length=1)]
    carrier: CarrierForm | None = None
    carriers: Annotated[dict[CarrierName, CarrierForm], Field(min_length=1)] | None = None
    tls: TlsForm | None = None
    outgoing: OutgoingForm = OutgoingForm()
    time_zone: Annotated[str, AfterValidator(known_zone)] = "Europe/Rome"
    testing: bool = False
    database: Annotated[str, AfterValidator(_database)] = "sqlite"
    web: WebForm = WebForm()
    console: ConsoleForm = ConsoleForm()
    mail: MailForm = Field(default_factory=lambda: MailForm.model_validate({}))
    sms: SmsForm | None = None
    public: PublicForm | None = None
    rtp: Annotated[str, AfterValidator(_range)] = "10000-20000"
    ports: PortsForm = PortsForm()
    voices: dict[Language, VoiceForm] = {}
