"""Writes Asterisk's configuration files for one node. Knows their formats, decides nothing about calls.

What stands in them comes from YAML and from made secrets; a value that could change a file's meaning is refused.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jinja2

from asterisk import module_copies
from asterisk.carrier import EMERGENCY_NUMBERS, Carrier, Tls
from asterisk.installer import Installation
from asterisk.modules import LIKED_MODULES, NEEDED_MODULES

APP = "centralino"  # our Stasis application
TALK = "talk-"  # begins the name of a bridge in which two talk
LAMP = "Stasis:"  # and the lamp's name: the device whose state it shows
CARRIER = "carrier-"  # and the carrier's name: its endpoint, and so the start of its channels' names
BEAT_VARIABLE = "CENTRALINO_BEAT"  # global; the engine keeps the machine's time in it, in whole seconds since 1970
BEAT_AGE_S_MAX = 5
CERTIFICATE, KEY, AUTHORITIES = TLS_FILES = ("sip-certificate.pem", "sip-key.pem", "sip-authorities.pem")
SOCKET_PATH_BYTES_MAX = 100  # why: the kernel takes 107, and Asterisk's clients say nothing when one is longer
RTP_PORTS_PER_LEG = 2
TEMPLATES = Path(__file__).parent / "conf"
CDR_COLUMNS = (
    *("uniqueid", "linkedid", "src", "dst", "dcontext", "channel", "dstchannel", "start", "answer", "end"),
    *("duration", "billsec", "disposition", "userfield"),
)

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")  # why a letter first: a caller's number must equal no phone's id
_SECRET = re.compile(r"[A-Za-z0-9_.~-]{8,128}")
_DIALLED = re.compile(r"\+?[0-9]{1,32}")
_ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}")
_PEER = re.compile(_ADDRESS.pattern + r"(:[0-9]{1,5})?(/[0-9]{1,2})?")
_WEBSOCKET_URL = re.compile(r"wss?://[0-9A-Za-z.:\[\]-]+/[0-9A-Za-z/_-]*")
_SERVER = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,254}(:[0-9]{1,5})?")
_USER = re.compile(r"[0-9A-Za-z+][0-9A-Za-z._+-]{0,63}")
_PASSWORD = re.compile(r"(?![\"'])[!-~]{1,128}")  # a carrier's: it chose it. _harmless has the last word
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_LAMP = re.compile(r"\*[0-9]{2}[0-9A-Za-z_-]{1,64}")
_LANGUAGE = re.compile(r"[a-z]{2}")


class CannotWrite(ValueError):
    """A value cannot stand in Asterisk's files; the text says which, and what may."""


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """What a phone registers with. `site_number`: what those see whom it calls in an emergency; empty: its id."""

    id: str
    secret: str
    site_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One Asterisk of ours. Ports are 1 to 65535; hosts are IPv4 addresses; folders are absolute."""

    name: str
    sip_host: str = "127.0.0.1"
    sip_port: int = 5060
    rtp_first: int = 10000
    rtp_last: int = 20000
    http_host: str = "127.0.0.1"
    http_port: int = 8088
    engine_url: str = "ws://127.0.0.1:8090/ari"
    ari_user: str = "centralino"
    ari_password: str
    ami_host: str = "127.0.0.1"
    ami_port: int = 5038
    ami_user: str = "centralino"
    ami_password: str
    phones: tuple[PhoneAccount, ...] = ()
    service_numbers: tuple[str, ...] = ()  # what our own phones may dial, beside emergency numbers
    lamps: tuple[str, ...] = ()  # what our own phones may watch
    carriers: tuple[Carrier, ...] = (Carrier("carrier", ("127.0.0.1",)),)  # calls outside try them in this order
    carrier_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # by the name of the carrier
    tls: Tls | None = None
    state: Path
    prompts: Path
    recordings: Path
    language: str = "it"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where an instance keeps its things, under one folder."""

    home: Path

    @property
    def conf(self) -> Path:
        return self.home / "conf"

    @property
    def main_file(self) -> Path:
        return self.conf / "asterisk.conf"

    @property
    def run(self) -> Path:
        """For the control socket, whose path must be short; so it may lie in the machine's temporary folder."""
        wanted = self.home / "run"
        if len(os.fsencode(wanted / "asterisk.ctl")) <= SOCKET_PATH_BYTES_MAX:
            return wanted
        return Path(tempfile.gettempdir()) / f"centralino-{hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]}"

    @property
    def db(self) -> Path:
        return self.home / "db"

    @property
    def log(self) -> Path:
        return self.home / "log"

    @property
    def calls(self) -> Path:
        """Asterisk's own call records: CSV, every field quoted, columns CDR_COLUMNS, no header."""
        return self.log / "cdr-custom" / "calls.csv"

    @property
    def spool(self) -> Path:
        return self.home / "spool"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def keys(self) -> Path:
        return self.home / "keys"

    @property
    def modules(self) -> Path:
        """From which Asterisk loads its modules (asterisk/module_copies.py)."""
        return self.home / "modules"

    def written_by_asterisk(self) -> tuple[Path, ...]:
        return (self.run, self.db, self.log, self.calls.parent, self.spool, self.keys / "keys")


def write(node: Node, installation: Installation, folder: Path) -> set[str]:
    """Write all of Asterisk's files and folders under `folder`; the names of the files that changed.

    Each file is replaced as a whole, and only where its text changed. Raises CannotWrite before anything is written.
    """
    folders = Folders(folder.absolute())
    texts = render(node, installation, folders)
    _make_folders(node, installation, folders)
    texts |= _tls_texts(node.tls)
    for stale in {path.name for pattern in ("*.conf", "*.pem") for path in folders.conf.glob(pattern)} - texts.keys():
        (folders.conf / stale).unlink()
    return {name for name, text in texts.items() if _replace(folders.conf / name, text)}


def render(node: Node, installation: Installation, folders: Folders) -> dict[str, str]:
    """The text of each file, by its name. Pure. Raises CannotWrite."""
    check(node)
    facts = {
        "node": node,
        "folders": folders,
        "installation": installation,
        "modules": _modules(installation),
        "transfers": module_copies.is_mendable(installation.modules, module_copies.REFER),
        "redirects": "uri_core" if module_copies.is_mendable(installation.modules, module_copies.SESSION) else "user",
        "codecs": ",".join(_codecs(installation)),
        "codecs_of": {carrier.name: ",".join(_codecs(installation, carrier.codecs)) for carrier in node.carriers},
        "cdr_columns": CDR_COLUMNS,
        "app": APP,
        "carrier": CARRIER,
        "lamp": LAMP,
        "beat": BEAT_VARIABLE,
        "beat_age_s_max": BEAT_AGE_S_MAX,
        "emergency_numbers": EMERGENCY_NUMBERS,
        "certificate": folders.conf / CERTIFICATE,
        "key": folders.conf / KEY,
        "authorities": folders.conf / AUTHORITIES,
    }
    shelf = _templates()
    return {name.removesuffix(".j2"): shelf.get_template(name).render(facts) for name in shelf.list_templates(["j2"])}


def check(node: Node) -> None:
    """Raises CannotWrite, naming the first value that cannot stand in Asterisk's files."""
    _fits("node name", node.name, _NAME)
    _fits("language", node.language, _LANGUAGE)
    _fits("engine_url", node.engine_url, _WEBSOCKET_URL)
    for what in ("sip_host", "http_host", "ami_host"):
        _fits(what, getattr(node, what), _ADDRESS)
    for what in ("ari_user", "ami_user"):
        _fits(what, getattr(node, what), _NAME)
    for what in ("ari_password", "ami_password"):
        _fits(what, getattr(node, what), _SECRET, secret=True)
    for what in ("sip_port", "rtp_first", "rtp_last", "http_port", "ami_port"):
        _within(what, getattr(node, what), 1, 65535)
    _check_rtp(node)
    for carrier in node.carriers:
        _check_carrier(carrier, node)
    _check_phones(node)
    _each("service number", node.service_numbers, _DIALLED)
    _each("lamp", node.lamps, _LAMP)


def _check_carrier(carrier: Carrier, node: Node) -> None:
    _fits("carrier's name", carrier.name, _WORD)
    _within(f"channels of carrier {carrier.name}", carrier.channels, 1, 10_000)
    _each("carrier peer", carrier.peers, _PEER)
    _each("carrier's server", (carrier.send_to,) if carrier.send_to else (), _SERVER)
    _each("word of a carrier", (carrier.transport, *carrier.codecs, carrier.caller_id, carrier.dialled_in), _WORD)
    if carrier.registration:
        _fits("carrier's server", carrier.registration.server, _SERVER)
        _fits("carrier's user", carrier.registration.user, _USER)
        secret = node.carrier_secrets.get(carrier.name, "")
        _fits(f"secret of carrier {carrier.name}", secret, _PASSWORD, secret=True)
    if carrier.transport == "tls" and node.tls is None:
        raise CannotWrite(f"carrier {carrier.name} speaks TLS, and nothing is said of it")


def _check_rtp(node: Node) -> None:
    if node.rtp_last - node.rtp_first < RTP_PORTS_PER_LEG:
        raise CannotWrite(f"rtp_last {node.rtp_last} leaves no room for a call after rtp_first {node.rtp_first}")


def _check_phones(node: Node) -> None:
    ids = [phone.id for phone in node.phones]
    _each("phone id", tuple(ids), _NAME)
    for phone in node.phones:
        _fits(f"secret of phone {phone.id}", phone.secret, _SECRET, secret=True)
        _each("number of a site", (phone.site_number,) if phone.site_number else (), _DIALLED)
    for phone_id in ids:
        is_taken = phone_id in {"carrier", "global", "system"} or phone_id.startswith((CARRIER, "transport-"))
        if is_taken or ids.count(phone_id) > 1 or phone_id.endswith("-auth"):
            raise CannotWrite(f"phone id {phone_id!r} is taken, or stands twice")


def _each(what: str, values: tuple[str, ...], pattern: re.Pattern[str]) -> None:
    for value in values:
        _fits(what, value, pattern)


def _fits(what: str, value: str, pattern: re.Pattern[str], *, secret: bool = False) -> None:
    if not pattern.fullmatch(value):
        shown = "the value given" if secret else repr(value[:60])
        raise CannotWrite(f"{what}: {shown} cannot be used; it must be like {pattern.pattern}")


def _within(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise CannotWrite(f"{what}: {value} is not from {least} to {most}")


def _codecs(installation: Installation, wanted: tuple[str, ...] = ()) -> list[str]:
    """Those that are `wanted` (none: all), in that order, as far as they are there."""
    has_opus = any(map(installation.has_module, ("codec_opus", "codec_opus_open_source")))
    there = [codec for codec in wanted or ("alaw", "ulaw", "g722", "opus") if codec != "opus" or has_opus]
    return there or ["alaw"]


def _tls_texts(tls: Tls | None) -> dict[str, str]:
    """Copies for Asterisk's own user, who may not read the originals. Raises OSError."""
    files = (tls.certificate, tls.key, tls.authorities) if tls else ()
    return {name: file.read_text() for name, file in zip(TLS_FILES, files, strict=False) if file}


def _modules(installation: Installation) -> list[str]:
    return [*NEEDED_MODULES, *filter(installation.has_module, LIKED_MODULES)]


def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - no HTML; _harmless guards each value
    )


def _harmless(value: object) -> object:
    """The last gate, for each value of each template: one that could end its line or start a comment stays out."""
    text = str(value)
    if not text.isprintable() or any(sign in text for sign in ";\\|") or text != text.strip():
        raise CannotWrite(f"{text[:60]!r} cannot stand in an Asterisk file")
    return value


def _make_folders(node: Node, installation: Installation, folders: Folders) -> None:
    for open_to_all in (folders.home, folders.data, folders.data / "sounds", folders.modules, node.prompts):
        open_to_all.mkdir(parents=True, exist_ok=True)
        open_to_all.chmod(0o755)  # whatever our umask is: Asterisk is another user
    for private in (folders.conf, node.recordings, *folders.written_by_asterisk()):
        private.mkdir(mode=0o750, parents=True, exist_ok=True)
    _link(folders.spool / "recording", node.recordings.absolute())
    _link(folders.data / "documentation", installation.documentation)  # without it modules refuse to load
    _link(folders.data / "moh", installation.music)
    for language, sounds in installation.sounds.items():
        _link(folders.data / "sounds" / language, sounds)
    for name, there in module_copies.wanted(installation.modules, _modules(installation)).items():
        if isinstance(there, Path):
            _link(folders.modules / name, there)
        else:
            _copy(folders.modules / name, there)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    _through_new_file(link, lambda new: new.symlink_to(target))


def _copy(file: Path, content: bytes) -> None:
    def fill(new: Path) -> None:
        new.write_bytes(content)
        new.chmod(0o644)  # whatever our umask is: Asterisk is another user

    if file.is_symlink() or not file.is_file() or file.read_bytes() != content:
        _through_new_file(file, fill)


def _replace(file: Path, text: str) -> bool:
    if file.is_file() and file.read_text() == text:
        return False

    def fill(new: Path) -> None:
        new.touch(mode=0o640)  # secrets stand in it
        new.write_text(text)

    _through_new_file(file, fill)
    return True


def _through_new_file(path: Path, make: Callable[[Path], None]) -> None:
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    make(new)
    new.replace(path)
