"""An agent who is stuck is let go: callers wait again in their old place, and nobody is lost."""

import pytest

from acd.state import Doing
from agents.spoken import Spoken
from agents.state import AfterReset, Chosen, Wish
from asterisk.port import EndCause, LegEnded
from centralino import events as ev
from centralino.call_states import CallState
from centralino.events import Outcome
from centralino.signing import Refused
from tests.contact_centre import ContactCentre, phone_of


@pytest.fixture
def hall(floor: ContactCentre) -> ContactCentre:
    floor.agent("ana")
    floor.number("ana", "1001")
    return floor


def reset(hall: ContactCentre, then: AfterReset = AfterReset.READY, agent: str = "ana") -> list[str]:
    held = hall.switchboard.resetting.reset(agent, then, by="test")
    hall.settle()
    return held


def legs_at(hall: ContactCentre, agent: str = "ana") -> list[str]:
    return [leg.id for leg in hall.line.truth.legs.values() if leg.phone == phone_of(agent)]


def test_the_caller_of_a_talk_waits_again_before_those_who_came_later(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.pick_up("ana")
    hall.clock.advance(60)
    hall.call("c2")
    assert reset(hall, AfterReset.OUT) == ["talking in c1"]
    assert hall.waiting_in() == ["c1", "c2"]
    assert hall.hears("c1") == "music"
    assert (hall.house.agent("ana").chosen, hall.doing("ana")) == (Chosen.SIGNED_OUT, Doing.FREE)
    assert legs_at(hall) == []


def test_an_agent_who_is_ready_afterwards_takes_the_next_call_without_a_wrap_up(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.pick_up("ana")
    reset(hall)
    assert hall.ringing_now() == {"ana": "c1"}
    hall.pick_up("ana")
    assert hall.talking_now() == {"ana": "c1"}
    hall.put_down("ana")
    assert hall.outcomes() == {"c1": Outcome.ANSWERED}


def test_a_phone_that_rings_stops_and_the_caller_keeps_their_place(hall: ContactCentre) -> None:
    hall.call("c1")
    assert reset(hall, AfterReset.OUT) == ["ringing c1"]
    assert legs_at(hall) == []
    assert hall.waiting_in() == ["c1"]


def test_who_is_signed_out_is_held_by_nobody_elses_call(hall: ContactCentre) -> None:
    hall.choose("ana", Wish.SIGN_OUT)
    hall.line.plug_in("+390552345678")
    hall.dial_from(phone_of("bo"), "0552345678")
    assert hall.house.own_calls
    assert reset(hall) == []


def test_a_wrap_up_ends(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.pick_up("ana")
    hall.put_down("ana")
    assert reset(hall) == ["wrapping up c1"]
    assert hall.doing("ana") is Doing.FREE


def test_a_pause_ends(hall: ContactCentre) -> None:
    hall.choose("ana", Wish.PAUSE)
    assert reset(hall) == []
    assert hall.house.agent("ana").chosen is Chosen.READY


def test_who_is_signed_out_and_still_talks_loses_the_talk_and_stays_out(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.pick_up("ana")
    hall.choose("ana", Wish.SIGN_OUT)
    reset(hall)
    assert hall.waiting_in() == ["c1"]
    assert hall.house.agent("ana").chosen is Chosen.SIGNED_OUT


def test_whom_the_agent_asks_is_let_go_and_the_caller_waits_again(hall: ContactCentre) -> None:
    hall.agent("bo")
    hall.number("bo", "1002")
    hall.choose("bo", Wish.PAUSE)
    hall.call("c1")
    hall.pick_up("ana")
    hall.press("c1-leg1", "*2")
    hall.press("c1-leg1", "1002#")
    hall.pick_up("bo")
    reset(hall, AfterReset.OUT)
    assert legs_at(hall, "bo") == legs_at(hall) == []
    assert hall.waiting_in() == ["c1"]
    hall.choose("bo", Wish.READY)
    hall.pick_up("bo")
    assert hall.talking_now() == {"bo": "c1"}
    assert not hall.now("c1").set_aside


def ask_ana(hall: ContactCentre) -> None:
    """Bo talks with c1, and rings Ana, who is paused."""
    hall.agent("bo")
    hall.choose("ana", Wish.PAUSE)
    hall.call("c1")
    hall.pick_up("bo")
    hall.press("c1-leg1", "*2")
    hall.press("c1-leg1", "1001#")


def test_an_agent_who_asked_this_one_has_their_caller_back(hall: ContactCentre) -> None:
    ask_ana(hall)
    hall.pick_up("ana")
    assert reset(hall) == ["asked by bo, in c1"]
    assert hall.talking_now() == {"bo": "c1"}
    assert legs_at(hall) == []


def test_a_caller_whom_a_colleague_gave_waits_again_in_the_colleagues_queue(hall: ContactCentre) -> None:
    ask_ana(hall)
    hall.pick_up("ana")
    hall.put_down("bo")
    hall.choose("bo", Wish.PAUSE)
    assert hall.talking_now() == {"ana": "c1"}
    assert reset(hall, AfterReset.OUT) == ["talking in c1"]
    assert hall.waiting_in() == ["c1"]
    assert legs_at(hall) == []


def test_a_caller_whom_a_colleague_gives_while_the_phone_rings_waits_again_too(hall: ContactCentre) -> None:
    ask_ana(hall)
    hall.put_down("bo")
    hall.choose("bo", Wish.PAUSE)
    assert hall.now("c1").state is CallState.TRANSFERRING
    assert reset(hall, AfterReset.OUT) == ["c1, which a colleague gave them"]
    assert hall.waiting_in() == ["c1"]
    assert legs_at(hall) == []


def test_a_call_of_their_own_ends(hall: ContactCentre) -> None:
    hall.agent("bo")
    hall.number("bo", "1002")
    hall.dial_from(phone_of("ana"), "1002")
    hall.pick_up("bo")
    assert reset(hall) == ["a call of their own, d1"]
    assert hall.house.own_calls == {}
    assert not {"d1", "d1-leg1"} & hall.line.truth.legs.keys()
    hall.call("c1")
    assert hall.ringing_now()


def test_what_the_phone_system_tells_late_changes_nothing(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.pick_up("ana")
    reset(hall)
    hall.pick_up("ana")
    hall.tell(LegEnded("c1-leg1", EndCause.GONE))
    assert hall.talking_now() == {"ana": "c1"}


def test_who_did_it_and_what_it_ended_is_on_record(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.pick_up("ana")
    reset(hall, AfterReset.OUT)
    (entry,) = [e.event for e in hall.entries if isinstance(e.event, ev.AgentReset)]
    assert (entry.agent, entry.by, entry.then, entry.held) == ("ana", "test", "out", ["talking in c1"])


def test_another_life_of_the_engine_knows_that_the_agent_is_free(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.pick_up("ana")
    reset(hall, AfterReset.OUT)
    hall.restart_engine()
    assert hall.waiting_in() == ["c1"]
    assert legs_at(hall) == []


def test_nobody_who_is_not_in_the_roster_is_reset(hall: ContactCentre) -> None:
    with pytest.raises(Refused, match="there is no agent `anna`"):
        reset(hall, agent="anna")


def test_a_supervisor_resets_an_agent_by_a_code(hall: ContactCentre) -> None:
    phone = hall.supervisor("capo", sites=("laquila",))
    hall.call("c1")
    hall.pick_up("ana")
    hall.dial_from(phone, "*951001")
    assert hall.hears("d1") == Spoken.AGENT_IS_FREE.prompt("it").text
    assert hall.ringing_now() == {"ana": "c1"}


def test_a_supervisor_of_another_site_does_not(hall: ContactCentre) -> None:
    phone = hall.supervisor("capo", sites=("roma",))
    hall.call("c1")
    hall.pick_up("ana")
    hall.dial_from(phone, "*951001")
    assert hall.hears("d1") == Spoken.NOT_YOUR_AGENT.prompt("it").text
    assert hall.talking_now() == {"ana": "c1"}
