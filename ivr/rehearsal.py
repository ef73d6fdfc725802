"""A call walked as text: the engine's own walker, with a caller who does what a script says. Pure.

The caller hears each text to its end, then keys in the next thing of the script; when nothing is left, they are silent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from ivr.actions import (
    Action,
    AwaitOffice,
    End,
    EnterQueue,
    EnterStep,
    KeepAnswer,
    LookUpCase,
    Place,
    PromiseCallBack,
    RingOffice,
    ServeEntity,
    Speak,
    SpeakLanguage,
    TakeKey,
    TakeMessage,
    Went,
)
from ivr.menu import Dialplan
from ivr.prompts import Prompt
from ivr.sentences import Sentences
from ivr.situation import CaseStanding, QueueNow
from ivr.walk import Walker

SILENCE = "wait"  # in a script: the caller presses nothing, once
TURNS_MAX = 500  # beside one for each step: a call that goes on longer goes on for ever
QUIET = QueueNow(waiting=0, signed_in=1)


@dataclass(frozen=True, slots=True)
class Script:
    """What is true around a call, and what the caller does.

    `presses`: what is keyed in at each wait for a key (`1`, `12345#`, or `SILENCE`). `queues`: as they stand; others
    are quiet. `offices_away`: those where nobody answers. `cases`: by number and proof.
    """

    at: datetime
    presses: tuple[str, ...] = ()
    caller: str = ""
    language: str | None = None
    queues: Mapping[str, QueueNow] = field(default_factory=dict)
    offices_away: frozenset[str] = frozenset()
    cases: Mapping[tuple[str, str], CaseStanding] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A script, and what must come of it; None and empty: no matter what. `says`: each must be in what is said."""

    script: Script
    ends: str
    says: tuple[str, ...] = ()
    language: str | None = None
    entity: str | None = None

    def failures(self, performance: "Performance") -> list[tuple[str, str]]:
        """What was otherwise: the key of the scenario, and what came instead."""
        found = []
        if performance.ends != self.ends:
            found.append(("ends", f"it ends in {performance.ends}"))
        found += [("says", f"`{text}` is not said") for text in self.says if text not in performance.said]
        if self.language and performance.language != self.language:
            found.append(("language", f"the call speaks {performance.language}"))
        if self.entity and performance.entity != self.entity:
            found.append(("entity", f"the call is for {performance.entity or 'nobody'}"))
        return found


class Kind(StrEnum):
    STEP = "step"
    SAYS = "says"
    KEYS = "keys"
    SILENT = "silent"
    NOTE = "note"
    END = "end"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the walk. `why`: of a step, why it was entered. `language`: of what is said, if not the call's."""

    kind: Kind
    text: str
    why: str = ""
    language: str = ""


@dataclass(slots=True)
class Performance:
    """What came of it. `ends`: `queue NAME`, `voicemail NAME`, `office NAME`, `call-back NAME` or `hang up`."""

    language: str
    entity: str = ""
    lines: list[Line] = field(default_factory=list)
    ends: str = ""
    steps: set[str] = field(default_factory=set)
    keys: set[tuple[str, str]] = field(default_factory=set)
    unpressed: tuple[str, ...] = ()  # what was left of the script when the call ended

    @property
    def said(self) -> str:
        """All that was said, as one text."""
        return " ".join(line.text for line in self.lines if line.kind is Kind.SAYS)


@dataclass(frozen=True, slots=True)
class _Around:
    script: Script

    @property
    def caller(self) -> str:
        return self.script.caller

    def now(self) -> datetime:
        return self.script.at

    def queue(self, name: str, language: str) -> QueueNow:
        return self.script.queues.get(name, QUIET)


def rehearse(plan: Dialplan, sentences: Sentences, script: Script) -> Performance:
    """Walk a call to `plan` until it ends, or comes to people."""
    return _Rehearsal(plan, sentences, script).run()


class _Rehearsal:
    def __init__(self, plan: Dialplan, sentences: Sentences, script: Script) -> None:
        self._script, self._presses = script, list(script.presses)
        self._turns_max = TURNS_MAX + len(plan.steps)
        self._walker = Walker(plan, sentences, _Around(script))
        self._performance = Performance(script.language or plan.languages[0], plan.entity or "")
        self._promised = ""
        self._place: Place

    def run(self) -> Performance:
        self._take(self._walker.arrive(self._script.language))
        for _ in range(self._turns_max):
            if self._performance.ends:
                break
            self._turn()
        if not self._performance.ends:
            self._end("nowhere: it goes round for ever")
        self._performance.unpressed = tuple(self._presses)
        return self._performance

    def _turn(self) -> None:
        """The caller hears the text to its end; where a key is awaited then, they press, or are silent."""
        self._take(self._walker.heard(self._place))
        if self._performance.ends or not self._place.listening:
            return
        pressed = self._presses.pop(0) if self._presses else SILENCE
        if pressed == SILENCE:
            self._tell(Kind.SILENT, "")
            self._take(self._walker.waited(self._place))
            return
        self._tell(Kind.KEYS, pressed)
        for key in pressed:
            self._take(self._walker.pressed(self._place, key))
        if self._place.listening and self._place.digits and not self._performance.ends:
            self._take(self._walker.waited(self._place))  # a pause ends digits that nothing else has ended

    def _take(self, went: Went) -> None:
        self._place, actions = went
        for action in actions:
            self._act(action)

    def _act(self, action: Action) -> None:
        performance = self._performance
        match action:
            case EnterStep(step=step, why=why):
                performance.steps.add(step)
                self._tell(Kind.STEP, step, why)
            case Speak(prompts=prompts):
                self._say(prompts)
            case TakeKey(step=step, key=key):
                performance.keys.add((step, key))
            case SpeakLanguage(language=language):
                performance.language = language
            case ServeEntity(entity=entity):
                performance.entity = entity
                self._tell(Kind.NOTE, f"for {entity}")
            case KeepAnswer(note=note, digits=digits):
                self._tell(Kind.NOTE, f"{note}: {digits}")
            case PromiseCallBack(queue=queue, number=number):
                self._promised = queue
                self._tell(Kind.NOTE, f"{queue} is to call {number} back")
            case LookUpCase(number=number, proof=proof):
                self._take(self._walker.case_found(self._place, self._script.cases.get((number, proof))))
            case AwaitOffice(office=office):
                self._await_office(office, self._walker.nobody_came)
            case RingOffice(office=office):
                self._await_office(office, self._walker.in_vain)
            case EnterQueue(queue=queue):
                self._end(f"queue {queue}")
            case TakeMessage(box=box, greeting=greeting):
                self._say(greeting)
                self._end(f"voicemail {box}")
            case End():
                self._end(f"call-back {self._promised}" if self._promised else "hang up")
            case _:
                pass  # a caller who hears everything out interrupts nothing

    def _say(self, prompts: Sequence[Prompt]) -> None:
        """One line for what one voice says in one go."""
        for language, said in groupby(prompts, lambda prompt: prompt.language):
            text = " ".join(prompt.text or f"[{prompt.file}]" for prompt in said)
            foreign = language if language != self._place.language else ""
            self._performance.lines.append(Line(Kind.SAYS, text, language=foreign))

    def _await_office(self, office: str, away: Callable[[Place], Went]) -> None:
        if office in self._script.offices_away:
            self._tell(Kind.NOTE, f"nobody answers at {office}")
            self._take(away(self._place))
        else:
            self._end(f"office {office}")

    def _end(self, where: str) -> None:
        self._performance.ends = where
        self._tell(Kind.END, where)

    def _tell(self, kind: Kind, text: str, why: str = "") -> None:
        self._performance.lines.append(Line(kind, text, why))
