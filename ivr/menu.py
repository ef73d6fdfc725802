"""What a dialplan means: the steps that a call to one service number can take."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.hours import Hours


@dataclass(frozen=True, slots=True)
class Say:
    """Say `text` (language → words), then go to step `then`."""

    name: str
    text: Mapping[str, str]
    then: str


@dataclass(frozen=True, slots=True)
class Key:
    """What a key does: go to step `go`, in `language` from now on if one is given."""

    go: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Menu:
    """Say `text`, await a key for `wait_s` (1 to 60); after `tries` (1 to 9) without a valid key go to `otherwise`.

    `keys`: one of 0-9, `*`, `#` → what it does.
    """

    name: str
    text: Mapping[str, str]
    keys: Mapping[str, Key]
    otherwise: str
    wait_s: float = 5.0
    tries: int = 3


@dataclass(frozen=True, slots=True)
class Queue:
    """Wait for an agent in `queue`."""

    name: str
    queue: str


@dataclass(frozen=True, slots=True)
class Voicemail:
    """Say `text` (empty: the house's sentence), then record up to `longest_s` (5 to 1800) for the people of `box`."""

    name: str
    box: str
    text: Mapping[str, str] = field(default_factory=dict)
    longest_s: float = 180.0


@dataclass(frozen=True, slots=True)
class HangUp:
    """Say `text` if there is one, then end the call."""

    name: str
    text: Mapping[str, str] = field(default_factory=dict)


Step = Say | Menu | Queue | Voicemail | HangUp


@dataclass(frozen=True, slots=True)
class Dialplan:
    """One service number: when it is open, where a call begins, and its steps.

    `languages`: the first is the default; every text exists in each. `hours` None: always open; else `closed` names
    the step for callers outside hours.
    """

    number: str
    name: str
    languages: tuple[str, ...]
    start: str
    steps: Mapping[str, Step]
    old_numbers: tuple[str, ...] = ()
    hours: Hours | None = None
    closed: str | None = None
