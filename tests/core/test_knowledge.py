"""Sheets as files: what they mean, each mistake in them, and how the database comes to have those in force."""

import asyncio
import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cases.sheets import Sheet
from cases.sheets_store import Question, keep_sheets
from centralino.cli import app
from centralino.database import database_url, open_database
from centralino.desk import DatabaseKnowledge
from centralino.forms.files import form_of
from centralino.forms.knowledge import SheetForm
from centralino.knowledge import Knowledge, SheetKeeper
from centralino.releases import Releases, difference
from centralino.settings import examine, load
from centralino.sheetchecks import SHEET_BYTES_MAX, read_sheets
from tests.records import House
from web.configuration import ChangeRefused

ROOT = Path(__file__).parents[2]
FIRST = "---\ntitle: Tassa sui rifiuti\nkind: service\nowner: Tributi\n"


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    """The one that ships, with topics, and one sheet of its own."""
    folder = tmp_path / "deployment"
    folder.mkdir()
    for name in ("queues.yaml", "agents.yaml", "entities.yaml", "centralino.yaml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "dialplans", folder / "dialplans")
    with (folder / "entities.yaml").open("a") as entities:
        entities.write("topics: [tari, imu]\n")
    write(folder, "tari", FIRST + "---\nSi paga.\n")
    return folder


def write(deployment: Path, name: str, content: str | bytes) -> None:
    path = deployment / "knowledge" / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def said(deployment: Path) -> list[str]:
    return [str(problem) for problem in examine(deployment)[1]]


def test_a_sheet_means_what_it_says(deployment: Path) -> None:
    more = """\
entity: comune-scandicci
topics: [tari]
language: en
valid_until: 2099-12-31
keywords: [waste]
address: Piazza 1
phones: ["+390557591"]
hours: {mon-wed: "08:30-12:30", thu: "08:30-12:30, 15:00-17:00", holidays: [IT, 06-24]}
"""
    write(
        deployment, "sub/waste", f"\ufeff{FIRST}{more}---\r\n\r\nSee [the tax](../tari.md#how) or <https://x.it>.\r\n"
    )
    assert said(deployment) == []
    assert read_sheets(deployment).usable()["waste"] == Sheet(
        id="waste",
        title="Tassa sui rifiuti",
        kind="service",
        owner="Tributi",
        body="See [the tax](../tari.md#how) or <https://x.it>.",
        entity="comune-scandicci",
        topics=("tari",),
        language="en",
        valid_until=date(2099, 12, 31),
        keywords=("waste",),
        address="Piazza 1",
        phones=("+390557591",),
        hours="mon-wed 08:30-12:30; thu 08:30-12:30, 15:00-17:00; holidays IT, 06-24",
    )


def test_a_deployment_needs_no_sheets(deployment: Path) -> None:
    shutil.rmtree(deployment / "knowledge")
    assert said(deployment) == []
    assert read_sheets(deployment).usable() == {}


MISTAKES = [
    ("titel: X\n---\nx", "5:1: unknown key `titel`\n    hint: did you mean `title`?"),
    ("entity: comune-firence\n---\nx", "5:9: entity `comune-firence` is not in entities.yaml"),
    ("topics: [imu, tary]\n---\nx", "5:15: topic `tary` is not among `topics` of entities.yaml"),
    ("valid_until: 2026-02-30\n---\nx", "5:14: `2026-02-30` is no day of the calendar"),
    ("language: italiano\n---\nx", "5:11: `italiano` is not a language"),
    ('phones: ["call us"]\n---\nx', "5:10: `call us` is no telephone number"),
    ('hours: {mon: "25:00-26:00"}\n---\nx', "5:14: "),
    ("topics: tari\n---\nx", "5:9: this must be a list"),
    ("---\n\n  \n", "7:3: the sheet says nothing"),
    ("title: Y\n---\nx", "5:1: `title` stands here twice"),
    ("x: [\n---\nx", "6:1: "),
    ("keywords: [a]\nx", "1:1: the table that begins here has no end"),
    ("---\nText.\nSee [it](imu.md) now", "7:10: there is no sheet `imu.md`\n    hint: did you mean `tari.md`?"),
    ("---\n[it](../knowledge/tary.md#a)", "6:6: there is no sheet `../knowledge/tary.md#a`"),
    ("---\n[it][1]\n\n[1]: tary.md", "8:6: there is no sheet `tary.md`\n    hint: did you mean `tari.md`?"),
    ("---\n![](map.png)", "6:5: there is no sheet `map.png`"),
]


@pytest.mark.parametrize(("text", "problem"), MISTAKES)
def test_a_mistake_in_a_sheet_is_told_at_its_place(deployment: Path, text: str, problem: str) -> None:
    write(deployment, "x", FIRST + text)
    [told] = said(deployment)
    assert told.startswith(f"knowledge/x.md:{problem}")
    assert examine(deployment)[0] is None
    assert load(deployment), "a sheet never keeps a call from being answered"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "1:1: the first line is not `---`"),
        ("# Title\n", "1:1: the first line is not `---`"),
        ("---\n---\nx", "1:1: the file is empty"),
        ("---\ntitle: X\nkind: novel\nowner: X\n---\nx", "3:7: `novel` is not "),
        ("---\ntitle: X\nkind: faq\n---\nx", "2:1: `owner` is missing"),
        ("---\nkind: faq\nowner: X\n---\nx", "2:1: `title` is missing"),
        (FIRST.encode() + b"---\nCitt\xe0\n", "6:5: the file is not UTF-8"),
        (FIRST + "---\nx\x07\n", "6:2: character U+0007"),
        (FIRST + "---\n" + "x" * SHEET_BYTES_MAX, "1:1: the file is too big (0.1 MB)\n    hint: at most 0.1 MB"),
    ],
)
def test_a_file_that_is_no_sheet_is_told(deployment: Path, content: str | bytes, problem: str) -> None:
    write(deployment, "x", content)
    [told] = said(deployment)
    assert told.startswith(f"knowledge/x.md:{problem}")


def test_all_mistakes_in_all_sheets_are_told_also_where_the_yaml_is_broken(deployment: Path) -> None:
    write(deployment, "x", "---\ntitel: X\nkind: faq\nowner: X\nentity: nowhere\n---\n[a](b.md)")
    write(deployment, "sub/tari", FIRST + "---\nx")
    write(deployment, "a b", FIRST + "---\nx")
    (deployment / "knowledge" / "notes.txt").write_text("x")
    (deployment / "knowledge" / ".hidden.md").write_text("x")
    (deployment / "queues.yaml").write_text("broken: [")
    assert [line for line in (problem.partition("\n")[0] for problem in said(deployment)) if "knowledge" in line] == [
        "knowledge/a b.md:1:1: `a b` is no name for a sheet",
        "knowledge/notes.txt:1:1: this file is not read",
        "knowledge/tari.md:1:1: `tari` is the name of another sheet too",
        "knowledge/x.md:2:1: `title` is missing",
        "knowledge/x.md:2:1: unknown key `titel`",
        "knowledge/x.md:5:9: entity `nowhere` is not in entities.yaml",
        "knowledge/x.md:7:5: there is no sheet `b.md`",
    ]


def test_what_stands_in_code_is_no_link(deployment: Path) -> None:
    write(deployment, "x", FIRST + "---\n`[a](b.md)`\n```\n[a](b.md)\n```\n[mail](mailto:a@b.it) [top](#top)\n")
    assert said(deployment) == []


def test_a_sheet_out_of_date_is_a_warning_with_its_owner(deployment: Path) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=2)
    write(deployment, "x", f"{FIRST}valid_until: {yesterday}\n---\nx")
    [told] = said(deployment)
    assert told.startswith(f"knowledge/x.md:5:14: warning: this sheet was valid until {yesterday}\n    hint: Tributi ")
    assert examine(deployment)[0], "it can be loaded all the same"


def test_sheets_go_into_a_release_and_their_changes_are_shown(deployment: Path, tmp_path: Path) -> None:
    releases = Releases(tmp_path / "configurations")
    (tmp_path / "configurations").mkdir()
    first = releases.put_in_force(deployment, "ana")
    assert list(read_sheets(first.folder).usable()) == ["tari"]
    write(deployment, "tari", FIRST + "---\nSi paga a rate.\n")
    assert "-Si paga.\n+Si paga a rate.\n" in difference(first.folder, deployment)
    second = releases.put_in_force(deployment, "ana")
    assert second.number == 2
    assert read_sheets(first.folder).usable()["tari"].body == "Si paga."


def test_the_form_of_a_file_in_the_folder_is_that_of_sheets() -> None:
    assert form_of("knowledge/x.md") is SheetForm


def test_a_sheet_on_the_page_on_knowledge_is_right(deployment: Path) -> None:
    page = (ROOT / "docs" / "knowledge.md").read_text()
    example = page.partition("```markdown\n")[2].partition("```")[0]
    write(deployment, "carta-identita", example)
    write(deployment, "anagrafe", FIRST + "---\nx")
    (deployment / "entities.yaml").write_text((ROOT / "entities.yaml").read_text())
    assert said(deployment) == []
    for key in SheetForm.model_fields:
        assert f"`{key}`" in page


# --- in force


async def test_the_sheets_in_force_come_into_the_database_and_broken_ones_do_not(
    house: House, deployment: Path, tmp_path: Path
) -> None:
    await house.database.upgrade()
    folder = tmp_path / "configurations"
    folder.mkdir()
    keeper, releases = SheetKeeper(house.database, folder), Releases(folder)
    configuration = load(deployment)
    base = Knowledge(house.database, lambda: configuration, lambda: date(2026, 11, 23))
    shelf = DatabaseKnowledge(base)
    await keeper.look()
    write(deployment, "broken", "# no table")
    write(deployment, "old", f"{FIRST.replace('Tassa sui rifiuti', 'Vecchia')}valid_until: 2026-11-22\n---\nx")
    releases.put_in_force(deployment, "ana")
    await keeper.look()
    [found] = await shelf.search("rifiuto", "comune-firenze", "", 5)
    assert (found["id"], found["outdated"], found["snippet"]) == ("tari", False, "Si paga.")
    assert "body" not in found
    sheet = await shelf.sheet("tari")
    assert sheet
    assert sheet["body"] == "Si paga."
    assert [one["id"] for one in await shelf.outdated()] == ["old"]
    with pytest.raises(ChangeRefused, match="there is no entity `comune-firence`"):
        await shelf.search("rifiuto", "comune-firence", "", 5)
    (deployment / "knowledge" / "tari.md").unlink()
    await keeper.look()
    assert await base.sheet("tari"), "what is edited has no effect until it is in force"
    releases.put_in_force(deployment, "ana")
    await keeper.look()
    assert await base.sheet("tari") is None
    assert await base.search(Question("rifiuto")) == ()


# --- commands


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """An installation that has the sheets that ship, and an old one."""

    async def fill() -> None:
        database = open_database(database_url("sqlite", tmp_path))
        await database.upgrade()
        old = Sheet("old", "Vecchia", "faq", "Tributi", "La vecchia tassa.", valid_until=date(2020, 1, 1))
        await keep_sheets(database, [*read_sheets(ROOT).usable().values(), old])
        await database.close()

    asyncio.run(fill())
    return tmp_path


def centralino(state: Path, *words: str) -> tuple[int, str]:
    told = CliRunner().invoke(app, [*words, "--config", str(ROOT), "--state", str(state)], env={"COLUMNS": "200"})
    return told.exit_code, told.output or str(told.exception)


def as_json(state: Path, *words: str) -> Any:
    code, told = centralino(state, *words, "--json")
    assert code == 0, told
    return json.loads(told)


def test_sheets_are_searched_read_and_reported_at_the_command_line(state: Path) -> None:
    code, told = centralino(state, "knowledge", "search", "smarrimenti", "documento")
    assert (code, told.splitlines()[0]) == (0, "carta-identita: Carta d'identità elettronica (service)")
    assert "la **tassa**" in centralino(state, "knowledge", "search", "tasse")[1].lower()
    assert "(faq; OUT OF DATE)" in centralino(state, "knowledge", "search", "vecchie")[1]
    assert centralino(state, "knowledge", "search", "zanzare") == (0, "No sheet has these words in it.\n")
    code, told = centralino(state, "knowledge", "show", "anagrafe-scandicci")
    assert code == 0
    assert "hours       mon-fri 08:30-12:30; holidays IT" in told.splitlines()
    assert centralino(state, "knowledge", "outdated") == (0, "Tributi:\n  old: Vecchia (valid until 2020-01-01)\n")
    for_scandicci = as_json(state, "knowledge", "search", "orario", "anagrafe", "--entity", "comune-firenze")
    assert "anagrafe-scandicci" not in {one["id"] for one in for_scandicci}
    assert as_json(state, "knowledge", "show", "old")["outdated"] is True
    assert [one["owner"] for one in as_json(state, "knowledge", "outdated")] == ["Tributi"]
    assert [one["id"] for one in as_json(state, "knowledge", "search", "terremoti", "--kind", "faq")] == ["terremoto"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "nobody"), "there is no sheet `nobody`"),
        (("search", "?"), "there is no word to look for"),
        (("search", "x", "--entity", "comune-firence"), "did you mean `comune-firenze`?"),
    ],
)
def test_what_cannot_be_looked_for_is_said(state: Path, words: tuple[str, ...], says: str) -> None:
    code, told = centralino(state, "knowledge", *words)
    assert (code, says in told) == (1, True), told
