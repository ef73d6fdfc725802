"""Parked calls: left under a number by one agent, fetched by another; nobody is forgotten there."""

import shutil
from pathlib import Path

import pytest

from acd.state import Doing
from acd.why import Why
from agents.places import PLACES
from agents.spoken import Spoken
from agents.state import Wish
from asterisk.port import TransferEnd
from centralino import events as ev
from centralino.call_states import CallState
from centralino.events import Outcome
from centralino.parking import LONGEST_S
from centralino.settings import examine
from tests.contact_centre import ContactCentre, phone_of

ROOT = Path(__file__).parents[2]
DEPLOYMENT = ("centralino.yaml", "queues.yaml", "agents.yaml", "entities.yaml")
ANA, BO = phone_of("ana"), phone_of("bo")


@pytest.fixture
def talk(floor: ContactCentre) -> ContactCentre:
    """Ana talks with the caller of c1; Bo is paused, and would take no queue's call."""
    for name in ("ana", "bo"):
        floor.agent(name)
    floor.choose("bo", Wish.PAUSE)
    floor.call("c1")
    floor.pick_up("ana")
    return floor


@pytest.fixture
def parked(talk: ContactCentre) -> ContactCentre:
    park(talk)
    return talk


def park(talk: ContactCentre) -> None:
    """Ana, who talks in c1, keys in what parks a call."""
    for key in "#170#":
        talk.press("c1-leg1", key)


def talkers(talk: ContactCentre) -> set[str]:
    return {leg.phone or leg.id for leg in talk.line.truth.legs.values() if leg.talks_in == "c1"}


def said(what: Spoken, **put_in: str) -> str:
    return what.prompt("it", **put_in).text


def test_the_agent_is_told_where_and_the_caller_hears_music(parked: ContactCentre) -> None:
    assert parked.hears("c1-leg1") == said(Spoken.PARKED, place="71")
    assert parked.hears("c1") == "music"
    assert parked.now("c1").state is CallState.PARKED
    assert parked.doing("ana") is Doing.WRAPPING_UP
    parked.clock.advance(parked.line.sound_s)
    assert parked.line.leg_at(ANA) is None


def test_an_agent_who_hangs_up_while_being_told_where_loses_no_caller(parked: ContactCentre) -> None:
    parked.hang_up("c1-leg1")
    assert parked.hears("c1") == "music"
    parked.dial_from(BO, "71")
    assert talkers(parked) == {"c1", "d1"}


def test_who_dials_the_place_has_the_caller_and_a_talk_as_any_other(parked: ContactCentre) -> None:
    parked.dial_from(BO, "71")
    assert talkers(parked) == {"c1", "d1"}
    assert parked.doing("bo") is Doing.TALKING
    for key in "#170#":
        parked.press("d1", key)
    assert parked.now("c1").state is CallState.PARKED, "they may park in turn"
    assert parked.doing("bo") is Doing.WRAPPING_UP
    parked.dial_from(ANA, "71", "d2")
    assert talkers(parked) == {"c1", "d2"}
    parked.hang_up("c1")
    assert parked.outcomes() == {"c1": Outcome.ANSWERED}
    assert parked.doing("ana") is Doing.WRAPPING_UP


def test_the_talk_ends_where_whoever_fetched_the_caller_hangs_up(parked: ContactCentre) -> None:
    parked.dial_from(BO, "71")
    parked.hang_up("d1")
    assert parked.outcomes() == {"c1": Outcome.ANSWERED}
    assert parked.doing("bo") is Doing.WRAPPING_UP
    assert parked.line.truth.legs.keys() <= {"c1-leg1"}


def test_whom_nobody_fetches_waits_again_in_their_place(parked: ContactCentre) -> None:
    parked.call("c2")
    parked.clock.advance(LONGEST_S)
    assert parked.now("c1").queue == "hall"
    assert parked.now("c1").place == ""
    floor = parked.switchboard.floor
    assert floor.position("c1") == 1 or parked.ringing_now() == {"ana": "c1"}


def test_whom_nobody_fetches_and_whose_queue_has_left_the_yaml_is_let_go(talk: ContactCentre) -> None:
    talk.queue("taxes")
    talk.hang_up("c1")
    talk.switchboard.dispatcher.wrap_up_done("ana")
    talk.call("c2", "taxes")
    talk.pick_up("ana")
    for key in "#170#":
        talk.press("c2-leg1", key)
    del talk.queues["taxes"]
    talk.switchboard.dispatcher.adopt_rules(talk.queues)
    talk.clock.advance(LONGEST_S - 1)
    assert talk.hears("c2") == "music"
    talk.clock.advance(1)
    assert "c2" not in talk.line.truth.legs
    assert talk.outcomes()["c2"] is Outcome.ANSWERED
    assert [event.why for event in talk.trail("c2") if isinstance(event, ev.CallEnded)] == [Why.QUEUE_GONE]


def test_a_caller_who_hangs_up_meanwhile_leaves_the_place_free(parked: ContactCentre) -> None:
    parked.hang_up("c1")
    assert parked.outcomes() == {"c1": Outcome.ANSWERED}
    parked.dial_from(BO, "71")
    assert parked.hears("d1") == said(Spoken.NOBODY_PARKED)


def test_two_have_two_places_and_where_all_are_taken_the_talk_goes_on(talk: ContactCentre) -> None:
    for nth, place in enumerate(PLACES, 2):
        park_again(talk, f"c{nth}")
        assert talk.now(f"c{nth - 1}").place == place
    park_again(talk, "last")
    assert talk.hears(talk.now("c10").leg) == said(Spoken.NO_PLACE)
    talk.clock.advance(talk.line.sound_s)
    assert talk.now("c10").state is CallState.TALKING


def park_again(talk: ContactCentre, call: str) -> None:
    """Ana parks whom she talks with, and takes the next call."""
    now = next(one for one in talk.house.calls.values() if one.state is CallState.TALKING)
    for key in "#170#":
        talk.press(now.leg, key)
    if call != "last":
        talk.hang_up(f"{now.id}-leg1")
        talk.switchboard.dispatcher.wrap_up_done("ana")
        talk.call(call)
        talk.pick_up("ana")


def test_who_cannot_fetch_is_told_why(parked: ContactCentre) -> None:
    parked.dial_from(BO, "72", "d1")
    assert parked.hears("d1") == said(Spoken.NOBODY_PARKED)
    parked.choose("bo", Wish.SIGN_OUT)
    parked.dial_from(BO, "71", "d2")
    assert parked.hears("d2") == said(Spoken.NOBODY_HERE)
    parked.clock.advance(parked.line.sound_s)
    parked.switchboard.dispatcher.wrap_up_done("ana")
    parked.call("c2")
    parked.pick_up("ana")
    parked.dial_from(ANA, "71", "d3")
    assert parked.hears("d3") == said(Spoken.HAS_A_CALL)
    assert parked.now("c1").state is CallState.PARKED


def test_by_the_phones_own_key_nothing_is_said(talk: ContactCentre) -> None:
    talk.line.transfer("c1-leg1", "70")
    talk.settle()
    assert talk.line.transfers_told == [("c1-leg1", TransferEnd.DONE)]
    assert talk.line.leg_at(ANA) is None
    assert talk.hears("c1") == "music"
    assert talk.now("c1").place == "71"


@pytest.mark.parametrize("is_fetched", [False, True])
def test_it_goes_on_after_a_restart(parked: ContactCentre, is_fetched: bool) -> None:
    parked.clock.advance(100)
    if is_fetched:
        parked.dial_from(BO, "71")
    parked.restart_engine()
    if is_fetched:
        assert talkers(parked) == {"c1", "d1"}
        assert parked.doing("bo") is Doing.TALKING
        return
    assert parked.hears("c1") == "music"
    parked.clock.advance(LONGEST_S - 100)
    assert parked.now("c1").queue == "hall"


def test_the_trail_says_where_and_by_whom(parked: ContactCentre) -> None:
    parked.dial_from(BO, "71")
    [parking] = [event for event in parked.trail("c1") if isinstance(event, ev.CallerParked)]
    assert (parking.place, parking.agent, parking.by) == ("71", "ana", f"phone {ANA}")
    assert parked.house.totals["hall"].answered == 1


@pytest.mark.parametrize(("number", "whose"), [("71", "parked calls"), ("112", "an emergency number")])
def test_no_queue_has_a_number_that_means_something_else(tmp_path: Path, number: str, whose: str) -> None:
    for name in DEPLOYMENT:
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "dialplans", tmp_path / "dialplans")
    queues = tmp_path / "queues.yaml"
    text = queues.read_text()
    queues.write_text(text.replace("  tributi:\n", f'  tributi:\n    dialled: "{number}"\n', 1))
    assert queues.read_text() != text
    [problem] = [one for one in examine(tmp_path)[1] if not one.is_warning]
    assert f"leads to `{whose}` already" in problem.what
