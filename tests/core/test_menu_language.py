"""The dialplan language as admins write it: what each mistake is told as, and what is legal and hardly meant."""

import struct
import wave
from pathlib import Path

import pytest

from centralino.settings import examine, load
from ivr.menu import Ask, Say, Transfer
from ivr.prompts import Prompt
from tests.core.test_settings import SMALL

PLAN = "dialplans/055055.yaml"
HEAD = """\
number: "055055"
name: Linea Comune
languages: [it]
start: first
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dialplans" / "shared").mkdir(parents=True)
    for name, text in SMALL.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def told(folder: Path, steps: str, head: str = HEAD) -> list[str]:
    """What is wrong with a dialplan of these steps, without hints."""
    (folder / PLAN).write_text(f"{head}steps:\n{steps}")
    return [str(problem).partition("\n")[0].removeprefix(f"{PLAN}:") for problem in examine(folder)[1]]


END = "  end: {queue: tributi}\n"


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ("  first: {ask: {say: {it: A}, note: x, digits: 21, otherwise: end}, then: end}\n", "6:48: `21` is no count"),
        ("  first: {ask: {say: {it: A}, note: x, digits: 4, otherwise: end}}\n", "6:3: step `first` has no `then`"),
        ("  first: {ask: {say: {it: A}, note: x, digits: 4, otherwise: ned}, then: end}\n", "6:62: step `ned` is not"),
        ("  first: {transfer: {to: florence, otherwise: end}}\n", "6:26: `florence` is no office"),
        ("  first: {transfer: {to: a/b, otherwise: end}}\n", "6:26: office `a/b` is not in entities.yaml"),
        ("  first: {callback: {queue: trib, otherwise: end}}\n", "6:29: queue `trib` is not in queues.yaml"),
        ("  first: {callback: {queue: tributi}}\n", "6:11: `otherwise` is missing"),
        ("  first: {language: en, then: end}\n", "6:21: language `en` is not in the languages of this number"),
        ("  first: {choose: [{go: end}]}\n", "6:19: this has too few entries"),
        ("  first: {choose: [{open: x, go: end}, {go: end}]}\n", "6:27: hours `x` is not in `other_hours`"),
        ("  first: {choose: [{go: end}, {go: end}]}\n", "6:20: this holds always"),
        ("  first: {choose: [{day: sat, go: end}, {day: sun, go: end}]}\n", "6:41: nothing is said of calls"),
        ("  first: {choose: [{day: sax, go: end}, {go: end}]}\n", "6:26: `sax` is no day"),
        ("  first: {choose: [{queue: tributi, go: end}, {go: end}]}\n", "6:21: what of this queue?"),
        ("  first: {choose: [{waiting_over: 3, go: end}, {go: end}]}\n", "6:21: `waiting_over` of which queue?"),
        ('  first: {choose: [{caller: "055", go: end}, {go: end}]}\n', "6:29: `055` is no beginning of a number"),
        ("  first: {notice: {say: {it: A}, until: 2026-02-30}, then: end}\n", "6:41: `2026-02-30` is no instant"),
        ("  first: {notice: {say: {it: A}, until: 0001-01-01}, then: end}\n", "6:41: the year of `0001-01-01` is out"),
        ("  first: {say: {file: hello}, then: end}\n", "6:23: there is no recording prompts/it/hello.wav"),
        ("  first: {say: [{it: A}, {en: B}], then: end}\n", "6:26: the text in `it` is missing"),
        ("  first: {say: [{it: A}, {also: {xy: B}}], then: end}\n", "6:34: there is no voice for language `xy`"),
        ("  first: {say: {it: A, also: {en: B}}, then: end}\n", "6:16: `also` is a piece of its own"),
        ("  first: {say: {also: {}}, then: end}\n", "6:23: this is empty"),
        ("  first: {say: {also: {en: 9}}, then: end}\n", "6:28: `9` is not in quotes"),
        ("  first: {queue: tributi, then: end}\n", "6:27: `then` means nothing with `queue`"),
        ("  first: {menu: {say: {it: A}, keys: {'1': end}, otherwise: first}}\n", "6:3: who presses nothing comes"),
    ],
)
def test_a_mistake_is_told_at_its_place(folder: Path, steps: str, problem: str) -> None:
    said = told(folder, steps + END)
    assert any(one.startswith(problem) for one in said), said


def test_an_office_needs_a_carrier(folder: Path) -> None:
    offices = 'numbers: ["055055"], offices: {registry: {name: R, phone: "+39055759"}}}'
    text = (folder / "entities.yaml").read_text().replace('numbers: ["055055"]}', offices)
    (folder / "entities.yaml").write_text(text)
    steps = "  first: {transfer: {to: comune-firenze/registry, otherwise: end}}\n" + END
    assert told(folder, steps) == ["6:11: an office cannot be rung without a carrier"]


def with_office(folder: Path, office: str) -> None:
    """comune-firenze has an office `desk`, written so."""
    text = (folder / "entities.yaml").read_text()
    offices = f'numbers: ["055055"], offices: {{desk: {{name: D, {office}}}}}}}'
    (folder / "entities.yaml").write_text(text.replace('numbers: ["055055"]}', offices))


TO_DESK = "  first: {transfer: {to: comune-firenze/desk, otherwise: end}}\n"


@pytest.mark.parametrize(
    ("office", "problem"),
    [
        ("hours: {}", "2:76: office `desk` has nobody who answers"),
        ("queue: tribut", "2:99: queue `tribut` is not in queues.yaml"),
        ("queue: tributi, answer_within: 2s", "2:123: `2s` is too short"),
        ('phone: "+39055759", answer_within: 60s', "2:112: `answer_within` is for the agents of a `queue`"),
    ],
)
def test_an_office_that_nobody_could_answer_for_is_told(folder: Path, office: str, problem: str) -> None:
    with_office(folder, office)
    assert f"entities.yaml:{problem}" in told(folder, TO_DESK + END)


def test_an_office_of_agents_needs_no_carrier(folder: Path) -> None:
    with_office(folder, "queue: tributi, answer_within: 45s")
    assert told(folder, TO_DESK + END) == []
    step = load(folder).dialplans["055055"].steps["first"]
    assert step == Transfer("first", "comune-firenze/desk", "", "end", queue="tributi", answer_within_s=45.0)


def test_an_office_of_agents_with_a_telephone_needs_a_carrier(folder: Path) -> None:
    with_office(folder, 'queue: tributi, phone: "+39055759"')
    assert told(folder, TO_DESK + END) == ["6:11: an office cannot be rung without a carrier"]


@pytest.mark.parametrize(
    "steps",
    [
        "  first: {transfer: {to: comune-firenze/desk, otherwise: again}}\n"
        "  again: {transfer: {to: comune-firenze/desk, otherwise: first}}\n",
        "  first: {transfer: {to: comune-firenze/desk, otherwise: line}}\n  line: {queue: fax}\n"
        "  bye: {transfer: {to: comune-firenze/desk, otherwise: line}}\n",
    ],
)
def test_offices_that_nobody_answers_for_do_not_lead_to_each_other_for_ever(folder: Path, steps: str) -> None:
    with_office(folder, "queue: tributi")
    queues = (folder / "queues.yaml").read_text().replace("{queue: tributi}", "{step: bye}")
    (folder / "queues.yaml").write_text(queues)
    said = told(folder, steps + ("" if "bye" in steps else "  bye: {hang_up: {}}\n"))
    assert any("a call would go round for ever" in one for one in said), said


def test_calls_come_to_the_queue_of_an_office_too(folder: Path) -> None:
    """Its texts must stand in the languages of those who are led there, and somebody must speak these."""
    with_office(folder, "queue: tributi")
    queues = (folder / "queues.yaml").read_text()
    (folder / "queues.yaml").write_text(queues.replace("    ring:", "    voicemail: {say: {en: Speak}}\n    ring:", 1))
    end = "  end: {hang_up: {}}\n"
    text = f"the text in `it` is missing ({PLAN} speaks it)"
    assert any(text in one for one in told(folder, TO_DESK + end))
    (folder / "queues.yaml").write_text(queues)
    said = told(folder, TO_DESK + end, HEAD.replace("[it]", "[fr]"))
    assert f"queues.yaml:2:3: warning: nobody who can serve `tributi` speaks `fr`, as callers of {PLAN} may" in said


def test_a_wrong_scenario_is_a_mistake_too(folder: Path) -> None:
    scenario = "tests:\n  - {at: 2026-11-23 25:00, ends: nowhere, press: abc}\n"
    said = told(folder, f"  first: {{queue: tributi}}\n{scenario}")
    assert [one.split(": ")[0] for one in said if not one.startswith("queues")] == ["8:10", "8:34", "8:50"]


# --- texts for those who speak another language

IN_BOTH = HEAD.replace("[it]", "[it, en]")


def test_a_text_in_another_language_is_said_by_its_voice_to_all_but_those_who_speak_it(folder: Path) -> None:
    say = "[{also: {en: In English, fr: En français}}, {it: Premi 1, en: Press 1}]"
    told(folder, f"  first: {{say: {say}, then: end}}\n" + END, IN_BOTH)
    first = load(folder).dialplans["055055"].steps["first"]
    assert isinstance(first, Say)
    assert first.words == {
        "it": (Prompt("In English", "en"), Prompt("En français", "fr"), Prompt("Premi 1", "it")),
        "en": (Prompt("En français", "fr"), Prompt("Press 1", "en")),
    }


@pytest.mark.parametrize("say", ["{also: {en: Hello}}", "[{also: {en: Hello}}, {also: {en: Again}}]"])
def test_nobody_is_left_with_texts_for_others_alone(folder: Path, say: str) -> None:
    said = told(folder, f"  first: {{say: {say}, then: end}}\n" + END, IN_BOTH)
    assert [one for one in said if not one.startswith("queues")] == ["6:16: callers who speak `en` hear nothing"]
    enough = say.replace("Hello", "Hello, it: Ciao", 1)
    said = told(folder, f"  first: {{say: {enough}, then: end}}\n" + END, IN_BOTH)
    assert [one for one in said if not one.startswith("queues")] == []


def test_what_is_for_all_still_stands_in_each_language(folder: Path) -> None:
    said = told(folder, "  first: {say: [{it: A}, {also: {en: B}}], then: end}\n" + END, IN_BOTH)
    assert "6:17: the text in `en` is missing" in said


def test_a_language_that_nobody_can_speak_is_told(folder: Path) -> None:
    assert "3:13: there is no voice for language `pt`" in told(folder, END, HEAD.replace("[it]", "[pt]"))


# --- steps that dialplans share


def share(folder: Path, name: str, steps: str) -> None:
    (folder / "dialplans" / "shared" / f"{name}.yaml").write_text(f"steps:\n{steps}")


def test_shared_steps_are_steps_like_any_other(folder: Path) -> None:
    share(folder, "common", "  bye: {say: {it: Ciao}, then: end}\n")
    said = told(folder, "  first: {say: {it: A}, then: bye}\n" + END, HEAD + "include: [common]\n")
    assert [one for one in said if not one.startswith("queues")] == []
    assert isinstance(load(folder).dialplans["055055"].steps["bye"], Say)


def test_a_mistake_in_shared_steps_is_told_in_their_file(folder: Path) -> None:
    share(folder, "common", "  bye: {say: {it: Ciao}, then: nowhere}\n")
    said = told(folder, "  first: {say: {it: A}, then: bye}\n" + END, HEAD + "include: [common]\n")
    assert "dialplans/shared/common.yaml:2:32: step `nowhere` is not in this dialplan" in said


def test_shared_steps_speak_the_languages_of_all_who_include_them_and_no_other(folder: Path) -> None:
    share(folder, "common", "  bye: {say: {it: Ciao, en: Bye, fr: Adieu}, then: end}\n")
    plan = HEAD.replace("055055", "055099").replace("[it]", "[it, en]") + "include: [common]\n"
    (folder / "dialplans" / "055099.yaml").write_text(f"{plan}steps:\n  first: {{say: {{file: x}}, then: bye}}\n{END}")
    said = told(folder, "  first: {say: {it: A}, then: bye}\n" + END, HEAD + "include: [common]\n")
    in_common = [one for one in said if one.startswith("dialplans/shared")]
    assert in_common == ["dialplans/shared/common.yaml:2:34: language `fr` is not in the languages of this number"]


def test_a_text_missing_in_shared_steps_names_the_dialplan_that_needs_it(folder: Path) -> None:
    share(folder, "common", "  bye: {say: {it: Ciao}, then: end}\n")
    head = HEAD.replace("[it]", "[it, en]") + "include: [common]\n"
    said = told(folder, "  first: {say: {it: A, en: A}, then: bye}\n" + END, head)
    assert f"dialplans/shared/common.yaml:2:14: the text in `en` is missing ({PLAN} speaks it)" in said


@pytest.mark.parametrize(
    ("include", "problem"),
    [
        ("include: [comon]\n", "5:11: shared steps `comon` is not in dialplans/shared/"),
        ("", "dialplans/shared/common.yaml:1:1: warning: no dialplan includes this file"),
        ("include: [common]\n", "dialplans/shared/common.yaml:2:3: warning: no call comes to step `bye`"),
    ],
)
def test_what_is_shared_must_be_there_and_be_used(folder: Path, include: str, problem: str) -> None:
    share(folder, "common", "  bye: {say: {it: Ciao}, then: end}\n")
    assert problem in told(folder, "  first: {say: {it: A}, then: end}\n" + END, HEAD + include)


def test_one_step_in_two_places_is_a_mistake(folder: Path) -> None:
    share(folder, "common", "  first: {queue: fax}\n")
    said = told(folder, "  first: {queue: tributi}\n", HEAD + "include: [common]\n")
    assert "5:11: its step `first` stands here too, in line 7" in said


# --- what is legal, and hardly meant


@pytest.mark.parametrize(
    ("steps", "head", "warning"),
    [
        (
            "  first: {menu: {say: {it: A}, keys: {'1': bye}, otherwise: bye}}\n  bye: {hang_up: {}}\n",
            HEAD,
            "6:3: warning: no key of menu `first` leads to a person",
        ),
        (
            f"  first: {{say: {{it: {'parola ' * 70}}}, then: menu}}\n"
            "  menu: {menu: {say: {it: Premi 1}, keys: {'1': end}, otherwise: end}}\n",
            HEAD,
            "7:3: warning: about 33 s of speech in `it` before the first key can be known",
        ),
        (
            "  first: {queue: tributi}\n",
            HEAD + "hours: {mon: closed}\nclosed: first\n",
            "5:1: warning: this number never",
        ),
        (
            "  first: {choose: [{open: never, go: end}, {go: end}]}\n",
            HEAD + "other_hours: {never: {mon: closed}}\n",
            "5:15: warning: `never` never opens",
        ),
        (
            "  first: {notice: {say: {it: A}, from: 2026-12-24 18:00, until: 2026-12-24}, then: end}\n",
            HEAD,
            "6:58: warning: this notice is over before it begins",
        ),
    ],
)
def test_a_doubt_is_a_warning_and_the_deployment_can_be_loaded(
    folder: Path, steps: str, head: str, warning: str
) -> None:
    said = told(folder, steps + END, head)
    assert any(one.startswith(warning) for one in said), said
    assert load(folder).dialplans


def test_a_queue_that_nobody_can_serve_at_an_opening_hour_is_a_warning(folder: Path) -> None:
    roster = (folder / "agents.yaml").read_text().replace("site: laquila, phone", "site: laquila, shift: day, phone")
    roster = roster.replace("site: roma, skills", "site: roma, shift: day, skills")
    (folder / "agents.yaml").write_text(f"shifts: {{day: {{mon-fri: '08:00-18:00'}}}}\n{roster}")
    head = HEAD + "hours: {mon-fri: '08:00-20:00'}\nclosed: first\n"
    said = told(folder, "  first: {queue: tributi}\n", head)
    assert said == [f"queues.yaml:2:3: warning: nobody can serve `tributi` on mon from 18:00; {PLAN} is open then"]


def test_a_language_that_no_able_agent_speaks_is_a_warning(folder: Path) -> None:
    said = told(folder, "  first: {queue: tributi}\n", HEAD.replace("[it]", "[it, fr]"))
    assert said == [f"queues.yaml:2:3: warning: nobody who can serve `tributi` speaks `fr`, as callers of {PLAN} may"]


def test_recorded_files_count_with_their_own_length(folder: Path) -> None:
    place = folder / "prompts" / "it"
    place.mkdir(parents=True)
    with wave.open(str(place / "long.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(struct.pack("<h", 0) * 8000 * 40)
    steps = "  first: {say: [{file: long}, {it: Ciao}], then: menu}\n"
    menu = "  menu: {menu: {say: {it: Premi 1}, keys: {'1': end}, otherwise: end}}\n"
    said = told(folder, steps + menu + END)
    assert any("about 41 s of speech" in one for one in said), said
    first = load(folder).dialplans["055055"].steps["first"]
    assert isinstance(first, Say)
    assert first.words["it"] == (Prompt("", "it", "long"), Prompt("Ciao", "it"))


def test_digits_may_be_one_count_or_a_span(folder: Path) -> None:
    step = "  first: {{ask: {{say: {{it: A}}, note: x, digits: {digits}, otherwise: end}}, then: end}}\n"
    for digits, least, most in (("5", 5, 5), ('"4-16"', 4, 16)):
        told(folder, step.format(digits=digits) + END)
        ask = load(folder).dialplans["055055"].steps["first"]
        assert isinstance(ask, Ask)
        assert (ask.least, ask.most) == (least, most)
