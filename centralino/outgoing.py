"""Whom we call outside, as whom, and through which carriers: decided here for offices, call-backs, agents and phones.

The longest beginning of a number that a rule names decides, so that `+39199` may be allowed where `+391` is denied.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

import phonenumbers

from asterisk.carrier import EMERGENCY_NUMBERS, Allowed

COUNTRY = "IT"  # of a number without its country
HOME = "+39"
# What costs more than a call, as frauds know: 1… (144, 166, 178, 199 and other services), 4… (paid services of mobile
# networks), 70… (access to the internet), 0878 and 89… (892 to 899); 00… is a way abroad in disguise, and so is 0549,
# San Marino.
COSTLY = ("+3900", "+390549", "+390878", "+391", "+394", "+3970", "+3989")


class NotCalled(StrEnum):
    """Why a number is not called."""

    NO_NUMBER = "it is no telephone number"
    COSTLY = "it is a premium or special number"
    FOREIGN = "it is abroad, and nothing in `outgoing` allows that"
    NOT_ALLOWED = "nothing in `outgoing` allows it"
    DENIED = "`outgoing` denies it"
    NO_CARRIER = "no carrier takes calls"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What centralino.yaml says of calls outside. Numbers and their beginnings are in E.164.

    `carriers`: those that take calls, in order; `through`: which of them, for numbers with such a beginning.
    `caller_ids`: the number that each entity shows; without one, it is the number that was called.
    """

    carriers: tuple[str, ...] = ()
    allow: tuple[str, ...] = (HOME,)
    deny: tuple[str, ...] = ()
    through: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    caller_ids: Mapping[str, str] = field(default_factory=dict)

    def shown_for(self, entity: str, service: str) -> str:
        """The number that those see who are called for `entity`, by way of the number `service`."""
        return self.caller_ids.get(entity, service)


@dataclass(frozen=True, slots=True)
class Refused:
    number: str
    why: NotCalled


def may_call(dialled: str, rules: Outgoing) -> Allowed | Refused:
    """Whether and how `dialled` (E.164, or as dialled in Italy) is called. Emergency numbers always are."""
    number = e164(dialled)
    if number.removeprefix(HOME) in EMERGENCY_NUMBERS:
        return _through(number.removeprefix(HOME), rules.carriers)
    if why := _why_not(number, rules):
        return Refused(number or dialled, why)
    return _through(number, rules.through.get(_longest(rules.through, number), rules.carriers))


def _through(number: str, carriers: tuple[str, ...]) -> Allowed | Refused:
    return Allowed(number, carriers) if carriers else Refused(number, NotCalled.NO_CARRIER)


def _why_not(number: str, rules: Outgoing) -> NotCalled | None:
    if not number or not phonenumbers.is_possible_number(phonenumbers.parse(number)):
        return NotCalled.NO_NUMBER
    allowed, denied, costly = (len(_longest(starts, number)) for starts in (rules.allow, rules.deny, COSTLY))
    if denied and denied >= allowed:
        return NotCalled.DENIED
    if costly and costly > allowed:
        return NotCalled.COSTLY
    if allowed:
        return None
    return NotCalled.NOT_ALLOWED if number.startswith(HOME) else NotCalled.FOREIGN


def _longest(starts: Iterable[str], number: str) -> str:
    """The longest of `starts` with which `number` begins; empty: it begins with none."""
    return max((start for start in starts if number.startswith(start)), key=len, default="")


def e164(dialled: str) -> str:
    """`055 27 68`, `0039 055 2768`, `+39 055 2768` → `+390552768`; empty where it is no number."""
    with suppress(phonenumbers.NumberParseException):
        parsed = phonenumbers.parse(dialled, COUNTRY)
        if parsed.extension is None and not set(dialled) - set("+0123456789 -./()"):
            return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return ""
