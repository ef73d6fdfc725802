"""What whoever answered says of a call: its kind, and whether that was all."""

from enum import StrEnum

from agents.spoken import LANGUAGES
from ivr.prompts import Prompt


class Kind(StrEnum):
    """What the call was about; in the order of the keys, 1 to 5."""

    INFORMATION = "information"
    REPORT = "report"
    INTERVENTION = "intervention"
    COMPLAINT = "complaint"
    COMPLIMENT = "compliment"


class Level(StrEnum):
    """Who had the last word; in the order of the keys, 1 and 2."""

    NOT_SAID = ""
    SOLVED = "solved"  # at the first level
    HANDED_ON = "handed on"


# in each of `LANGUAGES`
SAID_KINDS = {
    Kind.INFORMATION: ("informazione", "information"),
    Kind.REPORT: ("segnalazione", "report"),
    Kind.INTERVENTION: ("richiesta di intervento", "request for intervention"),
    Kind.COMPLAINT: ("reclamo", "complaint"),
    Kind.COMPLIMENT: ("complimento", "compliment"),
}
SAID_LEVELS = {
    Level.NOT_SAID: ("", ""),
    Level.SOLVED: (", risolta al primo livello", ", solved at the first level"),
    Level.HANDED_ON: (", passata al secondo livello", ", handed on to the second level"),
}
NOTED = ("Annotata: {kind}{level}.", "Noted: {kind}{level}.")


def keyed(digits: str) -> tuple[Kind, Level] | None:
    """What the digits after the code mean, such as `4`, `41` or `42`; None: nothing."""
    if not digits or len(digits) > 2 or digits[0] not in "12345" or digits[1:] not in ("", "1", "2"):
        return None
    return list(Kind)[int(digits[0]) - 1], list(Level)[int(digits[1:] or 0)]


def confirmation(kind: Kind, level: Level, language: str) -> Prompt:
    """What an agent hears, in `language` (one of `LANGUAGES`), when it was noted."""
    nth = LANGUAGES.index(language)
    return Prompt(NOTED[nth].format(kind=SAID_KINDS[kind][nth], level=SAID_LEVELS[level][nth]), language)


def prompts() -> frozenset[Prompt]:
    """All confirmations."""
    return frozenset(confirmation(kind, level, lang) for kind in Kind for level in Level for lang in LANGUAGES)
