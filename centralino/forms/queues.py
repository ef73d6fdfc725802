"""The form of queues.yaml. What its words mean is in acd/rules.py."""

import difflib
import re
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    model_validator,
)

from acd.rules import Pick
from centralino.durations import between
from centralino.forms.fields import Dialled, Form, Level, MailAddress, MenuKey, Name, Number, Texts, matching, refuse
from centralino.located import TAG, did_you_mean, shown
from ivr.hours import read_hours


def _percent(value: object) -> float:
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%", str(value))
    if not found:
        number = float(value) if isinstance(value, int | float) else 80.0
        refuse(f"{shown(value)} is not a percentage", f"write `{number * 100 if 0 < number < 1 else number:g}%`")
    if not 0 < float(found.group(1)) <= 100:
        refuse(f"{shown(value)} is out of range", "over 0% and up to 100%")
    return float(found.group(1)) / 100


Percent = Annotated[float, BeforeValidator(_percent, json_schema_input_type=str)]
GOTO_WORDS = ("voicemail", "hang_up")
GOTO_HINT = "write `voicemail`, `{queue: NAME}`, `{step: NAME}` or `hang_up`"


def _word_to_go(value: object) -> str:
    if value in GOTO_WORDS:
        return str(value)
    if isinstance(value, list):
        refuse("this is no place to go", GOTO_HINT)
    close = difflib.get_close_matches(str(value), GOTO_WORDS, n=1)
    refuse(f"{shown(value)} is no place to go", f"did you mean `{close[0]}`?" if close else GOTO_HINT)


class ThereForm(Form):
    queue: Name | None = None
    step: Name | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            refuse("this is no place to go", GOTO_HINT)
        return self


def _kind_of_goto(value: object) -> str:
    return f"{TAG}{'there' if isinstance(value, dict) else 'word'}"


GotoForm = Annotated[
    Annotated[
        str, PlainValidator(_word_to_go, json_schema_input_type=Literal["voicemail", "hang_up"]), Tag(f"{TAG}word")
    ]
    | Annotated[ThereForm, Tag(f"{TAG}there")],
    Discriminator(_kind_of_goto),
]


class TargetForm(Form):
    answer: Percent = 0.8
    within: Annotated[float, between("1s", "1h")] = 20.0


class LongestWaitForm(Form):
    after: Annotated[float, between("5s", "24h")]
    then: GotoForm


class FullForm(Form):
    waiting: Annotated[int, Field(ge=1, le=10_000)]
    then: GotoForm


class MessagesForm(Form):
    """A queue's voicemail: what callers hear, where messages go too, and for how long they are kept."""

    say: Texts | None = None
    mail: MailAddress | None = None
    keep: Annotated[float, between("1d", "3650d")] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            refuse("nothing is said here", 'write `say: {it: "…"}`, `mail: "office@comune.example"` or `keep: 90d`')
        return self


class RelaxForm(Form):
    after: Annotated[float, between("5s", "24h")]
    needs: dict[Name, Level]


class SiteRulesForm(Form):
    """A further site: when it opens for the queue, and how many of its agents it lends."""

    after: Annotated[float, between("1s", "24h")] | None = None
    or_waiting_over: Annotated[int, Field(ge=0, le=10_000)] | None = None
    or_when_nobody_at: Name | None = None
    or_expected_wait_over: Annotated[float, between("1s", "24h")] | None = None
    by_hand: Literal[True] | None = None
    back_after: Annotated[float, between("0s", "24h")] = 300.0
    agents_at_most: Annotated[int, Field(ge=1, le=10_000)] | None = None
    keep_free: Annotated[int, Field(ge=0, le=10_000)] = 0


def _way_to_pick(text: str) -> str:
    return text if text in set(Pick) else refuse(f"unknown way to pick {shown(text)}", did_you_mean(text, Pick))


def _kind_of_site(value: object) -> str:
    return f"{TAG}rules" if isinstance(value, dict) else f"{TAG}name"


SiteOfQueue = Annotated[
    Annotated[Name, Tag(f"{TAG}name")]
    | Annotated[dict[Name, SiteRulesForm], Field(min_length=1, max_length=1), Tag(f"{TAG}rules")],
    Discriminator(_kind_of_site),
]


class HeadStartForm(Form):
    """At least one condition stands beside `by`; crosschecks.py looks at that."""

    by: Annotated[float, between("1s", "24h")]
    number: Number | None = None
    entity: Name | None = None
    step: Name | None = None
    caller: (
        Annotated[str, matching(r"\+[1-9][0-9]{0,14}", "is no beginning of a number", 'write `"+39055"`')] | None
    ) = None
    nth_call_today: Annotated[int, Field(ge=2, le=100)] | None = None
    open_case: Literal[True] | None = None


class QueueCallBackForm(Form):
    key: MenuKey
    after: Annotated[float, between("0s", "24h")] = 0.0


class WhileWaitingForm(Form):
    position_every: Annotated[float, between("10s", "1h")] | None = None
    expected_wait: bool = False
    callback: QueueCallBackForm | None = None
    voicemail_key: MenuKey | None = None


def _span_of_a_day(text: str) -> str:
    hours, mistakes = read_hours({"mon-sun": text})
    if mistakes or len(hours.week[0]) != 1:
        refuse(f"{shown(text)} is no span of a day", 'write `"08:00-21:00"`')
    return text


class CallBackRulesForm(Form):
    ring: Annotated[float, between("5s", "1m")] = 30.0
    hours: Annotated[str, AfterValidator(_span_of_a_day)] = "08:00-21:00"
    again_after: Annotated[list[Annotated[float, between("1m", "24h")]], Field(max_length=10)] = [600.0, 3600.0]


class RecordingForm(Form):
    refuse_key: MenuKey
    keep: Annotated[float, between("1d", "3650d")]
    longest_pause: Annotated[float, between("0s", "1h")] = 300.0


class UnansweredForm(Form):
    most: Annotated[int, Field(ge=1, le=100)] = 3
    pause: Annotated[float, between("10s", "24h")] = 300.0


class QueueForm(Form):
    needs: Annotated[dict[Name, Level], Field(min_length=1)]
    relax: list[RelaxForm] = []
    pick: Annotated[str, AfterValidator(_way_to_pick)] = Pick.BEST_SKILL
    ring: Annotated[float, between("5s", "2m")] = 20.0
    wrap_up: Annotated[float, between("0s", "1h")] = 30.0
    longest_wrap_up: Annotated[float, between("10s", "4h")] | None = None
    target: TargetForm = TargetForm()
    sites: Annotated[list[SiteOfQueue], Field(min_length=1)] | None = None
    longest_wait: LongestWaitForm | None = None
    full: FullForm | None = None
    voicemail: MessagesForm | None = None
    while_waiting: WhileWaitingForm = WhileWaitingForm()
    call_backs: CallBackRulesForm = CallBackRulesForm()
    recording: RecordingForm | None = None
    head_start: list[HeadStartForm] = []
    unanswered: UnansweredForm = UnansweredForm()
    whisper: bool = False
    dialled: Dialled | None = None


class QueuesForm(Form):
    queues: Annotated[dict[Name, QueueForm], Field(min_length=1)]
