"""What a form is, and what may stand in the keys that several of the YAML files have."""

import re
from contextlib import suppress
from datetime import date
from functools import lru_cache
from typing import Annotated, NoReturn
from zoneinfo import available_timezones

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
)
from pydantic_core import PydanticCustomError

from centralino.located import did_you_mean, shown

MENU_KEYS = "0123456789*#"
PORT_MAX = 65_535
RTP_PORTS_LEAST = 3  # a call takes two


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def refuse(what: str, hint: str) -> NoReturn:
    """Raise what pydantic collects as an error with this text."""
    raise PydanticCustomError("mistake", "{what}", {"what": what, "hint": hint})


def matching(pattern: str, what: str, hint: str) -> AfterValidator:
    def validate(text: str) -> str:
        return text if re.fullmatch(pattern, text) else refuse(f"{shown(text)} {what}", hint)

    return AfterValidator(validate)


Name = Annotated[
    str, matching("[A-Za-z0-9][A-Za-z0-9_-]{0,39}", "is not a name", "letters, digits, `-` and `_`, at most 40")
]
AsteriskName = Annotated[
    str,
    matching(
        "(?!carrier$|carrier-|global$|system$|transport-)(?!.*-auth$)[A-Za-z][A-Za-z0-9_-]{0,31}",
        "is no name that Asterisk can use",
        "a letter, then letters, digits, `-` and `_`, at most 32; not carrier, global, system, nor ending in -auth",
    ),
]
Language = Annotated[str, matching("[a-z]{2}", "is not a language", "write its two letters: `it`, `en`")]
Number = Annotated[
    str, matching("[0-9]{2,15}", "is not a number", "2 to 15 digits as dialled in Italy, in quotes, without +39")
]
MenuKey = Annotated[str, matching("[0-9*#]", "is not a key of a phone", f"one of {' '.join(MENU_KEYS)}, in quotes")]
ShownName = Annotated[
    str, matching(r"(?=.*\S)[^\x00-\x1f\x7f]{1,200}", "cannot be shown as a name", "1 to 200 characters, on one line")
]
Text = Annotated[
    str, matching(r"(?s)(?=.*\S)[^\x00-\x08\x0b-\x1f\x7f]{1,4000}", "cannot be said", "1 to 4000 characters")
]
Dialled = Annotated[str, matching("[0-9]{2,6}", "is no number to key in", "2 to 6 digits, in quotes")]
NumberStart = Annotated[
    str, matching(r"\+[1-9][0-9]{0,14}", "is no beginning of a number", 'write it with the country: `"+39055"`')
]
Texts = Annotated[dict[Language, Text], Field(min_length=1)]
Names = Annotated[list[Name], Field(min_length=1)]
Level = Annotated[int, Field(ge=1, le=5)]


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads hundreds of files


def known_zone(name: str) -> str:
    zones = _zones()
    return name if name in zones else refuse(f"unknown time zone {shown(name)}", did_you_mean(name, sorted(zones)))


def _calendar_day(value: object) -> date:
    with suppress(ValueError):
        return date.fromisoformat(str(value))
    refuse(f"{shown(value)} is no day of the calendar", "write `2026-12-24`")


CalendarDay = Annotated[date, PlainValidator(_calendar_day, json_schema_input_type=str)]


def _mail_address(text: str) -> str:
    with suppress(EmailNotValidError):
        if address := validate_email(text, check_deliverability=False).ascii_email:
            return address
    refuse(f"{shown(text)} is no mail address", "write `office@comune.example`")


MailAddress = Annotated[str, AfterValidator(_mail_address)]


def e164(text: str) -> str:
    """E.164, as the office's own people would give it to somebody abroad."""
    with suppress(phonenumbers.NumberParseException):
        if text.startswith("+") and phonenumbers.is_possible_number(phonenumbers.parse(text)):
            return phonenumbers.format_number(phonenumbers.parse(text), phonenumbers.PhoneNumberFormat.E164)
    refuse(f"{shown(text)} is no telephone number", 'write it with the country: `"+39055123456"`')
