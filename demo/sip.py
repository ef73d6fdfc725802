"""SIP messages (RFC 3261), as much of them as a phone needs: reading, writing, digest authentication, dialogs."""

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

Address = tuple[str, int]
HeaderList = list[tuple[str, str]]

URI_USER = "-_.!~*'()&=+$,;?/"  # what a URI's user part may hold unescaped, beside letters and digits
REASONS = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    400: "Bad Request",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    501: "Not Implemented",
    503: "Service Unavailable",
    603: "Decline",
}
COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}
COMPACT |= {"c": "content-type", "k": "supported", "s": "subject", "e": "content-encoding"}


class MalformedMessage(ValueError):
    """What arrived is no SIP message."""


@dataclass(slots=True, kw_only=True)
class Message:
    """Headers in their order, and a body. Bytes that are no UTF-8 survive as surrogates."""

    headers: HeaderList
    body: str = ""

    def get(self, name: str) -> str:
        """The first value of the header `name`, or an empty string."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method of the request that this message is, or answers. Raises MalformedMessage."""
        found = re.match(r"\s*(\d{1,10})\s+(\S+)", self.get("cseq"))
        if not found:
            raise MalformedMessage("no CSeq")
        return int(found[1]), found[2]

    @property
    def branch(self) -> str:
        found = re.search(r";\s*branch\s*=\s*([^;,\s]+)", self.get("via"))
        return found[1] if found else ""

    def encoded(self, first_line: str) -> bytes:
        body = self.body.encode("utf-8", "surrogateescape")
        lines = [first_line, *(f"{name}: {value}" for name, value in self.headers), f"Content-Length: {len(body)}"]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


@dataclass(slots=True, kw_only=True)
class Request(Message):
    method: str
    uri: str

    def encode(self) -> bytes:
        return self.encoded(f"{self.method} {self.uri} SIP/2.0")


@dataclass(slots=True, kw_only=True)
class Response(Message):
    status: int
    reason: str = ""

    def encode(self) -> bytes:
        return self.encoded(f"SIP/2.0 {self.status} {self.reason}")


def parse(datagram: bytes) -> Request | Response:
    """Raises MalformedMessage."""
    head, _, body = datagram.decode("utf-8", "surrogateescape").partition("\r\n\r\n")
    first, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
    headers = [_header(line) for line in lines if line]
    if answer := re.match(r"SIP/2\.0 ([1-6]\d\d) ?(.*)", first):
        return Response(headers=headers, body=body, status=int(answer[1]), reason=answer[2])
    if asked := re.fullmatch(r"([A-Z]+) (\S+) SIP/2\.0", first):
        return Request(headers=headers, body=body, method=asked[1], uri=asked[2])
    raise MalformedMessage(first[:80])


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise MalformedMessage(line[:80])
    name = name.strip()
    return COMPACT.get(name.lower(), name), value.strip()


@dataclass(frozen=True, slots=True)
class Party:
    """What a From, To or Contact header says, unescaped. Every field may be empty; `port` is 0 where none stands."""

    name: str
    user: str
    host: str
    port: int
    tag: str
    uri: str


def party(value: str) -> Party:
    """Read a From, To, Contact, Route or Record-Route value. Never raises: what cannot be read is left empty."""
    full = re.match(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*))\s*<([^>]*)>(.*)', value, re.DOTALL)
    quoted, plain, uri, rest = full.groups() if full else ("", "", *value.partition(";")[::2])
    name = re.sub(r"\\(.)", r"\1", quoted) if quoted else (plain or "").strip()
    tag = re.search(r"(?:^|;)\s*tag\s*=\s*([^;\s]+)", rest or "")
    where = re.match(r"\s*sips?:(?:([^@]*)@)?(\[[^\]]*\]|[^:;?>\s]*)(?::(\d{1,5}))?", uri or "")
    user, host, port = where.groups() if where else ("", "", "0")
    return Party(name, unquote((user or "").split(":")[0]), host, int(port or 0), tag[1] if tag else "", uri.strip())


def quoted_name(name: str) -> str:
    """A display name as a quoted string. A line break becomes a folded line: the only lawful way to carry one."""
    escaped = re.sub(r'(["\\])', r"\\\1", name)
    return '"' + re.sub(r"\r\n|\r|\n", "\r\n ", escaped) + '"'


def sip_uri(user: str, address: Address) -> str:
    """`user` may hold anything: what a URI does not allow is escaped."""
    return f"sip:{quote(user, safe=URI_USER, errors='surrogateescape')}@{address[0]}:{address[1]}"


def next_hop(uri: str, otherwise: Address) -> Address:
    """Where a request for `uri` goes. A host that is a name, not an address, is reached through `otherwise`."""
    to = party(f"<{uri}>")
    try:
        ipaddress.IPv4Address(to.host)
    except ValueError:
        return otherwise
    return to.host, to.port or 5060


def authorization(challenge: str, request: Request, user: str, secret: str) -> str:
    """The answer to a digest challenge (RFC 7616: MD5 or SHA-256, qop auth or none). Raises MalformedMessage."""
    said_there = re.findall(r'(\w+)\s*=\s*(?:"([^"]*)"|([^,\s]+))', challenge)
    asked = {key.lower(): bare or quoted for key, quoted, bare in said_there}
    algorithm = asked.get("algorithm", "MD5").upper()
    if algorithm not in {"MD5", "SHA-256"} or "nonce" not in asked:
        raise MalformedMessage(f"cannot answer the challenge {challenge[:80]}")

    def digest(text: str) -> str:
        data = text.encode("utf-8", "surrogateescape")
        if algorithm == "SHA-256":
            return hashlib.sha256(data).hexdigest()
        return hashlib.md5(data, usedforsecurity=False).hexdigest()

    realm, nonce = asked.get("realm", ""), asked["nonce"]
    who, what = digest(f"{user}:{realm}:{secret}"), digest(f"{request.method}:{request.uri}")
    said = f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{request.uri}", algorithm={algorithm}'
    if "opaque" in asked:
        said += f', opaque="{asked["opaque"]}"'
    if "auth" not in re.split(r"[,\s]+", asked.get("qop", "")):
        return f'{said}, response="{digest(f"{who}:{nonce}:{what}")}"'
    cnonce = secrets.token_hex(8)
    response = digest(f"{who}:{nonce}:00000001:{cnonce}:auth:{what}")
    return f'{said}, qop=auth, nc=00000001, cnonce="{cnonce}", response="{response}"'


@dataclass(slots=True)
class Dialog:
    """What two phones agree on for one call: who is who, where the other is, and how far both have counted."""

    call_id: str
    ours: str  # a From value with our tag
    theirs: str  # a To value; their tag joins it with their first answer
    target: str  # the URI of the other phone: its Contact, once known
    hop: Address  # where the first message went to or came from
    routes: list[str] = field(default_factory=list)
    cseq: int = 0

    def request(self, method: str, headers: HeaderList, body: str = "") -> Request:
        """The next request in this dialog. ACK and CANCEL keep the number of the request they are about."""
        if method not in {"ACK", "CANCEL"}:
            self.cseq += 1
        fixed = [("From", self.ours), ("To", self.theirs), ("Call-ID", self.call_id), ("CSeq", f"{self.cseq} {method}")]
        routes = [("Route", route) for route in self.routes]
        return Request(method=method, uri=self.target, headers=[*routes, *fixed, *headers], body=body)

    def follow(self, message: Message) -> None:
        """Take over where the other phone says it is."""
        if contact := message.get("contact"):
            self.target = party(contact).uri

    def address(self) -> Address:
        return next_hop(party(self.routes[0]).uri if self.routes else self.target, self.hop)


def record_routes(message: Message) -> list[str]:
    return [route.strip() for value in message.all("record-route") for route in re.split(r",(?=\s*<)", value)]


def fresh_call_id() -> str:
    return secrets.token_hex(12)


def with_tag(value: str, tag: str) -> str:
    """`value` of a From or To header with our tag, unless it brings its own."""
    return value if party(value).tag else f"{value};tag={tag}"


def checked(headers: Sequence[tuple[str, str]]) -> HeaderList:
    """`headers` as they are; raises ValueError for a name that would break the message apart."""
    for name, _ in headers:
        if not re.fullmatch(r"[A-Za-z0-9_.!%*+`'~-]+", name):
            raise ValueError(f"{name!r} is no header name")
    return list(headers)
