"""All who are able and free are rung at once: the first to answer has the call, and nobody else is worse off."""

import pytest

from acd.floor import REST_S
from acd.goto import ToVoicemail
from acd.hall import RUNG_AT_ONCE_MOST
from acd.rules import Opening, Pick, Relax, SiteRules
from acd.state import Doing
from acd.why import Why
from agents.state import Chosen, Wish
from centralino import events as ev
from centralino.call_states import CallState
from supervision.live import LiveView
from tests.contact_centre import ContactCentre, phone_of

ALL = ("ana", "bo", "cora")


@pytest.fixture
def hall(floor: ContactCentre) -> ContactCentre:
    """`hall` rings all; ana, bo and cora are here, a second after one another."""
    floor.queue("hall", pick=Pick.RING_ALL)
    for name in ALL:
        floor.agent(name)
        floor.clock.advance(1)
    return floor


def ends(floor: ContactCentre, call: str) -> list[tuple[str, str]]:
    """Whose phones stopped ringing for the call, and why."""
    kinds = (ev.RingEnded, ev.OfferEnded)
    return [(event.agent, event.why) for event in floor.trail(call) if isinstance(event, kinds)]


def test_all_who_are_free_and_able_are_rung_and_the_first_to_answer_has_the_call(hall: ContactCentre) -> None:
    hall.queue("taxes", needs={"taxes": 1}, pick=Pick.RING_ALL)
    hall.agent("dino", skills={"taxes": 1})
    hall.choose("ana", Wish.PAUSE)
    hall.call("c1")
    assert hall.ringing_now() == {"bo": "c1", "cora": "c1", "dino": "c1"}
    assert hall.now("c1").why == Why.RING_ALL
    hall.pick_up("cora")
    assert (hall.talking_now(), hall.ringing_now()) == ({"cora": "c1"}, {})
    assert ends(hall, "c1") == [("bo", Why.ANSWERED_ELSEWHERE), ("dino", Why.ANSWERED_ELSEWHERE)]
    assert sorted(hall.line.called_off) == [phone_of("bo"), phone_of("dino")], "they show no missed call"
    hall.put_down("cora")
    assert hall.line.truth.legs == {}


def test_the_others_are_free_as_before_and_nothing_is_held_against_them(hall: ContactCentre) -> None:
    hall.queue("hall", pick=Pick.RING_ALL, unanswered_most=1)
    hall.call("c1")
    hall.pick_up("cora")
    assert [hall.doing(name) for name in ALL] == [Doing.FREE, Doing.FREE, Doing.TALKING]
    agents = hall.switchboard.floor.agents
    assert [agents[name].unanswered for name in ALL] == [0, 0, 0]
    assert agents["ana"].idle_since_s < agents["bo"].idle_since_s < hall.clock.now_s(), "as long idle as before"
    assert {hall.house.agents[name].chosen for name in ALL} == {Chosen.READY}


def test_whoever_is_rung_is_kept_for_that_call_and_the_next_waits_until_one_answers(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.call("c2")
    assert hall.ringing_now() == dict.fromkeys(ALL, "c1")
    assert hall.now("c2").why == Why.ALL_BUSY
    hall.pick_up("bo")
    assert hall.ringing_now() == {"ana": "c2", "cora": "c2"}
    assert hall.talking_now() == {"bo": "c1"}


def test_of_several_who_are_free_again_each_call_takes_whom_its_queue_picks(hall: ContactCentre) -> None:
    hall.queue("taxes", needs={"taxes": 1}, pick=Pick.BEST_SKILL)
    hall.agent("dino", skills={"taxes": 1})
    hall.agent("ezio", skills={"taxes": 5})
    hall.call("c1")
    hall.call("c2", "taxes")
    hall.hang_up("c1")
    assert hall.ringing_now() == {"ezio": "c2"}


def test_a_second_answer_that_was_on_its_way_is_released_and_never_joined(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.held_back = True
    for name in ("cora", "ana"):
        hall.pick_up(name)
    hall.held_back = False
    hall.settle()
    assert hall.talking_now() == {"cora": "c1"}
    assert hall.line.leg_at(phone_of("ana")) is None
    assert hall.doing("ana") is Doing.FREE
    assert hall.count(ev.TalkStarted) == 1


def test_a_phone_that_nobody_answers_counts_against_each_and_all_are_rung_again(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.clock.advance(20)
    assert hall.ringing_now() == {}
    assert [hall.switchboard.floor.agents[name].unanswered for name in ALL] == [1, 1, 1]
    assert ends(hall, "c1") == [(name, Why.NO_ANSWER) for name in ALL]
    assert [type(event) for event in hall.trail("c1")][-4:] == [ev.RingEnded, ev.RingEnded, ev.OfferEnded, ev.CallWaits]
    hall.clock.advance(REST_S)
    assert hall.ringing_now() == dict.fromkeys(ALL, "c1")


def test_who_turns_the_call_away_leaves_it_to_the_others_and_is_not_rung_for_it_again(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.turn_away("ana")
    assert hall.ringing_now() == {"bo": "c1", "cora": "c1"}
    assert hall.now("c1").state is CallState.OFFERED
    hall.clock.advance(REST_S)
    assert hall.ringing_now() == {"bo": "c1", "cora": "c1"}
    assert hall.doing("ana") is Doing.FREE
    hall.call("c2")
    assert hall.ringing_now() == {"ana": "c2", "bo": "c1", "cora": "c1"}


def test_when_all_have_turned_it_away_the_call_waits_in_its_place(hall: ContactCentre) -> None:
    hall.call("c1")
    for name in ALL:
        hall.turn_away(name)
    assert hall.now("c1").state is CallState.QUEUED
    hall.clock.advance(1)
    hall.call("c2")
    assert hall.waiting_in() == ["c1", "c2"]
    hall.clock.advance(REST_S)
    assert hall.ringing_now() == {"ana": "c1", "bo": "c1", "cora": "c1"}


def test_who_becomes_free_meanwhile_is_rung_too_where_no_other_call_waits(hall: ContactCentre) -> None:
    hall.queue("taxes", needs={"taxes": 1})
    hall.call("c1")
    hall.agent("dino")
    assert hall.ringing_now() == dict.fromkeys((*ALL, "dino"), "c1")
    hall.call("c2", "taxes")
    hall.agent("ezio", skills={"taxes": 1})
    assert hall.ringing_now()["ezio"] == "c2", "nobody is rung for it yet"


def test_a_caller_who_leaves_stops_all_phones(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.hang_up("c1")
    assert hall.ringing_now() == {}
    assert ends(hall, "c1") == [(name, Why.CALLER_LEFT) for name in ALL]
    assert {hall.doing(name) for name in ALL} == {Doing.FREE}
    assert hall.line.called_off == [], "nobody answered elsewhere"


def test_who_is_not_ready_any_more_stops_alone(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.choose("bo", Wish.PAUSE)
    hall.unplug("cora")
    assert hall.ringing_now() == {"ana": "c1"}
    hall.choose("ana", Wish.SIGN_OUT)
    assert hall.now("c1").state is CallState.QUEUED


def test_only_the_first_open_site_that_has_somebody_free_is_rung(floor: ContactCentre) -> None:
    roma = SiteRules("roma", Opening(after_s=5.0))
    floor.queue("hall", pick=Pick.RING_ALL, sites=("laquila", roma))
    floor.agent("ana")
    floor.agent("bo")
    floor.agent("cora", site="roma")
    floor.call("c1")
    floor.clock.advance(6)
    assert floor.ringing_now() == {"ana": "c1", "bo": "c1"}
    floor.agent("dino", site="roma")
    assert floor.ringing_now() == {"ana": "c1", "bo": "c1"}
    floor.clock.advance(14)
    assert floor.ringing_now() == {"cora": "c1", "dino": "c1"}
    floor.clock.advance(5)
    assert floor.ringing_now() == {"cora": "c1", "dino": "c1"}, "ana and bo are rung when the call waits again"


def test_a_site_lends_no_more_of_its_agents_than_its_rule_says(floor: ContactCentre) -> None:
    floor.queue("hall", pick=Pick.RING_ALL, sites=(SiteRules("laquila", agents_at_most=2, keep_free=1),))
    for name in (*ALL, "dino"):
        floor.agent(name)
    floor.call("c1")
    assert len(floor.ringing_now()) == 2
    floor.agent("ezio")
    assert len(floor.ringing_now()) == 2


def test_no_more_are_rung_than_makes_sense(floor: ContactCentre) -> None:
    floor.queue("hall", pick=Pick.RING_ALL)
    for number in range(RUNG_AT_ONCE_MOST + 2):
        floor.agent(f"a{number}")
    floor.call("c1")
    assert len(floor.ringing_now()) == RUNG_AT_ONCE_MOST
    floor.agent("late")
    assert len(floor.ringing_now()) == RUNG_AT_ONCE_MOST
    floor.call("c2")
    assert len(floor.ringing_now()) == RUNG_AT_ONCE_MOST + 3


def test_the_longest_wait_is_not_put_off_by_phones_that_ring_one_after_the_other(hall: ContactCentre) -> None:
    then = {"longest_wait_s": 30.0, "longest_wait_then": ToVoicemail("hall")}
    hall.queue("hall", pick=Pick.RING_ALL, unanswered_most=100, **then)
    hall.call("c1")
    hall.clock.advance(15)
    hall.agent("dino")  # rings until 35
    hall.clock.advance(20)
    assert hall.now("c1").state is CallState.VOICEMAIL


def test_a_caller_who_speaks_a_language_is_offered_to_those_who_speak_it(hall: ContactCentre) -> None:
    for name in ("dino", "ezio"):
        hall.agent(name, languages=("it", "en"))
    hall.call_in("en", "c1")
    assert hall.ringing_now() == {"dino": "c1", "ezio": "c1"}


def test_a_wait_that_is_relaxed_while_phones_ring_goes_by_it_afterwards(floor: ContactCentre) -> None:
    floor.queue("taxes", needs={"taxes": 3}, relax=(Relax(10.0, {"taxes": 1}),), pick=Pick.RING_ALL)
    floor.agent("ana", skills={"taxes": 3})
    floor.call("c1", "taxes")
    floor.clock.advance(10)
    floor.agent("bo", skills={"taxes": 1})
    assert floor.ringing_now() == {"ana": "c1", "bo": "c1"}


def test_other_rules_while_phones_ring_leave_them_ringing(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.queue("hall", pick=Pick.LONGEST_IDLE)
    hall.agent("dino")
    assert hall.ringing_now() == dict.fromkeys(ALL, "c1")
    hall.queue("hall", pick=Pick.RING_ALL)
    assert hall.ringing_now() == dict.fromkeys((*ALL, "dino"), "c1")
    hall.pick_up("ana")
    assert hall.ringing_now() == {}


# --- what people see


def test_a_row_names_the_one_who_is_rung_or_all_of_them(hall: ContactCentre) -> None:
    view = LiveView(hall.house, hall.switchboard.floor, hall.agents, lambda person: ("", ""))
    hall.call("c1")
    row = view.everything()["calls"]["c1"]
    assert (row["agent"], row["rung"]) == ("", list(ALL))
    hall.turn_away("ana")
    hall.turn_away("cora")
    row = view.everything()["calls"]["c1"]
    assert (row["agent"], row["rung"]) == ("bo", ["bo"])
    hall.pick_up("bo")
    row = view.everything()["calls"]["c1"]
    assert (row["agent"], row["rung"]) == ("bo", [])


# --- going on


def test_phones_ring_on_after_a_restart_and_one_answers(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.turn_away("bo")
    hall.restart_engine()
    assert hall.ringing_now() == {"ana": "c1", "cora": "c1"}
    hall.pick_up("ana")
    assert (hall.talking_now(), hall.ringing_now()) == ({"ana": "c1"}, {})
    assert ends(hall, "c1")[-1] == ("cora", Why.ANSWERED_ELSEWHERE)


def test_of_two_who_answered_meanwhile_one_has_the_call_and_the_other_is_let_go(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.kill_engine()
    for name in ("cora", "bo"):
        hall.line.pick_up(phone_of(name))
    hall.start_engine()
    assert hall.talking_now() == {"bo": "c1"}
    assert {leg.id for leg in hall.line.truth.legs.values() if leg.phone} == {"c1-leg2"}
    assert hall.doing("cora") is Doing.FREE


def test_one_phone_that_stopped_meanwhile_does_not_stop_the_others(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.cut_line()
    hall.line.turn_away(phone_of("ana"))
    hall.connect_line()
    assert hall.ringing_now() == {"bo": "c1", "cora": "c1"}
    assert ends(hall, "c1") == [("ana", Why.FAILED)]


def test_an_agent_who_left_the_roster_stops_alone(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.kill_engine()
    del hall.agents["ana"]
    hall.start_engine()
    assert hall.ringing_now() == {"bo": "c1", "cora": "c1"}
    assert ends(hall, "c1") == [("ana", Why.AGENT_LEFT)]
