"""Callers hear that their talk may be recorded, and refuse it; talks are recorded or not, and it is on record."""

import pytest

from acd.goto import ToQueue
from acd.rules import Recording, WhileWaiting
from agents.state import Wish
from centralino import events as ev
from centralino.call_states import CallState
from centralino.voices import prompts_of
from ivr.menu import Key, Menu, Queue
from ivr.prompts import words
from ivr.sentences import Pattern, Sentence
from tests.contact_centre import ContactCentre, dialplan, phone_of, said, sentences

RECORDS = Recording(refuse_key="3", keep_s=30 * 86_400.0)
SENTENCE_S = 2.0  # as long as a sound of the fake's
FIRST_TALK = "talks/hall/2026-11-23/c1-talk1"


@pytest.fixture
def line(floor: ContactCentre) -> ContactCentre:
    """Queue `hall`, which records; ana is there and paused."""
    floor.queue("hall", recording=RECORDS, wrap_up_s=0.0)
    floor.agent("ana")
    floor.choose("ana", Wish.PAUSE)
    return floor


def may_be_recorded(key: str = "3", language: str = "it") -> str:
    return sentences().with_key(Pattern.MAY_BE_RECORDED, key, language).text


def talk(line: ContactCentre, seconds: float = 60.0) -> None:
    """Ana answers whoever waits, talks for so long, and hangs up."""
    line.choose("ana", Wish.READY)
    line.pick_up("ana")
    line.clock.advance(seconds)
    line.put_down("ana")


def ended(line: ContactCentre, call: str = "c1") -> list[ev.TalkRecordingEnded]:
    return [event for event in line.trail(call) if isinstance(event, ev.TalkRecordingEnded)]


def why_not(line: ContactCentre, call: str = "c1") -> list[str]:
    return [event.why for event in line.trail(call) if isinstance(event, ev.TalkNotRecorded)]


# --- told


def test_it_is_the_first_thing_that_a_caller_hears_in_the_line_then_comes_the_music(line: ContactCentre) -> None:
    line.call("c1")
    assert line.hears("c1") == may_be_recorded()
    assert line.waiting_in() == ["c1"], "in the line at once"
    assert line.count(ev.RecordingTold, "c1") == 0, "not before it was heard to its end"
    line.clock.advance(SENTENCE_S)
    assert line.count(ev.RecordingTold, "c1") == 1
    assert line.hears("c1") == "music"


def test_callers_hear_it_in_their_language(line: ContactCentre) -> None:
    line.call_in("de", "c1")
    assert line.hears("c1") == may_be_recorded(language="de")


def test_where_nothing_is_recorded_nothing_is_said(floor: ContactCentre) -> None:
    floor.call("c1")
    assert floor.hears("c1") == "music"
    floor.agent("ana")
    floor.pick_up("ana")
    assert why_not(floor) == []


def test_the_place_in_the_line_is_said_after_it(line: ContactCentre) -> None:
    line.queue("hall", recording=RECORDS, while_waiting=WhileWaiting(tell_every_s=45.0))
    line.line.sound_s = 5.0
    line.call("c1")
    line.clock.advance(4)
    assert line.hears("c1") == may_be_recorded()
    line.clock.advance(1)
    assert line.hears("c1") == said(Sentence.YOU_ARE_NEXT)


def test_a_call_that_is_sent_on_to_a_queue_with_the_same_key_has_been_told(line: ContactCentre) -> None:
    line.queue("first", recording=RECORDS, longest_wait_s=30.0, longest_wait_then=ToQueue("hall"))
    line.call("c1", "first")
    line.clock.advance(31)
    assert line.now("c1").queue == "hall"
    assert line.count(ev.RecordingAnnounced, "c1") == 1
    talk(line)
    assert ended(line)[0].recording == FIRST_TALK


def test_a_queue_with_another_key_says_it_again(line: ContactCentre) -> None:
    other = Recording("4", RECORDS.keep_s)
    line.queue("first", recording=other, longest_wait_s=30.0, longest_wait_then=ToQueue("hall"))
    line.call("c1", "first")
    line.clock.advance(30.5)
    assert line.hears("c1") == may_be_recorded("3")
    line.choose("ana", Wish.READY)
    line.pick_up("ana")
    assert why_not(line) == ["an agent answered before the caller had been told"]


@pytest.mark.parametrize("leads_to", ["hall", "first"])
def test_a_call_that_full_queues_send_on_hears_it_once(line: ContactCentre, leads_to: str) -> None:
    line.queue("first", recording=RECORDS, full_waiting=1, full_then=ToQueue("hall"))
    onward = {"full_waiting": 1, "full_then": ToQueue("first")} if leads_to == "first" else {}
    line.queue("hall", recording=RECORDS, **onward)
    line.call("c1", "first")
    line.call("c2", "hall")
    line.call("c3", "first")
    assert line.now("c3").queue == leads_to
    assert line.count(ev.RecordingAnnounced, "c3") == 1
    assert line.hears("c3") == may_be_recorded()
    line.clock.advance(SENTENCE_S)
    assert line.hears("c3") == "music"


# --- refused


def test_the_key_refuses_while_the_sentence_is_said(line: ContactCentre) -> None:
    line.call("c1")
    line.press("c1", "3")
    assert line.hears("c1") == said(Sentence.NOT_RECORDED)
    line.clock.advance(SENTENCE_S)
    assert line.hears("c1") == "music"
    talk(line)
    assert why_not(line) == ["the caller does not want it"]
    assert line.line.truth.talks == {}


def test_the_key_refuses_later_while_waiting_and_while_a_phone_rings(line: ContactCentre) -> None:
    line.call("c1")
    line.clock.advance(20)
    line.choose("ana", Wish.READY)
    line.press("c1", "3")
    assert line.now("c1").state is CallState.OFFERED
    assert line.hears("c1") == said(Sentence.NOT_RECORDED)
    line.press("c1", "3")
    assert line.count(ev.RecordingRefused, "c1") == 1
    line.pick_up("ana")
    assert why_not(line) == ["the caller does not want it"]


def test_a_refusal_holds_in_every_queue_of_the_call(line: ContactCentre) -> None:
    line.queue(
        "first", recording=Recording("4", RECORDS.keep_s), longest_wait_s=30.0, longest_wait_then=ToQueue("hall")
    )
    line.call("c1", "first")
    line.press("c1", "4")
    line.clock.advance(31)
    assert line.hears("c1") == "music"
    talk(line)
    assert why_not(line) == ["the caller does not want it"]


def test_the_key_means_nothing_in_a_queue_that_does_not_record(line: ContactCentre) -> None:
    line.queue("plain", while_waiting=WhileWaiting(voicemail_key="3"))
    line.call("c1", "plain")
    line.press("c1", "3")
    assert line.now("c1").state is CallState.VOICEMAIL


def test_keys_of_the_menu_before_the_queue_refuse_nothing(line: ContactCentre) -> None:
    menu = Menu("ask", words({"it": "Premi 3."}), {"3": Key("wait", None, None)}, "wait", 5.0, 3)
    line.service(dialplan("055055", [menu, Queue("wait", "hall")]))
    line.call("c1", number="055055")
    line.press("c1", "3")
    assert line.hears("c1") == may_be_recorded()
    assert not line.now("c1").recording_refused


# --- recorded


def test_a_talk_is_recorded_from_its_beginning_to_its_end(line: ContactCentre) -> None:
    line.call("c1")
    line.clock.advance(10)
    talk(line, 60.0)
    assert ended(line) == [ev.TalkRecordingEnded(call="c1", recording=FIRST_TALK, duration_s=60.0)]
    assert line.house.recordings == {}


def test_a_talk_that_begins_before_the_sentence_was_heard_is_not_recorded(line: ContactCentre) -> None:
    line.choose("ana", Wish.READY)
    line.call("c1")
    line.clock.advance(SENTENCE_S / 2)
    line.pick_up("ana")
    assert line.line.heard_by("c1") == (), "cut short: nobody waits for it"
    line.clock.advance(60)
    line.put_down("ana")
    assert why_not(line) == ["an agent answered before the caller had been told"]
    assert line.line.truth.talks == {}


def test_a_sentence_that_could_not_be_played_has_not_been_told(line: ContactCentre) -> None:
    line.line.missing_sounds = (may_be_recorded(),)
    line.call("c1")
    line.clock.advance(10)
    assert line.hears("c1") == "music"
    talk(line)
    assert why_not(line) == ["an agent answered before the caller had been told"]


def test_when_the_caller_hangs_up_the_recording_ends_too(line: ContactCentre) -> None:
    line.call("c1")
    line.clock.advance(10)
    line.choose("ana", Wish.READY)
    line.pick_up("ana")
    line.clock.advance(30)
    line.hang_up("c1")
    assert [one.duration_s for one in ended(line)] == [30.0]


def test_a_recording_that_fails_is_an_alarm_and_the_talk_goes_on(line: ContactCentre) -> None:
    line.line.talk_recordings_that_fail = 1
    line.call("c1")
    line.clock.advance(10)
    line.choose("ana", Wish.READY)
    line.pick_up("ana")
    assert line.talking_now() == {"ana": "c1"}
    assert ended(line)[0].why == "the test does not let it"
    assert "the talk of c1 was not recorded" in line.faults.said.pop()
    line.clock.advance(60)
    assert line.talking_now() == {"ana": "c1"}


def test_a_recording_much_shorter_than_its_talk_is_told_in_the_log(
    line: ContactCentre, caplog: pytest.LogCaptureFixture
) -> None:
    line.call("c1")
    line.clock.advance(10)
    line.choose("ana", Wish.READY)
    line.pick_up("ana")
    line.clock.advance(60)
    leg = line.line.leg_at(phone_of("ana"))
    assert leg is not None
    leg.talk_since_s += 30
    line.put_down("ana")
    assert "of the talk of c1, 60 s, only 30 s were recorded" in caplog.text


def test_a_talk_that_never_came_about_leaves_no_alarm_and_the_next_is_recorded(line: ContactCentre) -> None:
    line.agent("bo")
    line.line.joins_that_fail = 1
    line.call("c1")
    line.clock.advance(10)
    line.pick_up("bo")
    assert line.now("c1").state is CallState.OFFERED
    line.clock.advance(1)
    line.pick_up("bo")
    line.clock.advance(20)
    line.put_down("bo")
    assert [one.recording for one in ended(line)] == [FIRST_TALK, FIRST_TALK.replace("talk1", "talk2")]


# --- restarts


@pytest.mark.parametrize("how", ["engine", "line"])
def test_what_was_being_said_is_said_again_after_a_restart(line: ContactCentre, how: str) -> None:
    line.call("c1")
    line.clock.advance(1)
    restart(line, how)
    assert line.hears("c1") == may_be_recorded()
    assert line.count(ev.RecordingTold, "c1") == 0
    line.clock.advance(SENTENCE_S)
    assert line.count(ev.RecordingTold, "c1") == 1


@pytest.mark.parametrize("how", ["engine", "line"])
def test_who_was_told_or_has_refused_is_not_told_again_after_a_restart(line: ContactCentre, how: str) -> None:
    line.call("c1")
    line.call("c2")
    line.press("c2", "3")
    line.clock.advance(10)
    restart(line, how)
    assert (line.hears("c1"), line.hears("c2")) == ("music", "music")
    talk(line)
    line.pick_up("ana")
    assert len(ended(line)) == 1
    assert why_not(line, "c2") == ["the caller does not want it"]


@pytest.mark.parametrize("how", ["engine", "line"])
def test_a_recording_goes_on_undisturbed_while_the_engine_is_away(line: ContactCentre, how: str) -> None:
    line.call("c1")
    line.clock.advance(10)
    line.choose("ana", Wish.READY)
    line.pick_up("ana")
    line.clock.advance(20)
    restart(line, how)
    line.clock.advance(20)
    line.put_down("ana")
    assert [one.duration_s for one in ended(line)] == [40.0]


def test_a_recording_that_ended_while_the_engine_was_away_is_put_on_record(
    line: ContactCentre, caplog: pytest.LogCaptureFixture
) -> None:
    line.call("c1")
    line.clock.advance(10)
    line.choose("ana", Wish.READY)
    line.pick_up("ana")
    line.clock.advance(20)
    line.kill_engine()
    line.put_down("ana")
    line.clock.advance(100)
    line.start_engine()
    assert [one.duration_s for one in ended(line)] == [20.0]
    assert line.house.recordings == {}
    assert "only 20 s were recorded" not in caplog.text, "nobody knows when it ended"


def test_told_twice_a_recording_stands_on_record_once(line: ContactCentre) -> None:
    line.times_told = 2
    line.call("c1")
    line.clock.advance(10)
    talk(line)
    assert len(ended(line)) == 1


def restart(line: ContactCentre, how: str) -> None:
    if how == "engine":
        line.restart_engine()
    else:
        line.cut_line()
        line.connect_line()


# --- made beforehand


def test_the_sentences_are_made_before_the_first_call_in_all_languages_where_something_is_recorded(
    line: ContactCentre,
) -> None:
    line.service(dialplan("055055", [Queue("wait", "hall")], ("it", "fr")))
    made = {prompt.text for prompt in prompts_of(line.configuration)}
    for language in ("it", "fr"):
        assert {may_be_recorded("3", language), said(Sentence.NOT_RECORDED, language)} <= made
    line.queue("hall")
    assert may_be_recorded() not in {prompt.text for prompt in prompts_of(line.configuration)}
