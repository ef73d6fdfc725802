"""Every state of an agent that is not free ends by itself, whatever is never told, and says why."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from acd.floor import TALK_LOOK_S
from acd.state import Doing
from acd.why import Why
from agents.state import Chosen, Wish
from asterisk.port import LegRinging
from centralino import events as ev
from centralino.events import ENDED_UNSEEN, Outcome
from centralino.signing import ITSELF, PAUSED_TOO_LONG
from tests.contact_centre import ContactCentre


def unheard(floor: ContactCentre, happens: Callable[[], None]) -> None:
    """It happens in the phone system, and is never told."""
    floor.held_back = True
    happens()
    floor.line.lose_what_is_untold()
    floor.held_back = False
    floor.settle()


def reserve(floor: ContactCentre) -> None:
    """c1 is offered to ana, and nothing is ever heard of her phone."""
    tell = floor.switchboard.handle
    floor.switchboard.handle = lambda event: None if isinstance(event, LegRinging) else tell(event)  # type: ignore[method-assign]
    floor.call("c1")
    floor.switchboard.handle = tell  # type: ignore[method-assign]


def ring(floor: ContactCentre) -> None:
    floor.call("c1")


def talk(floor: ContactCentre) -> None:
    floor.call("c1")
    floor.pick_up("ana")


def wrap_up(floor: ContactCentre) -> None:
    talk(floor)
    floor.put_down("ana")


def rest(floor: ContactCentre) -> None:
    floor.call("c1")
    floor.turn_away("ana")
    floor.hang_up("c1")


BEGINNINGS = {
    Doing.RESERVED: reserve,
    Doing.RINGING: ring,
    Doing.TALKING: talk,
    Doing.WRAPPING_UP: wrap_up,
    Doing.RESTING: rest,
}


@pytest.mark.parametrize("doing", [doing for doing in Doing if doing is not Doing.FREE])
@pytest.mark.parametrize("is_new_life", [False, True])
def test_every_state_that_is_not_free_ends_though_the_phone_system_tells_nothing_of_it(
    floor: ContactCentre, doing: Doing, is_new_life: bool
) -> None:
    floor.agent("ana")
    BEGINNINGS[doing](floor)
    assert floor.doing("ana") is doing
    if is_new_life:
        floor.restart_engine()
    unheard(floor, lambda: [floor.line.put_down(leg) for leg in list(floor.line.truth.legs)])  # type: ignore[func-returns-value]
    assert floor.switchboard.floor.next_deadline() is not None or floor.doing("ana") is Doing.FREE
    floor.clock.advance(TALK_LOOK_S + 60)
    if floor.house.calls:  # nobody told us either that the caller who waits is gone; that ends at the next connection
        floor.cut_line()
        floor.connect_line()
    floor.clock.advance(60)
    assert floor.doing("ana") is Doing.FREE
    assert floor.house.calls == {}
    floor.call("c2")
    assert floor.ringing_now() == {"ana": "c2"}


def test_a_phone_of_which_nothing_is_heard_is_given_up_for_the_next_with_a_reason_of_its_own(
    floor: ContactCentre,
) -> None:
    floor.agent("ana")
    floor.clock.advance(1)
    floor.agent("bo")
    reserve(floor)
    floor.clock.advance(20)
    assert floor.ringing_now() == {"bo": "c1"}
    assert [e.why for e in floor.trail("c1") if isinstance(e, ev.OfferEnded)] == [Why.NEVER_RANG]
    floor.clock.advance(20)
    assert [e.why for e in floor.trail("c1") if isinstance(e, ev.OfferEnded)] == [Why.NEVER_RANG, Why.NO_ANSWER]


def test_a_talk_whose_agents_line_is_gone_unheard_ends_at_the_next_look(floor: ContactCentre) -> None:
    floor.agent("ana")
    talk(floor)
    unheard(floor, lambda: floor.line.put_down("c1-leg1"))
    floor.clock.advance(TALK_LOOK_S - 1)
    assert floor.doing("ana") is Doing.TALKING
    floor.clock.advance(1)
    assert floor.doing("ana") is Doing.WRAPPING_UP
    assert floor.outcomes() == {"c1": Outcome.ANSWERED}
    assert [e.by for e in floor.trail("c1") if isinstance(e, ev.TalkEnded)] == ["lost"]
    assert floor.line.truth.legs == {}


def test_a_talk_whose_caller_is_gone_unheard_ends_at_the_next_look(floor: ContactCentre) -> None:
    floor.agent("ana")
    talk(floor)
    unheard(floor, lambda: floor.line.put_down("c1"))
    floor.clock.advance(TALK_LOOK_S)
    assert floor.doing("ana") is Doing.WRAPPING_UP
    assert [e.why for e in floor.trail("c1") if isinstance(e, ev.CallEnded)] == [ENDED_UNSEEN]
    assert floor.line.truth.legs == {}


@pytest.mark.parametrize("is_new_life", [False, True])
def test_a_talk_that_goes_on_is_never_cut_and_nothing_is_written_of_the_looks(
    floor: ContactCentre, is_new_life: bool
) -> None:
    floor.agent("ana")
    talk(floor)
    if is_new_life:
        floor.clock.advance(1.5 * TALK_LOOK_S)
        floor.restart_engine()
    before = len(floor.entries)
    floor.clock.advance(5.5 * TALK_LOOK_S)
    assert floor.talking_now() == {"ana": "c1"}
    assert len(floor.entries) == before
    unheard(floor, lambda: floor.line.put_down("c1-leg1"))
    floor.clock.advance(TALK_LOOK_S)
    assert floor.doing("ana") is not Doing.TALKING


def test_a_talk_of_which_only_the_floor_knows_is_over_and_said_loudly(floor: ContactCentre) -> None:
    floor.agent("ana")
    talk(floor)
    del floor.house.calls["c1"]
    floor.held_back = True  # nothing is in order until then
    floor.clock.advance(TALK_LOOK_S)
    assert floor.doing("ana") is Doing.WRAPPING_UP
    assert floor.faults.said == ["ana talked in c1, which is over"]
    floor.faults.said.clear()


def test_a_waiting_caller_who_is_gone_unheard_costs_one_answer_and_no_more(floor: ContactCentre) -> None:
    floor.queue("hall", wrap_up_s=0.0)
    floor.agent("ana")
    floor.call("c1")
    unheard(floor, lambda: floor.line.put_down("c1"))
    floor.pick_up("ana")
    assert [e.why for e in floor.trail("c1") if isinstance(e, ev.CallEnded)] == [ENDED_UNSEEN]
    assert floor.doing("ana") is Doing.FREE
    assert floor.line.truth.legs == {}


# --- pauses


def allow_pauses_of(floor: ContactCentre, longest_s: float) -> None:
    roster = replace(floor.configuration.roster, longest_pause_s=longest_s)
    floor.configuration = replace(floor.configuration, roster=roster)
    floor.switchboard.adopt(1, floor.configuration)


@pytest.mark.parametrize("is_new_life", [False, True])
def test_who_pauses_longer_than_anybody_may_is_signed_out(floor: ContactCentre, is_new_life: bool) -> None:
    allow_pauses_of(floor, 3600.0)
    floor.agent("ana")
    floor.choose("ana", Wish.PAUSE, reason="lunch")
    if is_new_life:
        floor.restart_engine()
    floor.clock.advance(3599)
    assert floor.house.agents["ana"].chosen is Chosen.PAUSED
    floor.clock.advance(1)
    ana = floor.house.agents["ana"]
    assert (ana.chosen, ana.reason) == (Chosen.SIGNED_OUT, PAUSED_TOO_LONG)
    assert [e.event.by for e in floor.entries if isinstance(e.event, ev.AgentSignedOut)] == [ITSELF]


def test_who_is_ready_in_time_or_signs_in_again_works_on(floor: ContactCentre) -> None:
    allow_pauses_of(floor, 3600.0)
    floor.agent("ana")
    floor.choose("ana", Wish.PAUSE)
    floor.clock.advance(3599)
    floor.choose("ana", Wish.READY)
    floor.clock.advance(60)
    assert floor.house.agents["ana"].chosen is Chosen.READY
    floor.choose("ana", Wish.PAUSE)
    floor.clock.advance(3600)
    floor.choose("ana", Wish.SIGN_IN)
    floor.call("c1")
    assert floor.ringing_now() == {"ana": "c1"}


def test_a_pause_after_offers_in_vain_makes_ready_also_where_pauses_have_an_end(floor: ContactCentre) -> None:
    allow_pauses_of(floor, 3600.0)
    floor.queue("hall", unanswered_most=1, unanswered_pause_s=300.0)
    floor.agent("ana")
    rest(floor)
    assert floor.house.agents["ana"].chosen is Chosen.PAUSED
    floor.clock.advance(300)
    assert floor.house.agents["ana"].chosen is Chosen.READY
