"""The form of what stands before a sheet's text, in `knowledge/`. What it means is in cases/sheets.py."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from centralino.forms.fields import CalendarDay, Form, Language, Name, ShownName, e164


class SheetForm(Form):
    title: ShownName
    kind: Literal["service", "office", "faq"]
    owner: ShownName
    entity: Name | None = None
    topics: list[Name] = []
    language: Language = "it"
    valid_until: CalendarDay | None = None
    keywords: list[ShownName] = []
    address: ShownName | None = None
    phones: list[Annotated[str, AfterValidator(e164)]] = []
    hours: dict[str, Any] | None = None
