"""The form of entities.yaml. What its words mean is in cases/entities.py."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
)

from cases.clocks import read_term
from centralino.durations import between
from centralino.forms.fields import Dialled, Form, Name, Number, ShownName, e164, refuse
from centralino.located import shown


class OfficeForm(Form):
    """It has a `queue`, a `phone`, or both; crosschecks.py looks at that."""

    name: ShownName
    queue: Name | None = None
    answer_within: Annotated[float, between("5s", "1h")] = 60.0
    phone: Annotated[str, AfterValidator(e164)] | None = None
    hours: dict[str, Any] | None = None
    dialled: Dialled | None = None


def _term(text: str) -> str:
    if read_term(text):
        return text
    refuse(f"{shown(text)} is no time to answer in", "write `same day`, `7 days`, `5 working days` or `4h`")


class PromiseForm(Form):
    """By when a case is answered. A list is one condition: any of them fits."""

    within: Annotated[str, AfterValidator(_term)]
    kinds: list[Literal["information", "report", "intervention", "complaint", "compliment"]] = []
    topics: list[Name] = []
    channels: list[Literal["call", "voicemail", "mail", "form", "letter", "fax"]] = []
    complex: Literal[True] | None = None
    warn: Annotated[float, between("0s", "30d")] = 86_400.0


Reopening = Annotated[float, between("0s", "365d")]


Told = list[Literal["taken in", "handed over", "answered", "closed", "reopened"]]


class EntityForm(Form):
    name: ShownName
    numbers: Annotated[list[Number], Field(min_length=1)]
    offices: dict[Name, OfficeForm] = {}
    promises: list[PromiseForm] | None = None
    reopen_within: Reopening | None = None
    tell: Told | None = None
    working_days: dict[str, Any] | None = None


class EntitiesForm(Form):
    """`promises`, `reopen_within`, `tell` and `working_days` are those of every entity that has none of its own."""

    entities: dict[Name, EntityForm]
    topics: list[Name] = []
    promises: list[PromiseForm] = []
    reopen_within: Reopening = 0.0
    tell: Told = []
    working_days: dict[str, Any] | None = None
