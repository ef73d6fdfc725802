"""Further sites: when they open for a queue and close again, how many of their agents they lend, and by whose hand."""

from dataclasses import replace

import pytest

from acd.agent import AgentProfile
from acd.decisions import Offer
from acd.floor import Floor
from acd.rules import Opening, QueueRules, Relax, SiteRules, WhileWaiting
from acd.sites import Held
from acd.waiting import WaitingCall
from acd.why import Why
from agents.state import Wish
from centralino import events as ev
from tests.contact_centre import ContactCentre


def second_hall(floor: ContactCentre, *, at_most: int | None = None, keep_free: int = 0, **opening: object) -> None:
    """Queue `civil`: L'Aquila from the start, Rome as `opening` says."""
    rules = SiteRules("roma", Opening(**opening), at_most, keep_free)  # type: ignore[arg-type]
    floor.queue("civil", sites=("laquila", rules))


def why_opened(floor: ContactCentre) -> list[str]:
    return [entry.event.why for entry in floor.entries if isinstance(entry.event, ev.SiteOpened)]


def test_a_further_site_is_rung_only_once_a_caller_has_waited_long(floor: ContactCentre) -> None:
    second_hall(floor, after_s=30.0)
    floor.agent("ana")
    floor.agent("rea", site="roma")
    floor.call("c1", "civil")
    floor.pick_up("ana")
    floor.call("c2", "civil")
    floor.clock.advance(29)
    assert floor.ringing_now() == {}
    floor.clock.advance(1)
    assert floor.ringing_now() == {"rea": "c2"}
    assert why_opened(floor) == [Why.CALLER_WAITED_LONG]


def test_a_further_site_opens_when_many_wait(floor: ContactCentre) -> None:
    second_hall(floor, waiting_over=2)
    floor.agent("rea", site="roma")
    floor.agent("ana")
    for call in ("c1", "c2", "c3"):
        floor.call(call, "civil")
    assert floor.ringing_now() == {"ana": "c1", "rea": "c2"}, "the one that came first of those who wait"
    assert why_opened(floor) == [Why.MANY_WAIT]


def test_a_further_site_opens_while_nobody_able_is_at_the_first(floor: ContactCentre) -> None:
    second_hall(floor, nobody_at="laquila", back_after_s=60.0)
    floor.agent("rea", site="roma")
    floor.call("c1", "civil")
    assert floor.ringing_now() == {"rea": "c1"}
    floor.hang_up("c1")
    floor.agent("ana")
    floor.clock.advance(59)
    assert floor.open_sites("civil") == ["laquila", "roma"]
    floor.clock.advance(1)
    assert floor.open_sites("civil") == ["laquila"]


def test_the_first_sites_agents_are_rung_before_those_of_an_open_further_site(floor: ContactCentre) -> None:
    second_hall(floor)
    floor.agent("rea", site="roma")
    floor.clock.advance(100)
    floor.agent("ana")
    floor.hold_site("civil", "roma", Held.OPEN)
    floor.call("c1", "civil")
    floor.call("c2", "civil")
    assert floor.ringing_now() == {"ana": "c1", "rea": "c2"}


def test_a_site_that_opens_keeps_everybodys_place(floor: ContactCentre) -> None:
    second_hall(floor, waiting_over=2)
    for call in ("c1", "c2", "c3"):
        floor.clock.advance(1)
        floor.call(call, "civil")
    floor.agent("rea", site="roma")
    assert floor.ringing_now() == {"rea": "c1"}


def test_a_site_closes_only_when_its_reason_has_been_gone_for_a_while(floor: ContactCentre) -> None:
    second_hall(floor, waiting_over=1, back_after_s=60.0)
    floor.call("c1", "civil")
    floor.call("c2", "civil")
    floor.hang_up("c1")
    floor.clock.advance(50)
    floor.call("c3", "civil")  # the reason is back
    floor.clock.advance(50)
    floor.hang_up("c3")
    floor.clock.advance(59)
    assert floor.open_sites("civil") == ["laquila", "roma"]
    floor.clock.advance(1)
    assert floor.open_sites("civil") == ["laquila"]
    assert floor.count(ev.SiteOpened) == floor.count(ev.SiteClosed) == 1, "it does not flap"


def test_a_site_closes_only_when_none_of_its_agents_has_had_a_call_of_the_queue_for_a_while(
    floor: ContactCentre,
) -> None:
    second_hall(floor, waiting_over=1, back_after_s=60.0)
    floor.agent("rea", site="roma")
    floor.call("c1", "civil")
    floor.call("c2", "civil")
    floor.pick_up("rea")
    floor.hang_up("c2")
    floor.clock.advance(1000)
    assert floor.open_sites("civil") == ["laquila", "roma"], "who closes it now opens it with the next caller"
    floor.put_down("rea")
    floor.clock.advance(30 + 59)
    assert floor.open_sites("civil") == ["laquila", "roma"], "the wrap-up counts too"
    floor.clock.advance(1)
    assert floor.open_sites("civil") == ["laquila"]
    assert floor.count(ev.SiteOpened) == floor.count(ev.SiteClosed) == 1


def test_a_site_is_needed_no_more_once_its_phone_was_rung_in_vain(floor: ContactCentre) -> None:
    second_hall(floor, waiting_over=1, back_after_s=60.0)
    floor.agent("rea", site="roma")
    floor.call("c1", "civil")
    floor.call("c2", "civil")
    floor.hang_up("c2")
    floor.unplug("rea")
    floor.clock.advance(60)
    assert floor.open_sites("civil") == ["laquila"]


def test_a_site_that_opens_for_two_queues_at_once_takes_first_who_came_first(floor: ContactCentre) -> None:
    for queue in ("civil", "traffic"):  # looked at in this order
        floor.queue(queue, sites=("laquila", SiteRules("roma", Opening(nobody_at="laquila", back_after_s=0.0))))
    floor.agent("ana")
    floor.agent("rea", site="roma")
    floor.call("c1", "traffic")
    floor.pick_up("ana")
    floor.call("c2", "traffic")
    floor.clock.advance(1)
    floor.call("c3", "civil")
    assert floor.ringing_now() == {}
    floor.choose("ana", Wish.PAUSE)
    assert floor.ringing_now() == {"rea": "c2"}
    assert why_opened(floor)[-2:] == [Why.NOBODY_AT_FIRST_SITE] * 2


def test_a_site_that_is_closed_by_hand_takes_no_talk_away(floor: ContactCentre) -> None:
    second_hall(floor, waiting_over=0)
    floor.agent("rea", site="roma")
    floor.call("c1", "civil")
    floor.pick_up("rea")
    floor.hold_site("civil", "roma", Held.CLOSED)
    assert floor.open_sites("civil") == ["laquila"]
    assert floor.talking_now() == {"rea": "c1"}


def test_an_agent_who_comes_to_a_site_that_lends_takes_the_first_in_all_lines(floor: ContactCentre) -> None:
    second_hall(floor, at_most=1)
    floor.hold_site("civil", "roma", Held.OPEN)
    floor.call("c1")
    floor.clock.advance(1)
    floor.call("c2", "civil")
    floor.agent("rea", site="roma")
    assert floor.ringing_now() == {"rea": "c1"}


def test_a_site_lends_at_most_so_many_agents(floor: ContactCentre) -> None:
    second_hall(floor, at_most=1)
    floor.hold_site("civil", "roma", Held.OPEN)
    floor.agent("rea", site="roma")
    floor.agent("remo", site="roma")
    floor.call("c1", "civil")
    floor.call("c2", "civil")
    assert floor.ringing_now() == {"rea": "c1"}
    assert floor.now("c2").why == Why.ALL_BORROWED
    floor.pick_up("rea")
    floor.put_down("rea")
    assert floor.ringing_now() == {}, "a wrap-up counts too"
    floor.clock.advance(30)
    assert floor.ringing_now() == {"remo": "c2"}, "who has been idle longer"


def test_a_site_keeps_some_of_its_free_agents_for_its_own_callers(floor: ContactCentre) -> None:
    second_hall(floor, keep_free=1)
    floor.queue("romans", sites=("roma",))
    floor.hold_site("civil", "roma", Held.OPEN)
    floor.agent("rea", site="roma")
    floor.call("c1", "civil")
    assert floor.ringing_now() == {}
    floor.clock.advance(1)
    floor.agent("remo", site="roma")
    assert floor.ringing_now() == {"rea": "c1"}
    floor.call("c2", "romans")
    assert floor.ringing_now() == {"rea": "c1", "remo": "c2"}


def test_a_site_that_is_opened_by_hand_stays_open_until_it_is_left_to_its_rule(floor: ContactCentre) -> None:
    second_hall(floor, after_s=30.0, back_after_s=60.0)
    floor.hold_site("civil", "roma", Held.OPEN)
    floor.clock.advance(10_000)
    assert floor.open_sites("civil") == ["laquila", "roma"]
    floor.hold_site("civil", "roma", Held.BY_RULE)
    floor.clock.advance(60)
    assert floor.open_sites("civil") == ["laquila"]


def test_a_site_that_is_closed_by_hand_does_not_open_by_its_rule(floor: ContactCentre) -> None:
    second_hall(floor, waiting_over=0)
    floor.agent("rea", site="roma")
    floor.hold_site("civil", "roma", Held.CLOSED)
    floor.call("c1", "civil")
    assert floor.ringing_now() == {}
    floor.hold_site("civil", "roma", Held.BY_RULE)
    assert floor.ringing_now() == {"rea": "c1"}


@pytest.mark.parametrize("held", [Held.OPEN, Held.BY_RULE])
def test_an_open_site_is_open_still_after_the_engines_restart(floor: ContactCentre, held: Held) -> None:
    second_hall(floor, waiting_over=0, back_after_s=60.0)
    floor.call("c1", "civil")
    floor.hold_site("civil", "roma", held)
    floor.restart_engine()
    assert floor.open_sites("civil") == ["laquila", "roma"]
    floor.hang_up("c1")
    floor.clock.advance(60)
    assert floor.open_sites("civil") == ["laquila", "roma"][: 2 if held is Held.OPEN else 1]


def test_who_talks_and_wraps_up_counts_as_lent_after_the_engines_restart(floor: ContactCentre) -> None:
    second_hall(floor, at_most=1)
    floor.hold_site("civil", "roma", Held.OPEN)
    floor.agent("rea", site="roma")
    floor.agent("remo", site="roma")
    floor.call("c1", "civil")
    floor.pick_up("rea")
    floor.restart_engine()
    floor.call("c2", "civil")
    assert floor.ringing_now() == {}
    floor.put_down("rea")
    floor.restart_engine()
    assert floor.ringing_now() == {}
    floor.clock.advance(30)
    assert floor.ringing_now() == {"remo": "c2"}


# --- another configuration while calls wait


def adopt(floor: ContactCentre) -> None:
    floor.switchboard.adopt(1, floor.configuration)
    floor.settle()


def test_a_reload_that_needs_less_is_felt_by_who_has_waited_long_enough(floor: ContactCentre) -> None:
    floor.queue("taxes", needs={"taxes": 3})
    floor.agent("ana", skills={"taxes": 1})
    floor.call("c1", "taxes")
    floor.clock.advance(61)
    floor.queue("taxes", needs={"taxes": 3}, relax=(Relax(60.0, {"taxes": 1}),))
    adopt(floor)
    assert floor.ringing_now() == {"ana": "c1"}


def test_a_reload_keeps_open_what_is_open_and_held(floor: ContactCentre) -> None:
    second_hall(floor, waiting_over=3)
    floor.hold_site("civil", "roma", Held.OPEN)
    second_hall(floor, waiting_over=4)
    adopt(floor)
    assert floor.open_sites("civil") == ["laquila", "roma"]


def test_a_reload_tells_nobody_twice(floor: ContactCentre) -> None:
    floor.queue("hall", while_waiting=WhileWaiting(tell_every_s=45.0))
    floor.call("c1")
    for _ in range(3):
        floor.clock.advance(1)
        adopt(floor)
    floor.clock.advance(40)
    assert floor.count(ev.CallerTold) == 1


def test_an_agent_who_talks_through_a_reload_counts_as_lent_still(floor: ContactCentre) -> None:
    second_hall(floor, at_most=1)
    floor.hold_site("civil", "roma", Held.OPEN)
    floor.agent("rea", site="roma")
    floor.agent("remo", site="roma")
    floor.call("c1", "civil")
    floor.pick_up("rea")
    adopt(floor)
    floor.call("c2", "civil")
    assert floor.ringing_now() == {}


def test_an_agent_who_moves_to_another_site_while_talking_is_counted_at_none_afterwards(floor: ContactCentre) -> None:
    second_hall(floor, at_most=1)
    floor.hold_site("civil", "roma", Held.OPEN)
    floor.agent("rea", site="roma")
    floor.call("c1", "civil")
    floor.pick_up("rea")
    floor.agents["rea"] = replace(floor.agents["rea"], site="laquila")
    adopt(floor)
    floor.put_down("rea")
    floor.clock.advance(30)
    floor.agent("remo", site="roma")
    floor.agent("rita", site="roma")
    for call in ("c2", "c3", "c4"):
        floor.call(call, "civil")
    assert set(floor.ringing_now()) == {"rea", "remo"}, "one of Rome's, and who is in L'Aquila now"


def test_who_waits_for_a_lent_agent_is_offered_when_one_who_moved_to_another_site_is_done() -> None:
    """By a reload of agents.yaml in the middle of a talk."""

    def profile(name: str, site: str) -> AgentProfile:
        return AgentProfile(name, f"phone-of-{name}", site, {}, frozenset({"it"}))

    floor = Floor({"civil": QueueRules("civil", wrap_up_s=0.0, sites=(SiteRules("roma", agents_at_most=1),))})
    floor.agent_available(profile("rea", "roma"), 0)
    [offer] = floor.enter(WaitingCall("c1", "civil", "it", 1), 1)
    assert isinstance(offer, Offer)
    floor.answered(offer.leg, 2)
    floor.agent_available(profile("rea", "laquila"), 3)
    floor.agent_available(profile("rita", "roma"), 4)
    floor.enter(WaitingCall("c2", "civil", "it", 5), 5)
    decisions = floor.talk_ended(offer.leg, 6)
    assert [decision.agent for decision in decisions if isinstance(decision, Offer)] == ["rita"]
