"""What another mail server reports of a mail of ours: that it could not be delivered, is late, was read."""

import re
from dataclasses import dataclass
from email.message import Message
from typing import Any

from centralino.people import cleaned

TEXT_MAX = 200_000  # characters of a part that are searched
FIELDS = ("Action", "Final-Recipient", "Status", "Diagnostic-Code", "Disposition")
MACHINES = ("mailer-daemon", "postmaster")
# As centralino/mails.py names them: case, the case's number, the message's number in the outbox, its instant.
OUR_ID = re.compile(r"case\.(\d{8,20})\.(\d{1,9})\.(\d{14})@")


@dataclass(frozen=True, slots=True)
class Report:
    """`about`: the Message-IDs that are ours in it; `words`: what it says."""

    about: tuple[str, ...]
    words: str


def report_in(message: Message, sender: str) -> Report | None:
    """None: it is no report."""
    try:
        is_report = message.get_content_type() == "multipart/report"
        if not is_report and sender.partition("@")[0].lower() not in MACHINES:
            return None
        parts = list(message.walk())[:100]
        ids = dict.fromkeys(found[0] for part in parts for found in OUR_ID.finditer(_searched(part)))
        return Report(tuple(ids), cleaned("; ".join(_said(parts)), 1_000))
    except Exception:  # as in cases/incoming_mails.py
        return None


def _searched(part: Any) -> str:
    """Its headers and, of text, its words."""
    headers = " ".join(str(part.get(name, "")) for name in ("message-id", "in-reply-to", "references"))
    if part.get_content_maintype() != "text":
        return headers
    return headers + bytes(part.get_payload(decode=True) or b"")[:TEXT_MAX].decode("latin-1")


def _said(parts: list[Any]) -> list[str]:
    blocks = [block for part in parts if part.get_content_type().startswith("message/d") for block in _blocks(part)]
    return [f"{name}: {block[name]}" for block in blocks for name in FIELDS if block.get(name)]


def _blocks(part: Any) -> list[Any]:
    inner = part.get_payload()
    return inner if isinstance(inner, list) else []
