"""Admins try their dialplans: calls walked as text, scenarios with a verdict, and what no scenario comes to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from centralino.settings import Configuration, load
from centralino.trying import UnknownNumber, counted, plan_of, run_scenarios, walk
from ivr.menu import Menu, Say, SetLanguage
from ivr.prompts import Prompt
from ivr.rehearsal import Script, rehearse
from tests.contact_centre import sentences
from tests.core.test_docs import ROOT
from tests.core.test_settings import SMALL

Deploy = Callable[..., Configuration]


@pytest.fixture
def deploy(tmp_path: Path) -> Deploy:
    """The small deployment, with `tests:` of its own."""

    def write(tests: str) -> Configuration:
        for name, text in SMALL.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        with (tmp_path / "dialplans" / "055055.yaml").open("a") as plan:
            plan.write(f"tests:\n{tests}")
        return load(tmp_path)

    return write


def test_every_step_and_key_of_the_four_services_is_tried_and_all_is_well() -> None:
    configuration = load(ROOT)
    tested = run_scenarios(configuration, sentences())
    assert tested.failures == ()
    assert tested.untried == ()
    assert all(len(scenarios) >= 9 for scenarios in configuration.scenarios.values())


def test_a_scenario_that_ends_otherwise_says_where_it_stands_and_how_it_went(deploy: Deploy) -> None:
    configuration = deploy('  - {at: 2026-11-23 10:00, press: "1", ends: queue fax, says: Ciao, language: en}\n')
    [says, ends, language] = sorted(run_scenarios(configuration, sentences()).failures, key=lambda one: one.what)
    assert (ends.file, ends.line, ends.col, ends.what) == (
        "dialplans/055055.yaml",
        22,
        46,
        "it ends in queue tributi",
    )
    assert ends.hint == "welcome → main → pressed 1 → taxes → queue tributi"
    assert (says.what, language.what) == ("`Ciao` is not said", "the call speaks it")


def test_what_only_a_failing_scenario_comes_to_counts_as_not_tried(deploy: Deploy) -> None:
    configuration = deploy(
        '  - {at: 2026-11-23 10:00, press: "1", ends: queue tributi}\n'
        '  - {at: 2026-11-23 10:00, press: "2", ends: queue tributi}\n'
    )
    tested = run_scenarios(configuration, sentences())
    missing = [problem.what for problem in tested.untried]
    assert "no test comes to step `fax`" in missing
    assert "no test presses 2 at `main`" in missing
    assert "no test comes to step `taxes`" not in missing
    assert counted(tested, configuration.dialplans.values()).startswith("1 of 2 tests passed; 1 dialplans, 40% of 10")


def test_a_call_is_walked_line_by_line(deploy: Deploy) -> None:
    plan = plan_of(deploy('  - {at: 2026-11-23 10:00, ends: "hang up"}\n'), "+39 055 2768")
    script = Script(datetime(2026, 11, 28, 19, tzinfo=plan.time_zone), ("7", "wait", "#"))
    assert list(walk(plan, sentences(), script)) == [
        "055055 Linea Comune, sat 2026-11-28 19:00, open until 2026-11-28 20:00",
        "welcome  (the call arrived)",
        "    says     Benvenuti.",
        "main  (the text was heard)",
        "    says     Premi 1.",
        "    pressed  7",
        "    says     Questa scelta non è valida. Premi 1.",
        "    silence",
        "    says     Non abbiamo ricevuto nessuna scelta. Premi 1.",
        "    pressed  #",
        "bye  (a key of the menu)",
        "ends: hang up",
    ]


def test_what_another_voice_says_stands_on_a_line_of_its_own_with_its_language(deploy: Deploy) -> None:
    plan = plan_of(deploy('  - {at: 2026-11-23 10:00, ends: "hang up"}\n'), "055055")
    own, foreign = Prompt("Premi 1.", "it"), Prompt("For English press 9.", "en")
    welcome = Say("welcome", {"it": (own, own, foreign)}, "main")
    script = Script(datetime(2026, 11, 23, 10, tzinfo=plan.time_zone), ("1",))
    lines = list(walk(replace(plan, steps={**plan.steps, "welcome": welcome}), sentences(), script))
    assert lines[2:4] == ["    says     Premi 1. Premi 1.", "    says en  For English press 9."]


def test_the_menus_that_ship_tell_of_english_in_english_and_only_to_those_who_do_not_speak_it() -> None:
    for plan in load(ROOT).dialplans.values():
        main = plan.steps["main"]
        assert isinstance(main, Menu)
        assert [prompt.language for prompt in main.words["it"]] == ["it", "en"]
        assert [prompt.language for prompt in main.words["en"]] == ["en"]


def test_a_number_that_nobody_answers_is_said(deploy: Deploy) -> None:
    with pytest.raises(UnknownNumber, match="no dialplan answers 1234; there are 055055"):
        plan_of(deploy('  - {at: 2026-11-23 10:00, ends: "hang up"}\n'), "1234")


def test_a_dialplan_that_goes_round_for_ever_comes_to_an_end(deploy: Deploy) -> None:
    plan = plan_of(deploy('  - {at: 2026-11-23 10:00, ends: "hang up"}\n'), "055055")
    ring = {"a": SetLanguage("a", "it", "b"), "b": SetLanguage("b", "en", "a")}
    script = Script(datetime(2026, 11, 23, 10, tzinfo=plan.time_zone))
    assert rehearse(replace(plan, steps=ring, start="a"), sentences(), script).ends == "hang up"
