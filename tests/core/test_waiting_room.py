"""What callers hear while they wait, and the keys that lead them out of the line."""

import pytest

from acd.rules import WhileWaiting
from agents.state import Wish
from asterisk.port import CallerId
from centralino import events as ev
from centralino.call_states import CallState
from centralino.events import Outcome
from tests.contact_centre import ContactCentre, sentences

TELLS = WhileWaiting(tell_every_s=45.0, tells_wait=True, voicemail_key="2", call_back_key="1", call_back_after_s=60.0)


@pytest.fixture
def line(floor: ContactCentre) -> ContactCentre:
    """Queue `hall`, whose callers are told where they stand; nobody is there."""
    floor.queue("hall", while_waiting=TELLS, wrap_up_s=0.0)
    floor.agent("ana")
    floor.choose("ana", Wish.PAUSE)
    return floor


def told(line: ContactCentre, call: str) -> list[ev.CallerTold]:
    return [event for event in line.trail(call) if isinstance(event, ev.CallerTold)]


def handle(line: ContactCentre, calls: int, talk_s: float) -> None:
    """Let ana handle so many calls, one after the other."""
    line.choose("ana", Wish.READY)
    for nth in range(calls):
        line.call(f"before{nth}")
        line.pick_up("ana")
        line.clock.advance(talk_s)
        line.put_down("ana")


def test_a_caller_is_told_their_place_and_hears_music_again(line: ContactCentre) -> None:
    line.call("c1")
    line.call("c2")
    line.clock.advance(3)
    assert line.hears("c1").startswith("Sei il prossimo")
    assert line.hears("c2").startswith("Il tuo posto in attesa è il numero 2.")
    line.clock.advance(10)
    assert line.line.truth.legs["c2"].holding
    line.clock.advance(35)
    assert line.hears("c2").startswith("Il tuo posto"), "told again every 45 s"


def test_a_caller_who_is_rung_for_at_once_is_told_nothing(line: ContactCentre) -> None:
    line.choose("ana", Wish.READY)
    line.call("c1")
    line.clock.advance(10)
    assert told(line, "c1") == []


def test_what_is_said_is_cut_short_when_an_agent_answers(line: ContactCentre) -> None:
    line.call("c1")
    line.clock.advance(3)
    line.choose("ana", Wish.READY)
    assert line.hears("c1"), "while the phone rings"
    line.pick_up("ana")
    assert line.line.heard_by("c1") == ()
    assert line.now("c1").state is CallState.TALKING


def test_without_enough_calls_to_tell_no_wait_is_told(line: ContactCentre) -> None:
    line.call("c1")
    line.clock.advance(3)
    [first] = told(line, "c1")
    assert (first.position, first.from_s, first.to_s) == (1, 0, 0)


def test_the_expected_wait_is_told_as_a_range_by_what_calls_took(line: ContactCentre) -> None:
    handle(line, 5, 200.0)
    line.call("c1")
    line.pick_up("ana")
    line.call("c2")
    line.call("c3")
    line.clock.advance(3)
    (c2,), (c3,) = told(line, "c2"), told(line, "c3")
    assert (c2.from_s, c2.to_s) == (100, 300), "200 s for the next in line, between half and half as much again"
    assert (c3.from_s, c3.to_s) == (200, 600)
    assert "L'attesa prevista è tra 3 e 10 minuti." in line.hears("c3")


def test_the_wait_does_not_grow_for_who_merely_waits(line: ContactCentre) -> None:
    handle(line, 5, 200.0)
    line.call("c1")
    line.pick_up("ana")
    line.call("c2")
    line.clock.advance(3)
    line.clock.advance(45)
    first, second = told(line, "c2")
    assert first.to_s == 300
    assert second.to_s == 0, "the estimate is still 200 s from now, later than was said: silence"
    assert "attesa prevista" not in line.hears("c2")


def test_a_worse_place_is_not_told(line: ContactCentre) -> None:
    line.call("c1")
    line.clock.advance(3)
    line.switchboard.floor.calls["c1"].told_position = 0  # as if it had been better
    line.clock.advance(45)
    assert told(line, "c1")[-1].position == 0
    assert "posto" not in line.hears("c1")


def test_what_was_told_is_known_after_a_restart(line: ContactCentre) -> None:
    handle(line, 5, 200.0)
    line.call("c1")
    line.pick_up("ana")
    line.call("c2")
    line.clock.advance(3)
    line.restart_engine()
    line.clock.advance(3)
    assert [one.to_s for one in told(line, "c2")] == [300, 0]


def test_a_key_leads_to_the_voicemail_at_any_time(line: ContactCentre) -> None:
    line.call("c1")
    line.press("c1", "2")
    assert line.now("c1").state is CallState.VOICEMAIL
    assert line.now("c1").box == "hall"


def test_a_key_counts_also_while_their_place_is_being_said(line: ContactCentre) -> None:
    line.call("c1")
    line.call("c2")
    line.clock.advance(3)
    assert line.hears("c2").startswith("Il tuo posto")
    line.press("c2", "2")
    assert line.now("c2").state is CallState.VOICEMAIL
    assert "posto" not in line.hears("c2"), "what was being said is cut short"


@pytest.mark.parametrize("key", ["5", "#", "1"])
def test_other_keys_and_one_that_is_not_offered_yet_do_nothing(line: ContactCentre, key: str) -> None:
    line.call("c1")
    line.clock.advance(4)
    line.press("c1", key)
    assert line.now("c1").state is CallState.QUEUED
    assert line.count(ev.KeyPressed, "c1") == 0


def test_a_caller_who_would_rather_be_called_back_is_promised_it(line: ContactCentre) -> None:
    line.call("c1", caller=CallerId("+390551234567", ""))
    line.clock.advance(50)
    assert "Se preferisci essere richiamato, premi 1." not in line.hears("c1")
    line.clock.advance(44)
    assert "Se preferisci essere richiamato, premi 1." in line.hears("c1")
    line.press("c1", "1")
    assert "Possiamo richiamarti" in line.hears("c1")
    line.press("c1", "1")
    line.clock.advance(30)
    assert line.outcomes()["c1"] is Outcome.CALL_BACK


def test_who_does_not_want_to_be_called_back_after_all_has_their_place_again(line: ContactCentre) -> None:
    line.call("c1", caller=CallerId("", ""))
    line.clock.advance(61)
    line.call("c2")
    line.press("c1", "1")
    line.clock.advance(200)
    assert line.waiting_in() == ["c1", "c2"]


def test_a_key_while_a_phone_rings_stops_the_phone(line: ContactCentre) -> None:
    line.choose("ana", Wish.READY)
    line.call("c1")
    line.press("c1", "2")
    assert line.ringing_now() == {}
    assert line.now("c1").state is CallState.VOICEMAIL


@pytest.mark.parametrize("language", ["it", "en", "fr", "de", "es", "zh", "ar"])
def test_minutes_are_counted_as_the_language_counts_them(language: str) -> None:
    says = sentences()
    assert says.wait(20, 50, language) == says.wait(30, 60, language)
    between = {says.wait(low * 60, high * 60, language).text for low, high in ((2, 3), (4, 8), (10, 25))}
    assert len(between) == 3
    assert not any("{" in text for text in between)


def test_arabic_counts_ten_minutes_otherwise_than_twelve() -> None:
    assert "10 دقائق" in sentences().wait(300, 590, "ar").text
    assert "12 دقيقة" in sentences().wait(300, 700, "ar").text
