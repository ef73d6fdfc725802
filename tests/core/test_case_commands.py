"""Cases at the command line, against the deployment that ships and a database without an engine."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cases.case_number import FROM_CALL, FROM_DESK, FROM_SPLIT, case_number, in_groups
from centralino.cli import app
from centralino.database import database_url
from centralino.events import CallDisposed
from tests.records import arrival, end, opened_house

ROOT = Path(__file__).parents[2]


CASE = case_number(FROM_CALL, 1)
GROUPED = in_groups(CASE)
LETTERS = in_groups(case_number(FROM_DESK, 1))
ESPERTI = "protezione-civile/esperti"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """An installation whose only case was handed on from a call to the Protezione Civile."""

    async def fill() -> None:
        async with opened_house(tmp_path, database_url("sqlite", tmp_path)) as house:
            house.tell(arrival("c1", house.caller("3331234567", "Ana"), "800840840", "800840840"))
            house.tell(CallDisposed(call="c1", kind="report", level="handed on", by="a1001"), end("c1"))
            await house.projected()

    asyncio.run(fill())
    return tmp_path


def centralino(state: Path, *words: str) -> tuple[int, str]:
    told = CliRunner().invoke(app, [*words, "--config", str(ROOT), "--state", str(state)], env={"COLUMNS": "200"})
    return told.exit_code, told.output or str(told.exception)


def facts(state: Path, number: str) -> Any:
    code, said = centralino(state, "case", number, "--json")
    assert code == 0, said
    return json.loads(said)


def test_a_case_is_handed_over_answered_and_told_with_all_that_happened(state: Path) -> None:
    code, said = centralino(state, "case", CASE, "hand-over", "who knows of dams?", "--to", ESPERTI, "--agent", "a1001")
    assert code == 0, said
    assert said.startswith(f"case {GROUPED} is at office with {ESPERTI}; "), said
    code, said = centralino(state, "case", GROUPED, "answer", "the dam holds", "--as", ESPERTI)
    assert (code, said.split(" with")[0]) == (0, f"case {GROUPED} is closed")
    code, said = centralino(state, "case", CASE)
    lines = said.splitlines()
    assert lines[0] == f"case        {GROUPED}"
    assert f"hand over {ESPERTI}, by a1001 (agent)" in said
    assert lines.index("                  who knows of dams?") < lines.index("                  the dam holds")
    assert (facts(state, CASE)["state"], facts(state, CASE)["clock"]["standing"]) == ("closed", "late")


def test_cases_are_listed_by_state_office_and_what_is_due(state: Path) -> None:
    code, said = centralino(state, "cases", "--due")
    assert (code, CASE in said) == (0, True), said
    assert "overdue, by 24/11 00:00" in said
    centralino(state, "case", CASE, "hand-over", "--to", ESPERTI)
    for words, is_there in (
        (("--in", "at office"), True),
        (("--in", "open"), False),
        (("--office", ESPERTI), True),
        (("--office", "comune-firenze/sportello"), False),
    ):
        code, said = centralino(state, "cases", *words)
        assert (code, CASE in said) == (0, is_there), said


def test_what_a_case_is_about_is_said_anew_and_its_clock_follows(state: Path) -> None:
    code, said = centralino(state, "case", CASE, "classify", "--complex", "--title", "Dam of Campotosto")
    assert (code, "by 05/01" in said) == (0, True), said  # 40 days, and two days off
    found = facts(state, CASE)
    assert (found["title"], found["kind"], found["is_complex"]) == ("Dam of Campotosto", "report", True)
    assert found["history"][-1]["words"] == "Dam of Campotosto, complex"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("case", "99999999"), "there is no case `99999999`"),
        (("case", CASE, "hand-ovr"), "did you mean `hand-over`?"),
        (("case", CASE, "hand-over", "--to", "x"), "there is no office `x`"),
        (("case", CASE, "answer", "x"), "there is no `answer` while case"),
        (("case", CASE, "note", " "), "needs words"),
        (("case", CASE, "classify"), "which needs one of them"),
        (("case", CASE, "note", "x", "--kind", "report"), "are for `classify`"),
        (("case", CASE, "note", "x", "--agent", "a9"), "there is no agent `a9`"),
        (("case", CASE, "note", "x", "--as", "x/y"), "there is no office `x/y`"),
        (("case", CASE, "note", "x", "--as", ESPERTI, "--agent", "a1001"), "either"),
        (("case", CASE, "note", "x", "--as", ESPERTI), f"is not with {ESPERTI}"),
        (("case", CASE, "merge", "--into", CASE), "into itself"),
        (("case", CASE, "classify", "--requester", "king"), "'king' is not one of"),
        (("case", CASE, "classify", "--region", "Padania"), "'Padania' is not one of"),
        (("case", CASE, "note", "x", "--region", "Lazio"), "are for `classify`"),
        (("case", CASE, "split", "why"), "needs their places"),
        (("case", CASE, "split", "why", "--contacts", "1"), "nothing would be left"),
        (("case", CASE, "split", "why", "--contacts", "1,x"), "`x` is no place of a contact"),
        (("case", CASE, "split", "why", "--contacts", "-1"), "`-1` is no place of a contact"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(state: Path, words: tuple[str, ...], says: str) -> None:
    before = facts(state, CASE)
    code, said = centralino(state, *words)
    assert code in (1, 2)
    assert says in said
    assert facts(state, CASE) == before


def test_a_letter_is_taken_in_and_told_with_its_case(state: Path) -> None:
    of_whom = ("--entity", "protezione-civile", "--name", "Ana", "--mail", "ana@example.org", "--subject", "The dam")
    code, said = centralino(state, "take-in", "Will it hold?", "--channel", "letter", *of_whom)
    assert code == 0, said
    assert said.startswith(f"it stands with case {LETTERS}: nobody can say who it is; by "), said
    code, said = centralino(state, "case", LETTERS)
    assert code == 0, said
    assert "from        ana@example.org Ana" in said
    assert "letter: The dam (from Ana ana@example.org" in said
    assert "                  Will it hold?" in said
    code, said = centralino(state, "take-in", "And the bridge?", "--channel", "fax", "--entity", "x", "--into", CASE)
    assert (code, "there is no entity `x`" in said) == (1, True), said
    code, said = centralino(state, "take-in", "x", "--channel", "fax", "--number", "800840840", "--phone", "3331234567")
    assert (code, "the engine is not running" in said) == (1, True), "whose it is, only the engine knows"


def test_the_report_counts_the_cases_of_some_days_and_says_what_is_wrong_with_a_question(state: Path) -> None:
    code, said = centralino(state, "report", "cases", "--from", "2026-11-01", "--to", "2026-11-30")
    assert code == 0, said
    lines = [line.rstrip() for line in said.splitlines()]
    assert lines[:2] == [
        "Cases opened from 01/11/2026 to 30/11/2026: 1",
        "closed 0 (0.0 %), solved at the first level 0 (0.0 %)",
    ]
    assert "protezione-civile  1       100.0 %  0 (0.0 %)  0 (0.0 %)" in lines
    assert (
        "Cases opened from 01/10/2026 to 31/10/2026: 0"
        in centralino(state, "report", "cases", "--from", "2026-10-01", "--to", "2026-10-31")[1]
    )
    for wrong, told in (
        (("--from", "2026-11-31"), "`2026-11-31` is no day; write it as 2026-11-22"),
        (("--from", "2026-12-01", "--to", "2026-11-01"), "2026-12-01 is after 2026-11-01: no day is between them"),
        (("--entity", "comune-fiesola"), "there is no entity `comune-fiesola`; did you mean `comune-fiesole`?"),
        (("--number", "055056"), "there is no number `055056`"),
    ):
        code, said = centralino(state, "report", "cases", *wrong)
        assert (code, told in said) == (1, True), said


def test_who_asks_is_classified_in_any_case_of_letters_and_shown(state: Path) -> None:
    code, said = centralino(state, "case", CASE, "classify", "--requester", "institution", "--region", "emilia-romagna")
    assert code == 0, said
    code, said = centralino(state, "case", CASE)
    assert (code, "asked by    institution, Emilia-Romagna" in said) == (0, True), said
    assert (facts(state, CASE)["requester"], facts(state, CASE)["region"]) == ("institution", "Emilia-Romagna")


def test_a_letter_of_many_words_is_read_in_80_columns_and_split_off(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "Gentile Protezione Civile, " + "la diga di Campotosto perde acqua. " * 10 + "\n\nCordiali saluti"
    of = ("--number", "800840840", "--into", CASE, "--subject", "Diga " * 30, "--region", "Abruzzo")
    code, said = centralino(state, "take-in", words, "--channel", "mail", "--mail", "ana@example.org", *of)
    assert code == 0, said
    monkeypatch.setattr("centralino.printing.WIDTH_OF_A_FILE", 80)
    code, said = centralino(state, "case", CASE)
    lines = said.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line[18:21] for line in lines if line[18:19] == "["] == ["[1]", "[2]"]
    assert f"{'':18}Cordiali saluti" in lines
    assert "asked by    Abruzzo" in lines
    code, said = centralino(state, "case", CASE, "split", "another matter", "--contacts", "2")
    new = in_groups(case_number(FROM_SPLIT, 1))
    assert (code, f"what was split off is case {new}" in said) == (0, True), said
    code, said = centralino(state, "case", new)
    assert (code, "[1] mail: Diga" in said, f"split from {CASE}, by" in said) == (0, True, True), said
