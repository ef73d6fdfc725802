"""Calls that are placed for an agent by a command: their phone rings first, then whom they are to talk with."""

from dataclasses import replace

import pytest

from agents.roster import PhoneSeat
from agents.spoken import Spoken
from agents.state import Wish
from cases.entities import Entity
from centralino import events as ev
from centralino.signing import Refused
from tests.contact_centre import OUTGOING, ContactCentre, phone_of

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


def place(office: ContactCentre, number: str, agent: str = "ana", entity: str = "") -> str:
    call = office.switchboard.own_calls.place(agent, number, by="test", entity=entity)
    office.settle()
    return call.id


def talks(office: ContactCentre) -> set[str]:
    return {leg.phone for leg in office.line.truth.legs.values() if leg.talks_in}


def test_the_agents_phone_rings_first_then_the_number_and_both_talk(office: ContactCentre) -> None:
    call = place(office, "055 234 5678")
    assert [leg.phone for leg in office.line.truth.legs.values()] == [ANA]
    office.pick_up("ana")
    assert office.line.truth.legs[f"{call}-leg1"].phone == OUTSIDE
    office.pick_up(OUTSIDE)
    assert talks(office) == {ANA, OUTSIDE}
    office.put_down("ana")
    assert office.line.truth.legs == {}
    begun = next(e.event for e in office.entries if isinstance(e.event, ev.OwnCallBegun))
    assert (begun.agent, begun.by) == ("ana", "test")
    assert office.people.who(begun.person).number == OUTSIDE


def test_a_colleague_is_called_the_same_way(office: ContactCentre) -> None:
    place(office, "1002")
    office.pick_up("ana")
    assert office.line.shown[BO].number == "1001"
    office.pick_up("bo")
    assert talks(office) == {ANA, BO}


def test_no_queues_call_rings_meanwhile(office: ContactCentre) -> None:
    office.choose("bo", Wish.PAUSE)
    place(office, OUTSIDE)
    office.call("c1")
    assert "c1" not in office.ringing_now().values()
    office.turn_away("ana")
    assert office.ringing_now() == {"ana": "c1"}


def test_where_the_agent_does_not_answer_nobody_else_is_rung(office: ContactCentre) -> None:
    place(office, OUTSIDE)
    office.clock.advance(31)
    assert office.line.truth.legs == {}
    assert office.line.rung_through == []
    assert office.house.own_calls == {}


def test_where_nobody_answers_the_agent_is_told_so(office: ContactCentre) -> None:
    call = place(office, OUTSIDE)
    office.pick_up("ana")
    office.clock.advance(61)
    assert office.hears(call) == Spoken.NO_ANSWER.prompt("it").text
    office.clock.advance(office.line.sound_s)
    assert office.line.truth.legs == {}


def test_those_outside_see_the_number_of_the_entity(office: ContactCentre) -> None:
    office.entities["comune"] = Entity("comune", "Comune", (), {})
    outgoing = replace(OUTGOING, caller_ids={"comune": "+390557000"})
    settings = replace(office.configuration.settings, outgoing=outgoing)
    office.configuration = replace(office.configuration, settings=settings)
    office.switchboard.adopt(1, office.configuration)
    place(office, OUTSIDE, entity="comune")
    office.pick_up("ana")
    assert office.line.shown[OUTSIDE].number == "+390557000"


@pytest.mark.parametrize("picks_up_before", [False, True])
def test_another_life_of_the_engine_goes_on_with_it(office: ContactCentre, picks_up_before: bool) -> None:
    place(office, OUTSIDE)
    if picks_up_before:
        office.kill_engine()
        office.line.pick_up(ANA)
        office.start_engine()
    else:
        office.restart_engine()
        office.pick_up("ana")
    office.pick_up(OUTSIDE)
    assert talks(office) == {ANA, OUTSIDE}


def test_who_is_not_signed_in_is_not_rung(office: ContactCentre) -> None:
    office.choose("ana", Wish.SIGN_OUT)
    with pytest.raises(Refused, match="ana is not signed in"):
        place(office, OUTSIDE)


def test_who_has_a_call_is_not_rung(office: ContactCentre) -> None:
    office.call("c1")
    with pytest.raises(Refused, match="ana has a call"):
        place(office, OUTSIDE)
    office.pick_up("ana")
    with pytest.raises(Refused, match="ana has a call"):
        place(office, OUTSIDE)


def test_who_has_been_placed_a_call_is_placed_no_other(office: ContactCentre) -> None:
    place(office, OUTSIDE)
    with pytest.raises(Refused, match="ana has a call"):
        place(office, OUTSIDE)


def test_a_phone_out_of_reach_is_not_rung(office: ContactCentre) -> None:
    office.unplug("ana")
    with pytest.raises(Refused, match="is not registered"):
        place(office, OUTSIDE)


def test_a_number_that_may_not_be_called_is_refused_and_on_record(office: ContactCentre) -> None:
    with pytest.raises(Refused, match="premium"):
        place(office, "899123456")
    (refused,) = [e.event for e in office.entries if isinstance(e.event, ev.OwnCallRefused)]
    assert (refused.agent, refused.by) == ("ana", "test")
    assert office.line.truth.legs == {}


@pytest.mark.parametrize(
    ("agent", "number", "entity", "why"),
    [
        ("anna", OUTSIDE, "", "there is no agent"),
        ("ana", "1001", "", "their own phone"),
        ("ana", OUTSIDE, "comune", "there is no entity"),
    ],
)
def test_what_cannot_be_is_said(office: ContactCentre, agent: str, number: str, entity: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        place(office, number, agent, entity)
    assert office.house.own_calls == {}


def test_a_colleague_who_has_a_call_is_not_rung(office: ContactCentre) -> None:
    office.choose("ana", Wish.PAUSE)
    office.call("c1")
    office.pick_up("bo")
    with pytest.raises(Refused, match="bo has a call"):
        place(office, "1002")


def test_112_is_no_phone_of_ours_whatever_its_id(office: ContactCentre) -> None:
    office.phones["p112"] = PhoneSeat("p112", "laquila")
    office.line.plug_in("p112")
    office.line.plug_in("112")
    office.settle()
    place(office, "112")
    office.pick_up("ana")
    assert office.line.rung_through == [("first", "112")]
