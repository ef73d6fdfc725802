"""Days of the deployment that ships, in simulated time: who is here, who calls, and what the commands say of it."""

import json
import multiprocessing
import os
import shutil
import time
from dataclasses import replace
from datetime import date
from multiprocessing.process import BaseProcess
from pathlib import Path
from statistics import fmean
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from acd.erlang import expected
from acd.service_level import Variant
from acd.simulation import Result as Simulated
from agents.roster import Agent
from centralino import replications, staffing
from centralino.cli import app
from centralino.outcomes import Estimate, estimate, rows
from centralino.profiles import Profile, load_profile
from centralino.settings import Configuration, load
from centralino.simulating import Plan, World, joined, parts, simulate, world_of
from ivr.hours import Hours, read_hours
from tests.core.test_docs import ROOT

WEDNESDAY = date(2026, 1, 7)
HOUR_S = 3600.0
ENDS_WITHIN_S = 10.0


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load(ROOT)


@pytest.fixture(scope="module")
def civil(configuration: Configuration) -> Profile:
    return load_profile(ROOT / "profiles" / "800840840.yaml", configuration)


def plan_of(profile: Profile, days: int = 1, begin: date = WEDNESDAY, seed: int = 1) -> Plan:
    return Plan((profile,), begin, days, seed)


def run(here: World, plan: Plan, replication: int = 0) -> Simulated:
    return simulate(here, plan, replication, lambda: None)


def hours(**said: str) -> Hours:
    read, mistakes = read_hours({key.replace("_", "-"): value for key, value in said.items()})
    assert not mistakes
    return read


@pytest.fixture
def here(configuration: Configuration, civil: Profile) -> World:
    return world_of(configuration, civil.queues)


def one_agent(here: World, **changed: Any) -> Agent:
    return replace(here.agents[0], **changed)


def here_h(result: Simulated) -> dict[str, float]:
    return {name: hands.here_s / HOUR_S for name, hands in result.agents.items()}


# --- who is here


def test_only_agents_who_may_take_these_calls_take_part(here: World, configuration: Configuration) -> None:
    ids = {agent.id for agent in here.agents}
    assert "a1001" in ids
    assert "a2007" not in ids, "who only knows Rome"
    assert len(ids) < len(configuration.roster.agents)


def test_agents_are_here_by_their_shifts(here: World, civil: Profile) -> None:
    early, night = hours(mon_fri="07:00-13:00"), hours(mon_sun="22:00-06:00")
    agents = [one_agent(here, id="early", shift=early), one_agent(here, id="night", shift=night, rank=1)]
    result = run(replace(here, agents=agents), plan_of(replace(civil, no_show=0.0), days=2))
    assert here_h(result) == pytest.approx({"early": 12, "night": 6 + 8 + 2}, abs=0.1)


def test_who_has_no_shift_is_here_while_the_number_is_open(here: World, civil: Profile) -> None:
    result = run(replace(here, agents=[one_agent(here, shift=None)]), plan_of(replace(civil, no_show=0.0), days=5))
    assert here_h(result) == pytest.approx({here.agents[0].id: 27}, abs=0.1)  # Wed, Thu, Fri


def test_some_do_not_come_to_their_shifts(here: World, civil: Profile) -> None:
    result = run(here, plan_of(replace(civil, days=(9.0,) * 7, no_show=0.5), days=28))
    days = 20 * len(here.agents)
    assert sum(here_h(result).values()) / 9 == pytest.approx(days / 2, rel=0.12)


# --- who calls


def test_nobody_comes_to_a_queue_while_the_number_is_closed(here: World, civil: Profile) -> None:
    def calls(begin: date) -> int:
        return sum(tally.came for tally in run(here, plan_of(civil, begin=begin)).calls.values())

    assert calls(WEDNESDAY) == pytest.approx(620, rel=0.15)
    assert calls(date(2026, 1, 6)) == 0, "Epiphany, a Tuesday"
    assert calls(date(2026, 1, 10)) == 0, "a Saturday"


def test_calls_come_at_the_local_hours_of_the_profile_also_after_the_clock_changed(here: World, civil: Profile) -> None:
    result = run(here, plan_of(civil, days=8, begin=date(2026, 3, 25)))
    assert {of.hour for of in result.calls} == set(range(9, 18))
    assert not sum(tally.voicemail + tally.led_away for tally in result.calls.values())


def test_other_chances_give_other_days_and_the_same_seed_the_same(here: World, civil: Profile) -> None:
    assert run(here, plan_of(civil)).calls == run(here, plan_of(civil)).calls
    assert run(here, plan_of(civil)).calls != run(here, plan_of(civil), replication=1).calls
    assert run(here, plan_of(civil)).calls != run(here, plan_of(civil, seed=2)).calls


def test_two_configurations_have_the_same_callers(here: World, civil: Profile) -> None:
    few = replace(here, agents=here.agents[:3])
    came = [{of: tally.came for of, tally in run(one, plan_of(civil)).calls.items()} for one in (here, few)]
    assert came[0] == came[1]


def test_two_numbers_share_their_agents(configuration: Configuration, civil: Profile) -> None:
    florence = load_profile(ROOT / "profiles" / "055055.yaml", configuration)
    plan = Plan((civil, florence), WEDNESDAY, 1, 1)
    result = run(world_of(configuration, plan.queues), plan)
    assert {of.queue for of in result.calls} == {"protezione-civile", "centralino", "tributi", "anagrafe"}


def test_a_long_run_is_simulated_in_parts_that_are_joined(here: World, civil: Profile) -> None:
    plan = plan_of(replace(civil, days=(20.0,) * 7), days=30)
    each = parts(plan)
    assert [(part.begin, part.days) for part in each] == [
        (date(2026, 1, 7), 14),
        (date(2026, 1, 21), 14),
        (date(2026, 2, 4), 2),
    ]
    results = [run(here, part) for part in each]
    whole = joined(results)
    for total, said in (("came", "calls"), ("answered", "by_site")):
        counts = [sum(getattr(tally, total) for tally in getattr(one, said).values()) for one in (*results, whole)]
        assert counts[-1] == sum(counts[:-1]) > 0
    assert sum(here_h(whole).values()) == pytest.approx(sum(sum(here_h(one).values()) for one in results))


# --- how sure


def test_an_estimate_is_as_sure_as_its_replications_agree() -> None:
    assert estimate([5.0]) == Estimate(5.0)
    assert estimate([None]) is None
    told = estimate([1.0, 2.0, 3.0])
    assert told is not None
    assert told.mean == 2
    assert told.give_or_take == pytest.approx(4.30 / 3**0.5)


# --- the commands


def centralino(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


SIMULATE = ("simulate", "--config", ROOT, "--profile", "800840840", "--days", "1", "--replications", "2")


def test_simulate_tells_of_queues_sites_and_entities() -> None:
    told = centralino(*SIMULATE)
    assert told.exit_code == 0, told.output
    for name in ("all", "by queue", "protezione-civile ≤ 20 s", "by site", "laquila", "roma", "by entity"):
        assert name in told.output


def test_simulate_for_machines_is_the_same_each_time() -> None:
    told = json.loads(centralino(*SIMULATE, "--json").stdout)
    assert told == json.loads(centralino(*SIMULATE, "--json").stdout)
    queue = next(row for row in told["rows"] if row["of"] == "queue")
    assert queue["of_answered"]["mean"] >= queue["of_all"]["mean"]
    assert queue["of_all"]["give_or_take"] is not None


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The deployment with three agents in L'Aquila, and Rome only by hand."""
    for file in ("centralino.yaml", "queues.yaml", "agents.yaml", "entities.yaml"):
        shutil.copy(ROOT / file, tmp_path)
    shutil.copytree(ROOT / "dialplans", tmp_path / "dialplans")
    lines = (tmp_path / "agents.yaml").read_text().splitlines(keepends=True)
    gone = [f"  a1{n:03}:" for n in range(2, 14)]
    (tmp_path / "agents.yaml").write_text("".join(line for line in lines if not line.startswith(tuple(gone))))
    queues = tmp_path / "queues.yaml"
    rule = "{after: 30s, or_waiting_over: 4, or_when_nobody_at: laquila, agents_at_most: 15, back_after: 15m}"
    queues.write_text(queues.read_text().replace(rule, "{by_hand: true}"))
    return tmp_path


def test_simulate_says_what_a_change_changes(before: Path) -> None:
    told = centralino(*SIMULATE, "--against", before)
    assert told.exit_code == 0, told.output
    assert "this change takes protezione-civile from " in told.output.replace("\n", " ")
    same = centralino(*SIMULATE, "--against", ROOT)
    assert "this change leaves protezione-civile as it is" in same.output.replace("\n", " ")


def test_simulate_draws_a_picture_that_loads_nothing(tmp_path: Path) -> None:
    file = tmp_path / "day.svg"
    assert centralino(*SIMULATE, "--plot", file).exit_code == 0
    assert ElementTree.parse(file).getroot().tag.endswith("svg")
    assert "<script" not in file.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--profile", "112"), "there is no profile 112; known: 020202, 055055, 060606, 800840840"),
        (("--profile", "055055", "--from", "soon"), "`soon` is no day"),
        (("--profile", "055055", "--from", "9999-12-31"), "the year of `9999-12-31` is out of range"),
        (("--profile", "055055", "--from", "2199-01-01", "--days", "3660"), "write one from 2000 to 2189"),
        (("--profile", "055055", "--profile", "055055"), "055055 is given by two profiles: name it once"),
    ],
)
def test_simulate_refuses_what_it_cannot_do_in_a_sentence(words: tuple[str, ...], said: str) -> None:
    told = centralino("simulate", "--config", ROOT, *words)
    assert told.exit_code != 0
    assert said in str(told.exception)


def test_simulate_tells_what_it_came_to_also_where_the_picture_cannot_be_written(tmp_path: Path) -> None:
    told = centralino(*SIMULATE, "--plot", tmp_path / "nowhere" / "day.svg")
    assert "protezione-civile" in told.stdout
    assert "No such file" in str(told.exception)


def test_simulate_says_so_where_nobody_calls() -> None:
    told = centralino("simulate", "--config", ROOT, "--profile", "800840840", "--from", "2026-11-22", "--days", 1)
    assert "Nobody calls in these days" in told.stdout


def test_who_calls_in_few_of_the_replications_counts_as_nobody_in_the_others(here: World, civil: Profile) -> None:
    busy = run(here, plan_of(civil))
    told = rows([busy, Simulated({}, {}, {}), Simulated({}, {}, {}), Simulated({}, {}, {})], here.rules)
    calls, queue = (told[key]["calls"] for key in (("all", ""), ("queue", "protezione-civile")))
    assert calls is not None
    assert queue == calls
    assert told["queue", "protezione-civile"]["of_all"] is None, "in some there was nothing to measure"


def test_ctrl_c_ends_a_simulation_at_once(here: World, civil: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    workers: list[BaseProcess] = []

    def pressed(*_: object, **__: object) -> None:
        workers.extend(multiprocessing.active_children())
        raise KeyboardInterrupt

    monkeypatch.setattr(replications, "wait", pressed)
    began_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        replications.run([here], plan_of(civil, days=3650), Console(quiet=True))
    assert time.monotonic() - began_s < ENDS_WITHIN_S
    assert workers
    for worker in workers:
        worker.join(ENDS_WITHIN_S)
    # why not active_children: a worker whose end another thread saw first stands there for ever
    assert not [worker.pid for worker in workers if psutil.pid_exists(worker.pid or 0)]


def test_who_simulates_for_somebody_who_is_gone_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    replications._end_with(parent=-1)
    assert ended == [1]


def test_staff_answers_three_times_over() -> None:
    told = json.loads(centralino("staff", "--calls", "100/h", "--aht", "123s", "--target", "80%/20s", "--json").stdout)
    assert told["agents_needed"] == {"erlang_c": 6, "erlang_a": 5, "simulation": 5}
    five = next(row for row in told["rows"] if row["agents"] == 5)
    assert five["erlang_c"]["answered_in_time"] == pytest.approx(0.728, abs=0.001)
    assert five["simulated"]["of_all"] == pytest.approx(five["erlang_a"]["answered_in_time"], abs=0.02)


@pytest.mark.parametrize(
    ("seed", "by_simulation", "agents"),
    [  # so few calls are soon lucky, or not
        (2, 103, [98, 99, 100, 102, 103, 106, 107, 108]),
        (3, 99, [98, 99, 100, 103, 106, 107, 108]),
        (7, None, [98, 99, 100, 103, 106, 107, 108]),
    ],
)
def test_staff_simulates_the_numbers_near_both_formulas_and_finds_its_own_between_them_by_halves(
    monkeypatch: pytest.MonkeyPatch, seed: int, by_simulation: int | None, agents: list[int]
) -> None:
    monkeypatch.setattr(staffing.Question, "calls", 300)
    found = staffing.answer(staffing.read_question("2000/h", "3m", "80%/20s", "3m"), seed)
    assert (found.by_erlang_a, found.by_erlang_c, found.by_simulation) == (99, 107, by_simulation)
    assert [row.agents for row in found.rows] == agents


def test_staff_counts_nothing_before_a_large_hall_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staffing.Question, "calls", 200)  # two each: all in time if the hall were empty
    question = staffing.read_question("3000/h", "123s", "80%/20s", "3m")
    levels = [staffing.row_of(question, 99, seed).simulated.service_level(Variant.OF_ALL) or 0.0 for seed in range(10)]
    formula = expected(question.load, 99, question.within_s)
    assert fmean(levels) == pytest.approx(formula.answered_in_time, abs=0.1)


def test_staff_says_how_far_chance_goes_in_a_large_hall() -> None:
    question = staffing.read_question("3000/h", "123s", "80%/20s", "3m")
    formula = expected(question.load, 99, question.within_s).answered_in_time
    levels = []
    for seed in range(3):
        row = staffing.row_of(question, 99, seed)
        levels.append(row.simulated.service_level(Variant.OF_ALL) or 0.0)
        assert row.of_all is not None
        assert row.of_all.give_or_take is not None
        assert abs(levels[-1] - formula) <= row.of_all.give_or_take
    assert fmean(levels) == pytest.approx(formula, abs=0.05)


def test_staff_cuts_no_word_in_a_narrow_terminal() -> None:
    told = centralino("staff", "--calls", "100/h", "--aht", "123s").stdout
    assert "…" not in told
    five = next(line.split() for line in told.splitlines() if line.split()[:1] == ["5"])
    assert five[1:4] == ["72.8", "%", "27.3"]  # a number and its sign in one line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--calls", "100", "--aht", "123s"), "`100` is no rate of calls; write `100/h`"),
        (("--calls", "100/h", "--aht", "123"), "`123` has no unit; write `123s` for seconds"),
        (("--calls", "100/h", "--aht", "123s", "--target", "80"), "`80` is no target; write `80%/20s`"),
        (("--calls", "100/h", "--aht", "123s", "--patience", "0.001s"), "`0.001s` is too short; from 1s to 1h"),
        (("--calls", "100/h", "--aht", "123s", "--target", "80%/9999d"), "`9999d` is too long; from 1s to 1h"),
        (("--calls", "1000000000/h", "--aht", "123s"), "34,166,667 calls at a time are more than we reckon with"),
    ],
)
def test_staff_refuses_what_it_cannot_read_in_a_sentence(words: tuple[str, ...], said: str) -> None:
    told = centralino("staff", *words)
    assert told.exit_code != 0
    assert said in str(told.exception)
