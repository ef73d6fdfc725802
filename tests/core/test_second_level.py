"""The second level: offices that agents answer for, callers who are handed on, and the way back when nobody answers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from acd.goto import ToVoicemail
from acd.rules import HeadStart, WhileWaiting
from acd.state import Doing
from acd.why import Why
from agents.state import Wish
from asterisk.port import CallerId, EndCause, LegEnded, PlaybackEnded
from centralino import events as ev
from centralino.call_states import CallState
from centralino.events import Outcome
from centralino.second_level import QUEUE_WITHIN_S
from centralino.shown import sentence
from centralino.signing import Refused
from ivr.actions import Why as StepWhy
from ivr.hours import read_hours
from ivr.menu import Queue, Transfer
from ivr.prompts import words
from ivr.sentences import Sentence
from ivr.steps_of_ours import FIRST_LEVEL, HANDED_ON
from tests.contact_centre import ContactCentre, dialplan, said, sentences

PHONE = "+39055759"
TO_EXPERTS = sentences().connecting("Experts", "it").text
WORDS_S = 2.0  # how long the words are heard before the second level is asked


@pytest.fixture
def hall(tmp_path: Path) -> ContactCentre:
    """ana answers the hall; eva is an expert, the second level of city: both have their first call behind them."""
    centre = ContactCentre(tmp_path)
    centre.queue("hall", needs={"hall": 1})
    centre.queue("experts", needs={"experts": 1}, wrap_up_s=10.0)
    centre.office("city/experts", "experts")
    centre.agent("ana", skills={"hall": 1})
    centre.agent("eva", skills={"experts": 1})
    return centre


def talks(hall: ContactCentre, call: str = "c1", agent: str = "ana") -> None:
    """A caller of the hall talks with an agent."""
    hall.call(call)
    hall.clock.advance(5)
    hall.pick_up(agent)
    assert hall.talking_now() == {agent: call}
    hall.clock.advance(60)


def handed_on(hall: ContactCentre, to: str = "city/experts", note: str = "") -> None:
    """c1 is handed on, and has heard to whom."""
    talks(hall)
    hall.hand_on("c1", to, note)
    hall.clock.advance(WORDS_S)


def last(hall: ContactCentre, kind: type[ev.CallEvent], call: str = "c1") -> ev.CallEvent:
    return [event for event in hall.trail(call) if isinstance(event, kind)][-1]


# --- an office that agents answer for, by a step of the dialplan


@pytest.fixture
def menu(hall: ContactCentre) -> ContactCentre:
    step = Transfer("office", "city/experts", "", "hall", words=words({"it": "Un momento."}), queue="experts")
    hall.service(dialplan("1", [step, Queue("hall", "hall")]))
    return hall


def test_a_step_leads_to_the_agents_of_an_office(menu: ContactCentre) -> None:
    menu.call("c1", number="1")
    assert menu.hears("c1") == "Un momento."
    menu.clock.advance(WORDS_S)
    assert menu.ringing_now() == {"eva": "c1"}
    assert menu.line.shown["phone-of-eva"] == CallerId("+39055123456", "city/experts: +39055123456")
    menu.pick_up("eva")
    menu.put_down("eva")
    assert menu.outcomes() == {"c1": Outcome.ANSWERED}


def test_where_no_agent_of_the_office_answers_the_call_goes_on_by_the_dialplan(menu: ContactCentre) -> None:
    menu.choose("eva", Wish.PAUSE)
    menu.call("c1", number="1")
    menu.clock.advance(WORDS_S + 59)
    assert menu.waiting_in("experts") == ["c1"]
    assert menu.hears("c1") == "music"
    menu.clock.advance(1)
    assert menu.ringing_now() == {"ana": "c1"}
    left = last(menu, ev.QueueLeft)
    assert isinstance(left, ev.QueueLeft)
    assert (left.queue, left.why) == ("experts", Why.NOBODY_CAME)
    entered = last(menu, ev.StepEntered)
    assert isinstance(entered, ev.StepEntered)
    assert (entered.step, entered.why) == ("hall", StepWhy.OFFICE_AWAY)
    assert menu.line.shown["phone-of-ana"].name.startswith("hall, 1 min")


def test_the_phone_of_an_agent_that_rings_when_the_time_is_over_rings_to_its_end(menu: ContactCentre) -> None:
    menu.choose("eva", Wish.PAUSE)
    menu.call("c1", number="1")
    menu.clock.advance(WORDS_S + 55)
    menu.choose("eva", Wish.READY)
    menu.clock.advance(15)
    assert menu.ringing_now() == {"eva": "c1"}
    menu.clock.advance(6)
    assert menu.ringing_now() == {"ana": "c1"}


def test_an_office_of_which_nobody_is_signed_in_is_passed_over_at_once(menu: ContactCentre) -> None:
    menu.choose("eva", Wish.SIGN_OUT)
    menu.call("c1", number="1")
    assert menu.ringing_now() == {"ana": "c1"}
    entered = last(menu, ev.StepEntered)
    assert isinstance(entered, ev.StepEntered)
    assert entered.why == StepWhy.OFFICE_EMPTY


def test_an_office_whose_line_is_full_is_passed_over(menu: ContactCentre) -> None:
    menu.queue("experts", needs={"experts": 1}, full_waiting=1, full_then=ToVoicemail("experts"))
    menu.choose("eva", Wish.PAUSE)
    menu.call("c0", "experts")
    menu.call("c1", number="1")
    menu.clock.advance(WORDS_S)
    assert menu.ringing_now() == {"ana": "c1"}


def test_after_its_agents_an_office_is_rung(menu: ContactCentre) -> None:
    both = Transfer("office", "city/experts", PHONE, "hall", queue="experts", answer_within_s=30.0)
    menu.service(dialplan("1", [both, Queue("hall", "hall")]))
    menu.line.plug_in(PHONE)
    menu.choose("eva", Wish.PAUSE)
    menu.call("c1", number="1")
    menu.clock.advance(30)
    assert menu.now("c1").state is CallState.TRANSFERRING
    menu.line.pick_up(PHONE)
    menu.settle()
    assert menu.now("c1").state is CallState.TRANSFERRED
    menu.hang_up("c1")
    assert menu.outcomes() == {"c1": Outcome.TRANSFERRED}


def test_where_neither_agents_nor_the_phone_answer_the_call_goes_on(menu: ContactCentre) -> None:
    both = Transfer("office", "city/experts", PHONE, "hall", queue="experts", answer_within_s=30.0)
    menu.service(dialplan("1", [both, Queue("hall", "hall")]))
    menu.line.plug_in(PHONE)
    menu.choose("eva", Wish.PAUSE)
    menu.call("c1", number="1")
    menu.clock.advance(30 + 30)
    assert menu.ringing_now() == {"ana": "c1"}


def test_where_none_of_its_agents_is_signed_in_the_phone_is_rung_at_once(menu: ContactCentre) -> None:
    both = Transfer("office", "city/experts", PHONE, "hall", queue="experts")
    menu.service(dialplan("1", [both, Queue("hall", "hall")]))
    menu.line.plug_in(PHONE)
    menu.choose("eva", Wish.SIGN_OUT)
    menu.call("c1", number="1")
    assert menu.now("c1").state is CallState.TRANSFERRING


def test_a_caller_who_waits_for_an_office_and_does_not_want_a_call_back_waits_on(menu: ContactCentre) -> None:
    menu.queue("experts", needs={"experts": 1}, while_waiting=WhileWaiting(call_back_key="5"))
    menu.choose("eva", Wish.PAUSE)
    menu.call("c1", number="1")
    menu.line.sound_s = 0.5
    menu.clock.advance(WORDS_S + 5)
    menu.press("c1", "5")
    menu.clock.advance(45)  # is silent at each question
    assert menu.waiting_in("experts") == ["c1"]
    menu.clock.advance(9)
    assert menu.ringing_now() == {}
    menu.clock.advance(1)
    assert menu.ringing_now() == {"ana": "c1"}, "60 s after it began to wait for the office"


def test_the_offices_agents_are_asked_by_a_new_engine_too(menu: ContactCentre) -> None:
    menu.choose("eva", Wish.PAUSE)
    menu.call("c1", number="1")
    menu.clock.advance(WORDS_S + 30)
    menu.restart_engine()
    assert menu.waiting_in("experts") == ["c1"]
    menu.clock.advance(30)
    assert menu.ringing_now() == {"ana": "c1"}


# --- an agent hands a caller on


def test_a_caller_who_is_handed_on_hears_to_whom_and_talks_with_the_second_level(hall: ContactCentre) -> None:
    talks(hall)
    hall.hand_on("c1", "city/experts")
    assert hall.doing("ana") is Doing.WRAPPING_UP
    assert hall.hears("c1") == TO_EXPERTS
    hall.clock.advance(WORDS_S)
    assert hall.ringing_now() == {"eva": "c1"}
    assert hall.line.shown["phone-of-eva"].name == "city/experts: +39055123456"
    hall.pick_up("eva")
    assert hall.talking_now() == {"eva": "c1"}
    hall.put_down("eva")
    assert hall.outcomes() == {"c1": Outcome.ANSWERED}
    assert hall.count(ev.CallArrived) == 1


def test_a_caller_can_be_handed_on_to_another_queue(hall: ContactCentre) -> None:
    talks(hall)
    hall.hand_on("c1", "experts")
    assert hall.hears("c1") == said(Sentence.CONNECTING)
    hall.clock.advance(WORDS_S)
    assert hall.ringing_now() == {"eva": "c1"}
    assert hall.line.shown["phone-of-eva"].name == "experts: +39055123456"


def test_where_nobody_at_the_second_level_answers_the_caller_comes_back_to_the_first(hall: ContactCentre) -> None:
    hall.choose("eva", Wish.PAUSE)
    handed_on(hall)
    hall.clock.advance(30)  # ana's wrap-up is over
    hall.call("c2")
    hall.pick_up("ana")
    hall.call("c3")
    hall.clock.advance(30)
    assert hall.waiting_in() == ["c1", "c3"], "in the place of the first entry"
    trail = [event for event in hall.trail("c1") if isinstance(event, ev.QueueLeft | ev.StepEntered | ev.QueueEntered)]
    left, step, entered = trail[-3:]
    assert (left.queue, left.why) == ("experts", Why.NOBODY_CAME)
    assert (step.step, step.why) == (FIRST_LEVEL, StepWhy.OFFICE_AWAY)
    assert (entered.queue, entered.office, entered.back_at_s) == ("hall", "", 0.0)
    hall.put_down("ana")
    hall.clock.advance(30)
    assert hall.ringing_now() == {"ana": "c1"}
    hall.pick_up("ana")
    hall.put_down("ana")
    assert hall.outcomes()["c1"] == Outcome.ANSWERED


def test_another_queue_has_as_long_as_its_longest_wait(hall: ContactCentre) -> None:
    hall.queue(
        "experts", needs={"experts": 1}, longest_wait_s=40.0, longest_wait_then=ToVoicemail("experts"), wrap_up_s=0.0
    )
    hall.choose("eva", Wish.PAUSE)
    handed_on(hall, "experts")
    hall.clock.advance(39)
    assert hall.waiting_in("experts") == ["c1"]
    hall.clock.advance(1)
    assert hall.ringing_now() == {"ana": "c1"}


def test_another_queue_without_a_longest_wait_does_not_keep_the_caller_for_ever(hall: ContactCentre) -> None:
    hall.choose("eva", Wish.PAUSE)
    handed_on(hall, "experts")
    hall.clock.advance(QUEUE_WITHIN_S - 1)
    assert hall.waiting_in("experts") == ["c1"]
    hall.clock.advance(1)
    assert hall.ringing_now() == {"ana": "c1"}


def test_who_was_handed_on_goes_before_those_who_called_later(hall: ContactCentre) -> None:
    talks(hall)
    hall.choose("eva", Wish.PAUSE)
    hall.call("c2", "experts")
    hall.hand_on("c1", "city/experts")
    hall.clock.advance(WORDS_S)
    assert hall.waiting_in("experts") == ["c1", "c2"]


def test_a_head_start_at_the_first_level_is_there_again_when_the_caller_comes_back(hall: ContactCentre) -> None:
    hall.queue("hall", needs={"hall": 1}, head_starts=(HeadStart(1000.0, step="straight"),))
    hall.choose("eva", Wish.PAUSE)
    handed_on(hall)
    hall.choose("ana", Wish.PAUSE)
    hall.clock.advance(60)
    assert hall.now("c1").queue == "hall"
    assert hall.now("c1").head_start_s == 1000.0


def test_the_wait_at_the_second_level_counts_from_the_end_of_the_talk(hall: ContactCentre) -> None:
    hall.queue("experts", needs={"experts": 1}, target_within_s=20.0, longest_wait_s=30.0)
    handed_on(hall, "city/experts")
    hall.pick_up("eva")
    today = hall.house.today
    assert (today["hall"].answered, today["experts"].answered) == (1, 1)
    assert (today["hall"].offered, today["experts"].offered) == (1, 1)
    assert today["experts"].in_time == 1
    assert today["experts"].wait_sum_s == pytest.approx(WORDS_S)
    hall.put_down("eva")
    assert today["hall"].talked == 1
    assert today["hall"].talk_sum_s == pytest.approx(60.0)


def test_the_first_level_gives_a_caller_who_comes_back_its_whole_longest_wait(hall: ContactCentre) -> None:
    rules = {"longest_wait_s": 100.0, "longest_wait_then": ToVoicemail("hall"), "full_waiting": 1}
    hall.queue("hall", needs={"hall": 1}, **rules, full_then=ToVoicemail("hall"))
    hall.choose("eva", Wish.PAUSE)
    handed_on(hall)
    hall.choose("ana", Wish.PAUSE)
    hall.call("c2")
    hall.clock.advance(60)
    assert hall.waiting_in() == ["c1", "c2"], "also where it is full"
    hall.clock.advance(100 - 62 - 1)
    assert hall.waiting_in() == ["c1", "c2"]
    hall.clock.advance(2)
    assert hall.now("c1").state is CallState.VOICEMAIL


def test_a_phone_office_is_rung_and_the_caller_comes_back_where_nobody_answers(hall: ContactCentre) -> None:
    hall.office("city/registry", phone=PHONE)
    handed_on(hall, "city/registry")
    assert hall.now("c1").state is CallState.TRANSFERRING
    hall.clock.advance(30)
    assert hall.ringing_now() == {"ana": "c1"}


def test_a_phone_office_that_answers_talks_with_the_caller(hall: ContactCentre) -> None:
    hall.office("city/registry", phone=PHONE)
    handed_on(hall, "city/registry")
    hall.line.pick_up(PHONE)
    hall.settle()
    assert hall.now("c1").state is CallState.TRANSFERRED
    hall.hang_up("c1")
    assert hall.outcomes() == {"c1": Outcome.ANSWERED}, "by the first level"
    assert hall.house.today["hall"].abandoned == 0


def test_the_second_level_can_hand_on_too_and_gets_the_caller_back(hall: ContactCentre) -> None:
    hall.queue("chiefs", needs={"chiefs": 1})
    hall.office("city/chiefs", "chiefs", answer_within_s=20.0)
    hall.agent("leo", skills={"chiefs": 1})
    hall.choose("leo", Wish.PAUSE)
    handed_on(hall)
    hall.pick_up("eva")
    hall.hand_on("c1", "city/chiefs")
    hall.clock.advance(WORDS_S + 20)
    assert hall.ringing_now() == {"eva": "c1"}
    assert hall.now("c1").back_at_s == 0.0, "it waits by the queue's own rules now"


def test_entity_and_language_go_with_the_caller(hall: ContactCentre) -> None:
    hall.agent("eve", skills={"hall": 1}, languages=("en",))
    hall.call_in("en", "c1")
    hall.pick_up("eve")
    hall.hand_on("c1", "city/experts")
    assert hall.hears("c1") == sentences().connecting("Experts", "en").text
    assert hall.now("c1").language == "en"


def test_the_trail_reads_well_aloud(hall: ContactCentre) -> None:
    hall.choose("eva", Wish.PAUSE)
    handed_on(hall, note="Signora Rossi")
    hall.clock.advance(60)
    bodies = [msgspec.to_builtins(event) for event in hall.trail("c1")]
    aloud = [(sentence(body["type"], body), body.get("why", "")) for body in bodies]
    heard = aloud[next(n for n, (text, _) in enumerate(aloud) if "hands" in text) :]
    assert heard[:3] == [
        ("ana of hall hands the caller on to city/experts, with a note", ""),
        ("came to where the agent sent the caller", "handed on by an agent"),
        ("entered queue experts, for office city/experts", ""),
    ]
    assert heard[4:7] == [
        ("left queue experts", "nobody there answered in time"),
        ("came to the way back to the first level", "nobody there answered"),
        ("entered queue hall", ""),
    ]


# --- the note


def test_what_the_agent_writes_is_kept_and_the_journal_has_only_its_key(hall: ContactCentre) -> None:
    handed_on(hall, note="Signora Rossi\nchiede   della frana")
    event = last(hall, ev.CallHandedOn)
    assert isinstance(event, ev.CallHandedOn)
    assert "Rossi" not in repr(hall.entries)
    assert hall.people.answer(event.note) == "Signora Rossi chiede della frana"
    assert (event.agent, event.queue, event.to, event.by) == ("ana", "hall", "city/experts", "test")


def test_without_a_note_nothing_is_kept(hall: ContactCentre) -> None:
    handed_on(hall, note="  ")
    event = last(hall, ev.CallHandedOn)
    assert isinstance(event, ev.CallHandedOn)
    assert event.note == ""


# --- refused, while the talk goes on


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("city/expert", "there is no office or queue `city/expert`; did you mean `city/experts`?"),
        ("expert", "there is no office or queue `expert`; did you mean `experts`?"),
        ("", "there is no office or queue ``; known: "),
        ("phone:+39055123456", "there is no office or queue `phone:+39055123456`; known: "),
        ("hall", "c1 came by queue hall: its agents are those of hall"),
        ("city/hall", "c1 came by queue hall: its agents are those of city/hall"),
        ("city/asleep", "city/asleep is closed until 2026-11-23 14:00"),
        ("city/nowhere", "city/nowhere cannot take the call: nobody is signed in for queue nobody"),
        ("nobody", "nobody cannot take the call: nobody is signed in for queue nobody"),
        ("full", "full cannot take the call: queue full is full, 1 wait there"),
    ],
)
def test_what_cannot_be_done_is_refused_and_the_talk_goes_on(hall: ContactCentre, to: str, why: str) -> None:
    hall.queue("nobody", needs={"nobody": 1})
    hall.queue("full", needs={"experts": 1}, full_waiting=1, full_then=ToVoicemail("hall"))
    hall.office("city/nowhere", "nobody")
    hall.office("city/hall", "hall")
    hall.office("city/asleep", "experts", hours=read_hours({"mon-fri": "14:00-16:00"})[0])
    hall.choose("eva", Wish.PAUSE)
    hall.call("c0", "full")
    talks(hall)
    before = len(hall.entries)
    with pytest.raises(Refused) as refused:
        hall.hand_on("c1", to, "a note")
    assert str(refused.value).startswith(why)
    assert hall.talking_now() == {"ana": "c1"}
    assert len(hall.entries) == before


def test_an_office_that_never_opens_is_closed(hall: ContactCentre) -> None:
    hall.office("city/asleep", "experts", hours=read_hours({})[0])
    talks(hall)
    with pytest.raises(Refused, match=r"city/asleep is closed$"):
        hall.hand_on("c1", "city/asleep")


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ("c9", "there is no call `c9` now"),
        ("c2", "c2 is queued: only a call that talks with an agent can be handed on"),
    ],
)
def test_only_a_call_that_talks_is_handed_on(hall: ContactCentre, call: str, why: str) -> None:
    talks(hall)
    hall.call("c2")
    with pytest.raises(Refused, match=why):
        hall.hand_on(call, "city/experts")


def test_without_a_line_to_the_phone_system_nobody_is_handed_on(hall: ContactCentre) -> None:
    talks(hall)
    hall.cut_line()
    with pytest.raises(Refused, match="no connection to the phone system"):
        hall.hand_on("c1", "city/experts")
    hall.connect_line()
    assert hall.talking_now() == {"ana": "c1"}


def test_a_call_whose_number_is_no_longer_in_the_configuration_is_not_handed_on(hall: ContactCentre) -> None:
    talks(hall)
    del hall.dialplans["hall"]
    with pytest.raises(Refused, match="there is no way back"):
        hall.hand_on("c1", "city/experts")


# --- never lost


def test_an_agent_who_hangs_up_just_before_has_ended_the_call(hall: ContactCentre) -> None:
    talks(hall)
    hall.put_down("ana")
    with pytest.raises(Refused, match="there is no call `c1` now"):
        hall.hand_on("c1", "city/experts")


def test_an_agent_who_hangs_up_in_the_same_instant_has_handed_the_caller_on(hall: ContactCentre) -> None:
    talks(hall)
    hall.held_back = True
    hall.line.put_down("c1-leg1")  # the engine does not know it yet
    hall.hand_on("c1", "city/experts")
    hall.held_back = False
    hall.settle()
    hall.clock.advance(WORDS_S)
    assert hall.ringing_now() == {"eva": "c1"}


def test_the_end_of_the_agents_leg_told_late_and_twice_changes_nothing(hall: ContactCentre) -> None:
    handed_on(hall)
    hall.tell(LegEnded("c1-leg1", EndCause.HUNG_UP))
    assert hall.ringing_now() == {"eva": "c1"}
    hall.pick_up("eva")
    hall.tell(LegEnded("c1-leg1", EndCause.HUNG_UP))
    assert hall.talking_now() == {"eva": "c1"}


@pytest.mark.parametrize("after_s", [0.0, WORDS_S, 30.0])
def test_a_caller_who_hangs_up_on_the_way_was_answered_all_the_same(hall: ContactCentre, after_s: float) -> None:
    hall.choose("eva", Wish.PAUSE)
    talks(hall)
    hall.hand_on("c1", "city/experts")
    hall.clock.advance(after_s)
    hall.hang_up("c1")
    assert hall.outcomes() == {"c1": Outcome.ANSWERED}
    assert hall.line.truth.legs == {}
    lost = {queue: count.abandoned for queue, count in hall.house.today.items() if count.abandoned}
    assert lost == {"experts": 1}, "and the second level has lost them"


def test_a_caller_whose_end_was_not_told_yet_is_not_rung_for_long(hall: ContactCentre) -> None:
    talks(hall)
    hall.held_back = True
    hall.line.put_down("c1")
    hall.hand_on("c1", "city/experts")
    hall.held_back = False
    hall.settle()
    assert hall.outcomes() == {"c1": Outcome.ANSWERED}
    assert hall.line.truth.legs == {}


def test_a_service_that_stops_counts_no_caller_at_the_second_level_as_having_given_up(hall: ContactCentre) -> None:
    hall.choose("eva", Wish.PAUSE)
    handed_on(hall)
    hall.switchboard.end_all("the service was stopped")
    hall.settle()
    assert hall.outcomes() == {"c1": Outcome.FAILED}
    assert hall.house.today["experts"].abandoned == 0


def test_words_that_cannot_be_played_do_not_hold_the_caller_up(hall: ContactCentre) -> None:
    hall.line.missing_sounds = [TO_EXPERTS]
    talks(hall)
    hall.hand_on("c1", "city/experts")
    hall.clock.advance(0)
    assert hall.ringing_now() == {"eva": "c1"}


def test_until_the_words_are_made_the_caller_hears_music(hall: ContactCentre) -> None:
    made: list[Callable[[], None]] = []
    attendant = hall.switchboard.attendant
    attendant._voice = replace(
        attendant._voice, sound_of=lambda prompt: None, make=lambda prompts, then: made.append(then)
    )
    talks(hall)
    hall.hand_on("c1", "city/experts")
    assert hall.hears("c1") == "music"
    made[0]()
    hall.clock.advance(WORDS_S)
    assert hall.ringing_now() == {"eva": "c1"}


def test_the_second_level_signs_out_while_the_words_are_said(hall: ContactCentre) -> None:
    talks(hall)
    hall.hand_on("c1", "city/experts")
    hall.choose("eva", Wish.SIGN_OUT)
    hall.choose("ana", Wish.READY)
    hall.clock.advance(WORDS_S)
    assert hall.ringing_now() == {"ana": "c1"}


def test_where_the_second_level_and_the_caller_cannot_be_joined_the_caller_waits_on_there(hall: ContactCentre) -> None:
    handed_on(hall)
    hall.line.joins_that_fail = 1
    hall.pick_up("eva")
    assert hall.waiting_in("experts") == ["c1"]
    hall.choose("eva", Wish.PAUSE)
    hall.clock.advance(60)
    assert hall.ringing_now() == {"ana": "c1"}
    assert hall.house.today["experts"].answered == 0


def test_a_join_that_fails_after_the_caller_was_handed_on_is_late(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.line.joins_that_fail = 1
    hall.held_back = True
    hall.line.pick_up("phone-of-ana")
    hall.line._on_event(hall.line._untold.popleft())
    hall.hand_on("c1", "city/experts")
    hall.held_back = False
    hall.settle()
    hall.clock.advance(WORDS_S)
    assert hall.ringing_now() == {"eva": "c1"}


@pytest.mark.parametrize("when_s", [0.0, WORDS_S, 30.0, 65.0])
def test_an_engine_that_dies_on_the_way_loses_nobody(hall: ContactCentre, when_s: float) -> None:
    hall.choose("eva", Wish.PAUSE)
    talks(hall)
    hall.hand_on("c1", "city/experts")
    hall.choose("ana", Wish.PAUSE)
    hall.clock.advance(when_s)
    hall.restart_engine()
    hall.clock.advance(70)
    assert hall.waiting_in() == ["c1"]
    hall.choose("ana", Wish.READY)
    assert hall.ringing_now() == {"ana": "c1"}


def test_an_engine_that_dies_with_the_first_word_of_it_on_record_hands_the_caller_on(hall: ContactCentre) -> None:
    """The agent's leg was not ended, and nothing was said: only the journal knows."""
    talks(hall)
    leg = hall.now("c1").leg
    hall.kill_engine()
    event = ev.CallHandedOn(call="c1", agent="ana", leg=leg, queue="hall", to="city/experts", by="test")
    hall._append(event)
    hall.start_engine()
    assert hall.talking_now() == {}
    assert hall.hears("c1") == TO_EXPERTS
    hall.clock.advance(WORDS_S)
    assert hall.ringing_now() == {"eva": "c1"}


def test_an_office_that_is_gone_meanwhile_leads_the_caller_back(hall: ContactCentre) -> None:
    talks(hall)
    hall.hand_on("c1", "city/experts")
    del hall.entities["city"]
    hall.restart_engine()
    assert hall.now("c1").step == HANDED_ON
    assert hall.waiting_in() == ["c1"]


def test_a_fault_of_ours_ends_the_call_on_record(hall: ContactCentre) -> None:
    talks(hall)

    def breaks(call: object) -> None:
        raise RuntimeError("broken by the test")

    hall.switchboard.second_level.lead = breaks
    with pytest.raises(RuntimeError):
        hall.hand_on("c1", "city/experts")
    hall.settle()
    assert hall.outcomes() == {"c1": Outcome.FAILED}
    assert hall.line.truth.legs == {}


def test_late_news_of_the_words_changes_nothing(hall: ContactCentre) -> None:
    handed_on(hall)
    hall.pick_up("eva")
    call = hall.now("c1")
    hall.tell(PlaybackEnded("c1", f"c1.{call.entry}.0", whole=True))
    assert hall.talking_now() == {"eva": "c1"}
