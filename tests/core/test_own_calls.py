"""Calls that agents make by themselves: to each other and outside; meanwhile no queue's call rings at their phones."""

import pytest

from agents.spoken import Spoken
from agents.state import Wish
from centralino import events as ev
from tests.contact_centre import ContactCentre, phone_of

OUTSIDE = "+390552345678"
ANA, BO = phone_of("ana"), phone_of("bo")


@pytest.fixture
def office(floor: ContactCentre) -> ContactCentre:
    """Ana is 1001 and Bo 1002; a number outside answers."""
    for name, number in (("ana", "1001"), ("bo", "1002")):
        floor.agent(name)
        floor.number(name, number)
    floor.line.plug_in(OUTSIDE)
    floor.settle()
    return floor


def ends(office: ContactCentre) -> list[str]:
    return [entry.event.why for entry in office.entries if isinstance(entry.event, ev.OwnCallEnded)]


def test_an_agent_calls_another_and_both_talk(office: ContactCentre) -> None:
    office.dial_from(ANA, "1002")
    assert office.line.truth.legs["d1"].hears_ringing
    assert office.line.shown[BO].number == "1001"
    office.pick_up("bo")
    assert {leg.id: leg.talks_in for leg in office.line.truth.legs.values()} == {"d1": "d1", "d1-leg1": "d1"}
    office.put_down("bo")
    assert office.line.truth.legs == {}
    assert ends(office) == ["the other one hung up"]


def test_one_that_cannot_go_on_keeps_no_node_from_being_connected(
    office: ContactCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.dial_from(ANA, "1002")
    office.pick_up("bo")

    def broken(*_: object) -> None:
        raise KeyError("d1")

    office.cut_line()
    monkeypatch.setattr(office.switchboard.own_calls, "go_on", broken)
    office.connect_line()
    assert office.switchboard.connected == {"main": True}
    [fault] = office.faults.said
    assert "d1 could not go on" in fault
    office.faults.said.clear()
    assert office.house.own_calls == {}
    office.call("c1")
    assert len(office.ringing_now()) == 1


def test_a_queues_call_rings_at_neither_phone_meanwhile_and_comes_right_after(office: ContactCentre) -> None:
    office.dial_from(ANA, "1002")
    office.pick_up("bo")
    office.call("c1")
    assert office.ringing_now() == {}
    office.put_down("bo")
    assert list(office.ringing_now().values()) == ["c1"]


def test_it_keeps_the_further_site_closed(office: ContactCentre) -> None:
    """Who calls a colleague is there all the same."""
    office.dial_from(ANA, "1002")
    assert office.switchboard.floor.able("hall", "it") == {"ana", "bo"}


def test_after_a_restart_the_talk_goes_on_and_is_known(office: ContactCentre) -> None:
    office.dial_from(ANA, "1002")
    office.pick_up("bo")
    office.restart_engine()
    office.call("c1")
    assert office.ringing_now() == {}
    office.hang_up("d1")
    assert len(office.ringing_now()) == 1
    assert ends(office) == ["the one who called hung up"]


def test_who_answered_while_no_engine_was_there_is_joined_by_the_next(office: ContactCentre) -> None:
    office.dial_from(ANA, "1002")
    office.kill_engine()
    office.line.pick_up(BO)
    office.start_engine()
    assert office.line.truth.legs["d1"].talks_in == "d1"


@pytest.mark.parametrize("number", ["1002", "1001"])
def test_who_is_busy_is_said_to_be(office: ContactCentre, number: str) -> None:
    """Bo has a call; and nobody calls themselves."""
    office.call("c1")
    office.call("c2")
    for agent in ("ana", "bo"):
        office.pick_up(agent)
    office.dial_from(ANA, number)
    assert office.hears("d1") == Spoken.BUSY.prompt("it").text


def test_who_is_away_is_said_to_be(office: ContactCentre) -> None:
    office.unplug("bo")
    office.dial_from(ANA, "1002")
    assert office.hears("d1") == Spoken.NOT_HERE.prompt("it").text


def test_who_does_not_answer_is_said_not_to(office: ContactCentre) -> None:
    office.dial_from(ANA, "1002")
    office.clock.advance(30)
    assert office.hears("d1") == Spoken.NO_ANSWER.prompt("it").text
    office.clock.advance(office.line.sound_s)
    assert office.line.truth.legs == {}
    assert ends(office) == ["no answer"]


def test_a_number_outside_is_rung_and_its_person_is_on_record(office: ContactCentre) -> None:
    office.dial_from(ANA, "0552345678")
    office.pick_up(OUTSIDE)
    assert office.line.truth.legs["d1"].talks_in == "d1"
    [begun] = [entry.event for entry in office.entries if isinstance(entry.event, ev.OwnCallBegun)]
    assert (begun.agent, office.people.who(begun.person).number) == ("ana", OUTSIDE)


@pytest.mark.parametrize("number", ["899123456", "0044123456", "7", "892424"])
def test_what_may_not_be_called_is_refused_and_on_record_and_in_the_log(
    office: ContactCentre, caplog: pytest.LogCaptureFixture, number: str
) -> None:
    office.dial_from(ANA, number)
    assert office.hears("d1") == Spoken.NOT_ALLOWED.prompt("it").text
    [refused] = [entry.event for entry in office.entries if isinstance(entry.event, ev.OwnCallRefused)]
    assert (refused.agent, refused.phone) == ("ana", ANA)
    assert f"{ANA} may not call person {refused.person}: {refused.why}" in caplog.text
    assert office.people.who(refused.person).number not in caplog.text.replace(refused.person, "")


def test_whom_nobody_can_ring_is_on_record_too(office: ContactCentre) -> None:
    office.dial_from(ANA, "1001", "d1")  # their own number
    office.unplug("bo")
    office.dial_from(ANA, "1002", "d2")
    refused = [entry.event for entry in office.entries if isinstance(entry.event, ev.OwnCallRefused)]
    assert [(one.call, one.agent, one.to, one.why) for one in refused] == [
        ("d1", "ana", "ana", "the phone is in a call"),
        ("d2", "ana", "bo", "the phone is not registered"),
    ]


def test_the_end_of_the_wrap_up_waits_for_the_end_of_the_call(office: ContactCentre) -> None:
    office.choose("bo", Wish.SIGN_OUT)
    office.call("c1")
    office.pick_up("ana")
    office.put_down("ana")
    office.dial_from(ANA, "0552345678")
    office.pick_up(OUTSIDE)
    office.clock.advance(60)
    office.call("c2")
    assert office.ringing_now() == {}
    office.hang_up("d1")
    assert office.ringing_now() == {"ana": "c2"}


def test_who_signs_out_meanwhile_is_in_no_call_once_it_is_over(office: ContactCentre) -> None:
    office.dial_from(ANA, "1002")
    office.pick_up("bo")
    office.choose("ana", Wish.SIGN_OUT)
    office.put_down("bo")
    assert not office.switchboard.floor.agents["ana"].own_call
    office.choose("ana", Wish.SIGN_IN)
    office.choose("bo", Wish.SIGN_OUT)
    office.call("c1")
    assert office.ringing_now() == {"ana": "c1"}


def test_who_hangs_up_before_anybody_answers_leaves_nothing(office: ContactCentre) -> None:
    office.dial_from(ANA, "1002")
    office.hang_up("d1")
    assert office.line.truth.legs == {}
    assert office.house.own_calls == {}
