"""Calls from their first ring to their end: menus, voicemail, talks, and a phone system that comes and goes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acd.goto import HangUp as SendToHangUp
from acd.goto import ToStep, ToVoicemail
from acd.state import Doing
from acd.why import Why
from agents.state import Chosen, Wish
from asterisk.fake import FakeTelephony
from asterisk.port import (
    Arrived,
    CallerId,
    Connected,
    Digit,
    EndCause,
    LegEnded,
    PlaybackEnded,
    RecordingEnded,
    Refused,
)
from centralino import events as ev
from centralino.attendant import SPEECH_LONGEST_S
from centralino.call_states import CallState
from centralino.events import Outcome
from ivr.hours import read_hours
from ivr.menu import Dialplan, HangUp, Key, Menu, Queue, Say, Voicemail
from ivr.prompts import words
from ivr.sentences import Sentence
from tests.contact_centre import MONDAY_MORNING, ContactCentre, said

WELCOME, MENU, NIGHT, BYE = "Benvenuti.", "Premi 1.", "Siamo chiusi.", "Arrivederci."
BEEP = "beep"
STEPS = (
    Say("welcome", words({"it": WELCOME, "en": "Welcome."}), "main"),
    Menu(
        "main",
        words({"it": MENU, "en": "Press 1."}),
        {"1": Key("hall"), "2": Key("message"), "9": Key("main", "en"), "0": Key("bye")},
        "hall",
        wait_s=5.0,
        tries=3,
    ),
    Queue("hall", "hall"),
    Voicemail("message", "hall", words({"it": "Dica.", "en": "Speak."}), 60.0),
    Voicemail("night", "hall", words({"it": NIGHT}), 60.0),
    HangUp("bye", words({"it": BYE})),
)
SERVICE = Dialplan(
    "055055",
    "Linea",
    ("it", "en"),
    "welcome",
    {step.name: step for step in STEPS},
    old_numbers=("0552768",),
    hours=read_hours({"mon-fri": "08:00-18:00"})[0],
    closed="night",
)


@pytest.fixture
def line(floor: ContactCentre) -> ContactCentre:
    """The contact centre with a number that has a menu, open on weekdays."""
    floor.service(SERVICE)
    return floor


def in_the_menu(line: ContactCentre, call: str = "c1") -> None:
    line.call(call, number="055055")
    line.clock.advance(2)
    assert line.hears(call) == MENU


def recording(line: ContactCentre, call: str = "c1") -> None:
    """The caller speaks after the beep."""
    in_the_menu(line, call)
    line.press(call, "2")
    line.clock.advance(4)
    assert line.hears(call) == ""
    assert line.now(call).state is CallState.VOICEMAIL


# --- menus


def test_a_caller_hears_the_greeting_then_the_menu(line: ContactCentre) -> None:
    line.call("c1", number="055055")
    assert line.hears("c1") == WELCOME
    line.clock.advance(2)
    assert line.hears("c1") == MENU


@pytest.mark.parametrize("number", ["055055", "+39055055", "0039 055 055", "0552768"])
def test_a_number_is_known_in_all_its_forms(line: ContactCentre, number: str) -> None:
    line.call("c1", number=number)
    assert line.now("c1").service == "055055"


def test_a_key_interrupts_the_menu_at_once(line: ContactCentre) -> None:
    in_the_menu(line)
    line.press("c1", "1")
    assert line.hears("c1") == "music"
    assert line.waiting_in() == ["c1"]


def test_a_key_ahead_during_the_greeting_counts_for_the_menu(line: ContactCentre) -> None:
    line.call("c1", number="055055")
    line.press("c1", "1")
    assert line.waiting_in() == ["c1"]


def test_a_wrong_key_is_said(line: ContactCentre) -> None:
    in_the_menu(line)
    line.press("c1", "7")
    assert line.hears("c1") == f"{said(Sentence.WRONG_KEY)} {MENU}"


def test_when_no_key_is_pressed_the_menu_is_said_again_after_the_wait(line: ContactCentre) -> None:
    in_the_menu(line)
    line.clock.advance(2 + 4.9)
    assert line.hears("c1") == ""
    line.clock.advance(0.1)
    assert line.hears("c1") == f"{said(Sentence.NOTHING_PRESSED)} {MENU}"


def test_who_pressed_a_wrong_key_is_not_told_that_nothing_was_pressed(line: ContactCentre) -> None:
    line.line.sound_s = 10.0
    line.call("c1", number="055055")
    line.clock.advance(20)
    line.press("c1", "7")
    line.clock.advance(6)  # the wait for the first key would be over
    assert line.hears("c1") == f"{said(Sentence.WRONG_KEY)} {MENU}"
    assert len(line.line.truth.legs["c1"].line) == 1, "and nothing after it"


def test_after_the_last_try_the_caller_goes_where_the_menu_says_otherwise(line: ContactCentre) -> None:
    in_the_menu(line)
    line.press("c1", "7")
    line.press("c1", "8")
    assert line.now("c1").state is CallState.IN_MENU
    line.press("c1", "6")
    assert line.waiting_in() == ["c1"]


def test_who_never_presses_a_key_comes_to_the_queue_by_themselves(line: ContactCentre) -> None:
    line.call("c1", number="055055")
    line.clock.advance(60)
    assert line.waiting_in() == ["c1"]


def test_a_key_is_awaited_no_more_once_one_was_pressed(line: ContactCentre) -> None:
    in_the_menu(line)
    line.clock.advance(2)
    line.press("c1", "9")
    line.clock.advance(2 + 4.9)
    assert line.count(ev.KeyPressed, "c1") == 1
    assert line.hears("c1") == ""


def test_a_language_key_changes_what_is_heard_and_whom_the_call_is_offered(line: ContactCentre) -> None:
    line.agent("ana")
    line.clock.advance(5)
    line.agent("bo", languages=("en",))
    in_the_menu(line)
    line.press("c1", "9")
    assert line.hears("c1") == "Press 1."
    line.press("c1", "1")
    assert line.now("c1").language == "en"
    assert line.ringing_now() == {"bo": "c1"}


def test_a_caller_who_leaves_the_menu_is_not_counted_as_abandoned(line: ContactCentre) -> None:
    in_the_menu(line)
    line.hang_up("c1")
    assert line.outcomes() == {"c1": Outcome.ENDED_IN_MENU}
    assert line.house.totals == {}


def test_the_menu_can_say_goodbye(line: ContactCentre) -> None:
    in_the_menu(line)
    line.press("c1", "0")
    assert line.hears("c1") == BYE
    line.clock.advance(2)
    assert line.outcomes() == {"c1": Outcome.ENDED_IN_MENU}
    assert line.line.truth.legs == {}


def test_a_missing_sound_counts_as_heard(line: ContactCentre) -> None:
    line.line.missing_sounds = (WELCOME,)
    line.call("c1", number="055055")
    line.clock.advance(0)
    assert line.hears("c1") == MENU


def test_a_prompt_whose_end_is_never_told_counts_as_heard(line: ContactCentre) -> None:
    line.call("c1", number="055055")
    line.line.truth.legs["c1"].line.clear()
    line.clock.advance(SPEECH_LONGEST_S)
    assert line.hears("c1") == MENU


def test_the_end_of_a_playback_that_was_cut_short_moves_nothing_on(line: ContactCentre) -> None:
    in_the_menu(line)
    cut = line.line.truth.legs["c1"].line[0].name
    line.press("c1", "7")
    entries = len(line.entries)
    line.tell(PlaybackEnded("c1", cut, whole=True))
    assert len(line.entries) == entries
    assert line.hears("c1") == f"{said(Sentence.WRONG_KEY)} {MENU}"


# --- who calls


def test_an_unknown_number_is_told_so_and_ends(line: ContactCentre) -> None:
    line.call("c1", number="0559999\x1b[31m;")
    assert line.hears("c1") == said(Sentence.UNKNOWN_NUMBER)
    arrived = line.trail("c1")[0]
    assert isinstance(arrived, ev.CallArrived)
    assert arrived.dialled == "055999931m"
    line.press("c1", "1")
    line.clock.advance(2)
    assert line.outcomes() == {"c1": Outcome.UNKNOWN_NUMBER}
    assert line.line.truth.legs == {}


@pytest.mark.parametrize("number", ["", "anonymous", "Restricted"])
def test_a_withheld_number_is_shown_to_nobody(line: ContactCentre, number: str) -> None:
    line.agent("ana")
    line.call("c1", caller=CallerId(number, "Rossi"))
    assert line.now("c1").withheld
    assert line.line.shown["phone-of-ana"] == CallerId("anonymous", "hall")


def test_the_phone_shows_the_queue_and_who_calls(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1", caller=CallerId("055123456", "Rossi"))
    assert line.line.shown["phone-of-ana"] == CallerId("+39055123456", "hall: Rossi")


def test_no_number_and_no_name_stands_in_the_journal(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1", caller=CallerId("055123456", "Rossi"))
    line.pick_up("ana")
    assert "123456" not in str(line.entries)
    assert "Rossi" not in str(line.entries)


# --- hours, and the voicemail


def test_outside_hours_the_caller_comes_to_the_voicemail(line: ContactCentre) -> None:
    line.clock.advance(timedelta(hours=12).total_seconds())
    line.call("c1", number="055055")
    assert line.hears("c1") == f"{NIGHT} {BEEP}"
    line.clock.advance(4 + 60 + 10)
    assert line.outcomes() == {"c1": Outcome.VOICEMAIL}


@pytest.mark.parametrize(("hour", "is_open"), [(7, True), (6, False), (16, True), (17, False)])
def test_hours_are_local_ones(line: ContactCentre, hour: int, is_open: bool) -> None:
    at = datetime(2026, 11, 24, hour, 30, tzinfo=UTC)  # in Rome it is one hour later
    line.clock.advance((at - MONDAY_MORNING).total_seconds())
    line.call("c1", number="055055")
    assert (line.hears("c1") == WELCOME) is is_open


def test_where_the_disk_is_full_the_caller_hears_that_no_message_can_be_taken_and_it_is_on_record(
    line: ContactCentre,
) -> None:
    line.may_record = False
    line.clock.advance(timedelta(hours=12).total_seconds())
    line.call("c1", number="055055")
    assert line.hears("c1") == said(Sentence.NO_ROOM_FOR_MESSAGES)
    line.clock.advance(5)
    assert line.outcomes() == {"c1": Outcome.NO_MESSAGE}
    [ended] = [event for event in line.trail("c1") if isinstance(event, ev.VoicemailEnded)]
    assert (ended.kept, ended.why) == (False, "the disk is nearly full")
    assert line.line.truth.messages == {}
    assert "call c1 could leave no message: the disk is nearly full" in line.faults.said.pop()


def test_a_message_is_kept_and_the_caller_is_told_so(line: ContactCentre) -> None:
    recording(line)
    line.clock.advance(10)
    line.press("c1", "#")
    assert line.hears("c1") == said(Sentence.MESSAGE_KEPT)
    line.clock.advance(2)
    assert line.outcomes() == {"c1": Outcome.VOICEMAIL}
    ended = [event for event in line.trail("c1") if isinstance(event, ev.VoicemailEnded)]
    assert [(event.recording, event.kept, event.duration_s) for event in ended] == [("2026-11-23/c1", True, 10.0)]
    [arrived] = [event for event in line.trail("c1") if isinstance(event, ev.CallArrived)]
    [begun] = [event for event in line.trail("c1") if isinstance(event, ev.VoicemailStarted)]
    assert (ended[0].box, ended[0].person) == (begun.box, arrived.person)
    assert begun.box
    assert arrived.person


def test_a_message_that_is_too_short_is_not_kept(line: ContactCentre) -> None:
    recording(line)
    line.clock.advance(0.5)
    line.press("c1", "#")
    assert line.hears("c1") == said(Sentence.NO_MESSAGE)
    line.clock.advance(2)
    assert line.outcomes() == {"c1": Outcome.NO_MESSAGE}


def test_who_hangs_up_while_speaking_has_left_a_message(line: ContactCentre) -> None:
    recording(line)
    line.clock.advance(10)
    line.hang_up("c1")
    assert line.outcomes() == {"c1": Outcome.VOICEMAIL}


def test_the_message_is_kept_also_where_the_leg_is_told_before_the_recording(line: ContactCentre) -> None:
    recording(line)
    line.clock.advance(10)
    line.held_back = True
    line.hang_up("c1")
    line.line._untold.reverse()
    line.held_back = False
    line.settle()
    assert line.outcomes() == {"c1": Outcome.VOICEMAIL}


def test_where_the_recordings_end_is_never_told_the_file_decides(line: ContactCentre) -> None:
    recording(line)
    line.clock.advance(10)
    line.held_back = True
    line.hang_up("c1")
    line.line._untold.clear()
    line.held_back = False
    line.tell(LegEnded("c1", EndCause.HUNG_UP))
    assert line.now("c1").state is CallState.VOICEMAIL
    line.clock.advance(3)
    assert line.outcomes() == {"c1": Outcome.VOICEMAIL}


def test_a_recording_that_never_ends_is_closed_by_its_limit(line: ContactCentre) -> None:
    recording(line)
    line.line.truth.messages["2026-11-23/c1"] = 42.0
    line.line.truth.legs["c1"].line.clear()
    line.clock.advance(60 + 8 + 3)
    assert line.hears("c1") == said(Sentence.MESSAGE_KEPT)


def test_who_hangs_up_during_the_greeting_has_left_nothing(line: ContactCentre) -> None:
    in_the_menu(line)
    line.press("c1", "2")
    line.hang_up("c1")
    assert line.outcomes() == {"c1": Outcome.NO_MESSAGE}


def test_keys_before_the_beep_mean_nothing(line: ContactCentre) -> None:
    in_the_menu(line)
    line.press("c1", "2")
    line.press("c1", "1#")
    assert line.hears("c1") == f"Dica. {BEEP}"


def test_silence_ends_a_message(line: ContactCentre) -> None:
    recording(line)
    line.clock.advance(5)
    line.line.fall_silent("c1")
    line.clock.advance(8)
    assert line.hears("c1") == said(Sentence.MESSAGE_KEPT)


def test_a_queues_own_voicemail_greets_with_its_own_words(line: ContactCentre) -> None:
    line.queue("hall", full_waiting=0, full_then=ToVoicemail("hall"), voicemail_say={"it": "Richiameremo."})
    line.call("c1")
    assert line.hears("c1") == f"Richiameremo. {BEEP}"


def test_a_queue_without_words_of_its_own_says_that_all_are_busy(line: ContactCentre) -> None:
    line.queue("hall", full_waiting=0, full_then=ToVoicemail("hall"))
    line.call("c1")
    assert line.hears("c1") == f"{said(Sentence.ALL_BUSY_LEAVE_MESSAGE)} {BEEP}"


def test_a_caller_from_the_queue_is_recorded_without_music(line: ContactCentre) -> None:
    line.queue("hall", longest_wait_s=60.0, longest_wait_then=ToVoicemail("hall"))
    line.call("c1")
    assert line.hears("c1") == "music"
    line.clock.advance(60 + 4 + 10)
    assert line.hears("c1") == ""
    line.hang_up("c1")
    assert line.outcomes() == {"c1": Outcome.VOICEMAIL}


def test_a_queue_can_send_on_to_a_goodbye(line: ContactCentre) -> None:
    line.queue("hall", full_waiting=0, full_then=SendToHangUp())
    line.call("c1")
    assert line.hears("c1") == said(Sentence.GOODBYE)
    line.clock.advance(2)
    assert line.outcomes() == {"c1": Outcome.SENT_AWAY}


def test_a_queue_can_send_on_to_a_step(line: ContactCentre) -> None:
    line.queue("hall", full_waiting=0, full_then=ToStep("bye"))
    in_the_menu(line)
    line.press("c1", "1")
    assert line.hears("c1") == BYE


# --- talks


def test_a_talk_joins_both_and_ends_both_legs_when_the_agent_hangs_up(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1")
    line.clock.advance(15)
    line.pick_up("ana")
    assert line.talking_now() == {"ana": "c1"}
    assert line.hears("c1") == ""
    line.put_down("ana")
    assert line.line.truth.legs == {}
    assert line.outcomes() == {"c1": Outcome.ANSWERED}
    assert line.house.totals["hall"].in_time == 1
    assert line.house.totals["hall"].wait_sum_s == 15


def test_an_answer_after_the_target_is_not_in_time(line: ContactCentre) -> None:
    line.call("c1")
    line.clock.advance(15)
    line.agent("ana")
    line.clock.advance(6)
    line.pick_up("ana")
    assert line.house.totals["hall"].answered == 1
    assert line.house.totals["hall"].in_time == 0


def test_two_who_could_not_be_joined_leave_the_caller_back_in_place(line: ContactCentre) -> None:
    line.queue("hall", full_waiting=2, full_then=SendToHangUp())
    line.agent("ana")
    line.call("c1")
    line.clock.advance(5)
    line.call("c2")
    line.line.joins_that_fail = 1
    line.held_back = True
    line.pick_up("ana")
    line.call("c3")  # comes between answer and failure, and fills the queue
    line.held_back = False
    line.settle()
    assert line.waiting_in() == ["c1", "c2", "c3"]
    assert line.hears("c1") == "music"
    assert line.doing("ana") is Doing.WRAPPING_UP
    assert line.line.leg_at("phone-of-ana") is None
    line.choose("ana", Wish.READY)
    assert line.ringing_now() == {"ana": "c1"}
    line.pick_up("ana")
    assert line.talking_now() == {"ana": "c1"}


def test_a_caller_who_gives_up_after_a_join_that_failed_has_abandoned(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1")
    line.line.joins_that_fail = 1
    line.pick_up("ana")
    line.hang_up("c1")
    assert line.outcomes() == {"c1": Outcome.ABANDONED}
    assert line.house.totals["hall"].offered == 1


def test_an_offer_is_on_record_before_the_phone_is_asked_to_ring(
    line: ContactCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_record: list[list[str]] = []
    ring = FakeTelephony.ring

    def asked(fake: FakeTelephony, leg: str, *args: Any) -> None:
        on_record.append([e.leg for e in line.trail("c1") if isinstance(e, ev.CallOffered)])
        assert line.doing("ana") is Doing.RESERVED
        ring(fake, leg, *args)

    monkeypatch.setattr(FakeTelephony, "ring", asked)
    line.agent("ana")
    line.call("c1")
    assert on_record == [["c1-leg1"]]


# --- a fault of ours ends one call, and no other


def test_an_event_that_cannot_be_carried_out_ends_its_call_on_record_and_no_other(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1")
    in_the_menu(line, "c2")
    del line.switchboard.attendant._conversations["c2"].walker._sentences
    line.press("c2", "7")
    assert line.outcomes() == {"c2": Outcome.FAILED}
    assert "c2" not in line.line.truth.legs
    assert line.ringing_now() == {"ana": "c1"}
    assert line.faults.said.pop().startswith("Digit of c2 ")


def test_a_deadline_that_cannot_be_carried_out_ends_its_call_and_the_others_go_on(line: ContactCentre) -> None:
    in_the_menu(line, "c1")
    in_the_menu(line, "c2")
    del line.switchboard.attendant._conversations["c1"].walker._sentences
    line.clock.advance(30)
    assert line.outcomes() == {"c1": Outcome.FAILED}
    assert line.waiting_in() == ["c2"]
    assert len(line.faults.said) == 1
    line.faults.said.clear()


def test_a_decision_that_cannot_be_carried_out_does_not_hold_up_the_next(line: ContactCentre) -> None:
    line.queue("hall", longest_wait_s=60.0, longest_wait_then=ToStep("no such step"))
    line.queue("taxes", longest_wait_s=60.0, longest_wait_then=ToVoicemail("taxes"))
    line.call("c1", "hall")
    line.call("c2", "taxes")
    line.clock.advance(60)
    assert line.outcomes() == {"c1": Outcome.FAILED}
    assert line.now("c2").state is CallState.VOICEMAIL
    assert len(line.faults.said) == 1
    line.faults.said.clear()


def test_whom_the_phone_system_refused_stands_in_the_journal(line: ContactCentre) -> None:
    line.tell(Refused("wrong password", "p101", "192.0.2.1"))
    assert line.entries[-1].event == ev.SecurityAlert(kind="wrong password", account="p101", address="192.0.2.1")


def test_when_the_service_stops_every_call_ends_on_record(line: ContactCentre) -> None:
    line.agent("ana")
    for call in ("c1", "c2"):
        line.call(call)
    line.pick_up("ana")
    in_the_menu(line, "c3")
    assert line.switchboard.end_all("the service was stopped") == 3
    line.settle()
    assert line.house.calls == {}
    assert line.line.truth.legs == {}


# --- the line to the phone system is lost, and back


def test_without_the_line_nothing_is_offered_and_offers_follow_when_it_is_back(line: ContactCentre) -> None:
    line.call("c1")
    line.cut_line()
    line.agent("ana")
    assert line.now("c1").why == Why.NOT_CONNECTED
    assert line.doing("ana") is Doing.FREE
    line.connect_line()
    assert line.ringing_now() == {"ana": "c1"}


def test_a_caller_who_left_meanwhile_has_ended(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1")
    line.call("c2")
    line.cut_line()
    line.hang_up("c1")
    line.connect_line()
    assert line.outcomes() == {"c1": Outcome.ABANDONED}
    assert line.ringing_now() == {"ana": "c2"}


def test_the_order_of_waiting_is_kept(line: ContactCentre) -> None:
    for call in ("c3", "c1", "c2"):
        line.call(call)
        line.clock.advance(1)
    line.cut_line()
    line.clock.advance(5)
    line.connect_line()
    assert line.waiting_in() == ["c3", "c1", "c2"]
    line.restart_engine()
    assert line.waiting_in() == ["c3", "c1", "c2"]
    assert all(line.hears(call) == "music" for call in line.waiting_in())


def test_talks_are_not_touched(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1")
    line.pick_up("ana")
    entries = len(line.entries)
    line.cut_line()
    line.clock.advance(5)
    line.connect_line()
    assert line.talking_now() == {"ana": "c1"}
    assert [type(entry.event) for entry in line.entries[entries:]] == [ev.AsteriskLost, ev.AsteriskConnected]


def test_a_talk_whose_agent_hung_up_meanwhile_has_ended(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1")
    line.pick_up("ana")
    line.cut_line()
    line.put_down("ana")
    line.connect_line()
    assert line.outcomes() == {"c1": Outcome.ANSWERED}
    assert line.doing("ana") is Doing.WRAPPING_UP
    assert line.line.truth.legs == {}


def test_a_talk_whose_caller_hung_up_meanwhile_frees_the_agent(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1")
    line.pick_up("ana")
    line.cut_line()
    line.hang_up("c1")
    line.connect_line()
    assert line.outcomes() == {"c1": Outcome.ANSWERED}
    assert line.line.truth.legs == {}


def test_an_agent_who_answered_meanwhile_is_joined(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1")
    line.cut_line()
    line.pick_up("ana")
    line.connect_line()
    assert line.talking_now() == {"ana": "c1"}


def test_a_phone_that_stopped_ringing_meanwhile_rests_and_the_next_one_rings(line: ContactCentre) -> None:
    line.agent("ana")
    line.agent("bo")
    line.call("c1")
    line.cut_line()
    line.turn_away("ana")
    line.connect_line()
    assert line.ringing_now() == {"bo": "c1"}
    assert line.doing("ana") is Doing.RESTING


def test_a_phone_that_rang_on_too_long_meanwhile_is_stopped(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1")
    line.cut_line()
    line.clock.advance(20)
    assert line.ringing_now() == {"ana": "c1"}, "the phone system's own limit is a little later"
    line.connect_line()
    assert line.ringing_now() == {}
    assert line.now("c1").state is CallState.QUEUED


def test_the_menu_is_said_again(line: ContactCentre) -> None:
    in_the_menu(line)
    line.press("c1", "9")
    line.cut_line()
    line.clock.advance(1)
    line.connect_line()
    assert line.hears("c1") == "Press 1."
    line.clock.advance(2)
    line.press("c1", "1")
    assert line.waiting_in() == ["c1"]


def test_a_caller_who_came_meanwhile_is_welcomed(line: ContactCentre) -> None:
    line.cut_line()
    line.call("c1", number="055055")
    line.connect_line()
    assert line.hears("c1") == WELCOME
    assert line.line.truth.legs["c1"].up


def test_a_leg_that_belongs_to_no_call_is_ended(line: ContactCentre) -> None:
    line.agent("ana")
    line.line.ring("old-leg1", "phone-of-ana", "old", CallerId("", ""), 60)
    line.cut_line()
    line.connect_line()
    assert line.line.truth.legs == {}


def test_a_call_that_ended_on_record_is_not_welcomed_anew(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1")
    line.pick_up("ana")
    line.held_back = True
    line.put_down("ana")
    line.line.is_connected = False  # what is asked for next is never heard
    line.held_back = False
    line.settle()
    assert line.outcomes() == {"c1": Outcome.ANSWERED}
    assert "c1" in line.line.truth.legs
    line.connect_line()
    assert line.line.truth.legs == {}
    assert line.count(ev.CallArrived) == 1


def test_a_picture_that_is_told_twice_changes_nothing_twice(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1")
    line.pick_up("ana")
    line.call("c2")
    line.times_told = 2
    line.cut_line()
    line.connect_line()
    assert line.talking_now() == {"ana": "c1"}
    assert line.waiting_in() == ["c2"]
    assert line.outcomes() == {}


def test_what_is_told_twice_around_the_picture_counts_once(line: ContactCentre) -> None:
    caller = CallerId("055123456", "")
    line.line.dial("c1", "055055", caller)
    line.settle()
    line.tell(Arrived("c1", "main", "055055", caller))
    assert line.count(ev.CallArrived) == 1


def test_when_the_phone_system_restarts_every_call_ends_and_agents_are_free_again(line: ContactCentre) -> None:
    line.agent("ana")
    line.agent("bo")
    for call in ("c1", "c2", "c3"):
        line.call(call)
    line.pick_up("ana")
    in_the_menu(line, "c4")
    recording(line, "c5")
    line.clock.advance(3)
    line.line.restart()
    line.settle()
    line.clock.advance(60)
    assert line.house.calls == {}
    assert line.outcomes()["c5"] is Outcome.VOICEMAIL
    assert {line.doing("ana"), line.doing("bo")} == {Doing.FREE}


def test_sign_ins_and_pauses_outlive_the_phone_system(line: ContactCentre) -> None:
    line.agent("ana")
    line.agent("bo")
    line.choose("bo", Wish.PAUSE, reason="lunch")
    line.call("c1")
    line.pick_up("ana")
    line.line.restart()
    line.settle()
    assert (line.house.agents["bo"].chosen, line.house.agents["bo"].reason) == (Chosen.PAUSED, "lunch")
    line.clock.advance(30)
    line.call("c2")
    assert line.ringing_now() == {"ana": "c2"}


# --- the voicemail goes on


def test_a_message_that_is_being_left_goes_on_without_us(line: ContactCentre) -> None:
    recording(line)
    line.clock.advance(10)
    line.restart_engine()
    line.clock.advance(5)
    assert line.hears("c1") == ""
    line.press("c1", "#")
    assert line.hears("c1") == said(Sentence.MESSAGE_KEPT)


def test_who_hung_up_while_speaking_and_nobody_listened_has_left_a_message(line: ContactCentre) -> None:
    recording(line)
    line.clock.advance(10)
    line.kill_engine()
    line.hang_up("c1")
    line.start_engine()
    assert line.outcomes() == {"c1": Outcome.VOICEMAIL}


@pytest.mark.parametrize("times", [1, 3])
def test_a_greeting_is_said_again_however_often_the_line_is_lost(line: ContactCentre, times: int) -> None:
    in_the_menu(line)
    line.press("c1", "2")
    for _ in range(times):
        line.cut_line()
        line.clock.advance(0.5)
        line.connect_line()
        assert line.hears("c1") == f"Dica. {BEEP}"
        assert len(line.line.truth.legs["c1"].line) == 1, "nothing is heard on top of it"
    line.clock.advance(4 + 10)
    line.press("c1", "#")
    assert line.hears("c1") == said(Sentence.MESSAGE_KEPT)


def test_a_farewell_that_was_lost_ends_the_call(line: ContactCentre) -> None:
    recording(line)
    line.clock.advance(10)
    line.press("c1", "#")
    line.restart_engine()
    assert line.outcomes() == {"c1": Outcome.VOICEMAIL}
    assert line.line.truth.legs == {}


# --- the YAML was changed between two lives of the engine


def test_calls_of_a_queue_that_is_no_more_come_back_to_the_menu(line: ContactCentre) -> None:
    line.queue("taxes")
    line.agent("ana")
    line.call("c1", "taxes")
    line.call("c2", "taxes")
    line.kill_engine()
    del line.queues["taxes"]
    line.dialplans["taxes"] = Dialplan(
        "taxes", "", ("it",), "sorry", {"sorry": HangUp("sorry", words({"it": "Chiuso."}))}
    )
    line.start_engine()
    assert [line.hears(call) for call in ("c1", "c2")] == ["Chiuso.", "Chiuso."]
    line.clock.advance(2)
    assert line.line.truth.legs == {}
    assert line.doing("ana") is Doing.FREE


@pytest.mark.parametrize("talks", [True, False])
def test_the_call_of_an_agent_who_left_the_roster_goes_on(line: ContactCentre, talks: bool) -> None:
    line.agent("ana")
    line.agent("bo")
    line.call("c1")
    if talks:
        line.pick_up("ana")
    line.kill_engine()
    del line.agents["ana"]
    line.start_engine()
    if talks:
        assert line.talking_now() == {"ana": "c1"}
        line.put_down("ana")
        assert line.outcomes() == {"c1": Outcome.ANSWERED}
    else:
        assert line.ringing_now() == {"bo": "c1"}


# --- nonsense


def test_events_about_nobody_change_nothing(line: ContactCentre) -> None:
    entries = len(line.entries)
    for event in (
        Digit("nobody", "1"),
        PlaybackEnded("nobody", "x", whole=True),
        RecordingEnded("nobody", "x", 5.0),
        LegEnded("nobody", EndCause.HUNG_UP),
    ):
        line.tell(event)
    assert len(line.entries) == entries


def test_a_second_connection_without_a_loss_is_taken_as_it_is(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1")
    line.tell(Connected("main", line.line.snapshot()))
    assert line.ringing_now() == {"ana": "c1"}
