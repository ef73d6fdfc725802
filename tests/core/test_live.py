"""The rows of now, as the door tells them."""

from acd.state import Doing
from agents.state import Wish
from supervision.live import LiveView, Row
from tests.contact_centre import ContactCentre


def row(floor: ContactCentre, agent: str = "ana") -> Row:
    view = LiveView(floor.house, floor.switchboard.floor, floor.agents, lambda person: ("", ""))
    return view.agent(agent)


def seen(floor: ContactCentre) -> tuple[str, float | None]:
    """What ana does, and how long it will last if nothing happens."""
    ana = row(floor)
    return ana["doing"], None if ana["until_s"] is None else ana["until_s"] - floor.clock.now_s()


def test_each_row_of_an_agent_says_when_what_they_do_ends_by_itself(floor: ContactCentre) -> None:
    floor.queue("hall", unanswered_most=2, unanswered_pause_s=300.0)
    floor.agent("ana")
    assert seen(floor) == (Doing.FREE, None)
    floor.call("c1")
    assert seen(floor) == (Doing.RINGING, 20.0)
    floor.turn_away("ana")
    assert seen(floor) == (Doing.RESTING, 5.0)
    floor.clock.advance(5)
    floor.pick_up("ana")
    assert seen(floor) == (Doing.TALKING, None)
    floor.put_down("ana")
    assert seen(floor) == (Doing.WRAPPING_UP, 30.0)
    floor.extend_wrap_up("ana", 60)
    assert seen(floor) == (Doing.WRAPPING_UP, 90.0)


def test_a_ring_that_goes_on_after_a_restart_says_so_too(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.clock.advance(15)
    floor.restart_engine()
    assert seen(floor) == (Doing.RINGING, 20.0)


def test_a_pause_that_ends_by_itself_says_when_and_one_of_their_own_does_not(floor: ContactCentre) -> None:
    floor.queue("hall", unanswered_most=1, unanswered_pause_s=300.0)
    floor.agent("ana")
    floor.call("c1")
    floor.turn_away("ana")
    floor.clock.advance(10)
    assert seen(floor) == (Doing.FREE, 290.0)
    floor.choose("ana", Wish.PAUSE)
    assert seen(floor) == (Doing.FREE, None)
