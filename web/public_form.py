"""What a citizen may write in the form on the public page, and what is wrong with it, field by field. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from email_validator import EmailNotValidError, validate_email

from cases.requester import Region, Requester
from cases.state import WORDS_MAX
from centralino.people import e164

LINE_MAX = 200
ADDRESS_MAX = 254  # of a mail, in RFC 5321
FIELDS = ("entity", "topic", "subject", "words", "name", "phone", "mail", "requester", "region", "consent")
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Site:
    """The public pages as the deployment has them. `entities`: id → name; `host`: under which they are asked for."""

    host: str
    privacy_notice: str
    entities: Mapping[str, str]
    topics: tuple[str, ...] = ()

    def topic_names(self) -> list[tuple[str, str]]:
        """Each id, and as it is read."""
        return [(topic, re.sub("[-_]", " ", topic)) for topic in self.topics]


@dataclass(frozen=True, slots=True)
class Form:
    """`values` by field, as they were written; `errors`: the name of what is said of it, by field, in their order."""

    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)

    def fingerprint(self, nonce: str) -> str:
        """The same for the same form with the same in it, however often it is sent."""
        parts = [nonce, *(self.values[name] for name in FIELDS)]
        return sha256("\0".join(parts).encode()).hexdigest()


def empty(site: Site) -> Form:
    only = next(iter(site.entities)) if len(site.entities) == 1 else ""
    return Form(dict.fromkeys(FIELDS, "") | {"entity": only})


def read(sent: Mapping[str, str], site: Site) -> Form:
    """What was sent, and what is wrong with it."""
    values = {name: _text(sent.get(name, "")) for name in FIELDS}
    if len(site.entities) == 1:
        values["entity"] = next(iter(site.entities))
    if not site.topics:
        values["topic"] = ""
    wrong = {name: _CHECKS[name](values[name], site) for name in FIELDS}
    return Form(values, {name: error for name, error in wrong.items() if error})


def _text(sent: str) -> str:
    return _UNSEEN.sub("", sent.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _entity(value: str, site: Site) -> str:
    return "" if value in site.entities else "error_entity"


def _topic(value: str, site: Site) -> str:
    return "" if value in ("", *site.topics) else "error_choice"


def _words(value: str, _: Site) -> str:
    if not value:
        return "error_no_words"
    return "error_many_words" if len(value) > WORDS_MAX else ""


def _line(value: str, _: Site) -> str:
    if "\n" in value:
        return "error_line_breaks"
    return "error_long" if len(value) > LINE_MAX else ""


def _phone(value: str, _: Site) -> str:
    return "" if not value or e164(value) else "error_phone"


def _mail(value: str, _: Site) -> str:
    if len(value) > ADDRESS_MAX:
        return "error_mail"
    try:
        if value:
            validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        return "error_mail"
    return ""


def _requester(value: str, _: Site) -> str:
    return "" if value in ("", *Requester) else "error_choice"


def _region(value: str, _: Site) -> str:
    return "" if value in ("", *Region) else "error_choice"


def _consent(value: str, _: Site) -> str:
    return "" if value == "yes" else "error_consent"


_CHECKS: Mapping[str, Callable[[str, Site], str]] = {
    "entity": _entity,
    "topic": _topic,
    "subject": _line,
    "words": _words,
    "name": _line,
    "phone": _phone,
    "mail": _mail,
    "requester": _requester,
    "region": _region,
    "consent": _consent,
}
