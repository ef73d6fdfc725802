"""The next step of a call in a menu: pure, one step at a time, each with its named reason.

A `Walker` knows one dialplan. What happened to the caller (an utterance was heard, a key pressed, the wait is over)
goes in together with the `Place` where the call stands; the new place and what to do come out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from ivr.menu import Dialplan, HangUp, Key, Menu, Queue, Say, Step, Voicemail
from ivr.prompts import Prompt
from ivr.sentences import Sentence, Sentences


class Why(StrEnum):
    ARRIVED = "the call arrived"
    CLOSED = "outside service hours"
    HEARD = "the text was heard"
    KEY = "a key of the menu"
    KEY_AHEAD = "a key of the menu, pressed during the greeting"
    WRONG_KEY = "no key of this menu"
    NO_KEY = "no key was pressed"
    TRIES_OVER = "no valid key after the last try"
    SAID_AGAIN = "said again after a restart"
    SENT_ON = "sent on by a queue"
    DIALPLAN_ENDS = "the dialplan ends the call"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call stands. `tries`: failed ones at this menu; `listening`: the text is over, a key is awaited."""

    step: str
    language: str
    tries: int = 0
    listening: bool = False


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
    step: str
    why: Why


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


Action = Speak | StopSpeaking | Listen | EnterStep | TakeKey | SpeakLanguage | EnterQueue | TakeMessage | End
Went = tuple[Place, list[Action]]


class Walker:
    """Walks calls through one dialplan."""

    def __init__(self, dialplan: Dialplan, sentences: Sentences) -> None:
        self.dialplan = dialplan
        self._sentences = sentences

    def arrive(self, *, is_open: bool) -> Went:
        """A call begins: at the start, or where closed callers go."""
        language = self.dialplan.languages[0]
        if not is_open and self.dialplan.closed:
            return self._enter(self.dialplan.closed, language, Why.CLOSED)
        return self._enter(self.dialplan.start, language, Why.ARRIVED)

    def go(self, step: str, language: str, why: Why) -> Went:
        """The call enters `step` for a reason of its own (sent on by a queue, or said again after a restart)."""
        return self._enter(step, language, why)

    def heard(self, place: Place) -> Went:
        """What was said at this place was heard to its end."""
        step = self.dialplan.steps[place.step]
        match step:
            case Say(then=then):
                return self._enter(then, place.language, Why.HEARD)
            case Menu(wait_s=wait_s):
                return replace(place, listening=True), [Listen(wait_s)]
            case _:
                return place, [End(Why.DIALPLAN_ENDS)]

    def waited(self, place: Place) -> Went:
        """The wait for a key is over."""
        step = self.dialplan.steps[place.step]
        if not isinstance(step, Menu):
            return place, []
        return self._try_again(step, place, Sentence.NOTHING_PRESSED, Why.NO_KEY)

    def pressed(self, place: Place, key: str) -> Went:
        """A key was pressed, while something is said or after. A key that no menu awaits changes nothing."""
        step = self.dialplan.steps[place.step]
        if isinstance(step, Say):
            return self._pressed_ahead(step, place, key)
        if not isinstance(step, Menu):
            return place, []
        chosen = step.keys.get(key)
        stop: list[Action] = [] if place.listening else [StopSpeaking()]
        if chosen is not None:
            return self._choose(place, step.name, key, chosen, [*stop, TakeKey(step.name, key, Why.KEY)])
        again, actions = self._try_again(step, place, Sentence.WRONG_KEY, Why.WRONG_KEY)
        return again, [*stop, TakeKey(step.name, key, Why.WRONG_KEY), *actions]

    # --- within

    def _enter(self, name: str, language: str, why: Why) -> Went:
        step = self.dialplan.steps[name]
        return Place(name, language), [EnterStep(name, why), *self._begin(step, language)]

    def _begin(self, step: Step, language: str) -> list[Action]:
        match step:
            case Say() | Menu():
                return [Speak((self._prompt(step.text, language),))]
            case Queue(queue=queue):
                return [EnterQueue(queue)]
            case Voicemail(box=box, text=text, longest_s=longest_s):
                return [TakeMessage(box, self.greeting(text, language), longest_s)]
            case HangUp(text=text):
                return [Speak((self._prompt(text, language),))] if text else [End(Why.DIALPLAN_ENDS)]

    def greeting(self, text: Mapping[str, str], language: str) -> tuple[Prompt, ...]:
        """What a caller hears before the beep: the voicemail's own text, or the house's sentence."""
        return (self._prompt(text, language) if text else self._sentences.prompt(Sentence.LEAVE_MESSAGE, language),)

    def _prompt(self, text: Mapping[str, str], language: str) -> Prompt:
        spoken = language if language in text else next(iter(text))
        return Prompt(text[spoken], spoken)

    def _choose(self, place: Place, step: str, key: str, chosen: Key, first: list[Action]) -> Went:
        language = chosen.language or place.language
        if chosen.language:
            first = [*first, SpeakLanguage(language)]
        there, actions = self._enter(chosen.go, language, Why.KEY)
        return there, [*first, *actions]

    def _pressed_ahead(self, say: Say, place: Place, key: str) -> Went:
        """Who knows the menu need not hear the greeting: the key counts for the menu that comes next."""
        step: Step = say
        for _ in self.dialplan.steps:  # no chain is longer than the dialplan
            if not isinstance(step, Say):
                break
            step = self.dialplan.steps[step.then]
        chosen = step.keys.get(key) if isinstance(step, Menu) else None
        if chosen is None:
            return place, []
        taken = TakeKey(step.name, key, Why.KEY_AHEAD)
        return self._choose(place, step.name, key, chosen, [StopSpeaking(), taken])

    def _try_again(self, menu: Menu, place: Place, sentence: Sentence, why: Why) -> Went:
        tries = place.tries + 1
        if tries >= menu.tries:
            return self._enter(menu.otherwise, place.language, Why.TRIES_OVER)
        prompts = (self._sentences.prompt(sentence, place.language), self._prompt(menu.text, place.language))
        return replace(place, tries=tries, listening=False), [Speak(prompts)]
