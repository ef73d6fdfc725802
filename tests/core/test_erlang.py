"""The formulas against figures that are known, and against chance."""

import math
from dataclasses import astuple

import pytest

from acd.erlang import Load, agents_needed, erlang_b, erlang_c, expected
from bench.theory import IMPATIENT, LONG_RUN, LONG_SEED, OFFICE, PATIENT, WITHIN_S
from bench.waiting_room import long_run


@pytest.mark.parametrize(("agents", "in_time", "asa_s"), [(5, 0.728, 27.3), (6, 0.893, 7.7), (7, 0.962, 2.3)])
def test_erlang_c_gives_the_figures_of_the_services(agents: int, in_time: float, asa_s: float) -> None:
    told = expected(OFFICE, agents, WITHIN_S)
    assert told.answered_in_time == pytest.approx(in_time, abs=0.0005)
    assert told.asa_s == pytest.approx(asa_s, abs=0.05)


def test_five_agents_cannot_carry_calls_of_three_minutes() -> None:
    told = expected(Load(100 / 3600, 180.0), 5, WITHIN_S)
    assert told.asa_s == math.inf
    assert told.answered_in_time == 0


def test_erlang_b_and_c_are_those_of_the_tables() -> None:
    assert erlang_b(10, 10) == pytest.approx(0.21458, abs=1e-5)
    assert erlang_b(100, 117) == pytest.approx(0.01, abs=1e-3)
    assert erlang_c(8, 10) == pytest.approx(0.40918, abs=1e-5)
    assert erlang_c(0.5, 1) == pytest.approx(0.5)


def test_with_endless_patience_erlang_a_is_erlang_c() -> None:
    for agents in (5, 6, 7, 20):
        patient = expected(Load(OFFICE.calls_per_s, OFFICE.handling_s, 1e9), agents, WITHIN_S)
        assert astuple(patient) == pytest.approx(astuple(expected(OFFICE, agents, WITHIN_S)), rel=1e-4, abs=1e-6)


def test_with_patience_no_load_is_too_much() -> None:
    told = expected(Load(1.0, 300.0, 120.0), 100, WITHIN_S)
    assert told.abandoned == pytest.approx(2 / 3, abs=0.001)
    assert told.occupancy == pytest.approx(1.0, abs=0.001)


@pytest.mark.parametrize("agents", [1, 30, 3_000, 9_000])
@pytest.mark.parametrize("within_s", [0.0, 20.0, 900.0])
def test_erlang_a_holds_for_halls_of_any_size(agents: int, within_s: float) -> None:
    told = expected(Load(agents / 123.0, 123.0, 90.0), agents, within_s)
    assert all(0 <= share <= 1 for share in (told.answered_in_time, told.abandoned, told.waits, told.occupancy))
    assert told.answered_in_time + told.abandoned_in_time <= 1 + 1e-9


def test_the_fewest_agents_who_reach_a_target() -> None:
    assert agents_needed(OFFICE, 0.80, WITHIN_S) == 6
    assert agents_needed(OFFICE, 0.90, WITHIN_S) == 7
    assert agents_needed(Load(OFFICE.calls_per_s, OFFICE.handling_s, 180.0), 0.80, WITHIN_S) == 5
    assert [agents_needed(Load(per_s, 100.0), 0.80, WITHIN_S) for per_s in (99.92, 99.93, 1e6)] == [10_000, None, None]


def test_the_fewest_of_a_large_hall_are_found_without_trying_all() -> None:
    load = Load(20_000 / 3600, 123.0, 3600.0)
    found = agents_needed(load, 0.80, WITHIN_S)
    assert found == 688
    assert expected(load, 687, WITHIN_S).answered_in_time < 0.80 <= expected(load, 688, WITHIN_S).answered_in_time


def test_nobody_who_gives_up_within_a_second_waits_for_an_hour() -> None:
    told = expected(Load(OFFICE.calls_per_s, OFFICE.handling_s, 1.0), 4, 3600.0)
    assert told.answered_in_time == pytest.approx(1 - told.abandoned)


@pytest.mark.parametrize("name", PATIENT)
def test_erlang_c_is_what_chance_makes_of_it(name: str) -> None:
    load, agents = PATIENT[name]
    formula, chance = expected(load, agents, WITHIN_S), long_run(load, agents, WITHIN_S, LONG_RUN, LONG_SEED)
    assert chance.answered_in_time == pytest.approx(formula.answered_in_time, rel=0.01)
    assert chance.asa_s == pytest.approx(formula.asa_s, rel=0.01)
    assert chance.waits == pytest.approx(formula.waits, rel=0.01)


@pytest.mark.parametrize("name", IMPATIENT)
def test_erlang_a_is_what_chance_makes_of_it(name: str) -> None:
    load, agents = IMPATIENT[name]
    formula, chance = expected(load, agents, WITHIN_S), long_run(load, agents, WITHIN_S, LONG_RUN // 3, LONG_SEED)
    assert astuple(chance) == pytest.approx(astuple(formula), rel=0.01)
