"""The form of agents.yaml. What its words mean is in agents/roster.py."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
)

from agents.roster import Make
from centralino.durations import between
from centralino.forms.fields import AsteriskName, Form, Language, Level, Name, Names, ShownName, e164, matching, refuse
from centralino.located import did_you_mean, shown


def _pin(text: str) -> str:
    """Only the hash may stand here: whoever reads the file must not be able to sign in as somebody else."""
    if not re.fullmatch(r"\$argon2id\$[A-Za-z0-9+/=,$-]{40,200}", text):
        refuse(f"{shown(text)} is no PIN's hash", "make it with `centralino agents pin`")
    return text


class SiteForm(Form):
    """`phone`: the number that those whom its phones call in an emergency see."""

    name: ShownName
    node: Name
    seats: Annotated[int, Field(ge=1, le=10_000)]
    phone: Annotated[str, AfterValidator(e164)] | None = None


MAC_DIGITS = 12


def bare_mac(text: str) -> str:
    """The digits alone, in small, of an address as labels and routers write it; also of what is none."""
    return re.sub("[:.-]", "", text).lower()


def _mac(text: str) -> str:
    mac = bare_mac(text)
    if not re.fullmatch(f"[0-9a-f]{{{MAC_DIGITS}}}", mac):
        refuse(f"{shown(text)} is no MAC address", 'twelve hex digits, as on the phone\'s label: `"80:5e:c0:12:34:56"`')
    if int(mac[1], 16) & 1 or not mac.strip("0"):
        refuse(f"{shown(text)} is the MAC address of no phone", "copy the one on the phone's label")
    return mac


def _make(text: str) -> str:
    return text if text in set(Make) else refuse(f"unknown make {shown(text)}", did_you_mean(text, Make))


class PhoneForm(Form):
    site: Name
    mac: Annotated[str, AfterValidator(_mac)] | None = None
    make: Annotated[str, AfterValidator(_make)] | None = None


NumberToDial = Annotated[str, matching("[0-9]{2,8}", "is no number to dial", "2 to 8 digits, in quotes")]


class AgentForm(Form):
    name: ShownName
    site: Name
    skills: dict[Name, Level]
    languages: Annotated[dict[Language, Level], Field(min_length=1)]
    phone: Name | None = None
    shift: Name | None = None
    number: NumberToDial | None = None
    pin: Annotated[str, AfterValidator(_pin)] | None = None


class SupervisorForm(Form):
    """They have a `phone`, or `number` and `pin`, or all; crosschecks.py looks at that."""

    name: ShownName
    phone: Name | None = None
    number: NumberToDial | None = None
    pin: Annotated[str, AfterValidator(_pin)] | None = None
    sites: Names | None = None
    queues: Names | None = None


class PauseForm(Form):
    name: Annotated[dict[Language, ShownName], Field(min_length=1)]
    longest: Annotated[float, between("1m", "24h")] | None = None


PauseKeys = Annotated[
    str, matching("[0-9]{1,2}", "is not what is keyed in for a pause", "one or two digits, in quotes")
]


class RosterForm(Form):
    sites: Annotated[dict[Name, SiteForm], Field(min_length=1)]
    phones: dict[AsteriskName, PhoneForm]
    agents: dict[Name, AgentForm]
    shifts: dict[Name, dict[str, Any]] = {}
    longest_pause: Annotated[float, between("1m", "24h")] | None = None
    pauses: dict[PauseKeys, PauseForm] = {}
    second_sign_in: Literal["refuse", "move"] = "refuse"
    supervisors: dict[Name, SupervisorForm] = {}
