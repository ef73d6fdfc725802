"""What waits in the outbox at the command line, and what centralino.yaml says of mail and SMS."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cases import outbox
from cases.outbox import Outgoing, Way
from centralino.cli import app
from centralino.database import database_url, open_database
from centralino.mail_settings import Sms, Tls
from centralino.settings import BrokenConfiguration, Configuration, load
from tests.core.test_settings import SMALL

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
A_MAIL = Outgoing(channel=Way.MAIL, to="ana@example.org", subject="La sua pratica", words="…", at=AT)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """An installation with a mail that waits, one that failed, and one that was sent."""

    async def fill() -> None:
        database = open_database(database_url("sqlite", tmp_path))
        await database.upgrade()
        async with database.writing() as connection:
            for _ in range(3):
                await outbox.put(connection, A_MAIL)
        _, second, third = await outbox.waiting(database)
        await outbox.give_up(database, second, AT, "550 no such user")
        await outbox.mark_sent(database, third, AT)
        await database.close()

    asyncio.run(fill())
    return tmp_path


def centralino(state: Path, *words: str) -> tuple[int, str]:
    told = CliRunner().invoke(app, [*words, "--config", str(ROOT), "--state", str(state)], env={"COLUMNS": "200"})
    return told.exit_code, told.output or str(told.exception)


def test_what_waits_and_what_failed_is_listed_and_tried_again(state: Path) -> None:
    code, said = centralino(state, "outbox")
    assert code == 0, said
    waits, failed = said.splitlines()[1:]
    assert waits.split()[:3] == ["1", "mail", "ana@example.org"]
    for words in ("never", "550 no such user"):
        assert words in failed
    assert [one["id"] for one in json.loads(centralino(state, "outbox", "--json")[1])] == [1, 2]
    assert centralino(state, "outbox", "again", "2") == (0, "message 2 is tried again\n")
    assert "never" not in centralino(state, "outbox")[1]
    code, said = centralino(state, "outbox", "again", "3")
    assert (code, "was sent already" in said) == (1, True)


def with_settings(folder: Path, more: str) -> Configuration:
    (folder / "dialplans").mkdir()
    for name, text in SMALL.items():
        (folder / name).write_text(text + (more if name == "centralino.yaml" else ""))
    return load(folder)


def test_the_relay_and_the_gateway_stand_in_centralino_yaml(tmp_path: Path) -> None:
    said = (
        'mail: {from: "Prova <prova@example.org>", relay: "r.example:465", tls: from_the_start, user: u, secret: R}\n'
    )
    settings = with_settings(tmp_path, said + 'sms: {url: "https://gateway.example/sms", secret: S}\n').settings
    mail = settings.mail
    assert (str(mail.sender), mail.relay_host, mail.relay_port) == ("Prova <prova@example.org>", "r.example", 465)
    assert (mail.tls, mail.user, mail.secret) == (Tls.FROM_THE_START, "u", "R")
    assert settings.sms == Sms("https://gateway.example/sms", "S")


def test_a_deployment_that_says_nothing_of_mail_has_no_relay() -> None:
    settings = load(ROOT).settings
    assert (settings.mail.relay_host, settings.mail.tls, settings.sms.url) == ("", Tls.STARTTLS, "")


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ('mail: {relay: "r.example:25"}', "add `from:"),
        ('mail: {from: "a@example.org", relay: r.example}', "relay.comune.example:587"),
        ('mail: {from: "a@example.org", relay: "r.example:0"}', "from 1 to 65535"),
        ('mail: {from: "nobody"}', "contatti@comune.example"),
        ('mail: {from: "a@example.org>\\r\\nBcc: <b@example.org"}', "contatti@comune.example"),
        ('mail: {from: "a@example.org", tls: none}', "add `relay:"),
        ('mail: {from: "a@example.org", relay: "r.example:25", user: u}', "add `secret`"),
        ('mail: {from: "a@example.org", relay: "r.example:25", secret: S}', "add `user`"),
        ('mail: {from: "a@example.org", relay: "r.example:25", user: u, secret: S, tls: none}', "starttls"),
        ('sms: {url: "http://gateway.example/sms"}', "https://"),
        ('sms: {url: "https://user:password@gateway.example/sms"}', "https://"),
        ('sms: {secret: S}', ""),
    ],
)  # fmt: skip
def test_a_mistake_in_mail_or_sms_names_its_place_and_its_cure(tmp_path: Path, said: str, hint: str) -> None:
    with pytest.raises(BrokenConfiguration) as broken:
        with_settings(tmp_path, f"{said}\n")
    [problem] = broken.value.problems
    assert (problem.file, problem.line) == ("centralino.yaml", len(SMALL["centralino.yaml"].splitlines()) + 1)
    assert hint in problem.hint


def test_a_relay_on_this_machine_may_be_met_without_tls(tmp_path: Path) -> None:
    said = 'mail: {from: "a@example.org", relay: "127.0.0.1:25", user: u, secret: S, tls: none}\n'
    assert with_settings(tmp_path, said).settings.mail.tls is Tls.NONE
