"""The form of entities.yaml. What its words mean is in cases/entities.py."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
)

from centralino.durations import between
from centralino.forms.fields import Dialled, Form, Name, Number, ShownName, e164


class OfficeForm(Form):
    """It has a `queue`, a `phone`, or both; crosschecks.py looks at that."""

    name: ShownName
    queue: Name | None = None
    answer_within: Annotated[float, between("5s", "1h")] = 60.0
    phone: Annotated[str, AfterValidator(e164)] | None = None
    hours: dict[str, Any] | None = None
    dialled: Dialled | None = None


class EntityForm(Form):
    name: ShownName
    numbers: Annotated[list[Number], Field(min_length=1)]
    offices: dict[Name, OfficeForm] = {}


class EntitiesForm(Form):
    entities: dict[Name, EntityForm]
    topics: list[Name] = []
