"""The form of a dialplan, and of dialplans/shared/. What its words mean is in ivr/menu.py."""

import re
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    model_validator,
)

from centralino.clock import FIRST_YEAR, LAST_YEAR, is_in_our_time
from centralino.durations import between
from centralino.forms.fields import (
    CalendarDay,
    Form,
    Language,
    MenuKey,
    Name,
    Number,
    ShownName,
    Texts,
    e164,
    known_zone,
    matching,
    refuse,
)
from centralino.located import TAG, shown
from ivr.hours import DAYS, is_day
from ivr.rehearsal import SILENCE


class RecordedForm(Form):
    file: Name


class AlsoForm(Form):
    """`also: {en: "For English press 9."}`: each text by the voice of its language, to all who speak another one."""

    also: Texts

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, value: dict[str, object]) -> dict[str, object]:
        if len(value) > 1:
            refuse("`also` is a piece of its own", 'write `say: [{it: "…"}, {also: {en: "…"}}]`')
        return value


def _kind_of_words(value: object) -> str:
    if isinstance(value, list):
        return f"{TAG}several"
    special = next((key for key in ("also", "file") if key in value), None) if isinstance(value, dict) else None
    return f"{TAG}{special or 'texts'}"


Piece = Annotated[
    Annotated[Texts, Tag(f"{TAG}texts")]
    | Annotated[RecordedForm, Tag(f"{TAG}file")]
    | Annotated[AlsoForm, Tag(f"{TAG}also")],
    Discriminator(_kind_of_words),
]
WordsForm = Annotated[
    Annotated[Texts, Tag(f"{TAG}texts")]
    | Annotated[RecordedForm, Tag(f"{TAG}file")]
    | Annotated[AlsoForm, Tag(f"{TAG}also")]
    | Annotated[list[Piece], Field(min_length=1), Tag(f"{TAG}several")],
    Discriminator(_kind_of_words),
]
Wait = Annotated[float, between("1s", "60s")]
Tries = Annotated[int, Field(ge=1, le=9)]


class KeyForm(Form):
    go: Name
    language: Language | None = None
    entity: Name | None = None


def _key(value: object) -> object:
    return {"go": value} if isinstance(value, str) else value


KeyOrStep = Annotated[KeyForm, BeforeValidator(_key, json_schema_input_type=str | KeyForm)]


class MenuForm(Form):
    say: WordsForm
    keys: Annotated[
        dict[MenuKey, Annotated[KeyForm, BeforeValidator(_key, json_schema_input_type=str | KeyForm)]],
        Field(min_length=1),
    ]
    otherwise: Name
    wait: Wait = 5.0
    tries: Tries = 3


DIGITS_MAX = 20


def _digits(value: object) -> tuple[int, int]:
    """`5`, or `"4-16"` → least and most."""
    found = re.fullmatch("([0-9]{1,2})(?:-([0-9]{1,2}))?", str(value))
    least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if isinstance(value, bool) or not 1 <= least <= most <= DIGITS_MAX:
        refuse(f"{shown(value)} is no count of digits", f'write `5`, or `"4-16"`: from 1 to {DIGITS_MAX}')
    return least, most


class AskForm(Form):
    say: WordsForm
    note: Name
    digits: Annotated[tuple[int, int], PlainValidator(_digits, json_schema_input_type=int | str)]
    otherwise: Name
    confirm: bool = False
    wait: Wait = 5.0
    tries: Tries = 3


class TransferForm(Form):
    to: Annotated[str, matching("[A-Za-z0-9_-]+/[A-Za-z0-9_-]+", "is no office", "write `ENTITY/OFFICE`")]
    otherwise: Name
    say: WordsForm | None = None
    ring: Annotated[float, between("5s", "2m")] = 30.0


class VoicemailForm(Form):
    box: Name = Field(alias="for")
    say: WordsForm | None = None
    longest: Annotated[float, between("5s", "30m")] = 180.0


class CallBackForm(Form):
    queue: Name
    otherwise: Name
    say: WordsForm | None = None
    wait: Wait = 5.0
    tries: Tries = 3


class CaseStatusForm(Form):
    say: WordsForm | None = None
    otherwise: Name | None = None
    wait: Wait = 5.0
    tries: Tries = 3


def _several(value: object) -> object:
    return value if isinstance(value, list | dict) else [value]


Several = BeforeValidator(_several, json_schema_input_type=str | list[str])


WITHHELD = "withheld"  # where a caller's number would stand


def _prefix(text: str) -> str:
    if text != WITHHELD and not re.fullmatch(r"\+[1-9][0-9]{0,14}", text):
        refuse(f"{shown(text)} is no beginning of a number", 'write it with the country: `"+39055"`, or `withheld`')
    return text


def _day(text: str) -> str:
    """A day of the week, of each year, or of the calendar."""
    if text not in DAYS and not is_day(text):
        refuse(f"{shown(text)} is no day", "write `sat`, `12-24` or `2026-12-24`")
    return text


class BranchForm(Form):
    """One with `go` alone holds always, and is the last; crosschecks.py looks at that."""

    go: Name
    open: Name | None = None
    language: Annotated[list[Language] | None, Several] = None
    caller: Annotated[list[Annotated[str, AfterValidator(_prefix)]] | None, Several] = None
    day: Annotated[list[Annotated[str, AfterValidator(_day)]] | None, Several] = None
    queue: Name | None = None
    waiting_over: Annotated[int, Field(ge=0, le=10_000)] | None = None
    nobody_signed_in: Literal[True] | None = None
    expected_wait_over: Annotated[float, between("1s", "24h")] | None = None


QUEUE_CONDITIONS = ("waiting_over", "nobody_signed_in", "expected_wait_over")


def _instant(value: object) -> datetime:
    """A local time, such as `2026-12-24 18:00`; a day alone is its beginning."""
    instant = None
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2})?", str(value)):
        with suppress(ValueError):
            instant = datetime.fromisoformat(str(value))
    if instant and not is_in_our_time(instant):
        refuse(f"the year of {shown(value)} is out of range", f"from {FIRST_YEAR} to {LAST_YEAR}")
    if instant:
        return instant
    refuse(f"{shown(value)} is no instant", "write `2026-12-24 18:00`, or `2026-12-24` for the beginning of that day")


Instant = Annotated[datetime, PlainValidator(_instant, json_schema_input_type=str)]


def _presses(value: object) -> object:
    """`"1,wait,12345#"` or a list of these."""
    if isinstance(value, list | dict):
        return value
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else [value]


def _press(keys: str) -> str:
    if keys != SILENCE and not re.fullmatch("[0-9*#]{1,40}", keys):
        refuse(f"{shown(keys)} cannot be pressed", f'write keys such as `"1,12345#"`, or `{SILENCE}` for silence')
    return keys


def _caller(number: str | None) -> str | None:
    return number if number is None or number == WITHHELD else e164(number)


ENDS = ("queue", "voicemail", "office", "call-back")


def _end(text: str) -> str:
    kind, _, name = text.partition(" ")
    if text != "hang up" and (kind not in ENDS or not name or " " in name):
        refuse(f"{shown(text)} is no end of a call", f"write `hang up`, or one of {', '.join(ENDS)} and its name")
    return text


class NoticeForm(Form):
    say: WordsForm
    begins: Instant | None = Field(None, alias="from")
    ends: Instant | None = Field(None, alias="until")


class HangUpForm(Form):
    say: WordsForm | None = None


class StepForm(Form):
    """Exactly one kind is set; that, and which of them `then` goes with, crosschecks.py looks at."""

    say: WordsForm | None = None
    menu: MenuForm | None = None
    ask: AskForm | None = None
    queue: Name | None = None
    transfer: TransferForm | None = None
    voicemail: VoicemailForm | None = None
    callback: CallBackForm | None = None
    case_status: CaseStatusForm | None = None
    choose: Annotated[list[BranchForm], Field(min_length=2)] | None = None
    language: Language | None = None
    notice: NoticeForm | None = None
    hang_up: HangUpForm | None = None
    then: Name | None = None


STEP_KINDS = tuple(name for name in StepForm.model_fields if name != "then")
NEED_THEN = ("say", "ask", "language", "notice")  # what these do is over soon, and the call must go somewhere
MAY_HAVE_THEN = (*NEED_THEN, "callback", "case_status")


class SharedForm(Form):
    """`dialplans/shared/*.yaml`: steps that several dialplans include."""

    steps: Annotated[dict[Name, StepForm], Field(min_length=1)]


class QueueStateForm(Form):
    waiting: Annotated[int, Field(ge=0)] = 0
    signed_in: Annotated[int, Field(ge=0)] = 1
    expected_wait: Annotated[float, between("0s", "24h")] | None = None


class CaseStateForm(Form):
    proof: Annotated[str, matching("[0-9]{4}", "is no proof", "four digits, in quotes")]
    open: bool = True
    opened: CalendarDay


Presses = Annotated[
    list[Annotated[str, AfterValidator(_press)]], BeforeValidator(_presses, json_schema_input_type=str | list[str])
]


class ScenarioForm(Form):
    """A caller whom the admin has thought of: when, what they press, and where it must end."""

    at: Instant
    ends: Annotated[str, AfterValidator(_end)]
    press: Presses = []
    caller: Annotated[str | None, AfterValidator(_caller)] = Field(None, alias="from")
    queues: dict[Name, QueueStateForm] = {}
    offices_away: list[str] = []
    cases: dict[Annotated[str, matching("[0-9]{8,12}", "is no case", "its digits, in quotes")], CaseStateForm] = {}
    says: Annotated[list[str], Several] = []
    language: Language | None = None
    entity: Name | None = None


class DialplanForm(Form):
    number: Number
    name: ShownName
    languages: Annotated[list[Language], Field(min_length=1)]
    start: Name
    steps: Annotated[dict[Name, StepForm], Field(min_length=1)]
    old_numbers: list[Number] = []
    entity: Name | None = None
    time_zone: Annotated[str, AfterValidator(known_zone)] | None = None
    hours: dict[str, Any] | None = None  # ivr/hours.py reads it
    other_hours: dict[Name, dict[str, Any]] = {}
    closed: Name | None = None
    include: list[Name] = []
    tests: list[ScenarioForm] = []
