"""A call's way through a menu, as pure steps."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from ivr.actions import (
    Action,
    End,
    EnterQueue,
    EnterStep,
    Listen,
    Place,
    Speak,
    SpeakLanguage,
    StopSpeaking,
    TakeKey,
    TakeMessage,
    Why,
)
from ivr.hours import read_hours
from ivr.menu import Dialplan, HangUp, Key, Menu, Queue, Say, Step, Voicemail
from ivr.prompts import Prompt, words
from ivr.sentences import Sentence
from ivr.situation import QueueNow
from ivr.walk import Walker
from tests.contact_centre import sentences

STEPS: tuple[Step, ...] = (
    Say("welcome", words({"it": "Benvenuti.", "en": "Welcome."}), "main"),
    Menu(
        "main",
        words({"it": "Premi 1.", "en": "Press 1."}),
        {"1": Key("taxes"), "2": Key("message"), "9": Key("main", "en"), "0": Key("bye"), "#": Key("quiet")},
        "taxes",
        wait_s=5.0,
        tries=2,
    ),
    Queue("taxes", "tributi"),
    Voicemail("message", "hall", words({"it": "Lasci un messaggio."}), 60.0),
    Voicemail("night", "hall"),
    HangUp("bye", words({"it": "Arrivederci.", "en": "Goodbye."})),
    HangUp("quiet"),
)
HOURS = read_hours({"mon-fri": "09:00-18:00"})[0]
PLAN = Dialplan("1", "one", ("it", "en"), "welcome", {step.name: step for step in STEPS}, hours=HOURS, closed="night")
MONDAY_NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)


@dataclass
class Around:
    """What is true around a call, as a test wants it."""

    at: datetime = MONDAY_NOON
    caller: str = "+39055123456"
    queues: dict[str, QueueNow] = field(default_factory=dict)

    def now(self) -> datetime:
        return self.at

    def queue(self, name: str, language: str) -> QueueNow:
        return self.queues[name]


walker = Walker(PLAN, sentences(), Around())
at_night = Walker(PLAN, sentences(), Around(at=MONDAY_NOON.replace(hour=22)))
MENU_HEARD = Place("main", "it", listening=True)


def spoken(*texts: str, language: str = "it") -> Speak:
    return Speak(tuple(Prompt(text, language) for text in texts))


def house_says(sentence: Sentence, language: str = "it") -> str:
    return sentences().prompt(sentence, language).text


def test_a_call_begins_at_the_start_in_the_first_language() -> None:
    assert walker.arrive() == (
        Place("welcome", "it"),
        [EnterStep("welcome", Why.ARRIVED), spoken("Benvenuti.")],
    )


def test_a_closed_number_leads_to_its_closed_step() -> None:
    place, actions = at_night.arrive()
    assert place == Place("night", "it")
    assert actions[0] == EnterStep("night", Why.CLOSED)
    greeting = sentences().prompt(Sentence.LEAVE_MESSAGE, "it")
    assert actions[1] == TakeMessage("hall", (greeting,), 180.0)


def test_what_was_said_leads_to_the_next_step() -> None:
    assert walker.heard(Place("welcome", "it")) == (
        Place("main", "it"),
        [EnterStep("main", Why.HEARD), spoken("Premi 1.")],
    )


def test_after_the_menus_text_a_key_is_awaited() -> None:
    assert walker.heard(Place("main", "it")) == (MENU_HEARD, [Listen(5.0)])


@pytest.mark.parametrize("listening", [True, False])
def test_a_key_leads_on_and_interrupts_what_is_said(listening: bool) -> None:
    place, actions = walker.pressed(Place("main", "it", tries=1, listening=listening), "1")
    stop: list[Action] = [] if listening else [StopSpeaking()]
    assert place == Place("taxes", "it")
    assert actions == [*stop, TakeKey("main", "1", Why.KEY), EnterStep("taxes", Why.KEY), EnterQueue("tributi")]


def test_a_wrong_key_is_said_and_the_menu_follows_again() -> None:
    place, actions = walker.pressed(MENU_HEARD, "7")
    assert place == Place("main", "it", tries=1)
    assert actions == [TakeKey("main", "7", Why.WRONG_KEY), spoken(house_says(Sentence.WRONG_KEY), "Premi 1.")]


def test_when_nothing_is_pressed_that_is_said_and_the_menu_follows_again() -> None:
    place, actions = walker.waited(MENU_HEARD)
    assert place == Place("main", "it", tries=1)
    assert actions == [spoken(house_says(Sentence.NOTHING_PRESSED), "Premi 1.")]


@pytest.mark.parametrize("how", ["wrong key", "nothing"])
def test_after_the_last_try_the_call_goes_where_the_menu_says_otherwise(how: str) -> None:
    last = replace(MENU_HEARD, tries=1)
    place, actions = walker.waited(last) if how == "nothing" else walker.pressed(last, "7")
    assert place == Place("taxes", "it")
    assert actions[-2:] == [EnterStep("taxes", Why.TRIES_OVER), EnterQueue("tributi")]


def test_a_language_key_changes_the_language_and_forgives_the_tries() -> None:
    place, actions = walker.pressed(replace(MENU_HEARD, tries=1), "9")
    assert place == Place("main", "en")
    assert actions == [
        TakeKey("main", "9", Why.KEY),
        SpeakLanguage("en"),
        EnterStep("main", Why.KEY),
        spoken("Press 1.", language="en"),
    ]


def test_the_house_speaks_the_language_that_was_chosen() -> None:
    _, actions = walker.waited(Place("main", "en", listening=True))
    assert actions == [spoken(house_says(Sentence.NOTHING_PRESSED, "en"), "Press 1.", language="en")]


def test_a_key_during_the_greeting_counts_for_the_menu_after_it() -> None:
    place, actions = walker.pressed(Place("welcome", "it"), "1")
    assert place == Place("taxes", "it")
    assert actions[:2] == [StopSpeaking(), TakeKey("main", "1", Why.KEY_AHEAD)]


def test_a_key_during_the_greeting_that_no_menu_awaits_changes_nothing() -> None:
    place = Place("welcome", "it")
    assert walker.pressed(place, "7") == (place, [])


def test_greetings_that_lead_to_each_other_do_not_hang_the_walker() -> None:
    ring = {"a": Say("a", words({"it": "A."}), "b"), "b": Say("b", words({"it": "B."}), "a")}
    place = Place("a", "it")
    assert Walker(replace(PLAN, steps=ring, start="a"), sentences(), Around()).pressed(place, "1") == (place, [])


def test_a_key_in_a_voicemail_or_a_queue_changes_nothing() -> None:
    for step in ("message", "taxes", "bye"):
        place = Place(step, "it")
        assert walker.pressed(place, "1") == (place, [])
        assert walker.waited(place) == (place, [])


def test_a_text_in_another_language_is_said_where_the_callers_own_is_missing() -> None:
    _, actions = walker.go("message", "en", Why.SENT_ON)
    assert actions == [
        EnterStep("message", Why.SENT_ON),
        TakeMessage("hall", (Prompt("Lasci un messaggio.", "it"),), 60.0),
    ]


def test_a_goodbye_is_heard_before_the_call_ends() -> None:
    place, actions = walker.pressed(MENU_HEARD, "0")
    assert actions[-1] == spoken("Arrivederci.")
    assert walker.heard(place) == (place, [End(Why.DIALPLAN_ENDS)])


def test_a_hang_up_without_words_ends_the_call_at_once() -> None:
    _, actions = walker.pressed(MENU_HEARD, "#")
    assert actions[-1] == End(Why.DIALPLAN_ENDS)
