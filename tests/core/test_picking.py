"""Which agent a queue picks, what it needs less of after a while, and who may go before others."""

import pytest

from acd.rules import HeadStart, Pick, Relax
from acd.why import Why
from agents.state import Chosen, Wish
from asterisk.port import CallerId
from centralino import events as ev
from ivr.menu import Queue, Say
from ivr.prompts import words
from tests.contact_centre import ContactCentre, dialplan


def test_the_best_skill_is_rung_before_the_longest_idle(floor: ContactCentre) -> None:
    floor.queue("taxes", needs={"taxes": 1}, pick=Pick.BEST_SKILL)
    floor.agent("ana", skills={"taxes": 2})
    floor.clock.advance(100)
    floor.agent("bo", skills={"taxes": 5})
    floor.call("c1", "taxes")
    assert floor.ringing_now() == {"bo": "c1"}
    assert floor.now("c1").why == Why.BEST_SKILL


def test_among_equal_skills_the_longest_idle_is_rung(floor: ContactCentre) -> None:
    floor.queue("taxes", needs={"taxes": 1}, pick=Pick.BEST_SKILL)
    floor.agent("bo", skills={"taxes": 5})
    floor.clock.advance(1)
    floor.agent("ana", skills={"taxes": 5})
    floor.call("c1", "taxes")
    assert floor.ringing_now() == {"bo": "c1"}


def test_of_two_who_become_free_in_one_instant_the_best_is_rung(floor: ContactCentre) -> None:
    floor.queue("taxes", needs={"taxes": 1}, pick=Pick.BEST_SKILL, wrap_up_s=10.0)
    for name, level in (("ana", 2), ("bo", 5)):
        floor.agent(name, skills={"taxes": level})
    for call in ("c1", "c2"):
        floor.call(call, "taxes")
    for name in ("ana", "bo"):
        floor.pick_up(name)
    floor.call("c3", "taxes")
    for name in ("ana", "bo"):
        floor.put_down(name)
    floor.clock.advance(10)
    assert floor.ringing_now() == {"bo": "c3"}


def answer_one(floor: ContactCentre, call: str, queue: str, talk_s: float) -> str:
    """Let somebody answer and put down; who it was."""
    floor.call(call, queue)
    [agent] = floor.ringing_now()
    floor.pick_up(agent)
    floor.clock.advance(talk_s)
    floor.put_down(agent)
    return agent


def test_who_had_the_least_to_do_today_is_rung(floor: ContactCentre) -> None:
    floor.queue("taxes", pick=Pick.LEAST_BUSY, wrap_up_s=0.0)
    floor.agent("ana")
    floor.agent("bo")
    took = [answer_one(floor, f"c{nth}", "taxes", talk_s) for nth, talk_s in enumerate((100, 10, 10, 10))]
    assert took == ["ana", "bo", "bo", "bo"]


def test_what_was_done_today_is_known_after_a_restart(floor: ContactCentre) -> None:
    floor.queue("taxes", pick=Pick.LEAST_BUSY, wrap_up_s=5.0)
    floor.agent("ana")
    floor.agent("bo")
    assert answer_one(floor, "c1", "taxes", 100) == "ana"
    floor.clock.advance(5)
    assert answer_one(floor, "c2", "taxes", 10) == "bo"
    floor.clock.advance(5)
    floor.restart_engine()
    assert answer_one(floor, "c3", "taxes", 10) == "bo"


def test_round_robin_goes_through_all(floor: ContactCentre) -> None:
    floor.queue("taxes", pick=Pick.ROUND_ROBIN, wrap_up_s=0.0)
    for name in ("ana", "bo", "cora"):
        floor.agent(name)
    took = []
    for nth in range(6):
        floor.clock.advance(1)
        took.append(answer_one(floor, f"c{nth}", "taxes", 10))
    assert took == ["ana", "bo", "cora"] * 2


def test_a_fixed_order_always_begins_with_the_first(floor: ContactCentre) -> None:
    floor.queue("taxes", pick=Pick.FIXED_ORDER, wrap_up_s=0.0)
    for name in ("zoe", "ana"):  # their order in the roster
        floor.agent(name)
    assert [answer_one(floor, f"c{nth}", "taxes", 10) for nth in range(3)] == ["zoe"] * 3


def test_less_is_needed_after_a_while(floor: ContactCentre) -> None:
    floor.queue("taxes", needs={"taxes": 3}, relax=(Relax(60.0, {"taxes": 1}),))
    floor.agent("ana", skills={"taxes": 1})
    floor.call("c1", "taxes")
    floor.clock.advance(59)
    assert floor.now("c1").why == Why.NOBODY_ABLE
    floor.clock.advance(1)
    assert floor.ringing_now() == {"ana": "c1"}


def test_a_wait_that_was_relaxed_is_so_still_after_a_restart(floor: ContactCentre) -> None:
    floor.queue("taxes", needs={"taxes": 3}, relax=(Relax(60.0, {"taxes": 1}),))
    floor.call("c1", "taxes")
    floor.clock.advance(61)
    floor.restart_engine()
    floor.agent("ana", skills={"taxes": 1})
    assert floor.ringing_now() == {"ana": "c1"}


def test_a_relaxed_call_keeps_its_place_before_later_ones(floor: ContactCentre) -> None:
    floor.queue("taxes", needs={"taxes": 3}, relax=(Relax(60.0, {"taxes": 1}),))
    floor.call("c1", "taxes")
    floor.clock.advance(61)
    floor.call("c2", "taxes")
    floor.agent("ana", skills={"taxes": 3})
    assert floor.ringing_now() == {"ana": "c1"}
    assert floor.count(ev.CallOffered) == 1


def test_relaxing_never_takes_an_agent_away_from_a_caller(floor: ContactCentre) -> None:
    floor.queue("taxes", needs={"taxes": 2}, relax=(Relax(10.0, {"taxes": 1}),))
    floor.agent("dino", skills={"taxes": 2}, languages=("en",))  # for Italians too: nobody else has the skill
    floor.agent("bo", skills={"taxes": 1}, languages=("it",))
    for call in ("c0", "c1"):
        floor.call(call, "taxes")
    floor.pick_up("dino")
    floor.clock.advance(10)
    floor.pick_up("bo")
    floor.call("c2", "taxes")
    floor.clock.advance(10)
    floor.call("c3", "taxes")
    floor.put_down("dino")
    floor.clock.advance(30)
    assert floor.ringing_now() == {"dino": "c2"}, "although bo speaks Italian and would do, once free"


# --- head starts


def test_a_head_start_lets_a_call_go_before_those_that_came_within_it(floor: ContactCentre) -> None:
    floor.queue("civil")
    floor.queue("taxes", head_starts=(HeadStart(60.0, number="taxes"),))
    floor.call("early", "civil")
    floor.clock.advance(61)
    floor.call("late", "civil")
    floor.clock.advance(1)
    floor.call("urgent", "taxes")
    floor.agent("ana")
    assert floor.ringing_now() == {"ana": "early"}, "it has aged beyond the head start: nobody starves"
    floor.agent("bo")
    assert floor.ringing_now()["bo"] == "urgent"


def test_a_head_start_is_kept_over_a_restart_and_in_the_next_queue(floor: ContactCentre) -> None:
    floor.queue("taxes", head_starts=(HeadStart(60.0, caller="+39055"),))
    floor.call("c1", "taxes", caller=CallerId("+39066", ""))
    floor.clock.advance(30)
    floor.call("c2", "taxes", caller=CallerId("+39055123456", ""))
    assert floor.waiting_in("taxes") == ["c2", "c1"]
    floor.restart_engine()
    assert floor.waiting_in("taxes") == ["c2", "c1"]


def test_who_calls_for_the_second_time_today_may_have_a_head_start(floor: ContactCentre) -> None:
    floor.queue("taxes", head_starts=(HeadStart(60.0, nth_call_today=2),))
    again = CallerId("+39055123456", "")
    floor.call("c1", "taxes", caller=again)
    floor.hang_up("c1")
    floor.call("c2", "taxes", caller=CallerId("+39066", ""))
    floor.clock.advance(10)
    floor.call("c3", "taxes", caller=again)
    assert floor.waiting_in("taxes") == ["c3", "c2"]


def test_nobody_is_taken_for_a_caller_of_before_because_both_withhold_their_number(floor: ContactCentre) -> None:
    floor.queue("taxes", head_starts=(HeadStart(60.0, nth_call_today=2),))
    for call in ("c1", "c2", "c3"):
        floor.call(call, "taxes", caller=CallerId("", ""))
        floor.clock.advance(1)
    assert floor.waiting_in("taxes") == ["c1", "c2", "c3"]


def test_who_has_an_open_case_may_have_a_head_start_and_keeps_it(floor: ContactCentre) -> None:
    floor.queue("taxes", head_starts=(HeadStart(60.0, open_case=True),))
    floor.open_cases = {("+39055111111", "taxes"), ("+39055222222", "hall")}
    for call, number in (("c1", ""), ("c2", "+39055222222"), ("c3", "+39055111111")):
        floor.call(call, "taxes", caller=CallerId(number, ""))
        floor.clock.advance(10)
    assert floor.waiting_in("taxes") == ["c3", "c1", "c2"], "c2's case is for another number"
    floor.open_cases.clear()
    floor.restart_engine()
    assert floor.waiting_in("taxes") == ["c3", "c1", "c2"]
    assert [event.open_case for event in floor.trail("c3") if isinstance(event, ev.CallArrived)] == [True]


def test_a_case_counts_as_it_was_when_the_call_came(floor: ContactCentre) -> None:
    floor.queue("taxes", head_starts=(HeadStart(60.0, open_case=True),))
    floor.service(dialplan("7", [Say("welcome", words({"it": "Benvenuti."}), "taxes"), Queue("taxes", "taxes")]))
    floor.call("c1", "taxes", caller=CallerId("+39066", ""))
    floor.call("c2", number="7", caller=CallerId("+39055111111", ""))
    floor.open_cases = {("+39055111111", "7")}  # opened by this call
    floor.clock.advance(3)
    assert floor.waiting_in("taxes") == ["c1", "c2"]


def test_all_conditions_of_a_head_start_must_hold(floor: ContactCentre) -> None:
    floor.queue("taxes", head_starts=(HeadStart(60.0, number="taxes", entity="comune"),))
    floor.call("c1", "taxes")
    assert floor.switchboard.floor.calls["c1"].head_start_s == 0


@pytest.mark.parametrize("rings", [True, False])
def test_a_call_is_relaxed_also_where_a_phone_rings_for_it_meanwhile(floor: ContactCentre, rings: bool) -> None:
    floor.queue("taxes", needs={"taxes": 3}, relax=(Relax(30.0, {"taxes": 1}),), ring_s=20.0)
    floor.agent("ana", skills={"taxes": 3})
    floor.clock.advance(1)
    floor.agent("bo", skills={"taxes": 1})
    if not rings:
        floor.unplug("ana")
    floor.call("c1", "taxes")
    floor.clock.advance(29)
    assert set(floor.ringing_now()) == ({"ana"} if rings else set())
    floor.clock.advance(1)
    if rings:
        floor.clock.advance(15)
    assert "bo" in floor.ringing_now()


# --- who does not answer


def let_ring(floor: ContactCentre, times: int) -> None:
    """So many rings that nobody answers, and the rest after each."""
    for _ in range(times):
        floor.clock.advance(25)


def test_who_does_not_take_three_offers_in_a_row_is_paused_for_a_while_and_everybody_sees_why(
    floor: ContactCentre,
) -> None:
    floor.agent("ana")
    floor.call("c1")
    let_ring(floor, 2)
    assert floor.ringing_now() == {"ana": "c1"}
    let_ring(floor, 1)
    ana = floor.house.agents["ana"]
    assert (ana.chosen, ana.reason) == (Chosen.PAUSED, f"3 offers in a row: {Why.NO_ANSWER}")
    assert floor.ringing_now() == {}
    floor.clock.advance(294)
    assert floor.ringing_now() == {}
    floor.clock.advance(1)
    assert floor.ringing_now() == {"ana": "c1"}


def test_an_answer_between_begins_the_count_anew(floor: ContactCentre) -> None:
    floor.queue("hall", wrap_up_s=0.0)
    floor.agent("ana")
    floor.call("c1")
    let_ring(floor, 2)
    floor.pick_up("ana")
    floor.put_down("ana")
    floor.call("c2")
    let_ring(floor, 2)
    assert floor.ringing_now() == {"ana": "c2"}


@pytest.mark.parametrize("wishes", [(Wish.PAUSE, Wish.READY), (Wish.SIGN_OUT, Wish.SIGN_IN)])
def test_who_was_away_between_begins_the_count_anew(floor: ContactCentre, wishes: tuple[Wish, Wish]) -> None:
    floor.agent("ana")
    floor.call("c1")
    let_ring(floor, 2)
    for wish in wishes:
        floor.choose("ana", wish)
    let_ring(floor, 2)
    assert floor.ringing_now() == {"ana": "c1"}


def test_who_says_that_they_are_ready_ends_the_pause(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    let_ring(floor, 3)
    floor.choose("ana", Wish.READY)
    assert floor.ringing_now() == {"ana": "c1"}
    floor.pick_up("ana")
    floor.choose("ana", Wish.PAUSE, reason="lunch")
    floor.clock.advance(3600)
    assert floor.house.agents["ana"].chosen is Chosen.PAUSED, "a pause of their own ends by nobody else"


def test_such_a_pause_ends_at_its_time_also_after_a_restart(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    let_ring(floor, 3)
    floor.restart_engine()
    floor.clock.advance(294)
    assert floor.ringing_now() == {}
    floor.clock.advance(2)
    assert floor.ringing_now() == {"ana": "c1"}


@pytest.mark.parametrize("why", [Why.NO_ANSWER, Why.REJECTED, Why.BUSY])
def test_the_pause_and_each_offer_say_what_became_of_the_ring(floor: ContactCentre, why: Why) -> None:
    floor.queue("hall", unanswered_most=2, unanswered_pause_s=60.0)
    floor.agent("ana")
    if why is Why.BUSY:
        floor.line.phones_in_use.add("phone-of-ana")
    floor.call("c1")
    for _ in range(2):
        if why is Why.REJECTED:
            floor.turn_away("ana")
        floor.clock.advance(25 if why is Why.NO_ANSWER else 5)
    assert [event.why for event in floor.trail("c1") if isinstance(event, ev.OfferEnded)] == [why, why]
    ana = floor.house.agents["ana"]
    assert (ana.chosen, ana.reason) == (Chosen.PAUSED, f"2 offers in a row: {why}")
