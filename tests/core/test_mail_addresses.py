"""The addresses that take mail in, as an admin writes them: what is wrong is told at its place, with its cure."""

import shutil
from pathlib import Path

import pytest

from centralino.mail_addresses import MailAddress
from centralino.settings import examine, load, needs_a_start

SHIPPED = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("centralino.yaml", "queues.yaml", "agents.yaml", "entities.yaml"):
        shutil.copy(SHIPPED / name, tmp_path)
    for name in ("dialplans", "knowledge"):
        shutil.copytree(SHIPPED / name, tmp_path / name)
    return tmp_path


def change(folder: Path, old: str, new: str) -> None:
    file = folder / "centralino.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_an_address_says_for_which_number_and_entity_its_mail_is(folder: Path) -> None:
    change(folder, "    tributi@comune.example", "    Tributi@Comune.example")
    change(folder, '  listen: "127.0.0.1:2525"', '  listen: "127.0.0.1:2526"\n  largest: 7MB')
    settings = load(folder).settings
    assert settings.mail_in.addresses == {
        "contatti@comune.example": MailAddress("055055"),
        "tributi@comune.example": MailAddress("055055", "comune-firenze"),
    }
    assert (settings.mail_in.size_bytes_max, settings.mail_port) == (7_000_000, 2526)


def test_where_mail_is_taken_in_changes_only_with_a_start_and_for_whom_with_a_reload(folder: Path) -> None:
    before = load(folder)
    change(folder, "tributi@comune.example", "tasse@comune.example")
    assert not needs_a_start(before, load(folder))
    change(folder, "127.0.0.1:2525", "127.0.0.1:2526")
    assert "mail port" in needs_a_start(before, load(folder))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("tributi@comune.example", "tributi", "`tributi` is no mail address"),
        ("tributi@comune.example", "Contatti@comune.example", "is there twice"),
        ('{number: "055055", entity: comune-firenze}', "{entity: comune-firenze}", "`number` is missing"),
        ("entity: comune-firenze", "entity: comune-firenza", "did you mean `comune-firenze`?"),
        ("entity: comune-firenze", "entity: comune-milano", "`055055` is no number of comune-milano"),
        ('number: "055055", entity', 'number: "055056", entity', "number `055056` is not in any dialplan"),
        ("  addresses:", "  largest: 500MB\n  addresses:", "`500MB` is no size of a mail"),
        ("  addresses:", "  largest: 0MB\n  addresses:", "`0MB` is no size of a mail"),
    ],
)
def test_what_is_wrong_with_an_address_is_told(folder: Path, old: str, new: str, says: str) -> None:
    change(folder, old, new)
    configuration, problems = examine(folder)
    assert configuration is None
    told = "\n".join(map(str, problems))
    assert says in told, told
    assert told.startswith("centralino.yaml:")
