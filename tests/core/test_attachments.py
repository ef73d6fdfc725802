"""Files that came with mails: listed with their case, taken out on record, and never what a stranger's name says."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cases.attachments import attachments_of
from cases.history import histories
from cases.state import CaseRefused
from cases.store import cases
from centralino.attachment_desk import AttachmentDesk
from centralino.case_desk import telling_of
from centralino.cli import app
from centralino.clock import as_utc
from centralino.database import database_url
from centralino.mail_addresses import MailAddress
from centralino.mail_desk import AroundMail, Envelope, MailDesk
from centralino.mail_files import make_folders, new_mail
from centralino.settings import Configuration, load
from console.words import Refuse, Run, meaning
from tests.mail_door import ANA, TRIBUTI, mail
from tests.records import House, opened_house

SHIPPED = Path(__file__).parents[2]
NAME = b"filename*=utf-8''..%2F..%2F.ssh%2Fid%E2%80%AE%0D%0A.pdf"  # it turns its own direction, and breaks the line
CONTENT = b"%PDF\0\xff" * 1_000


@pytest.fixture(scope="module")
def shipped() -> Configuration:
    return load(SHIPPED)


async def bring(house: House, configuration: Configuration, state: Path) -> MailDesk:
    """A mail with a file, to a house whose tables are there."""
    await house.projected()
    make_folders(state)
    around = AroundMail(
        lambda: configuration, lambda: as_utc(house.clock.now_s()), lambda now: telling_of(now, "s"), state
    )
    desk = MailDesk(house.database, around)
    letter = mail()
    letter.add_attachment(CONTENT, maintype="application", subtype="pdf", filename="x")
    path = new_mail(state)
    path.write_bytes(letter.as_bytes().replace(b'filename="x"', NAME))
    await desk.accept(path, Envelope(ANA, TRIBUTI, MailAddress("055055", "comune-firenze")))
    return desk


def desk_of(house: House, configuration: Configuration, state: Path) -> AttachmentDesk:
    return AttachmentDesk(house.database, lambda: configuration, lambda: as_utc(house.clock.now_s()), state)


async def test_a_file_is_kept_under_a_name_of_ours_for_its_owner_alone(
    house: House, shipped: Configuration, tmp_path: Path
) -> None:
    await bring(house, shipped, tmp_path)
    [case] = await cases(house.database)
    file, whole = await attachments_of(house.database, case.id)
    assert (file.name, file.content_type, whole.name) == ("../../.ssh/id.pdf", "application/pdf", "mail.eml")
    assert (file.size_bytes, file.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    kept = tmp_path / file.file
    assert kept.read_bytes() == CONTENT
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.parent == tmp_path / "attachments"
    assert kept.parent.parent.stat().st_mode & 0o777 == 0o700
    assert set(kept.name) <= set("0123456789abcdef-")


async def test_who_took_a_file_out_is_on_record(house: House, shipped: Configuration, tmp_path: Path) -> None:
    await bring(house, shipped, tmp_path)
    [case] = await cases(house.database)
    file, _ = await attachments_of(house.database, case.id)
    found, content = await desk_of(house, shipped, tmp_path).take_out(case.id, file.id, "capo", agent="a1001")
    assert (found, content) == (file, CONTENT)
    [event] = (await histories(house.database, [case.id]))[case.id]
    assert (event.act, event.by, event.about) == ("takes out", "a1001", f"attachment {file.id}")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda kept: kept.unlink(), "cannot be read"),
        (lambda kept: kept.write_bytes(b"other"), "no longer what it was"),
    ],
)
async def test_a_file_that_is_gone_or_changed_is_not_given_out(
    house: House, shipped: Configuration, tmp_path: Path, spoil: Callable[[Path], object], says: str
) -> None:
    await bring(house, shipped, tmp_path)
    [case] = await cases(house.database)
    file, _ = await attachments_of(house.database, case.id)
    spoil(tmp_path / file.file)
    with pytest.raises(CaseRefused, match=says):
        await desk_of(house, shipped, tmp_path).take_out(case.id, file.id, "capo")
    assert not (await histories(house.database, [case.id]))[case.id]


async def test_another_cases_file_and_another_offices_case_are_refused(
    house: House, shipped: Configuration, tmp_path: Path
) -> None:
    await bring(house, shipped, tmp_path)
    [case] = await cases(house.database)
    file, _ = await attachments_of(house.database, case.id)
    desk = desk_of(house, shipped, tmp_path)
    for number, id, office, says in (
        (case.id, 99, "", "no attachment 99"),
        ("10000016", file.id, "", "there is no case"),
        (case.id, file.id, "comune-firenze/sportello", "is not with"),
        (case.id, file.id, "nowhere/office", "there is no office"),
    ):
        with pytest.raises(CaseRefused, match=says):
            await desk.take_out(number, id, "capo", office=office)


def test_the_command_lists_files_and_takes_one_out_into_a_new_file(shipped: Configuration, tmp_path: Path) -> None:
    async def fill() -> str:
        async with opened_house(tmp_path, database_url("sqlite", tmp_path)) as house:
            await bring(house, shipped, tmp_path)
            [case] = await cases(house.database)
            return case.id

    case = asyncio.run(fill())

    def centralino(*words: str) -> tuple[int, str]:
        told = CliRunner().invoke(app, [*words, "--config", str(SHIPPED), "--state", str(tmp_path)])
        return told.exit_code, told.output or str(told.exception)

    code, said = centralino("case", case)
    assert code == 0
    assert "attachment  1  ../../.ssh/id.pdf (application/pdf, 6,000 bytes)" in said
    listed = json.loads(centralino("case", case, "--json")[1])["attachments"]
    assert [one["name"] for one in listed] == ["../../.ssh/id.pdf", "mail.eml"]
    to = tmp_path / "out.pdf"
    code, said = centralino("case", case, "attachment", "1", "--to", str(to))
    assert (code, to.read_bytes(), to.stat().st_mode & 0o777) == (0, CONTENT, 0o600), said
    assert "takes out attachment 1" in centralino("case", case)[1]
    code, said = centralino("case", case, "attachment", "9", "--to", str(tmp_path / "none"))
    assert (code, "no attachment 9" in said, (tmp_path / "none").exists()) == (1, True, False)
    assert centralino("case", case, "attachment", "1", "--to", str(to))[0] == 1, "nothing is overwritten"
    for words in (("attachment", "1"), ("attachment", "x", "--to", "y"), ("attachment",)):
        code, said = centralino("case", case, *words)
        assert (code, "attachment ID --to FILE" in said) == (1, True), said


def test_no_file_is_written_from_the_console() -> None:
    assert isinstance(meaning("case 1000 attachment 1 --to /etc/x"), Refuse)
    assert isinstance(meaning("case --agent a1 1000 attachment 1 --to /etc/x"), Refuse)
    assert isinstance(meaning("case 1000 note 'an attachment'"), Run)
