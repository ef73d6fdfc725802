"""A mail as it came (bytes) → what is in it. Pure, and never raises: nothing that strangers send may stop us.

What cannot be read, or is too much, is left to the mail itself, which is always kept whole beside what is read here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from hashlib import sha256
from typing import Any

from email_validator import EmailNotValidError, validate_email

from cases.mail_reports import Report, report_in
from cases.mail_texts import decoded, text_of_html
from cases.state import WORDS_MAX
from centralino.people import cleaned

HEADER_MAX = 2_000  # characters that are looked at: the parser of the standard library is slow on long ones
LINE_MAX = 200
IDS_MAX = 50
PARTS_MAX = 500
ATTACHMENTS_MAX = 100
# Each line is held against the boundary of each part that it is in, and a part is as much work as 1,000 lines.
WORK_MAX = 4_000_000  # about two seconds
LEFT_TO_THE_MAIL = "[Non leggibile qui: si veda l'allegato mail.eml. / Cannot be read here: see the attached mail.eml.]"
CUT = "[Continua nell'allegato. / Goes on in the attachment.]"
PLAIN, HTML = "text/plain", "text/html"

_MESSAGE_ID = re.compile(r"<[^<>\s\x00-\x20\x7f-\U0010ffff]{1,500}>")
_LIKE_AN_ADDRESS = re.compile(r"[^\s<>\"(),;:]{1,64}@[^\s<>\"(),;:]{1,190}")


@dataclass(frozen=True, slots=True)
class Attachment:
    """`name` and `content_type` are as the sender says: never trust them."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """`sender`: the address in From, or empty. `answers`: the Message-IDs that it says it answers, the nearest first.
    `machine`: by which header it says that no person wrote it, or that many have it; empty: none does.
    `fingerprint`: the same for the same mail brought twice, by whatever way.
    """

    sender: str
    name: str
    subject: str
    message_id: str
    answers: tuple[str, ...]
    words: str
    attachments: tuple[Attachment, ...]
    machine: str
    report: Report | None
    fingerprint: str


class _Lenient(policy.EmailPolicy):
    """What the parser of headers stumbles over is taken as text."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        short = value[:HEADER_MAX]
        try:
            return super().header_fetch_parse(name, short)
        except Exception:  # of many types, and not all are documented
            return "".join(letter for letter in short if letter.isprintable())


_POLICY = _Lenient()


def read_mail(raw: bytes) -> Mail:
    """What is in it. The empty mail, too, is a mail."""
    head, _, body = raw.partition(b"\r\n\r\n")
    whole = _parsed(raw)
    message = whole if whole is not None else _parsed_head(head)
    sender, name = _sender(message)
    mail = Mail(
        sender=sender,
        name=name,
        subject=cleaned(_header(message, "subject"), LINE_MAX),
        message_id=next(iter(_ids(message, "message-id")), ""),
        answers=tuple(dict.fromkeys((*_ids(message, "in-reply-to"), *reversed(_ids(message, "references"))))),
        words=LEFT_TO_THE_MAIL,
        attachments=(),
        machine=_machine(message),
        report=report_in(message, sender),
        fingerprint=_fingerprint(raw, message, body),
    )
    if whole is None:
        return mail
    try:
        return _filled(mail, whole)
    except Exception:  # as for headers: what the parser made of junk may be junk
        return mail


def mail_address(text: str) -> str:
    """The address, as it is kept; empty: it is none."""
    try:
        return validate_email(text.strip(), check_deliverability=False, globally_deliverable=False).normalized
    except EmailNotValidError:
        return ""


# --- headers


def _parsed(raw: bytes) -> EmailMessage | None:
    """None: it is made to be too much work, or breaks the parser."""
    depth_most = 1 + len(re.findall(rb"(?i)boundary\s*=", raw))
    if raw.count(b"\n") * depth_most + raw.count(b"\n--") * 1_000 > WORK_MAX:
        return None
    try:
        return _made_of(raw)
    except Exception:
        return None


def _made_of(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, EmailMessage, policy=_POLICY)  # type: ignore[arg-type]  # the stubs know it as generic


def _parsed_head(head: bytes) -> EmailMessage:
    try:
        return _made_of(head[:100_000])
    except Exception:
        return EmailMessage(policy=_POLICY)


def _header(message: Message, name: str) -> str:
    try:
        return str(message.get(name, "")).encode("utf-8", "replace").decode()
    except Exception:
        return ""


def _ids(message: Message, name: str) -> list[str]:
    return _MESSAGE_ID.findall(_header(message, name))[:IDS_MAX]


def _sender(message: Message) -> tuple[str, str]:
    """Address and name; the address is empty where it is none."""
    try:
        header: Any = message["from"]
        first = header.addresses[0]
        name, found = first.display_name, mail_address(first.addr_spec)
    except Exception:  # there is none, or it is junk
        name, found = "", ""
    if not found:
        said = next((str(value)[:HEADER_MAX] for key, value in message.raw_items() if key.lower() == "from"), "")
        name, found = said, next(filter(None, map(mail_address, _LIKE_AN_ADDRESS.findall(said)[:3])), "")
    return found, cleaned(name.encode("utf-8", "replace").decode(), LINE_MAX)


def _machine(message: Message) -> str:
    """The header that says so."""
    auto = _header(message, "auto-submitted").strip().lower()
    if auto and not auto.startswith("no"):
        return f"Auto-Submitted: {cleaned(auto, 40)}"
    precedence = _header(message, "precedence").strip().lower()
    if precedence in ("bulk", "junk", "list", "auto_reply"):
        return f"Precedence: {precedence}"
    told = ("list-id", "list-unsubscribe", "x-auto-response-suppress", "x-autoreply", "x-autorespond", "x-loop")
    return next((name for name in told if message.get(name) is not None), "")


def _fingerprint(raw: bytes, message: Message, body: bytes) -> str:
    """why not all of it: on its second way other servers may have put their lines on top."""
    ids = _ids(message, "message-id")
    if not ids:
        return sha256(raw).hexdigest()
    said = [ids[0], *(_header(message, name) for name in ("from", "subject", "date"))]
    return sha256("\n".join(said).encode() + b"\n\n" + body).hexdigest()


# --- words and attachments


def _filled(mail: Mail, message: EmailMessage) -> Mail:
    texts: list[str] = []
    attachments: list[Attachment] = []
    for n, part in enumerate(_leaves(message)):
        if n >= PARTS_MAX or len(attachments) >= ATTACHMENTS_MAX:
            texts.append(LEFT_TO_THE_MAIL)
            break
        if _is_text(part):
            texts.append(_text(part))
        else:
            attachments.append(_attachment(part))
    words = "\n\n".join(text.strip("\r\n") for text in texts if text.strip())
    if len(words) > WORDS_MAX:
        attachments.append(Attachment("text.txt", PLAIN, words.encode()))
        words = f"{words[: WORDS_MAX - len(CUT) - 2]}\n\n{CUT}"
    return replace(mail, words=words, attachments=tuple(attachments))


def _leaves(message: Any) -> Iterator[Any]:
    """The parts that bear something, in order; of alternatives the one that is read best. A mail in it is one part."""
    rest = [message]
    while rest:
        part = rest.pop()
        if part.get_content_maintype() != "multipart" or not isinstance(part.get_payload(), list):
            yield part
            continue
        inner = part.get_payload()
        rest += reversed(_best(inner) if part.get_content_subtype() == "alternative" else inner)


def _best(alternatives: list[Any]) -> list[Any]:
    """The plain text with words in it, and what is no text; else all of them."""
    plain = [part for part in alternatives if part.get_content_type() == PLAIN and _is_text(part)]
    if not any(_text(part).strip() for part in plain):
        return [part for part in alternatives if part not in plain]
    html = [part for part in alternatives if part.get_content_type() == HTML and _is_text(part)]
    return [part for part in alternatives if part not in html]


def _is_text(part: Any) -> bool:
    is_attached = part.get_content_disposition() == "attachment" or part.get_filename()
    return not is_attached and part.get_content_type() in (PLAIN, HTML)


def _text(part: Any) -> str:
    text = decoded(_content(part), str(part.get_content_charset() or ""))
    if part.get_content_type() == HTML:
        found = text_of_html(text)
        return LEFT_TO_THE_MAIL if found is None else found
    return text.replace("\r\n", "\n").replace("\x00", "\ufffd")


def _attachment(part: Any) -> Attachment:
    kind = cleaned(part.get_content_type(), 100)
    name = cleaned(str(part.get_filename() or ""), LINE_MAX)
    if not name:
        name = "mail.eml" if kind == "message/rfc822" else "senza-nome"
    return Attachment(name, kind, _content(part))


def _content(part: Any) -> bytes:
    inner = part.get_payload()
    if isinstance(inner, list):  # a mail in a mail, or a part that says it is made of parts
        return b"\r\n".join(one.as_bytes(policy=policy.compat32) for one in inner)
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else str(inner).encode("utf-8", "replace")
