"""The YAML files as admins write them: which keys there are and what may stand in each.

A key that is not honoured is not here, so that it is an error. What the words mean (frozen, checked, in seconds) is in
acd/rules.py, ivr/menu.py, agents/roster.py and cases/entities.py; names that must exist are checked in crosschecks.py.
"""

import difflib
import ipaddress
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, NoReturn, Self
from zoneinfo import available_timezones

import phonenumbers
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from acd.rules import Pick
from agents.roster import Make
from centralino.clock import FIRST_YEAR, LAST_YEAR, is_in_our_time
from centralino.durations import between
from centralino.located import TAG, did_you_mean, shown
from ivr.hours import DAYS, is_day, read_hours
from ivr.rehearsal import SILENCE

MENU_KEYS = "0123456789*#"
PORT_MAX = 65_535
RTP_PORTS_LEAST = 3  # a call takes two


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def refuse(what: str, hint: str) -> NoReturn:
    """Raise what pydantic collects as an error with this text."""
    raise PydanticCustomError("mistake", "{what}", {"what": what, "hint": hint})


def _matching(pattern: str, what: str, hint: str) -> AfterValidator:
    def validate(text: str) -> str:
        return text if re.fullmatch(pattern, text) else refuse(f"{shown(text)} {what}", hint)

    return AfterValidator(validate)


Name = Annotated[
    str, _matching("[A-Za-z0-9][A-Za-z0-9_-]{0,39}", "is not a name", "letters, digits, `-` and `_`, at most 40")
]
AsteriskName = Annotated[
    str,
    _matching(
        "(?!carrier$|carrier-|global$|system$|transport-)(?!.*-auth$)[A-Za-z][A-Za-z0-9_-]{0,31}",
        "is no name that Asterisk can use",
        "a letter, then letters, digits, `-` and `_`, at most 32; not carrier, global, system, nor ending in -auth",
    ),
]
Language = Annotated[str, _matching("[a-z]{2}", "is not a language", "write its two letters: `it`, `en`")]
Number = Annotated[
    str, _matching("[0-9]{2,15}", "is not a number", "2 to 15 digits as dialled in Italy, in quotes, without +39")
]
MenuKey = Annotated[str, _matching("[0-9*#]", "is not a key of a phone", f"one of {' '.join(MENU_KEYS)}, in quotes")]
ShownName = Annotated[
    str, _matching(r"(?=.*\S)[^\x00-\x1f\x7f]{1,200}", "cannot be shown as a name", "1 to 200 characters, on one line")
]
Text = Annotated[
    str, _matching(r"(?s)(?=.*\S)[^\x00-\x08\x0b-\x1f\x7f]{1,4000}", "cannot be said", "1 to 4000 characters")
]
Texts = Annotated[dict[Language, Text], Field(min_length=1)]
Names = Annotated[list[Name], Field(min_length=1)]
Level = Annotated[int, Field(ge=1, le=5)]


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads hundreds of files


def _zone(name: str) -> str:
    zones = _zones()
    return name if name in zones else refuse(f"unknown time zone {shown(name)}", did_you_mean(name, sorted(zones)))


def _phone_number(text: str) -> str:
    """E.164, as the office's own people would give it to somebody abroad."""
    with suppress(phonenumbers.NumberParseException):
        if text.startswith("+") and phonenumbers.is_possible_number(phonenumbers.parse(text)):
            return phonenumbers.format_number(phonenumbers.parse(text), phonenumbers.PhoneNumberFormat.E164)
    refuse(f"{shown(text)} is no telephone number", 'write it with the country: `"+39055123456"`')


# --- queues.yaml


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


class GreetingForm(Form):
    say: Texts


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


NumberStart = Annotated[
    str, _matching(r"\+[1-9][0-9]{0,14}", "is no beginning of a number", 'write it with the country: `"+39055"`')
]


class HeadStartForm(Form):
    """At least one condition stands beside `by`; crosschecks.py looks at that."""

    by: Annotated[float, between("1s", "24h")]
    number: Number | None = None
    entity: Name | None = None
    step: Name | None = None
    caller: (
        Annotated[str, _matching(r"\+[1-9][0-9]{0,14}", "is no beginning of a number", 'write `"+39055"`')] | None
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


Dialled = Annotated[str, _matching("[0-9]{2,6}", "is no number to key in", "2 to 6 digits, in quotes")]


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
    voicemail: GreetingForm | None = None
    while_waiting: WhileWaitingForm = WhileWaitingForm()
    call_backs: CallBackRulesForm = CallBackRulesForm()
    recording: RecordingForm | None = None
    head_start: list[HeadStartForm] = []
    unanswered: UnansweredForm = UnansweredForm()
    whisper: bool = False
    dialled: Dialled | None = None


class QueuesForm(Form):
    queues: Annotated[dict[Name, QueueForm], Field(min_length=1)]


# --- dialplans/*.yaml


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
    to: Annotated[str, _matching("[A-Za-z0-9_-]+/[A-Za-z0-9_-]+", "is no office", "write `ENTITY/OFFICE`")]
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


def _calendar_day(value: object) -> date:
    with suppress(ValueError):
        return date.fromisoformat(str(value))
    refuse(f"{shown(value)} is no day of the calendar", "write `2026-12-24`")


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
    return number if number is None or number == WITHHELD else _phone_number(number)


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
    proof: Annotated[str, _matching("[0-9]{4}", "is no proof", "four digits, in quotes")]
    open: bool = True
    opened: Annotated[date, PlainValidator(_calendar_day, json_schema_input_type=str)]


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
    cases: dict[Annotated[str, _matching("[0-9]{8,12}", "is no case", "its digits, in quotes")], CaseStateForm] = {}
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
    time_zone: Annotated[str, AfterValidator(_zone)] | None = None
    hours: dict[str, Any] | None = None  # ivr/hours.py reads it
    other_hours: dict[Name, dict[str, Any]] = {}
    closed: Name | None = None
    include: list[Name] = []
    tests: list[ScenarioForm] = []


# --- agents.yaml


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
    phone: Annotated[str, AfterValidator(_phone_number)] | None = None


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


NumberToDial = Annotated[str, _matching("[0-9]{2,8}", "is no number to dial", "2 to 8 digits, in quotes")]


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
    str, _matching("[0-9]{1,2}", "is not what is keyed in for a pause", "one or two digits, in quotes")
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


# --- entities.yaml


class OfficeForm(Form):
    """It has a `queue`, a `phone`, or both; crosschecks.py looks at that."""

    name: ShownName
    queue: Name | None = None
    answer_within: Annotated[float, between("5s", "1h")] = 60.0
    phone: Annotated[str, AfterValidator(_phone_number)] | None = None
    hours: dict[str, Any] | None = None
    dialled: Dialled | None = None


class EntityForm(Form):
    name: ShownName
    numbers: Annotated[list[Number], Field(min_length=1)]
    offices: dict[Name, OfficeForm] = {}


class EntitiesForm(Form):
    entities: dict[Name, EntityForm]
    topics: list[Name] = []


# --- centralino.yaml


def _port(value: object) -> int:
    if isinstance(value, bool) or not re.fullmatch("[0-9]{1,9}", str(value)):
        refuse(f"{shown(value)} is not a port", f"a number from 1 to {PORT_MAX}")
    if not 1 <= int(str(value)) <= PORT_MAX:
        refuse(f"port {shown(value)} is out of range", f"from 1 to {PORT_MAX}")
    return int(str(value))


def split_address(text: str) -> tuple[str, int | None]:
    """`192.0.2.1:5060`, `192.0.2.1`, `[::1]:5060` or `::1` → address and port. Raises a pydantic error."""
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]:")
        host = host.removesuffix("]")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        refuse(f"{shown(text)} is not an address", "write an IP address, such as `127.0.0.1`")
    return host, _port(port) if port or text.endswith(":") else None


def _address(text: str) -> str:
    split_address(text)
    return text


def _listen(text: str) -> str:
    if split_address(text)[1] is None:
        refuse(f"{shown(text)} has no port", f"write `{text}:5060`, with the port that is meant")
    return text


def _range(text: str) -> str:
    found = re.fullmatch("([0-9]{1,9})-([0-9]{1,9})", text)
    if not found:
        refuse(f"{shown(text)} is not a range of ports", 'write `"10000-20000"`')
    first, last = (_port(port) for port in found.groups())
    if first + RTP_PORTS_LEAST > last:
        refuse(f"{shown(text)} is an empty range of ports", 'write `"10000-20000"`')
    return text


def _database(text: str) -> str:
    """Never shows what was written: a password may be in it."""
    if text == "sqlite" or re.fullmatch(r"postgresql://[^\s/]*/\S+", text):
        return text
    refuse("this is no database that we know", "write `sqlite`, or `postgresql://USER@HOST/NAME`")


Listen = Annotated[str, AfterValidator(_listen)]
Port = Annotated[int, BeforeValidator(_port, json_schema_input_type=int | str)]


def _ipv4(text: str) -> str:
    if ":" in split_address(text)[0]:
        refuse(f"{shown(text)} is an IPv6 address", "write an IPv4 address: Asterisk is set up for these")
    return text


class NodeForm(Form):
    manage: bool
    sip: Annotated[Listen, AfterValidator(_ipv4)]


def _peer(text: str) -> str:
    """An address, address:port, or network."""
    if "/" not in text:
        return _ipv4(_address(text))
    try:
        ipaddress.IPv4Network(text)
    except ValueError:
        refuse(f"{shown(text)} is not a network", "write its first address and its length, such as `192.0.2.0/28`")
    return text


def split_server(text: str) -> tuple[str, int | None]:
    """`sip.carrier.example`, `sip.carrier.example:5080`, `192.0.2.1:5060` → host and port. Raises a pydantic error."""
    host, colon, port = text.partition(":")
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", host):
        refuse(f"{shown(text)} is no server", 'write its name or IPv4 address: `"sip.carrier.example:5060"`')
    if not re.search("[A-Za-z]", host):
        _listen(text)
    return host, _port(port) if colon else None


def _server(text: str) -> str:
    split_server(text)
    return text


Server = Annotated[str, AfterValidator(_server)]
SecretName = Annotated[
    str,
    _matching(
        "[A-Za-z][A-Za-z0-9_]{0,39}",
        "is no name of a secret",
        "write the name under which STATE/secrets.yaml or the environment has it, never the secret itself",
    ),
]


class RegisterForm(Form):
    """An account at a carrier. Of its password only the name stands here."""

    server: Server
    user: Annotated[
        str, _matching(r"[A-Za-z0-9+][A-Za-z0-9._+-]{0,63}", "is no SIP user", "the user alone, no address")
    ]
    secret: SecretName


CarrierName = Annotated[
    str, _matching("[A-Za-z][A-Za-z0-9_]{0,19}", "is no name of a carrier", "a letter, then letters, digits and `_`")
]
CARRIER = "carrier"  # the name of the one that stands under `carrier`


class CarrierForm(Form):
    """It has `peers`, `send_to` or `register`; trunkchecks.py looks at what goes with what."""

    peers: Annotated[list[Annotated[str, AfterValidator(_peer)]], Field(min_length=1)] | None = None
    send_to: Server | None = None
    account: RegisterForm | None = Field(None, alias="register")
    transport: Literal["udp", "tcp", "tls"] = "udp"
    codecs: Annotated[list[Literal["alaw", "ulaw", "g722", "opus"]], Field(min_length=1)] | None = None
    channels: Annotated[int, Field(ge=1, le=10_000)] = 180
    caller_id: Literal["pai", "rpid", "from"] = "pai"
    dialled_in: Literal["request", "to"] = "request"


PemFile = Annotated[
    str, _matching(r"/[A-Za-z0-9_./-]{1,200}", "is no path of a file", "write where it lies: `/etc/ssl/…/NAME.pem`")
]


class TlsForm(Form):
    """`certificate` and `key` go together; trunkchecks.py looks at that, and into the files."""

    certificate: PemFile | None = None
    key: PemFile | None = None
    authorities: PemFile = "/etc/ssl/certs/ca-certificates.crt"
    port: Port = 5061


class OutgoingForm(Form):
    allow: list[NumberStart] = ["+39"]
    deny: list[NumberStart] = []
    through: dict[NumberStart, Names] = {}
    caller_id: dict[Name, Number] = {}


class WebForm(Form):
    listen: Listen = "127.0.0.1:8055"


class ConsoleForm(Form):
    listen: Listen = "127.0.0.1:5022"


class PortsForm(Form):
    http: Port = 8088
    ami: Port = 5038
    engine: Port = 8090


VOICE_FILE = r"prompts(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){1,5}\.onnx"
VoiceFile = Annotated[
    str,
    _matching(
        VOICE_FILE,
        "names no voice of piper's",
        "write where it stands in this folder: `prompts/voices/NAME.onnx`",
    ),
]


class VoiceForm(Form):
    piper: VoiceFile


class SettingsForm(Form):
    nodes: Annotated[dict[AsteriskName, NodeForm], Field(min_length=1)]
    carrier: CarrierForm | None = None
    carriers: Annotated[dict[CarrierName, CarrierForm], Field(min_length=1)] | None = None
    tls: TlsForm | None = None
    outgoing: OutgoingForm = OutgoingForm()
    time_zone: Annotated[str, AfterValidator(_zone)] = "Europe/Rome"
    testing: bool = False
    database: Annotated[str, AfterValidator(_database)] = "sqlite"
    web: WebForm = WebForm()
    console: ConsoleForm = ConsoleForm()
    rtp: Annotated[str, AfterValidator(_range)] = "10000-20000"
    ports: PortsForm = PortsForm()
    voices: dict[Language, VoiceForm] = {}


FORMS: Mapping[str, type[Form]] = {
    "queues.yaml": QueuesForm,
    "agents.yaml": RosterForm,
    "entities.yaml": EntitiesForm,
    "centralino.yaml": SettingsForm,
}


SHARED = "dialplans/shared/"


def form_of(file: str) -> type[Form]:
    """Which form a file of the deployment has (`dialplans/055055.yaml`: a dialplan)."""
    return SharedForm if file.startswith(SHARED) else FORMS.get(file, DialplanForm)
