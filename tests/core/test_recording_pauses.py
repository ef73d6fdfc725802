"""A recording pauses by the agent's key, and while the caller waits; the queue's rule says whether, and how long."""

from dataclasses import replace

import pytest

from acd.rules import Recording
from agents.spoken import Spoken
from agents.state import Wish
from asterisk.port import Digit
from centralino import events as ev
from centralino.recording_pauses import AGAIN_S
from tests.contact_centre import ContactCentre

RECORDS = Recording(refuse_key="3", keep_s=86_400.0, longest_pause_s=120.0)
SENTENCE_S = 2.0  # as long as a sound of the fake's
ANAS = "c1-leg1"


@pytest.fixture
def talk(floor: ContactCentre) -> ContactCentre:
    """Ana talks with c1, and the talk is recorded."""
    return begin(floor, RECORDS)


def begin(floor: ContactCentre, rules: Recording | None, *keys: str) -> ContactCentre:
    floor.queue("hall", recording=rules, wrap_up_s=0.0)
    floor.agent("ana")
    floor.choose("ana", Wish.PAUSE)
    floor.call("c1")
    for key in keys:
        floor.press("c1", key)
    floor.clock.advance(2 * SENTENCE_S)
    floor.choose("ana", Wish.READY)
    floor.pick_up("ana")
    floor.clock.advance(1)
    return floor


def is_silent(floor: ContactCentre) -> bool:
    return floor.line.truth.legs[ANAS].records_silence


def told(floor: ContactCentre) -> list[tuple[str, str]]:
    """What was said into somebody's ear since the last look."""
    said = list(floor.line.said_aside)
    floor.line.said_aside.clear()
    return said


def word(spoken: Spoken) -> list[tuple[str, str]]:
    return [(ANAS, spoken.prompt("it").text)]


def test_pressed_twice_at_once_the_last_word_is_confirmed(talk: ContactCentre) -> None:
    for key in "*1*1":
        talk.switchboard.handle(Digit(ANAS, key))
    talk.settle()
    assert not is_silent(talk)
    assert told(talk) == word(Spoken.RECORDING_GOES_ON)


def test_nothing_is_recorded_while_the_caller_is_on_hold(talk: ContactCentre) -> None:
    talk.line.put_on_hold(ANAS)
    talk.settle()
    assert is_silent(talk)
    talk.line.take_off_hold(ANAS)
    talk.settle()
    assert not is_silent(talk)
    assert told(talk) == [], "they know"


def test_the_agents_key_pauses_the_recording_and_lets_it_go_on(talk: ContactCentre) -> None:
    talk.press(ANAS, "*1")
    assert is_silent(talk)
    assert told(talk) == word(Spoken.RECORDING_PAUSED)
    talk.clock.advance(30)
    talk.press(ANAS, "*1")
    assert not is_silent(talk)
    assert told(talk) == word(Spoken.RECORDING_GOES_ON)
    assert talk.talking_now() == {"ana": "c1"}, "nobody was taken out of the talk"


def test_who_paused_it_and_when_is_on_record(talk: ContactCentre) -> None:
    talk.press(ANAS, "*1")
    talk.press(ANAS, "*1")
    paused = [e for e in talk.trail("c1") if isinstance(e, ev.TalkRecordingPaused | ev.TalkRecordingResumed)]
    assert [(type(e), e.agent, e.why) for e in paused] == [
        (ev.TalkRecordingPaused, "ana", "the agent pressed *1"),
        (ev.TalkRecordingResumed, "ana", "the agent pressed *1"),
    ]


def test_it_goes_on_by_itself_after_the_longest_pause_and_the_agent_is_told(talk: ContactCentre) -> None:
    talk.press(ANAS, "*1")
    told(talk)
    talk.clock.advance(RECORDS.longest_pause_s - 1)
    assert is_silent(talk)
    talk.clock.advance(1)
    assert not is_silent(talk)
    assert told(talk) == word(Spoken.RECORDING_GOES_ON)


def test_a_queue_that_forbids_it_is_obeyed_and_says_so(floor: ContactCentre) -> None:
    talk = begin(floor, replace(RECORDS, longest_pause_s=0.0))
    talk.press(ANAS, "*1")
    assert not is_silent(talk)
    assert told(talk) == word(Spoken.NO_RECORDING_PAUSE)


@pytest.mark.parametrize(("rules", "keys"), [(None, ()), (RECORDS, ("3",))])
def test_a_talk_that_is_not_recorded_stays_so(
    floor: ContactCentre, rules: Recording | None, keys: tuple[str, ...]
) -> None:
    talk = begin(floor, rules, *keys)
    talk.press(ANAS, "*1")
    assert told(talk) == word(Spoken.NOT_RECORDED)
    assert talk.count(ev.TalkRecordingStarted) == talk.count(ev.TalkRecordingPaused) == 0


def test_nothing_is_confirmed_that_is_not_so(talk: ContactCentre) -> None:
    talk.line.recording_pauses_that_fail = 1
    talk.press(ANAS, "*1")
    assert not is_silent(talk)
    assert told(talk) == word(Spoken.NOT_NOW)
    assert talk.faults.said.pop()
    talk.press(ANAS, "*1")
    assert is_silent(talk), "and it may be tried again"


def test_a_pause_that_cannot_be_ended_stays_one(talk: ContactCentre) -> None:
    talk.press(ANAS, "*1")
    told(talk)
    talk.line.recording_pauses_that_fail = 1
    talk.press(ANAS, "*1")
    assert is_silent(talk)
    assert told(talk) == word(Spoken.NOT_NOW)
    assert talk.faults.said.pop()
    talk.press(ANAS, "*1")
    assert not is_silent(talk)


def test_a_pause_that_nobody_asked_for_by_key_is_tried_again_until_it_is_so_and_that_it_was_not_is_on_record(
    talk: ContactCentre,
) -> None:
    talk.line.recording_pauses_that_fail = 2
    talk.line.put_on_hold(ANAS)
    talk.settle()
    assert not is_silent(talk)
    assert talk.faults.said.pop()
    talk.clock.advance(AGAIN_S)
    assert not is_silent(talk)
    assert talk.faults.said.pop()
    talk.clock.advance(AGAIN_S)
    assert is_silent(talk)
    assert talk.count(ev.TalkRecordingPauseFailed) == 1
    assert told(talk) == [], "they hold by their phone's key"
    talk.line.recording_pauses_that_fail = 1
    talk.line.take_off_hold(ANAS)
    talk.settle()
    assert is_silent(talk)
    assert talk.faults.said.pop()
    talk.clock.advance(AGAIN_S)
    assert not is_silent(talk)
    assert talk.count(ev.TalkRecordingPauseFailed) == 2, "each time anew"


def test_a_pause_that_failed_is_not_tried_again_when_the_talk_is_over(talk: ContactCentre) -> None:
    talk.line.recording_pauses_that_fail = 1
    talk.line.put_on_hold(ANAS)
    talk.settle()
    assert talk.faults.said.pop()
    talk.put_down("ana")
    talk.call("c2")
    talk.clock.advance(2 * AGAIN_S)
    talk.pick_up("ana")
    assert not talk.line.truth.legs["c2-leg1"].records_silence
    assert talk.faults.said == []


def test_taken_off_hold_while_the_line_was_lost_is_seen_when_it_is_back_and_recorded_again(
    talk: ContactCentre,
) -> None:
    talk.line.put_on_hold(ANAS)
    talk.settle()
    talk.cut_line()
    talk.line.take_off_hold(ANAS)
    talk.connect_line()
    talk.settle()
    assert talk.count(ev.CallResumed) == 1
    assert not is_silent(talk)


def test_put_on_hold_while_the_line_was_lost_is_seen_when_it_is_back_and_not_recorded(talk: ContactCentre) -> None:
    talk.cut_line()
    talk.line.put_on_hold(ANAS)
    talk.connect_line()
    talk.settle()
    assert talk.count(ev.CallHeld) == 1
    assert is_silent(talk)


def test_nothing_is_recorded_while_the_caller_waits_for_an_agent_who_asks_somebody(talk: ContactCentre) -> None:
    talk.agent("bo")
    talk.choose("bo", Wish.PAUSE)
    talk.number("bo", "1002")
    talk.press(ANAS, "*2")
    assert is_silent(talk)
    talk.press(ANAS, "1002#")
    talk.pick_up("bo")
    assert is_silent(talk)
    talk.press(ANAS, "3")
    assert not is_silent(talk), "all three talk"
    talk.press(ANAS, "*")
    assert not is_silent(talk)
    assert told(talk) == [], "nobody asked for it"


def test_what_the_agent_paused_stays_so_when_they_have_asked_somebody(talk: ContactCentre) -> None:
    talk.press(ANAS, "*1")
    talk.press(ANAS, "*2")
    talk.press(ANAS, "#")
    talk.clock.advance(SENTENCE_S)
    assert talk.talking_now() == {"ana": "c1"}
    assert is_silent(talk)


def test_another_life_of_the_engine_knows_of_the_pause_and_ends_it_in_time(talk: ContactCentre) -> None:
    talk.press(ANAS, "*1")
    talk.line.truth.legs[ANAS].records_silence = False  # as if the request had been lost
    talk.restart_engine()
    assert is_silent(talk)
    talk.clock.advance(RECORDS.longest_pause_s)
    assert not is_silent(talk)


def test_the_next_talk_is_recorded_from_its_beginning(talk: ContactCentre) -> None:
    talk.press(ANAS, "*1")
    talk.put_down("ana")
    talk.call("c2")
    talk.clock.advance(SENTENCE_S)
    talk.pick_up("ana")
    talk.clock.advance(RECORDS.longest_pause_s)
    assert not talk.line.truth.legs["c2-leg1"].records_silence
    assert talk.count(ev.TalkRecordingResumed) == 0
