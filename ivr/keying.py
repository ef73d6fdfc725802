"""The steps in which a caller keys in more than one digit: what is asked in each phase, and what follows.

Pure. `Walker` leads the caller through the phases; here stands what differs between the steps.
"""

from dataclasses import dataclass, replace

import phonenumbers
from phonenumbers import PhoneNumberType

from ivr.actions import KeepAnswer, LookUpCase, Phase, Place, PromiseCallBack
from ivr.menu import Ask, CallBack, CaseStatus
from ivr.prompts import Prompt
from ivr.sentences import Sentence, Sentences
from ivr.situation import Situation

Keyed = Ask | CallBack | CaseStatus

REGION = "IT"
PHONE_DIGITS = (6, 15)  # the shortest Italian number that is no service, and the longest of E.164
CASE_DIGITS = (8, 12)  # as cases/case_number.py makes them
PROOF_DIGITS = 4
CALLABLE = {
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.VOIP,
}
YES, NO = "1", "2"


@dataclass(frozen=True, slots=True)
class Done:
    """The caller has keyed in all that the step wanted, and this is to be done."""

    action: KeepAnswer | PromiseCallBack | LookUpCase


def callable_number(text: str) -> str:
    """`text` in E.164, where it is an Italian number that costs no more than a call home; else empty.

    Whoever keys in a premium number, or one abroad, would otherwise have us pay for it.
    """
    try:
        parsed = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException:
        return ""
    is_ours = phonenumbers.is_valid_number_for_region(parsed, REGION)
    if not is_ours or phonenumbers.number_type(parsed) not in CALLABLE:
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def first_phase(step: Keyed, situation: Situation) -> Phase:
    """A caller whose number is shown need not key it in."""
    offers = isinstance(step, CallBack) and callable_number(situation.caller)
    return Phase.OFFERING if offers else Phase.ASKING


def question(step: Keyed, place: Place, sentences: Sentences, situation: Situation) -> tuple[Prompt, ...]:
    """What the caller is asked in this phase, without the step's own words."""
    language = place.language

    def say(sentence: Sentence) -> Prompt:
        return sentences.prompt(sentence, language)

    match step, place.phase:
        case _, Phase.CONFIRMING:
            return (say(Sentence.YOU_KEYED), *sentences.digits(place.digits, language), say(Sentence.CONFIRM_DIGITS))
        case CallBack(), Phase.OFFERING:
            number = sentences.digits(national(situation.caller), language)
            return (say(Sentence.CALL_BACK_AT), *number, say(Sentence.CONFIRM_NUMBER))
        case CallBack(), _:
            return (say(Sentence.KEY_IN_NUMBER),)
        case CaseStatus(), Phase.PROVING:
            return (say(Sentence.KEY_IN_PROOF),)
        case CaseStatus(), _:
            return (say(Sentence.KEY_IN_CASE),)
        case _:
            return ()


def national(number: str) -> str:
    """`+39055123456` as it is dialled and said at home."""
    return number.removeprefix("+39")


def limits(step: Keyed, phase: Phase) -> tuple[int, int]:
    """The least and the most digits that can be meant in this phase."""
    match step:
        case Ask(least=least, most=most):
            return least, most
        case CallBack():
            return PHONE_DIGITS
        case CaseStatus():
            return (PROOF_DIGITS, PROOF_DIGITS) if phase is Phase.PROVING else CASE_DIGITS


def keyed_in(step: Keyed, place: Place) -> Place | Done | None:
    """The caller is through with `place.digits`: the phase that follows, or the end; None: these digits cannot be."""
    least, most = limits(step, place.phase)
    if not least <= len(place.digits) <= most:
        return None
    match step:
        case Ask(confirm=True):
            return replace(place, phase=Phase.CONFIRMING)
        case Ask(name=name, note=note):
            return Done(KeepAnswer(name, note, place.digits))
        case CallBack():
            return replace(place, phase=Phase.CONFIRMING) if callable_number(place.digits) else None
        case CaseStatus() if place.phase is Phase.PROVING:
            return Done(LookUpCase(place.kept, place.digits))
        case CaseStatus():
            return replace(place, phase=Phase.PROVING, kept=place.digits, digits="")


def answered(step: Keyed, place: Place, key: str, situation: Situation) -> Place | Done | None:
    """The caller pressed `key` when asked to confirm: what follows; None: no such key."""
    if key == NO:
        return replace(place, phase=Phase.ASKING, digits="")
    if key != YES:
        return None
    match step:
        case Ask(name=name, note=note):
            return Done(KeepAnswer(name, note, place.digits))
        case CallBack(queue=queue):
            number = situation.caller if place.phase is Phase.OFFERING else place.digits
            return Done(PromiseCallBack(queue, callable_number(number)))
        case CaseStatus():
            return None  # has nothing to confirm
