"""Promised call-backs are kept: in their old place, one attempt at a time, and never twice."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from acd.goto import ToVoicemail
from acd.rules import CallBackRules, Pick, WhileWaiting
from acd.state import Doing
from acd.why import Why
from agents.state import AfterReset, Wish
from asterisk.port import CallerId, EndCause, LegAnswered, LegEnded
from centralino import events as ev
from centralino.call_backs import Wanted
from centralino.call_states import CallState
from centralino.events import Entry, Outcome
from centralino.outgoing import Outgoing
from centralino.signing import Refused
from ivr.call_back import when_to_call
from ivr.hours import Span, read_hours
from ivr.menu import CallBack, HangUp, Key, Menu, Queue
from ivr.prompts import words
from tests.contact_centre import ContactCentre, dialplan, phone_of

CITIZEN = "+390551234567"
ATTEMPT = "c1-back1"
AGAIN_S = (600.0, 3600.0)
BY_DAY = Span(8 * 60, 21 * 60)


@pytest.fixture
def centre(tmp_path: Path) -> ContactCentre:
    made = ContactCentre(tmp_path)
    made.queue(
        "hall",
        while_waiting=WhileWaiting(call_back_key="1"),
        call_backs=CallBackRules(ring_s=30.0, again_after_s=AGAIN_S),
        wrap_up_s=0.0,
    )
    made.agent("ana")
    made.choose("ana", Wish.PAUSE)
    made.line.truth.within_reach.add(CITIZEN)
    return made


def promise(centre: ContactCentre, call: str = "c1", number: str = CITIZEN) -> None:
    """Somebody who waits asks to be called back at the number that they call from, and hangs up."""
    centre.call(call, caller=CallerId(number, ""))
    centre.press(call, "11")
    centre.hang_up(call)


def citizen_picks_up(centre: ContactCentre, number: str = CITIZEN) -> None:
    centre.line.pick_up(number)
    centre.settle()


def rings(centre: ContactCentre) -> set[str]:
    return {leg.phone for leg in centre.line.truth.legs.values() if leg.phone and not leg.up}


def test_an_agent_is_rung_first_then_the_citizen_and_they_talk(centre: ContactCentre) -> None:
    promise(centre)
    assert centre.outcomes() == {"c1": Outcome.CALL_BACK}
    centre.clock.advance(1)
    assert centre.waiting_in() == [ATTEMPT]
    centre.choose("ana", Wish.READY)
    assert rings(centre) == {"phone-of-ana"}
    assert centre.line.shown["phone-of-ana"].name.startswith("call-back, hall:")
    centre.pick_up("ana")
    assert rings(centre) == {CITIZEN}
    assert centre.line.shown[CITIZEN].number == "hall", "the citizen sees the service's number"
    assert centre.hears(f"{ATTEMPT}-leg1") == "music"
    citizen_picks_up(centre)
    assert centre.now(ATTEMPT).state is CallState.TALKING
    assert centre.talking_now()["ana"] == ATTEMPT
    centre.put_down("ana")
    assert centre.outcomes()[ATTEMPT] is Outcome.ANSWERED
    assert centre.house.call_backs == {}
    centre.clock.advance(2 * sum(AGAIN_S))
    assert centre.count(ev.CallBackBegun) == 1


def test_a_number_that_may_not_be_called_is_not_called_back_and_the_refusal_names_them_by_key(
    centre: ContactCentre, caplog: pytest.LogCaptureFixture
) -> None:
    denied = Outgoing(("first",), deny=(CITIZEN[:6],))
    object.__setattr__(centre.configuration.settings, "outgoing", denied)
    promise(centre)
    centre.choose("ana", Wish.READY)
    centre.clock.advance(1)
    assert rings(centre) == set()
    assert centre.house.call_backs == {}
    [over] = [entry.event for entry in centre.entries if isinstance(entry.event, ev.CallBackOver)]
    assert re.search(r"no call back to person [0-9a-f]+: `outgoing` denies it", caplog.text)
    assert CITIZEN not in caplog.text
    assert (over.kept, over.why) == (False, "their number is not called: `outgoing` denies it")


@pytest.mark.parametrize("is_new_life", [False, True])
def test_where_all_are_rung_for_a_call_back_one_answers_and_waits_for_the_citizen(
    centre: ContactCentre, tmp_path: Path, is_new_life: bool
) -> None:
    centre.queue("hall", while_waiting=WhileWaiting(call_back_key="1"), pick=Pick.RING_ALL, wrap_up_s=0.0)
    centre.agent("bo")
    centre.choose("bo", Wish.PAUSE)
    promise(centre)
    centre.choose("ana", Wish.READY)
    centre.choose("bo", Wish.READY)
    centre.clock.advance(1)
    assert rings(centre) == {"phone-of-ana", "phone-of-bo"}
    died: list[ContactCentre] = []

    def die(entry: Entry) -> None:
        if isinstance(entry.event, ev.CallBackRung):
            truth, now_s = centre.line.truth, centre.clock.now_s()
            died.append(centre.as_it_was(list(centre.entries), truth, now_s, tmp_path))

    centre.on_entry = die
    centre.pick_up("bo")
    if is_new_life:  # nobody had told the others to stop, nor asked for the citizen's phone to ring
        [centre] = died
        centre.start_engine()
        centre.clock.advance(AGAIN_S[0])
        centre.pick_up("bo")
    assert rings(centre) == {CITIZEN}
    assert centre.doing("ana") is Doing.FREE
    attempt = centre.talking_now()["bo"] if "bo" in centre.talking_now() else centre.house.call_backs["c1"].attempt
    citizen_picks_up(centre)
    assert centre.talking_now()["bo"] == attempt
    ended = [event.why for event in centre.trail(ATTEMPT) if isinstance(event, ev.RingEnded)]
    assert ended == [Why.ANSWERED_ELSEWHERE]


def test_who_is_called_back_may_be_handed_on_and_is_not_called_again(centre: ContactCentre) -> None:
    centre.queue("experts", needs={"experts": 1})
    centre.agent("eva", skills={"experts": 1})
    centre.choose("eva", Wish.PAUSE)
    promise(centre)
    centre.clock.advance(1)
    centre.choose("ana", Wish.READY)
    centre.pick_up("ana")
    citizen_picks_up(centre)
    centre.hand_on(ATTEMPT, "experts")
    centre.choose("eva", Wish.READY)
    centre.clock.advance(5)
    assert centre.line.shown["phone-of-eva"].name.startswith("experts: ")
    centre.pick_up("eva")
    assert centre.talking_now()["eva"] == ATTEMPT
    centre.put_down("eva")
    assert centre.outcomes()[ATTEMPT] is Outcome.ANSWERED
    centre.clock.advance(2 * sum(AGAIN_S))
    assert centre.count(ev.CallBackBegun) == 1


def test_the_place_is_that_of_the_first_entry(centre: ContactCentre) -> None:
    centre.call("c0")
    centre.clock.advance(10)
    centre.call("c1", caller=CallerId(CITIZEN, ""))
    centre.clock.advance(60)
    centre.call("c2")
    centre.press("c1", "11")
    centre.hang_up("c1")
    centre.clock.advance(60)
    assert centre.waiting_in() == ["c0", ATTEMPT, "c2"]


def test_a_promise_made_in_the_menu_has_its_place_from_then_on(centre: ContactCentre) -> None:
    centre.service(dialplan("back", [CallBack("back", "hall", "bye"), HangUp("bye", words({"it": "Ciao"}))]))
    centre.call("c1", number="back", caller=CallerId(CITIZEN, ""))
    promised_s = centre.clock.now_s()
    centre.press("c1", "1")
    centre.clock.advance(60)
    centre.call("c2")
    assert centre.waiting_in() == [ATTEMPT, "c2"]
    assert centre.now(ATTEMPT).first_entered_s == pytest.approx(promised_s, abs=30)


def test_who_does_not_answer_is_called_again_by_rule_and_no_oftener(centre: ContactCentre) -> None:
    promise(centre)
    centre.choose("ana", Wish.READY)
    for nth, pause_s in enumerate((*AGAIN_S, None), 1):
        centre.clock.advance(1)
        centre.pick_up("ana")
        centre.clock.advance(31)
        assert rings(centre) == set()
        assert centre.doing("ana") is Doing.FREE
        assert centre.outcomes()[f"c1-back{nth}"] is Outcome.NOT_REACHED
        if pause_s:
            centre.clock.advance(pause_s - 35)
            assert centre.waiting_in() == []
            centre.clock.advance(35)
    centre.clock.advance(100_000)
    assert centre.count(ev.CallBackBegun) == 3
    over = [e for e in centre.trail("c1") if isinstance(e, ev.CallBackOver)]
    assert [(one.kept, one.why) for one in over] == [(False, "not reached in 3 attempts")]
    assert centre.house.call_backs == {}


def test_a_citizen_who_talks_is_not_let_go_when_the_agent_is_reset(centre: ContactCentre) -> None:
    promise(centre)
    centre.clock.advance(1)
    centre.choose("ana", Wish.READY)
    centre.pick_up("ana")
    citizen_picks_up(centre)
    centre.clock.advance(300)
    centre.switchboard.resetting.reset("ana", AfterReset.OUT, by="test")
    centre.settle()
    assert centre.waiting_in() == [ATTEMPT]
    assert centre.hears(ATTEMPT) == "music"
    assert centre.house.totals["hall"].answered == 0
    centre.agent("bo")
    centre.pick_up("bo")
    assert centre.talking_now()["bo"] == ATTEMPT
    assert centre.house.totals["hall"].answered == 1
    centre.put_down("bo")
    assert centre.outcomes()[ATTEMPT] is Outcome.ANSWERED
    assert centre.house.call_backs == {}


@pytest.mark.parametrize("who", ["citizen is busy", "agent hangs up"])
def test_an_attempt_in_vain_lets_both_go(centre: ContactCentre, who: str) -> None:
    promise(centre)
    centre.choose("ana", Wish.READY)
    centre.clock.advance(1)
    centre.pick_up("ana")
    if who == "agent hangs up":
        centre.put_down("ana")
    else:
        centre.line.turn_away(CITIZEN)
        centre.settle()
    assert centre.line.truth.legs == {}
    assert centre.outcomes()[ATTEMPT] is Outcome.NOT_REACHED
    assert centre.house.call_backs["c1"].due_s == centre.clock.now_s() + AGAIN_S[0]


def test_two_attempts_never_go_on_at_once(centre: ContactCentre) -> None:
    promise(centre)
    centre.agent("bo")
    centre.choose("ana", Wish.READY)
    centre.clock.advance(5)
    assert len(rings(centre)) == 1
    centre.pick_up(next(iter(rings(centre))).removeprefix("phone-of-"))
    centre.clock.advance(10)
    assert rings(centre) == {CITIZEN}
    assert centre.count(ev.CallBackBegun) == 1


def test_no_more_citizens_are_called_than_agents_have_picked_up(centre: ContactCentre) -> None:
    numbers = [f"+39055123400{nth}" for nth in range(4)]
    centre.line.truth.within_reach.update(numbers)
    for nth, number in enumerate(numbers):
        promise(centre, f"c{nth}", number)
    centre.agent("bo")
    centre.choose("ana", Wish.READY)
    centre.clock.advance(5)
    assert rings(centre) == {"phone-of-ana", "phone-of-bo"}
    centre.pick_up("bo")
    assert len(rings(centre) & set(numbers)) == 1
    centre.pick_up("ana")
    centre.clock.advance(10)
    assert rings(centre) == set(numbers[:2]), "those who asked first"


def test_who_asks_twice_is_called_once_in_their_older_place(centre: ContactCentre) -> None:
    promise(centre, "c1")
    centre.clock.advance(30)
    promise(centre, "c2")
    centre.clock.advance(30)
    assert centre.waiting_in() == [ATTEMPT]
    assert list(centre.house.call_backs) == ["c1"]


def test_who_calls_again_and_is_answered_is_not_called_back(centre: ContactCentre) -> None:
    centre.queue("hall", needs={"taxes": 1}, while_waiting=WhileWaiting(call_back_key="1"))  # ana cannot help there
    centre.queue("other")
    keys = {"1": Key("hall"), "2": Key("other")}
    to_hall, to_other = Queue("hall", "hall"), Queue("other", "other")
    centre.service(dialplan("055", [Menu("menu", words({"it": "?"}), keys, "hall"), to_hall, to_other]))
    caller = CallerId(CITIZEN, "")
    centre.call("c1", number="055", caller=caller)
    centre.press("c1", "111")
    centre.hang_up("c1")
    centre.clock.advance(1)
    assert centre.waiting_in("hall") == [ATTEMPT]
    centre.choose("ana", Wish.READY)
    centre.call("c2", number="055", caller=caller)
    centre.press("c2", "2")
    centre.pick_up("ana")
    assert centre.now("c2").state is CallState.TALKING
    assert centre.house.call_backs == {}
    assert centre.outcomes()[ATTEMPT] is Outcome.NOT_NEEDED
    assert centre.waiting_in("hall") == []


def test_a_promise_taken_back_stops_the_phone_that_rings_for_it(centre: ContactCentre) -> None:
    promise(centre)
    centre.choose("ana", Wish.READY)
    centre.clock.advance(1)
    assert rings(centre) == {"phone-of-ana"}
    assert centre.switchboard.call_backs.drop("c1", "bo")
    centre.settle()
    assert rings(centre) == set()
    assert centre.outcomes()[ATTEMPT] is Outcome.NOT_NEEDED
    assert centre.house.call_backs == {}


def test_too_late_to_take_it_back_once_the_citizen_is_rung(centre: ContactCentre) -> None:
    promise(centre)
    centre.choose("ana", Wish.READY)
    centre.clock.advance(1)
    centre.pick_up("ana")
    assert not centre.switchboard.call_backs.drop("c1", "bo")
    citizen_picks_up(centre)
    assert centre.now(ATTEMPT).state is CallState.TALKING


def test_it_stands_in_no_figure_of_the_queue_but_how_long_talks_take(centre: ContactCentre) -> None:
    promise(centre)
    before = figures(centre)
    centre.choose("ana", Wish.READY)
    centre.clock.advance(1)
    centre.pick_up("ana")
    citizen_picks_up(centre)
    centre.clock.advance(100)
    centre.put_down("ana")
    count = centre.house.today["hall"]
    assert figures(centre) == before
    assert (count.talked, count.talk_sum_s) == (1, 100)


def figures(centre: ContactCentre) -> tuple[int, int, int, int]:
    count = centre.house.today["hall"]
    return count.offered, count.answered, count.abandoned, count.in_time


def test_no_announcement_and_no_longest_wait_for_who_is_not_on_the_line(tmp_path: Path) -> None:
    centre = ContactCentre(tmp_path)
    centre.queue(
        "hall",
        while_waiting=WhileWaiting(call_back_key="1", tell_every_s=10.0),
        longest_wait_s=60.0,
        longest_wait_then=ToVoicemail(""),
    )
    centre.line.truth.within_reach.add(CITIZEN)
    promise(centre)
    centre.clock.advance(7200)
    assert centre.waiting_in() == [ATTEMPT]
    assert centre.count(ev.CallerTold, ATTEMPT) == 0


# --- restarts at each point


def at_each_point(centre: ContactCentre, point: str) -> None:
    promise(centre)
    if point == "promised":
        return
    centre.clock.advance(1)
    if point == "in the line":
        return
    centre.choose("ana", Wish.READY)
    if point == "offered":
        return
    centre.pick_up("ana")
    if point == "the citizen rings":
        return
    citizen_picks_up(centre)


@pytest.mark.parametrize("point", ["promised", "in the line", "offered", "the citizen rings", "talking"])
@pytest.mark.parametrize("how", ["the engine is killed", "the line is cut"])
def test_what_goes_on_goes_on(centre: ContactCentre, point: str, how: str) -> None:
    at_each_point(centre, point)
    if how == "the engine is killed":
        centre.restart_engine()
    else:
        centre.cut_line()
        centre.connect_line()
    centre.clock.advance(1)
    if point in ("promised", "in the line"):
        assert centre.waiting_in() == [ATTEMPT]
        centre.choose("ana", Wish.READY)
    if point in ("promised", "in the line", "offered"):
        assert rings(centre) == {"phone-of-ana"}
        centre.pick_up("ana")
    if point != "talking":
        assert rings(centre) == {CITIZEN}
        citizen_picks_up(centre)
    assert centre.talking_now()["ana"] == ATTEMPT
    centre.hang_up(ATTEMPT)
    assert centre.outcomes()[ATTEMPT] is Outcome.ANSWERED
    assert centre.house.call_backs == {}
    assert centre.faults.said == []


@pytest.mark.parametrize("point", ["in the line", "offered", "the citizen rings", "talking"])
def test_asterisk_dies_and_the_promise_does_not(centre: ContactCentre, point: str) -> None:
    at_each_point(centre, point)
    centre.line.restart()
    centre.settle()
    if point == "talking":
        assert centre.outcomes()[ATTEMPT] is Outcome.ANSWERED
        return
    centre.clock.advance(AGAIN_S[0] + 60)
    assert list(centre.house.call_backs) == ["c1"]
    assert centre.house.call_backs["c1"].attempt.startswith("c1-back")


def test_the_two_that_cannot_be_joined_are_let_go_and_it_is_tried_again(centre: ContactCentre) -> None:
    at_each_point(centre, "the citizen rings")
    centre.line.joins_that_fail = 1
    citizen_picks_up(centre)
    assert centre.line.truth.legs == {}
    assert centre.outcomes()[ATTEMPT] is Outcome.NOT_REACHED
    assert "c1" in centre.house.call_backs


def test_what_is_told_twice_or_late_changes_nothing(centre: ContactCentre) -> None:
    centre.times_told = 2
    at_each_point(centre, "talking")
    centre.tell(LegAnswered(ATTEMPT))
    centre.put_down("ana")
    centre.tell(LegEnded(ATTEMPT, EndCause.HUNG_UP))
    assert centre.outcomes()[ATTEMPT] is Outcome.ANSWERED
    assert centre.faults.said == []


def test_a_queue_that_left_the_yaml_keeps_no_promise_for_ever(centre: ContactCentre) -> None:
    promise(centre)
    centre.clock.advance(1)
    centre.kill_engine()
    del centre.queues["hall"]
    centre.start_engine()
    centre.clock.advance(10_000)
    assert centre.house.call_backs == {}
    over = [e for e in centre.trail("c1") if isinstance(e, ev.CallBackOver)]
    assert [one.kept for one in over] == [False]


# --- when


def hours(**week: object) -> object:
    return read_hours(week)[0]


@pytest.mark.parametrize(
    ("written", "at", "expected"),
    [
        (None, "2026-11-23T09:00", "2026-11-23T09:00"),
        (None, "2026-11-23T05:00", "2026-11-23T07:00"),  # Rome is an hour ahead: 8 o'clock
        (None, "2026-11-23T20:30", "2026-11-24T07:00"),
        ({"mon-fri": "09:00-17:00"}, "2026-11-20T16:30", "2026-11-23T08:00"),  # Friday evening → Monday
        ({"mon-fri": "06:00-23:00"}, "2026-11-23T04:59", "2026-11-23T07:00"),
    ],
)
def test_citizens_are_called_while_the_service_is_open_and_by_day(written, at, expected) -> None:
    plan = dialplan("055", [HangUp("bye", words({"it": "Ciao"}))])
    if written:
        plan = replace(plan, hours=hours(**written))
    instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert when_to_call(plan, BY_DAY, instant) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_service_that_never_opens_calls_nobody() -> None:
    plan = dialplan("055", [HangUp("bye", words({"it": "Ciao"}))])
    assert when_to_call(replace(plan, hours=hours()), BY_DAY, datetime(2026, 11, 23, tzinfo=UTC)) is None


def asked(centre: ContactCentre, number: str = CITIZEN, queue: str = "hall", service: str = "hall") -> str:
    """A call-back about a case, as an office promises it: the name of the promise."""
    person = centre.people.key_for(number, "", centre.clock.now_s())
    made = centre.switchboard.call_backs.ask("10000426", Wanted(person, queue, service), "ana")
    centre.settle()
    return made.call


def test_whom_an_office_promises_a_call_back_is_called_as_soon_as_one_of_its_people_is_free(
    centre: ContactCentre,
) -> None:
    name = asked(centre)
    assert not rings(centre), "nobody is there"
    centre.clock.advance(600)
    centre.choose("ana", Wish.READY)
    assert rings(centre) == {phone_of("ana")}
    centre.pick_up("ana")
    assert rings(centre) == {CITIZEN}
    citizen_picks_up(centre)
    assert centre.talking_now()["ana"] == f"{name}-back1"
    centre.put_down("ana")
    assert centre.house.call_backs == {}
    [over] = [entry.event for entry in centre.entries if isinstance(entry.event, ev.CallBackOver)]
    assert (over.call, over.kept) == (name, True)


def test_a_call_back_that_was_asked_for_outlives_the_engine_and_is_tried_again(centre: ContactCentre) -> None:
    name = asked(centre)
    centre.restart_engine()
    centre.choose("ana", Wish.READY)
    centre.pick_up("ana")
    centre.line.turn_away(CITIZEN, EndCause.BUSY)
    centre.settle()
    assert centre.house.call_backs[name].due_s == centre.clock.now_s() + AGAIN_S[0]
    centre.clock.advance(AGAIN_S[0])
    assert centre.now(f"{name}-back2").queue == "hall"


@pytest.mark.parametrize(
    ("number", "queue", "service", "why"),
    [
        ("", "hall", "hall", "nobody knows a telephone number"),
        ("+39899123456", "hall", "hall", "their number is not called"),
        (CITIZEN, "nowhere", "hall", "there is no queue `nowhere`"),
        (CITIZEN, "hall", "123", "there is no number `123`"),
    ],
)
def test_a_call_back_that_could_not_be_kept_is_not_promised(
    centre: ContactCentre, number: str, queue: str, service: str, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        asked(centre, number, queue, service)
    assert centre.house.call_backs == {}


def test_a_call_back_is_promised_once_however_often_it_is_asked_for(centre: ContactCentre) -> None:
    assert asked(centre) == asked(centre), "who asked was not told, and asked again"
    person = centre.people.key_for(CITIZEN, "", centre.clock.now_s())
    with pytest.raises(Refused, match="promised already"):
        centre.switchboard.call_backs.ask("10000525", Wanted(person, "hall", "hall"), "ana")
    assert len(centre.house.call_backs) == 1
