"""Where a call stands in a menu, and what its steps ask for: the words between the walker and who carries them out."""

from dataclasses import dataclass
from enum import StrEnum

from ivr.prompts import Prompt


class Why(StrEnum):
    ARRIVED = "the call arrived"
    CLOSED = "outside service hours"
    HEARD = "the text was heard"
    KEY = "a key of the menu"
    KEY_AHEAD = "a key of the menu, pressed during the greeting"
    WRONG_KEY = "no key of this menu"
    NO_KEY = "no key was pressed"
    TRIES_OVER = "no valid key after the last try"
    CHOSEN = "chosen"
    LANGUAGE_SET = "the language was set"
    NO_NOTICE = "the notice is not in force"
    DIGITS_KEYED = "the digits were keyed in"
    CALL_BACK_PROMISED = "a call-back was promised"
    STATUS_SAID = "the state of the case was said"
    OFFICE_CLOSED = "the office is closed"
    OFFICE_AWAY = "nobody there answered"
    OFFICE_EMPTY = "nobody there is signed in"
    CASE_NOT_TOLD = "the state of the case could not be told"
    SAID_AGAIN = "said again after a restart"
    SENT_ON = "sent on by a queue"
    HANDED_ON = "handed on by an agent"
    DIALPLAN_ENDS = "the dialplan ends the call"
    GOES_ROUND = "the dialplan goes round without ever waiting"


class Phase(StrEnum):
    """Where a call stands within a step that asks for more than one key."""

    ASKING = "asking"  # the step's first words; in a menu the only ones
    OFFERING = "offering"  # 1 to be called back at the number shown, 2 at another
    CONFIRMING = "confirming"  # 1 if what was keyed in is right, 2 to key it in again
    PROVING = "proving"  # the digits that prove whose case it is
    AWAITING = "awaiting"  # what we asked for: a case, an office
    CLOSING = "closing"  # the step's last words


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call stands. `tries`: failed ones at this step; `listening`: the text is over, a key is awaited;
    `digits`: keyed in so far; `kept`: keyed in before them (the case whose proof is asked for).
    """

    step: str
    language: str
    tries: int = 0
    listening: bool = False
    phase: Phase = Phase.ASKING
    digits: str = ""
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Speak:
    prompts: tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    """A key interrupts what is being said."""


@dataclass(frozen=True, slots=True)
class Listen:
    wait_s: float


@dataclass(frozen=True, slots=True)
class EnterStep:
    """`why` is a `Why`, of `Why.CHOSEN` with the condition that held."""

    step: str
    why: str


@dataclass(frozen=True, slots=True)
class TakeKey:
    """A key was pressed and this is how it was taken."""

    step: str
    key: str
    why: Why


@dataclass(frozen=True, slots=True)
class SpeakLanguage:
    language: str


@dataclass(frozen=True, slots=True)
class ServeEntity:
    """From now on the call is one for this entity."""

    entity: str


@dataclass(frozen=True, slots=True)
class KeepAnswer:
    """The caller keyed in `digits`, to be kept with the call as `note`."""

    step: str
    note: str
    digits: str


@dataclass(frozen=True, slots=True)
class PromiseCallBack:
    """The people of `queue` are to call `number` (E.164) back."""

    queue: str
    number: str


@dataclass(frozen=True, slots=True)
class LookUpCase:
    """Ask how case `number` stands, for somebody who keyed in `proof`; `Walker.case_found` goes on."""

    number: str
    proof: str


@dataclass(frozen=True, slots=True)
class RingOffice:
    """Ring the office; where nobody answers, `Walker.in_vain` goes on."""

    office: str
    phone: str
    ring_s: float


@dataclass(frozen=True, slots=True)
class AwaitOffice:
    """Wait in `queue` for the office's agents; where nobody answers within `within_s`, `Walker.nobody_came` goes on."""

    office: str
    queue: str
    within_s: float


@dataclass(frozen=True, slots=True)
class EnterQueue:
    queue: str


@dataclass(frozen=True, slots=True)
class TakeMessage:
    box: str
    greeting: tuple[Prompt, ...]
    longest_s: float


@dataclass(frozen=True, slots=True)
class End:
    why: Why


Action = (
    Speak
    | StopSpeaking
    | Listen
    | EnterStep
    | TakeKey
    | SpeakLanguage
    | ServeEntity
    | KeepAnswer
    | PromiseCallBack
    | LookUpCase
    | RingOffice
    | AwaitOffice
    | EnterQueue
    | TakeMessage
    | End
)
Went = tuple[Place, list[Action]]
