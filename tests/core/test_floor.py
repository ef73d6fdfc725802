"""Who is rung next: queues, skills, languages, sites, rests, wrap-ups, and the order of the line."""

import pytest

from acd.floor import REST_S
from acd.goto import HangUp, ToQueue, ToStep, ToVoicemail
from acd.rules import HeadStart, Opening, Relax, SiteRules
from acd.state import Doing
from acd.why import Why
from agents.state import Wish
from asterisk.port import CallerId, EndCause, LegAnswered, LegEnded
from centralino import events as ev
from centralino.call_states import CallState
from centralino.events import Outcome
from centralino.signing import Refused
from ivr.menu import Queue, Say
from ivr.prompts import words
from tests.contact_centre import ContactCentre, dialplan, phone_of

# --- who is rung


def test_the_longest_idle_agent_is_rung(floor: ContactCentre) -> None:
    floor.agent("bo")
    floor.clock.advance(1)
    floor.agent("ana")
    floor.call("c1")
    assert floor.ringing_now() == {"bo": "c1"}


def test_ties_are_settled_by_the_id(floor: ContactCentre) -> None:
    for name in ("cora", "ana", "bo"):
        floor.agent(name)
    floor.call("c1")
    assert floor.ringing_now() == {"ana": "c1"}


def test_an_agent_who_becomes_free_takes_the_call_that_came_first(floor: ContactCentre) -> None:
    for call in ("c2", "c1", "c3"):
        floor.call(call)
        floor.clock.advance(1)
    assert floor.waiting_in() == ["c2", "c1", "c3"]
    floor.agent("ana")
    assert floor.ringing_now() == {"ana": "c2"}


def test_calls_of_the_same_instant_stand_in_the_order_of_their_ids(floor: ContactCentre) -> None:
    floor.call("c2")
    floor.call("c1")
    floor.agent("ana")
    assert floor.ringing_now() == {"ana": "c1"}


def test_who_goes_while_free_is_not_rung_until_they_are_back(floor: ContactCentre) -> None:
    for name in ("ana", "bo"):
        floor.agent(name)
    floor.call("c1")
    floor.choose("bo", Wish.PAUSE)
    floor.call("c2")
    assert floor.ringing_now() == {"ana": "c1"}
    floor.choose("bo", Wish.READY)
    assert floor.ringing_now() == {"ana": "c1", "bo": "c2"}


def test_each_of_several_free_agents_gets_a_call_of_their_own(floor: ContactCentre) -> None:
    for name in ("ana", "bo"):
        floor.agent(name)
    for call in ("c1", "c2", "c3"):
        floor.call(call)
    assert floor.ringing_now() == {"ana": "c1", "bo": "c2"}
    assert floor.now("c3").why == Why.ALL_BUSY


@pytest.mark.parametrize(("level", "is_rung"), [(2, False), (3, True), (5, True)])
def test_the_agents_level_must_be_what_the_queue_needs(floor: ContactCentre, level: int, is_rung: bool) -> None:
    floor.queue("taxes", needs={"taxes": 3})
    floor.agent("ana", skills={"taxes": level, "other": 5})
    floor.call("c1", "taxes")
    assert bool(floor.ringing_now()) is is_rung
    assert floor.now("c1").why == (Why.LONGEST_IDLE if is_rung else Why.NOBODY_ABLE)


def test_all_skills_that_a_queue_needs_are_needed(floor: ContactCentre) -> None:
    floor.queue("taxes", needs={"taxes": 1, "roma": 1})
    floor.agent("ana", skills={"taxes": 5})
    floor.agent("bo", skills={"taxes": 1, "roma": 1})
    floor.call("c1", "taxes")
    assert floor.ringing_now() == {"bo": "c1"}


def test_who_speaks_the_callers_language_is_rung_although_another_waited_longer(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.clock.advance(10)
    floor.agent("bo", languages=("it", "en"))
    floor.call_in("en", "c1")
    assert floor.ringing_now() == {"bo": "c1"}


def test_a_caller_waits_for_the_one_who_speaks_their_language_while_that_one_is_here(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.agent("bo", languages=("en",))
    floor.call_in("en", "c1")
    floor.pick_up("bo")
    floor.call_in("en", "c2")
    assert floor.ringing_now() == {}
    assert floor.now("c2").why == Why.ALL_BUSY


def test_anybody_is_rung_where_nobody_here_speaks_the_language(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call_in("ar", "c1")
    assert floor.ringing_now() == {"ana": "c1"}


def test_the_language_is_relaxed_as_soon_as_the_last_who_speaks_it_leaves(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.agent("bo", languages=("en",))
    floor.call_in("en", "c1")
    floor.pick_up("bo")
    floor.call_in("en", "c2")
    floor.choose("bo", Wish.PAUSE)
    assert floor.ringing_now() == {"ana": "c2"}


def test_only_the_queues_sites_are_rung(floor: ContactCentre) -> None:
    floor.queue("roma", sites=("roma",))
    floor.agent("ana", site="laquila")
    floor.call("c1", "roma")
    assert floor.now("c1").why == Why.NOBODY_ABLE
    floor.agent("bo", site="roma")
    assert floor.ringing_now() == {"bo": "c1"}


def test_two_queues_with_one_agent_are_served_by_first_entry(floor: ContactCentre) -> None:
    floor.queue("taxes")
    floor.call("c1", "taxes")
    floor.clock.advance(1)
    floor.call("c2", "hall")
    floor.clock.advance(1)
    floor.call("c3", "taxes")
    floor.agent("ana")
    answered: list[str] = []
    for _ in range(3):
        answered += floor.ringing_now().values()
        floor.pick_up("ana")
        floor.put_down("ana")
        floor.clock.advance(30)
    assert answered == ["c1", "c2", "c3"]


def test_a_call_that_the_agent_may_not_take_yet_keeps_them_from_no_other(floor: ContactCentre) -> None:
    floor.queue("civil", needs={"civil": 3}, relax=(Relax(30.0, {}),), head_starts=(HeadStart(600.0, number="civil"),))
    floor.queue("taxes", wrap_up_s=0.0)
    floor.agent("ana")
    floor.call("urgent", "civil")
    floor.clock.advance(1)
    floor.call("c1", "taxes")
    assert floor.ringing_now() == {"ana": "c1"}
    floor.pick_up("ana")
    floor.call("c2", "taxes")
    floor.put_down("ana")
    assert floor.ringing_now() == {"ana": "c2"}
    floor.pick_up("ana")
    floor.call("c3", "taxes")
    floor.clock.advance(30)
    floor.put_down("ana")
    assert floor.ringing_now() == {"ana": "urgent"}, "since a while she may take it, and it goes before c3"


def test_a_call_that_goes_to_the_head_of_one_queue_stops_neither_queue(floor: ContactCentre) -> None:
    floor.queue("taxes", wrap_up_s=0.0, head_starts=(HeadStart(600.0, nth_call_today=2),))
    floor.queue("hall", wrap_up_s=0.0)
    again = CallerId("+39055123456", "")
    floor.call("c0", "hall", caller=again)
    floor.hang_up("c0")
    for call, queue, caller in (("c1", "taxes", None), ("c2", "hall", None), ("urgent", "taxes", again)):
        floor.call(call, queue, caller=caller or CallerId("", ""))
        floor.clock.advance(1)
    floor.agent("ana")
    answered: list[str] = []
    for _ in range(3):
        answered += floor.ringing_now().values()
        floor.pick_up("ana")
        floor.put_down("ana")
    assert answered == ["urgent", "c1", "c2"]


def test_the_reason_for_waiting_is_named_and_changes_with_the_house(floor: ContactCentre) -> None:
    floor.queue("taxes", needs={"taxes": 1})
    floor.call("c1", "taxes")
    assert floor.now("c1").why == Why.NOBODY_SIGNED_IN
    floor.agent("ana")
    assert floor.now("c1").why == Why.NOBODY_ABLE
    floor.call("c2", "hall")
    floor.agent("bo", skills={"taxes": 1})
    floor.call("c3", "taxes")
    assert floor.now("c3").why == Why.ALL_BUSY


def test_a_reason_is_written_once_and_not_at_each_look(floor: ContactCentre) -> None:
    floor.call("c1")
    floor.clock.advance(600)
    assert floor.count(ev.CallWaits, "c1") == 1


# --- rings in vain


def test_an_unanswered_call_rings_the_next_agent_after_the_ring_timeout(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.clock.advance(1)
    floor.agent("bo")
    floor.call("c1")
    assert floor.ringing_now() == {"ana": "c1"}
    floor.clock.advance(20)
    assert floor.ringing_now() == {"bo": "c1"}


def test_the_phone_rings_until_the_timeout_and_not_less(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.clock.advance(19.9)
    assert floor.ringing_now() == {"ana": "c1"}
    assert floor.doing("ana") is Doing.RINGING


def test_who_did_not_answer_rests_for_five_seconds(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.clock.advance(1)
    floor.agent("bo")
    floor.call("c1")
    floor.clock.advance(20)
    floor.call("c2")
    assert floor.doing("ana") is Doing.RESTING
    assert floor.ringing_now() == {"bo": "c1"}
    floor.clock.advance(4.9)
    assert floor.ringing_now() == {"bo": "c1"}
    floor.clock.advance(0.1)
    assert floor.ringing_now() == {"bo": "c1", "ana": "c2"}


def test_a_lone_agent_is_rung_again_after_the_rest(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.clock.advance(20)
    assert floor.ringing_now() == {}
    floor.clock.advance(REST_S)
    assert floor.ringing_now() == {"ana": "c1"}
    assert list(floor.now("c1").rings) == ["c1-leg2"]


def test_who_did_not_answer_goes_to_the_end_of_the_idle(floor: ContactCentre) -> None:
    for name in ("ana", "bo"):
        floor.agent(name)
        floor.clock.advance(10)
    floor.call("c1")
    floor.turn_away("ana")
    floor.hang_up("c1")
    floor.clock.advance(60)
    floor.call("c2")
    assert floor.ringing_now() == {"bo": "c2"}


@pytest.mark.parametrize("why", [Why.REJECTED, Why.UNREACHABLE, Why.BUSY])
def test_a_ring_that_comes_to_nothing_goes_to_the_next_agent_at_once(floor: ContactCentre, why: Why) -> None:
    for name in ("ana", "bo"):
        floor.agent(name)
    if why is Why.UNREACHABLE:
        floor.line.truth.within_reach.discard("phone-of-ana")  # nobody has noticed yet
    if why is Why.BUSY:
        floor.line.phones_in_use.add("phone-of-ana")
    floor.call("c1")
    if why is Why.REJECTED:
        floor.turn_away("ana")
    assert floor.ringing_now() == {"bo": "c1"}
    assert [event.why for event in floor.trail("c1") if isinstance(event, ev.OfferEnded)] == [why]


def test_a_call_keeps_its_place_while_phones_ring_for_it_in_vain(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.clock.advance(1)
    floor.call("c2")
    floor.turn_away("ana")
    assert floor.waiting_in() == ["c1", "c2"]
    floor.clock.advance(REST_S)
    assert floor.ringing_now() == {"ana": "c1"}


# --- the caller gives up


def test_a_caller_who_gives_up_stops_the_phone_at_once(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.hang_up("c1")
    assert floor.ringing_now() == {}
    assert floor.doing("ana") is Doing.FREE
    assert floor.outcomes() == {"c1": Outcome.ABANDONED}


def test_a_caller_who_gives_up_costs_the_agent_nothing_of_their_idle_time(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.clock.advance(10)
    floor.agent("bo")
    floor.call("c1")
    floor.clock.advance(5)
    floor.hang_up("c1")
    floor.call("c2")
    assert floor.ringing_now() == {"ana": "c2"}


def test_when_a_caller_gives_up_the_agent_is_rung_for_the_next(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.call("c2")
    floor.hang_up("c1")
    assert floor.ringing_now() == {"ana": "c2"}
    assert floor.waiting_in() == ["c2"]


def test_a_caller_who_gives_up_in_the_middle_of_the_line_leaves_the_order_of_the_others(floor: ContactCentre) -> None:
    for call in ("c1", "c2", "c3"):
        floor.call(call)
    floor.hang_up("c2")
    assert floor.waiting_in() == ["c1", "c3"]
    assert floor.switchboard.floor.position("c3") == 2


# --- late, twice, at once


def test_a_late_answer_is_released_and_never_joined(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.held_back = True
    floor.clock.advance(19.9)
    floor.pick_up("ana")
    floor.clock.advance(0.2)  # the ring is over before the answer is heard of
    floor.held_back = False
    floor.settle()
    assert floor.talking_now() == {}
    assert floor.count(ev.TalkStarted) == 0
    assert floor.now("c1").state is CallState.QUEUED
    assert floor.line.leg_at("phone-of-ana") is None


def test_an_answer_after_the_caller_left_is_released(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.held_back = True
    floor.hang_up("c1")
    floor.pick_up("ana")
    floor.held_back = False
    floor.settle()
    assert floor.line.truth.legs == {}
    assert floor.doing("ana") is Doing.FREE
    assert floor.outcomes() == {"c1": Outcome.ABANDONED}


def test_an_answer_on_a_leg_that_is_not_ours_is_released(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.line.ring("c0-leg1", "phone-of-ana", "c0", CallerId("", ""), 60)
    floor.pick_up("ana")
    assert floor.line.truth.legs == {}


def test_events_that_are_told_twice_do_nothing_twice(floor: ContactCentre) -> None:
    floor.times_told = 2
    floor.agent("ana")
    floor.agent("bo")
    floor.call("c1")
    floor.turn_away("ana")
    floor.pick_up("bo")
    assert floor.talking_now() == {"bo": "c1"}
    floor.put_down("bo")
    floor.clock.advance(30)
    once = (ev.CallArrived, ev.OfferEnded, ev.TalkStarted, ev.TalkEnded, ev.CallEnded, ev.WrapUpStarted, ev.WrapUpEnded)
    assert {kind: floor.count(kind) for kind in once} == dict.fromkeys(once, 1)
    assert floor.house.totals["hall"].answered == 1


def test_an_answer_that_is_told_again_after_the_talk_is_ignored(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    answered = floor.now("c1").leg
    floor.pick_up("ana")
    floor.put_down("ana")
    before = len(floor.entries)
    floor.tell(LegAnswered(answered))
    floor.tell(LegEnded(answered, EndCause.HUNG_UP))
    assert len(floor.entries) == before


# --- several things at one instant


def test_a_call_whose_ring_ends_as_an_agent_becomes_free_goes_before_later_ones(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.clock.advance(5)
    floor.agent("bo")
    floor.call("c2")
    floor.clock.advance(15)  # ana did not answer, and rests for 5 s
    floor.hang_up("c1")
    floor.call("c3")
    floor.clock.advance(REST_S)
    assert floor.ringing_now() == {"ana": "c2"}


def test_calls_that_may_go_to_others_from_one_instant_on_go_in_their_order(floor: ContactCentre) -> None:
    floor.queue("civil", needs={"x": 1}, relax=(Relax(30.0, {}),))
    starts = (HeadStart(60.0, number="taxes"),)
    floor.queue("taxes", needs={"x": 1}, relax=(Relax(10.0, {}),), head_starts=starts)
    floor.agent("ana")
    floor.call("c1", "civil")
    floor.clock.advance(20)
    floor.call("c2", "taxes")
    floor.clock.advance(10)
    assert floor.ringing_now() == {"ana": "c2"}
    assert floor.now("c1").why == Why.ALL_BUSY


def test_where_the_only_one_who_speaks_a_language_leaves_while_rung_the_first_in_line_goes_first(
    floor: ContactCentre,
) -> None:
    floor.queue("taxes", head_starts=(HeadStart(60.0, number="taxes"),))
    floor.agent("cora", languages=("it",))
    floor.agent("dino", languages=("en",))
    floor.call("c1", "hall")
    floor.clock.advance(1)
    floor.call("c2", "taxes")
    assert floor.ringing_now() == {"cora": "c1"}
    floor.call("c3", "hall")
    floor.choose("cora", Wish.PAUSE)
    assert floor.ringing_now() == {"dino": "c2"}
    assert [floor.now(call).why for call in ("c1", "c3")] == [Why.ALL_BUSY, Why.ALL_BUSY]
    assert [type(event) for event in floor.trail("c1")][-2:] == [ev.OfferEnded, ev.CallWaits]


def test_an_agent_who_comes_takes_the_first_call_also_where_their_site_lends_only_some(floor: ContactCentre) -> None:
    floor.queue("civil", sites=(SiteRules("roma", agents_at_most=1),))
    floor.call("c1", "hall")
    floor.clock.advance(1)
    floor.call("c2", "civil")
    floor.agent("ana", site="roma")
    assert floor.ringing_now() == {"ana": "c1"}


def test_a_site_that_closes_as_the_line_is_back_lets_no_call_go_before_earlier_ones(floor: ContactCentre) -> None:
    floor.queue("civil", sites=("laquila", SiteRules("roma", Opening(waiting_over=1, back_after_s=10.0))))
    floor.call("c1", "hall")
    for call in ("c2", "c3"):
        floor.clock.advance(1)
        floor.call(call, "civil")
    floor.hang_up("c3")
    floor.cut_line()
    floor.agent("ana")
    floor.clock.advance(20)
    assert floor.open_sites("civil") == ["laquila", "roma"]
    floor.connect_line()
    assert floor.open_sites("civil") == ["laquila"]
    assert floor.ringing_now() == {"ana": "c1"}


# --- wrap-up


def test_wrap_up_keeps_calls_away_until_its_time_is_over(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.pick_up("ana")
    floor.hang_up("c1")
    floor.call("c2")
    assert floor.doing("ana") is Doing.WRAPPING_UP
    floor.clock.advance(29.9)
    assert floor.ringing_now() == {}
    floor.clock.advance(0.1)
    assert floor.ringing_now() == {"ana": "c2"}


def test_ready_ends_the_wrap_up(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.pick_up("ana")
    floor.put_down("ana")
    floor.call("c2")
    floor.choose("ana", Wish.READY)
    assert floor.ringing_now() == {"ana": "c2"}
    floor.clock.advance(10)
    floor.pick_up("ana")
    floor.clock.advance(60)  # the old wrap-up's deadline passes and means nothing
    assert floor.talking_now() == {"ana": "c2"}


def test_the_end_of_an_earlier_wrap_up_does_not_end_the_next_one(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.pick_up("ana")
    floor.put_down("ana")
    floor.choose("ana", Wish.READY)
    floor.clock.advance(10)
    floor.call("c2")
    floor.pick_up("ana")
    floor.put_down("ana")
    floor.clock.advance(29)
    assert floor.doing("ana") is Doing.WRAPPING_UP
    floor.clock.advance(1)
    assert floor.doing("ana") is Doing.FREE


def test_each_agents_wrap_up_ends_at_its_own_time_and_keeps_the_calls_of_all_queues_away(floor: ContactCentre) -> None:
    floor.queue("taxes", wrap_up_s=0.0)
    for nth, name in enumerate(("ana", "bo", "cora")):
        floor.agent(name)
        floor.call(f"c{nth}")
    for name in ("ana", "bo", "cora"):
        floor.pick_up(name)
    for nth in range(3):
        floor.call(f"next{nth}", "taxes")
    for name in ("ana", "bo", "cora"):
        floor.put_down(name)
        floor.clock.advance(5)
    rung: list[tuple[float, str]] = []
    began_s = floor.clock.now_s() - 15
    for _ in range(60):
        floor.clock.advance(1)
        news = floor.ringing_now().keys() - {agent for _, agent in rung}
        rung += [(floor.clock.now_s() - began_s, agent) for agent in sorted(news)]
    assert rung == [(30, "ana"), (35, "bo"), (40, "cora")]


def test_without_a_wrap_up_the_next_call_rings_at_once_on_the_phone_that_was_freed(floor: ContactCentre) -> None:
    floor.queue("hall", wrap_up_s=0.0)
    floor.agent("ana")
    floor.call("c1")
    floor.call("c2")
    floor.pick_up("ana")
    floor.hang_up("c1")
    assert floor.ringing_now() == {"ana": "c2"}
    assert floor.count(ev.OfferEnded) == 0


def test_the_wrap_up_is_that_of_the_queue_whose_call_was_answered(floor: ContactCentre) -> None:
    floor.queue("taxes", wrap_up_s=60.0)
    floor.agent("ana")
    floor.call("c1", "taxes")
    floor.pick_up("ana")
    floor.put_down("ana")
    floor.clock.advance(59)
    assert floor.doing("ana") is Doing.WRAPPING_UP
    floor.clock.advance(1)
    assert floor.doing("ana") is Doing.FREE


def wrapping_up(floor: ContactCentre, **rules: object) -> None:
    """ana has talked with c1; c2 waits for her."""
    floor.queue("hall", **rules)
    floor.agent("ana")
    floor.call("c1")
    floor.pick_up("ana")
    floor.put_down("ana")
    floor.call("c2")


def test_who_needs_longer_after_a_talk_takes_longer(floor: ContactCentre) -> None:
    wrapping_up(floor, wrap_up_s=30.0)
    floor.clock.advance(20)
    floor.extend_wrap_up("ana", 60)
    floor.clock.advance(69.9)
    assert floor.ringing_now() == {}
    floor.clock.advance(0.1)
    assert floor.ringing_now() == {"ana": "c2"}
    assert floor.count(ev.WrapUpEnded) == 1


def test_a_wrap_up_lasts_at_most_as_long_as_the_queue_allows(floor: ContactCentre) -> None:
    wrapping_up(floor, wrap_up_s=30.0, longest_wrap_up_s=80.0)
    floor.clock.advance(10)
    floor.extend_wrap_up("ana", 60)
    before = len(floor.entries)
    with pytest.raises(Refused, match=f"ana cannot take longer: {Why.WRAP_UP_AT_LONGEST}"):
        floor.extend_wrap_up("ana", 60)
    assert len(floor.entries) == before
    floor.clock.advance(69.9)
    assert floor.doing("ana") is Doing.WRAPPING_UP
    floor.clock.advance(0.1)
    assert floor.ringing_now() == {"ana": "c2"}


def test_ready_ends_a_wrap_up_that_was_extended(floor: ContactCentre) -> None:
    wrapping_up(floor)
    floor.extend_wrap_up("ana", 60)
    floor.choose("ana", Wish.READY)
    assert floor.ringing_now() == {"ana": "c2"}


def test_only_a_wrap_up_can_be_extended(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.pick_up("ana")
    with pytest.raises(Refused, match=f"ana cannot take longer: {Why.NO_WRAP_UP}"):
        floor.extend_wrap_up("ana", 60)
    with pytest.raises(Refused, match="there is no agent `nobody`"):
        floor.extend_wrap_up("nobody", 60)


def test_a_wrap_up_whose_queue_is_no_more_cannot_be_extended(floor: ContactCentre) -> None:
    floor.queue("taxes")
    floor.agent("ana")
    floor.call("c1", "taxes")
    floor.pick_up("ana")
    floor.put_down("ana")
    del floor.queues["taxes"]
    floor.switchboard.dispatcher.adopt_rules(dict(floor.queues))
    with pytest.raises(Refused):
        floor.extend_wrap_up("ana", 60)
    floor.clock.advance(30)
    assert floor.doing("ana") is Doing.FREE


# --- what agents choose meanwhile


def test_a_pause_while_talking_counts_after_the_talk(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.pick_up("ana")
    floor.choose("ana", Wish.PAUSE, reason="lunch")
    assert floor.talking_now() == {"ana": "c1"}
    floor.put_down("ana")
    floor.call("c2")
    floor.clock.advance(60)
    assert floor.ringing_now() == {}
    assert floor.doing("ana") is Doing.FREE
    floor.choose("ana", Wish.READY)
    assert floor.ringing_now() == {"ana": "c2"}


def test_signing_out_while_ringing_rings_the_next_agent(floor: ContactCentre) -> None:
    for name in ("ana", "bo"):
        floor.agent(name)
    floor.call("c1")
    floor.choose("ana", Wish.SIGN_OUT)
    assert floor.ringing_now() == {"bo": "c1"}
    assert floor.doing("ana") is Doing.FREE


def test_signing_out_while_talking_lets_the_talk_go_on(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.pick_up("ana")
    floor.choose("ana", Wish.SIGN_OUT)
    assert floor.talking_now() == {"ana": "c1"}
    floor.hang_up("c1")
    floor.clock.advance(60)
    assert floor.outcomes() == {"c1": Outcome.ANSWERED}
    assert floor.line.truth.legs == {}


def test_a_pause_starts_the_idle_time_anew(floor: ContactCentre) -> None:
    for name in ("ana", "bo"):
        floor.agent(name)
        floor.clock.advance(1)
    floor.choose("ana", Wish.PAUSE)
    floor.choose("ana", Wish.READY)
    floor.call("c1")
    assert floor.ringing_now() == {"bo": "c1"}


def test_a_phone_out_of_reach_is_not_rung_and_rings_again_once_it_is_back(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.unplug("ana")
    floor.call("c1")
    assert floor.ringing_now() == {}
    floor.plug_in("ana")
    assert floor.ringing_now() == {"ana": "c1"}


def test_a_phone_that_goes_out_of_reach_while_it_rings_hands_the_call_to_the_next(floor: ContactCentre) -> None:
    for name in ("ana", "bo"):
        floor.agent(name)
    floor.call("c1")
    floor.unplug("ana")
    assert floor.ringing_now() == {"bo": "c1"}
    assert [event.why for event in floor.trail("c1") if isinstance(event, ev.OfferEnded)] == [Why.UNREACHABLE]


def test_a_refused_wish_changes_nothing(floor: ContactCentre) -> None:
    floor.agent("ana")
    before = len(floor.entries)
    for wish in (Wish.SIGN_IN, Wish.READY):
        with pytest.raises(Refused):
            floor.choose("ana", wish)
    with pytest.raises(Refused, match="no agent `nobody`"):
        floor.choose("nobody", Wish.SIGN_IN)
    assert len(floor.entries) == before
    assert floor.doing("ana") is Doing.FREE


def test_two_agents_cannot_sign_in_at_one_phone(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.agent("bo")
    floor.choose("bo", Wish.SIGN_OUT)
    with pytest.raises(Refused, match="ana is signed in there"):
        floor.choose("bo", Wish.SIGN_IN, phone="phone-of-ana")
    floor.choose("ana", Wish.SIGN_OUT)
    floor.choose("bo", Wish.SIGN_IN, phone="phone-of-ana")
    floor.call("c1")
    assert floor.line.leg_at("phone-of-ana") is not None


# --- queues that are full, and waits that are over


def test_a_full_queue_sends_the_next_caller_on(floor: ContactCentre) -> None:
    floor.queue("hall", full_waiting=2, full_then=ToVoicemail("hall"))
    for call in ("c1", "c2", "c3"):
        floor.call(call)
    assert floor.waiting_in() == ["c1", "c2"]
    assert floor.now("c3").state is CallState.VOICEMAIL
    floor.hang_up("c1")
    floor.call("c4")
    assert floor.waiting_in() == ["c2", "c4"]


def test_calls_for_which_a_phone_rings_count_as_waiting(floor: ContactCentre) -> None:
    floor.queue("hall", full_waiting=1, full_then=HangUp())
    floor.agent("ana")
    floor.call("c1")
    floor.call("c2")
    assert floor.now("c2").why == Why.QUEUE_FULL
    floor.pick_up("ana")
    floor.call("c3")
    assert floor.waiting_in() == ["c3"]


def test_a_full_queue_may_lead_to_another_full_one(floor: ContactCentre) -> None:
    floor.queue("taxes", full_waiting=1, full_then=ToQueue("hall"))
    floor.queue("hall", full_waiting=1, full_then=ToVoicemail("hall"))
    floor.call("c1", "taxes")
    floor.call("c2", "hall")
    floor.call("c3", "taxes")
    assert floor.now("c3").state is CallState.VOICEMAIL
    assert [e.queue for e in floor.trail("c3") if isinstance(e, ev.QueueEntered)] == ["taxes", "hall"]


@pytest.mark.parametrize("by", ["queue", "step"])
def test_full_queues_that_lead_to_each_other_let_the_caller_wait_where_the_ring_closes(
    floor: ContactCentre, by: str
) -> None:
    # The settings check refuses such a ring; the engine must not break on one all the same.
    floor.queue("taxes", full_waiting=1, full_then=ToQueue("hall"))
    floor.queue("hall", full_waiting=1, full_then=ToQueue("taxes") if by == "queue" else ToStep("straight"))
    floor.call("c1", "taxes")
    floor.call("c2", "hall")
    floor.call("c3", "taxes")
    assert floor.now("c3").state is CallState.QUEUED
    assert floor.waiting_in("taxes") == ["c1", "c3"]
    assert floor.hears("c3") == "music"


def test_the_longest_wait_ends_in_the_voicemail(floor: ContactCentre) -> None:
    floor.queue("hall", longest_wait_s=900.0, longest_wait_then=ToVoicemail("hall"))
    floor.call("c1")
    floor.clock.advance(899)
    assert floor.now("c1").state is CallState.QUEUED
    floor.clock.advance(1)
    assert floor.now("c1").state is CallState.VOICEMAIL
    assert floor.waiting_in() == []


def test_the_longest_wait_does_not_end_while_a_phone_rings_for_the_call(floor: ContactCentre) -> None:
    floor.queue("hall", longest_wait_s=60.0, longest_wait_then=ToVoicemail("hall"))
    floor.call("c1")
    floor.clock.advance(50)
    floor.agent("ana")
    floor.clock.advance(15)
    assert floor.ringing_now() == {"ana": "c1"}
    floor.pick_up("ana")
    assert floor.talking_now() == {"ana": "c1"}


def test_the_longest_wait_ends_as_soon_as_the_phone_rang_in_vain(floor: ContactCentre) -> None:
    floor.queue("hall", longest_wait_s=60.0, longest_wait_then=ToVoicemail("hall"))
    floor.call("c1")
    floor.clock.advance(50)
    floor.agent("ana")
    floor.agent("bo")
    floor.clock.advance(20)
    assert floor.now("c1").state is CallState.VOICEMAIL
    assert floor.ringing_now() == {}


def test_the_wait_counts_from_the_first_entry_when_a_call_is_sent_on(floor: ContactCentre) -> None:
    floor.queue("taxes", longest_wait_s=60.0, longest_wait_then=ToQueue("hall"))
    floor.queue("hall", longest_wait_s=90.0, longest_wait_then=HangUp())
    floor.call("c1", "taxes")
    floor.clock.advance(30)
    floor.call("c2", "hall")
    floor.clock.advance(30)
    assert floor.waiting_in("hall") == ["c1", "c2"]
    floor.clock.advance(30)
    assert floor.waiting_in("hall") == ["c2"]


@pytest.mark.parametrize("by", ["queue", "step"])
def test_longest_waits_that_lead_to_each_other_do_not_spin(floor: ContactCentre, by: str) -> None:
    floor.queue("taxes", longest_wait_s=60.0, longest_wait_then=ToQueue("hall"))
    floor.queue("hall", longest_wait_s=60.0, longest_wait_then=ToQueue("taxes"))
    if by == "step":
        floor.queue("taxes", longest_wait_s=60.0, longest_wait_then=ToStep("straight"))
    floor.call("c1", "taxes")
    floor.clock.advance(600)
    assert floor.now("c1").state is CallState.QUEUED
    assert floor.count(ev.QueueEntered, "c1") < 40
    floor.agent("ana")
    assert floor.ringing_now() == {"ana": "c1"}


def test_a_queue_may_send_a_caller_back_into_the_menu(floor: ContactCentre) -> None:
    floor.queue("hall", longest_wait_s=60.0, longest_wait_then=ToStep("sorry"))
    floor.service(
        dialplan("1", [Queue("wait", "hall"), Say("sorry", words({"it": "Ci dispiace."}), "bye"), Queue("bye", "hall")])
    )
    floor.call("c1", number="1")
    floor.clock.advance(60)
    assert floor.hears("c1") == "Ci dispiace."


def test_a_phone_with_a_talk_on_it_is_nobody_elses_though_its_agent_signed_out(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.agent("bo")
    floor.call("c1")
    floor.pick_up("ana")
    floor.choose("ana", Wish.SIGN_OUT)
    floor.choose("bo", Wish.SIGN_OUT)
    with pytest.raises(Refused, match="still has a call on it"):
        floor.choose("bo", Wish.SIGN_IN, phone=phone_of("ana"))
    floor.put_down("ana")
    floor.choose("bo", Wish.SIGN_IN, phone=phone_of("ana"))
    assert floor.house.agents["bo"].phone == phone_of("ana")


def test_an_agent_who_left_the_roster_does_not_keep_the_phone(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.agent("bo")
    floor.choose("bo", Wish.SIGN_OUT)
    del floor.agents["ana"]
    floor.restart_engine()
    floor.choose("bo", Wish.SIGN_IN, phone=phone_of("ana"))
    assert floor.house.agents["bo"].phone == phone_of("ana")


def test_a_phone_that_left_the_roster_is_offered_nothing(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.kill_engine()
    del floor.phones[phone_of("ana")]
    floor.start_engine()
    floor.call("c1")
    assert floor.ringing_now() == {}
