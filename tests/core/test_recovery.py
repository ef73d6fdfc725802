"""The engine dies, at any moment, and its next life goes on: nobody waits for ever, nobody is stuck."""

import copy
import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from acd.goto import ToQueue, ToVoicemail
from acd.rules import Pick, Recording, WhileWaiting
from acd.state import Doing
from agents.state import Wish
from asterisk.fake import Truth
from centralino import events as ev
from centralino import recovery, state
from centralino.call_states import CallState
from centralino.clock import SimClock
from centralino.events import Entry, Outcome
from centralino.journal import Journal
from centralino.signing import Refused
from centralino.state import House
from ivr.menu import HangUp, Key, Menu, Queue, Say, Step, Transfer, Voicemail
from ivr.prompts import words
from ivr.sentences import Sentence
from tests.contact_centre import MONDAY_MORNING, ContactCentre, Faults, dialplan, phone_of, said

AGENTS = ("ana", "bo", "cora")
ROUNDS_MAX = 60


def plain(house: House) -> object:
    return msgspec.to_builtins(house)


# --- from the journal


@pytest.mark.parametrize("nth", [0, 1])
def test_what_is_read_back_is_what_was_true(floor: ContactCentre, nth: int) -> None:
    (rich_morning, handing_on_morning)[nth](floor)
    assert plain(recovery.fold(House(), floor.entries)) == plain(floor.house)


def test_a_checkpoint_with_the_entries_after_it_is_as_good_as_all_entries(floor: ContactCentre, tmp_path: Path) -> None:
    rich_morning(floor)
    half = len(floor.entries) // 2
    journal = Journal.open(tmp_path / "journal", SimClock(MONDAY_MORNING))
    journal.start_segment(recovery.checkpoint_of(House()))
    for entry in floor.entries[:half]:
        journal.append(entry.event)
    first = recovery.fold(House(), floor.entries[:half])
    journal.start_segment(recovery.checkpoint_of(first))
    for entry in floor.entries[half:]:
        journal.append(entry.event)
    states = {name: call.state for name, call in floor.house.calls.items()}
    read = recovery.read_back(journal)
    assert {name: call.state for name, call in read.calls.items()} == states
    assert read.outcomes == floor.house.outcomes
    journal.close()


def test_a_new_journal_gives_an_empty_house(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal", SimClock(MONDAY_MORNING))
    assert plain(recovery.read_back(journal)) == plain(House())
    journal.close()


def test_an_entry_that_fits_no_state_is_said_and_left_out(floor: ContactCentre) -> None:
    floor.call("c1")
    wrong = Entry(n=99, at_s=0.0, event=ev.TalkEnded(call="c1", agent="ana", leg="c1-leg1", by="caller"))
    nobody = Entry(n=100, at_s=0.0, event=ev.StepEntered(call="c9", step="main"))
    house = recovery.fold(House(), [*floor.entries, wrong, nobody])
    assert plain(house) == plain(floor.house)
    assert [text.splitlines()[0] for text in floor.faults.said] == [
        "entry 99 fits no state; it is left out",
        "entry 100 fits no state; it is left out",
    ]
    floor.faults.said.clear()


# --- one life after another


def test_a_wrap_up_survives_and_ends_at_its_own_time(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.pick_up("ana")
    floor.put_down("ana")
    floor.clock.advance(10)
    floor.restart_engine()
    assert floor.doing("ana") is Doing.WRAPPING_UP
    floor.call("c2")
    floor.clock.advance(19.9)
    assert floor.ringing_now() == {}
    floor.clock.advance(0.1)
    assert floor.ringing_now() == {"ana": "c2"}


def test_a_wrap_up_that_was_extended_ends_at_its_new_time_and_no_later_than_the_queue_allows(
    floor: ContactCentre,
) -> None:
    floor.queue("hall", wrap_up_s=30.0, longest_wrap_up_s=100.0)
    floor.agent("ana")
    floor.call("c1")
    floor.pick_up("ana")
    floor.put_down("ana")
    floor.clock.advance(10)
    floor.extend_wrap_up("ana", 60)
    floor.restart_engine()
    floor.clock.advance(79.9)
    assert floor.doing("ana") is Doing.WRAPPING_UP
    floor.extend_wrap_up("ana", 60)
    floor.clock.advance(10)
    assert floor.doing("ana") is Doing.WRAPPING_UP
    floor.clock.advance(0.1)
    assert floor.doing("ana") is Doing.FREE


def test_a_wrap_up_whose_time_passed_meanwhile_ends_at_once(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.pick_up("ana")
    floor.put_down("ana")
    floor.kill_engine()
    floor.clock.advance(100)
    floor.start_engine()
    floor.clock.advance(0)
    assert floor.doing("ana") is Doing.FREE


def test_a_talk_survives_and_its_wrap_up_follows(floor: ContactCentre) -> None:
    floor.queue("taxes", wrap_up_s=60.0)
    floor.agent("ana")
    floor.call("c1", "taxes")
    floor.pick_up("ana")
    floor.restart_engine()
    assert floor.talking_now() == {"ana": "c1"}
    floor.hang_up("c1")
    floor.clock.advance(59)
    assert floor.doing("ana") is Doing.WRAPPING_UP
    floor.clock.advance(1)
    assert floor.doing("ana") is Doing.FREE


def test_a_phone_that_rings_rings_on_and_its_time_begins_anew(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.clock.advance(15)
    floor.restart_engine()
    assert floor.ringing_now() == {"ana": "c1"}
    floor.clock.advance(5)
    floor.pick_up("ana")
    assert floor.talking_now() == {"ana": "c1"}


def test_the_next_ring_after_a_restart_is_a_new_leg(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.restart_engine()
    floor.turn_away("ana")
    floor.clock.advance(5)
    assert list(floor.now("c1").rings) == ["c1-leg2"]


def test_who_was_idle_longest_still_is(floor: ContactCentre) -> None:
    floor.agent("bo")
    floor.clock.advance(5)
    floor.agent("ana")
    floor.restart_engine()
    floor.call("c1")
    assert floor.ringing_now() == {"bo": "c1"}


def test_who_did_not_take_an_offer_is_still_behind_the_others(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.clock.advance(5)
    floor.agent("bo")
    floor.clock.advance(5)
    floor.call("c1")
    floor.turn_away("ana")
    floor.hang_up("c1")
    floor.clock.advance(5)
    floor.restart_engine()
    floor.call("c2")
    assert floor.ringing_now() == {"bo": "c2"}


def test_whose_phone_was_away_is_still_behind_the_others(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.clock.advance(5)
    floor.agent("bo")
    floor.clock.advance(5)
    floor.unplug("ana")
    floor.plug_in("ana")
    floor.restart_engine()
    floor.call("c1")
    assert floor.ringing_now() == {"bo": "c1"}


def test_a_wrap_up_in_which_a_pause_is_chosen_counts_from_the_talks_end(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.pick_up("ana")
    floor.clock.advance(40)
    floor.put_down("ana")
    floor.clock.advance(10)
    floor.choose("ana", Wish.PAUSE)
    floor.restart_engine()
    floor.clock.advance(20)
    assert floor.house.agents["ana"].busy_s == floor.switchboard.floor.agents["ana"].busy_s == 70


def test_a_phone_on_which_somebody_who_signed_out_still_talks_is_taken(floor: ContactCentre) -> None:
    for name in ("ana", "bo"):
        floor.agent(name)
    floor.choose("bo", Wish.SIGN_OUT)
    floor.call("c1")
    floor.pick_up("ana")
    floor.choose("ana", Wish.SIGN_OUT)
    floor.restart_engine()
    with pytest.raises(Refused, match="still has a call on it"):
        floor.choose("bo", Wish.SIGN_IN, phone="phone-of-ana")


def test_pauses_and_sign_outs_survive(floor: ContactCentre) -> None:
    for name in AGENTS:
        floor.agent(name)
    floor.choose("ana", Wish.PAUSE)
    floor.choose("bo", Wish.SIGN_OUT)
    floor.restart_engine()
    floor.call("c1")
    assert floor.ringing_now() == {"cora": "c1"}


def test_a_longest_wait_that_passed_meanwhile_is_over(floor: ContactCentre) -> None:
    floor.queue("hall", longest_wait_s=60.0, longest_wait_then=ToVoicemail("hall"))
    floor.call("c1")
    floor.kill_engine()
    floor.clock.advance(100)
    floor.start_engine()
    floor.clock.advance(0)
    assert floor.now("c1").state is state.CallState.VOICEMAIL


# --- killed at any moment


def rich_morning(centre: ContactCentre) -> None:
    """A bit of everything: menus, a full queue, a wait that ends, rings in vain, talks, a join that fails, messages."""
    centre.queue("taxes", needs={"taxes": 2}, full_waiting=1, full_then=ToQueue("hall"), wrap_up_s=10.0)
    recording = Recording("7", 86_400.0)
    centre.queue("hall", longest_wait_s=90.0, longest_wait_then=ToVoicemail("hall"), recording=recording)
    menu = Menu(
        "main", words({"it": "Premi 1."}), {"1": Key("taxes"), "2": Key("message"), "9": Key("main", "it")}, "hall"
    )
    steps: list[Step] = [
        Say("welcome", words({"it": "Benvenuti."}), "main"),
        menu,
        Queue("taxes", "taxes"),
        Queue("hall", "hall"),
        Voicemail("message", "hall", words({"it": "Dica."}), 20.0),
        HangUp("bye", words({"it": "Ciao."})),
    ]
    centre.service(dialplan("055055", steps))
    for name in AGENTS:
        centre.agent(name, skills={"taxes": 2} if name == "ana" else {})
        centre.clock.advance(1)
    centre.choose("cora", Wish.PAUSE, reason="lunch")
    for call in ("c1", "c2", "c3"):
        centre.call(call, number="055055")
    centre.call("c0", number="0559999")
    centre.clock.advance(3)
    centre.press("c1", "91")
    centre.press("c2", "1")
    centre.press("c3", "2")
    centre.turn_away("ana")
    centre.call("c4", "hall")
    centre.clock.advance(6)
    centre.line.joins_that_fail = 1
    centre.pick_up("bo")
    centre.pick_up("ana")
    centre.clock.advance(20)
    centre.choose("cora", Wish.READY)
    centre.hang_up("c1")
    centre.unplug("bo")
    centre.clock.advance(11)
    centre.pick_up("ana")
    centre.call("c5", number="055055")
    centre.call("c6", "taxes")
    centre.call("c7", "taxes")
    centre.clock.advance(1)
    centre.hang_up("c5")
    centre.plug_in("bo")
    centre.choose("cora", Wish.SIGN_OUT)
    centre.put_down("ana")
    centre.clock.advance(95)


def all_are_rung(centre: ContactCentre) -> None:
    """Calls for which all are rung: answered, turned away, given up by the caller, left to ring."""
    centre.queue("hall", pick=Pick.RING_ALL, wrap_up_s=10.0)
    for name in AGENTS:
        centre.agent(name)
        centre.clock.advance(1)
    for call in ("c0", "c1"):
        centre.call(call)
    centre.turn_away("bo")
    centre.pick_up("cora")
    centre.clock.advance(6)
    centre.line.joins_that_fail = 1
    centre.pick_up("bo")
    centre.hang_up("c1")
    centre.put_down("cora")
    centre.clock.advance(60)
    centre.call("c2")
    centre.clock.advance(22)
    centre.hang_up("c2")


def handing_on_morning(centre: ContactCentre) -> None:
    """Callers handed on to agents, to a telephone, to both; some are answered there, others come back, one gives up."""
    centre.queue("hall", needs={"hall": 1}, wrap_up_s=5.0)
    centre.queue("experts", needs={"experts": 1}, wrap_up_s=5.0, while_waiting=WhileWaiting(call_back_key="5"))
    centre.office("city/experts", "experts", answer_within_s=20.0)
    centre.office("city/registry", phone="+39055759")
    centre.office("city/both", "experts", "+39055760", answer_within_s=10.0)
    step = Transfer("office", "city/both", "+39055760", "hall", queue="experts", answer_within_s=10.0)
    centre.service(dialplan("1", [step, Queue("hall", "hall")]))
    for name, skill in zip(AGENTS, ("hall", "experts", "hall"), strict=True):
        centre.agent(name, skills={skill: 1})
    for call in ("c0", "c1", "c2"):
        centre.call(call)
    centre.pick_up("ana")
    centre.pick_up("cora")
    centre.clock.advance(9)
    centre.hand_on("c0", "city/experts", "a note")
    centre.clock.advance(3)
    centre.pick_up("bo")
    centre.hand_on("c1", "city/experts")  # bo is busy: it will come back
    centre.call("c3", number="1")
    centre.clock.advance(5)
    centre.pick_up("ana")
    centre.hand_on("c2", "city/registry")
    centre.hand_on("c0", "hall")
    centre.press("c1", "5")
    centre.clock.advance(11)
    centre.pick_up("+39055759")
    centre.clock.advance(20)
    centre.put_down("+39055759")
    centre.hang_up("c1")
    for agent in centre.ringing_now():
        centre.pick_up(agent)
    centre.clock.advance(30)


@dataclass(frozen=True)
class Death:
    """What was so when the engine died, right after it had written its last entry."""

    entries: list[Entry]
    truth: Truth
    now_s: float


def deaths(folder: Path, morning: Callable[[ContactCentre], None]) -> Iterator[Death]:
    centre = ContactCentre(folder)
    written: list[Death] = []

    def die(entry: Entry) -> None:
        written.append(Death(list(centre.entries), copy.deepcopy(centre.line.truth), centre.clock.now_s()))

    centre.on_entry = die
    morning(centre)
    centre.people.close()
    yield from written


def nothing(centre: ContactCentre) -> None:
    """While the engine is dead, nothing happens."""


def phones_are_answered(centre: ContactCentre) -> None:
    for agent in centre.ringing_now():
        centre.line.pick_up(phone_of(agent))


def phones_stop(centre: ContactCentre) -> None:
    centre.clock.advance(40)


def callers_leave(centre: ContactCentre) -> None:
    for leg in [leg.id for leg in centre.line.truth.legs.values() if leg.arrived]:
        centre.line.put_down(leg)


def agents_leave(centre: ContactCentre) -> None:
    for leg in [leg.id for leg in centre.line.truth.legs.values() if leg.phone]:
        centre.line.put_down(leg)


def everything_restarts(centre: ContactCentre) -> None:
    for leg in list(centre.line.truth.legs):
        centre.line.put_down(leg)


def work_on_until_all_is_done(centre: ContactCentre) -> None:
    """Agents take what rings and hang up; no caller ever gives up, so that each must be led to an end."""
    for agent in AGENTS:
        now = centre.house.agents.get(agent)
        if now and now.chosen != "ready":
            centre.choose(agent, Wish.READY if now.chosen == "paused" else Wish.SIGN_IN)
    for _ in range(ROUNDS_MAX):
        if not centre.house.calls:
            return
        for agent in centre.ringing_now():
            if agent in centre.ringing_now():  # else somebody else has answered
                centre.pick_up(agent)
        centre.clock.advance(10)
        for agent in centre.talking_now():
            centre.put_down(agent)
    raise AssertionError(centre.house.calls)


MEANWHILE: tuple[Callable[[ContactCentre], None], ...] = (
    nothing,
    phones_are_answered,
    phones_stop,
    callers_leave,
    agents_leave,
    everything_restarts,
)


@pytest.fixture
def faults() -> Iterator[list[str]]:
    heard, log = Faults(), logging.getLogger("centralino")
    log.addHandler(heard)
    yield heard.said
    log.removeHandler(heard)
    assert heard.said == []


@pytest.mark.parametrize(("morning", "calls"), [(rich_morning, 8), (all_are_rung, 3), (handing_on_morning, 4)])
@pytest.mark.parametrize("meanwhile", MEANWHILE, ids=lambda happens: happens.__name__)
def test_killed_at_any_entry_the_next_engine_brings_every_call_to_its_end(
    tmp_path: Path,
    faults: list[str],
    morning: Callable[[ContactCentre], None],
    calls: int,
    meanwhile: Callable[[ContactCentre], None],
) -> None:
    pattern = ContactCentre(tmp_path)
    morning(pattern)
    everybody = {entry.event.call for entry in pattern.entries if isinstance(entry.event, ev.CallArrived)}
    assert everybody == {f"c{n}" for n in range(calls)}
    for death in deaths(tmp_path, morning):
        centre = pattern.as_it_was(death.entries, death.truth, death.now_s, tmp_path)
        meanwhile(centre)
        centre.start_engine()
        assert not faults, f"after entry {len(death.entries)}: {faults}"
        work_on_until_all_is_done(centre)
        centre.clock.advance(60)
        assert not faults, f"after entry {len(death.entries)}: {faults}"
        assert centre.line.truth.legs == {}
        assert centre.house.recordings == {}
        assert {agent.doing for agent in centre.switchboard.floor.agents.values()} <= {Doing.FREE}
        centre.check_rings()
        came = {entry.event.call for entry in centre.entries if isinstance(entry.event, ev.CallArrived)}
        assert came == centre.outcomes().keys()
        centre.people.close()
    pattern.people.close()


def test_killed_again_and_again_the_house_stays_what_the_journal_says(floor: ContactCentre) -> None:
    rich_morning(floor)
    for call, agent in itertools.zip_longest(("c10", "c11", "c12"), AGENTS[:2]):
        floor.call(call)
        floor.restart_engine()
        if agent in floor.ringing_now():
            floor.pick_up(agent)
        floor.restart_engine()
        assert plain(recovery.fold(House(), floor.entries)) == plain(floor.house)


# --- what a reviewer found


def test_while_the_line_is_lost_nobody_is_led_through_words_that_they_cannot_hear(floor: ContactCentre) -> None:
    floor.queue("hall", longest_wait_s=60.0, longest_wait_then=ToVoicemail("hall"))
    menu = Menu("main", words({"it": "Premi 1."}), {"1": Key("hall")}, "hall", tries=2)
    floor.service(dialplan("7", [menu, Queue("hall", "hall")]))
    floor.call("waits")
    floor.call("chooses", number="7")
    floor.clock.advance(3)  # the menu was heard: a key is awaited
    floor.cut_line()
    floor.clock.advance(300)
    assert (floor.now("waits").state, floor.now("chooses").state) == (CallState.QUEUED, CallState.IN_MENU)
    floor.connect_line()
    assert floor.now("waits").state is CallState.VOICEMAIL
    assert floor.hears("waits")
    assert floor.hears("chooses") == "Premi 1."


def test_the_announcement_for_an_unknown_number_is_said_again_whole_after_a_restart(floor: ContactCentre) -> None:
    floor.call("c1", number="no such number")
    floor.restart_engine()
    assert floor.hears("c1") == said(Sentence.UNKNOWN_NUMBER)
    floor.clock.advance(2)
    assert floor.outcomes() == {"c1": Outcome.UNKNOWN_NUMBER}


def test_two_who_could_not_be_joined_count_as_one_answer_at_last(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.line.joins_that_fail = 1
    floor.call("c1")
    floor.pick_up("ana")
    floor.clock.advance(40)
    floor.pick_up("ana")
    count = floor.house.totals["hall"]
    assert (count.offered, count.answered, count.talked) == (1, 1, 0)
    assert count.wait_sum_s == pytest.approx(40)


def test_a_talk_has_lasted_since_it_began_also_after_a_restart(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.clock.advance(3600)
    floor.call("c1")
    floor.pick_up("ana")
    began_s = floor.clock.now_s()
    floor.clock.advance(5)
    floor.restart_engine()
    assert floor.switchboard.floor.agents["ana"].since_s == began_s
    floor.put_down("ana")
    ended_s = floor.clock.now_s()
    floor.restart_engine()
    assert floor.switchboard.floor.agents["ana"].since_s == ended_s


def test_a_number_that_left_the_yaml_lets_its_callers_go_with_a_word(floor: ContactCentre) -> None:
    menu = Menu("main", words({"it": "Premi 1."}), {"1": Key("hall")}, "hall")
    floor.service(dialplan("7", [menu, Queue("hall", "hall")]))
    floor.call("c1", number="7")
    floor.kill_engine()
    del floor.dialplans["7"]
    floor.start_engine()
    assert floor.hears("c1") == said(Sentence.UNKNOWN_NUMBER)
    floor.clock.advance(2)
    assert "c1" in floor.outcomes()


def test_a_wish_that_is_refused_changes_nothing(floor: ContactCentre) -> None:
    floor.agent("ana")
    floor.call("c1")
    floor.pick_up("ana")
    floor.choose("ana", Wish.SIGN_OUT)
    floor.put_down("ana")
    with pytest.raises(Refused):
        floor.choose("ana", Wish.READY)
    assert floor.count(ev.WrapUpEnded) == 0


def test_a_service_that_stops_counts_no_caller_as_having_given_up(floor: ContactCentre) -> None:
    floor.call("c1")
    floor.switchboard.end_all("the service was stopped")
    floor.settle()
    assert floor.outcomes() == {"c1": Outcome.FAILED}
    assert floor.house.totals["hall"].abandoned == 0
