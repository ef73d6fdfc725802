"""The next step of a call in a menu: pure, one step at a time, each with its named reason.

A `Walker` knows one dialplan. What happened to the caller (an utterance was heard, a key pressed, the wait is over)
goes in together with the `Place` where the call stands; the new place and what to do come out.
"""

from dataclasses import replace

from ivr import keying, situation
from ivr.actions import (
    Action,
    AwaitOffice,
    End,
    EnterQueue,
    EnterStep,
    KeepAnswer,
    Listen,
    LookUpCase,
    Phase,
    Place,
    RingOffice,
    ServeEntity,
    Speak,
    SpeakLanguage,
    StopSpeaking,
    TakeKey,
    TakeMessage,
    Went,
    Why,
)
from ivr.keying import Done, Keyed
from ivr.menu import (
    Ask,
    CallBack,
    CaseStatus,
    Choose,
    Dialplan,
    HangUp,
    Key,
    Menu,
    Notice,
    Queue,
    Say,
    SetLanguage,
    Step,
    Transfer,
    Voicemail,
)
from ivr.prompts import Prompt, Words
from ivr.sentences import Sentence, Sentences
from ivr.situation import CaseStanding, Situation

STEPS_WITHOUT_A_STOP_MAX = 50  # steps that only choose, one after the other; more go round for ever


class Walker:
    """Walks calls through one dialplan."""

    def __init__(self, dialplan: Dialplan, sentences: Sentences, around: Situation) -> None:
        self.dialplan = dialplan
        self._sentences, self._around = sentences, around

    def arrive(self, language: str | None = None) -> Went:
        """A call begins: at the start, or where closed callers go. It speaks the first language, or the one given."""
        language = language or self.dialplan.languages[0]
        if self.dialplan.closed and not situation.is_open(self.dialplan, self._around):
            return self._enter(self.dialplan.closed, language, Why.CLOSED)
        return self._enter(self.dialplan.start, language, Why.ARRIVED)

    def go(self, step: str, language: str, why: Why) -> Went:
        """The call enters `step` for a reason of its own (sent on by a queue, or said again after a restart)."""
        return self._enter(step, language, why)

    def heard(self, place: Place) -> Went:
        """What was said at this place was heard to its end."""
        step = self.dialplan.steps[place.step]
        match step:
            case Say(then=then) | Notice(then=then):
                return self._enter(then, place.language, Why.HEARD)
            case Menu(wait_s=wait_s):
                return replace(place, listening=True), [Listen(wait_s)]
            case Transfer() if place.phase is Phase.ASKING:
                return self._ring(step, place)
            case CallBack() if place.phase is Phase.CLOSING:
                return self._end_or(step.then, place, Why.CALL_BACK_PROMISED)
            case CaseStatus() if place.phase is Phase.CLOSING:
                return self._end_or(step.then, place, Why.STATUS_SAID)
            case Ask(wait_s=wait_s) | CallBack(wait_s=wait_s) | CaseStatus(wait_s=wait_s):
                return (place, []) if _awaits(place) else (replace(place, listening=True), [Listen(wait_s)])
            case _:
                return place, [End(Why.DIALPLAN_ENDS)]

    def waited(self, place: Place) -> Went:
        """The wait for a key is over."""
        step = self.dialplan.steps[place.step]
        match step:
            case Menu():
                return self._try_menu_again(step, place, Sentence.NOTHING_PRESSED, Why.NO_KEY)
            case Ask() | CallBack() | CaseStatus() if place.listening:
                if place.digits and place.phase in (Phase.ASKING, Phase.PROVING):
                    return self._keyed_in(step, place, [])
                return self._try_keying_again(step, place, Sentence.NOTHING_PRESSED, Why.NO_KEY)
            case _:
                return place, []

    def pressed(self, place: Place, key: str) -> Went:
        """A key was pressed, while something is said or after. A key that nothing awaits changes nothing."""
        step = self.dialplan.steps[place.step]
        match step:
            case Say() | Notice():
                return self._pressed_ahead(step, place, key)
            case Menu():
                return self._pressed_in_menu(step, place, key)
            case Ask() | CallBack() | CaseStatus() if not _awaits(place) and place.phase is not Phase.CLOSING:
                return self._pressed_keying(step, place, key)
            case _:
                return place, []

    def case_found(self, place: Place, standing: CaseStanding | None) -> Went:
        """How the case stands that was asked for; None: there is none, or the proof was wrong (callers hear no
        difference, so that nobody can find out which cases there are).
        """
        step = self.dialplan.steps[place.step]
        if not isinstance(step, CaseStatus) or not _awaits(place):
            return place, []
        if standing is None:
            again = replace(place, phase=Phase.ASKING, kept="")
            return self._try_keying_again(step, again, Sentence.NO_SUCH_CASE, Why.WRONG_KEY)
        said = self._sentences.case_standing(standing.is_open, standing.opened_on, standing.due_on, place.language)
        return replace(place, phase=Phase.CLOSING, kept=""), [Speak((said,))]

    def in_vain(self, place: Place) -> Went:
        """What the step awaits does not come: nobody answered at the office, or nobody could look at the case."""
        step = self.dialplan.steps[place.step]
        if not isinstance(step, Transfer | CaseStatus) or not _awaits(place):
            return place, [End(Why.DIALPLAN_ENDS)]
        why = Why.OFFICE_AWAY if isinstance(step, Transfer) else Why.CASE_NOT_TOLD
        return self._end_or(step.otherwise, place, why)

    def nobody_came(self, place: Place) -> Went:
        """No agent of the office answered in time: its telephone is rung, if it has one."""
        step = self.dialplan.steps[place.step]
        return self._ring_phone(step, place) if isinstance(step, Transfer) else (place, [End(Why.DIALPLAN_ENDS)])

    def greeting(self, words: Words, language: str) -> tuple[Prompt, ...]:
        """What a caller hears before the beep: the voicemail's own words, or the house's sentence."""
        return _said(words, language) or (self._sentences.prompt(Sentence.LEAVE_MESSAGE, language),)

    # --- entering a step

    def _enter(self, name: str, language: str, why: str) -> Went:
        """Enter the step, and those after it, up to the first at which a call can stand."""
        actions: list[Action] = []
        for _ in range(STEPS_WITHOUT_A_STOP_MAX):
            step = self.dialplan.steps[name]
            actions.append(EnterStep(name, why))
            match step:
                case Choose():
                    name, why = self._choice(step, language)
                case SetLanguage():
                    name, language, why = step.then, step.language, Why.LANGUAGE_SET
                    actions.append(SpeakLanguage(language))
                case Notice() if not self._is_in_force(step):
                    name, why = step.then, Why.NO_NOTICE
                case Transfer() if step.hours and not step.hours.is_open(self._around.now(), self.dialplan.time_zone):
                    name, why = step.otherwise, Why.OFFICE_CLOSED
                case Transfer() if not step.phone and not self._has_people(step, language):
                    name, why = step.otherwise, Why.OFFICE_EMPTY
                case _:
                    there, begun = self._begin(step, language)
                    return there, [*actions, *begun]
        return Place(name, language), [*actions, End(Why.GOES_ROUND)]

    def _begin(self, step: Step, language: str) -> Went:
        place = Place(step.name, language)
        match step:
            case Say(words=words) | Menu(words=words) | Notice(words=words):
                return place, [Speak(_said(words, language))]
            case Queue(queue=queue):
                return place, [EnterQueue(queue)]
            case Transfer(words=words):
                return (place, [Speak(_said(words, language))]) if words else self._ring(step, place)
            case Voicemail(box=box, words=words, longest_s=longest_s):
                return place, [TakeMessage(box, self.greeting(words, language), longest_s)]
            case Ask() | CallBack() | CaseStatus():
                place = replace(place, phase=keying.first_phase(step, self._around))
                return place, [Speak((*_said(step.words, language), *self._question(step, place)))]
            case HangUp(words=words) if words:
                return place, [Speak(_said(words, language))]
            case _:
                return place, [End(Why.DIALPLAN_ENDS)]

    def _choice(self, choose: Choose, language: str) -> tuple[str, str]:
        """Where to go, and why."""
        for branch in choose.branches:
            if all(situation.holds(one, self.dialplan, language, self._around) for one in branch.conditions):
                return branch.go, f"{Why.CHOSEN}: {' and '.join(map(situation.in_words, branch.conditions))}"
        return choose.otherwise, f"{Why.CHOSEN}: nothing else holds"

    def _is_in_force(self, notice: Notice) -> bool:
        now = self._around.now()
        has_begun = notice.begins_at is None or notice.begins_at <= now
        return has_begun and (notice.ends_at is None or now < notice.ends_at)

    def _has_people(self, step: Transfer, language: str) -> bool:
        """Whether an agent who answers for the office is signed in."""
        return bool(step.queue) and self._around.queue(step.queue, language).signed_in > 0

    def _ring(self, step: Transfer, place: Place) -> Went:
        if not self._has_people(step, place.language):
            return self._ring_phone(step, place)
        awaiting = replace(place, phase=Phase.AWAITING)
        return awaiting, [AwaitOffice(step.office, step.queue, step.answer_within_s)]

    def _ring_phone(self, step: Transfer, place: Place) -> Went:
        if not step.phone:
            return self._enter(step.otherwise, place.language, Why.OFFICE_AWAY)
        return replace(place, phase=Phase.AWAITING), [RingOffice(step.office, step.phone, step.ring_s)]

    def _end_or(self, then: str | None, place: Place, why: Why) -> Went:
        return self._enter(then, place.language, why) if then else (place, [End(why)])

    # --- menus

    def _pressed_in_menu(self, menu: Menu, place: Place, key: str) -> Went:
        chosen = menu.keys.get(key)
        if chosen is not None:
            return self._choose(place, menu.name, key, chosen, [*_stop(place), TakeKey(menu.name, key, Why.KEY)])
        again, actions = self._try_menu_again(menu, place, Sentence.WRONG_KEY, Why.WRONG_KEY)
        return again, [*_stop(place), TakeKey(menu.name, key, Why.WRONG_KEY), *actions]

    def _choose(self, place: Place, step: str, key: str, chosen: Key, first: list[Action]) -> Went:
        language = chosen.language or place.language
        if chosen.language:
            first = [*first, SpeakLanguage(language)]
        if chosen.entity:
            first = [*first, ServeEntity(chosen.entity)]
        there, actions = self._enter(chosen.go, language, Why.KEY)
        return there, [*first, *actions]

    def _pressed_ahead(self, say: Say | Notice, place: Place, key: str) -> Went:
        """Who knows the menu need not hear the greeting: the key counts for the menu that comes next."""
        step: Step = say
        for _ in self.dialplan.steps:  # no chain is longer than the dialplan
            if not isinstance(step, Say | Notice):
                break
            step = self.dialplan.steps[step.then]
        chosen = step.keys.get(key) if isinstance(step, Menu) else None
        if chosen is None:
            return place, []
        taken = TakeKey(step.name, key, Why.KEY_AHEAD)
        return self._choose(place, step.name, key, chosen, [StopSpeaking(), taken])

    def _try_menu_again(self, menu: Menu, place: Place, sentence: Sentence, why: Why) -> Went:
        tries = place.tries + 1
        if tries >= menu.tries:
            return self._enter(menu.otherwise, place.language, Why.TRIES_OVER)
        prompts = (self._sentences.prompt(sentence, place.language), *_said(menu.words, place.language))
        return replace(place, tries=tries, listening=False), [Speak(prompts)]

    # --- steps with more than one digit

    def _pressed_keying(self, step: Keyed, place: Place, key: str) -> Went:
        stop = _stop(place)
        place = replace(place, listening=True)
        if place.phase in (Phase.OFFERING, Phase.CONFIRMING):
            follows = keying.answered(step, place, key, self._around)
            return self._follow(step, place, follows, stop, Sentence.WRONG_KEY)
        if key == "#":
            return self._keyed_in(step, place, stop)
        place = replace(place, digits="" if key == "*" else place.digits + key)
        if len(place.digits) == keying.limits(step, place.phase)[1]:
            return self._keyed_in(step, place, stop)
        return place, [*stop, Listen(step.wait_s)]

    def _keyed_in(self, step: Keyed, place: Place, first: list[Action]) -> Went:
        return self._follow(step, place, keying.keyed_in(step, place), first, Sentence.WRONG_DIGITS)

    def _follow(
        self, step: Keyed, place: Place, follows: Place | Done | None, first: list[Action], wrong: Sentence
    ) -> Went:
        match follows:
            case None:
                there, actions = self._try_keying_again(step, place, wrong, Why.WRONG_KEY)
            case Place():
                there, actions = self._ask(step, replace(follows, listening=False))
            case Done():
                there, actions = self._done(step, place, follows)
        return there, [*first, *actions]

    def _ask(self, step: Keyed, place: Place, *first: Prompt) -> Went:
        question = self._question(step, place) or _said(step.words, place.language)
        return place, [Speak((*first, *question))]

    def _done(self, step: Keyed, place: Place, done: Done) -> Went:
        match done.action, step:
            case KeepAnswer(), Ask():
                there, actions = self._enter(step.then, place.language, Why.DIGITS_KEYED)
                return there, [done.action, *actions]
            case LookUpCase(), _:
                return replace(place, phase=Phase.AWAITING, listening=False, digits=""), [done.action]
            case _:
                promised = self._sentences.prompt(Sentence.CALL_BACK_PROMISED, place.language)
                closing = replace(place, phase=Phase.CLOSING, listening=False, digits="")
                return closing, [done.action, Speak((promised,))]

    def _try_keying_again(self, step: Keyed, place: Place, sentence: Sentence, why: Why) -> Went:
        tries = place.tries + 1
        if tries >= step.tries:
            return self._end_or(step.otherwise, place, Why.TRIES_OVER)
        digits = place.digits if place.phase is Phase.CONFIRMING else ""
        again = replace(place, tries=tries, listening=False, digits=digits)
        return self._ask(step, again, self._sentences.prompt(sentence, place.language))

    def _question(self, step: Keyed, place: Place) -> tuple[Prompt, ...]:
        return keying.question(step, place, self._sentences, self._around)


def _said(words: Words, language: str) -> tuple[Prompt, ...]:
    """The words in `language`, or in the first one that there is."""
    return words.get(language) or next(iter(words.values()), ())


def _stop(place: Place) -> list[Action]:
    return [] if place.listening else [StopSpeaking()]


def _awaits(place: Place) -> bool:
    return place.phase is Phase.AWAITING
