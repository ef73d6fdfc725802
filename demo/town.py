"""The town: who calls when, from where, with which keys and how much patience. A plan from a seed; it does nothing.

Instants are relative, in seconds: to the citizen before, to the moment when the call was answered, or to the last key.
"""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

SERVICE, CIVIL_PROTECTION, UNKNOWN = "055055", "800840840", "055056"
CALLS_PER_MINUTE = 20.0
# Where the main menu begins, counted from the answer: who listens to all of it presses a key after this.
MENU_HEARD_S = 15.0
CALLS_AGAIN_CHANCE = 0.15
NUMBERS_REMEMBERED = 40
NUMBERS_LEFT_ALONE = 20  # why: whoever called just now is still on the phone


class Kind(StrEnum):
    KNOWS_THE_KEY = "knows the key"
    LISTENS = "listens to the menu"
    WRONG_KEY = "presses a wrong key first"
    NO_KEY = "presses nothing"
    ENGLISH = "chooses English"
    IMPATIENT = "gives up in the queue"
    LEAVES_MENU = "hangs up in the menu"
    UNKNOWN_NUMBER = "calls a number that nobody has"
    CIVIL_PROTECTION = "calls the civil protection"
    LEAVES_MESSAGE = "leaves a message"


# Sixteen callers; they come in this mix, shuffled, again and again, so that also a short demo shows nearly every kind.
DECK = (
    *[Kind.KNOWS_THE_KEY] * 6,
    *[Kind.LISTENS] * 2,
    *(Kind.WRONG_KEY, Kind.ENGLISH, Kind.NO_KEY, Kind.IMPATIENT, Kind.LEAVES_MENU),
    *(Kind.UNKNOWN_NUMBER, Kind.CIVIL_PROTECTION, Kind.LEAVES_MESSAGE),
)


@dataclass(frozen=True, slots=True)
class Press:
    """A key, `after_s` seconds after the answer or after the key before it."""

    after_s: float
    key: str


@dataclass(frozen=True, slots=True)
class Citizen:
    """One call: made `after_s` seconds after the one before it.

    Whom nobody has answered within `patience_s` hangs up; who talks hangs up after `talk_s`, unless the agent did
    before. `speaks_after_s`: when they begin to speak a message into the line; None: they speak only to a person.
    """

    kind: Kind
    after_s: float
    number: str
    dials: str
    presses: tuple[Press, ...]
    patience_s: float
    talk_s: float
    speaks_after_s: float | None = None


def citizens(seed: int, calls_per_minute: float = CALLS_PER_MINUTE) -> Iterator[Citizen]:
    """Callers without end, the same for the same `seed`. The first calls at once."""
    chance = random.Random(seed)
    known: deque[str] = deque(maxlen=NUMBERS_REMEMBERED)
    after_s = 0.0
    while True:
        for kind in chance.sample(DECK, len(DECK)):
            yield _citizen(kind, after_s, _number(chance, known), chance)
            after_s = chance.uniform(0.2, 1.8) * 60 / calls_per_minute


def _number(chance: random.Random, known: deque[str]) -> str:
    """A new number, or that of somebody who has called before. No subscriber's number in Italy begins with 0."""
    if len(known) > NUMBERS_LEFT_ALONE and chance.random() < CALLS_AGAIN_CHANCE:
        number = known[chance.randrange(len(known) - NUMBERS_LEFT_ALONE)]
        known.remove(number)
    else:
        number = _nobodys(chance)
        while number in known:  # by chance, and rarely
            number = _nobodys(chance)
    known.append(number)
    return number


def _nobodys(chance: random.Random) -> str:
    return f"+390550{chance.randrange(1_000_000):06}"


def _citizen(kind: Kind, after_s: float, number: str, chance: random.Random) -> Citizen:
    presses = _presses(kind, chance)
    pressed_s = sum(press.after_s for press in presses)
    return Citizen(
        kind=kind,
        after_s=after_s,
        number=number,
        dials=_dials(kind),
        presses=presses,
        patience_s=_patience_s(kind, pressed_s, chance),
        talk_s=chance.uniform(6, 20),
        speaks_after_s=pressed_s + 8 if kind is Kind.LEAVES_MESSAGE else None,
    )


def _dials(kind: Kind) -> str:
    match kind:
        case Kind.UNKNOWN_NUMBER:
            return UNKNOWN
        case Kind.CIVIL_PROTECTION | Kind.LEAVES_MESSAGE:
            return CIVIL_PROTECTION
        case _:
            return SERVICE


def _presses(kind: Kind, chance: random.Random) -> tuple[Press, ...]:
    soon_s, key = chance.uniform(1.5, 7), chance.choice("1120")
    match kind:
        case Kind.KNOWS_THE_KEY | Kind.IMPATIENT:
            return (Press(soon_s, key),)
        case Kind.LISTENS:
            return (Press(MENU_HEARD_S + chance.uniform(0, 2), key),)
        case Kind.WRONG_KEY:  # the menu must have begun: a wrong key during the greeting counts for nothing
            return (Press(MENU_HEARD_S - 4, chance.choice("5678")), Press(chance.uniform(3, 6), key))
        case Kind.ENGLISH:
            return (Press(soon_s, "9"), Press(chance.uniform(2, 5), key))
        case Kind.CIVIL_PROTECTION:
            return (Press(soon_s, "1"),)
        case Kind.LEAVES_MESSAGE:
            return (Press(soon_s, "2"),)
        case Kind.NO_KEY | Kind.LEAVES_MENU | Kind.UNKNOWN_NUMBER:
            return ()


def _patience_s(kind: Kind, pressed_s: float, chance: random.Random) -> float:
    match kind:
        case Kind.IMPATIENT:  # before most agents have picked up
            return pressed_s + chance.uniform(0.7, 2)
        case Kind.LEAVES_MENU:
            return chance.uniform(3, 9)
        case Kind.LEAVES_MESSAGE:  # 8 s of greeting and beep, then the message
            return pressed_s + 8 + chance.uniform(4, 8)
        case _:  # it takes a minute to come to a queue without a key
            return pressed_s + 60 + chance.uniform(0, 60)
