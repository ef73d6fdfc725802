"""The agent ends a recording for good, by a key pressed twice; it is deleted, and the call is not recorded again."""

import pytest

from agents.spoken import Spoken
from centralino import events as ev
from centralino.recording_stops import AGAIN_WITHIN_S
from tests.contact_centre import ContactCentre
from tests.core.test_recording_pauses import ANAS, RECORDS, begin, is_silent, told, word


@pytest.fixture
def talk(floor: ContactCentre) -> ContactCentre:
    return begin(floor, RECORDS)


def is_recorded(talk: ContactCentre) -> bool:
    return bool(talk.line.truth.legs[ANAS].talk_recording)


def test_pressed_twice_it_ends_and_is_to_be_deleted_and_the_talk_goes_on(talk: ContactCentre) -> None:
    talk.press(ANAS, "*3")
    assert (is_recorded(talk), told(talk)) == (True, word(Spoken.DELETE_RECORDING))
    talk.press(ANAS, "*3")
    assert (is_recorded(talk), told(talk)) == (False, word(Spoken.RECORDING_DELETED))
    [discarded] = [e for e in talk.trail("c1") if isinstance(e, ev.TalkRecordingDiscarded)]
    assert (discarded.agent, discarded.why) == ("ana", "the agent pressed *3 twice: the caller does not want it")
    assert [type(e) for e in talk.trail("c1")][-1] is ev.TalkRecordingEnded
    assert talk.house.discarded == {discarded.recording: "c1"}
    assert talk.talking_now() == {"ana": "c1"}
    assert talk.house.calls["c1"].recording_refused, "no other talk of this call is recorded"
    for keys in ("*3", "*1"):
        talk.press(ANAS, keys)
        assert told(talk) == word(Spoken.NOT_RECORDED)


def test_pressed_again_too_late_it_asks_again(talk: ContactCentre) -> None:
    talk.press(ANAS, "*3")
    talk.clock.advance(AGAIN_WITHIN_S + 1)
    told(talk)
    talk.press(ANAS, "*3")
    assert (is_recorded(talk), told(talk)) == (True, word(Spoken.DELETE_RECORDING))


def test_a_recording_that_pauses_can_be_ended_too(talk: ContactCentre) -> None:
    talk.press(ANAS, "*1")
    for _ in range(2):
        talk.press(ANAS, "*3")
    assert not is_recorded(talk)
    talk.clock.advance(RECORDS.longest_pause_s + 1)
    assert talk.house.recordings == {}


def test_where_nothing_is_recorded_the_agent_is_told(floor: ContactCentre) -> None:
    talk = begin(floor, RECORDS, "3")
    talk.press(ANAS, "*3")
    assert told(talk) == word(Spoken.NOT_RECORDED)
    assert not is_silent(talk)


def test_an_engine_that_dies_before_it_is_ended_ends_it_in_its_next_life(talk: ContactCentre) -> None:
    talk.press(ANAS, "*3")
    talk.line.stop_recording = lambda leg, recording: None  # type: ignore[method-assign]
    talk.press(ANAS, "*3")
    assert is_recorded(talk)
    del talk.line.stop_recording
    talk.switchboard.dispatcher.recordings.go_on("main")
    talk.settle()
    assert (is_recorded(talk), talk.house.recordings) == (False, {})
