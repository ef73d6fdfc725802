"""Admins try their dialplans: calls walked as text, scenarios with a verdict, and what no scenario comes to."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from centralino.cli import app
from centralino.options import Stop
from centralino.settings import Configuration, load
from centralino.trying import UnknownNumber, counted, plan_of, run_scenarios, walk
from centralino.voices import Listed
from centralino.yaml_commands import play_to_file
from ivr.menu import Menu, Say, SetLanguage
from ivr.prompts import Prompt
from ivr.rehearsal import TURNS_MAX, Kind, Script, rehearse
from tests.contact_centre import sentences
from tests.core.test_docs import ROOT
from tests.core.test_settings import SMALL

Deploy = Callable[..., Configuration]
AT_TEN = Script(datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Europe/Rome")))


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


def test_a_call_through_many_steps_does_not_go_round_for_ever(deploy: Deploy) -> None:
    plan = plan_of(deploy('  - {at: 2026-11-23 10:00, ends: "hang up"}\n'), "055055")
    steps = {f"s{n}": Say(f"s{n}", {"it": (Prompt("A", "it"),)}, f"s{n + 1}") for n in range(TURNS_MAX)}
    last = {f"s{TURNS_MAX}": plan.steps["taxes"]}
    performance = rehearse(replace(plan, steps=steps | last, start="s0", closed=None, hours=None), sentences(), AT_TEN)
    assert performance.ends == "queue tributi"
    assert [line.text for line in performance.lines if line.kind is Kind.END] == ["queue tributi"]


def test_keys_that_are_left_over_when_the_call_is_over_are_told(deploy: Deploy) -> None:
    plan = plan_of(deploy('  - {at: 2026-11-23 10:00, ends: "hang up"}\n'), "055055")
    lines = list(walk(plan, sentences(), replace(AT_TEN, presses=("1", "2", "3#"))))
    assert lines[-2:] == ["ends: queue tributi", "not pressed, as the call was over: 2,3#"]


@pytest.fixture
def small(deploy: Deploy, tmp_path: Path) -> Path:
    deploy('  - {at: 2026-11-23 10:00, ends: "hang up"}\n')
    return tmp_path


def tried(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["try", "055055", "--config", str(folder), *words])


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "9999-12-31T23:59"])
def test_a_time_at_which_nothing_can_be_reckoned_is_refused(small: Path, at: str) -> None:
    assert "out of range; write one from 2000 to 2199" in str(tried(small, "--at", at).exception)


def test_a_caller_s_number_comes_to_the_menu_as_a_call_would_bring_it(small: Path) -> None:
    plan = small / "dialplans" / "055055.yaml"
    choose = 'welcome: {choose: [{caller: "+39055", go: fax}, {caller: withheld, go: bye}, {go: taxes}]}'
    plan.write_text(re.sub(r"welcome: \{.*\}", choose, plan.read_text()))
    ends = {
        number: tried(small, "--at", "2026-11-23T10:00", "--from", number).stdout.splitlines()[-1]
        for number in ("055 2768123", "+390552768123", "02 23456789", "anonymous", "")
    }
    assert list(ends.values()) == ["ends: queue fax", "ends: queue fax", "ends: queue tributi", *2 * ["ends: hang up"]]
    assert "`mario` is no telephone number" in str(tried(small, "--from", "mario").exception)


@pytest.mark.skipif(shutil.which("sox") is None, reason="sox is not installed")
def test_a_prompt_that_cannot_be_written_or_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "sound.sln16").write_bytes(bytes(3200))
    prompt = Listed("it", "ciao", "festival", 0.1, "Ciao.", tmp_path / "sound")
    play_to_file([prompt], "it/ciao", tmp_path / "ciao.wav")
    assert (tmp_path / "ciao.wav").read_bytes().startswith(b"RIFF")
    with pytest.raises(Stop, match="could not be written: sox FAIL"):
        play_to_file([prompt], "ciao", tmp_path / "nowhere" / "ciao.wav")
    with pytest.raises(Stop, match="there is no prompt cia; `centralino prompts` lists them"):
        play_to_file([prompt], "cia", tmp_path / "ciao.wav")
