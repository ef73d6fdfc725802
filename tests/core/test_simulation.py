"""The floor in simulated time: against a waiting room that anybody can check, and by what happens to callers."""

import math
from collections.abc import Iterable
from dataclasses import astuple, fields, replace
from random import Random

import pytest

from acd.agent import AgentProfile
from acd.arrivals import Caller, Exponential, Hour, Kind, LogNormal, Patience, callers
from acd.erlang import Load
from acd.goto import Goto, HangUp, ToQueue, ToVoicemail
from acd.rules import Opening, Pick, QueueRules, SiteRules
from acd.service_level import Tally, Variant, total
from acd.simulation import Change, Manners, Result, Simulation
from bench.theory import ERROR_MOST, ROWS, in_the_room, measure, on_the_floor, who_calls

DAY_S = 86_400.0
AT_ONCE = Manners()


def queue(name: str = "hall", **said: object) -> QueueRules:
    return QueueRules(name, **{"sites": (SiteRules("laquila"),), "wrap_up_s": 0.0} | said)  # type: ignore[arg-type]


def agent(name: str, site: str = "laquila", **skills: int) -> AgentProfile:
    return AgentProfile(name, f"p-{name}", site, skills, frozenset({"it"}))


def hall(count: int) -> list[Change]:
    return [Change(0.0, agent(f"a{n:03}")) for n in range(count)]


def simulate(
    rules: Iterable[QueueRules],
    changes: Iterable[Change],
    who_calls: Iterable[Caller],
    *,
    until_s: float = DAY_S,
    manners: Manners = AT_ONCE,
) -> Result:
    simulation = Simulation({one.name: one for one in rules}, changes, who_calls, Random(5), manners)
    simulation.run_until(until_s)
    assert simulation.calls_now == 0
    return simulation.result(until_s)


def total_of(result: Result, queue: str = "") -> Tally:
    """Of one queue, or of all."""
    return total(tally for of, tally in result.calls.items() if queue in ("", of.queue))


# --- theory


@pytest.mark.parametrize("name", ROWS)
def test_the_floor_lets_each_caller_wait_as_long_as_the_plain_waiting_room(name: str) -> None:
    load, agents = ROWS[name]
    floor, room = on_the_floor(load, agents, 2_000, seed=3), total(in_the_room(load, agents, 2_000, seed=3))
    assert astuple(floor) == pytest.approx(astuple(replace(room, abandoned_short=floor.abandoned_short)))


SERVICES = ("055055, 5 agents", "055055, 6 agents", "055055, 7 agents")
OTHERS = ("one agent", "055055, 4 agents, 3 minutes", "overloaded")


@pytest.mark.parametrize("name", [*SERVICES, *OTHERS])
def test_the_floor_comes_to_the_formulas_of_erlang_within_one_percent(name: str) -> None:
    """What chance does to so few calls is taken out, as bench/theory.py says, which has all rows."""
    row = measure(name, 10_000, seed=11)
    assert row.calls == 10_000
    assert all(abs(error) < ERROR_MOST for error in astuple(row.errors)), row
    assert row.floor.asa_s == pytest.approx(row.formula.asa_s, abs=2 * row.give_or_take_s)
    assert row.floor.in_time == pytest.approx(row.formula.in_time, abs=0.03)


# --- chance


def test_callers_come_as_often_and_talk_as_long_as_the_profile_says() -> None:
    hours = [Hour(0.0, 3600.0, 20_000, 8), Hour(3600.0, 7200.0, 10_000, 9)]
    kinds = [Kind("hall", LogNormal(123.0, 100.0), 3, "it"), Kind("civil", Exponential(60.0), 1, "en")]
    who = list(callers(hours, kinds, Patience(180.0, short_share=0.1), Random(1)))
    assert sum(caller.hour == 8 for caller in who) == pytest.approx(20_000, rel=0.02)
    assert sum(caller.hour == 9 for caller in who) == pytest.approx(10_000, rel=0.03)
    in_hall = [caller for caller in who if caller.queue == "hall"]
    assert len(in_hall) / len(who) == pytest.approx(0.75, abs=0.01)
    assert sum(caller.talk_s for caller in in_hall) / len(in_hall) == pytest.approx(123.0, rel=0.02)
    at_once = 0.1 + 0.9 * (1 - math.exp(-5 / 180))
    assert sum(caller.patience_s <= 5 for caller in who) / len(who) == pytest.approx(at_once, abs=0.01)
    assert [caller.at_s for caller in who] == sorted(caller.at_s for caller in who)


def test_the_same_seeds_give_the_same_run() -> None:
    def run() -> Result:
        who = who_calls(Load(0.05, 100.0, 60.0), 500, seed=1)
        return simulate([queue()], hall(5), who, until_s=math.inf, manners=Manners(pick_up_s=4.0))

    assert run() == run()


# --- what happens to callers and agents


def test_who_gives_up_is_counted_in_time_and_as_short() -> None:
    who = [Caller(0.0, "hall", 60.0, 3.0), Caller(1.0, "hall", 60.0, 15.0), Caller(2.0, "hall", 60.0, 90.0)]
    tally = total_of(simulate([queue()], [], who))
    assert (tally.abandoned, tally.abandoned_in_time, tally.abandoned_short) == (3, 2, 1)
    assert tally.abandonment == 1
    assert tally.asa_s is None


@pytest.mark.parametrize(("then", "ends"), [(ToVoicemail("hall"), {"voicemail": 1}), (HangUp(), {"led_away": 1})])
def test_who_waits_too_long_goes_where_the_queue_says(then: Goto, ends: dict[str, int]) -> None:
    tally = total_of(simulate([queue(longest_wait_s=60.0, longest_wait_then=then)], [], [Caller(0.0, "hall", 60.0)]))
    counted = {one.name: getattr(tally, one.name) for one in fields(tally)}
    assert {name: count for name, count in counted.items() if count} == {"came": 1, **ends}


def test_who_finds_a_full_queue_goes_on_to_another_and_keeps_the_place_of_the_first_entry() -> None:
    who = [Caller(0.0, "taxes", 60.0), Caller(5.0, "taxes", 60.0), Caller(6.0, "hall", 60.0)]
    changes = [Change(100.0, agent("ana"))]
    after_200s = {"longest_wait_s": 200.0, "longest_wait_then": ToVoicemail("taxes")}
    full = queue("taxes", full_waiting=1, full_then=ToQueue("hall"), needs={"taxes": 1}, **after_200s)
    result = simulate([full, queue()], changes, who)
    taxes, other = total_of(result, "taxes"), total_of(result, "hall")
    assert (taxes.came, taxes.sent_on, taxes.voicemail) == (2, 1, 1)
    assert (other.came, other.sent_here, other.answered) == (1, 1, 2)
    assert other.waited_s == (100 - 5) + (160 - 6)


def test_two_full_queues_that_lead_to_each_other_end_in_waiting() -> None:
    rules = [
        queue("taxes", full_waiting=1, full_then=ToQueue("hall")),
        queue("hall", full_waiting=1, full_then=ToQueue("taxes")),
    ]
    who = [Caller(float(n), name, 10.0) for n, name in enumerate(("taxes", "hall", "taxes", "hall"))]
    tally = total_of(simulate(rules, [Change(50.0, agent("ana"))], who))
    assert (tally.came, tally.answered) == (4, 4)


def test_agents_are_here_for_their_shifts_only() -> None:
    changes = [Change(0.0, agent("ana")), Change(100.0, agent("ana"), is_here=False), Change(500.0, agent("bo"))]
    who = [Caller(10.0, "hall", 30.0), Caller(90.0, "hall", 30.0), Caller(120.0, "hall", 30.0)]
    result = simulate([queue(wrap_up_s=10.0)], changes, who)
    hands = result.agents
    assert (hands["ana"].here_s, hands["ana"].busy_s, hands["ana"].calls) == (100, 40 + 10, 2)
    assert (hands["bo"].busy_s, hands["bo"].calls) == (40, 1)
    assert total_of(result).waited_s == 500 - 120


def test_who_does_not_answer_is_paused_for_a_while_and_then_there_again() -> None:
    who = [Caller(float(n), "hall", 1.0) for n in range(0, 3_000, 30)]
    result = simulate([queue(ring_s=10.0, unanswered_pause_s=60.0)], hall(2), who, manners=Manners(pick_up_s=10.0))
    assert total_of(result).answered == 100


def test_a_phone_that_is_not_answered_in_time_goes_to_the_next_agent() -> None:
    who = [Caller(float(n), "hall", 1.0) for n in range(0, 3_000, 30)]
    rules = queue(ring_s=10.0, unanswered_most=100)
    result = simulate([rules], hall(2), who, manners=Manners(pick_up_s=10.0))
    tally = total_of(result)
    assert tally.answered == tally.came == 100
    assert 4 < (tally.asa_s or 0) < 20


def test_where_all_are_rung_the_quickest_answers_and_the_others_lose_no_time() -> None:
    who = [Caller(float(n), "hall", 10.0) for n in range(0, 30_000, 100)]
    asa_s = {}
    for pick in (Pick.LONGEST_IDLE, Pick.RING_ALL):
        result = simulate([queue(pick=pick, ring_s=60.0)], hall(3), who, manners=Manners(pick_up_s=9.0))
        tally = total_of(result)
        assert tally.answered == 300
        asa_s[pick] = tally.waited_s / 300
    assert asa_s[Pick.LONGEST_IDLE] == pytest.approx(9.0, rel=0.2)
    assert asa_s[Pick.RING_ALL] == pytest.approx(3.0, rel=0.2), "the first of three"
    at_once = simulate([queue(pick=Pick.RING_ALL)], hall(3), who[:1]).agents.values()
    assert sorted(hands.busy_s for hands in at_once) == [0, 0, 10]


def test_further_sites_open_by_their_rules_and_are_counted_apart() -> None:
    sites = (SiteRules("laquila"), SiteRules("roma", Opening(after_s=30.0)))
    changes = [Change(0.0, agent("ana")), Change(0.0, agent("rea", "roma"))]
    who = [Caller(0.0, "civil", 500.0), Caller(1.0, "civil", 60.0)]
    result = simulate([queue("civil", sites=sites)], changes, who)
    assert {site: tally.waited_s for (_, site), tally in result.by_site.items()} == {"laquila": 0, "roma": 30}


# --- the four meanings of service level


def test_the_four_variants_on_one_data_set() -> None:
    tally = Tally(answered=1000, answered_in_time=860, abandoned=60, abandoned_in_time=20)
    levels = [round(100 * (tally.service_level(variant) or 0)) for variant in Variant]
    assert levels == [83, 86, 81, 83]
