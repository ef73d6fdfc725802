"""What a dialplan means: the steps that a call to one service number can take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ivr.hours import Hours
from ivr.prompts import Words

ROME = ZoneInfo("Europe/Rome")
SILENCE_BETWEEN_DIGITS_S = 5.0


@dataclass(frozen=True, slots=True)
class Say:
    """Say `words`, then go to step `then`."""

    name: str
    words: Words
    then: str


@dataclass(frozen=True, slots=True)
class Key:
    """What a key does: go to step `go`; from now on in `language`, and for `entity`, where they are given."""

    go: str
    language: str | None = None
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class Menu:
    """Say `words`, await a key for `wait_s` (1 to 60); after `tries` (1 to 9) without a valid key go to `otherwise`.

    `keys`: one of 0-9, `*`, `#` → what it does.
    """

    name: str
    words: Words
    keys: Mapping[str, Key]
    otherwise: str
    wait_s: float = 5.0
    tries: int = 3


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for `least` to `most` digits (1 to 20), ended by `#`, by the last possible digit, or by a pause of `wait_s`;
    `*` begins anew. With `confirm` they are read back and confirmed. They are kept with the call as `note`.
    """

    name: str
    words: Words
    note: str
    least: int
    most: int
    then: str
    otherwise: str
    confirm: bool = False
    wait_s: float = SILENCE_BETWEEN_DIGITS_S
    tries: int = 3


@dataclass(frozen=True, slots=True)
class Queue:
    """Wait for an agent in `queue`."""

    name: str
    queue: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Say `words` if there are any, then lead the call to an office (`ENTITY/OFFICE`): its agents, the people of
    `queue`, have `answer_within_s`; then it is rung at `phone` for `ring_s` (5 to 120). It has either, or both.

    Nobody there, or outside the office's `hours` (None: always open): go to `otherwise`.
    """

    name: str
    office: str
    phone: str
    otherwise: str
    hours: Hours | None = None
    words: Words = field(default_factory=dict)
    ring_s: float = 30.0
    queue: str = ""
    answer_within_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Voicemail:
    """Say `words` (none: the house's sentence), then record up to `longest_s` (5 to 1800) for the people of `box`."""

    name: str
    box: str
    words: Words = field(default_factory=dict)
    longest_s: float = 180.0


@dataclass(frozen=True, slots=True)
class CallBack:
    """Offer to be called back by the people of `queue`: at the number shown, or at one that is keyed in.

    Who does not want to, or keys in nothing in `tries`, goes to `otherwise`; the others, once thanked, to `then` (None:
    the call ends).
    """

    name: str
    queue: str
    otherwise: str
    words: Words = field(default_factory=dict)
    then: str | None = None
    wait_s: float = SILENCE_BETWEEN_DIGITS_S
    tries: int = 3


@dataclass(frozen=True, slots=True)
class CaseStatus:
    """Ask for the number of a case and four digits as proof (the last of the phone on it, or its code); say how the
    case stands, then go to `then` (None: the call ends). After `tries` go to `otherwise` (None: the call ends).
    """

    name: str
    words: Words = field(default_factory=dict)
    then: str | None = None
    otherwise: str | None = None
    wait_s: float = SILENCE_BETWEEN_DIGITS_S
    tries: int = 3


@dataclass(frozen=True, slots=True)
class IsOpen:
    """Within the hours that the dialplan calls `name`."""

    name: str
    hours: Hours


@dataclass(frozen=True, slots=True)
class Speaks:
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallsFrom:
    """The caller's number begins with one of `prefixes` (`+39055`); `withheld`: or it is withheld."""

    prefixes: tuple[str, ...]
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class OnDay:
    """A day of the week (Monday 0), of each year (month, day), or of the calendar, by the number's local time."""

    weekdays: frozenset[int] = frozenset()
    yearly: frozenset[tuple[int, int]] = frozenset()
    dates: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class WaitingOver:
    """More than `calls` wait in `queue`."""

    queue: str
    calls: int


@dataclass(frozen=True, slots=True)
class NobodySignedIn:
    """Nobody who could ever take a call of `queue` is signed in."""

    queue: str


@dataclass(frozen=True, slots=True)
class ExpectedWaitOver:
    """Who enters `queue` now is expected to wait over `wait_s`. Not so while nobody can tell."""

    queue: str
    wait_s: float


Condition = IsOpen | Speaks | CallsFrom | OnDay | WaitingOver | NobodySignedIn | ExpectedWaitOver


@dataclass(frozen=True, slots=True)
class Branch:
    """Go to step `go` where all `conditions` hold."""

    go: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Choose:
    """The first of `branches` that holds, or else `otherwise`."""

    name: str
    branches: tuple[Branch, ...]
    otherwise: str


@dataclass(frozen=True, slots=True)
class SetLanguage:
    """Speak `language` from now on."""

    name: str
    language: str
    then: str


@dataclass(frozen=True, slots=True)
class Notice:
    """From `begins_at` (None: from ever) until `ends_at` (None: for ever), say `words`; then go to `then`."""

    name: str
    words: Words
    then: str
    begins_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HangUp:
    """Say `words` if there are any, then end the call."""

    name: str
    words: Words = field(default_factory=dict)


Step = Say | Menu | Ask | Queue | Transfer | Voicemail | CallBack | CaseStatus | Choose | SetLanguage | Notice | HangUp


@dataclass(frozen=True, slots=True)
class Dialplan:
    """One service number: when it is open, where a call begins, and its steps.

    `languages`: the first is the default; every text exists in each. `hours` None: always open; else `closed` names
    the step for callers outside hours. `entity`: whose number it is, where it is one entity's alone.
    """

    number: str
    name: str
    languages: tuple[str, ...]
    start: str
    steps: Mapping[str, Step]
    old_numbers: tuple[str, ...] = ()
    hours: Hours | None = None
    closed: str | None = None
    time_zone: ZoneInfo = ROME
    entity: str | None = None
