"""How long somebody is expected to wait: the formula, what it is fed with, how near it comes in a simulated month."""

from dataclasses import replace

import pytest

from acd.expected import Pace, Sums, expected_wait_s, pace
from acd.rules import WhileWaiting
from acd.telling import FIRST_TOLD_S
from bench.waits import CASES, measure
from centralino import events as ev
from tests.contact_centre import ContactCentre


def expected(floor: ContactCentre) -> float | None:
    """What who enters now is expected to wait."""
    return floor.switchboard.floor.expected_wait_s("hall", "it", floor.clock.now_s())


def told(floor: ContactCentre, call: str) -> float:
    """The middle of what a caller hears."""
    floor.clock.advance(FIRST_TOLD_S)
    [heard] = [event for event in floor.trail(call) if isinstance(event, ev.CallerTold)]
    return (heard.from_s + heard.to_s) / 2


def handle(floor: ContactCentre, calls: int, talk_s: float) -> None:
    """Let so many calls of `hall` be handled, one after the other."""
    for nth in range(calls):
        floor.call(f"before{nth}")
        (agent,) = floor.ringing_now()
        floor.pick_up(agent)
        floor.clock.advance(talk_s)
        floor.put_down(agent)


def wait(floor: ContactCentre, call: str, queue: str) -> None:
    floor.call(call, queue)
    floor.clock.advance(1)


# --- the formula


def test_each_who_is_ahead_leaves_when_an_agent_is_done_or_by_giving_up() -> None:
    assert expected_wait_s(0, 5, Pace(100.0, None)) == 20
    assert expected_wait_s(2, 5, Pace(100.0, None)) == 60
    assert expected_wait_s(2, 5, Pace(100.0, 60.0)) == pytest.approx(20 + 1 / (1 / 20 + 1 / 60) + 1 / (1 / 20 + 2 / 60))


@pytest.mark.parametrize("patience_s", [None, 60.0])
def test_half_a_call_ahead_counts_half(patience_s: float | None) -> None:
    one, both = (expected_wait_s(ahead, 5, Pace(100.0, patience_s)) for ahead in (1, 2))
    assert expected_wait_s(1.5, 5, Pace(100.0, patience_s)) == pytest.approx((one + both) / 2)


def test_what_other_queues_did_counts_as_far_as_their_agents_are_shared() -> None:
    ours, theirs = Sums(10, 1000.0, 600.0, 4), Sums(20, 4000.0, 0.0, 0)
    assert pace([ours]) == Pace(100.0, 150.0)
    assert pace([ours, theirs * 0.5]) == Pace(150.0, 150.0)
    assert pace([replace(ours, abandoned=0)]) == Pace(100.0, None)


def test_nobody_can_tell_before_some_calls_were_handled() -> None:
    assert pace([Sums(4, 400.0)]) is None
    assert pace([Sums(4, 400.0), Sums(4, 400.0) * 0.25]) == Pace(100.0, None)
    assert pace([]) is None


# --- on the floor


@pytest.fixture
def two_queues(floor: ContactCentre) -> ContactCentre:
    """All of `hall` and `taxes` is for ana; bo takes calls of `hall` only. Both talk; a call has taken 100 s."""
    tells = WhileWaiting(tell_every_s=3600.0, tells_wait=True)
    floor.queue("hall", wrap_up_s=0.0, while_waiting=tells)
    floor.queue("taxes", needs={"taxes": 1}, wrap_up_s=0.0, while_waiting=tells)
    floor.agent("ana", skills={"taxes": 1})
    floor.agent("bo")
    handle(floor, 12, 100.0)
    for agent in ("ana", "bo"):
        floor.call(f"with {agent}")
    for agent in floor.ringing_now():
        floor.pick_up(agent)
    return floor


def test_calls_of_other_queues_are_ahead_where_the_same_agents_take_them(two_queues: ContactCentre) -> None:
    wait(two_queues, "t1", "taxes")
    wait(two_queues, "t2", "taxes")
    wait(two_queues, "h1", "hall")
    assert told(two_queues, "t2") == pytest.approx(200), "two calls, one agent"
    assert told(two_queues, "h1") == pytest.approx(150), "three calls, two agents"


def test_calls_ahead_count_in_part_where_only_some_of_their_agents_are_ours(two_queues: ContactCentre) -> None:
    wait(two_queues, "h1", "hall")
    wait(two_queues, "h2", "hall")
    wait(two_queues, "t1", "taxes")
    assert told(two_queues, "t1") == pytest.approx(200), "bo takes one of two, ana the other"
    assert told(two_queues, "h1") == pytest.approx(50), "who comes later is not ahead"


def test_a_call_for_which_a_phone_rings_is_ahead_of_nobody(two_queues: ContactCentre) -> None:
    wait(two_queues, "h1", "hall")
    assert expected(two_queues) == pytest.approx(100)
    two_queues.clock.advance(99)
    two_queues.put_down("bo")
    assert two_queues.ringing_now() == {"bo": "h1"}
    assert expected(two_queues) == pytest.approx(50, rel=0.01)


# --- in simulated days


def test_what_callers_of_055055_are_told_is_near_what_they_wait_and_nearer_than_app_queue_is() -> None:
    """The whole month, and callers who are answered, stand in the bench."""
    entering, told = measure(replace(CASES[0], days=14), 1, patient=True)
    assert entering.calls > 500
    assert told.calls > 100
    for row in (entering, told):
        assert abs(row.ours.bias_s) < 0.2 * row.waited_s
        assert row.ours.mean_s < 0.8 * min(row.hold.mean_s, row.spoken.mean_s)
    assert told.in_range is not None
    assert told.in_range > 0.5
