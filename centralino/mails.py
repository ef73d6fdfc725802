"""A message of the outbox as a mail: its headers, its words, its files."""

import mimetypes
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from email.headerregistry import Address, HeaderRegistry, MessageIDHeader
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path

from email_validator import EmailNotValidError, validate_email

from cases.case_number import is_case_number
from cases.outbox import Sending
from recordings.sealed import CannotOpen, Keys, opened, sealed_path

FILES_BYTES_MAX = 10_000_000  # together; what relays commonly take, before the third that base64 adds
_HEADERS = HeaderRegistry()
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+>")
for _name in ("in-reply-to", "references"):
    # why: as plain text, a long one would be folded and encoded
    _HEADERS.map_to_type(_name, MessageIDHeader)  # type: ignore[arg-type]  # its stub forgets what it inherits
_POLICY = SMTP.clone(header_factory=_HEADERS)


class NoAddress(ValueError):
    """It is no mail address, and why."""


@dataclass(frozen=True, slots=True)
class File:
    """What is attached. `content` None: it could not be read, or is too long."""

    name: str
    content: bytes | None


def ascii_address(text: str) -> str:
    """The address as relays take it. Raises NoAddress."""
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError as wrong:
        raise NoAddress(f"{text!r} is no mail address: {wrong}") from wrong
    if not found.ascii_email:
        raise NoAddress(f"{text!r} has letters before the @ that relays do not take")
    return found.ascii_email


def address_in(text: str) -> str:
    """The address that `text` is, or ends with (`Anagrafe <anagrafe@comune.example>`); empty where there is none."""
    name, address = parseaddr(text)
    try:
        return ascii_address(address) if text.strip() in (address, f"{name} <{address}>") else ""
    except NoAddress:
        return ""


def composed(sending: Sending, sender: Address, files: Iterable[File] = ()) -> EmailMessage:
    """The mail. Its Message-ID is the same however often it is made. Raises NoAddress."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = Address(addr_spec=ascii_address(sending.to))
    mail["Subject"] = _subject(sending)
    mail["Date"] = sending.at
    mail["Message-ID"] = f"<{_of_case(sending)}.{sending.id}.{sending.at:%Y%m%d%H%M%S}@{sender.domain}>"
    if sending.case:
        mail["References"] = f"<{_of_case(sending)}@{sender.domain}>"  # no such mail: it holds those of a case together
    if is_message_id(sending.in_reply_to):
        mail["In-Reply-To"] = sending.in_reply_to
    mail["Auto-Submitted"] = "auto-replied" if sending.in_reply_to else "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    _fill(mail, sending.words, list(files))
    return mail


def envelope_sender(sending: Sending, sender: Address) -> str:
    """To whom it is returned; empty for an automatic reply: so that two machines never answer each other."""
    return "" if sending.in_reply_to else sender.addr_spec


def is_message_id(text: str) -> bool:
    """As almost all are. What else RFC 5322 allows is answered without it: libraries break at some of that."""
    return bool(_MESSAGE_ID.fullmatch(text))


def read_files(paths: Iterable[str], keys: Callable[[], Keys]) -> list[File]:
    """Those that are there, FILES_BYTES_MAX of them together. `keys` open those that are encrypted."""
    files, left_bytes = [], FILES_BYTES_MAX
    for path in map(Path, paths):
        content = None
        with suppress(FileNotFoundError, CannotOpen):
            content = _read(path, left_bytes, keys)
        left_bytes -= len(content or b"")
        files.append(File(path.name, content))
    return files


# --- within


def _read(path: Path, bytes_max: int, keys: Callable[[], Keys]) -> bytes | None:
    """None: it is too long."""
    sealed = sealed_path(path)
    if (sealed if sealed.exists() else path).stat().st_size > bytes_max:
        return None
    return b"".join(opened(sealed, keys())) if sealed.exists() else path.read_bytes()


def _subject(sending: Sending) -> str:
    """It bears the case's number, so that an answer finds its case."""
    assert sending.case is None or is_case_number(sending.case)
    return f"[#{sending.case}] {sending.subject}" if sending.case else sending.subject


def _of_case(sending: Sending) -> str:
    return f"case.{sending.case}" if sending.case else "outbox"


def _fill(mail: EmailMessage, words: str, files: list[File]) -> None:
    left_out = [file.name for file in files if file.content is None]
    if left_out:
        words += f"\n\n(Non allegato / not attached: {', '.join(left_out)})"
    mail.set_content(words.rstrip() + "\n", charset="utf-8")
    for file in files:
        if file.content is not None:
            main, _, sub = (mimetypes.guess_type(file.name)[0] or "application/octet-stream").partition("/")
            mail.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
