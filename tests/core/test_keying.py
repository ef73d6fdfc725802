"""Steps beyond the plain menu, as pure moves: digits keyed in, call-backs, cases, offices, choices, notices."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import pytest

from ivr.actions import (
    Action,
    End,
    EnterQueue,
    EnterStep,
    KeepAnswer,
    Listen,
    LookUpCase,
    Phase,
    Place,
    PromiseCallBack,
    RingOffice,
    ServeEntity,
    Speak,
    SpeakLanguage,
    StopSpeaking,
    Why,
)
from ivr.hours import read_hours
from ivr.keying import callable_number
from ivr.menu import (
    Ask,
    Branch,
    CallBack,
    CallsFrom,
    CaseStatus,
    Choose,
    Dialplan,
    ExpectedWaitOver,
    IsOpen,
    Key,
    Menu,
    NobodySignedIn,
    Notice,
    OnDay,
    Queue,
    Say,
    SetLanguage,
    Speaks,
    Step,
    Transfer,
    WaitingOver,
)
from ivr.prompts import words
from ivr.sentences import Sentence
from ivr.situation import CaseStanding, QueueNow
from ivr.walk import Walker
from tests.contact_centre import sentences

MONDAY_NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
OFFICE_HOURS = read_hours({"mon-fri": "08:30-12:30"})[0]
EVENINGS = read_hours({"mon-sat": "16:00-19:00"})[0]
SORRY = Queue("sorry", "hall")


@dataclass
class Around:
    at: datetime = MONDAY_NOON
    caller: str = "+39055123456"
    queues: dict[str, QueueNow] = field(default_factory=lambda: {"hall": QueueNow(0, 1)})

    def now(self) -> datetime:
        return self.at

    def queue(self, name: str, language: str) -> QueueNow:
        return self.queues[name]


class Caller:
    """Somebody on the line of a dialplan that begins with the first of `steps`."""

    def __init__(self, *steps: Step, around: Around | None = None, languages: tuple[str, ...] = ("it", "en")) -> None:
        by_name = {step.name: step for step in (*steps, SORRY)}
        self.plan = Dialplan("1", "one", languages, steps[0].name, by_name)
        self.walker = Walker(self.plan, sentences(), around or Around())
        self.place, self.actions = self.walker.arrive()
        self.all: list[Action] = list(self.actions)

    def _then(self, went: tuple[Place, list[Action]]) -> "Caller":
        self.place, self.actions = went
        self.all += self.actions
        return self

    def hears_it_out(self) -> "Caller":
        return self._then(self.walker.heard(self.place))

    def presses(self, keys: str) -> "Caller":
        for key in keys:
            self._then(self.walker.pressed(self.place, key))
        return self

    def waits(self) -> "Caller":
        return self._then(self.walker.waited(self.place))

    def is_told(self, standing: CaseStanding | None) -> "Caller":
        return self._then(self.walker.case_found(self.place, standing))

    @property
    def heard_now(self) -> str:
        return " ".join(p.text for action in self.actions if isinstance(action, Speak) for p in action.prompts)

    @property
    def steps(self) -> list[str]:
        return [action.step for action in self.all if isinstance(action, EnterStep)]


def says(sentence: Sentence, language: str = "it") -> str:
    return sentences().prompt(sentence, language).text


# --- digits


def ask(*, confirm: bool = False, least: int = 3, most: int = 5) -> Ask:
    words_ = words({"it": "Il codice?", "en": "The code?"})
    return Ask("ask", words_, "code", least, most, "thanks", "sorry", confirm=confirm, tries=2)


THANKS = Queue("thanks", "hall")


@pytest.mark.parametrize("how", ["123#", "12345"])
def test_digits_end_with_hash_or_with_the_last_that_can_be(how: str) -> None:
    caller = Caller(ask(), THANKS).hears_it_out().presses(how)
    assert KeepAnswer("ask", "code", how.rstrip("#")) in caller.all
    assert caller.actions[-1] == EnterQueue("hall")


def test_digits_end_with_a_pause_too() -> None:
    caller = Caller(ask(), THANKS).hears_it_out().presses("123")
    assert caller.actions == [Listen(5.0)]
    assert KeepAnswer("ask", "code", "123") in caller.waits().all


def test_a_digit_interrupts_the_question_once() -> None:
    caller = Caller(ask(), THANKS).presses("12")
    assert caller.all.count(StopSpeaking()) == 1


def test_a_star_begins_the_digits_anew() -> None:
    assert KeepAnswer("ask", "code", "789") in Caller(ask(), THANKS).presses("12*789#").all


def test_too_few_digits_are_asked_for_again_and_then_the_call_goes_elsewhere() -> None:
    caller = Caller(ask(), THANKS).hears_it_out().presses("1#")
    assert caller.heard_now == f"{says(Sentence.WRONG_DIGITS)} Il codice?"
    assert caller.hears_it_out().presses("1#").place.step == "sorry"


def test_who_keys_in_nothing_is_asked_again_and_then_goes_elsewhere() -> None:
    caller = Caller(ask(), THANKS).hears_it_out().waits()
    assert caller.heard_now == f"{says(Sentence.NOTHING_PRESSED)} Il codice?"
    assert caller.hears_it_out().waits().actions[0] == EnterStep("sorry", Why.TRIES_OVER)


def test_digits_are_read_back_and_confirmed() -> None:
    caller = Caller(ask(confirm=True), THANKS).presses("123#")
    assert caller.heard_now == f"{says(Sentence.YOU_KEYED)} 1 2 3 {says(Sentence.CONFIRM_DIGITS)}"
    assert not [action for action in caller.all if isinstance(action, KeepAnswer)]
    assert KeepAnswer("ask", "code", "123") in caller.presses("1").all


def test_digits_that_were_wrong_are_keyed_in_again() -> None:
    caller = Caller(ask(confirm=True), THANKS).presses("123#2")
    assert caller.heard_now == "Il codice?"
    assert KeepAnswer("ask", "code", "456") in caller.presses("456#1").all


def test_silence_at_the_confirmation_repeats_what_was_keyed_in() -> None:
    caller = Caller(ask(confirm=True), THANKS).presses("123#").hears_it_out().waits()
    assert caller.heard_now.endswith(f"1 2 3 {says(Sentence.CONFIRM_DIGITS)}")


# --- call-backs

BACK = CallBack("back", "hall", "sorry", words({"it": "Richiamiamo.", "en": "We call back."}), tries=2)


def test_who_shows_a_number_is_offered_to_be_called_at_it() -> None:
    caller = Caller(BACK)
    digits = "0 5 5 1 2 3 4 5 6"
    assert caller.heard_now == f"Richiamiamo. {says(Sentence.CALL_BACK_AT)} {digits} {says(Sentence.CONFIRM_NUMBER)}"
    caller.presses("1")
    assert PromiseCallBack("hall", "+39055123456") in caller.actions
    assert caller.heard_now == says(Sentence.CALL_BACK_PROMISED)
    assert caller.hears_it_out().actions == [End(Why.CALL_BACK_PROMISED)]


def test_another_number_is_keyed_in_and_confirmed() -> None:
    caller = Caller(BACK).presses("2")
    assert caller.heard_now == says(Sentence.KEY_IN_NUMBER)
    caller.presses("3331234567#")
    assert says(Sentence.CONFIRM_DIGITS) in caller.heard_now
    assert PromiseCallBack("hall", "+393331234567") in caller.presses("1").actions


@pytest.mark.parametrize("number", ["", "+4930123456"])
def test_who_shows_no_number_that_we_may_call_keys_one_in(number: str) -> None:
    assert says(Sentence.KEY_IN_NUMBER) in Caller(BACK, around=Around(caller=number)).heard_now


@pytest.mark.parametrize("number", ["899123456", "0044123456789", "123456", "112"])
def test_nobody_makes_us_call_a_number_that_costs_or_is_none(number: str) -> None:
    caller = Caller(BACK).presses("2").presses(f"{number}#")
    assert not [action for action in caller.all if isinstance(action, PromiseCallBack)]
    assert callable_number(number) == ""


def test_who_does_not_answer_the_offer_goes_elsewhere() -> None:
    caller = Caller(BACK).hears_it_out().waits().hears_it_out().waits()
    assert caller.place.step == "sorry"


def test_after_the_promise_the_call_goes_on_where_the_step_says() -> None:
    caller = Caller(replace(BACK, then="thanks"), THANKS).presses("1").hears_it_out()
    assert caller.actions == [EnterStep("thanks", Why.CALL_BACK_PROMISED), EnterQueue("hall")]


# --- cases

STATUS = CaseStatus("case", then="thanks", otherwise="sorry", tries=2)
OPEN_CASE = CaseStanding(True, date(2026, 11, 3))


def test_a_case_is_looked_up_by_number_and_proof_and_its_state_said() -> None:
    caller = Caller(STATUS, THANKS).presses("10000426#")
    assert caller.heard_now == says(Sentence.KEY_IN_PROOF)
    caller.presses("1234")
    assert caller.actions == [LookUpCase("10000426", "1234")]
    caller.is_told(OPEN_CASE)
    assert "3 novembre 2026" in caller.heard_now
    assert caller.hears_it_out().actions[0] == EnterStep("thanks", Why.STATUS_SAID)


def test_a_wrong_proof_sounds_like_a_case_that_is_not_there() -> None:
    caller = Caller(STATUS, THANKS).presses("10000426#1234").is_told(None)
    assert caller.heard_now == f"{says(Sentence.NO_SUCH_CASE)} {says(Sentence.KEY_IN_CASE)}"
    assert caller.presses("10000426#1234").is_told(None).place.step == "sorry"


def test_keys_pressed_while_the_case_is_looked_up_change_nothing() -> None:
    caller = Caller(STATUS, THANKS).presses("10000426#1234")
    place = caller.place
    assert caller.presses("1").place == place
    assert caller.actions == []


def test_where_nobody_can_look_at_cases_the_call_goes_elsewhere() -> None:
    caller = Caller(STATUS, THANKS).presses("10000426#1234")
    assert caller.walker.in_vain(caller.place)[0].step == "sorry"


def test_a_late_word_about_a_case_changes_nothing() -> None:
    caller = Caller(STATUS, THANKS)
    assert caller.walker.case_found(caller.place, OPEN_CASE) == (caller.place, [])


# --- offices

OFFICE = Transfer("office", "florence/registry", "+39055759", "sorry", OFFICE_HOURS, words({"it": "Un momento."}))
AT_NINE = Around(at=datetime(2026, 11, 23, 9, 0, tzinfo=UTC))


def test_an_office_is_rung_when_its_words_were_heard() -> None:
    caller = Caller(OFFICE, around=AT_NINE)
    assert caller.heard_now == "Un momento."
    assert caller.hears_it_out().actions == [RingOffice("florence/registry", "+39055759", 30.0)]


def test_where_the_office_does_not_answer_the_call_goes_elsewhere() -> None:
    caller = Caller(OFFICE, around=AT_NINE).hears_it_out()
    place, actions = caller.walker.in_vain(caller.place)
    assert (place.step, actions[0]) == ("sorry", EnterStep("sorry", Why.OFFICE_AWAY))


def test_an_office_that_is_closed_is_not_rung() -> None:
    afternoon = Around(at=datetime(2026, 11, 23, 14, 0, tzinfo=UTC))
    caller = Caller(OFFICE, around=afternoon)
    assert caller.actions == [
        EnterStep("office", Why.ARRIVED),
        EnterStep("sorry", Why.OFFICE_CLOSED),
        EnterQueue("hall"),
    ]


# --- choices, languages, notices, entities


@pytest.mark.parametrize(
    ("condition", "around", "holds"),
    [
        (IsOpen("evenings", EVENINGS), Around(), False),
        (IsOpen("evenings", EVENINGS), Around(at=datetime(2026, 11, 23, 16, 0, tzinfo=UTC)), True),
        (Speaks(("it",)), Around(), True),
        (Speaks(("en", "fr")), Around(), False),
        (CallsFrom(("+39055",)), Around(), True),
        (CallsFrom(("+3902", "+3906")), Around(), False),
        (CallsFrom(("+39055",)), Around(caller=""), False),
        (CallsFrom((), withheld=True), Around(caller=""), True),
        (OnDay(weekdays=frozenset({0})), Around(), True),
        (OnDay(yearly=frozenset({(11, 23)})), Around(), True),
        (OnDay(dates=frozenset({date(2026, 11, 24)})), Around(), False),
        # half past eleven at night in London is the next day in Rome
        (OnDay(weekdays=frozenset({1})), Around(at=datetime(2026, 11, 23, 23, 30, tzinfo=UTC)), True),
        (WaitingOver("hall", 3), Around(queues={"hall": QueueNow(3, 1)}), False),
        (WaitingOver("hall", 3), Around(queues={"hall": QueueNow(4, 1)}), True),
        (NobodySignedIn("hall"), Around(queues={"hall": QueueNow(0, 0)}), True),
        (NobodySignedIn("hall"), Around(), False),
        (ExpectedWaitOver("hall", 60.0), Around(queues={"hall": QueueNow(9, 1, 61.0)}), True),
        (ExpectedWaitOver("hall", 60.0), Around(queues={"hall": QueueNow(9, 1, None)}), False),
    ],
)
def test_a_choice_looks_at_what_is_true(condition: object, around: Around, holds: bool) -> None:
    choose = Choose("choose", (Branch("thanks", (condition,)),), "sorry")  # type: ignore[arg-type]
    assert Caller(choose, THANKS, around=around).place.step == ("thanks" if holds else "sorry")


def test_a_branch_needs_all_its_conditions_and_the_reason_names_them() -> None:
    both = (Speaks(("it",)), WaitingOver("hall", 2))
    choose = Choose("choose", (Branch("thanks", both),), "sorry")
    busy = Around(queues={"hall": QueueNow(3, 1)})
    assert Caller(choose, THANKS).place.step == "sorry"
    caller = Caller(choose, THANKS, around=busy)
    reason = "chosen: the caller speaks it and more than 2 wait in hall"
    assert EnterStep("thanks", reason) in caller.actions


def test_a_language_step_changes_the_language_for_what_follows() -> None:
    caller = Caller(SetLanguage("english", "en", "ask"), ask(), THANKS)
    assert SpeakLanguage("en") in caller.actions
    assert caller.heard_now == "The code?"


NOTICE = Notice("notice", words({"it": "Sciopero.", "en": "Strike."}), "thanks", None, MONDAY_NOON)


def test_a_notice_is_said_until_its_end_and_then_passed_by() -> None:
    before = Caller(NOTICE, THANKS, around=Around(at=MONDAY_NOON.replace(hour=10)))
    assert before.heard_now == "Sciopero."
    assert before.hears_it_out().actions == [EnterStep("thanks", Why.HEARD), EnterQueue("hall")]
    after = Caller(NOTICE, THANKS)
    assert after.actions == [EnterStep("notice", Why.ARRIVED), EnterStep("thanks", Why.NO_NOTICE), EnterQueue("hall")]


def test_a_key_can_say_for_which_entity_the_call_is() -> None:
    menu = Menu("menu", words({"it": "Premi 1."}), {"1": Key("thanks", entity="scandicci")}, "sorry")
    assert ServeEntity("scandicci") in Caller(menu, THANKS).presses("1").actions


def test_steps_that_only_lead_to_each_other_end_the_call_and_not_the_engine() -> None:
    ring = SetLanguage("a", "it", "b"), SetLanguage("b", "en", "a")
    assert Caller(*ring).actions[-1] == End(Why.GOES_ROUND)


def test_a_phase_is_forgotten_when_the_step_is_entered_anew() -> None:
    caller = Caller(BACK).presses("2")
    place, _ = caller.walker.go("back", "it", Why.SAID_AGAIN)
    assert place == Place("back", "it", phase=Phase.OFFERING)


def test_a_greeting_before_a_question_is_heard_first() -> None:
    caller = Caller(Say("welcome", words({"it": "Ciao."}), "ask"), ask(), THANKS)
    assert caller.heard_now == "Ciao."
    assert caller.hears_it_out().heard_now == "Il codice?"
    assert caller.steps == ["welcome", "ask"]
