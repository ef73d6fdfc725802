"""The menu of a number as a picture: everything in it is shown, every text survives, and no mistake is a traceback."""

import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import get_args

import pytest

from acd.goto import ToQueue, ToStep, ToVoicemail
from acd.rules import QueueRules, Rules
from centralino import cli, drawing
from centralino.options import Stop
from centralino.settings import load
from ivr.hours import Hours, read_hours
from ivr.menu import (
    Ask,
    Branch,
    CallBack,
    CaseStatus,
    Choose,
    Dialplan,
    HangUp,
    IsOpen,
    Key,
    Menu,
    NobodySignedIn,
    Notice,
    OnDay,
    Queue,
    Say,
    SetLanguage,
    Step,
    Transfer,
    Voicemail,
)
from ivr.picture import LOOKS, picture_of
from ivr.prompts import Prompt, words
from tests.core.test_docs import ROOT

SVG = "{http://www.w3.org/2000/svg}"
NO_RULES = Rules({})
SHIPPED = load(ROOT)

Centralino = Callable[..., tuple[int, str, str]]


def plan_with(
    *steps: Step, name: str = "Linea Comune", hours: Hours | None = None, closed: str | None = None
) -> Dialplan:
    """A dialplan that begins at the first of `steps`; `bye` hangs up."""
    named = {step.name: step for step in (*steps, HangUp("bye"))}
    return Dialplan("055055", name, ("it", "en"), steps[0].name, named, hours=hours, closed=closed)


def hours(**written: object) -> Hours:
    return read_hours(written)[0]


def drawn(plan: Dialplan, language: str = "it") -> ET.Element:
    return ET.fromstring(drawing.drawn(plan, language, NO_RULES))


def boxes(svg: ET.Element) -> dict[str, str]:
    """Each node's text, and each arrow's (`main->bye`)."""
    return {_title(group): _text(group) for group in svg.iter(f"{SVG}g") if group.get("class") in ("node", "edge")}


def _title(group: ET.Element) -> str:
    return (group.findtext(f"{SVG}title") or "").replace("step ", "")


def _text(group: ET.Element) -> str:
    lines = (text.text or "" for text in group.iter(f"{SVG}text"))
    return " ".join(line.replace("\xa0", " ").replace("\u200b", "").strip() for line in lines)


def is_dashed(svg: ET.Element, node: str) -> bool:
    [group] = [one for one in svg.iter(f"{SVG}g") if one.get("class") == "node" and _title(one) == node]
    return any("stroke-dasharray" in shape.attrib for shape in group)


# --- what is shown


@pytest.mark.parametrize("number", SHIPPED.dialplans)
def test_every_step_and_key_of_the_four_services_is_shown(number: str) -> None:
    plan = SHIPPED.dialplans[number]
    shown = boxes(ET.fromstring(drawing.drawn(plan, "it", SHIPPED.rules)))
    assert shown["number"].startswith(f"{number} {plan.name}")
    for step in plan.steps.values():
        assert shown[step.name].startswith(f"{LOOKS[type(step)].kind} {step.name}")
        for key, does in step.keys.items() if isinstance(step, Menu) else ():
            assert re.search(rf"(^|[ ,]){key}([ ,]|$)", shown[f"{step.name}->{does.go}"])


@pytest.mark.parametrize("number", SHIPPED.dialplans)
def test_a_picture_of_the_same_dialplan_is_the_same(number: str) -> None:
    plan = SHIPPED.dialplans[number]
    assert picture_of(plan, "it") == picture_of(replace(plan), "it")
    assert drawing.drawn(plan, "it", SHIPPED.rules) == drawing.drawn(plan, "it", SHIPPED.rules)


def test_each_kind_of_step_looks_different_without_its_colour() -> None:
    assert set(LOOKS) == set(get_args(Step))
    assert len({(look.shape, look.style, look.borders) for look in LOOKS.values()}) == len(LOOKS)
    assert len({look.kind for look in LOOKS.values()}) == len(LOOKS)


def test_a_number_with_hours_leads_to_two_steps_and_says_when() -> None:
    week = hours(**{"mon-thu": "09:00-13:00, 14:00-18:00", "sat": "22:00-06:00", "holidays": ["IT", "06-24"]})
    shown = boxes(drawn(plan_with(HangUp("welcome"), hours=week, closed="bye")))
    assert shown["number->welcome"] == (
        "open mon-thu 09:00-13:00, 14:00-18:00 sat 22:00-06:00 not on holidays IT, 06-24"
    )
    assert shown["number->bye"] == "outside hours"


def test_a_number_without_hours_is_always_open() -> None:
    assert boxes(drawn(plan_with(HangUp("welcome"))))["number->welcome"] == "always open"


def test_the_keys_of_a_menu_that_lead_to_one_step_share_an_arrow() -> None:
    keys = {"1": Key("bye"), "*": Key("bye"), "9": Key("main", language="en"), "3": Key("bye", entity="vaglia")}
    shown = boxes(drawn(plan_with(Menu("main", words({"it": "Premi."}), keys, "bye"))))
    assert shown["main->bye"] == "1, * 3 for vaglia or no valid key"
    assert shown["main->main"] == "9 in EN"


def test_a_choice_says_what_must_hold_in_which_order_and_when_its_hours_are() -> None:
    office = IsOpen("office", hours(mon="09:00-13:00"))
    branches = (Branch("bye", (OnDay(frozenset([5])), NobodySignedIn("tributi"))), Branch("main", (office,)))
    shown = boxes(drawn(plan_with(Choose("main", branches, "bye"))))
    assert shown["main->bye"] == "(1) it is sat and nobody is signed in for tributi or otherwise"
    assert shown["main->main"] == "(2) office is open mon 09:00-13:00"


@pytest.mark.parametrize(
    ("step", "text", "way"),
    [
        (Say("x", words({"it": "Ciao."}), "bye"), "say x “Ciao.”", ""),
        (Ask("x", {}, "nota", 4, 12, "bye", "x"), "ask for digits x 4 to 12 digits kept as nota", "keyed in"),
        (Transfer("x", "firenze/urp", "+39055", "bye"), "transfer x rings firenze/urp for 30 s", "no answer"),
        (
            Transfer("x", "a/b", "+39055", "bye", hours(mon="09:00-13:00")),
            "transfer x rings a/b for 30 s mon 09:00-13:00",
            "closed / no answer",
        ),
        (
            Transfer("x", "a/b", "+39055", "bye", queue="experts"),
            "transfer x a/b: agents of experts within 1 min rings a/b for 30 s",
            "no answer",
        ),
        (Transfer("x", "a/b", "", "bye", queue="q"), "transfer x a/b: agents of q within 1 min", "no answer"),
        (CallBack("x", "tributi", "bye"), "call-back x by tributi once promised, the call ends", "not wanted"),
        (CallBack("x", "tributi", "bye", then="bye"), "call-back x by tributi", "promised or not wanted"),
        (CaseStatus("x", then="bye"), "case status x not told: the call ends", "told"),
        (SetLanguage("x", "en", "bye"), "language x speaks EN from now on", ""),
        (
            Notice("x", words({"it": "Oggi."}), "bye", ends_at=datetime(2026, 11, 24, 20, tzinfo=UTC)),
            "notice x “Oggi.” until 2026-11-24 21:00",
            "",
        ),
    ],
)
def test_each_kind_of_step_says_what_it_does_and_when_it_leads_on(step: Step, text: str, way: str) -> None:
    shown = boxes(drawn(plan_with(step)))
    assert (shown["x"], shown["x->bye"]) == (text, way)


def test_steps_at_which_a_call_ends_say_where() -> None:
    shown = boxes(drawn(plan_with(Queue("a", "tributi"), Voicemail("b", "tributi", longest_s=90))))
    assert (shown["a"], shown["b"]) == (
        "queue a agents of tributi",
        "voicemail b for tributi up to 90 s (no call comes here)",
    )


def test_steps_to_which_no_call_comes_are_dashed_even_where_they_lead_to_each_other() -> None:
    svg = drawn(plan_with(HangUp("welcome"), SetLanguage("a", "it", "b"), SetLanguage("b", "en", "a")))
    assert [is_dashed(svg, name) for name in ("welcome", "a", "b")] == [False, True, True]
    assert "(no call comes here)" in boxes(svg)["a"]


def test_a_step_to_which_only_a_queue_sends_calls_is_not_dashed() -> None:
    plan = plan_with(Queue("wait", "tributi"), Say("sorry", words({"it": "Scusi."}), "bye"))
    rules = Rules({"tributi": _sending_to(ToQueue("fax")), "fax": _sending_to(ToStep("sorry"))})
    svg = ET.fromstring(drawing.drawn(plan, "it", rules))
    assert not is_dashed(svg, "sorry")
    assert boxes(svg)["wait->sorry"] == "sent on by the queue"


def _sending_to(there: ToQueue | ToStep) -> QueueRules:
    return QueueRules("x", full_waiting=5, full_then=there, longest_wait_s=60, longest_wait_then=ToVoicemail("x"))


def test_queues_that_send_calls_round_come_to_an_end() -> None:
    rules = Rules({"a": _sending_to(ToQueue("b")), "b": _sending_to(ToQueue("a"))})
    assert list(drawing.sent_on(rules)) == []


# --- texts


@pytest.mark.parametrize(
    "text",
    [
        "Dica \"pronto\" o 'ciao'.",
        r"Un \ e \N \n \l e in fondo \\",
        "{a|b} [c] <d> </d> <br/> ->",
        "R&D &amp; &lt;b&gt; &#65; %s",
        "# /* // */",
        "Über uns: è ß ø “così”",
        "中文请按五。",
        "العربية اضغط ستة",
        "Sciopero 😀 e\u0301",
    ],
)
def test_a_text_is_shown_as_it_was_written(text: str) -> None:
    shown = boxes(drawn(plan_with(Say("x", words({"it": text}), "bye"), name=text)))
    assert shown["x"] == f"say x “{text}”"
    assert shown["number"] == f"055055 {text}"


def test_line_breaks_and_what_no_picture_can_hold_become_spaces() -> None:
    shown = boxes(drawn(plan_with(Say("x", words({"it": "uno\ndue\r\n\ttre\x0b\ud800\ufffe quattro"}), "bye"))))
    assert shown["x"] == "say x “uno due tre quattro”"


def test_of_a_long_text_the_beginning_is_shown_to_the_end_of_a_word() -> None:
    said = words({"it": "Per i tributi premi 1. Per l'anagrafe premi 2. Per una pratica già aperta premi 3."})
    shown = boxes(drawn(plan_with(Say("x", said, "bye"))))
    assert shown["x"] == "say x “Per i tributi premi 1. Per l'anagrafe premi 2. Per una…”"


@pytest.mark.parametrize("text", ["x" * 4_000, "咨询信息请按一。" * 400, "ab " * 1_300])
def test_no_text_makes_the_picture_wide(text: str) -> None:
    said = words({"it": text})
    svg = drawn(plan_with(Say("x", said, "bye"), name=text[:200]))
    assert float(svg.attrib["width"].removesuffix("pt")) < 500
    assert boxes(svg)["x"].endswith("…”")


def test_a_long_list_of_days_off_is_cut() -> None:
    days = [f"{date(2027, 1, day)}" for day in range(1, 31)]
    svg = drawn(plan_with(HangUp("welcome"), hours=hours(mon="09:00-13:00", holidays=days), closed="bye"))
    assert boxes(svg)["number->welcome"].endswith("2027-01-04…")


def test_texts_are_in_the_language_asked_for() -> None:
    plan = plan_with(Say("x", words({"it": "Benvenuti.", "en": "Welcome."}), "bye"))
    assert boxes(drawn(plan, "en"))["x"] == "say x “Welcome.”"


def test_a_recording_is_shown_by_its_name() -> None:
    plan = plan_with(Say("x", {"it": (Prompt("", "it", "saluto"), Prompt("Ciao.", "it"))}, "bye"))
    assert boxes(drawn(plan))["x"] == "say x “(saluto.wav) Ciao.”"


# --- the command


@pytest.fixture
def centralino(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Centralino:
    """The command line, in an empty folder: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CENTRALINO_CONFIG", str(ROOT))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["centralino", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capfd.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_the_picture_is_written_beside_and_named_for_the_number(centralino: Centralino, tmp_path: Path) -> None:
    assert centralino("graph", "+39 055 2768") == (0, "055055.svg: the menu of 055055 Linea Comune 055055\n", "")
    assert ET.parse(tmp_path / "055055.svg").getroot().tag == f"{SVG}svg"


def test_the_picture_goes_to_standard_output_or_a_file_of_ones_choice(centralino: Centralino, tmp_path: Path) -> None:
    code, picture, errors = centralino("graph", "060606", "--language", "ar", "--to", "-")
    assert (code, errors) == (0, "")
    assert "مرحبا" in boxes(ET.fromstring(picture.encode()))["welcome"]
    assert list(tmp_path.iterdir()) == []
    assert centralino("graph", "060606", "--language", "ar", "--to", "rome.svg")[0] == 0
    assert (tmp_path / "rome.svg").read_text() == picture


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("1234",), "no dialplan answers 1234; there are 020202, 055055, 060606, 800840840"),
        (("055055", "--language", "fr"), "055055 does not speak `fr`; it speaks it, en"),
        (("055055", "--to", "."), ".: Is a directory"),
        (("055055", "--to", "none/here.svg"), "none/here.svg: No such file or directory"),
        (("055055", "--to", "/dev/full"), "/dev/full: No space left on device"),
    ],
)
def test_what_cannot_be_drawn_or_written_is_said(centralino: Centralino, words: tuple[str, ...], sentence: str) -> None:
    assert centralino("graph", *words) == (1, "", f"{sentence}\n")


def test_where_dot_is_missing_the_package_is_named(centralino: Centralino, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    sentence = "dot, which draws the picture, is missing: install the package graphviz\n"
    assert centralino("graph", "055055") == (1, "", sentence)


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("echo 'no fonts' >&2; exit 3", "dot cannot draw the picture (it ended with 3): no fonts"),
        ("exec sleep 60", "dot has not drawn the picture within 0.2 s"),
    ],
)
def test_a_dot_that_fails_or_never_ends_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, sentence: str
) -> None:
    (tmp_path / "dot").write_text(f"#!/bin/sh\n{program}\n")
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(drawing, "DRAWN_WITHIN_S", 0.2)
    with pytest.raises(Stop, match=re.escape(sentence)):
        drawing.drawn(SHIPPED.dialplans["055055"], "it", NO_RULES)
