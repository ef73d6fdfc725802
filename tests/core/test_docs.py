"""What the documents say is held to what is true."""

import re
import shutil
from pathlib import Path

from acd.rules import Recording
from asterisk.carrier import EMERGENCY_NUMBERS
from cases import messages
from cases.clocks import InDays
from cases.state import Act
from centralino.forms.settings import CarrierForm, OutgoingForm, TlsForm
from centralino.meanings import PublicPages
from centralino.settings import examine, load
from docs import states
from tests.certificates import made_certificate

ROOT = Path(__file__).parents[2]
CARRIERS = ROOT / "docs" / "carriers.md"
DEPLOYMENT = ("centralino.yaml", "queues.yaml", "agents.yaml", "entities.yaml")


def test_the_pictures_of_the_states_are_drawn_from_the_tables() -> None:
    page = states.PAGE.read_text()
    assert states.page_with(page, states.drawn()) == page, "run: python -m docs.states"


def test_the_readmes_dialplan_works_in_the_deployment_that_ships(tmp_path: Path) -> None:
    for file in DEPLOYMENT:
        shutil.copy(ROOT / file, tmp_path)
    shutil.copytree(ROOT / "dialplans", tmp_path / "dialplans")
    example = re.search(r"```yaml\n(# (dialplans/.*?\.yaml)\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert example is not None
    (tmp_path / example[2]).write_text(example[1])
    assert examine(tmp_path)[1] == ()
    assert "055800" in load(tmp_path).dialplans


def test_the_line_on_recording_works_in_a_queue(tmp_path: Path) -> None:
    line = re.search(r"```yaml\n(recording: .*)\n```", (ROOT / "docs/recording.md").read_text())
    assert line is not None
    for file in DEPLOYMENT:
        shutil.copy(ROOT / file, tmp_path)
    shutil.copytree(ROOT / "dialplans", tmp_path / "dialplans")
    queues = tmp_path / "queues.yaml"
    queues.write_text(queues.read_text().replace("  anagrafe:\n", f"  anagrafe:\n    {line[1]}\n", 1))
    assert examine(tmp_path)[1] == ()
    assert load(tmp_path).rules.queues["anagrafe"].recording == Recording("3", 30 * 86_400.0)


def test_the_pages_for_citizens_work_as_their_page_says(tmp_path: Path) -> None:
    example = re.search(
        r"```yaml\n(# centralino.yaml\npublic:\n.*?)```", (ROOT / "docs/public.md").read_text(), re.DOTALL
    )
    assert example is not None
    for file in DEPLOYMENT:
        shutil.copy(ROOT / file, tmp_path)
    shutil.copytree(ROOT / "dialplans", tmp_path / "dialplans")
    settings = tmp_path / "centralino.yaml"
    settings.write_text(settings.read_text() + example[1])
    assert examine(tmp_path)[1] == ()
    public = load(tmp_path).settings.public
    assert public == PublicPages(
        "contatti.comune.example", "https://www.comune.example/privacy", ("comune-scandicci", "comune-firenze")
    )


def test_the_offices_of_the_page_on_the_second_level_work(tmp_path: Path) -> None:
    example = re.search(r"```yaml\nentities:\n(.*?)```", (ROOT / "docs/second-level.md").read_text(), re.DOTALL)
    assert example is not None
    for file in DEPLOYMENT:
        shutil.copy(ROOT / file, tmp_path)
    shutil.copytree(ROOT / "dialplans", tmp_path / "dialplans")
    entities = tmp_path / "entities.yaml"
    shipped = re.sub(r"  comune-firenze:\n(    .*\n)+", lambda _: example[1], entities.read_text())
    entities.write_text(shipped)
    assert examine(tmp_path)[1] == ()
    assert load(tmp_path).entities.offices()["comune-firenze/anagrafe"].phone == "+390557591"


def test_the_promises_of_the_page_on_cases_work(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(promises:\n.*?)```", (ROOT / "docs/cases.md").read_text(), re.DOTALL)
    assert example is not None
    for file in DEPLOYMENT:
        shutil.copy(ROOT / file, tmp_path)
    shutil.copytree(ROOT / "dialplans", tmp_path / "dialplans")
    entities = tmp_path / "entities.yaml"
    entities.write_text(example[1] + entities.read_text())
    assert examine(tmp_path)[1] == ()
    assert [promise.term for promise in load(tmp_path).entities.entities["comune-firenze"].promises] == [
        InDays(40),
        InDays(40),
        InDays(20, working=True),
        InDays(7),
        InDays(0),
    ]


def test_the_table_of_acts_on_the_page_on_cases_is_whole() -> None:
    table = re.findall(r"^\| (`.*?) \|", (ROOT / "docs/cases.md").read_text(), re.MULTILINE)
    named = {act for row in table for act in re.findall(r"`([a-z-]+)(?: --\w+)?`", row)}
    assert {act.replace(" ", "-") for act in (*Act, *messages.Act)} <= named


def test_the_deployment_that_ships_has_no_problem() -> None:
    assert examine(ROOT)[1] == ()


def test_the_map_in_the_readme_names_folders_that_exist() -> None:
    for folder in re.findall(r"`([a-z]+)/`", (ROOT / "README.md").read_text()):
        assert (ROOT / folder).is_dir(), folder


def test_each_row_of_the_page_on_troubles_names_tests_that_exist() -> None:
    rows = (ROOT / "docs/pains.md").read_text().partition("|---|")[2].splitlines()[1:]
    assert len(rows) == 22
    for row in rows:
        named = re.findall(r"`(\w+/test_\w+\.py)::(test_\w+)`", row)
        assert len(named) == row.count("::") > 0, row
        for file, test in named:
            text = (ROOT / "tests" / file).read_text()
            assert re.search(rf"^(async )?def {test}\(", text, re.MULTILINE), f"{file}::{test}"


def test_the_examples_of_the_page_on_carriers_work(tmp_path: Path) -> None:
    by_address, by_registration, outgoing = re.findall(r"```yaml\n(.*?)```", CARRIERS.read_text(), re.DOTALL)
    made_certificate(tmp_path / "tls")
    shipped = (ROOT / "centralino.yaml").read_text()
    bare = re.sub("^carrier:.*\n", "", shipped, flags=re.MULTILINE)
    assert bare != shipped
    with_files = by_address.replace("/etc/centralino/", f"{tmp_path}/tls/") + outgoing
    for name in DEPLOYMENT:
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "dialplans", tmp_path / "dialplans")
    for text in (bare + with_files, bare + by_registration):
        (tmp_path / "centralino.yaml").write_text(text)
        assert examine(tmp_path)[1] == ()
        assert load(tmp_path).settings.outgoing.carriers


def test_the_page_on_carriers_names_each_key_and_each_emergency_number() -> None:
    page = CARRIERS.read_text()
    forms = (CarrierForm, TlsForm, OutgoingForm)
    keys = {info.alias or name for form in forms for name, info in form.model_fields.items()}
    assert [key for key in keys if f"`{key}`" not in page and f"{key}:" not in page] == []
    assert [number for number in EMERGENCY_NUMBERS if number not in page] == []
