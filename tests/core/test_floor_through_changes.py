"""The floor while the house changes under it: reloads, restarts, emergencies, and several deadlines at one instant."""

from dataclasses import replace

from acd.goto import ToQueue, ToVoicemail
from acd.rules import HeadStart, Opening, Relax, SiteRules, WhileWaiting
from acd.sites import Held
from agents.state import Chosen, Wish
from centralino import events as ev
from centralino.call_states import CallState
from ivr.menu import Queue
from tests.contact_centre import ContactCentre, dialplan


def adopt(floor: ContactCentre) -> None:
    """The configuration as the test has changed it is in force."""
    floor.switchboard.adopt(1, floor.configuration)
    floor.settle()


def second_hall(floor: ContactCentre, *, at_most: int | None = None, **opening: object) -> None:
    rules = SiteRules("roma", Opening(**opening), at_most)  # type: ignore[arg-type]
    floor.queue("civil", sites=("laquila", rules))


def begin_emergency(floor: ContactCentre, number: str) -> None:
    started = ev.EmergencyStarted(service=number, say={"it": "Terremoto."}, opens=True, by="ana")
    floor.switchboard.begin_emergency(started)
    floor.settle()


def told(floor: ContactCentre, call: str) -> list[int]:
    """The places that the caller was told."""
    return [event.position for event in floor.trail(call) if isinstance(event, ev.CallerTold)]


def turn_away(floor: ContactCentre, agent: str, times: int) -> None:
    for _ in range(times):
        floor.turn_away(agent)
        floor.clock.advance(6)


def handle(floor: ContactCentre, calls: int, queue: str = "hall") -> None:
    """Let ana handle so many calls of 60 s and 30 s of wrap-up."""
    for nth in range(calls):
        floor.call(f"before{nth}", queue)
        floor.pick_up("ana")
        floor.clock.advance(60)
        floor.put_down("ana")
        floor.clock.advance(30)


# --- several things at one instant


def test_a_call_that_is_offered_meanwhile_is_not_told_its_place(floor: ContactCentre) -> None:
    site = SiteRules("roma", Opening(waiting_over=1))
    floor.queue("b", sites=("laquila", site), while_waiting=WhileWaiting(tell_every_s=45.0))
    floor.queue("a", sites=("laquila",), longest_wait_s=30.0, longest_wait_then=ToQueue("b"))
    floor.agent("rea", site="roma")
    floor.call("c1", "b")
    floor.clock.advance(10)
    floor.call("c2", "a")
    floor.clock.advance(29)
    floor.cut_line()
    floor.clock.advance(30)
    floor.connect_line()  # now c2's longest wait is over, which opens the site for c1, whose place was to be told
    assert floor.outcomes() == {}
    assert floor.ringing_now() == {"rea": "c1"}


# --- reloads


def test_a_longer_longest_wait_holds_for_who_waits_already(floor: ContactCentre) -> None:
    floor.queue("hall", longest_wait_s=60.0, longest_wait_then=ToVoicemail("hall"))
    floor.call("c1")
    floor.clock.advance(30)
    floor.queue("hall", longest_wait_s=600.0, longest_wait_then=ToVoicemail("hall"))
    adopt(floor)
    floor.clock.advance(31)
    assert floor.waiting_in() == ["c1"]


def test_a_call_whose_longest_wait_was_over_is_offered_again_once_there_is_none(floor: ContactCentre) -> None:
    floor.queue("hall", longest_wait_s=60.0, longest_wait_then=ToVoicemail("hall"))
    floor.call("c1")
    floor.clock.advance(55)
    floor.agent("ana")
    floor.clock.advance(6)
    floor.queue("hall")
    adopt(floor)
    floor.agent("bea")
    floor.turn_away("ana")
    assert floor.ringing_now() == {"bea": "c1"}


def test_a_relaxed_call_whose_queue_relaxes_no_more_waits_on(floor: ContactCentre) -> None:
    floor.queue("taxes", needs={"taxes": 3}, relax=(Relax(10.0, {"taxes": 1}),))
    floor.call("c1", "taxes")
    floor.clock.advance(11)
    floor.queue("taxes", needs={"taxes": 3})
    adopt(floor)
    floor.agent("ana", skills={"taxes": 1})
    assert floor.ringing_now() == {}


def test_when_the_last_who_speaks_a_language_speaks_it_no_more_others_take_its_callers(floor: ContactCentre) -> None:
    floor.agent("bo", languages=("it",))
    floor.agent("ana", languages=("it", "en"))
    floor.call_in("en", "c0")
    floor.pick_up("ana")
    floor.call_in("en", "c1")
    assert floor.ringing_now() == {}
    floor.agents["ana"] = replace(floor.agents["ana"], languages={"it": 5})
    adopt(floor)
    assert floor.ringing_now() == {"bo": "c1"}


def test_a_site_closes_in_its_time_however_often_the_configuration_is_loaded(floor: ContactCentre) -> None:
    second_hall(floor, waiting_over=0, back_after_s=60.0)
    floor.call("c1", "civil")
    floor.hang_up("c1")
    for _ in range(10):
        floor.clock.advance(30)
        adopt(floor)
    assert floor.open_sites("civil") == ["laquila"]


def test_a_queue_that_goes_and_comes_back_during_a_wrap_up_lends_no_more_than_before(floor: ContactCentre) -> None:
    second_hall(floor, at_most=1)
    floor.hold_site("civil", "roma", Held.OPEN)
    floor.agent("rea", site="roma")
    floor.call("c1", "civil")
    floor.pick_up("rea")
    floor.put_down("rea")
    rules = floor.queues.pop("civil")
    adopt(floor)
    floor.queues["civil"] = rules
    adopt(floor)
    floor.clock.advance(31)
    floor.agent("remo", site="roma")
    for call in ("c2", "c3"):
        floor.call(call, "civil")
    assert len(floor.ringing_now()) == 1


def test_a_site_that_was_held_open_is_so_again_when_a_reload_brings_it_back(floor: ContactCentre) -> None:
    second_hall(floor, waiting_over=3)
    floor.hold_site("civil", "roma", Held.OPEN)
    floor.queue("civil", sites=("laquila",))
    adopt(floor)
    second_hall(floor, waiting_over=3)
    adopt(floor)
    assert floor.open_sites("civil") == ["laquila", "roma"]
    floor.restart_engine()
    assert floor.open_sites("civil") == ["laquila", "roma"]


# --- restarts


def test_who_is_here_counts_once_after_a_restart(floor: ContactCentre) -> None:
    second_hall(floor, nobody_at="laquila")
    floor.agent("ana")
    floor.agent("rea", site="roma")
    floor.restart_engine()
    floor.choose("ana", Wish.SIGN_OUT)
    floor.call("c1", "civil")
    assert floor.ringing_now() == {"rea": "c1"}


def test_a_talk_through_a_restart_spoils_no_expected_wait(floor: ContactCentre) -> None:
    floor.agent("ana")
    handle(floor, 5)
    floor.call("c1")
    floor.pick_up("ana")
    floor.clock.advance(60)
    floor.restart_engine()
    floor.put_down("ana")
    floor.call("c2")
    expected_s = floor.switchboard.dispatcher.queue_now("hall", "it").expected_wait_s
    assert expected_s is not None
    assert expected_s < 200


# --- emergencies and supervisors


def test_an_emergency_that_ends_leaves_open_what_another_has_opened(floor: ContactCentre) -> None:
    second_hall(floor, waiting_over=5, back_after_s=10.0)
    for number in ("one", "two"):
        floor.service(dialplan(number, [Queue("straight", "civil")]))
        begin_emergency(floor, number)
    floor.switchboard.end_emergency("two", "ana", "it was ended")
    floor.clock.advance(100)
    assert floor.open_sites("civil") == ["laquila", "roma"]


def test_what_a_supervisor_closed_stays_closed_in_an_emergency_and_after_it(floor: ContactCentre) -> None:
    second_hall(floor, waiting_over=0)
    floor.hold_site("civil", "roma", Held.CLOSED)
    begin_emergency(floor, "civil")
    assert floor.open_sites("civil") == ["laquila"]
    floor.switchboard.end_emergency("civil", "ana", "it was ended")
    floor.call("c1", "civil")
    assert floor.open_sites("civil") == ["laquila"]


def test_a_further_site_that_a_reload_brings_during_an_emergency_is_open(floor: ContactCentre) -> None:
    floor.queue("civil", sites=("laquila",))
    begin_emergency(floor, "civil")
    second_hall(floor, waiting_over=50)
    adopt(floor)
    assert floor.open_sites("civil") == ["laquila", "roma"]


def test_an_emergency_leaves_nothing_open_at_a_site_that_a_reload_took_away_and_brought_back(
    floor: ContactCentre,
) -> None:
    second_hall(floor, waiting_over=50)
    begin_emergency(floor, "civil")
    floor.queue("civil", sites=("laquila",))
    adopt(floor)
    floor.switchboard.end_emergency("civil", "ana", "it was ended")
    second_hall(floor, waiting_over=50, back_after_s=1.0)
    adopt(floor)
    floor.restart_engine()
    floor.clock.advance(100)
    assert floor.open_sites("civil") == ["laquila"]


# --- offers in vain


def test_signing_out_while_a_phone_rings_is_no_pause(floor: ContactCentre) -> None:
    floor.queue("a", unanswered_most=5)
    floor.queue("b", unanswered_most=2)
    floor.agent("ana")
    floor.call("c1", "a")
    turn_away(floor, "ana", 3)
    floor.hang_up("c1")
    floor.call("c2", "b")
    floor.choose("ana", Wish.SIGN_OUT)
    assert floor.house.agents["ana"].chosen is Chosen.SIGNED_OUT


def test_a_caller_who_hangs_up_pauses_nobody(floor: ContactCentre) -> None:
    floor.queue("a", unanswered_most=5)
    floor.queue("b", unanswered_most=2)
    floor.agent("ana")
    floor.call("c1", "a")
    turn_away(floor, "ana", 3)
    floor.hang_up("c1")
    floor.call("c2", "b")
    floor.hang_up("c2")
    assert floor.house.agents["ana"].chosen is Chosen.READY


# --- what is lent


def test_who_comes_to_a_site_frees_another_there_whom_it_may_now_lend(floor: ContactCentre) -> None:
    floor.queue("civil", needs={"civil": 1}, sites=("laquila", SiteRules("roma", Opening(), None, 1)))
    floor.hold_site("civil", "roma", Held.OPEN)
    floor.agent("rea", site="roma", skills={"civil": 1})
    floor.call("c1", "civil")
    assert floor.ringing_now() == {}
    floor.agent("remo", site="roma")
    assert floor.ringing_now() == {"rea": "c1"}


def test_when_who_was_lent_goes_home_another_is_lent(floor: ContactCentre) -> None:
    second_hall(floor, at_most=1)
    floor.hold_site("civil", "roma", Held.OPEN)
    floor.agent("rea", site="roma")
    floor.agent("remo", site="roma")
    floor.call("c1", "civil")
    floor.call("c2", "civil")
    floor.pick_up("rea")
    floor.choose("rea", Wish.SIGN_OUT)
    floor.put_down("rea")
    floor.clock.advance(30)  # the wrap-up
    assert floor.ringing_now() == {"remo": "c2"}


# --- what is expected and told


def test_nobody_is_expected_to_wait_while_somebody_is_free(floor: ContactCentre) -> None:
    second_hall(floor, expected_wait_over_s=30.0)
    floor.agent("ana")
    handle(floor, 6, "civil")
    assert floor.switchboard.dispatcher.queue_now("civil", "it").expected_wait_s == 0
    floor.clock.advance(301)
    assert floor.open_sites("civil") == ["laquila"]


def test_who_comes_back_to_the_line_keeps_the_head_start(floor: ContactCentre) -> None:
    starts = (HeadStart(100.0, step="straight"),)
    floor.queue("hall", while_waiting=WhileWaiting(call_back_key="1"), head_starts=starts)
    floor.call("c1")
    floor.press("c1", "1")
    floor.clock.advance(300)  # says nothing, three times
    assert (floor.now("c1").state, floor.now("c1").step) == (CallState.QUEUED, "*back-in-line")
    assert floor.now("c1").head_start_s == 100


def test_where_there_is_nothing_to_say_nothing_is_on_record(floor: ContactCentre) -> None:
    starts = (HeadStart(100.0, number="vip"),)
    floor.queue("hall", while_waiting=WhileWaiting(tell_every_s=45.0), head_starts=starts)
    floor.service(dialplan("vip", [Queue("straight", "hall")]))
    floor.call("c1")
    floor.clock.advance(4)
    floor.call("c2", number="vip")
    floor.clock.advance(50)
    assert told(floor, "c1") == [1]


def test_who_waits_again_since_the_two_could_not_be_joined_is_told_nothing_worse(floor: ContactCentre) -> None:
    starts = (HeadStart(100.0, number="vip"),)
    tells = WhileWaiting(tell_every_s=45.0, voicemail_key="2")
    floor.queue("hall", while_waiting=tells, head_starts=starts)
    floor.service(dialplan("vip", [Queue("straight", "hall")]))
    floor.call("c1")
    floor.clock.advance(4)
    floor.line.joins_that_fail = 1
    floor.agent("ana")
    floor.pick_up("ana")
    floor.choose("ana", Wish.PAUSE)
    floor.call("c2", number="vip")
    floor.clock.advance(60)
    assert set(told(floor, "c1")) == {1, 0}
